"""The command ``python -m dasbe.experiments.figure3``."""

from dasbe.experiments.options import figure_options
from dasbe.support.cli import run_command


def main() -> None:
    options = figure_options("figure3", "Synchrony, rate and clustering scores on all datasets (paper, Figure 3).")

    from dasbe.experiments.arrays.figure3 import compute
    from dasbe.experiments.figures import run_figure
    from dasbe.plotting.figure3 import figures

    run_figure("figure3", options, compute, figures)


if __name__ == "__main__":
    run_command(main)
