"""HDF5 files of images and labels, of which only what lies in them is read.

HDF5 lets a file refer to other files (links, external storage, virtual datasets) and to
compression plug-ins; nothing of that kind is followed.
"""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import h5py
import numpy as np

from dasbe.support.paths import file_to_read
from dasbe.support.storage import Unfit, atomic_path, untrusted

FILTERS = {1: "gzip", 2: "shuffle", 3: "fletcher32", 4: "szip", 5: "nbit", 6: "scaleoffset", 32000: "lzf"}
"""Compression and checksums that come with HDF5 and h5py, by the numbers that HDF5 gives them."""
FORMAT = ("v110", "v110")  # the oldest in which every part of a file has a checksum; HDF5 1.10 and later read it
CHUNK_BYTES = 1 << 17  # size of one HDF5 chunk: a batch is read without many of its neighbours
DAMAGED = "is damaged or of another kind ({reason})"  # message on dataset files that libraries cannot read


@contextmanager
def open_hdf5(path: Path, missing: str, remedy: str) -> Iterator[h5py.File]:
    """The HDF5 file `path`, which the block reads and checks.

    `missing` and `remedy` say what to do if it is not there, and if its content is wrong.
    HDF5 itself would lock the file; ours are replaced as a whole, never changed in place.
    """
    file_to_read("dataset file", path, missing)
    with untrusted(path, "dataset file", remedy, DAMAGED), open(path, "rb") as content:
        try:
            with h5py.File(content, "r") as file:
                yield file
        except (OSError, KeyError) as error:
            if "version number" not in str(error):
                raise
            found = (
                f"HDF5 {h5py.version.hdf5_version} does not know its version: a newer one wrote it, or it is damaged"
            )
            raise Unfit(found, f"update h5py, or {remedy}") from error


def has(place: h5py.Group, key: str) -> bool:
    """Whether `place` has an entry `key`; no link is followed."""
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


def form_of(key: str, array: h5py.Dataset | np.ndarray, published: tuple[int, ...] | None = None) -> tuple[int, ...]:
    """Shape (N, H, W) or (N, n, H, W) of an array of images or labels, without a channel axis of length 1.

    An array with a `published` shape must be uint8, with as many axes and the same last two.
    Unfit if it has another form.
    """
    shape, form = array.shape, None
    if published is not None:
        expected = f"{len(published)} axes, the last two {published[-2:]}, of uint8"
        if array.dtype == np.uint8 and array.ndim == len(published) and shape[-2:] == published[-2:]:
            form = shape
    else:
        expected = "numbers (N, H, W), or with a channel axis of 1, or films (N, n, H, W)"
        n_axes = array.ndim if array.dtype.kind in "buif" else 0
        if n_axes == 5 and shape[0] == shape[4] == 1:
            form = shape[1:4]
        elif n_axes == 4 and (shape[1] == 1) != (shape[3] == 1):
            form = (shape[0], *(shape[2:] if shape[1] == 1 else shape[1:3]))
        elif n_axes == 3 or (n_axes == 4 and shape[1] != 1):
            form = shape
    if form is None or 0 in form:
        raise Unfit(f"{key} is an array {shape} of {array.dtype}; expected {expected}")
    return form


@contextmanager
def hdf5_to_write(path: Path, before: bytes = b"") -> Iterator[h5py.File]:
    """An HDF5 file that becomes `path` if the block succeeds; it begins empty, or as the content `before`."""
    with atomic_path(path) as temporary:
        content = io.BytesIO(before)  # since HDF5 does not survive a full disk
        with h5py.File(content, "r+" if before else "w", libver=FORMAT) as file:
            yield file
        temporary.write_bytes(content.getbuffer())


def append(group: h5py.Group, key: str, array: np.ndarray) -> None:
    """Add `array` (uint8) to the end of array `key` of `group`, which is created by its first block."""
    if key not in group:
        # whole images, or whole frames of a film
        length = min(max(CHUNK_BYTES // max(array[:1].nbytes, 1), 1), max(len(array), 1))
        form = {"maxshape": (None, *array.shape[1:]), "chunks": (length, *array.shape[1:])}
        group.create_dataset(key, data=array, **form, compression="gzip", compression_opts=1, fletcher32=True)
    else:
        old = len(group[key])
        group[key].resize(old + len(array), axis=0)
        group[key][old:] = array
