"""What the commands of all figures do: arrays are computed and saved, and pictures drawn.

Each command computes, saves ``results/figureN/arrays.npz`` with how it was made, reads
that file again, and draws from it; ``--draw-only`` leaves out the first two.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from dasbe import checks
from dasbe.commands import typed
from dasbe.errors import FileContentError, MissingFileError
from dasbe.paths import readable, results_folder
from dasbe.plotting.style import Figure, save_figure
from dasbe.provenance import provenance
from dasbe.storage import atomic_path

Arrays = dict[str, np.ndarray]


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


def save_arrays(path: Path, arrays: Arrays, made: dict) -> None:
    """Write arrays and how they were made to one file."""
    contents: dict[str, Any] = {"made": np.array(json.dumps(made)), **arrays}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **contents)


def load_arrays(path: Path | str, command: str) -> Arrays:
    """Read what :func:`save_arrays` wrote (how it was made as JSON text under ``made``).

    Raises
    ------
    MissingFileError, FileContentError
        They name the `command` that makes the file.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{readable(path)} is not there; make it with: {command}")
    try:
        with np.load(path) as file:
            return {"made": file["made"], **{key: file[key] for key in file.files}}
    except Exception as error:  # a damaged archive fails in many ways
        raise FileContentError(f"{readable(path)} is damaged; make it again with: {command}") from error


def load_figure(name: str) -> Arrays:
    """Arrays of a figure, for its notebook: those of the full run, or else of ``--quick``."""
    full, quick = (results_folder() / folder / "arrays.npz" for folder in (name, f"{name}_quick"))
    return load_arrays(quick if quick.is_file() and not full.is_file() else full, typed(name))
