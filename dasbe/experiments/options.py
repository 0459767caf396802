"""The options that several commands share."""

import argparse
from typing import Any, NamedTuple

from dasbe.datasets.catalogue import DATASETS, TABLE_DATASETS, settings_of
from dasbe.support.cli import MOST_WORKERS, Parser, given_apart, given_once
from dasbe.support.commands import called
from dasbe.support.palettes import PALETTES
from dasbe.support.paths import results_folder, writable
from dasbe.support.published import IMAGES_TABLE


class FigureDefaults(NamedTuple):
    """What a figure shows unless its command, or its `compute`, is told otherwise.

    Attributes
    ----------
    seed : int
        Default of ``--seed``.
    index : int or None
        Default of ``--index``; None for a figure that shows many images.
    choices : int
        How many there are to choose from.
    of : str
        What they are, for ``--help``.
    """

    seed: int = 111
    index: Any = None  # Any, not int | None: it is the default of arguments that are int
    choices: int = 0
    of: str = ""


FIGURES = {
    "figure2": FigureDefaults(index=14, choices=IMAGES_TABLE, of="image of shapes/train_multi"),
    "figure3": FigureDefaults(),
    # of ten seeds tried, this image was bound well by eight (AMI 82 to 97 %), badly by two
    "figure4": FigureDefaults(seed=444, index=1109, choices=IMAGES_TABLE, of="image of shapes/train_multi"),
    "figure5": FigureDefaults(
        index=267, choices=DATASETS["moving_shapes_3"].sizes["multi"], of="sequence of moving_shapes_3/train_multi"
    ),
}


def figure_options(
    name: str, description: str, *, seed: int = 111, index: tuple[int, int, str] | None = None
) -> argparse.Namespace:
    """What the user wants of the command ``python -m dasbe.experiments.NAME``.

    Parameters
    ----------
    name : str
        ``figure2`` …
    description : str
        For ``--help``.
    seed : int
        Default of ``--seed``.
    index : (int, int, str), optional
        Default of ``--index``, how many there are, and of what.
    """
    parser = Parser(called(name), description)
    parser.add_seed(None, f"default: {seed}")
    if index is not None:
        first, count, what = index
        parser.add_whole_number("--index", None, f"{what}, 0 to {count - 1} (default: {first})", 0, count - 1)
    parser.add_argument("--quick", action="store_true", help="less of everything, for a first look")
    parser.add_argument("--draw-only", action="store_true", help="draw again from the saved arrays")
    parser.add_argument("--palette", choices=PALETTES, default="published", help="default: %(default)s")
    parser.add_folder("--out", f"default: results/{name} (with --quick: {name}_quick)")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--draw-only", "--seed", *(("--index",) if index else ()))
    options.seed = seed if options.seed is None else options.seed
    if index is not None:
        options.index = first if options.index is None else options.index
    if options.out is None:
        options.out = results_folder() / (f"{name}_quick" if options.quick else name)
    writable(options.out, "--out DIR")
    return options


def comparison_options(name: str, description: str) -> argparse.Namespace:
    """What the user wants of the command ``python -m dasbe.experiments.NAME``, which compares variants of systems.

    Parameters
    ----------
    name : str
        ``ablation`` or ``compute``.
    description : str
        For ``--help``.
    """
    parser = Parser(called(name), description)
    parser.add_text("--datasets", f"default: {' '.join(TABLE_DATASETS)}", list(TABLE_DATASETS), nargs="+")
    parser.add_whole_number("--start", 5000, "first image, of test (default: %(default)s)", 0)
    parser.add_whole_number("--images", 250, "of each dataset (default: %(default)s)")
    parser.add_seed(111)
    parser.add_whole_number("--workers", 1, "processes (default: one, with all its threads)", 1, MOST_WORKERS)
    parser.add_folder("--out", f"default: results/{name}", results_folder() / name)
    parser.add_device()
    options = parser.parse_args()
    given_once("--datasets", options.datasets)
    for dataset in options.datasets:
        settings_of(dataset)
    writable(options.out, "--out DIR")
    return options
