#!/usr/bin/env bash
# Check style and types and run the tests; options go to pytest, with which only the tests are run.
#
#   scripts/test.sh            everything but the slow scientific checks: four to five minutes on two cores
#   scripts/test.sh -m quick   the core, for daily work: under half a minute
#   scripts/test.sh -m slow    the slow scientific checks
#
# Files of tests run side by side, in a process for each core, up to eight; with -n 0 all run in one.
set -euo pipefail
extra_requirements=requirements-test.txt
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/setup.sh"
cd "$root"
if [[ $# -eq 0 ]]; then
    "$python" -m ruff check --quiet
    "$python" -m ruff format --check --quiet
    "$python" -m mypy
fi
side_by_side=(--numprocesses auto --maxprocesses 8 --dist loadfile --no-loadscope-reorder)
exec "$python" -m pytest --quiet --no-header "${side_by_side[@]}" "$@"
