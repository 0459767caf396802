"""Images and labels from files: of the published datasets, and HDF5, NumPy and pictures of a user's own."""

import math
import os
import re
import zipfile
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, cast

import h5py
import numpy as np

from dasbe.datasets.catalogue import DATASETS, Dataset, dataset_of
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.datasets.hdf5 import DAMAGED, append, array_in, form_of, has, hdf5_to_write, open_hdf5
from dasbe.datasets.images import binarise, put_together, read_picture
from dasbe.datasets.store import dataset_path, open_dataset
from dasbe.support import checks
from dasbe.support.errors import FileContentError, InputError, MissingFileError
from dasbe.support.paths import displayed, file_to_read, unreadable
from dasbe.support.storage import Unfit, array_of, atomic_path, one_at_a_time, untrusted

HDF5_SUFFIXES = (".h5", ".hdf5")
NUMPY_SUFFIX = ".npz"
NUMPY_SUFFIXES = (NUMPY_SUFFIX, ".npy")  # that are read
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".webp")
MISSING = "give the path of a file or folder of images"
REMEDY = "write it with dasbe.save_dataset"
MOST_LABELS = 255  # labels are uint8
MOST_NAMED = 10  # splits named in a message
CHECKED_AT_ONCE = 1000  # images checked at once, to save memory

Loaded = tuple[np.ndarray, np.ndarray | None]


def load_dataset(
    name: str | os.PathLike,
    split: str | None = None,
    start: int = 0,
    stop: int | None = None,
    folder: Path | str | None = None,
    threshold: float | None = None,
) -> tuple[np.ndarray, np.ndarray | Any]:
    """Read images and ground truth of a published dataset, or of a file or folder of your own.

    Your own images may be in

    - an HDF5 file (``.h5``, ``.hdf5``) with the arrays ``SPLIT/default`` (images) and
      ``SPLIT/groups`` (labels), as :func:`save_dataset` and the published scripts write it:
      (N, H, W), or films (N, n, H, W); or (1, N, H, W, 1), as in the code of
      Reconstruction Clustering (Greff et al. 2015);
    - a NumPy file, ``.npz`` with the arrays ``images`` and ``labels`` or ``groups``, or
      ``.npz`` or ``.npy`` with images alone;
    - a folder of pictures of one size, all dark on bright or all bright on dark, which
      :func:`dasbe.load_image` reads in the order of their names. Blank ones have no ink.

    A channel axis of length 1 is left out. Images may be 0 and 1, or whole numbers 0 and
    255, which become 0 and 1. Labels may be −1 where objects overlap, which becomes 0.

    Parameters
    ----------
    name : str or path
        One of :data:`dasbe.datasets.DATASETS`, or a path: text with a suffix or a slash,
        or a `pathlib.Path`.
    split : str, optional
        Group of the file: ``"train_multi"``, ``"train_single"``, ``"test"``, …; by default
        ``"train_multi"``, or the only one in the file.
    start, stop : int
        Half-open range of images; `stop` None reads to the end.
    folder : path, optional
        Folder of ``NAME.h5``; by default ``tmp_data/`` (see :mod:`dasbe.support.paths`).
    threshold : float, optional
        Of grey images of your own: as for :func:`dasbe.binarise`.

    Returns
    -------
    images : (N, H, W) uint8
        1 where there is ink. In a dataset whose `form` is grey, from 0 to 255; of one in colour,
        (N, 3, H, W) from 0 to 255.
    groups : (N, H, W) uint8, or None
        0 = background or overlap of two objects, k = object number; None if a file of
        your own has no labels.

    Raises
    ------
    MissingFileError
        The file is missing; the message has the command that makes it.
    FileContentError
        The file is damaged, holds another dataset, or holds no such images.
    InputError
        The dataset or split is unknown, the range lies outside the split, or the file may not be read.

    Warns
    -----
    InputWarning
        Some pictures are blank.

    Examples
    --------
    >>> import dasbe
    >>> images, groups = dasbe.load_dataset("shapes", split="train_multi", start=10, stop=14)
    >>> images.shape, groups.shape
    ((4, 28, 28), (4, 28, 28))
    """
    if _is_path(name):
        if folder is not None:
            raise InputError(f"folder is given, and name is the path {checks.shown(str(name))}; leave folder out")
        threshold = None if threshold is None else checks.number("threshold", threshold, 0, 1)
        return _load_own(checks.path("dataset", name), split, start, stop, threshold)
    if threshold is not None:
        raise InputError(f"threshold is {checks.shown(threshold)}, but name is not the path of a file; leave it out")
    if isinstance(name, str) and name not in DATASETS and os.path.isdir(name):
        raise InputError(f"dataset {checks.shown(name)} is unknown; if the folder is meant, write {f'./{name}'!r}")
    dataset = dataset_of(cast(str, name))
    with open_dataset(dataset.name, folder) as file:
        return _load_split(file, dataset_path(dataset.name, folder), split, start, stop, dataset)


def _is_path(name: Any) -> bool:
    """Whether `name` is the path of a file or folder, not the name of a dataset."""
    if isinstance(name, str):
        return bool(Path(name).suffix) or any(mark in name for mark in (os.sep, os.altsep) if mark)
    return isinstance(name, os.PathLike)


def _load_own(path: Path, split: str | None, start: int, stop: int | None, threshold: float | None) -> Loaded:
    """Images and labels of a user's file or folder."""
    is_folder, suffix = path.is_dir(), path.suffix.lower()
    if suffix in HDF5_SUFFIXES and not is_folder:
        with open_hdf5(path, MISSING, REMEDY) as file:
            return _load_split(file, path, split, start, stop, threshold=threshold)
    if not is_folder:
        file_to_read("dataset file", path, MISSING)
        if suffix not in NUMPY_SUFFIXES:
            hint = "; for one picture there is dasbe.load_image" if suffix in PICTURE_SUFFIXES else ""
            known = ", ".join((*HDF5_SUFFIXES, *NUMPY_SUFFIXES))
            raise FileContentError(f"dataset file {displayed(path)} is none of {known}, nor a folder of pictures{hint}")
    if split is not None:
        raise InputError(
            f"split is {checks.shown(split)}, but name is {displayed(path)}, which has no splits; leave it out"
        )
    if is_folder:
        return _load_pictures(path, start, stop, threshold), None
    with untrusted(path, "dataset file", REMEDY, DAMAGED):
        arrays = _arrays_of_zip(path) if suffix == NUMPY_SUFFIX else {"images": _array_of_file(path)}
        return _load(arrays, start, stop, displayed(path), threshold=threshold)


def _load_split(
    file: h5py.File,
    path: Path,
    split: str | None,
    start: int,
    stop: int | None,
    dataset: Dataset | None = None,
    threshold: float | None = None,
) -> Loaded:
    """Images and labels of an HDF5 file, that of `dataset` or a user's own, which may be without labels."""
    split, arrays = _split_of(file, split, path), {}
    for key in ("default", "groups"):
        if key == "default" or dataset or has(file[split], key):
            arrays[f"{split}/{key}"] = array_in(file, f"{split}/{key}")
    return _load(arrays, start, stop, f"{dataset.name if dataset else displayed(path)}/{split}", dataset)


def _arrays_of_zip(path: Path) -> dict[str, np.ndarray]:
    """Images, and labels if there are any, of an ``.npz`` file."""
    with zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            archive.open(name).close()  # raises if a name is damaged, as of labels that would be missed
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        if len(names) == 1:
            return {"images": array_of(archive, names[0])}
        labels = [name for name in ("labels", "groups") if name in names]
        if "images" not in names or len(labels) > 1:
            raise Unfit(f"it holds the arrays {', '.join(names)}; expected images, and labels or groups")
        return {name: array_of(archive, name) for name in ("images", *labels)}


def _array_of_file(path: Path) -> np.ndarray:
    """The array of an ``.npy`` file, which stays there until it is used; nothing is unpickled."""
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))


def _load_pictures(folder: Path, start: int, stop: int | None, threshold: float | None) -> np.ndarray:
    try:
        files = [file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES]
    except OSError as error:
        raise unreadable(f"folder {displayed(folder)}", error) from None
    files = sorted((file for file in files if not file.name.startswith(".")), key=_place_in_folder)
    if not files:
        raise MissingFileError(f"folder {displayed(folder)} has no pictures ({', '.join(PICTURE_SUFFIXES)})")
    chosen = files[_images_from(start, stop, len(files), f"folder {displayed(folder)}")]
    first = read_picture(chosen[0], threshold=threshold)
    checks.memory(first.ink.size * len(chosen), f"reading {len(chosen)} pictures", "read fewer with start= and stop=")
    images = np.empty((len(chosen), *first.ink.shape), np.uint8)
    read = partial(read_picture, image_shape=first.ink.shape, threshold=threshold, why=f"{chosen[0].name} is")
    others = ((f"image {displayed(file)}", read(file)) for file in chosen[1:])
    put_together(chain([(f"image {displayed(chosen[0])}", first)], others), images)
    if not images.any():
        raise InputError(f"folder {displayed(folder)}: none of these {len(chosen)} pictures has ink")
    return images


def _place_in_folder(file: Path) -> list[tuple[int, str]]:
    """Key by which pictures are sorted: by name, numbers in it by value, so that img2 is before img10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"([0-9]+)", file.name)]


def _split_of(file: h5py.File, split: object, path: Path) -> str:
    """Name of the group `split` of `file`; by default ``"train_multi"``, or the only one."""
    names = list(file)
    if split is None:
        split = names[0] if len(names) == 1 else "train_multi"
    if not isinstance(split, str) or split not in names:
        choices = ", ".join(names[:MOST_NAMED]) or "none"
        raise InputError(f"split {checks.shown(split)} is not in {displayed(path)}; choose one of {choices}")
    return split


def _images_from(start: object, stop: object, count: int, what: str) -> slice:
    """Images `start` to `stop` (None: the last) of the `count` in `what`; InputError if they are not there."""
    start = checks.whole_number("start", start, -checks.LARGEST_NUMBER)
    last = count if stop is None else checks.whole_number("stop", stop, -checks.LARGEST_NUMBER)
    if not 0 <= start < last <= count:
        raise InputError(f"images {start} to {last} are outside {what}, which has 0 to {count}")
    return slice(start, last)


def _load(
    arrays: dict[str, h5py.Dataset | np.ndarray],
    start: int,
    stop: int | None,
    what: str,
    dataset: Dataset | None = None,
    threshold: float | None = None,
) -> Loaded:
    """Images `start` to `stop` and their labels, from the array of images and, if there is one, that of labels.

    `what` names their place in messages; the arrays of a published `dataset` have a known form.
    """
    published = CHECKSUMS.get(dataset.name, {}) if dataset else {}
    forms = [form_of(key, array, published.get(key, (None,))[0]) for key, array in arrays.items()]
    in_colour = dataset is not None and dataset.form == "colour" and len(forms[0]) == 4
    if (forms[0][:1] + forms[0][2:] if in_colour else forms[0]) != forms[-1]:
        raise Unfit(f"it has images {forms[0]} and labels {forms[-1]}")
    wanted, parts = _images_from(start, stop, forms[0][0], what), []
    for (key, array), whole in zip(arrays.items(), forms):
        form = (wanted.stop - wanted.start, *whole[1:])
        n_values = math.prod(form) + math.prod(getattr(array, "chunks", None) or (0,))  # one chunk is unpacked besides
        checks.memory(n_values * array.dtype.itemsize, f"reading {key}", "read fewer images with start= and stop=")
        part = array[(0, wanted) if array.ndim == 5 else wanted].reshape(form)
        parts.append(part.copy() if isinstance(array, np.ndarray) else part)  # a view would keep all images
    if threshold is not None:
        parts[0] = binarise(parts[0].reshape(-1, *form[-2:]), threshold).reshape(form)
    return _checked(*parts, dataset=dataset)


def _checked(images: np.ndarray, labels: np.ndarray | None = None, *, dataset: Dataset | None) -> Loaded:
    """Images as 0 and 1 and labels from 0, uint8; Unfit if they are of other values.

    Without a `dataset` they are a user's own: images may also be 0 and 255, and labels −1, which becomes 0.
    """
    own = dataset is None
    if dataset is not None and dataset.form != "binary":
        return images, labels
    white = 255 if own and images.dtype.kind in "ui" and images.max() == 255 else 1
    least, most = (-1, MOST_LABELS) if dataset is None else (0, dataset.most_objects)
    size = images.shape[-2:]
    for first in range(0, math.prod(images.shape[:-2]), CHECKED_AT_ONCE):
        chosen = slice(first, first + CHECKED_AT_ONCE)
        shown = images.reshape(-1, *size)[chosen]
        wrong = shown[(shown != 0) & (shown != white)]
        if wrong.size:
            hint = ": binarise them, with threshold= or dasbe.binarise" if own else ""
            raise Unfit(f"its images hold {wrong[0]:g}, not only 0 and {white}{hint}")
        if labels is None:
            continue
        named = labels.reshape(-1, *size)[chosen]
        broken = named != np.round(named) if named.dtype.kind == "f" else False
        wrong = named[(named < least) | (named > most) | broken]
        if wrong.size:
            hint = ", or -1" if own else ""
            raise Unfit(f"its labels hold {wrong[0]:g}; expected whole numbers from 0 to {most}{hint}")
        if ((named > 0) > shown).any():
            hint = ": labels * images leaves them out" if own else ""
            raise Unfit(f"its labels name pixels that have no ink{hint}")
    images = (images if white == 1 else images == white).astype(np.uint8, copy=False)
    if labels is not None:
        labels = (labels if labels.dtype.kind in "ub" else np.maximum(labels, 0)).astype(np.uint8, copy=False)
    return images, labels


def save_dataset(
    path: Path | str,
    images: np.ndarray,
    groups: np.ndarray | None = None,
    split: str | None = None,
    name: str | None = None,
    replace: bool = False,
) -> Path:
    """Write images and ground truth of your own to a file that :func:`dasbe.load_dataset` reads.

    An existing HDF5 file gets one more split; nothing in it is replaced without `replace`. A
    crash leaves the file as it was.

    Parameters
    ----------
    path : path
        Ends in ``.h5``, ``.hdf5`` or ``.npz``.
    images : (N, H, W), or films (N, n, H, W), of 0 and 1
    groups : array of the same shape, of whole numbers from 0 to 255, optional
        0 = background or overlap of two objects, k = object number.
    split : str, optional
        For HDF5: by default ``"train_multi"``.
    name : str, optional
        Name of the dataset in the file; by default that of the file when it was new.
    replace : bool
        Whether an existing split of that name, or an existing NumPy file, is replaced
        (:func:`dasbe.save_network` always replaces its file).

    Returns
    -------
    Path

    Raises
    ------
    InputError
        A value is wrong, the split or the NumPy file is there already, or the HDF5 file is not of such a dataset.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> images, groups = dasbe.draw_scenes([np.ones((2, 2))], (8, 8), count=5)
    >>> path = dasbe.save_dataset("squares.h5", images, groups)
    >>> dasbe.load_dataset(path, stop=3)[0].shape
    (3, 8, 8)
    """
    path = checks.path("path", path)
    suffix = path.suffix.lower()
    if suffix not in (*HDF5_SUFFIXES, NUMPY_SUFFIX):
        raise InputError(f"path is {checks.shown(str(path))}; it must end in .h5, .hdf5 or .npz")
    arrays, replace = _checked_arrays(images, groups), checks.flag("replace", replace)
    if suffix == NUMPY_SUFFIX and split is not None:
        raise InputError(f"split is {checks.shown(split)}, but a .npz file has no splits; leave it out")
    split = _checked_name("split", "train_multi" if split is None else split)
    name = None if name is None else _checked_name("name", name)
    if (name or path.stem) in DATASETS:
        raise InputError(f"name is '{name or path.stem}', as a published dataset is called; give another with name=")
    with one_at_a_time(path):  # or splits that others write at the same time would be lost
        if suffix == NUMPY_SUFFIX:
            _save_numpy(path, arrays, name or path.stem, replace)
        else:
            _save_hdf5(path, arrays, split, name, replace)
    return path


def _checked_arrays(images: Any, groups: Any) -> dict[str, np.ndarray]:
    images = checks.films(images, np.shape(images)[1])[0] if checks.are_films(images) else checks.images(images)
    if groups is None:
        return {"default": images}
    given = checks.without_channel(checks.array("groups", groups, "an array of the shape of the images"))
    checks.same_shape(images=images, groups=given)
    groups = checks.labels(given.reshape(-1, *images.shape[-2:]), "groups", 3).reshape(images.shape)
    if groups.max() > MOST_LABELS:
        raise InputError(f"groups go up to {groups.max()}; number the objects of each image from 1 to {MOST_LABELS}")
    if (groups[images == 0] > 0).any():
        raise InputError("groups label pixels that have no ink in images; groups * images leaves them out")
    return {"default": images, "groups": groups.astype(np.uint8)}


def _checked_name(what: str, value: Any) -> str:
    if not isinstance(value, str) or not value.isprintable() or not value.strip(". ") or "/" in value:
        raise InputError(f"{what} is {checks.shown(value)}; it must be a word without /")
    return str(value)


def _save_numpy(path: Path, arrays: dict[str, np.ndarray], name: str, replace: bool) -> None:
    if path.exists() and not replace:
        raise InputError(f"path {displayed(path)} is there already; give another, or replace=True")
    contents: dict[str, Any] = {"images" if key == "default" else key: array for key, array in arrays.items()}
    with atomic_path(path) as temporary, open(temporary, "wb") as file:  # to whose name NumPy could add a suffix
        np.savez_compressed(file, **contents, dataset=np.array(name))


def _save_hdf5(path: Path, arrays: dict[str, np.ndarray], split: str, name: str | None, replace: bool) -> None:
    before = b""
    if path.exists():
        with open_hdf5(path, MISSING, "give another path") as file:
            held = file.attrs.get("dataset")
            if not isinstance(held, str) or held in DATASETS or name not in (None, held):
                raise Unfit(f"it says that it holds {held}")
            if split in list(file) and not replace:
                raise InputError(f"split '{split}' is in {displayed(path)} already; give another, or replace=True")
        before = path.read_bytes()
    with hdf5_to_write(path, before) as file:
        if split in file:
            del file[split]
        for key, array in arrays.items():
            append(file.require_group(split), key, array)
        if not before:
            file.attrs["dataset"] = name or path.stem
