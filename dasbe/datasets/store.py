"""The dataset files: ``tmp_data/NAME.h5``, made by :func:`generate`, read by :func:`load_dataset`."""

import hashlib
import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np
from tqdm import tqdm

from dasbe.datasets.catalogue import DATASETS, Dataset, dataset_of
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.hdf5 import (
    Unfit,
    append,
    array_in,
    check_values,
    hdf5_to_write,
    images_from,
    open_hdf5,
    read,
    split_of,
)
from dasbe.datasets.own import is_path, load_own
from dasbe.datasets.static import Block
from dasbe.support import checks
from dasbe.support.commands import resumable, typed
from dasbe.support.errors import FileContentError, InputError, MissingFileError
from dasbe.support.paths import data_folder, readable
from dasbe.support.storage import one_at_a_time

Arrays = dict[str, tuple[tuple[int, ...], str]]  # shape and SHA-256 of each
LARGEST_SIZE = 10**6  # images, sequences or frames of a group
SUMMED_BYTES = 1 << 23  # at once


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
        hdf5_to_write(path) as file,
        tqdm(total=None if sizes else total or None, desc=name, unit=" images", disable=not progress) as bar,
    ):
        for group, arrays in blocks:
            for key, array in arrays.items():
                append(file.require_group(group), key, array)
            bar.update(len(arrays["default"]))
        file.attrs.update(dataset=name, seed=dataset_of(name).seed)
    return path


def _known_arrays(name: str) -> Arrays:
    """Shape and SHA-256 of every array of dataset `name`; empty for one whose sums nobody has taken."""
    return CHECKSUMS.get(dataset_of(name).name, {})


def _command(name: str, folder: Path | str | None) -> str:
    """The command that makes the file of dataset `name`."""
    return typed("datasets", name, *([] if folder is None else ["--out", shlex.quote(readable(folder))]))


@contextmanager
def _open(name: str, folder: Path | str | None) -> Iterator[h5py.File]:
    """The file of dataset `name`; whatever is wrong with it is said with the command that makes it."""
    path, command = dataset_path(name, folder), _command(name, folder)
    with open_hdf5(path, f"make it with: {command}", f"delete it and run: {command}") as file:
        if file.attrs.get("dataset") != name:
            raise Unfit(f"it does not say that it holds {name}")
        yield file


def _array(file: h5py.File, key: str, known: Arrays) -> h5py.Dataset:
    """Array `key` of a dataset file, uint8, with as many axes and images as large as in the `known` arrays."""
    array = array_in(file, key)
    shape = known[key][0] if key in known else array.shape
    if array.dtype != np.uint8 or array.ndim != len(shape) or array.shape[-2:] != shape[-2:]:
        form = f"{len(shape)} axes, the last two {shape[-2:]}, of uint8"
        raise Unfit(f"{key} is an array {array.shape} of {array.dtype}, expected {form}")
    return array


def is_complete(name: str, folder: Path | str | None = None) -> bool:
    """Whether the file of dataset `name` holds every array in its published shape; for their values see `verify`.

    Raises
    ------
    InputError
        There is a file, but it may not be read, or a folder in its place.
    """
    known = _known_arrays(name)
    try:
        with _open(dataset_of(name).name, folder) as file:
            return all(_array(file, key, known).shape == shape for key, (shape, _) in known.items())
    except (MissingFileError, FileContentError):
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
        command = typed("datasets", name)
        raise FileContentError(f"dataset file {readable(path)} is damaged or incomplete; make it again with: {command}")


def verify(name: str, folder: Path | str | None = None) -> list[str]:
    """Compare every array of a dataset file with the SHA-256 of the published one (of our own: of the first run).

    Returns
    -------
    list of str
        One line for each array that is missing or differs; empty if all agree.
    """
    name, known, faults = dataset_of(name).name, _known_arrays(name), []
    path = readable(dataset_path(name, folder))
    with _open(name, folder):  # unless nothing of it can be read
        pass
    for key, (shape, expected) in known.items():
        try:
            with _open(name, folder) as file:
                array = _array(file, key, known)
                if array.shape != shape:
                    faults.append(f"{path}: {key} has shape {array.shape}, expected {shape}")
                elif _sha256(array) != expected:
                    faults.append(f"{path}: {key} has another SHA-256 sum than it should have")
        except FileContentError as error:
            faults.append(str(error))
    return faults


def _sha256(array: h5py.Dataset) -> str:
    digest = hashlib.sha256()
    block = max(SUMMED_BYTES // max(array[:1].nbytes, 1), 1)
    for start in range(0, len(array), block):
        digest.update(np.ascontiguousarray(array[start : start + block]).data)
    return digest.hexdigest()


def load_dataset(
    name: str | os.PathLike,
    split: str | None = None,
    start: int = 0,
    stop: int | None = None,
    folder: Path | str | None = None,
) -> tuple[np.ndarray, np.ndarray | Any]:
    """Read images and ground truth of a dataset, or of a file or folder of your own.

    Of your own may be

    - an HDF5 file (``.h5``, ``.hdf5``) with the arrays ``SPLIT/default``, images, and
      ``SPLIT/groups``, labels, as :func:`save_dataset` writes it and the published scripts
      do: (N, H, W), or films (N, n, H, W); or (1, N, H, W, 1), as the code of
      Reconstruction Clustering (Greff et al. 2015) has it;
    - a NumPy file (``.npz``) with the arrays ``images`` and ``labels`` or ``groups``;
    - a folder of pictures, read by :func:`dasbe.load_image` in the order of their names;
      all of one size, and all dark on bright, or all bright on dark.

    A channel axis of length 1 is left out. Images may be 0 and 1, or whole numbers 0 and
    255, which become 0 and 1. Labels may be −1 where objects overlap, which becomes 0.

    Parameters
    ----------
    name : str or path
        One of :data:`dasbe.datasets.DATASETS`, or a path: text with a suffix or a slash,
        or a `pathlib.Path`.
    split : str, optional
        Group of the file: ``"train_multi"``, ``"train_single"``, ``"test"``, …; by default
        ``"train_multi"``, or the only one there is.
    start, stop : int
        Half-open range of images; `stop` None reads to the end.
    folder : path, optional
        Where ``NAME.h5`` lies; by default ``tmp_data/`` (see :mod:`dasbe.support.paths`).

    Returns
    -------
    images : (N, H, W) uint8
        1 where there is ink.
    groups : (N, H, W) uint8, or None
        0 = background or overlap of two objects, k = object number; None if a file of
        your own has no labels.

    Raises
    ------
    MissingFileError
        The file is not there; the message has the command that makes it.
    FileContentError
        The file is damaged, or holds something else than this dataset, or than images.
    InputError
        Unknown dataset or split, a range outside the split, or a file that may not be read.

    Examples
    --------
    >>> import dasbe
    >>> images, groups = dasbe.load_dataset("shapes", split="train_multi", start=10, stop=14)
    >>> images.shape, groups.shape
    ((4, 28, 28), (4, 28, 28))
    """
    if is_path(name):
        if folder is not None:
            raise InputError(f"folder is given, and name is the path {checks.shown(str(name))}; leave folder out")
        return load_own(checks.path("dataset", name), split, start, stop)
    if isinstance(name, str) and name not in DATASETS and os.path.isdir(name):
        raise InputError(f"dataset {checks.shown(name)} is unknown; if the folder is meant, write {f'./{name}'!r}")
    return _load_published(dataset_of(cast(str, name)), split, start, stop, folder)


def _load_published(
    dataset: Dataset, split: str | None, start: int, stop: int | None, folder: Path | str | None
) -> tuple[np.ndarray, np.ndarray]:
    name, known = dataset.name, _known_arrays(dataset.name)
    with _open(name, folder) as file:
        split = split_of(file, split, dataset_path(name, folder))
        arrays = [_array(file, f"{split}/{key}", known) for key in ("default", "groups")]
        if arrays[0].shape != arrays[1].shape or arrays[0].ndim not in (3, 4) or 0 in arrays[0].shape:
            raise Unfit(f"{split} has images {arrays[0].shape} and labels {arrays[1].shape}")
        wanted = images_from(start, stop, len(arrays[0]), f"{name}/{split}")
        n_values = (wanted.stop - wanted.start) * int(np.prod(arrays[0].shape[1:]))
        images, groups = (read(array, wanted, n_values) for array in arrays)
        check_values(images, groups, dataset.most_objects)
    return images, groups


def make_or_verify(*, names: Sequence[str], folder: Path | None, mnist: Path | None, only_verify: bool) -> None:
    """What the command does: make the files of the datasets called `names`, or compare them with the published ones."""
    for name in names:
        path = dataset_path(name, folder)
        if only_verify:
            faults = verify(name, folder)
            right = f"{readable(path)}: all arrays have the SHA-256 sums they should have"
            print("\n".join(faults) if faults else right)
            if faults:
                sys.exit(1)
            continue
        with resumable(), one_at_a_time(path):
            if is_complete(name, folder):
                print(f"{readable(path)}: complete, nothing to do")
            else:
                make_dataset(name, folder, mnist=mnist)
                print(f"{readable(path)}: written")
