#!/usr/bin/env bash
# Figure 4: compute, save to results/figure4/, draw (--quick, --draw-only, --palette, …: ./figure4.sh --help).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure4 "$@"
