#!/usr/bin/env bash
# Run the tests; options go to pytest. The slow scientific checks: scripts/test.sh -m slow
set -euo pipefail
extra_requirements=requirements-test.txt
. "$(dirname "${BASH_SOURCE[0]}")/setup.sh"
cd "$root"
exec "$python" -m pytest --quiet --no-header "$@"
