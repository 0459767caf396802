#!/usr/bin/env bash
# Figure 2: compute, save to results/figure2/, draw (--quick, --draw-only, --palette, …: ./figure2.sh --help).
set -euo pipefail
. "$(dirname "$(realpath "$0" 2>/dev/null || echo "$0")")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure2 "$@"
