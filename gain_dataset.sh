#!/usr/bin/env bash
# Make all dataset files in tmp_data/ (--mnist DIR: where the MNIST files are); complete files are left alone.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
exec "$python" -m dasbe.datasets all "$@"
