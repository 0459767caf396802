#!/usr/bin/env bash
# Make all dataset files in tmp_data/ (--mnist DIR: where the MNIST files are); complete files are left alone.
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.datasets all "$@"
