"""Files of the published datasets: ``tmp_data/NAME.h5``, made by :func:`make_dataset`, compared by :func:`verify`."""

import hashlib
import shlex
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from dasbe.datasets.catalogue import dataset_of
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.generators import Block
from dasbe.datasets.hdf5 import append, array_in, form_of, hdf5_to_write, open_hdf5
from dasbe.datasets.mnist import find_digits
from dasbe.support import checks
from dasbe.support.commands import resumable, typed
from dasbe.support.errors import FileContentError, MissingFileError
from dasbe.support.paths import data_folder, displayed
from dasbe.support.progress import progress_bar
from dasbe.support.storage import Unfit, one_at_a_time

LARGEST_SIZE = 10**6  # images, films or frames of a group
SUMMED_BYTES = 1 << 23  # bytes that are read at once for a sum


def generate(name: str, sizes: dict[str, int] | None = None, mnist: Path | str | None = None) -> Iterator[Block]:
    """Draw the images of a dataset, block by block.

    Parameters
    ----------
    name : str
        One of :data:`dasbe.datasets.DATASETS`.
    sizes : dict, optional
        Numbers of images in place of the published ones, with the keys of the catalogue;
        with other sizes the images differ from the published ones.
    mnist : path, optional
        Folder of the MNIST files, for the datasets with digits.

    Yields
    ------
    group, arrays : str, dict
        ``arrays["default"]`` are n images (n, H, W) and ``arrays["groups"]`` their labels,
        uint8; of films (n, frames, H, W). Successive blocks of one group belong together.
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
    """Write dataset `name` to its file, atomically.

    Parameters
    ----------
    name : str
    folder : path, optional
        Folder of the file; by default ``tmp_data/``.
    sizes, mnist
        As for :func:`generate`.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    Path
        The file.
    """
    blocks, progress = generate(name, sizes, mnist), checks.progress(progress)
    path = dataset_path(name, folder)
    total = sum(shape[0] for key, (shape, _) in CHECKSUMS.get(name, {}).items() if key.endswith("/default"))
    with (
        hdf5_to_write(path) as file,
        progress_bar(total=None if sizes else total or None, desc=name, unit=" images", disable=not progress) as bar,
    ):
        for group, arrays in blocks:
            for key, array in arrays.items():
                append(file.require_group(group), key, array)
            bar.update(len(arrays["default"]))
        file.attrs.update(dataset=name, seed=dataset_of(name).seed)
    return path


def _command(name: str, folder: Path | str | None) -> str:
    """The command that makes the file of dataset `name`."""
    return typed("datasets", name, *([] if folder is None else ["--out", shlex.quote(displayed(folder))]))


@contextmanager
def open_dataset(name: str, folder: Path | str | None) -> Iterator[h5py.File]:
    """The file of dataset `name`, which must hold that name; messages on its faults name the command that makes it."""
    path, command = dataset_path(name, folder), _command(name, folder)
    with open_hdf5(path, f"make it with: {command}", f"delete it and run: {command}") as file:
        if file.attrs.get("dataset") != name:
            raise Unfit(f"it does not say that it holds {name}")
        yield file


def is_complete(name: str, folder: Path | str | None = None) -> bool:
    """Whether the file of dataset `name` holds every array in its published shape; :func:`verify` compares the values.

    Raises
    ------
    InputError
        The file may not be read, or there is a folder in its place.
    """
    name = dataset_of(name).name
    try:
        with open_dataset(name, folder) as file:
            published = CHECKSUMS.get(name, {})
            return all(form_of(key, array_in(file, key), shape) == shape for key, (shape, _) in published.items())
    except (MissingFileError, FileContentError):
        return False


def ensure_dataset(name: str, folder: Path | str | None = None) -> None:
    """Make the file of dataset `name` if it is missing.

    Raises
    ------
    FileContentError
        The file is damaged or incomplete.
    """
    path = dataset_path(name, folder)
    if not path.is_file():
        with one_at_a_time(path):
            if not path.is_file():
                make_dataset(name, folder)
    elif not is_complete(name, folder):
        remedy = f"make it again with: {_command(name, folder)}"
        raise FileContentError(f"dataset file {displayed(path)} is damaged or incomplete; {remedy}")


def ensure_datasets(names: Iterable[str]) -> None:
    """:func:`ensure_dataset` of several; MNIST, if one that is missing needs it, is looked for before any is made."""
    names = list(names)
    if any(dataset_of(name).needs_mnist and not dataset_path(name).is_file() for name in names):
        find_digits()
    for name in names:
        ensure_dataset(name)


def verify(name: str, folder: Path | str | None = None) -> list[str]:
    """Compare the SHA-256 of every array of a dataset file with that of the published array.

    For a dataset of our own it is that of the first run.

    Returns
    -------
    list of str
        One line for each array that is missing or differs; empty if all agree.
    """
    name, faults = dataset_of(name).name, []
    path = displayed(dataset_path(name, folder))
    with open_dataset(name, folder):  # raises if nothing of it can be read
        pass
    for key, (shape, expected) in CHECKSUMS.get(name, {}).items():
        try:
            with open_dataset(name, folder) as file:
                array = array_in(file, key)
                if (found := form_of(key, array, shape)) != shape:
                    faults.append(f"{path}: {key} has shape {found}, expected {shape}")
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


def make_or_verify(*, names: Sequence[str], folder: Path | None, mnist: Path | None, only_verify: bool) -> None:
    """Make the files of the datasets `names`, or compare them with the published ones: the work of the command."""
    if not only_verify and any(dataset_of(name).needs_mnist and not is_complete(name, folder) for name in names):
        find_digits(mnist)
    for name in names:
        path = dataset_path(name, folder)
        if only_verify:
            faults = verify(name, folder)
            right = f"{displayed(path)}: all arrays have the SHA-256 sums they should have"
            print("\n".join(faults) if faults else right)
            if faults:
                sys.exit(1)
            continue
        with resumable(), one_at_a_time(path):
            if is_complete(name, folder):
                print(f"{displayed(path)}: complete, nothing to do")
            else:
                make_dataset(name, folder, mnist=mnist)
                print(f"{displayed(path)}: written")
