#!/usr/bin/env bash
# Figure 5: compute, save to results/figure5/, draw (--quick, --draw-only, --palette, …: ./figure5.sh --help).
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure5 "$@"
