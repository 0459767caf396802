"""What the commands of all figures do: arrays are computed and saved, pictures and caption made from the file."""

from importlib import import_module
from pathlib import Path
from typing import Any

from dasbe.plotting.style import save_figure
from dasbe.support import checks
from dasbe.support.commands import typed
from dasbe.support.paths import displayed, results_folder
from dasbe.support.storage import Arrays, atomic_path, load_arrays, provenance, save_arrays


def run_figure(name: str, *, out: Path, draw_only: bool, palette: str, device: str, **arguments: Any) -> None:
    """Compute a figure, save its arrays with how they were made, and draw from what was saved.

    Parameters
    ----------
    name : str
        Module of :mod:`dasbe.experiments` with `compute`, `draw`, `caption` and `summary`, and perhaps `animate`.
    out : Path
        Folder of ``arrays.npz``, the pictures, and the caption of the composed one, ``NAME.md``.
    draw_only : bool
        Draw from the ``arrays.npz`` that is there.
    palette : str
        Name of a palette.
    device : str
        Where to compute.
    **arguments
        Further arguments of `compute`.
    """
    checks.device(device, "--device")
    figure, path = import_module(f"dasbe.experiments.{name}"), out / "arrays.npz"
    if not draw_only:
        arrays = figure.compute(device=device, **arguments)
        save_arrays(path, arrays, provenance(**arguments, draw_only=draw_only, palette=palette, device=device))
        print(f"written: {displayed(path)}")
    arrays = load_arrays(path, typed(name))
    for stem, picture in figure.draw(arrays, palette).items():
        save_figure(picture, out / f"{stem}.png", out / f"{stem}.pdf")
        print(f"written: {displayed(out / stem)}.png and .pdf")
    with atomic_path(out / f"{name}.md") as temporary:
        temporary.write_text(figure.caption(arrays), encoding="utf-8")
    print(f"written: {displayed(out / name)}.md")
    for written in figure.animate(arrays, palette, out) if hasattr(figure, "animate") else ():
        print(f"written: {displayed(written)}")
    print(figure.summary(arrays))


def load_figure(name: str) -> Arrays:
    """Arrays of a figure, for its notebook: those of the full run, or else of ``--quick``."""
    full, quick = (results_folder() / folder / "arrays.npz" for folder in (name, f"{name}_quick"))
    return load_arrays(quick if quick.is_file() and not full.is_file() else full, typed(name))
