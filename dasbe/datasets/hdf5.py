"""Files of images and labels: nothing that is read of one is believed before it has been checked.

A file may come from anybody, be cut off, or be another than its name says. HDF5
besides lets a file refer to other files (links, external storage, virtual datasets)
and to compression plug-ins; nothing of that kind is followed. Whatever is wrong ends in
one line (:func:`judged`).
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from dasbe.support import checks
from dasbe.support.errors import FileContentError, InputError
from dasbe.support.paths import file_to_read, readable
from dasbe.support.storage import atomic_path

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""Those that come with HDF5 and h5py."""
CHUNK_BYTES = 1 << 17  # of one HDF5 chunk: a batch is read without many of its neighbours
MOST_NAMED = 10  # splits in a message
CHECKED_AT_ONCE = 1000  # images, so that a check takes little memory
LONGEST_REASON = 120  # characters of what a library says


class Unfit(Exception):
    """Content of a file is not what it should be; the message says what it is."""


@contextmanager
def judged(path: Path, remedy: str) -> Iterator[None]:
    """Whatever a block finds wrong with the content of `path` becomes a FileContentError.

    Parameters
    ----------
    path : Path
    remedy : str
        The end of that line.
    """
    try:
        yield
    except (InputError, MemoryError):
        raise
    except Unfit as fault:
        raise FileContentError(f"dataset file {readable(path)} cannot be used: {fault}; {remedy}") from None
    except Exception as error:  # on damaged bytes libraries fail in ways of their own
        reason = " ".join(str(error).split())[:LONGEST_REASON] or type(error).__name__
        raise FileContentError(
            f"dataset file {readable(path)} is damaged or of another kind ({reason}); {remedy}"
        ) from error


@contextmanager
def open_hdf5(path: Path, missing: str, remedy: str) -> Iterator[h5py.File]:
    """HDF5 file `path`, judged; `missing` is what to do if it is not there.

    No lock is asked for, as HDF5 would: our files are replaced as a whole, never changed in place.
    """
    file_to_read("dataset file", path, missing)
    with judged(path, remedy), open(path, "rb") as content, h5py.File(content, "r") as file:
        yield file


def has(place: h5py.Group, key: str) -> bool:
    """Whether `place` has something of that name; no link is followed."""
    return place.id.links.exists(key.encode())


def array_in(file: h5py.File, key: str) -> h5py.Dataset:
    """The array ``GROUP/NAME``, which lies in `file` itself; Unfit if there is none."""
    place = file
    for part in key.split("/"):
        if not isinstance(place, h5py.Group) or not has(place, part):
            raise Unfit(f"{key} is missing")
        if place.id.links.get_info(part.encode()).type != h5py.h5l.TYPE_HARD:
            raise Unfit(f"{key} is a link, which is not followed")
        place = place[part]
    if not isinstance(place, h5py.Dataset):
        raise Unfit(f"{key} is a group, not an array")
    layout = place.id.get_create_plist()
    if layout.get_layout() == h5py.h5d.VIRTUAL or layout.get_external_count():
        raise Unfit(f"{key} lies in other files, which are not read")
    for number in range(layout.get_nfilters()):
        code = layout.get_filter(number)[0]
        if code not in FILTERS or not h5py.h5z.filter_avail(code):
            raise Unfit(f"{key} is compressed by {FILTERS.get(code, f'filter {code}')}, which is not available here")
    return place


def split_of(file: h5py.File, split: object, path: Path) -> str:
    """Name of the group `split` of `file`; by default ``"train_multi"``, or the only one."""
    names = list(file)
    if split is None and "train_multi" not in names and len(names) == 1:
        return names[0]
    wanted = "train_multi" if split is None else split
    if not isinstance(wanted, str) or wanted not in names:
        choices = ", ".join(names[:MOST_NAMED]) or "none"
        raise InputError(f"split {checks.shown(wanted)} is not in {readable(path)}; choose one of {choices}")
    return wanted


def images_from(start: object, stop: object, count: int, what: str) -> slice:
    """Images `start` to `stop` (None: the last) of the `count` that `what` has; InputError if they are not there."""
    start = checks.whole_number("start", start, -checks.LARGEST_NUMBER)
    last = count if stop is None else checks.whole_number("stop", stop, -checks.LARGEST_NUMBER)
    if not 0 <= start < last <= count:
        raise InputError(f"images {start} to {last} are outside {what}, which has 0 to {count}")
    return slice(start, last)


def read(array: h5py.Dataset, where: tuple | slice, n_values: int) -> np.ndarray:
    """``array[where]``, `n_values` numbers, if there is memory for them and for a chunk."""
    chunk = np.prod(array.chunks or (0,), dtype=float)
    n_bytes = int((n_values + chunk) * array.dtype.itemsize)
    checks.memory(n_bytes, f"reading {array.name}", "read fewer images with start= and stop=")
    return array[where]


def check_values(images: np.ndarray, groups: np.ndarray, most: int) -> None:
    """Unfit unless `images` are 0 and 1, and `groups` label pixels with ink from 1 to `most`.

    Both (N, …, H, W) uint8.
    """
    for first in range(0, len(images), CHECKED_AT_ONCE):
        ink, labels = (part[first : first + CHECKED_AT_ONCE] for part in (images, groups))
        if ink.max() > 1:
            raise Unfit(f"its images hold {ink.max()}, not only 0 and 1")
        if labels.max() > most:
            raise Unfit(f"its labels go up to {labels.max()}, but there are at most {most} objects")
        if ((labels > 0) > ink).any():
            raise Unfit("its labels name pixels that have no ink")


@contextmanager
def hdf5_to_write(path: Path, before: bytes = b"") -> Iterator[h5py.File]:
    """An HDF5 file that becomes `path` if the block succeeds; it begins empty, or as the content `before`."""
    with atomic_path(path) as temporary:
        content = io.BytesIO(before)  # since HDF5 does not survive a full disk
        # in the latest version every part of the file has a checksum
        with h5py.File(content, "r+" if before else "w", libver="latest") as file:
            yield file
        temporary.write_bytes(content.getbuffer())


def append(group: h5py.Group, key: str, array: np.ndarray) -> None:
    """Add `array` (uint8) to the end of array `key` of `group`, which is created by its first block."""
    if key not in group:
        # whole images, or whole frames of a sequence
        length = min(max(CHUNK_BYTES // max(array[:1].nbytes, 1), 1), max(len(array), 1))
        chunk = (length, *array.shape[1:])
        group.create_dataset(
            key,
            data=array,
            maxshape=(None, *array.shape[1:]),
            chunks=chunk,
            compression="gzip",
            compression_opts=1,
            fletcher32=True,
        )
    else:
        old = len(group[key])
        group[key].resize(old + len(array), axis=0)
        group[key][old:] = array
