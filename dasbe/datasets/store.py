"""The dataset files: ``tmp_data/NAME.h5``, made by :func:`generate`, read by :func:`load_dataset`."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
from tqdm import tqdm

from dasbe import checks
from dasbe.datasets.catalogue import dataset_of
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.static import Block
from dasbe.errors import FileContentError, InputError, MissingFileError
from dasbe.paths import data_folder, readable
from dasbe.storage import atomic_path, one_at_a_time

LARGEST_SIZE = 10**6  # images, sequences or frames of a group
CHUNK_BYTES = 1 << 17  # of one HDF5 chunk: a batch is read without many of its neighbours


def generate(name: str, sizes: dict[str, int] | None = None, mnist: Path | str | None = None) -> Iterator[Block]:
    """Draw a dataset block by block.

    Parameters
    ----------
    name : str
        One of :data:`dasbe.datasets.DATASETS`.
    sizes : dict, optional
        Numbers of images to use in place of the published ones (keys as in the
        catalogue); with other sizes the images differ from the published ones.
    mnist : path, optional
        Folder of the MNIST files, for the datasets with digits.

    Yields
    ------
    group, arrays : str, dict
        ``arrays["default"]`` (n, H, W) images and ``arrays["groups"]`` labels, uint8;
        successive blocks of one group belong together.
    """
    dataset = dataset_of(name)
    given = {} if sizes is None else checks.instance("sizes", sizes, dict, "a dictionary of numbers")
    for key, count in given.items():
        checks.one_of("sizes: key", key, dataset.sizes)
        checks.whole_number(f"sizes['{key}']", count, 1, LARGEST_SIZE)
    options = {"mnist": None if mnist is None else checks.path("mnist", mnist)} if dataset.needs_mnist else {}
    return dataset.generator(np.random.RandomState(dataset.seed), {**dataset.sizes, **given}, **options)


def dataset_path(name: str, folder: Path | str | None = None) -> Path:
    """Path of the file of dataset `name`."""
    name = dataset_of(name).name
    return (data_folder() if folder is None else checks.path("folder", folder)) / f"{name}.h5"


def make_dataset(
    name: str,
    folder: Path | str | None = None,
    sizes: dict[str, int] | None = None,
    progress: bool = True,
    mnist: Path | str | None = None,
) -> Path:
    """Write dataset `name` to its file, atomically, and return the path."""
    blocks, progress = generate(name, sizes, mnist), checks.flag("progress", progress)
    path = dataset_path(name, folder)
    total = sum(shape[0] for key, (shape, _) in _known_arrays(name).items() if key.endswith("/default"))
    with (
        atomic_path(path) as temporary,
        h5py.File(temporary, "w") as file,
        tqdm(total=None if sizes else total or None, desc=name, unit=" images", disable=not progress) as bar,
    ):
        for group, arrays in blocks:
            for key, array in arrays.items():
                _append(file.require_group(group), key, array)
            bar.update(len(arrays["default"]))
        file.attrs.update(dataset=name, seed=dataset_of(name).seed)
    return path


def _known_arrays(name: str) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and SHA-256 of every array of dataset `name`; empty for one whose sums nobody has taken."""
    return CHECKSUMS.get(dataset_of(name).name, {})


def _append(group: h5py.Group, key: str, array: np.ndarray) -> None:
    """Add `array` (uint8) to the end of a dataset, which is created by its first block."""
    if key not in group:
        # whole images, or whole frames of a sequence
        length = min(max(CHUNK_BYTES // max(array[:1].nbytes, 1), 1), max(len(array), 1))
        chunk = (length, *array.shape[1:])
        group.create_dataset(
            key, data=array, maxshape=(None, *array.shape[1:]), chunks=chunk, compression="gzip", compression_opts=1
        )
    else:
        old = len(group[key])
        group[key].resize(old + len(array), axis=0)
        group[key][old:] = array


def _open(path: Path, name: str) -> h5py.File:
    """Open a dataset file for reading, or say what is wrong with it."""
    command = f"python -m dasbe.datasets {name}"
    if not path.is_file():
        raise MissingFileError(f"dataset file {readable(path)} is not there; make it with: {command}")
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise FileContentError(
            f"dataset file {readable(path)} is damaged or not HDF5 ({error}); delete it and run: {command}"
        ) from error


def is_complete(name: str, folder: Path | str | None = None) -> bool:
    """Whether the file of dataset `name` opens and holds every array in its published shape."""
    try:
        with _open(dataset_path(name, folder), name) as file:
            return all(key in file and file[key].shape == shape for key, (shape, _) in _known_arrays(name).items())
    except InputError:
        return False


def ensure_dataset(name: str, folder: Path | str | None = None) -> None:
    """Make the file of dataset `name` if there is none.

    Raises
    ------
    FileContentError
        There is one, but it is damaged or incomplete.
    """
    path = dataset_path(name, folder)
    if not path.is_file():
        with one_at_a_time(path):
            if not path.is_file():
                make_dataset(name, folder)
    elif not is_complete(name, folder):
        command = f"python -m dasbe.datasets {name}"
        raise FileContentError(f"dataset file {readable(path)} is damaged or incomplete; make it again with: {command}")


def verify(name: str, folder: Path | str | None = None) -> list[str]:
    """Compare every array of a dataset file with the SHA-256 of the published one (of our own: of the first run).

    Returns
    -------
    list of str
        One line for each array that is missing or differs; empty if all agree.
    """
    path = dataset_path(dataset_of(name).name, folder)
    faults = []
    with _open(path, name) as file:
        for key, (shape, expected) in _known_arrays(name).items():
            if key not in file:
                faults.append(f"{readable(path)}: {key} is missing")
            elif file[key].shape != shape:
                faults.append(f"{readable(path)}: {key} has shape {file[key].shape}, expected {shape}")
            elif _sha256(file[key], path) != expected:
                faults.append(f"{readable(path)}: {key} has another SHA-256 sum than it should have")
    return faults


def _sha256(dataset: h5py.Dataset, path: Path) -> str:
    digest = hashlib.sha256()
    block = 64 * dataset.chunks[0]
    for start in range(0, len(dataset), block):
        digest.update(np.ascontiguousarray(_read(dataset, start, start + block, path), np.uint8).data)
    return digest.hexdigest()


def _read(dataset: h5py.Dataset, start: int, stop: int, path: Path) -> np.ndarray:
    try:
        return dataset[start:stop]
    except OSError as error:
        raise FileContentError(f"{readable(path)}: {dataset.name} cannot be read ({error}); delete the file") from error


def load_dataset(
    name: str, split: str = "train_multi", start: int = 0, stop: int | None = None, folder: Path | str | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Read images and ground truth of a dataset.

    Parameters
    ----------
    name : str
        One of :data:`dasbe.datasets.DATASETS`.
    split : str
        Group of the file: ``"train_multi"``, ``"train_single"``, ``"test"``, …
    start, stop : int
        Half-open range of images; `stop` None reads to the end.
    folder : path, optional
        Where ``NAME.h5`` lies; by default ``tmp_data/`` (see :mod:`dasbe.paths`).

    Returns
    -------
    images : (N, H, W) uint8
        1 where there is ink.
    groups : (N, H, W) uint8
        0 = background or overlap of two objects, k = object number.

    Raises
    ------
    MissingFileError
        The file is not there; the message has the command that makes it.
    FileContentError
        The file is damaged.
    InputError
        Unknown dataset or split, or a range outside the split.
    """
    name = dataset_of(name).name
    start = checks.whole_number("start", start, -checks.LARGEST_NUMBER)
    stop = None if stop is None else checks.whole_number("stop", stop, -checks.LARGEST_NUMBER)
    if not isinstance(split, str):
        raise InputError(f"split is {checks.shown(split)}; it must be the name of a group of the file")
    path = dataset_path(name, folder)
    with _open(path, name) as file:
        if f"{split}/default" not in file:
            raise InputError(f"split {checks.shown(split)} is not in {readable(path)}; choose one of {', '.join(file)}")
        count = len(file[split]["default"])
        last = count if stop is None else stop
        if not 0 <= start < last <= count:
            raise InputError(f"images {start} to {last} are outside {name}/{split}, which has 0 to {count}")
        images, groups = (_read(file[split][key], start, last, path) for key in ("default", "groups"))
        return images, groups
