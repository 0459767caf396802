"""The command ``python -m dasbe.experiments.figure2``."""

from dasbe.experiments.options import figure_options
from dasbe.support.cli import run_command
from dasbe.support.published import IMAGES_TABLE

INDEX = 14


def main() -> None:
    options = figure_options(
        "figure2",
        "One image in detail (paper, Figure 2), and how robust binding is.",
        index=(INDEX, IMAGES_TABLE, "image of shapes/train_multi"),
    )

    from dasbe.experiments.arrays.figure2 import compute
    from dasbe.experiments.figures import run_figure
    from dasbe.plotting.figure2 import figures

    run_figure("figure2", options, compute, figures)


if __name__ == "__main__":
    run_command(main)
