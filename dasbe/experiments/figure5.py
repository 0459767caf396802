"""The command ``python -m dasbe.experiments.figure5``."""

from dasbe.datasets.catalogue import DATASETS
from dasbe.experiments.options import figure_options
from dasbe.support.cli import run_command

DATASET, INDEX = "moving_shapes_3", 267


def main() -> None:
    index = (INDEX, DATASETS[DATASET].sizes["multi"], f"sequence of {DATASET}/train_multi")
    options = figure_options("figure5", "Binding objects that move (paper, Figure 5).", index=index)

    from dasbe.experiments.arrays.figure5 import compute
    from dasbe.experiments.figures import run_figure
    from dasbe.plotting.figure5 import animate, figures

    run_figure("figure5", options, compute, figures, animate)


if __name__ == "__main__":
    run_command(main)
