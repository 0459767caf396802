#!/usr/bin/env bash
# Check style and types and run the tests; options go to pytest, with which only the tests are run.
#
#   scripts/test.sh            everything but the slow scientific checks
#   scripts/test.sh -m quick   for daily work, under a minute
#   scripts/test.sh -m slow    the slow scientific checks
set -euo pipefail
extra_requirements=requirements-test.txt
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/setup.sh"
cd "$root"
if [[ $# -eq 0 ]]; then
    "$python" -m ruff check --quiet
    "$python" -m ruff format --check --quiet
    "$python" -m mypy
fi
exec "$python" -m pytest --quiet --no-header --numprocesses auto --dist loadfile --no-loadscope-reorder "$@"
