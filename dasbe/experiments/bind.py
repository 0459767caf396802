"""One image bound and drawn, as ``dasbe_example.sh`` does it."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("bind")

import time
from pathlib import Path
from typing import Any

import numpy as np

import dasbe
from dasbe.ann.network import Network
from dasbe.binding.run import Binding
from dasbe.datasets import ensure_dataset
from dasbe.plotting.runs import animate, plot_decoded, plot_grouping, plot_raster
from dasbe.plotting.style import save_figure
from dasbe.support import checks
from dasbe.support.paths import displayed


def bind_image(
    *,
    dataset: str,
    index: int,
    network: str,
    out: Path,
    image: Path | None = None,
    groups: int | None = None,
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
    html : bool
        Whether to write a page that plays the spikes as well.
    device : str
    **loop
        `delay`, `refractory`, `cycles` and `seed`, as for :func:`dasbe.bind`.
    """
    started, place = time.perf_counter(), checks.device(device, "--device")
    loaded, truth = dasbe.load_network(network, place), None
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
    if labels[0].any():
        figures["decoded.png"] = plot_decoded(network, labels, groups=groups)
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    written = [folder / name for name in figures]
    if has_objects:
        written.append(folder / "binding.gif")
        animate(written[-1], run, labels, groups=groups)
    if html:
        written.append(folder / "binding.html")
        run.to_html(written[-1], labels=labels, groups=groups)
    return written
