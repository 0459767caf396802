"""Hostile files for every reader: crafted, cut, with bits flipped, renamed, links, folders, pipes, bombs.

``PYTHONPATH=. python tests/hostile.py 300 1 FOLDER`` makes 300 of them from seed 1 in an empty folder, and reads them
in a process with 2 GB of address space more than it has when all is imported. Each has to end within two seconds of
the processor, in one line of an InputError, or be read without a word, as where a bit was flipped that nobody reads; no
code in a file may run. The outcomes are counted.
"""

import contextlib
import gzip
import hashlib
import io
import itertools
import json
import os
import pickle
import re
import resource
import signal
import struct
import sys
import time
import zipfile
import zlib
from collections import Counter, OrderedDict
from functools import partial
from pathlib import Path

import h5py
import numpy as np
import torch
from PIL import Image

import dasbe
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.network import answers
from dasbe.datasets import make_dataset, mnist
from dasbe.support import PROCEDURE
from dasbe.support.storage import load_arrays, load_record, load_tensors, save_arrays, save_record, save_tensors
from dasbe.train import denoising
from dasbe.train.denoising import TrainingState

SPACE_BYTES = 2 * 10**9  # of address space, beyond what the imports take
MOST_SECONDS = 2.0
DIGITS = "train-images-idx3-ubyte.gz"
IMAGES = np.random.default_rng(0).random((5, 8, 8)) < 0.4
MARK = Path("code-has-run")


# sound files, one of each kind


def small_network():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return Autoencoder(Architecture((8, 8), (), 4))


def content_of_network():
    weights = dict(small_network().state_dict())
    architecture = {"image_shape": [8, 8], "hidden": [], "latent": 4}
    return {"description": json.dumps({"architecture": architecture}), "weights": weights}


def checkpoint():
    """Content of a checkpoint, and the subject of it."""
    network = small_network()
    subject = {
        "recipe": {"epochs": 2},
        "images": "x",
        "procedure": PROCEDURE,
        "layers": {key: list(value.shape) for key, value in network.state_dict().items()},
    }
    optimiser = torch.optim.Adam(network.parameters()).state_dict()
    state = TrainingState(1, network.state_dict(), dict(network.state_dict()), optimiser, [(1, 0.5, 0.5, 0.1)])
    return subject | {"answers": list(answers(network, IMAGES))} | vars(state), subject


def write_run(path):
    dasbe.bind(IMAGES, lambda x: 0.2 * x, delay=14, refractory=3, cycles=5, record=("spikes", "feedback")).save(path)


def write_old_hdf5(path):
    """As h5py and other tools write by default, without checksums."""
    with h5py.File(path, "w") as file:
        file["train_multi/default"] = IMAGES.astype(np.uint8)
        file.create_dataset("train_multi/groups", data=IMAGES.astype("i4"), compression="gzip")


def write_digits(path):
    content = bytes(range(256)) * 30
    content = content[: 16 + 784 * 9]
    mnist.FILES[DIGITS] = hashlib.sha256(content).hexdigest()
    path.write_bytes(gzip.compress(content))


def write_shapes(path):
    made = make_dataset("shapes", path.parent / "made", {"multi": 3, "test": 1, "single": 1}, progress=False)
    os.replace(made, path)


def resumed(path):
    network = small_network()
    optimiser = torch.optim.Adam(network.parameters())
    take = partial(denoising.state_of, network=network, optimiser=optimiser, asked=IMAGES)
    with contextlib.redirect_stderr(io.StringIO()) as said:
        state = denoising.resumed(path, checkpoint()[1], "cpu", take)
    if state is None:
        raise dasbe.FileContentError(said.getvalue() or "no checkpoint")


def digits(path):
    folder = path.parent / f"{path.name}-folder"
    folder.mkdir()
    os.rename(path, folder / DIGITS)
    mnist.load_digits("train", folder)


def shapes(path):
    folder = path.parent / f"{path.name}-folder"
    folder.mkdir()
    os.rename(path, folder / "shapes.h5")
    dasbe.load_dataset("shapes", folder=folder)


def pictures(path):
    folder = path.parent / f"{path.name}-folder"
    folder.mkdir()
    os.rename(path, folder / "picture.png")
    dasbe.load_dataset(folder)


KINDS = {  # suffix, what writes a sound file, and what reads it
    "network": (".pt", lambda path: save_tensors(path, content_of_network()), dasbe.load_network),
    "checkpoint": (".checkpoint", lambda path: save_tensors(path, checkpoint()[0]), resumed),
    "tensors": (".pt", lambda path: save_tensors(path, checkpoint()[0]), load_tensors),
    "run": (".npz", write_run, dasbe.load_run),
    "dataset": (".h5", lambda path: dasbe.save_dataset(path, IMAGES, IMAGES.astype(int)), dasbe.load_dataset),
    "old dataset": (".hdf5", write_old_hdf5, dasbe.load_dataset),
    "published dataset": (".h5", write_shapes, shapes),
    "numpy dataset": (".npz", lambda path: dasbe.save_dataset(path, IMAGES), dasbe.load_dataset),
    "numpy array": (".npy", lambda path: np.save(path, IMAGES), dasbe.load_dataset),
    "arrays": (".npz", lambda path: save_arrays(path, {"a": np.arange(90.0)}, {}), lambda path: load_arrays(path, "x")),
    "record": (".json", lambda path: save_record(path, {"scores": [0.5] * 9}), load_record),
    "picture": (".png", lambda path: Image.fromarray(255 * IMAGES[0].astype(np.uint8)).save(path), dasbe.load_image),
    "pictures": (".png", lambda path: Image.fromarray(255 * IMAGES[0].astype(np.uint8)).save(path), pictures),
    "digits": (".gz", write_digits, digits),
}


# what can be done to any file


def cut(path, rng):
    path.write_bytes(path.read_bytes()[: rng.integers(path.stat().st_size)])


def flip(path, rng):
    content = bytearray(path.read_bytes())
    for place in rng.integers(8 * len(content), size=rng.integers(1, 20)):
        content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)


def overwrite(path, rng):
    content = bytearray(path.read_bytes())
    start = int(rng.integers(len(content)))
    length = int(rng.integers(1, 40))
    content[start : start + length] = (
        bytes([rng.choice([0, 255])]) * length if rng.random() < 0.5 else rng.bytes(length)
    )
    path.write_bytes(content)


def insert(path, rng):
    content, place = path.read_bytes(), int(rng.integers(path.stat().st_size))
    path.write_bytes(content[:place] + rng.bytes(int(rng.integers(1, 100))) + content[place:])


def enlarge_numbers(path, rng):
    """Some bytes that may be of a size become large."""
    content = bytearray(path.read_bytes())
    for place in rng.integers(len(content), size=6):
        content[place] = rng.choice([0x7F, 0x80, 0xFF])
    path.write_bytes(content)


def replace_by(make):
    def mutate(path, rng):
        path.unlink()
        make(path)

    return mutate


def write_sparse(path):
    with open(path, "wb") as file:
        file.truncate(1 << 36)


def loop(path):
    path.symlink_to(path)


ANY = {
    "cut": cut,
    "bits flipped": flip,
    "overwritten": overwrite,
    "inserted": insert,
    "numbers enlarged": enlarge_numbers,
    "empty": replace_by(Path.touch),
    "text": replace_by(lambda path: path.write_text("[1, 2]\n" * 5)),
    "dangling link": replace_by(lambda path: path.symlink_to("none")),
    "link to itself": replace_by(loop),
    "link to a folder": replace_by(lambda path: path.symlink_to(".")),
    "link to a device": replace_by(lambda path: path.symlink_to("/dev/zero")),
    "folder": replace_by(Path.mkdir),
    "pipe": replace_by(os.mkfifo),
    "64 GB of nothing": replace_by(write_sparse),
}


# crafted: PyTorch


class Call:
    """Pickled as a call."""

    def __init__(self, function, *arguments):
        self.function, self.arguments = function, arguments

    def __reduce__(self):
        return self.function, self.arguments


class Storage:
    """Pickled as the numbers of a record of the archive."""

    def __init__(self, record, count, kind=torch.FloatStorage):
        self.identity = ("storage", kind, record, "cpu", count)


def tensor(record, shape, stride=None, count=None, offset=0, kind=torch.FloatStorage):
    size = int(np.prod(shape, dtype=object))
    stride = stride or tuple(int(np.prod(shape[i + 1 :], dtype=object)) for i in range(len(shape)))
    storage = Storage(record, size if count is None else count, kind)
    return Call(torch._utils._rebuild_tensor_v2, storage, offset, tuple(shape), stride, False, OrderedDict())


class Pickler(pickle.Pickler):
    def persistent_id(self, value):
        return value.identity if isinstance(value, Storage) else None


def write_archive(path, content, records=(), compression=zipfile.ZIP_STORED):
    pickled = io.BytesIO()
    if isinstance(content, bytes):
        pickled.write(content)
    else:
        Pickler(pickled, 2).dump(content)
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("archive/data.pkl", pickled.getvalue())
        archive.writestr("archive/byteorder", "little")
        for number, record in enumerate(records):
            archive.writestr(f"archive/data/{number}", record)
        archive.writestr("archive/version", "3\n")


def described(architecture, weights):
    return {"description": json.dumps({"architecture": architecture}), "weights": weights}


def layers(n_pixels, widths, make):
    """Weights by name of an encoder of `widths` and its decoder, made by `make` of the shape."""
    weights = {}
    for part, sizes in (("encoder", (n_pixels, *widths)), ("decoder", (*widths[::-1], n_pixels))):
        for number, (n_in, n_out) in enumerate(itertools.pairwise(sizes)):
            weights[f"{part}.{2 * number}.weight"], weights[f"{part}.{2 * number}.bias"] = (
                make((n_out, n_in)),
                make((n_out,)),
            )
    return weights


def nested(path, depth=400, size=1 << 20):
    """Each record holds the next one, so that all of them are many times what the file is."""
    names = [f"archive/data/{number}".encode() for number in range(depth)]
    lengths = [size + sum(30 + len(name) for name in names[number + 1 :]) for number in range(depth)]
    weights = {str(i): tensor(str(i), (n,), kind=torch.ByteStorage) for i, n in enumerate(lengths)}
    write_archive(path, {"description": "{}", "weights": weights}, [])
    with zipfile.ZipFile(path) as archive:
        listed = [(m.filename.encode(), m.CRC, m.file_size, m.header_offset) for m in archive.infolist()]
    before = path.read_bytes()
    before, block = before[: before.index(b"PK\x01\x02")], bytes(size)
    end = len(before) + lengths[0] + 30 + len(names[0])
    for name in reversed(names):
        sizes = struct.pack("<III", zlib.crc32(block), len(block), len(block))
        listed.append((name, zlib.crc32(block), len(block), end - len(block) - 30 - len(name)))
        block = (
            b"PK\x03\x04"
            + struct.pack("<HHHHH", 20, 0, 0, 0, 33)
            + sizes
            + struct.pack("<HH", len(name), 0)
            + name
            + block
        )
    directory = b""
    for name, crc, n, place in listed:
        directory += b"PK\x01\x02" + struct.pack("<HHHHHHIII", 20, 20, 0, 0, 0, 33, crc, n, n)
        directory += struct.pack("<HHHHHII", len(name), 0, 0, 0, 0, 0, place) + name
    tail = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, len(listed), len(listed), len(directory), end, 0)
    path.write_bytes(before + block + directory + tail)


def image_of(widths, **changes):
    return {"image_shape": [28, 28], "hidden": list(widths[:-1]), "latent": widths[-1]} | changes


def network_of(path, widths, make, records=(bytes(4096),), architecture=None):
    write_archive(path, described(architecture or image_of(widths), layers(784, widths, make)), records)


def expanded(shape):
    return tensor("0", shape, (0,) * len(shape), count=1024)


NUMBERS = iter(range(10**9))
TENSORS = {
    "layers without weights": lambda path: write_archive(path, described(image_of((10**6, 10**6)), {})),
    "a million layers": lambda path: write_archive(path, described(image_of([1] * 300000), {})),
    "expanded weights": lambda path: network_of(path, (10**6,), expanded),
    "expanded layers": lambda path: network_of(path, (4000,) * 90, expanded),
    "more numbers than bytes": lambda path: network_of(path, (400,), lambda shape: tensor("0", shape)),
    "a billion numbers": lambda path: network_of(path, (400,), lambda shape: tensor("0", shape, count=10**9)),
    "sizes overflow": lambda path: network_of(path, (4,), lambda shape: tensor("0", (2**62, 8), (1, 1), count=1)),
    "negative sizes": lambda path: network_of(path, (4,), lambda shape: tensor("0", (-3, -5), (1, 1), count=9)),
    "offset beyond": lambda path: network_of(path, (4,), lambda shape: tensor("0", shape, offset=2**40, count=9)),
    "one storage, all layers": lambda path: network_of(
        path, (1000,) * 99, lambda shape: tensor("0", shape, count=10**6), [bytes(4 * 10**6)]
    ),
    "bytes as weights": lambda path: network_of(
        path, (4,), lambda shape: tensor("0", shape, count=4096, kind=torch.ByteStorage)
    ),
    "complex weights": lambda path: network_of(
        path, (4,), lambda shape: tensor("0", (1, 1), count=1, kind=torch.ComplexFloatStorage)
    ),
    "parts that overlap": nested,
    "compressed": lambda path: write_archive(
        path, described(image_of((4,)), {"a": tensor("0", (10**8,))}), [bytes(4 * 10**8)], zipfile.ZIP_DEFLATED
    ),
    "a shell": lambda path: write_archive(path, Call(os.system, f"touch {MARK}")),
    "an evaluation": lambda path: write_archive(path, {"weights": Call(eval, f"open({str(MARK)!r}, 'w')")}),
    "an imported name": lambda path: write_archive(path, b"\x80\x02cposix\nsystem\nX\x05\x00\x00\x00touch\x85R."),
    "a stack global": lambda path: write_archive(path, b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x01x\x85R."),
    "8 GB of bytes": lambda path: write_archive(path, {"weights": Call(bytearray, 2**33)}),
    "8 GB of a tensor": lambda path: write_archive(path, {"weights": Call(torch.Tensor, 2**31)}),
    "an encoding": lambda path: write_archive(path, {"weights": [pickle.dumps(bytes(99), 2)] * 2}),
    "a punycode": lambda path: write_archive(
        path, {"weights": Call(__import__("codecs").encode, "".join(map(chr, range(200, 55000))) * 4, "punycode")}
    ),
    "depth": lambda path: write_archive(path, b"\x80\x02" + b"(" * (1 << 19) + b"l" * ((1 << 19) - 9) + b"."),
    "a long pickle": lambda path: write_archive(path, b"\x80\x02" + b"N0" * (1 << 22) + b"N."),
    "a pickle as long as may be": lambda path: write_archive(path, b"\x80\x02" + b"N0" * ((1 << 19) - 10) + b"N."),
    "a long number": lambda path: write_archive(
        path, b"\x80\x02\x8b" + struct.pack("<i", 10**6) + b"\x7f" * 10**6 + b"."
    ),
    "lists in lists": lambda path: write_archive(path, b"\x80\x02]q\x00" + b"(h\x00h\x00h\x00h\x00lq\x00" * 99 + b"."),
    "60000 members": lambda path: write_archive(path, described(image_of((4,)), {}), [b""] * 60000),
    "a deep description": lambda path: write_archive(path, {"description": "[" * 10**6, "weights": {}}),
    "a number of digits": lambda path: write_archive(path, {"description": "1" * 10**6, "weights": {}}),
    "no description": lambda path: write_archive(path, {"description": None, "weights": {}}),
    "a list": lambda path: write_archive(path, [1, 2, 3]),
    "weights that torch saved": lambda path: torch.save(small_network().state_dict(), path),
    "a module": lambda path: torch.save(torch.nn.Linear(2, 2), path),
    "a file of old": lambda path: torch.save(content_of_network(), path, _use_new_zipfile_serialization=False),
    "TorchScript": lambda path: torch.jit.save(torch.jit.trace(torch.nn.Linear(2, 2), torch.zeros(1, 2)), str(path)),
    "a sparse tensor": lambda path: torch.save({"description": "{}", "weights": {"a": torch.eye(3).to_sparse()}}, path),
}


# crafted: NumPy


def npy(shape, dtype="<f4", content=b"", order=False):
    header = f"{{'descr': {dtype!r}, 'fortran_order': {order}, 'shape': {shape!r}, }}"
    return b"\x93NUMPY\x01\x00" + struct.pack("<H", len(header) + 1) + header.encode() + b"\n" + content


def write_npz(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            if isinstance(content, np.ndarray):
                file = io.BytesIO()
                np.lib.format.write_array(file, content)
                content = file.getvalue()
            archive.writestr(f"{name}.npy", content)


def parts_of_run():
    path = Path(f"parts-{next(NUMBERS)}.npz")
    write_run(path)
    with np.load(path) as file:
        parts = dict(file)
    path.unlink()
    return parts


def run_with(change=None, compression=zipfile.ZIP_DEFLATED, **members):
    """A writer of a run whose parameters `change` has changed, and with other `members`."""

    def write(path):
        parts = parts_of_run()
        if change is not None:
            made = json.loads(parts["made"].item())
            made["parameters"] |= change
            parts["made"] = np.array(json.dumps(made))
        parts |= members
        write_npz(path, {name: part for name, part in parts.items() if part is not None}, compression)

    return write


def zeros(n_bytes):
    """An array of that many zeros, as a file."""
    return npy((n_bytes,), "|u1", bytes(n_bytes))


OBJECTS = b"\x80\x02cposix\nsystem\nX\x12\x00\x00\x00touch code-has-run\x85R."
ARRAYS = {  # name of an array to what stands in its place
    "a shape of terabytes": npy((10**7, 10**6)),
    "a shape of gigabytes": npy((3 * 10**8,)),
    "a shape that overflows": npy((2**62, 2**62)),
    "a negative shape": npy((-5, 8, 8)),
    "no bytes a number": npy((10**18,), "|V0"),
    "much in a number": npy((1,), "|V2147483647"),
    "objects": npy((1,), "|O", OBJECTS),
    "fields": npy((2,), [("a", "<f4"), ("b", "|O")], OBJECTS),
    "a long header": b"\x93NUMPY\x01\x00\xff\xff" + b"(" * 65535,
    "a deep header": b"\x93NUMPY\x02\x00" + struct.pack("<I", 10**6) + b"[" * 10**6,
    "no array": b"x" * 50,
    "empty": np.zeros((0, 8, 8), np.uint8),
    "numbers": np.full((5, 8, 8), np.nan),
    "text": np.array(["x" * 1000] * 5),
    "dates": np.zeros((5, 8, 8), "M8[s]"),
    "2 GB of zeros": zeros,
}


def arrays_in(write, *names):
    """Crafts by name: `write` is given a name, and what stands in its place."""
    crafted = {}
    for name, (what, content) in itertools.product(names, ARRAYS.items()):
        if callable(content):
            crafted[f"{name}: {what}"] = lambda path, name=name: write(**{name: zeros(2 * 10**9)})(path)
        else:
            crafted[f"{name}: {what}"] = write(**{name: content})
    return crafted


def numpy_with(**members):
    def write(path):
        write_npz(path, {"images": IMAGES.astype(np.uint8), "labels": IMAGES.astype(np.uint8)} | members)

    return write


def encrypted(path):
    write_run(path)
    content = bytearray(path.read_bytes())
    for mark, place in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        start = 0
        while (start := content.find(mark, start)) >= 0:
            content[start + place] |= 1
            start += 4
    path.write_bytes(content)


def overlapping_arrays(path):
    write_npz(path, {"images": zeros(1 << 20)}, zipfile.ZIP_STORED)
    with zipfile.ZipFile(path) as archive:
        (one,) = archive.infolist()
    with zipfile.ZipFile(path, "a") as archive:
        for number in range(5000):
            twin = zipfile.ZipInfo(f"{number}.npy")
            for name in ("header_offset", "CRC", "compress_size", "file_size"):
                setattr(twin, name, getattr(one, name))
            archive.filelist.append(twin)
        archive._didModify = True


RUNS = {
    "cycles and delay of millions": run_with({"cycles": 10**6, "recorded_cycles": 10**6, "delay": 10**6}),
    "the same, without feedback": run_with({"cycles": 10**6, "recorded_cycles": 10**6, "delay": 10**6}, feedback=None),
    "an endless number": run_with({"delay": float("inf")}),
    "a parameter more": run_with({"x": 1}),
    "parameters that are lists": run_with({"delay": [1] * 10**5}),
    "a refractory time of text": run_with({"refractory": "9" * 10**5}),
    "an array more": run_with(junk=zeros(10**8)),
    "another compression": run_with(compression=zipfile.ZIP_LZMA),
    "a third compression": run_with(compression=zipfile.ZIP_BZIP2),
    "a password": encrypted,
    "parts that overlap": overlapping_arrays,
    "a deep record": run_with(made=np.array("[" * 10**5)),
    "no record": run_with(made=None),
    "a name that leads out": run_with(**{"../../x": np.zeros(3)}),
    **arrays_in(lambda **members: run_with(**members), "images", "spikes", "made", "indices"),
}
DATASETS = {
    "parts that overlap": overlapping_arrays,
    "no images": lambda path: write_npz(path, {"x": np.zeros(3)}),
    **arrays_in(numpy_with, "images", "labels"),
}


# crafted: HDF5


def hdf5_with(write):
    def craft(path):
        with h5py.File(path, "w") as file:
            file.attrs["dataset"] = "shapes"
            write(file)

    return craft


def deflate_bomb(file):
    array = file.create_dataset("train_multi/default", (100, 28, 28), "u1", chunks=(100, 28, 28), compression="gzip")
    array.id.write_direct_chunk((0, 0, 0), zlib.compress(bytes(2 * 10**9), 1))


def many_names(file):
    group = file.create_group("train_multi")
    for number in range(20000):
        group.create_group("\x1b[2J" + str(number))


def with_itself(file):
    file["train_multi/default"] = IMAGES.astype("u1")
    file["train_multi/groups"] = file["train_multi"]


HDF5 = {
    "a shape of terabytes": hdf5_with(
        lambda file: file.create_dataset("train_multi/default", (10**9, 28, 28), "u1", chunks=(1, 28, 28))
    ),
    "a chunk of gigabytes": hdf5_with(
        lambda file: file.create_dataset("train_multi/default", (5, 50000, 50000), "u1", chunks=(1, 50000, 50000))
    ),
    "a shape of gigabytes": hdf5_with(
        lambda file: file.create_dataset("train_multi/default", (3 * 10**6, 28, 28), "u1", chunks=(999, 28, 28))
    ),
    "a deflate bomb": hdf5_with(deflate_bomb),
    "a link to a file": hdf5_with(lambda file: file.__setitem__("train_multi", h5py.ExternalLink("/etc/passwd", "/"))),
    "a link to itself": hdf5_with(lambda file: file.__setitem__("train_multi", h5py.SoftLink("/train_multi"))),
    "numbers in another file": hdf5_with(
        lambda file: file.create_dataset("train_multi/default", (5, 8, 8), "u1", external=[("/etc/passwd", 0, 320)])
    ),
    "a group in itself": hdf5_with(with_itself),
    "text of any length": hdf5_with(
        lambda file: file.create_dataset("train_multi/default", (5, 8, 8), h5py.string_dtype())
    ),
    "fields": hdf5_with(lambda file: file.create_dataset("train_multi/default", (5, 8, 8), [("a", "f4"), ("b", "i8")])),
    "references": hdf5_with(lambda file: file.create_dataset("train_multi/default", (5, 8, 8), h5py.ref_dtype)),
    "no images": hdf5_with(lambda file: file.create_group("train_multi")),
    "an attribute of many": hdf5_with(lambda file: file.attrs.__setitem__("dataset", np.zeros(8000))),
    "names that steer a terminal": hdf5_with(many_names),
    "an empty space": hdf5_with(lambda file: file.create_dataset("train_multi/default", data=h5py.Empty("u1"))),
    "one number": hdf5_with(lambda file: file.create_dataset("train_multi/default", data=1)),
    "many axes": hdf5_with(lambda file: file.create_dataset("train_multi/default", (1,) * 32, "u1")),
}


# crafted: pictures, records, digits


def png(width, height, rows=b"", depth=8, colour=0, before=b""):
    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))
    before = b"".join(chunk(kind, content) for kind, content in before) if before else b""
    return b"\x89PNG\r\n\x1a\n" + head + before + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


def tiff(n_directories, width=8):
    """A TIFF file of many pictures, which are one and the same."""
    entries = [(256, 4, 1, width), (257, 4, 1, 8), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8)]
    entries += [(278, 4, 1, 8), (279, 4, 1, 8 * width)]
    directory = struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHII", *entry) for entry in entries)
    places = [8 + (len(directory) + 4) * number for number in range(1, n_directories)]
    return b"II*\0\x08\0\0\0" + b"".join(directory + struct.pack("<I", place) for place in (*places, 0))


def gif(n_frames):
    frames = [Image.fromarray(np.uint8(IMAGES[i % 5] * 255)) for i in range(n_frames)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    return file.getvalue()


def file_of(make):
    return lambda path: path.write_bytes(make())


PICTURES = {
    "a side of 65000": file_of(lambda: png(65000, 65000)),
    "a side of two billions": file_of(lambda: png(2**31 - 1, 2**31 - 1)),
    "4096 of zeros": file_of(lambda: png(4096, 4096, bytes(4097 * 4096))),
    "4096 of 16 bits": file_of(lambda: png(4096, 4096, bytes(8193 * 4096), 16)),
    "4096 in colour": file_of(lambda: png(4096, 4096, bytes((4 * 4096 + 1) * 4096), 8, 6)),
    "fewer rows": file_of(lambda: png(99, 99, bytes(500))),
    "more rows": file_of(lambda: png(8, 8, bytes(10**9))),
    "a text that unpacks to 1 GB": file_of(
        lambda: png(8, 8, bytes(72), before=[(b"zTXt", b"a\0\0" + zlib.compress(bytes(10**9)))])
    ),
    "a profile that unpacks to 1 GB": file_of(
        lambda: png(8, 8, bytes(72), before=[(b"iCCP", b"a\0\0" + zlib.compress(bytes(10**9)))])
    ),
    "many pictures in one": file_of(lambda: tiff(20000)),
    "a long row": file_of(lambda: tiff(1, 2**28)),
    "many frames": file_of(lambda: gif(500)),
    "PostScript": file_of(lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(x) run\n"),
    "a PPM of any size": file_of(lambda: b"P6 99999999 99999999 255\n"),
    "a PGM of text": file_of(lambda: b"P2 4000 4000 255\n" + b"1 " * 1000),
    "a BMP of any size": file_of(
        lambda: b"BM" + struct.pack("<IIIIiiHHIIiiII", 99, 0, 54, 40, 2**30, 2**30, 1, 24, *[0] * 6)
    ),
    "SVG": file_of(lambda: b"<svg xmlns='http://www.w3.org/2000/svg'><image href='/etc/passwd'/></svg>"),
}
RECORDS = {
    "depth": file_of(lambda: b"[" * 10**6),
    "digits": file_of(lambda: b'{"result": ' + b"9" * 10**6 + b', "sha256": "x"}'),
    "40 MB of lists": file_of(lambda: b'{"result": [' + b"[]," * 10**7 + b'[]], "sha256": "x"}'),
    "no text": file_of(lambda: b"\xff\xfe" * 500),
    "endless": file_of(lambda: b'{"result": 1e999, "sha256": NaN}'),
    "another type": file_of(lambda: b'{"result": 1, "sha256": {"a": 1}}'),
    "no fields": file_of(lambda: b"{}"),
    "surrogates": file_of(lambda: b'{"result": "\\ud800", "sha256": ""}'),
}
DIGIT_FILES = {
    "1 GB of zeros": file_of(lambda: gzip.compress(bytes(10**9), 1)),
    "unpacked zeros": file_of(lambda: bytes(10**8)),
    "another content": file_of(lambda: gzip.compress(b"x" * 1000)),
    "many parts": file_of(lambda: gzip.compress(b"") * 10**5),
}
CHECKPOINTS = {
    what: lambda path, change=change: save_tensors(path, checkpoint()[0] | change)
    for what, change in {
        "weights of another network": {"weights": {"a": torch.zeros(3)}},
        "a history of nothing": {"history": [[], []]},
        "an epoch of text": {"epoch": "1"},
        "a duration of text": {"seconds": "1"},
        "an optimiser of text": {"optimiser": "Adam"},
        "an optimiser without groups": {"optimiser": {"state": {}, "param_groups": [{}]}},
        "a field more": {"x": 1},
        "weights that are lists": {"best_weights": [1, 2]},
    }.items()
}
CRAFTED = {
    "network": TENSORS,
    "checkpoint": TENSORS | CHECKPOINTS,
    "tensors": TENSORS,
    "run": RUNS,
    "dataset": HDF5,
    "published dataset": HDF5,
    "numpy dataset": DATASETS,
    "arrays": DATASETS,
    "picture": PICTURES,
    "pictures": PICTURES,
    "record": RECORDS,
    "digits": DIGIT_FILES,
}


def hostile_files(count, seed, folder):
    """Write `count` files into `folder`: half are crafted, half are sound ones that something was done to.

    Yields the kind, what was done, and the path. Files that take long to write come last, and only among many.
    """
    rng = np.random.default_rng(seed)
    sound = {}
    for kind, (suffix, write, _) in KINDS.items():
        sound[kind] = folder / f"sound-{kind}{suffix}"
        write(sound[kind])
    crafted = [(kind, what) for kind, crafts in CRAFTED.items() for what in crafts]
    order = [crafted[i] for i in rng.permutation(len(crafted))]
    if count < 100:
        order = [(kind, what) for kind, what in order if not re.search(HEAVY, what)]
    order = order[: count // 2] if count < 2 * len(order) else order
    for number, (kind, what) in enumerate(order):
        path = folder / f"crafted-{number}{KINDS[kind][0]}"
        CRAFTED[kind][what](path)
        yield kind, what, path
    names = list(KINDS)
    for number in range(count - len(order)):
        kind = names[number % len(names)]
        path = folder / f"changed-{number}{KINDS[kind][0]}"
        if rng.random() < 0.15:
            other = str(rng.choice([name for name in names if name != kind]))
            path.write_bytes(sound[other].read_bytes())
            yield kind, f"renamed from {other}", path
            continue
        path.write_bytes(sound[kind].read_bytes())
        chances = np.array([4.0, 4, 3, 3, 3] + [0.7] * (len(ANY) - 5))
        what = str(rng.choice(list(ANY), p=chances / chances.sum()))
        ANY[what](path, rng)
        yield kind, what, path


# words of what takes long to write, or to read
HEAVY = "GB|million|bomb|long|4096|65000|40 MB|rows|60000|overlap|one storage|depth|names that|compressed"


class TooLong(BaseException):
    """A file was not read in time."""


def outcome(kind, path):
    """What comes of reading a file: ``"refused"``, ``"read"``, or a fault in words; and its seconds."""

    def stop(*_):
        raise TooLong

    signal.signal(signal.SIGALRM, stop)
    signal.alarm(20)
    started, said = time.process_time(), io.StringIO()
    try:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            KINDS[kind][2](path)
        result = "read"
    except dasbe.InputError as error:
        result = "refused" if "\n" not in str(error) and str(error).isprintable() else f"several lines: {error}"
        result = result if kind == "checkpoint" or result != "refused" else f"refused ({type(error).__name__})"
    except TooLong:
        result = "hangs"
    except BaseException as error:
        result = f"raw {type(error).__name__}: {str(error)[:100]!r}"
    signal.alarm(0)
    seconds = time.process_time() - started
    if MARK.exists():
        MARK.unlink()
        result = "ran code"
    if said.getvalue():
        result = f"talks: {said.getvalue()[:200]!r}"
    if seconds > MOST_SECONDS and result in SOUND:
        result = f"slow: {seconds:.1f} s, {result}"
    return result, seconds


SOUND = ("read", "refused", "refused (InputError)", "refused (FileContentError)", "refused (MissingFileError)")


def main(count, seed, folder):
    os.chdir(folder)
    files = list(hostile_files(count, seed, Path()))
    for kind, (suffix, write, _) in KINDS.items():  # what is imported once is imported now
        path = Path(f"first-{kind}{suffix}")
        write(path)
        assert outcome(kind, path)[0] in ("read", "refused (FileContentError)"), kind
    with open("/proc/self/statm", encoding="ascii") as file:
        imported = resource.getpagesize() * int(file.read().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (imported + SPACE_BYTES, resource.RLIM_INFINITY))
    counts, faults, longest = Counter(), [], []
    for kind, what, path in files:
        result, seconds = outcome(kind, path)
        counts[result if result in SOUND else result.split(":")[0]] += 1
        longest.append((round(seconds, 2), kind, what))
        if result not in SOUND:
            faults.append(f"{kind}, {what}: {result}")
    print(json.dumps({"counts": counts, "faults": faults, "longest": sorted(longest)[-8:], "imported": imported}))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
