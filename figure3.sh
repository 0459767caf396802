#!/usr/bin/env bash
# Figure 3: compute, save to results/figure3/, draw (--quick, --draw-only, --palette, …: ./figure3.sh --help).
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure3 "$@"
