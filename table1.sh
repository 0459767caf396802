#!/usr/bin/env bash
# Table 1: twelve systems on five datasets (--quick: 200 images, 2 seeds). Stop it at any moment; it goes on from there.
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.table1 "$@"
