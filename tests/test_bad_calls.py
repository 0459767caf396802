"""Every public function refuses a wrong value in one line that names the argument.

`ROWS` is a table: of each function a valid call, and the kind of each argument. Each kind has values that are wrong for
it, by a label; every call of a row but the valid one has one of them. Nothing may be computed before a call is refused:
each has two seconds, and those with a huge number run in a child process, which the system kills.
"""

import gzip
import hashlib
import os
import re
import resource
import signal
import urllib.request
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

import dasbe
from dasbe import datasets, metrics
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import save_network
from dasbe.datasets import mnist
from dasbe.experiments.figure2 import phase_colours
from dasbe.support import checks
from dasbe.support.published import DatasetSettings
from dasbe.systems import (
    SYSTEMS,
    baselines,
    competing_phases,
    pooled,
    pure_ann,
    pure_snn,
    reconstruction_clustering,
    sampled,
    system_of,
)
from dasbe.systems import (
    dasbe as dasbe_system,
)

SECONDS, FREE_BYTES, LONGEST_MESSAGE = 2, 4 << 30, 420  # the names of all systems alone take 320
HUGE = 10**9


class Wordy:
    """An object whose text is long and has many lines."""

    def __repr__(self) -> str:
        return "many words\n" * 100


class Kind(NamedTuple):
    """Values that are wrong for an argument, by label; `words` may stand for its name in a message."""

    name: str
    wrong: dict[str, Any]
    words: tuple[str, ...] = ()


class Row(NamedTuple):
    """A function, a valid call of it, the kinds of its arguments, and arguments that do not fit together.

    "settings.delay" in `kinds` is one value of an argument that has several.
    """

    name: str
    call: Callable[..., Any]
    valid: dict[str, Any]
    kinds: dict[str, Kind]
    together: dict[str, dict[str, Any]] = {}


class Call(NamedTuple):
    """One wrong call; `label` says what is wrong with it."""

    argument: str
    kind: str
    label: str
    words: tuple[str, ...]
    changed: dict[str, Any]
    huge: bool


def label_of(value: Any) -> str:
    """Type and text of a value."""
    text = " ".join(repr(value).split())[:50]
    return f"{type(value).__name__} {text}"


def labelled(*values: Any) -> dict[str, Any]:
    return {label_of(value): value for value in values}


def without(kind: Kind, *right: str) -> Kind:
    """The same where the values of some labels are right."""
    return kind._replace(wrong={label: value for label, value in kind.wrong.items() if label not in right})


def optional(kind: Kind) -> Kind:
    """The same where None is right."""
    return without(kind, label_of(None))


def also(kind: Kind, *words: str) -> Kind:
    """The same where other words may stand for the argument, too."""
    return kind._replace(words=(*kind.words, *words))


STRANGE = labelled(None, "", "x", b"x", [], {}, set(), object(), int, 1j, ..., np, Wordy(), "x" * 1000, "two\nlines")
STRANGE |= labelled((i for i in range(2)), np.str_("x"), np.datetime64("2020-01-01"), np.timedelta64(1, "s"))
STRANGE |= labelled(np.complex64(1), Decimal(1), torch.float32)
FUNCTION_VALUES = labelled(len, max, lambda: 1)
NO_NUMBER = {**STRANGE, **FUNCTION_VALUES, **labelled(np.nan, "6", "1.0", True, np.bool_(True), [6], (1, 2), [[1]])}
NO_NUMBER |= {"a list of str": ["6"], "an array of one number": np.array([6]), "an array of two": np.array([6, 6])}
NO_NUMBER |= {"a 0-d array of str": np.array("6"), "a 0-d array of bool": np.array(True)}
NO_NUMBER |= {"a 0-d array of objects": np.array(None), "a tensor of two": torch.tensor([6, 6])}
NO_NUMBER |= {"a meta tensor": torch.zeros((), device="meta"), "10**5000": 10**5000, "-10**5000": -(10**5000)}
NO_WHOLE_NUMBER = {**NO_NUMBER, **labelled(2.0, 2.5, np.inf, -np.inf, np.float64(6), np.float32(2.5), Fraction(6))}
NO_WHOLE_NUMBER |= {"a 0-d array of floats": np.array(2.0), "a tensor of 2.5": torch.tensor(2.5)}


def count(least: int = 1) -> Kind:
    """A whole number, of which a huge one is too many."""
    return Kind("whole number", NO_WHOLE_NUMBER | labelled(least - 1, -5, -HUGE, HUGE, 2**31, 2**64, 10**30))


SEED = Kind("seed", NO_WHOLE_NUMBER | labelled(-1, 2**63, 2**64, 10**30, -(10**30)))
WHOLE = Kind("whole number of either sign", NO_WHOLE_NUMBER | labelled(2**31, 2**64, 10**30, -(10**30)))
NUMBER = Kind("number", NO_NUMBER | labelled(np.inf, -np.inf))
NOT_NEGATIVE = Kind("number from 0", NO_NUMBER | labelled(-1, -1e-9, -np.inf))
ABOVE_0 = Kind("number above 0", NUMBER.wrong | labelled(-1, 0, 0.0, -1e-9))
PROBABILITY = Kind("probability", NUMBER.wrong | labelled(-0.1, 1.5, 2, -1))
FLAG = Kind(
    "flag",
    STRANGE | FUNCTION_VALUES | labelled(0, 1, 1.0, np.nan, "True", "no", [True]) | {"two": np.array([True, False])},
)


def name(*near: str) -> Kind:
    """A name out of choices; `near` are names that are almost one of them."""
    return Kind(
        "name", STRANGE | FUNCTION_VALUES | labelled(*near, 0, 5, 2.5, True, np.nan, [near[0]], near[0].encode())
    )


NAMES = Kind(
    "names",
    {label: value for label, value in STRANGE.items() if not (hasattr(value, "__len__") and len(value) == 0)}
    | FUNCTION_VALUES
    | labelled(
        "spikes", b"spikes", "", 5, True, np.nan, ["Spikes"], ["x"], [""], [None], [5], [["spikes"]], [b"spikes"]
    )
    | labelled(["spikes", "y"], ["x" * 1000], ["two\nlines"], [Wordy()], [np.zeros(2)], [f"x{i}" for i in range(200)]),
)


def path(*wrong: str) -> Kind:
    """A path; `wrong` are some of files that cannot be used."""
    texts = {label: value for label, value in STRANGE.items() if not (isinstance(value, str) and value)}
    values = ("x" * 1000, "two\nlines", "nul\0", 5, 2.5, True, np.nan, b"picture.png", [b"x"], ["x"], *wrong)
    return Kind("path", texts | FUNCTION_VALUES | labelled(*values), ("file", "folder"))


DEVICE = Kind(
    "device",
    STRANGE
    | FUNCTION_VALUES
    | labelled(
        "gpu", "CPU", "cpu:1", "cuda:99", "cuda:-1", "meta", "mps", "cpu:", "cpu ", b"gpu", 1.5, np.nan, True, 99, -1
    )
    | labelled(["cpu"], torch.device("meta"), torch.device("cuda:99")),
)
SHAPE = Kind(
    "(H, W)",
    STRANGE
    | FUNCTION_VALUES
    | labelled(8, 8.0, True, "88", "8x", b"88", np.nan, [8], (8,), (8, 8, 8), (8.0, 8), (8.0, 8.0), (8, 8.5), (0, 8))
    | labelled((-8, -8), (8, "8"), (8, None), (None, None), (np.nan, 8), (np.inf, 8), (8, [8]), {8, 9}, {8: 8, 9: 8})
    | labelled((8, 10**30), ("8", "8"), (8, 1j), ((8, 8), (8, 8))),
)

# arrays

IMAGES = np.zeros((2, 8, 8), np.uint8)
IMAGES[0, 1:3, 1:4], IMAGES[0, 4:7, 2:4], IMAGES[1, 2:4, 2:5] = 1, 1, 1
GROUPS = IMAGES.astype(np.int64)
GROUPS[0, 4:7, 2:4] = 2
SPIKES = np.zeros((2, 3, 6, 8, 8), bool)
SPIKES[:, :, ::3, 1:3, 1:4] = SPIKES[:, :, 1::3, 4:7, 2:4] = True
FILMS = np.repeat(IMAGES[:, None], 3, 1)
POINTS = np.array([0.0, 1, 5, 6])
DISTANCES = np.abs(np.subtract.outer(POINTS, POINTS))


def odd_types(valid: np.ndarray) -> dict[str, Any]:
    """Arrays and tensors of the shape of `valid` that hold no numbers, or not where NumPy finds them."""
    numbers, tensor = valid.astype(np.int64), torch.from_numpy(valid.astype(np.float32))
    too_large = numbers.astype(object)
    too_large.flat[-1] = 10**30
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # PyTorch has plans for some of them
        quantised = torch.quantize_per_tensor(tensor, 1.0, 0, torch.quint8)
        nested = torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)])
    return {
        "an array of objects": numbers.astype(object),
        "an array of str": numbers.astype(str),
        "an array of bytes": numbers.astype("S1"),
        "an array of complex numbers": numbers.astype(complex),
        "an array of dates": numbers.astype("datetime64[D]"),
        "an array of time spans": numbers.astype("timedelta64[s]"),
        "a structured array": np.zeros(valid.shape, "i4,i4"),
        "a list of None": np.full(valid.shape, None).tolist(),
        "a list of str": numbers.astype(str).tolist(),
        "a ragged list": [numbers[0].tolist(), [1]],
        "a list of ragged lists": [[[0, 1], [1]], [[1]]],
        "a list with 10**30": too_large.tolist(),
        "a sparse tensor": tensor.to_sparse(),
        "a meta tensor": tensor.to("meta"),
        "a quantised tensor": quantised,
        "a nested tensor": nested,
        "a complex tensor": tensor.to(torch.complex64),
        "a list of meta tensors": list(tensor.to("meta")),
    }


def wrong_axes(valid: np.ndarray, empty: bool = False) -> dict[str, Any]:
    """Arrays of another shape than `valid`; with an axis of 0 unless that may be `empty`."""
    shapes = {f"axis {axis} is 0": (*valid.shape[:axis], 0, *valid.shape[axis + 1 :]) for axis in range(valid.ndim)}
    return {
        "a number": 5,
        "a float": 0.5,
        "one axis less": valid[0],
        "a list of one axis less": valid[0].tolist(),
        "one axis more": valid[None],
        "two axes more": valid[None, None],
        "a channel axis": valid[:, None],
        "a channel axis at the end": valid[..., None],
        "a list with a channel axis at the end": valid[..., None].tolist(),
        "flat": valid.reshape(valid.size, *(1 for _ in valid.shape)),
        "a number as a tensor": torch.tensor(1),
        **({} if empty else {"an empty list of lists": [[]]}),
        **({} if empty else {label: np.zeros(shape, valid.dtype) for label, shape in shapes.items()}),
    }


def without_channels(valid: np.ndarray, empty: bool = False) -> dict[str, Any]:
    """:func:`wrong_axes` of images or labels: (N, 1, H, W) is right."""
    wrong = wrong_axes(valid, empty)
    return {label: value for label, value in wrong.items() if label != "a channel axis" or valid.ndim != 3}


def with_one(valid: np.ndarray, *values: float) -> dict[str, Any]:
    """`valid` with one of `values` in a place, as an array, and the first as a list and a tensor."""
    wrong = {}
    for value in values:
        array = valid.astype(np.float64)
        array[(-1,) * valid.ndim] = value
        wrong[f"with {value}"] = array
    wrong[f"a list with {values[0]}"] = wrong[f"with {values[0]}"].tolist()
    wrong[f"a tensor with {values[0]}"] = torch.from_numpy(wrong[f"with {values[0]}"])
    wrong[f"a float16 array with {values[0]}"] = wrong[f"with {values[0]}"].astype(np.float16)
    wrong[f"a bfloat16 tensor with {values[0]}"] = torch.from_numpy(wrong[f"with {values[0]}"]).bfloat16()
    return wrong


NO_ARRAY = STRANGE | FUNCTION_VALUES | labelled([None], [[None]], [np.nan], ["x"], "images.npy", range(3))
NOT_BINARY = (2, -1, 0.5, 1e-9, 255, np.nan, np.inf, -np.inf)


def images(valid: np.ndarray = IMAGES) -> Kind:
    wrong = NO_ARRAY | odd_types(valid) | without_channels(valid) | with_one(valid, *NOT_BINARY)
    return Kind("images", wrong | {"films": FILMS, "-1 as int8": -valid.astype(np.int8), "0 and 255": 255 * valid})


def pictures() -> Kind:
    """Images where grey and colour are right: films of three frames are colours."""
    return without(images(), "films", "0 and 255", "with 0.5", "with 1e-09")


def films() -> Kind:
    still = "one axis less", "a list of one axis less"  # both are right
    return without(images(FILMS), "films", *still)._replace(name="films", words=("films", "frames"))


def labels(valid: np.ndarray = GROUPS) -> Kind:
    large = np.full(valid.shape, 2**63, np.uint64)
    wrong = NO_ARRAY | odd_types(valid) | without_channels(valid, empty=valid.ndim == 1)
    wrong |= with_one(valid, 0.5, -1, 1.5, np.nan, np.inf, -np.inf, 1e300, 2.0**63)
    return Kind("labels", wrong | {"2**63 as uint64": large, "-1 as int8": -np.ones(valid.shape, np.int8)})


def spikes(valid: np.ndarray, real: bool = False, empty: bool = False) -> Kind:
    """Spikes; `real` values are right, too, for some functions."""
    values = (np.nan, np.inf, -np.inf) if real else (*NOT_BINARY, 3)
    wrong = NO_ARRAY | odd_types(valid) | wrong_axes(valid, empty) | with_one(valid, *values)
    return Kind("spikes", wrong | {"a run": dasbe.Binding()})


def indices(n: int = 2) -> Kind:
    array = np.arange(n)
    given = {
        "a number": 5,
        "one too few": array[:-1],
        "one too many": np.arange(n + 1),
        "a range, one too many": range(n + 1),
        "two axes": array[None],
        "a column": array[:, None],
        "floats": array + 0.9,
        "a list of floats": (array + 0.9).tolist(),
        "whole floats": array.astype(float),
        "a tensor of floats": torch.from_numpy(array + 0.9),
        "bool": array > 0,
        "a list of bool": (array > 0).tolist(),
        "negative": array - 1,
        "a list with a negative": [-1, *array[1:].tolist()],
        "NaN": np.full(n, np.nan),
        "2**63 in a list": [2**63, *array[1:].tolist()],
        "2**63 as uint64": np.full(n, 2**63, np.uint64),
        "10**30": [10**30] * n,
        "-10**30": [-(10**30)] * n,
        "a dict": dict(enumerate(array.tolist())),
        "a generator": (i for i in range(n)),
        "a str": "01"[:n],
        "a set of str": set("ab"),
        "a range of negatives": range(-n, 0),
        "a map of floats": map(float, range(n)),
        "images": IMAGES,
    }
    return optional(Kind("indices", NO_ARRAY | odd_types(array) | given))


def for_each(least: int = 0) -> Kind:
    """A whole number, or one for each of two images."""
    two = label_of((1, 2)), "an array of two", "a tensor of two"
    wrong = {label: value for label, value in NO_WHOLE_NUMBER.items() if label not in two}
    given = {
        "one of them negative": [-1, 1],
        "less than the least": [least - 1, 2],
        "more than the pixels": 66,
        "one of more than the pixels": [1, 66],
        "three": [1, 2, 3],
        "one for the first": [1],
        "two axes": [[1, 2]],
        "floats": np.array([1.0, 2.0]),
        "halves": [1.5, 2],
        "NaN": [np.nan, 2],
        "bool": np.array([True, False]),
        "str": ["1", "2"],
        "10**30": [10**30, 1],
        "2**63 as uint64": np.full(2, 2**63, np.uint64),
        "none": np.zeros(0, int),
        "a dict": {0: 1, 1: 2},
    }
    return Kind("number for each image", wrong | odd_types(np.array([1, 2])) | given | labelled(least - 1, HUGE, 2**64))


def refractory_times() -> Kind:
    valid = np.full((8, 8), 2)
    given = {
        "more than the most": 128,
        "a pixel of more": np.full((8, 8), 128),
        "negative": np.full((8, 8), -1),
        "a list of two": [2, 2],
        "one for each image": np.full((2, 1, 1), 2),
        "one row": np.full((1, 8), 2),
        "of three images": np.full((3, 8, 8), 2),
        "a row too many": np.full((9, 8), 2),
        "with a channel axis": np.full((2, 1, 8, 8), 2),
        "floats": valid.astype(float),
        "halves": valid + 0.5,
        "NaN": np.full((8, 8), np.nan),
        "bool": valid > 0,
        "256 as uint16": np.full((8, 8), 256, np.uint16),
        "2**63 as uint64": np.full((8, 8), 2**63, np.uint64),
        "empty": np.zeros((0, 8), int),
    }
    return Kind("refractory times", NO_WHOLE_NUMBER | odd_types(valid) | given | labelled(-1, 128, HUGE, 2**64, 10**30))


# networks


def dimmed(x: torch.Tensor) -> torch.Tensor:
    """A network."""
    return 0.3 * x


def raising(error: Exception) -> Callable[..., Any]:
    """A function that fails."""

    def function(*_: Any, **__: Any) -> Any:
        raise error

    return function


def constant(module: nn.Module, value: float) -> nn.Module:
    """`module` with all weights `value`."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.fill_(value)
    return module


class Parts(nn.Module):
    """A module with an encoder and a decoder."""

    def __init__(self, encoder: Any, decoder: Any):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder


class WithoutForward(nn.Module):
    """A module that cannot be called."""


def linear_ends(pixels: int, code: int, received: int, returned: int) -> nn.Module:
    return dasbe.as_network(nn.Linear(pixels, code), nn.Linear(received, returned), logits=True)


RETURNED_WRONG = {
    "None": lambda x: None,
    "a str": lambda x: "text",
    "a number": lambda x: 0.5,
    "a NumPy array": lambda x: x.numpy(),
    "a list": lambda x: [x],
    "an empty tuple": lambda x: (),
    "a dict": lambda x: {"y": x},
    "fewer pixels": lambda x: x[:, :5],
    "more pixels": lambda x: torch.cat([x, x], 1),
    "one image": lambda x: x[:1],
    "no image": lambda x: x[:0],
    "one axis more": lambda x: x[None],
    "images": lambda x: x.view(-1, 8, 8),
    "images with a channel axis": lambda x: x.view(-1, 1, 8, 8),
    "one row": torch.flatten,
    "a sum": torch.sum,
    "NaN": lambda x: x + np.nan,
    "infinity": lambda x: x + np.inf,
    "above 1": lambda x: 2 * x + 0.5,
    "below 0": lambda x: -x - 0.5,
    "a sparse tensor": lambda x: x.to_sparse(),
    "a meta tensor": lambda x: x.to("meta"),
    "complex numbers": lambda x: x * (0.5 + 1j),
    "depends on how many": lambda x: x / len(x),
    "depends on the others": lambda x: x * x.sum(1, keepdim=True) / (x.sum() + 1),
}
FAILING = {
    "takes nothing": lambda: 0,
    "takes two": lambda x, y: x,
    "divides by 0": lambda x: 1 / 0,
    "raises KeyError": raising(KeyError("x")),
    "raises StopIteration": raising(StopIteration()),
    "raises in many lines": raising(RuntimeError("line\n" * 50)),
    "raises in many words": raising(RuntimeError("word " * 500)),
    "raises RecursionError": raising(RecursionError()),
    "another size": lambda x: x.view(-1, 7, 9),
}


def networks() -> Kind:
    wrong = {label: value for label, value in STRANGE.items() if not callable(value) or isinstance(value, type)}
    wrong |= labelled(5, True, np.nan, ["shapes"], "shapes", nn.Linear, Path("small.pt"), nn.ReLU)
    for what, function in (RETURNED_WRONG | FAILING).items():
        wrong |= {f"a function: {what}": function, f"a decoder: {what}": Parts(nn.Identity(), function)}
    wrong |= {f"an encoder: {what}": Parts(function, dimmed) for what, function in FAILING.items()}
    wrong |= {
        "a module of another size": nn.Linear(5, 5),
        "a module of NaN": nn.Sequential(constant(nn.Linear(64, 64), np.nan), nn.Sigmoid()),
        "a module of infinity": nn.Sequential(constant(nn.Linear(64, 64), np.inf), nn.Sigmoid()),
        "a module of logits": constant(nn.Linear(64, 64), 1),
        "a module of negative logits": constant(nn.Linear(64, 64), -1),
        "a meta module": nn.Sequential(nn.Linear(64, 64, device="meta"), nn.Sigmoid()),
        "a complex module": nn.Linear(64, 64, dtype=torch.complex64),
        "a module of integers": nn.Embedding(2, 64),
        "a lazy module": nn.Sequential(nn.LazyLinear(64), nn.Sigmoid()),
        "a module without forward": WithoutForward(),
        "a convolution": nn.Conv2d(1, 1, 3, padding=1),
        "batch normalisation": nn.Sequential(nn.BatchNorm1d(64, track_running_stats=False), nn.Sigmoid()),
        "linear ends, more pixels": linear_ends(100, 3, 3, 100),
        "linear ends that do not meet": linear_ends(64, 3, 4, 64),
        "linear ends that return fewer pixels": linear_ends(64, 3, 3, 5),
        "a network of another size": Autoencoder(Architecture((9, 9), (), 4)),
        "no encoder": Parts(None, nn.Identity()),
        "no decoder": Parts(nn.Identity(), None),
        "parts that are numbers": Parts(5, 5),
        "an encoder, one code for all": Parts(lambda x: x[:1], nn.Identity()),
        "an encoder, three axes": Parts(lambda x: x[:, None], lambda h: h[:, 0]),
        "an encoder, one axis": Parts(lambda x: x[:, 0], lambda h: h[:, None].expand(-1, 64)),
        "an encoder, None": Parts(lambda x: None, lambda h: h),
        "an encoder, NaN": Parts(lambda x: x + np.nan, lambda h: h),
        "an encoder, a str": Parts(lambda x: "text", lambda h: h),
    }
    return Kind("network", wrong, ("encoder", "decoder"))


PART = Kind("encoder or decoder", STRANGE | labelled(5, "shapes", nn.Linear, [len]))

# files

FILE_SIZES = {"multi": 3, "test": 1, "single": 1}


def write_digits(folder: Path, patch: pytest.MonkeyPatch) -> None:
    """A few digits, as MNIST has them."""
    folder.mkdir()
    for part in ("train", "t10k"):
        content, file = bytes(16) + 784 * 5 * b"\xff", f"{part}-images-idx3-ubyte.gz"
        (folder / file).write_bytes(gzip.compress(content))
        patch.setitem(mnist.FILES, file, hashlib.sha256(content).hexdigest())


@pytest.fixture(scope="module", autouse=True)
def workplace(tmp_path_factory):
    """A folder of its own with a few files, no way out, little memory, and one thread, so that a clock can stop it."""
    folder, threads = tmp_path_factory.mktemp("calls"), torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("DASBE_HOME", str(folder))
        patch.delenv("DASBE_MNIST", raising=False)
        patch.setattr(urllib.request, "urlopen", raising(AssertionError("a download begins")))
        patch.setattr(checks, "available_bytes", lambda: FREE_BYTES)
        torch.set_num_threads(1)
        for made in ("tmp_net", "empty"):
            Path(made).mkdir()
        write_digits(folder / "digits", patch)
        save_network("tmp_net/small.pt", SMALL, {"dataset": "none"})
        datasets.make_dataset("shapes", sizes=FILE_SIZES, progress=False)
        Image.fromarray(255 * IMAGES[0]).save("picture.png")
        Image.fromarray(0 * IMAGES[0]).save("blank.png")
        Path("cut.png").write_bytes(Path("picture.png").read_bytes()[:60])
        Image.fromarray(255 * IMAGES[0]).save("post.eps")
        dasbe.bind(IMAGES, dimmed, **TIMES).save("saved.npz")
        np.savez("arrays.npz", images=IMAGES, made=np.array("{}"))
        for file in ("text.txt", "text.pt", "text.png", "empty/shapes.txt"):
            Path(file).write_text("text\n")
        for own in ("own.h5", "own.npz"):
            dasbe.save_dataset(own, IMAGES[[0, 1, 1]])
        dasbe.save_dataset("scored.h5", IMAGES, GROUPS)
        Path("pictures").mkdir()
        for number in range(3):
            Image.fromarray(255 * IMAGES[0]).save(f"pictures/{number}.png")
        for file in ("text.h5", "damaged/picture.png"):
            Path(file).parent.mkdir(exist_ok=True)
            Path(file).write_text("text\n")
        torch.save({"weights": torch.zeros(2)}, "other.pt")
        Path("damaged/shapes.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(100))
        Path("other").mkdir()
        with h5py.File("other/shapes.h5", "w") as file:
            file["train_multi"] = np.zeros(3)
        yield
    torch.set_num_threads(threads)


SMALL = Autoencoder(Architecture((8, 8), (), 4))
DATASET_NAME = also(name("Shapes", "SHAPES", "shape", "shapes ", "shapes.h5", "tmp_data/shapes.h5"), "dataset")
FOLDER = optional(path("missing", "text.txt", "damaged", "empty", "picture.png/x"))
SIZES = optional(
    Kind(
        "sizes",
        {label: value for label, value in STRANGE.items() if value != {}}
        | FUNCTION_VALUES
        | labelled(5, 2.5, True, np.nan, "multi", ["multi"], [("multi", 3)], {"Multi": 3}, {"x": 3}, {1: 3}, {None: 3})
        | labelled({"": 3}, {"multi": 3, "y": 3}, {"frames": 3}, {"two\nlines": 3}, {"x" * 1000: 3}),
    )
)
WORD = Kind(
    "word",
    {
        label: value
        for label, value in STRANGE.items()
        if not isinstance(value, str) or not value.isprintable() or not value
    }
    | FUNCTION_VALUES
    | labelled(5, 2.5, True, np.nan, ["x"], b"x", "a/b", "/", ".", "..", " ", "a\tb", "nul\0"),
)
SIZE = also(count(0), "sizes", "images")
FEW = {"multi": 2, "test": 1, "single": 2}


def saved(**arguments: Any) -> Path:
    """A file of one's own, written where none is."""
    Path("saved.h5").unlink(missing_ok=True)
    return dasbe.save_dataset(**arguments)


def drawn(**arguments: Any) -> list:
    """All blocks of a dataset."""
    return list(datasets.generate(**arguments))


# systems

PCNN = pure_snn.Settings(10.0, 6.0)
PCNN_FIELDS = {
    "threshold_jump": NUMBER,
    "threshold_decay": ABOVE_0,
    "linking": NUMBER,
    "linking_jump": NUMBER,
    "linking_decay": ABOVE_0,
    "inhibition": NUMBER,
    "dropout": PROBABILITY,
}
PHASES = competing_phases.Settings(3, cycles=3, cycles_after_pruning=2)
PHASES_FIELDS = {
    "n_phases": count(),
    "steps_per_phase": count(),
    "cycles": count(),
    "cycles_after_pruning": count(),
    "sampling": PROBABILITY,
    "sharpness": NOT_NEGATIVE,
    "ground": optional(name("Flat", "planes")),
    "colour": optional(name("Flat", "planes")),
    "sigma": optional(ABOVE_0),
    "noise": optional(PROBABILITY),
}
GROUND_FIELDS = {field: PHASES_FIELDS[field] for field in ("ground", "sigma")}
LOOP_FIELDS = {"delay": count(), "refractory": refractory_times(), "cycles": count()}
COMPETING_FIELDS = {"delay": count(), "refractory": count(0), "cycles": count()}
COMPETING_FIELDS |= {"gain": NOT_NEGATIVE, "sharpness": NOT_NEGATIVE}
SAMPLED = sampled.Settings(3, steps_per_phase=2, surplus=1, restarts=2)
SAMPLED_FIELDS = {
    "sampling": optional(PROBABILITY),
    "sharpness": NOT_NEGATIVE,
    "steps_per_phase": count(),
    "surplus": count(0),
    "restarts": count(),
}
RESTARTS_FIELDS = {"objects": optional(count()), "restarts": count()}
SETTINGS = {
    "coordinates": baselines.CoordinateSettings(2),
    "components": baselines.ComponentSettings(),
    "colours": baselines.CoordinateSettings(2),
    "colours_and_coordinates": baselines.ColourSettings(restarts=2),
    "colour_components": baselines.ColourComponentSettings(),
    "dasbe": SYSTEMS["dasbe"].published(DatasetSettings(6, 2, 2), cycles=3),
    "dasbe_counting": SYSTEMS["dasbe"].settings(6, 2, 3),
    "pure_ann": pure_ann.Settings(6, 3),
    "pure_snn": PCNN,
    "rc": reconstruction_clustering.Settings(2),
    "rc_own": reconstruction_clustering.Settings(2),
    "rc_restarts": reconstruction_clustering.RestartSettings(2, 2),
    "rc_own_restarts": reconstruction_clustering.RestartSettings(2, 2),
    "dasbe_pooled": pooled.Settings(6, 2, 3, 2),
    "rc_pooled": pooled.SettingsOfRC(2, 2),
    "rc_own_pooled": pooled.SettingsOfRC(2, 2),
    "dasbe_competing": dasbe_system.CompetingSettings(6, 2, 3),
    "dasbe_rc": sampled.SettingsOfRCFromDasbe(6, 2, 3, phase_cycles=2),
    "dasbe_sampled": sampled.SettingsFromDasbe(6, 2, 3, phase_cycles=2),
    "sampled": SAMPLED,
    "competing_phases": PHASES,
    "competing_phases_counting": PHASES,
}
FIELDS = {
    "coordinates": {"restarts": count()} | GROUND_FIELDS,
    "components": GROUND_FIELDS,
    "colours": {"restarts": count()} | GROUND_FIELDS,
    "colours_and_coordinates": {"restarts": count(), "place": NOT_NEGATIVE} | GROUND_FIELDS,
    "colour_components": {"likeness": NOT_NEGATIVE} | GROUND_FIELDS,
    "dasbe": LOOP_FIELDS,
    "dasbe_counting": LOOP_FIELDS,
    "pure_ann": {"delay": count(), "cycles": count()},
    "pure_snn": PCNN_FIELDS,
    "rc": {"objects": optional(count())},
    "rc_own": {"objects": optional(count())},
    "rc_restarts": RESTARTS_FIELDS,
    "rc_own_restarts": RESTARTS_FIELDS,
    "dasbe_pooled": LOOP_FIELDS | {"runs": count()},
    "rc_pooled": {"objects": optional(count()), "runs": count()},
    "rc_own_pooled": {"objects": optional(count()), "runs": count()},
    "dasbe_competing": COMPETING_FIELDS,
    "dasbe_rc": LOOP_FIELDS | {"phase_cycles": count(), "restarts": count()},
    "dasbe_sampled": LOOP_FIELDS | {"phase_cycles": count()} | SAMPLED_FIELDS,
    "sampled": {"cycles": count()} | SAMPLED_FIELDS,
    "competing_phases": PHASES_FIELDS,
    "competing_phases_counting": PHASES_FIELDS,
}
TOO_MANY_STEPS = {"steps 10**6 of 64 phases": {"settings": PHASES._replace(steps_per_phase=10**6, n_phases=64)}}
TOGETHER = {
    "competing_phases": {
        "n_objects more than n_phases": {"n_objects": 4},
        "n_objects of one image more than n_phases": {"n_objects": [2, 4]},
        "n_objects of another number of images": {"n_objects": [2, 2, 2]},
        **TOO_MANY_STEPS,
    },
    "competing_phases_counting": TOO_MANY_STEPS,
    "sampled": {
        "steps 10**6 of 60 phases": {"settings": SAMPLED._replace(steps_per_phase=10**6), "n_objects": 60},
        "surplus and objects more than pixels": {"settings": SAMPLED._replace(surplus=62)},
    },
}
"""Values that do not fit together, of some systems."""


def settings(system: str) -> Kind:
    """Settings of a system, none of them right."""
    right = SETTINGS[system]
    others = {f"of {name}": other for name, other in SETTINGS.items() if type(other) is not type(right)}
    given = {
        "a tuple": tuple(right),
        "a dict": right._asdict(),
        "the class": type(right),
        "of a dataset": DatasetSettings(6, 2, 2),
    }
    return Kind("settings", STRANGE | FUNCTION_VALUES | labelled(5, "shapes", [6, 2, 3]) | others | given)


def fields(argument: str, kinds: dict[str, Kind]) -> dict[str, Kind]:
    return {f"{argument}.{field}": kind for field, kind in kinds.items()}


def segment_row(system: str) -> Row:
    kinds = {
        "images": pictures() if SYSTEMS[system].takes_colour else images(),
        "network": networks() if SYSTEMS[system].network else Kind("network", labelled(5, "shapes", object())),
        "settings": settings(system),
        "n_objects": optional(for_each()) if SYSTEMS[system].can_count else for_each(),
        "seed": SEED,
        "indices": indices(),
        "device": DEVICE,
        **fields("settings", FIELDS[system]),
    }
    valid = {"images": IMAGES, "network": dimmed, "settings": SETTINGS[system], "n_objects": 2, "seed": 0}
    return Row(f"SYSTEMS[{system!r}].segment", SYSTEMS[system].segment, valid, kinds, TOGETHER.get(system, {}))


SMALLER = ("flat", "one axis less", "a list of one axis less")  # images too, but one of them

UNITS_OF_LAYERS = Kind(
    "units of layers",
    {label: value for label, value in STRANGE.items() if not isinstance(value, list)}
    | FUNCTION_VALUES
    | labelled(5, 5.0, True, np.nan, (0,), (-1,), (2.5,), (5.0,), ("5",), (None,), (True,), ((5,),), (5, 0), "5")
    | labelled((np.nan,), (np.inf,), (10**30,), (1j,), {5: 5}, {5}, (5, "x"), ("x" * 1000,)),
)
ANY_LAYERS = dasbe.Recipe(epochs=1, batch=1)
QUICK = replace(ANY_LAYERS, latent=4)
QUICK_SCENES = dasbe.SceneRecipe(latent=4, n_phases=3, first_steps=1, rounds=1, steps=1, least_pixels=1)
OF_OURS = {"hidden": (5,), "latent": 5, "activation": "tanh", "latent_activation": "tanh", "spiking": True}
WEIGHTS = [np.zeros((64, 4)), np.zeros(4), np.zeros((4, 64)), np.zeros(64)]


def trainable() -> Kind:
    """Modules that can be trained; functions cannot."""
    wrong = optional(networks()).wrong | {f"a function: {label}": value for label, value in labelled(dimmed).items()}
    wrong |= {
        "a module without weights": Parts(nn.Identity(), dimmed),
        "half precision": linear_ends(64, 3, 3, 64).half(),
    }
    return Kind("network", wrong, ("encoder", "decoder"))


TIMES = {"delay": 6, "refractory": 2, "cycles": 3}
OF_CYCLES = {"spikes": SPIKES[0], "groups": GROUPS[0]}
STOP = also(optional(WHOLE._replace(wrong=WHOLE.wrong | labelled(-1, 0, 4, HUGE))), "images")
START = also(WHOLE._replace(wrong=WHOLE.wrong | labelled(-1, 3, 4, HUGE)), "images")
SPLIT = name("Train_multi", "train", "train_multi/default", "/", ".", "..")
LARGE_GROUPS = np.full((2, 8, 8), HUGE)
RUN = dasbe.bind(IMAGES, dimmed, **TIMES)
SILENT_RUN = dasbe.bind(IMAGES, dimmed, **TIMES, record=())
NO_RUN = Kind("run", STRANGE | FUNCTION_VALUES | labelled(5, IMAGES, SPIKES, RUN.trains, dasbe.Binding()))
CYCLES = optional(
    Kind(
        "cycles",
        {label: value for label, value in NO_WHOLE_NUMBER.items() if label != label_of((1, 2))}
        | labelled(5, [], [-1], [3], [0, HUGE], range(0), range(4), range(HUGE), [0.0], [True], ["0"], [[0]], "012")
        | {"floats": np.arange(2.0), "bool": np.array([True]), "NaN": [np.nan], "10**30": [10**30], "images": IMAGES},
    )
)
DRAWN = {"run": NO_RUN, "labels": labels(), "image": count(0), "groups": optional(also(labels(), "labels"))}
CHOSEN_SETTINGS = also(optional(without(settings("dasbe"), "of a dataset", label_of("shapes"))), "dataset")
ANY_LABELS = without(labels(), *(f"axis {axis} is 0" for axis in range(3)))
CLIENT = optional(Kind("client", STRANGE | FUNCTION_VALUES | labelled(5, "tcp://127.0.0.1:8786", True, [None])))
SYSTEM_NAMES = name("DASBE", "pure-snn", "dasbe ")
SYSTEM_NAMES = SYSTEM_NAMES._replace(wrong=SYSTEM_NAMES.wrong | labelled((), [[]], ["dasbe", 5], ["dasbe", None]))
SEEDS = without(SEED, label_of([6]), label_of((1, 2)), "an array of one number")
SEEDS = SEEDS._replace(wrong=SEEDS.wrong | labelled((), [-1], [1, 2.0], {1, 2}))
STORE = optional(path("text.txt", "picture.png/x"))
MODULATIONS = Kind(
    "modulate",
    {label: value for label, value in STRANGE.items() if value is not None and not callable(value)}
    | labelled(5, "competition", [1])
    | {
        "a function: no tensor": lambda y: y.numpy(),
        "a function: None": lambda y: None,
        "a function: of one step": lambda y: y[:, 0],
        "a function: above 1": lambda y: 2 + y,
        "a function: below 0": lambda y: -1 - y,
        "a function: NaN": lambda y: y * np.nan,
    },
)

ROWS = (
    Row(
        "dasbe.bind",
        dasbe.bind,
        {"images": IMAGES, "network": dimmed, **TIMES},
        {
            "images": also(without(images(), "films"), "films", "frames"),
            "network": networks(),
            "delay": count(),
            "refractory": refractory_times(),
            "cycles": optional(count()),
            "seed": SEED,
            "spike_loss": PROBABILITY,
            "record": NAMES,
            "modulate": MODULATIONS,
            "last": optional(count()),
            "indices": indices(),
            "device": DEVICE,
            "progress": FLAG,
        },
        {
            "last more than cycles": {"last": 4},
            "record latents of a function": {"record": ["latents"]},
            "delay 10**9, record nothing": {"delay": HUGE, "record": ()},
            "delay 10**9, record feedback": {"delay": HUGE, "record": ["feedback"], "last": 1},
            "refractory of images of another size": {"refractory": np.full((9, 9), 2)},
            "indices more than images": {"images": IMAGES[:1], "indices": [0, 1]},
        },
    ),
    Row(
        "dasbe.bind of films",
        dasbe.bind,
        {"images": FILMS, "network": dimmed, **TIMES},
        {"images": films(), "cycles": optional(count())},
        {"cycles fewer than frames": {"cycles": 2}, "cycles more than frames": {"cycles": 4}, "last": {"last": 4}},
    ),
    Row(
        "dasbe.group",
        dasbe.group,
        {"spikes": SPIKES, "n_groups": 3},
        {
            "spikes": spikes(SPIKES, real=True),
            "n_groups": optional(for_each(1)),
            "last": optional(count()),
            "restarts": count(),
            "seed": SEED,
            "indices": indices(),
            "device": DEVICE,
        },
        {
            "n_groups of another number of images": {"n_groups": [3, 3, 3]},
            "n_objects as well": {"n_objects": 2},
            "indices of another number of images": {"indices": [0]},
        },
    ),
    Row(
        "dasbe.suggest_timing",
        dasbe.suggest_timing,
        {"images": IMAGES, "network": dimmed, "groups": GROUPS},
        {
            "images": images(),
            "network": networks(),
            "groups": optional(also(labels(), "images")),
            "seed": SEED,
            "device": DEVICE,
            "progress": FLAG,
        },
        {
            "images without ink": {"images": 0 * IMAGES},
            "groups of one image": {"groups": GROUPS[:1]},
            "groups without labels": {"groups": 0 * GROUPS},
            "groups of 10**9": {"groups": LARGE_GROUPS},
        },
    ),
    Row(
        "dasbe.segment",
        dasbe.segment,
        {"images": IMAGES, "network": dimmed, "system": "dasbe", "n_objects": 2, **TIMES},
        {
            "images": images(),
            "network": networks(),
            "system": name("DASBE", "Dasbe", "pure-snn", "dasbe "),
            "n_objects": optional(for_each()),
            "settings": CHOSEN_SETTINGS,
            "delay": optional(count()),
            "refractory": optional(refractory_times()),
            "cycles": optional(count()),
            "seed": SEED,
            "indices": indices(),
            "device": DEVICE,
            "progress": FLAG,
            "spikes": FLAG,
            "client": CLIENT,
        },
        {
            "delay of nothing": {"delay": None},
            "refractory of a system that has none": {"system": "pure_ann"},
            "delay of a system that has none": {"system": "rc", "refractory": None, "cycles": None},
            "settings of another system": {"system": "pure_ann", "refractory": None, "settings": SETTINGS["dasbe"]},
            "n_objects that has to be told": {"system": "pure_ann", "refractory": None, "n_objects": None},
            "spikes of a system without any": {"system": "rc", **dict.fromkeys(TIMES), "spikes": True},
            "network that is None": {"network": None},
            "refractory of three images": {"refractory": np.full((3, 8, 8), 2)},
        },
    ),
    Row(
        "dasbe.evaluate",
        dasbe.evaluate,
        {"images": IMAGES, "groups": GROUPS, "network": dimmed, **TIMES},
        {
            "images": images(),
            "groups": labels(),
            "network": networks(),
            "systems": also(SYSTEM_NAMES, "system"),
            "seeds": also(SEEDS, "seed"),
            "settings": CHOSEN_SETTINGS,
            "delay": optional(count()),
            "refractory": optional(refractory_times()),
            "cycles": optional(count()),
            "n_objects": optional(count()._replace(wrong=count().wrong | labelled("True", "false", "found", 65))),
            "device": DEVICE,
            "workers": count(),
            "store": STORE,
            "progress": FLAG,
        },
        {
            "images of another number than groups": {"images": IMAGES[:1]},
            "groups without objects": {"groups": 0 * GROUPS},
            "groups that are not numbered from 1 on": {"groups": 3 * GROUPS},
            "groups of 10**9": {"groups": LARGE_GROUPS},
            "systems twice": {"systems": ["dasbe", SYSTEMS["dasbe"]]},
            "seeds twice": {"seeds": (1, 1)},
            "refractory of each pixel": {"refractory": np.full((8, 8), 2)},
            "delay that no system has": {"systems": "rc", "refractory": None, "cycles": None},
            "n_objects that has to be told": {"systems": ["dasbe", "rc"], "n_objects": None},
            "network that is None": {"network": None},
            "store with a function": {"store": "stored"},
            "network that cannot be sent": {"workers": 2, "network": lambda x: dimmed(x)},
        },
    ),
    *(
        Row(
            f"dasbe.{score.__name__}",
            score,
            {"groups": GROUPS, "labels": GROUPS},
            {"groups": labels(), "labels": labels(), **more},
            {
                "labels fewer": {"labels": GROUPS[:1]},
                "labels wider": {"labels": np.zeros((2, 8, 9), int)},
                "groups fewer": {"groups": GROUPS[:1]},
            },
        )
        for score, more in (
            (dasbe.ami, {"normalisation": name("Arithmetic", "maximum", "mean", "geometric")}),
            (dasbe.ari, {}),
            (dasbe.mbo, {"images": optional(images())}),
        )
    ),
    Row(
        "dasbe.score_labels",
        dasbe.score_labels,
        {"labels": GROUPS, "dataset": "scored.h5", "split": "train_multi", "start": 0},
        {
            "labels": also(labels(), "images"),
            "dataset": also(path("x.h5", "x.npz", "./x", "./text.txt", "./picture.png", "./"), "split"),
            "split": optional(SPLIT),
            "start": START,
        },
        {
            "labels of other images": {"labels": np.zeros((2, 7, 9), int)},
            "images more than there are": {"labels": np.zeros((100, 8, 8), int)},
            "labels of 10**9": {"labels": LARGE_GROUPS},
            "dataset without ground truth": {"dataset": "own.h5"},
        },
    ),
    Row("dasbe.n_found", dasbe.n_found, {"labels": GROUPS}, {"labels": ANY_LABELS}),
    Row(
        "dasbe.align",
        dasbe.align,
        {"labels": GROUPS, "groups": GROUPS},
        {"labels": also(labels(), "groups"), "groups": labels()},
        {
            "labels fewer": {"labels": GROUPS[:1]},
            "groups more than labels": {"labels": GROUPS[0]},
            "labels of 10**9": {"labels": LARGE_GROUPS},
            "groups of 10**9": {"groups": LARGE_GROUPS},
            "groups of one image": {"groups": GROUPS[0]},
            "labels and groups on one axis": {"labels": GROUPS[0, 0], "groups": GROUPS[0, 0]},
            "labels and groups on four axes": {"labels": GROUPS[None], "groups": GROUPS[None]},
        },
    ),
    Row(
        "dasbe.plot_grouping",
        dasbe.plot_grouping,
        {"run": RUN, "labels": GROUPS, "image": 0, "groups": GROUPS},
        DRAWN,
        {"labels of 10**9": {"labels": LARGE_GROUPS}, "groups of 10**9": {"groups": LARGE_GROUPS}},
    ),
    Row(
        "dasbe.plot_raster",
        dasbe.plot_raster,
        {"run": RUN, "labels": GROUPS, "image": 1, "groups": GROUPS, "cycles": [0, 2]},
        {**DRAWN, "cycles": CYCLES},
        {"spikes that were not recorded": {"run": SILENT_RUN}, "labels of 0": {"labels": 0 * GROUPS, "groups": None}},
    ),
    Row(
        "dasbe.plot_decoded",
        dasbe.plot_decoded,
        {"network": dimmed, "labels": GROUPS, "image": 0, "groups": GROUPS},
        {"network": networks(), "device": DEVICE, **{name: kind for name, kind in DRAWN.items() if name != "run"}},
        {"labels of 10**9": {"labels": LARGE_GROUPS}, "labels of 0": {"labels": 0 * GROUPS}},
    ),
    Row(
        "dasbe.animate",
        dasbe.animate,
        {"path": "dance.gif", "run": RUN, "labels": GROUPS, "image": 0, "groups": GROUPS, "cycles": [0]},
        {**DRAWN, "path": path("dance", "dance.png", ".gif", "text.txt/dance.gif"), "cycles": CYCLES},
        {
            "labels of each cycle, one too few": {"labels": np.stack([GROUPS] * 2, 1)},
            "groups of each image": {"labels": np.stack([GROUPS] * 3, 1)},
            "spikes that were not recorded": {"run": SILENT_RUN},
        },
    ),
    Row("run.save", RUN.save, {"path": "run.npz"}, {"path": path("run", "run.npy", "text.txt/run.npz", "tmp_net")}),
    Row(
        "run.to_html",
        RUN.to_html,
        {"path": "run.html", "image": 0, "labels": GROUPS, "groups": GROUPS, "live": True, "network": SMALL},
        {
            "path": path("run", "run.npz", ".html", "text.txt/run.html", "tmp_net"),
            "image": count(0),
            "labels": optional(labels()),
            "groups": optional(also(labels(), "labels")),
            "live": also(FLAG, "network"),
            "network": also(Kind("network", STRANGE | labelled(5, "shapes", object(), nn.Linear(64, 64))), "live"),
        },
    ),
    Row(
        "run.to_neo",
        RUN.to_neo,
        {"image": 0, "labels": GROUPS, "step": 1},
        {"image": count(0), "labels": optional(labels()), "step": ABOVE_0},
    ),
    Row("run.spikes_of", RUN.spikes_of, {"image": 0}, {"image": count(0)}),
    Row(
        "dasbe.load_run",
        dasbe.load_run,
        {"path": "saved.npz"},
        {"path": also(path("missing.npz", "text.txt", "picture.png", "other.pt", "arrays.npz", "tmp_net"), "run")},
    ),
    Row(
        "dasbe.load_dataset",
        dasbe.load_dataset,
        {"name": "shapes", "split": "train_multi", "start": 0, "stop": 2, "folder": "tmp_data"},
        {"name": DATASET_NAME, "split": optional(SPLIT), "start": START, "stop": STOP, "folder": also(FOLDER, "split")},
        {
            "images from start after stop": {"start": 2, "stop": 1},
            "images from start at stop": {"start": 1, "stop": 1},
            "dataset of another kind": {"folder": "other"},
            "dataset that is not there": {"name": "bars"},
        },
    ),
    Row(
        "dasbe.load_dataset of a file",
        dasbe.load_dataset,
        {"name": "own.h5", "split": "train_multi", "start": 0, "stop": 2},
        {
            "name": also(
                path("x.h5", "x.npz", "./x", "./text.txt", "other/shapes.h5", "./picture.png", "./"), "dataset"
            ),
            "split": optional(SPLIT),
            "start": START,
            "stop": STOP,
        },
        {"folder as well": {"folder": "tmp_data"}},
    ),
    Row(
        "dasbe.load_dataset of pictures",
        dasbe.load_dataset,
        {"name": Path("pictures"), "start": 0, "stop": 3},
        {"start": START, "stop": STOP, "split": optional(SPLIT)},
        {"image that is damaged": {"name": "./damaged", "stop": 1}, "folder without pictures": {"name": "./empty"}},
    ),
    Row(
        "dasbe.save_dataset",
        saved,
        {"path": "saved.h5", "images": IMAGES, "groups": GROUPS, "split": "test", "name": "rings"},
        {
            "path": path("x", "saved.json", "saved.png", "text.txt/x.h5", "tmp_net", "./", "text.h5", "own.npz"),
            "images": also(images(), "films"),
            "groups": optional(labels()),
            "split": optional(WORD),
            "name": optional(also(WORD._replace(wrong=WORD.wrong | labelled("shapes")), "dataset")),
            "replace": FLAG,
        },
        {
            "groups without ink": {"images": 0 * IMAGES},
            "groups above 255": {"groups": 256 * GROUPS},
            "split of a NumPy file": {"path": "saved.npz"},
        },
    ),
    Row(
        "dasbe.draw_scenes",
        dasbe.draw_scenes,
        {"templates": [IMAGES[1, 2:4, 2:5], IMAGES[0]], "image_shape": (8, 9), "count": 3, "objects": 2},
        {
            "templates": Kind(
                "templates",
                NO_ARRAY
                | {f"of {label}": [value] for label, value in images(IMAGES[:1]).wrong.items() if label not in SMALLER}
                | labelled(5, 0.5, [5], [[1, 1]], {0: IMAGES[0]}, [[[0, 0]]], [[[]]])
                | {"one template": IMAGES[0], "one too large": [np.ones((9, 9))]},
            ),
            "image_shape": Kind("(H, W)", SHAPE.wrong | labelled((7, 9), (9, 7))),
            "count": count(),
            "objects": without(
                Kind(
                    "whole number, or two", count().wrong | labelled(256, (0, 2), (2, 1), (1, 2, 3), (1, 2.5), (1, 256))
                ),
                label_of((1, 2)),
            ),
            "seed": SEED,
            "overlap": FLAG,
        },
        {"objects that do not fit": {"overlap": False, "objects": 60}},
    ),
    Row(
        "dasbe.load_network",
        dasbe.load_network,
        {"name": "small", "device": "cpu"},
        {
            "name": also(
                path("x", "Small", "small.json", "text.pt", "other.pt", "tmp_net", "empty.pt", "a/b.pt", "."), "network"
            ),
            "device": DEVICE,
        },
    ),
    Row(
        "dasbe.binarise",
        dasbe.binarise,
        {"images": 0.1 + IMAGES / 2, "threshold": 0.5},
        {
            "images": Kind(
                "grey images",
                NO_ARRAY
                | {"NaN": np.full((2, 8, 8), np.nan), "infinity": np.full((8, 8), np.inf)}
                | {
                    "colours": np.ones((8, 8, 3)) / 2,
                    "two channels": np.ones((2, 2, 8, 8)) / 2,
                    "empty": IMAGES[:0] / 2,
                },
            ),
            "threshold": optional(PROBABILITY),
        },
    ),
    Row(
        "dasbe.load_image",
        dasbe.load_image,
        {"path": "picture.png", "image_shape": (8, 8)},
        {
            "path": also(
                path(
                    "x",
                    "missing.png",
                    "text.txt",
                    "text.png",
                    "blank.png",
                    "cut.png",
                    "post.eps",
                    ".",
                    "tmp_net",
                    "small",
                ),
                "image",
            ),
            "image_shape": optional(
                Kind("(H, W)", SHAPE.wrong | labelled((9, 8), (8, 9), (64,)), ("height×width",)),
            ),
            "threshold": optional(PROBABILITY),
        },
    ),
    Row(
        "dasbe.as_network",
        dasbe.as_network,
        {"encoder": nn.Linear(64, 3), "decoder": nn.Linear(3, 64), "image_shape": (8, 8), "logits": True},
        {"encoder": PART, "decoder": PART, "image_shape": optional(SHAPE), "logits": FLAG},
    ),
    Row("metrics.ami", metrics.ami, {"groups": GROUPS, "labels": GROUPS}, {"groups": labels(), "labels": labels()}),
    Row(
        "metrics.autocorrelation",
        metrics.autocorrelation,
        {**OF_CYCLES, "max_lag": 5},
        {"spikes": spikes(SPIKES[0]), "groups": labels(GROUPS[0]), "max_lag": count(0)},
        {
            "max_lag as long as the run": {"max_lag": 18},
            "groups of 10**9": {"groups": LARGE_GROUPS[0]},
            "groups of another size": {"groups": GROUPS[0, :7]},
        },
    ),
    Row(
        "metrics.cross_correlation",
        metrics.cross_correlation,
        {**OF_CYCLES, "max_lag": 5},
        {"spikes": spikes(SPIKES[0]), "groups": labels(GROUPS[0]), "max_lag": count(0)},
        {
            "max_lag as long as the run": {"max_lag": 18},
            "groups of 10**9": {"groups": LARGE_GROUPS[0]},
            "groups of another size": {"groups": GROUPS[0, :7]},
        },
    ),
    Row(
        "metrics.cycle_scores",
        metrics.cycle_scores,
        OF_CYCLES,
        {"spikes": spikes(SPIKES[0]), "groups": labels(GROUPS[0]), "q": NOT_NEGATIVE, "seed": SEED},
        {
            "groups of 10**9": {"groups": LARGE_GROUPS[0]},
            "groups as many as pixels": {"groups": np.full((8, 8), 64)},
            "groups of another size": {"groups": GROUPS[0, :7]},
        },
    ),
    Row(
        "metrics.silhouette",
        metrics.silhouette,
        {"distances": DISTANCES, "labels": [0, 0, 1, 1]},
        {"distances": spikes(DISTANCES, real=True, empty=True), "labels": labels(np.array([0, 0, 1, 1]))},
        {"labels fewer": {"labels": [0, 1]}, "distances of two to four": {"distances": DISTANCES[:2]}},
    ),
    Row(
        "metrics.synchrony_matrix",
        metrics.synchrony_matrix,
        OF_CYCLES,
        {"spikes": spikes(SPIKES[0]), "groups": labels(GROUPS[0]), "alpha": NOT_NEGATIVE, "last": count()},
        {"alpha infinite": {"alpha": np.inf}, "groups of another size": {"groups": GROUPS[0, :7]}},
    ),
    Row(
        "metrics.victor_purpura_distances",
        metrics.victor_purpura_distances,
        {"spikes": SPIKES[0, 0, :, 2], "q": 0.5},
        {"spikes": spikes(SPIKES[0, 0, :, 2], empty=True), "q": NOT_NEGATIVE},
    ),
    Row(
        "experiments.figure2.phase_colours",
        phase_colours,
        {"spikes": SPIKES[0, 0], "refractory": 2},
        {"spikes": spikes(SPIKES[0, 0]), "refractory": count()},
    ),
    *(segment_row(system) for system in SYSTEMS if not system.endswith("_scenes")),  # which have other networks alone
    Row(
        "systems.system_of",
        system_of,
        {"name": "dasbe"},
        {"name": also(name("DASBE", "Dasbe", "pure-snn", "rc "), "system")},
    ),
    Row(
        "datasets.generate",
        drawn,
        {"name": "shapes", "sizes": FEW, "mnist": None},
        {"name": DATASET_NAME, "sizes": SIZES, **fields("sizes", {key: SIZE for key in FEW})},
    ),
    Row(
        "datasets.generate with digits",
        drawn,
        {"name": "mnist_shape", "sizes": FEW, "mnist": "digits"},
        {"mnist": optional(path("missing", "text.txt", "empty", "picture.png/x")), "sizes": SIZES},
    ),
    Row(
        "datasets.generate of films",
        drawn,
        {"name": "moving_shapes_train", "sizes": {"single": 2, "frames": 3}},
        fields("sizes", {"single": SIZE, "frames": also(count(), "sizes")}),
    ),
    Row(
        "datasets.load_dataset",
        datasets.load_dataset,
        {"name": "shapes"},
        {"name": without(DATASET_NAME, label_of("tmp_data/shapes.h5")), "folder": FOLDER},
    ),
    Row(
        "datasets.make_dataset",
        datasets.make_dataset,
        {"name": "shapes", "folder": "made", "sizes": FEW, "progress": False},
        {
            "name": DATASET_NAME,
            "folder": without(optional(path("text.txt", "picture.png/x")), label_of("two\nlines")),  # it is made
            "sizes": SIZES,
            "progress": FLAG,
            **fields("sizes", {key: SIZE for key in FEW}),
        },
    ),
    Row(
        "datasets.make_dataset with digits",
        datasets.make_dataset,
        {"name": "mnist_shape", "folder": "made", "sizes": FEW, "progress": False, "mnist": "digits"},
        {"mnist": optional(path("missing", "text.txt", "empty", "picture.png/x"))},
    ),
    Row(
        "datasets.settings_of",
        datasets.settings_of,
        {"name": "shapes"},
        {"name": also(name("Shapes", "shape", "moving_shapes", "shapes_with_pos"), "dataset")},
    ),
    Row(
        "datasets.verify",
        datasets.verify,
        {"name": "shapes", "folder": "tmp_data"},
        {"name": DATASET_NAME, "folder": FOLDER},
        {"dataset that is not there": {"name": "bars"}},
    ),
    Row(
        "dasbe.train_network",
        dasbe.train_network,
        {"images": IMAGES, "recipe": QUICK, "progress": False},
        {
            "images": also(images(), "films"),
            "recipe": optional(
                Kind("recipe", STRANGE | FUNCTION_VALUES | labelled(5, "shapes", {"epochs": 3}, [QUICK]))
            ),
            "seed": optional(SEED),
            "checkpoint": without(optional(path(".", "tmp_net", "text.txt/x")), label_of("two\nlines")),
            "device": DEVICE,
            "progress": FLAG,
            "classes": optional(Kind("classes", labels(np.array([0, 1])).wrong | {"none are needed": [0, 1]})),
        },
        {"images without ink": {"images": 0 * IMAGES}, "classes without contrast": {"classes": [0, 1]}},
    ),
    Row(
        "dasbe.train_network with classes",
        dasbe.train_network,
        {"images": IMAGES, "recipe": replace(QUICK, contrast=0.5), "classes": [0, 1], "progress": False},
        {"classes": labels(np.array([0, 1]))},
        {"classes of three images": {"classes": [0, 1, 1]}},
    ),
    Row(
        "dasbe.train_network of a module",
        dasbe.train_network,
        {"images": IMAGES, "recipe": ANY_LAYERS, "network": linear_ends(64, 3, 3, 64), "progress": False},
        {"network": trainable()},
        {f"network and {field}": {"recipe": replace(ANY_LAYERS, **{field: value})} for field, value in OF_OURS.items()},
    ),
    Row(
        "dasbe.learn_from_scenes",
        dasbe.learn_from_scenes,
        {"scenes": np.repeat(IMAGES, 15, axis=0), "recipe": QUICK_SCENES, "progress": False},
        {
            "scenes": images(),
            "recipe": optional(Kind("recipe", STRANGE | FUNCTION_VALUES | labelled(5, "shapes", {}, [QUICK]))),
            "n_objects": optional(for_each()),
            "seed": optional(SEED),
            "checkpoint": without(optional(path(".", "tmp_net", "text.txt/x")), label_of("two\nlines")),
            "device": DEVICE,
            "progress": FLAG,
        },
        {
            "scenes too few": {"scenes": IMAGES},
            "network that is a function": {"network": dimmed},
        },
    ),
    Row(
        "dasbe.SceneRecipe",
        dasbe.SceneRecipe,
        {"latent": 4},
        {
            "hidden": UNITS_OF_LAYERS,
            "latent": optional(count()),
            "n_phases": count(2),
            "learning_rate": ABOVE_0,
            "half_precision": FLAG,
            "activation": name("ReLU", "Relu", "softplus", "sigmoid "),
            "fragment": Kind("fragment", labelled(5, "x", (1,), (2, 1), (0, 1), (np.nan, 1), None)),
            "corruption": Kind("corruption", labelled(5, "x", (1,), (0.5, 0.1), (0, 2), (np.nan, 1), None)),
            **{name: count() for name in ("first_steps", "steps", "scenes_a_round", "counting_from")},
            **{name: count() for name in ("least_pixels", "batch")},
            "rounds": count(0),
            "foreign_ink": PROBABILITY,
            "seed": SEED,
        },
    ),
    Row(
        "dasbe.Recipe",
        dasbe.Recipe,
        {"hidden": (5,), "latent": 4},
        {
            "dataset": also(Kind("text", {k: v for k, v in STRANGE.items() if not isinstance(v, str)}), "dataset"),
            "hidden": UNITS_OF_LAYERS,
            "latent": optional(count()),
            "corruption": Kind(
                "(low, high)",
                STRANGE
                | labelled(0.5, "0.5", (0.5,), (0.2, 0.5, 0.7), (0.7, 0.2), (-0.1, 0.5), (0.5, 1.5), (0, np.nan)),
            ),
            "epochs": count(),
            "occlusion": PROBABILITY,
            "salt": PROBABILITY,
            "optimiser": name("Adam", "SGD", "adamw"),
            "walkback": count(0),
            "ink_weight": NOT_NEGATIVE._replace(wrong=NOT_NEGATIVE.wrong | labelled(np.inf)),
            "latent_silence": PROBABILITY,
            "output_shift": NUMBER,
            "half_precision": FLAG,
            "contrast": NOT_NEGATIVE._replace(wrong=NOT_NEGATIVE.wrong | labelled(np.inf)),
            "splits": Kind("names", STRANGE | labelled(5, "train_single", (), (5,), ["train_single"], (None,))),
            "batch": count(),
            "learning_rate": ABOVE_0,
            "patience": count(),
            "seed": SEED,
            "activation": name("ReLU", "Relu", "softplus", "sigmoid "),
            "latent_activation": name("Sigmoid", "spikes", "sigmoid "),
            "spiking": FLAG,
            "recurrent": FLAG,
            "window": count(0),
            "judge": Kind("text", {k: v for k, v in STRANGE.items() if not isinstance(v, str)}),
        },
        {
            "window of one frame": {"window": 1, "recurrent": True},
            "window without recurrent": {"window": 3},
            "recurrent without window": {"recurrent": True},
            "window and walkback": {"window": 3, "recurrent": True, "walkback": 1},
        },
    ),
    Row(
        "dasbe.autoencoder",
        dasbe.autoencoder,
        {"weights": WEIGHTS, "image_shape": (8, 8)},
        {
            "weights": Kind(
                "weights",
                NO_ARRAY
                | {
                    "no bias": WEIGHTS[::2],
                    "no decoder": WEIGHTS[:2],
                    "another decoder": [*WEIGHTS[:2], np.zeros((5, 64)), np.zeros(64)],
                    "more pixels out than in": [*WEIGHTS[:2], np.zeros((4, 81)), np.zeros(81)],
                    "a bias of two axes": [WEIGHTS[0], WEIGHTS[1][None], *WEIGHTS[2:]],
                    "both orientations": [WEIGHTS[0].T, *WEIGHTS[1:]],
                    "squares": [np.zeros((64, 64)), np.zeros(64)] * 2,
                    "NaN": [*WEIGHTS[:3], np.full(64, np.nan)],
                    "too large for float32": [*WEIGHTS[:3], np.full(64, 1e300)],
                    "a convolution": nn.Conv2d(1, 1, 3).state_dict(),
                    "weights alone": {"0.weight": WEIGHTS[0].T, "1.weight": WEIGHTS[2].T},
                    "a recurrent network": Autoencoder(Architecture((8, 8), (), 4, recurrent=True)).state_dict(),
                    "a module": SMALL,
                },
            ),
            "image_shape": optional(SHAPE),
            "activation": name("ReLU", "softplus"),
            "latent_activation": name("Sigmoid", "spikes"),
            "spiking": FLAG,
        },
        {"image_shape of another size": {"image_shape": (8, 9)}},
    ),
    Row(
        "ann.weights.save_network",
        save_network,
        {"path": "saved.pt", "network": SMALL, "description": {"dataset": "shapes"}},
        {
            "path": path(
                "x", "small.json", "small.txt", "small.PT", ".", "tmp_net", "text.txt/x.pt", "x" * 300 + ".pt"
            ),
            "network": Kind(
                "Autoencoder",
                STRANGE | FUNCTION_VALUES | labelled(5, "small", Autoencoder) | {"weights": SMALL.state_dict()},
            ),
            "description": Kind(
                "description",
                {label: value for label, value in STRANGE.items() if value != {} and value is not None}
                | FUNCTION_VALUES
                | labelled(
                    5, ["x"], "text", {"x": object()}, {"x": 1j}, {"x": {1}}, {"x": b"x"}, {(1, 2): 3}, {object(): 3}
                )
                | labelled(
                    {"x": np.int64(5)}, {"x": Path("x")}, {"x": int}, {"architecture": 5}, {"architecture": None}
                )
                | labelled({"x": np.nan}, {"x": np.inf})
                | {
                    "an array": {"x": np.zeros(2)},
                    "a tensor": {"x": torch.zeros(2)},
                    "other": {"architecture": {"latent": 7}},
                },
            ),
        },
    ),
    Row(
        "ann.architecture.Architecture",
        Architecture,
        {"image_shape": (8, 8), "hidden": (5,), "latent": 4},
        {
            "image_shape": SHAPE,
            "hidden": UNITS_OF_LAYERS,
            "latent": Kind("whole number", NO_WHOLE_NUMBER | labelled(0, -5, 2**64, 10**30)),
            "activation": name("ReLU", "Relu", "softplus", "sigmoid "),
            "latent_activation": name("Sigmoid", "spikes", "sigmoid "),
            "spiking": FLAG,
            "recurrent": FLAG,
        },
    ),
)

ACCEPTED = {
    ("dasbe.group", "last", label_of(HUGE)): "all cycles, if there are fewer",
    ("metrics.synchrony_matrix", "last", label_of(HUGE)): "all cycles, if there are fewer",
    ("experiments.figure2.phase_colours", "refractory", label_of(HUGE)): "it only sets how bright the colours are",
}
"""Values that look wrong and are right, by function, argument and label: why."""


def bad_calls(row: Row) -> Iterator[Call]:
    """All wrong calls of a row."""
    for argument, kind in row.kinds.items():
        whole, _, field = argument.partition(".")
        for label, value in kind.wrong.items():
            changed = {whole: _with(row.valid[whole], field, value) if field else value}
            yield Call(argument, kind.name, label, (field or whole, *kind.words), changed, _is_huge(value))
    for what, changed in row.together.items():
        huge = any(map(_is_huge, changed.values()))
        yield Call(" and ".join(changed), "what does not fit together", what, (what.split()[0],), changed, huge)


def _with(values: Any, field: str, value: Any) -> Any:
    return {**values, field: value} if isinstance(values, dict) else values._replace(**{field: value})


def _is_huge(value: Any) -> bool:
    return type(value) is int and value >= HUGE


class TooLong(BaseException):
    """A call did not end in time; no ``except Exception`` on its way catches it."""


@contextmanager
def clock() -> Iterator[None]:
    """TooLong after `SECONDS`."""

    def stop(*_: Any) -> None:
        raise TooLong

    before = signal.signal(signal.SIGALRM, stop)
    signal.setitimer(signal.ITIMER_REAL, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def in_child(functions: Sequence[Callable[[], str]]) -> list[str]:
    """What `functions` return in a child process, which has `FREE_BYTES`, and `SECONDS` for each of them.

    The next one goes on where a child was killed.
    """
    answers: list[str] = []
    while len(answers) < len(functions):
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            try:
                signal.signal(signal.SIGALRM, signal.SIG_DFL)
                used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
                resource.setrlimit(resource.RLIMIT_AS, (used + FREE_BYTES, resource.RLIM_INFINITY))
                for function in functions[len(answers) :]:
                    signal.setitimer(signal.ITIMER_REAL, SECONDS)
                    os.write(writing, function().encode() + b"\0")
            finally:
                os._exit(0)
        os.close(writing)
        with open(reading, encoding="utf-8") as pipe:
            answers += pipe.read().split("\0")[:-1]
        os.waitpid(child, 0)
        if len(answers) < len(functions):
            answers.append(TOO_LONG)
    return answers


REFUSED, TOO_LONG = "refused", f"takes more than {SECONDS} s"


def outcome(row: Row, call: Call) -> str:
    """`REFUSED`, or what happens instead."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            result = row.call(**{**row.valid, **call.changed})
    except dasbe.InputError as error:
        return judged(str(error), call.words)
    except TooLong:
        return TOO_LONG
    except Exception as error:
        return " ".join(f"{type(error).__name__}: {error}".split())[:200]
    return f"accepted: {type(result).__name__} {getattr(result, 'shape', '')}"


def judged(message: str, words: tuple[str, ...]) -> str:
    """`REFUSED`, or what is wrong with the message of an InputError."""
    faults = [
        ("has many lines", len(message.splitlines()) != 1),
        (f"has {len(message)} characters", len(message) > LONGEST_MESSAGE),
        (
            f"does not name {' or '.join(words)}",
            not any(re.search(rf"\b{re.escape(word)}\b", message, re.IGNORECASE) for word in words),
        ),
    ]
    found = " and ".join(fault for fault, is_so in faults if is_so)
    return f"the message {found}: {message[:LONGEST_MESSAGE]!r}" if found else REFUSED


def answers_of(row: Row) -> Iterator[tuple[Call, str]]:
    """All bad calls of a row, and their outcomes."""
    calls = list(bad_calls(row))
    huge = [call for call in calls if call.huge]
    yield from zip(huge, in_child([partial(outcome, row, call) for call in huge]), strict=True)
    for call in calls:
        if not call.huge:
            with clock():
                answer = outcome(row, call)
            yield call, answer


def fault_of(row: Row, call: Call, answer: str) -> str | None:
    """What is wrong with the answer to a call, if anything is."""
    if (row.name, call.argument, call.label) in ACCEPTED:
        return None if answer.startswith("accepted") else f"should be accepted: {answer}"
    return None if answer == REFUSED else answer


BY_NAME = pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])


@BY_NAME
def test_valid_calls_succeed(row):
    row.call(**row.valid)


@BY_NAME
def test_bad_calls_are_refused(row):
    answers = [(call, fault_of(row, call, answer)) for call, answer in answers_of(row)]
    faults = [f"{call.argument} = {call.label}: {fault}" for call, fault in answers if fault]
    assert not faults, f"{len(faults)} of {len(answers)} bad calls of {row.name}:\n" + "\n".join(faults)


def test_bad_calls_are_many():
    calls = [(row.name, call.argument, call.label) for row in ROWS for call in bad_calls(row)]
    assert len(calls) >= 500
    assert set(ACCEPTED) <= set(calls)


GOOD = {
    "NumPy integers": ("dasbe.bind", {"delay": np.int32(6), "refractory": np.uint8(2), "cycles": np.int64(3)}),
    "seeds of NumPy": ("dasbe.bind", {"seed": np.uint64(0), "last": np.int16(3), "spike_loss": np.float32(0)}),
    "0-d arrays": (
        "dasbe.bind",
        {"delay": np.array(6), "refractory": np.array(2), "cycles": np.array(3), "seed": np.array(0)},
    ),
    "images of float": ("dasbe.bind", {"images": IMAGES.astype(float)}),
    "images of float16": ("dasbe.bind", {"images": IMAGES.astype(np.float16)}),
    "images of bool": ("dasbe.bind", {"images": IMAGES > 0}),
    "images of int64": ("dasbe.bind", {"images": GROUPS > 0}),
    "images as lists": ("dasbe.bind", {"images": IMAGES.tolist()}),
    "images of Fortran order": ("dasbe.bind", {"images": np.asfortranarray(IMAGES)}),
    "images as a tensor": ("dasbe.bind", {"images": torch.from_numpy(IMAGES)}),
    "images as a tensor of floats": ("dasbe.bind", {"images": torch.from_numpy(IMAGES).float()}),
    "images as a tensor of bool": ("dasbe.bind", {"images": torch.from_numpy(IMAGES).bool()}),
    "images as a tensor with a gradient": ("dasbe.bind", {"images": torch.from_numpy(IMAGES).float().requires_grad_()}),
    "films as a tensor": ("dasbe.bind of films", {"images": torch.from_numpy(FILMS), "cycles": FILMS.shape[1]}),
    "refractory (H, W)": ("dasbe.bind", {"refractory": np.full((8, 8), 2)}),
    "refractory (N, H, W)": ("dasbe.bind", {"refractory": np.full((2, 8, 8), 2, np.uint8)}),
    "refractory as lists": ("dasbe.bind", {"refractory": [[2] * 8] * 8}),
    "record as a list": ("dasbe.bind", {"record": ["spikes"]}),
    "record as a set": ("dasbe.bind", {"record": {"spikes", "feedback"}}),
    "indices as a range": ("dasbe.bind", {"indices": range(2)}),
    "indices as a list": ("dasbe.bind", {"indices": [0, 1]}),
    "indices as a tensor": ("dasbe.bind", {"indices": torch.arange(2)}),
    "indices of uint8": ("dasbe.bind", {"indices": np.arange(2, dtype=np.uint8)}),
    "cpu": ("dasbe.bind", {"device": "cpu"}),
    "cpu:0": ("dasbe.bind", {"device": "cpu:0"}),
    "a device": ("dasbe.bind", {"device": torch.device("cpu")}),
    "flags of NumPy": ("dasbe.bind", {"progress": np.False_}),
    "a module": ("dasbe.bind", {"network": Parts(nn.Identity(), dimmed)}),
    "a tuple of networks' results": ("dasbe.bind", {"network": lambda x: (dimmed(x), x)}),
    "spikes of int": ("dasbe.group", {"spikes": SPIKES.astype(int)}),
    "spikes as a tensor": ("dasbe.group", {"spikes": torch.from_numpy(SPIKES)}),
    "spikes as lists": ("dasbe.group", {"spikes": SPIKES.tolist()}),
    "spikes of float": ("dasbe.group", {"spikes": SPIKES.astype(np.float16)}),
    "images with a channel axis": ("dasbe.bind", {"images": IMAGES[:, None]}),
    "a film of one frame": ("dasbe.bind of films", {"images": FILMS[:, :1]}),
    "labels with a channel axis": ("metrics.ami", {"groups": GROUPS[:, None]}),
    "n_groups as a list": ("dasbe.group", {"n_groups": [3, 3]}),
    "n_groups as an array": ("dasbe.group", {"n_groups": np.array([3, 3], np.int8)}),
    "n_groups as a 0-d array": ("dasbe.group", {"n_groups": np.array(3)}),
    "more cycles than there are": ("dasbe.group", {"last": 10**6}),
    "a number that is found": ("dasbe.group", {"n_groups": None}),
    "labels as lists": ("dasbe.ami", {"groups": GROUPS.tolist(), "labels": GROUPS.tolist()}),
    "labels of whole floats": ("dasbe.ami", {"labels": GROUPS.astype(float)}),
    "labels as a tensor": ("dasbe.ami", {"labels": torch.from_numpy(GROUPS)}),
    "labels of uint8": ("dasbe.align", {"labels": GROUPS.astype(np.uint8)}),
    "a Path for a folder": ("dasbe.load_dataset", {"folder": Path("tmp_data")}),
    "a name of NumPy": ("dasbe.load_dataset", {"name": np.str_("shapes")}),
    "a Path for a dataset": ("dasbe.load_dataset", {"name": Path("tmp_data/shapes.h5"), "folder": None}),
    "a path for a dataset": ("dasbe.load_dataset", {"name": "tmp_data/shapes.h5", "folder": None, "split": None}),
    "templates as lists": ("dasbe.draw_scenes", {"templates": [IMAGES[1, 2:4, 2:5].tolist(), IMAGES[0].tolist()]}),
    "templates as tensors": ("dasbe.draw_scenes", {"templates": (IMAGES[1, 2:4, 2:5], torch.from_numpy(IMAGES[0]))}),
    "two numbers of objects": ("dasbe.draw_scenes", {"objects": [2, np.int8(2)]}),
    "a Path for an image": ("dasbe.load_image", {"path": Path("picture.png")}),
    "a shape as a list": ("dasbe.load_image", {"image_shape": [8, 8]}),
    "a shape of NumPy integers": ("dasbe.load_image", {"image_shape": IMAGES[0].shape}),
    "groups as lists": ("metrics.autocorrelation", {"groups": GROUPS[0].tolist()}),
    "q as an int": ("metrics.victor_purpura_distances", {"q": np.float32(0.5)}),
    "distances of lists": ("metrics.silhouette", {"distances": DISTANCES.tolist()}),
    "n_objects for each image": ("SYSTEMS['dasbe'].segment", {"n_objects": (2, 2)}),
    "no network": ("SYSTEMS['pure_snn'].segment", {"network": None}),
    "NumPy integers in settings": (
        "SYSTEMS['pure_ann'].segment",
        {"settings": pure_ann.Settings(np.int64(6), np.uint8(3))},
    ),
    "NumPy floats in settings": (
        "SYSTEMS['pure_snn'].segment",
        {"settings": pure_snn.Settings(*np.float32(PCNN))},
    ),
    "a system itself": ("systems.system_of", {"name": SYSTEMS["dasbe"]}),
    "settings themselves": ("datasets.settings_of", {"name": datasets.settings_of("shapes")}),
}


@pytest.mark.parametrize("function, changed", GOOD.values(), ids=GOOD)
def test_good_values_are_accepted(function, changed):
    row = next(row for row in ROWS if row.name == function)
    found, expected = (row.call(**{**row.valid, **given}) for given in (changed, {}))
    if isinstance(found, dasbe.Binding):
        found, expected = found.spikes, expected.spikes
    np.testing.assert_equal(found, expected)
