#!/usr/bin/env bash
# Train all networks; those in tmp_net/ that were trained by their recipe are left alone (--force trains them again).
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.train all "$@"
