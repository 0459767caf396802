#!/usr/bin/env bash
# Bind one image and draw how its objects separate in time. Options: ./dasbe_example.sh --help
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" "$root/dasbe_example.py" "$@"
