"""One image bound and drawn, as ``dasbe_example.sh`` does it."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("bind")

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import dasbe
from dasbe.ann.network import Network
from dasbe.binding.run import Binding
from dasbe.datasets import ensure_dataset, settings_of
from dasbe.datasets.images import load_colours
from dasbe.plotting.pictures import input_and_grouping
from dasbe.plotting.runs import animate, plot_decoded, plot_grouping, plot_raster
from dasbe.plotting.style import Figure, save_figure
from dasbe.support import checks
from dasbe.support.paths import displayed
from dasbe.systems.competing_phases import Settings


def bind_image(
    *,
    dataset: str,
    index: int,
    network: str,
    out: Path,
    image: Path | None = None,
    groups: int | None = None,
    colour: bool = False,
    html: bool = False,
    device: str = "cpu",
    **loop: Any,
) -> None:
    """Bind one image of a dataset, or of a file, draw what happens, and say how well it went.

    Parameters
    ----------
    dataset : str
    index : int
        Number of the image in ``train_multi``.
    network : str
        Name or file.
    out : Path
        Folder of the pictures.
    image : Path, optional
        A picture in place of an image of the dataset.
    groups : int, optional
        Objects + background; by default as many as the ground truth has, or, of a picture, as many as are found.
    colour : bool
        Whether the picture is taken as it is, grey or in colour, and grouped by competing phases; they find its ground.
    html : bool
        Whether to write a page that plays the spikes as well.
    device : str
    **loop
        `delay`, `refractory`, `cycles` and `seed`, as for :func:`dasbe.bind`.
    """
    started, place = time.perf_counter(), checks.device(device, "--device")
    loaded, truth = dasbe.load_network(network, place), None
    if colour:
        assert image is not None
        picture = load_colours(image, loaded.architecture.image_shape)
        labels = group_colours(picture, loaded, groups, dataset, loop["seed"], place)
        shown = picture.transpose(1, 2, 0)
        grouping = input_and_grouping(labels[0] > 0, labels[0], picture=shown, by="competing phases")
        files = save_figures(out, {"grouping.png": grouping} | decoded(loaded, labels))
        report(labels, groups, truth, files, started)
        return
    if image is not None:
        images = dasbe.load_image(image, loaded.architecture.image_shape)[None]
    else:
        ensure_dataset(dataset)
        images, truth = dasbe.load_dataset(dataset, "train_multi", index, index + 1)
        groups = int(truth.max()) + 1 if groups is None else groups

    record = ("spikes", "feedback") if html else ("spikes",)
    run = dasbe.bind(images, loaded, **loop, record=record, device=place)
    labels = dasbe.group(run, groups)
    files = draw(out, run, labels, loaded, truth, html=html)

    report(labels, groups, truth, files, started)


def group_colours(
    picture: np.ndarray, network: Network, groups: int | None, dataset: str, seed: int, device: torch.device
) -> np.ndarray:
    """Labels (1, H, W) of a picture (3, H, W), by competing phases, with as many more as the dataset has at first.

    How far its colours scatter, and how many pixels are of none of its objects, is found.
    """
    told = None if groups is None else max(groups - 1, 1)
    phases = max(settings_of(dataset).n_phases, told or 0)
    system = "competing_phases_counting" if told is None else "competing_phases"
    settings = Settings(phases, sigma=None, noise=None)
    return dasbe.segment(picture[None], network, system, n_objects=told, settings=settings, seed=seed, device=device)


def report(labels: np.ndarray, groups: int | None, truth: np.ndarray | None, files: list[Path], started: float) -> None:
    """Print what was found, the files, and the time since `started`."""
    objects = f"{labels.max()} object" + "s" * int(labels.max() != 1)
    result = f"found {objects}" if groups is None else f"grouped into {objects} (number given)"
    print(result if truth is None else f"AMI: {100 * dasbe.ami(truth, labels)[0]:.1f} %")
    print("written:", *map(displayed, files), sep="\n  ")
    print(f"time: {time.perf_counter() - started:.1f} s")


def draw(
    folder: Path,
    run: Binding,
    labels: np.ndarray,
    network: Network,
    groups: np.ndarray | None = None,
    html: bool = False,
) -> list[Path]:
    """Draw grouping, raster, decoded groups and animation of the first image of a run; returns the files.

    `labels` (N, H, W) are its grouping by `network`, and `groups` the ground truth; with
    `html`, the run is written as a web page, too.
    """
    figures = {"grouping.png": plot_grouping(run, labels, groups=groups)}
    has_objects = (labels if groups is None else groups)[0].any()
    if has_objects:
        figures["raster.png"] = plot_raster(run, labels, groups=groups)
    written = save_figures(folder, figures | decoded(network, labels, groups))
    if has_objects:
        written.append(folder / "binding.gif")
        animate(written[-1], run, labels, groups=groups)
    if html:
        written.append(folder / "binding.html")
        run.to_html(written[-1], labels=labels, groups=groups)
    return written


def decoded(network: Network, labels: np.ndarray, groups: np.ndarray | None = None) -> dict[str, Figure]:
    """The figure of what `network` makes of each group, unless there is none."""
    return {"decoded.png": plot_decoded(network, labels, groups=groups)} if labels[0].any() else {}


def save_figures(folder: Path, figures: dict[str, Figure]) -> list[Path]:
    """Write figures by name; returns the files."""
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    return [folder / name for name in figures]
