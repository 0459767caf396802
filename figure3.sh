#!/usr/bin/env bash
# Figure 3: compute, save to results/figure3/, draw (--quick, --draw-only, --palette, …: ./figure3.sh --help).
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/scripts/setup.sh"
exec "$python" -m dasbe.experiments.figure3 "$@"
