"""Files of a user's own: HDF5, NumPy, and folders of pictures."""

import os
import zipfile
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from dasbe.datasets.catalogue import DATASETS
from dasbe.datasets.hdf5 import (
    Unfit,
    append,
    array_in,
    has,
    hdf5_to_write,
    images_from,
    judged,
    open_hdf5,
    read,
    split_of,
)
from dasbe.datasets.images import read_picture
from dasbe.support import checks
from dasbe.support.errors import FileContentError, InputError, MissingFileError
from dasbe.support.paths import file_to_read, readable
from dasbe.support.storage import atomic_path

HDF5_SUFFIXES = (".h5", ".hdf5")
NUMPY_SUFFIX = ".npz"
PICTURE_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".webp")
MISSING = "give the path of a file or folder of images"
REMEDY = "write it with dasbe.save_dataset"
MOST_LABELS = 255  # of an image: labels are uint8
FORMS = "(N, H, W), or with a channel axis of 1, or films (N, n, H, W)"


def is_path(name: Any) -> bool:
    """Whether `name` is the path of a file or folder, not the name of a dataset."""
    if isinstance(name, str):
        return bool(Path(name).suffix) or any(mark in name for mark in (os.sep, os.altsep) if mark)
    return isinstance(name, os.PathLike)


def load_own(
    path: Path, split: str | None = None, start: int = 0, stop: int | None = None
) -> tuple[np.ndarray, np.ndarray | None]:
    """Images and labels of a file or folder, as :func:`dasbe.load_dataset` says."""
    is_folder, suffix = path.is_dir(), path.suffix.lower()
    if not is_folder:
        file_to_read("dataset file", path, MISSING)
        if suffix in HDF5_SUFFIXES:
            return _load_hdf5(path, split, start, stop)
        if suffix != NUMPY_SUFFIX:
            hint = "; for one picture there is dasbe.load_image" if suffix in PICTURE_SUFFIXES else ""
            known = ", ".join((*HDF5_SUFFIXES, NUMPY_SUFFIX))
            raise FileContentError(f"dataset file {readable(path)} is none of {known}, nor a folder of pictures{hint}")
    if split is not None:
        raise InputError(
            f"split is {checks.shown(split)}, but name is {readable(path)}, which has no splits; leave it out"
        )
    return (_load_pictures(path, start, stop), None) if is_folder else _load_numpy(path, start, stop)


def _load_hdf5(path: Path, split: str | None, start: int, stop: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    with open_hdf5(path, MISSING, REMEDY) as file:
        split = split_of(file, split, path)
        arrays = [array_in(file, f"{split}/default")]
        if has(file[split], "groups"):
            arrays.append(array_in(file, f"{split}/groups"))
        forms = [_form(array) for array in arrays]
        wanted = _wanted(start, stop, forms, f"{readable(path)}, {split}")
        n_values = (wanted.stop - wanted.start) * int(np.prod(forms[0][1:]))
        parts = [read(array, (0, wanted) if array.ndim == 5 else (wanted,), n_values) for array in arrays]
        return _as_dataset(*(part.reshape(-1, *forms[0][1:]) for part in parts))


def _load_numpy(path: Path, start: int, stop: int | None) -> tuple[np.ndarray, np.ndarray | None]:
    with judged(path, REMEDY), zipfile.ZipFile(path) as archive:
        for name in archive.namelist():
            archive.open(name).close()  # raises if a name is damaged, as of labels that would be missed
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        labels = [name for name in ("labels", "groups") if name in names]
        if "images" not in names or len(labels) > 1:
            raise Unfit(f"it holds the arrays {', '.join(names)}; expected images, and labels or groups")
        arrays = [_array(archive, name) for name in ("images", *labels)]
        forms = [_form(array) for array in arrays]
        wanted = _wanted(start, stop, forms, readable(path))
        return _as_dataset(*(array.reshape(forms[0])[wanted] for array in arrays))


def _array(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    member = archive.getinfo(f"{name}.npy")
    checks.memory(member.file_size, f"reading {name}", "save fewer images in a file")
    try:
        with archive.open(member) as content:
            return np.lib.format.read_array(content, allow_pickle=False)
    except MemoryError:  # there is enough for what is there
        raise Unfit(f"{name} is shorter than it says") from None


def _load_pictures(folder: Path, start: int, stop: int | None) -> np.ndarray:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix.lower() in PICTURE_SUFFIXES)
    except PermissionError:
        raise InputError(f"folder {readable(folder)} may not be read by this user; change its permissions") from None
    files = [file for file in files if not file.name.startswith(".")]
    if not files:
        raise MissingFileError(f"folder {readable(folder)} has no pictures ({', '.join(PICTURE_SUFFIXES)})")
    chosen = files[images_from(start, stop, len(files), f"folder {readable(folder)}")]
    first, side = read_picture(chosen[0])
    checks.memory(first.size * len(chosen), f"reading {len(chosen)} pictures", "read fewer with start= and stop=")
    images = np.empty((len(chosen), *first.shape), np.uint8)
    images[0] = first
    for image, file in zip(images[1:], chosen[1:]):
        image[:], its_side = read_picture(file, first.shape, why=f"{chosen[0].name} is")
        if its_side != side:
            raise InputError(
                f"image {readable(file)} has ink that is {its_side}, that of {chosen[0].name} is {side}; "
                "make them alike, or read them one by one with dasbe.load_image"
            )
    return images


def _form(array: h5py.Dataset | np.ndarray) -> tuple[int, ...]:
    """Shape (N, H, W) or (N, n, H, W) of an array of numbers, without a channel axis."""
    shape = array.shape
    if array.dtype.kind not in "buif" or shape is None or 0 in shape:
        raise Unfit(f"it has an array {shape} of {array.dtype}; expected numbers {FORMS}")
    if len(shape) == 5 and shape[0] == shape[4] == 1:
        return shape[1:4]
    if len(shape) == 4 and (shape[1] == 1) != (shape[3] == 1):
        return (shape[0], *(shape[2:] if shape[1] == 1 else shape[1:3]))
    if len(shape) == 3 or (len(shape) == 4 and shape[1] != 1):
        return shape
    raise Unfit(f"it has an array {shape}; expected {FORMS}")


def _wanted(start: int, stop: int | None, forms: list[tuple[int, ...]], what: str) -> slice:
    """The images to read; Unfit unless there are as many labels as images."""
    if forms[0] != forms[-1]:
        raise Unfit(f"it has images {forms[0]} and labels {forms[-1]}")
    return images_from(start, stop, forms[0][0], what)


def _as_dataset(images: np.ndarray, labels: np.ndarray | None = None) -> tuple[np.ndarray, np.ndarray | None]:
    """Images as 0 and 1 and labels from 0, uint8; Unfit if they are of other values."""
    white = 255 if images.dtype.kind in "ui" and images.max() == 255 else 1
    wrong = images[(images != 0) & (images != white)]
    if wrong.size:
        raise Unfit(f"its images hold {wrong.flat[0]:g}, not only 0 and {white}: binarise them (images > …)")
    ink = (images == white).astype(np.uint8)
    if labels is None:
        return ink, None
    wrong = labels[~((labels >= -1) & (labels <= MOST_LABELS) & (labels == np.round(labels)))]
    if wrong.size:
        raise Unfit(f"its labels hold {wrong.flat[0]:g}; expected whole numbers from 0 to {MOST_LABELS}, or -1")
    groups = np.where(labels == -1, 0, labels).astype(np.uint8)
    if ((groups > 0) > ink).any():
        raise Unfit("its labels name pixels that have no ink: labels * images leaves them out")
    return ink, groups


def save_dataset(
    path: Path | str,
    images: np.ndarray,
    groups: np.ndarray | None = None,
    split: str | None = None,
    name: str | None = None,
    replace: bool = False,
) -> Path:
    """Write images and ground truth of your own to a file that :func:`dasbe.load_dataset` reads.

    An HDF5 file that is there gets one more split. What is there already is kept, unless
    `replace` is given. A crash leaves the file as it was.

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
        What the dataset is called in the file; by default as the file when it was new.
    replace : bool
        Whether the split of that name, or the NumPy file, is replaced if it is there
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
    if suffix == NUMPY_SUFFIX:
        _save_numpy(path, arrays, name or path.stem, replace)
    else:
        _save_hdf5(path, arrays, split, name, replace)
    return path


def _checked_arrays(images: Any, groups: Any) -> dict[str, np.ndarray]:
    images = checks.films(images, None)[0] if checks.n_axes(images) == 4 else checks.images(images)
    if groups is None:
        return {"default": images}
    given = checks.array("groups", groups, "an array of the shape of the images")
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
        raise InputError(f"path {readable(path)} is there already; give another, or replace=True")
    named = {"images" if key == "default" else key: array for key, array in arrays.items()}
    with atomic_path(path) as temporary, zipfile.ZipFile(temporary, "w", zipfile.ZIP_DEFLATED) as archive:
        for key, array in {**named, "dataset": np.array(name)}.items():
            with archive.open(f"{key}.npy", "w", force_zip64=True) as content:
                np.lib.format.write_array(content, array, allow_pickle=False)


def _save_hdf5(path: Path, arrays: dict[str, np.ndarray], split: str, name: str | None, replace: bool) -> None:
    before = b""
    if path.exists():
        with open_hdf5(path, MISSING, "give another path") as file:
            held = file.attrs.get("dataset")
            if not isinstance(held, str) or held in DATASETS or name not in (None, held):
                raise Unfit(f"it says that it holds {held}")
            if split in list(file) and not replace:
                raise InputError(f"split '{split}' is in {readable(path)} already; give another, or replace=True")
        before = path.read_bytes()
    with hdf5_to_write(path, before) as file:
        if split in file:
            del file[split]
        for key, array in arrays.items():
            append(file.require_group(split), key, array)
        if not before:
            file.attrs["dataset"] = name or path.stem
