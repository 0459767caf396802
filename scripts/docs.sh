#!/usr/bin/env bash
# Write the reference of the public functions, made from their docstrings, to results/api/.
set -euo pipefail
extra_requirements=requirements-test.txt
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/setup.sh"
exec "$python" "$root/scripts/docs.py" "$@"
