"""Systems: what groups the pixels of images, all by the same call."""

import hashlib
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

import numpy as np
import torch

from dasbe.ann.network import Network, check_kind
from dasbe.binding.readout import group
from dasbe.engine.foreground import ForegroundTrains
from dasbe.engine.parallel import blocks_of, one_thread
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.progress import progress_bar
from dasbe.support.published import DatasetSettings
from dasbe.support.workers import computed_on, n_threads

CHUNK_PIXELS = 1 << 15  # of the foregrounds of a chunk of images, for each thread: their spikes are held in memory
CHUNKS_PER_WORKER = 4  # of a cluster, so that all come to an end at about the same time


@dataclass(frozen=True, repr=False)
class System:
    """A system that groups pixels; the system itself is either `record` or `label`.

    Attributes
    ----------
    name : str
        Its name in commands and files.
    title : str
        Its name for readers.
    trained_on : str
        What its network has been trained on.
    told : str
        What it is given besides the pixels of an image.
    sees : str
        What its network is shown.
    network : str or None
        Name of its network among the shipped ones, with ``{dataset}`` in the place of the
        dataset's name; None if it needs none.
    settings : type
        Named tuple of its settings: all that the labels depend on, besides images,
        network and seed.
    record : callable, optional
        ``record(images, network, settings, *, seed, indices, device)`` gives the trains of
        images (N, H, W) uint8, 0 and 1, which :func:`dasbe.group` reads. Arguments are those
        of :meth:`segment`, checked; but the values of `settings` are checked where they are
        used: an InputError names the setting.
    label : callable, optional
        ``label(images, network, n_objects, settings, *, seed, indices, device)`` gives the
        labels (N, H, W) int64; `n_objects` are (N,) int64, or None if the system can count
        and is not told.
    can_count : bool
        Whether it finds the number of objects if that is not given.
    never_told : bool
        Whether it has to find it even where it is known: `n_objects` does not reach it.
    takes_colour : bool
        Whether it groups grey and colour images as well; `label` is then given (N, H, W) or
        (N, 3, H, W) float32 from 0 to 1, too.
    evaluations : callable, optional
        From settings and number of objects to the number of times that the network is evaluated for an image.
    """

    name: str
    title: str
    trained_on: str
    told: str
    sees: str
    network: str | None
    settings: Any
    record: Callable[..., ForegroundTrains] | None = None
    label: Callable[..., np.ndarray] | None = None
    can_count: bool = False
    never_told: bool = False
    takes_colour: bool = False
    evaluations: Callable[[Any, int], int] | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not re.fullmatch(r"\w+", self.name):
            raise InputError(f"name is {checks.shown(self.name)}; it must be one word, as it also names files")

    def __repr__(self) -> str:
        return f"<System {self.name}: {self.title}; settings {', '.join(self.settings._fields) or 'none'}>"

    def network_name(self, dataset: str) -> str | None:
        """Name of the shipped network that this system uses on `dataset`."""
        return self.network and self.network.format(dataset=dataset)

    def published(self, dataset: DatasetSettings, **changes: Any) -> Any:
        """:attr:`settings` as published for a dataset, but for `changes`.

        Those that a dataset has by the same name take its values, all others their defaults.
        """
        of_dataset = (*DatasetSettings._fields, "n_phases")
        values = {name: getattr(dataset, name) for name in self.settings._fields if name in of_dataset}
        return self.settings(**(values | changes))

    def check_given(self, network: Any, n_objects: Any) -> None:
        """InputError if `network` is not one, or if the system needs it or the number of objects and has none."""
        if n_objects is None and not self.can_count:
            raise InputError(f"n_objects is None, but {self.title} needs the number of objects of each image")
        if self.network is not None and network is None:
            raise InputError(f"network is None, but {self.title} needs one; load it with dasbe.load_network")
        if network is not None:
            check_kind(network)

    def check_images(self, images: np.ndarray) -> np.ndarray:
        """Images as `checks.pictures` has them; of a system without colour, grey and colour are refused by name."""
        if self.takes_colour:
            return checks.pictures(images)
        try:
            return checks.images(images)
        except InputError:
            try:
                checks.pictures(images)
            except InputError:
                pass
            else:
                raise InputError(
                    f"images are grey or in colour, but {self.title} takes 0 and 1; make them so with dasbe.binarise, "
                    "or take a system that takes colour, such as competing_phases"
                ) from None
            raise

    def segment(
        self,
        images: np.ndarray,
        network: Network | None = None,
        *,
        settings: Any,
        n_objects: int | Sequence[int] | np.ndarray | None = None,
        seed: int = 0,
        indices: Sequence[int] | np.ndarray | None = None,
        device: torch.device | str = "cpu",
        progress: bool = False,
        spikes: bool = False,
        client: Any = None,
    ) -> Any:
        """Group the pixels of each image; arguments and result as of :func:`dasbe.segment`.

        Parameters
        ----------
        settings : named tuple
            :attr:`settings` with values, or :meth:`published`.
        """
        images = self.check_images(images)
        shape = (len(images), *images.shape[-2:])
        # where ink is not known yet, it may be anywhere
        ink = images if images.dtype == np.uint8 else np.broadcast_to(np.uint8(1), shape)
        if n_objects is not None:
            n_objects = checks.numbers_of_groups("n_objects", n_objects, len(images), ink[0].size, least=0)
        self.check_given(network, n_objects)
        n_objects = None if self.never_told else n_objects
        checks.instance("settings", settings, self.settings, f"{self.settings.__module__}.Settings(…)")
        indices, device = checks.stream_indices(indices, len(images)), checks.device(device)
        seed, progress = checks.seed(seed), checks.progress(progress)
        if checks.flag("spikes", spikes) and self.record is None:
            raise InputError(f"spikes is True, but {self.title} has no spikes to return; leave it out")

        most = CHUNK_PIXELS * torch.get_num_threads()
        if client is not None:
            most = min(most, int(np.count_nonzero(ink)) // (CHUNKS_PER_WORKER * n_threads(client)) + 1)
        chunks = [np.sort(chunk) for chunk in blocks_of(ink, 1, most)]
        compute: Callable = partial(_segment_chunk, self, network, seed=seed, device=device, spikes=spikes)
        tasks = (
            (images[i], None if n_objects is None else n_objects[i], _settings_of(settings, i, len(images)), indices[i])
            for i in chunks
        )
        results: Iterator = enumerate(map(compute, tasks))
        if client is not None:
            results = computed_on(client, partial(_by_one_thread, compute), list(tasks))
        labels, trains = np.empty(shape, np.int64), None
        with progress_bar(total=len(images), unit=" images", disable=not progress) as bar:
            for number, (found, recorded) in results:
                labels[chunks[number]] = found
                if recorded is not None:
                    trains = trains or _all_silent(images, recorded.values)
                    trains.values[chunks[number], ..., : recorded.values.shape[-1]] = recorded.values
                bar.update(len(found))
        return labels if trains is None else (labels, trains)


def code_hash(system: System) -> str | None:
    """SHA-256 of the compiled code of a system's functions and of all that they use; None for one of this package.

    Packages that are installed are not followed, nor what is imported while a function runs.
    """
    function = system.record or system.label
    digest = hashlib.sha256()
    seen: list[Any] = []

    def is_own(module: str) -> bool:
        top = module.partition(".")[0]
        file = getattr(sys.modules.get(module), "__file__", None) or ""
        return top not in ("dasbe", *sys.stdlib_module_names) and "site-packages" not in Path(file).parts

    def add(value: Any) -> None:
        value = getattr(value, "py_func", value)  # what Numba has compiled
        if isinstance(value, (bool, int, float, complex, str, bytes, type(None))):
            digest.update(repr(value).encode())
            return
        if any(value is other for other in seen):
            return
        seen.append(value)
        module = value.__name__ if isinstance(value, ModuleType) else getattr(value, "__module__", None)
        digest.update(type(value).__qualname__.encode())
        if isinstance(value, CodeType):
            add([value.co_code, value.co_names, value.co_consts])
        elif isinstance(value, (list, tuple)):
            for part in value:
                add(part)
        elif isinstance(value, (dict, set, frozenset)):
            add(sorted(value.items() if isinstance(value, dict) else value, key=repr))
        elif isinstance(value, np.ndarray):
            add([value.dtype.str, value.shape, value.tobytes()])
        elif isinstance(value, partial):
            add([value.func, value.args, value.keywords])
        elif isinstance(value, (MethodType, staticmethod, classmethod)):
            add([value.__func__, getattr(value, "__self__", None)])
        elif isinstance(value, property):
            add([value.fget, value.fset, value.fdel])
        elif not is_own(module or ""):
            add([module, getattr(value, "__qualname__", None)])
        elif isinstance(value, FunctionType):
            names = sorted(_names_in(value.__code__) & value.__globals__.keys())
            cells = [cell.cell_contents for cell in value.__closure__ or ()]
            add([value.__code__, value.__defaults__, value.__kwdefaults__, cells])
            add([(name, value.__globals__[name]) for name in names])
        else:  # a class, a module, or an object
            parts = getattr(value, "__dict__", {}).items()
            passed_over = "__" if isinstance(value, ModuleType) else ("__doc__", "__firstlineno__")
            add([type(value), {name: part for name, part in parts if not name.startswith(passed_over)}])

    while isinstance(function, partial):
        function = function.func
    if (getattr(function, "__module__", None) or "").partition(".")[0] == "dasbe":
        return None
    add([system.record, system.label, system.can_count, system.never_told])
    return digest.hexdigest()


def _names_in(code: CodeType) -> set[str]:
    """Names that `code` uses, and functions within it."""
    return {*code.co_names}.union(*(_names_in(part) for part in code.co_consts if isinstance(part, CodeType)))


def in_every_step(settings: Any, n_objects: int) -> int:
    """Number of evaluations of the network by a loop, for an image: one in each step of every cycle."""
    return settings.cycles * settings.delay


def _segment_chunk(
    system: System, network: Network | None, chunk: tuple, *, seed: int, device: torch.device, spikes: bool
) -> tuple[np.ndarray, ForegroundTrains | None]:
    """Labels of a chunk, images with what belongs to them, and, if wanted, the trains that they were read from."""
    images, n_objects, settings, indices = chunk
    streams: Any = {"seed": seed, "indices": indices, "device": device}
    if system.record is None:
        assert system.label is not None  # it is one or the other
        return system.label(images, network, n_objects, settings, **streams), None
    trains = system.record(images, network, settings, **streams)
    n_groups: Any = None if n_objects is None else n_objects + 1  # and one for the background
    return group(trains, n_groups, **streams), trains if spikes else None


def _by_one_thread(compute: Callable, chunk: tuple) -> Any:
    """`compute` on one thread: the workers of a cluster share the cores among themselves."""
    with one_thread():
        return compute(chunk)


def _settings_of(settings: Any, chunk: np.ndarray, n_images: int) -> Any:
    """`settings` for the images of a chunk: a setting with a value for each image (3 axes) is cut down to theirs."""
    own = {}
    for name, value in settings._asdict().items():
        if checks.n_axes(value) == 3:
            own[name] = checks.array(name, value, "an array (N, H, W)")
            if len(own[name]) != n_images:
                raise InputError(f"{name} has shape {own[name].shape}, but there are {n_images} images")
    return settings._replace(**{name: value[chunk] for name, value in own.items()})


def _all_silent(images: np.ndarray, recorded: np.ndarray) -> ForegroundTrains:
    """Silent trains of all images, of the shape and type of those `recorded` (M, n, d, F) of some."""
    _, cycles, steps, _ = recorded.shape
    widest = int(np.count_nonzero(images, axis=(1, 2)).max())
    n_bytes = len(images) * cycles * steps * widest * recorded.itemsize
    checks.memory(n_bytes, "spikes of all images", "leave spikes=True out, or take fewer images at a time")
    return ForegroundTrains.silent(images, cycles, steps, recorded.dtype)
