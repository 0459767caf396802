#!/usr/bin/env bash
# Make all dataset files in tmp_data/; files that are complete are left alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
exec "$python" -m dasbe.datasets "${@:-all}"
