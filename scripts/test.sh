#!/usr/bin/env bash
# Check style and types and run the tests; options go to pytest, with which only the tests are run.
#
#   scripts/test.sh            everything but the slow scientific checks: five to ten minutes on two cores
#   scripts/test.sh -m quick   the core, for daily work: under half a minute
#   scripts/test.sh -m slow    the slow scientific checks
#   scripts/test.sh --lowest   where dasbe meets other packages, with the lowest versions that pyproject.toml allows,
#   scripts/test.sh --newest   and with the newest of today: five minutes each. They have environments of their own, such
#                              as .venv-lowest-3.10/, by the oldest Python there is, or by python3; or by PYTHON
#
# Files of tests run side by side, in a process for each core, up to eight; with -n 0 all run in one.
set -euo pipefail
extra_requirements=requirements-test.txt
versions=
case ${1:-} in
    --lowest | --newest)
        versions=${1#--}
        shift
        (($#)) || set -- tests/test_{training,evaluate,installed,datasets,systems,storage,own_data,user_modules}.py \
            tests/test_{metrics,readout,runs,style,compiled,parallel}.py tests/test_figures.py::test_figure3
        ;;
esac
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/setup.sh"
cd "$root"
if [[ $# -eq 0 ]]; then
    "$python" -m ruff check --quiet
    "$python" -m ruff format --check --quiet
    "$python" -m mypy
fi
side_by_side=(--numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder)
exec "$python" -m pytest --quiet --no-header "${side_by_side[@]}" "$@"
