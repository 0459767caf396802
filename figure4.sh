#!/usr/bin/env bash
# Figure 4: compute, save to results/figure4/, draw (--quick, --draw-only, --palette, …: ./figure4.sh --help).
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure4 "$@"
