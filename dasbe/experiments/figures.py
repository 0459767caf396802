"""What the commands of all figures do: arrays are computed and saved, and pictures drawn.

Each command computes, saves ``results/figureN/arrays.npz`` with how it was made, reads
that file again, and draws from it; ``--draw-only`` leaves out the first two.
"""

import argparse
from collections.abc import Callable
from pathlib import Path

from dasbe.plotting.style import Figure, save_figure
from dasbe.support import checks
from dasbe.support.commands import typed
from dasbe.support.paths import readable, results_folder
from dasbe.support.provenance import provenance
from dasbe.support.storage import Arrays, load_arrays, save_arrays


def run_figure(
    name: str,
    options: argparse.Namespace,
    compute: Callable[[argparse.Namespace], Arrays],
    draw: Callable[[Arrays, str], dict[str, Figure]],
    animate: Callable[[Arrays, str, Path], list[Path]] | None = None,
) -> None:
    """What the command ``python -m dasbe.experiments.NAME`` does.

    Parameters
    ----------
    name : str
        ``figure2`` …
    options : argparse.Namespace
        Of :func:`dasbe.experiments.options.figure_options`.
    compute : callable
        Options → arrays.
    draw : callable
        Arrays and name of a palette → figures by file name.
    animate : callable
        Arrays, palette and folder → further files it wrote.
    """
    checks.device(options.device, "--device")
    path = options.out / "arrays.npz"
    if not options.draw_only:
        arrays = compute(options)
        made = {key: str(value) if isinstance(value, Path) else value for key, value in vars(options).items()}
        made.pop("out")
        save_arrays(path, arrays, provenance(**made))
        print(f"written: {readable(path)}")
    arrays = load_arrays(path, typed(name))
    for stem, figure in draw(arrays, options.palette).items():
        save_figure(figure, options.out / f"{stem}.png", options.out / f"{stem}.pdf")
        print(f"written: {readable(options.out / stem)}.png and .pdf")
    for written in animate(arrays, options.palette, options.out) if animate else ():
        print(f"written: {readable(written)}")


def load_figure(name: str) -> Arrays:
    """Arrays of a figure, for its notebook: those of the full run, or else of ``--quick``."""
    full, quick = (results_folder() / folder / "arrays.npz" for folder in (name, f"{name}_quick"))
    return load_arrays(quick if quick.is_file() and not full.is_file() else full, typed(name))
