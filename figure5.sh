#!/usr/bin/env bash
# Figure 5: compute, save to results/figure5/, draw (--quick, --draw-only, --palette, …: ./figure5.sh --help).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure5 "$@"
