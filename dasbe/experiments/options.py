"""The options that the commands of all figures share."""

import argparse

from dasbe.cli import Parser, given_apart
from dasbe.commands import called
from dasbe.palettes import PALETTES
from dasbe.paths import results_folder, writable


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
