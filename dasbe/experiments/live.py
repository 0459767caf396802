"""A web page in which the loop runs live, with a network and the objects that it was trained on."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("live")

from pathlib import Path

import numpy as np

import dasbe
from dasbe.ann.autoencoder import Autoencoder
from dasbe.binding.live_page import cropped, live_page_of
from dasbe.datasets.catalogue import TABLE_DATASETS, settings_of
from dasbe.datasets.generators import CORNER_SQUARE, CORNERS, HORIZONTAL_BAR, SHAPES, VERTICAL_BAR
from dasbe.datasets.mnist import load_digits
from dasbe.support.paths import displayed
from dasbe.support.storage import atomic_path

N_DIGITS, N_OF_FILE = 10, 12  # stamps: the first test digits, and the first objects of a file that differ
TIMING = (32, 9)  # d and r for a network of no dataset
Stamps = dict[str, np.ndarray]


def write_page(
    *,
    network: str,
    out: Path,
    dataset: str | None = None,
    data: str | None = None,
    delay: int | None = None,
    refractory: int | None = None,
) -> None:
    """Write the page.

    Parameters
    ----------
    network : str
        Name or file.
    out : Path
    dataset : str, optional
        Whose objects and whose delay and refractory time it has; by default the one that `network` is for.
    data : str, optional
        Images of single objects, as :func:`dasbe.load_dataset` reads them, in place of the objects of `dataset`.
    delay, refractory : int, optional
    """
    loaded = dasbe.load_network(network)
    dataset = dataset or _dataset_of(loaded)
    stamps, surprise = _objects_of(dataset) if dataset and data is None else ({}, [])
    if data is not None:
        images, _ = dasbe.load_dataset(data)
        different = {(stamp.shape, stamp.tobytes()): stamp for stamp, _ in map(cropped, images[:1000]) if stamp.any()}
        stamps = {f"object {i}": stamp for i, stamp in enumerate([*different.values()][:N_OF_FILE], start=1)}
    d, r = settings_of(dataset)[:2] if dataset else TIMING
    page = live_page_of(
        loaded,
        loaded.architecture.image_shape,
        delay=d if delay is None else delay,
        refractory=r if refractory is None else refractory,
        stamps=stamps,
        surprise=surprise,
        name=dataset or "",
    )
    with atomic_path(out) as temporary:
        temporary.write_text(page, encoding="utf-8")
    print(f"written: {displayed(out)} ({len(page.encode()) / 1000:.0f} kB)")


def _dataset_of(network: Autoencoder) -> str | None:
    """The dataset of Table 1 on whose objects `network` was trained, if its description names one."""
    name = network.description.get("recipe", {}).get("dataset")
    return name if name in TABLE_DATASETS else None


def _objects_of(dataset: str) -> tuple[Stamps, list[list[str]]]:
    """Objects of `dataset`; and of each object of a scene those of which it is one."""
    shapes = dict(zip(("square", "triangle", "upside down"), SHAPES))
    if dataset == "shapes":
        return shapes, [[*shapes]] * 3
    if dataset == "bars":
        return {"upright": VERTICAL_BAR, "level": HORIZONTAL_BAR}, [["upright"]] * 6 + [["level"]] * 6
    if dataset == "corners":
        corners = dict(zip(("top left", "bottom left", "top right", "bottom right"), CORNERS))
        return corners | {"four": CORNER_SQUARE}, [["four"]] + [[*corners]] * 4
    digits = {f"digit {i}": cropped(digit > 127)[0] for i, digit in enumerate(load_digits("t10k")[:N_DIGITS], start=1)}
    return (digits, [[*digits]] * 3) if dataset == "multi_mnist" else (digits | shapes, [[*digits], [*shapes]])
