"""Sweeps: systems scored on many images, unit by unit, by any number of workers, and stored as the scores come.

The random numbers of a unit depend on nothing but its seed and the numbers of its
images. So its scores are the same on any number of workers, in any order, and after any
number of interruptions.
"""

import hashlib
import os
import pickle
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, nullcontext
from dataclasses import asdict, dataclass, replace
from functools import lru_cache, partial
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.network import Network, answers, same_answers
from dasbe.ann.weights import load_network, weights_hash
from dasbe.datasets import load_dataset
from dasbe.engine.parallel import one_thread
from dasbe.evaluation.segment import Score, amis_of, numbers_of_objects, system_settings
from dasbe.support import PROCEDURE
from dasbe.support.errors import FileContentError, InputError, in_short
from dasbe.support.paths import displayed
from dasbe.support.progress import progress_bar
from dasbe.support.published import HELD_OUT_IMAGES, HELD_OUT_SEED, HELD_OUT_SPLIT, HELD_OUT_START
from dasbe.support.storage import load_record, one_at_a_time, provenance, save_record
from dasbe.support.workers import computed_on, end_with_parent, interrupts_are_ours
from dasbe.systems import System
from dasbe.systems.base import code_hash

UNIT_IMAGES = 500  # enough for all cores at once
SPLIT = "train_multi"  # of Table 1
SETTINGS_OF_LATER: dict[str, Any] = {"ground": None, "colour": None, "sigma": 0.2, "noise": 0.0}
"""Settings that results of earlier versions lack, with the values at which nothing has changed."""


@dataclass(frozen=True)
class Unit:
    """Some images scored by one system with one seed: all that the scores depend on.

    Attributes
    ----------
    system, dataset : str
        Names; images that belong to no dataset of ours are of the dataset ``"own"``.
    seed : int
    start, stop : int
        Half-open range of images.
    network : str or None
        SHA-256 of the weights.
    settings : tuple of (name, value)
        Cycles, delay, refractory time, …
    split : str
        Part of the dataset.
    data : str or None
        SHA-256 of images and groups that belong to no dataset of ours.
    told : "true", int or None
        How many objects the system is told each image has: the true number, this one, or nothing.
    answers : tuple of float
        Of a network that is not named, :func:`dasbe.ann.network.answers`; weights do not tell what is done with them.
    code : str or None
        :func:`dasbe.systems.base.code_hash` of a system that is not of this package.
    """

    system: str
    dataset: str
    seed: int
    start: int
    stop: int
    network: str | None
    settings: tuple[tuple[str, Any], ...]
    split: str = SPLIT
    data: str | None = None
    told: str | int | None = "true"
    answers: tuple[float, ...] = ()
    code: str | None = None

    def identity(self) -> dict:
        """What the store compares, as it comes back from JSON."""
        fields = asdict(self) | {"settings": dict(self.settings), "answers": list(self.answers)}
        fields |= {"procedure": PROCEDURE} if PROCEDURE > 1 else {}
        for name in ("answers", "code"):
            if not fields[name]:
                del fields[name]
        if self.data is not None:
            del fields["split"]
            return fields
        del fields["data"], fields["told"]  # of a dataset, the true number is told
        if self.split == SPLIT:
            del fields["split"]  # of Table 1, whose stores have none
        return fields

    @property
    def place(self) -> Path:
        """Path of its file within a store."""
        name = f"{self.start:05d}-{self.stop:05d}.json"
        return Path(self.system) / self.dataset / str(self.seed) / name

    def __len__(self) -> int:
        return self.stop - self.start

    def __str__(self) -> str:
        return f"{self.system} on {self.dataset}, seed {self.seed}, images {self.start} to {self.stop}"


class Task(NamedTuple):
    """A unit, and what it takes to score it; what is named only is read where the task is computed."""

    unit: Unit
    system: System
    network: Network | str | None  # or the name of a shipped one
    images: np.ndarray | None  # (n, H, W); None: those of the unit's dataset
    groups: np.ndarray | None
    score: Score

    def of_first_image(self) -> "Task":
        """The same for the first image alone."""
        first = self._replace(unit=replace(self.unit, stop=self.unit.start + 1))
        if self.images is None or self.groups is None:
            return first
        return first._replace(images=self.images[:1], groups=self.groups[:1])

    def computed(self, device: str = "cpu") -> dict:
        """Scores of the unit, with how they were made: what a store keeps.

        InputError if the network here is not that of the unit, or dataset or network are missing.
        """
        started = time.perf_counter()
        unit, network, images, groups = self.unit, self.network, self.images, self.groups
        if isinstance(network, str):
            if network_hash(network) != unit.network:
                raise InputError(
                    f"network '{network}' here is not the network that the sweep was begun with; copy that one here"
                )
            network = shipped_network(network, device)
        if images is None or groups is None:
            images, groups = load_dataset(unit.dataset, unit.split, unit.start, unit.stop)
        labels = self.system.segment(
            images,
            network,
            settings=self.system.settings(**dict(unit.settings)),
            n_objects=numbers_of_objects(groups) if isinstance(unit.told, str) else unit.told,
            seed=unit.seed,
            indices=range(unit.start, unit.stop),
            device=device,
        )
        scores = self.score(images, groups, labels)
        made = {**provenance(device=device), "seconds": round(time.perf_counter() - started, 3)}
        return {"identity": unit.identity(), "scores": scores.tolist(), "made": made}


def tasks_on_dataset(
    systems: Iterable[tuple[System, Any]],
    dataset: str,
    seeds: Sequence[int],
    start: int,
    stop: int,
    *,
    score: Score,
    split: str = SPLIT,
    network: nn.Module | None = None,
    size: int = UNIT_IMAGES,
) -> Iterator[Task]:
    """Tasks on images of a dataset: by each system with its settings, with its shipped network or another one.

    They are ordered so that all systems and seeds grow together, and an estimate of the time is right early on.
    """
    chosen = []
    for system, settings in systems:
        of_system: Any = system.network_name(dataset) if network is None else network
        identity = of_system and (network_hash(of_system) if isinstance(of_system, str) else weights_hash(of_system))
        chosen.append((system, of_system, identity, tuple(settings._asdict().items()), code_hash(system)))
    for first in range(start, stop, size):
        for seed in seeds:
            for system, of_system, identity, own, code in chosen:
                last = min(first + size, stop)
                unit = Unit(system.name, dataset, seed, first, last, identity, own, split, code=code)
                yield Task(unit, system, of_system, None, None, score)


def tasks_on_images(
    systems: Iterable[tuple[System, dict[str, Any]]],
    images: np.ndarray,
    groups: np.ndarray,
    seeds: Sequence[int],
    *,
    score: Score,
    network: Network | None,
    identity: str | None,
    told: str | int | None,
) -> Iterator[Task]:
    """Tasks on `images` and `groups` (N, H, W), by each system with its settings, ordered as on datasets.

    Images may be (N, 3, H, W) in colour. `identity` is the SHA-256 of the `network`; `told` is as in :class:`Unit`.
    """
    coded = [(system, settings, code_hash(system)) for system, settings in systems]
    for start in range(0, len(images), UNIT_IMAGES):
        part = images[start : start + UNIT_IMAGES], groups[start : start + UNIT_IMAGES]
        digest = hashlib.sha256(str(part[0].shape).encode())
        for array in part:
            digest.update(np.ascontiguousarray(array).data)
        unit = Unit("", "own", 0, start, start + len(part[0]), None, (), data=digest.hexdigest(), told=told)
        asked = part[0] if part[0].ndim == 3 else part[0].max(1)
        answered = () if network is None or identity is None else answers(network, asked)
        for seed in seeds:
            for system, settings, code in coded:
                own: Any = {"system": system.name, "seed": seed, "settings": tuple(settings.items()), "code": code}
                of_network: Any = {"network": identity, "answers": answered} if system.network else {}
                yield Task(replace(unit, **own, **of_network), system, network if of_network else None, *part, score)


@lru_cache
def network_hash(name: str) -> str:
    """SHA-256 of the weights of a network of ``tmp_net/``."""
    return weights_hash(shipped_network(name, "cpu"))


@lru_cache
def shipped_network(name: str, device: str) -> Autoencoder:
    """The network called `name`, loaded once."""
    return load_network(name, device)


def sweep(
    tasks: Iterable[Task],
    *,
    store: Path | None = None,
    on_faults: Callable[[list[str]], None] = lambda faults: None,
    workers: int | None = None,
    scheduler: str | None = None,
    device: str = "cpu",
    warm_up: bool = False,
    **bar: Any,
) -> dict[Unit, dict]:
    """Compute the tasks that the store does not have, and store each as it is done.

    Parameters
    ----------
    tasks : iterable of Task
    store : Path, optional
        Folder of the results, one file a unit; while it is in use, others wait.
    on_faults : callable
        Called with one line about each file of the store that cannot be used, before its unit is computed again.
    workers : int, optional
        Processes on this machine, of one thread each; by default, all threads of this process.
    scheduler : str, optional
        Address of a Dask scheduler, in place of local processes.
    device : str
    warm_up : bool
        Whether one image of each task is computed first, so that no time has in it what is compiled or imported once.
    **bar
        Options of the progress bar, which counts images.

    Returns
    -------
    dict
        The result of each unit, in the order of the tasks: ``scores``, ``made`` and ``identity``.
    """
    task_of = {task.unit: task for task in tasks}
    results: dict[Unit, dict] = {}
    with one_at_a_time(store) if store else nullcontext():
        if store:
            found = {unit: stored(store, unit) for unit in task_of}
            results = {unit: result for unit, (result, _) in found.items() if result is not None}
            if faults := [fault for _, fault in found.values() if fault]:
                on_faults(faults)
            if results:
                tqdm.write(_taken(store, results, task_of), file=sys.stderr)
        pending = [task for unit, task in task_of.items() if unit not in results]
        for task in pending if warm_up else ():
            task.of_first_image().computed(device)
        with (
            progress_bar(
                total=sum(map(len, task_of)), initial=sum(map(len, results)), unit=" images", **bar
            ) as progress,
            closing(_computed(pending, workers, scheduler, device)) as computed,  # workers end with it
        ):
            for task, result in computed:
                if store:
                    save_record(store / task.unit.place, result)
                results[task.unit] = result
                progress.update(len(task.unit))
    return {unit: results[unit] for unit in task_of}


def _taken(store: Path, results: dict[Unit, dict], units: Iterable[Unit]) -> str:
    """What is taken from a store, in a line."""
    versions = sorted({str(result["made"]["versions"]["dasbe"]) for result in results.values()})
    n_taken, n_images = sum(map(len, results)), sum(map(len, units))
    return f"{n_taken} of {n_images} images are in {displayed(store)} already (dasbe {', '.join(versions)})"


class Cell(NamedTuple):
    """All results of one system on one dataset."""

    scores: np.ndarray  # (seeds, images, …) float
    seconds: float  # that all of them took
    network: str | None  # SHA-256 of the weights


def cells_of(results: dict[Unit, dict]) -> dict[tuple[str, str], Cell]:
    """Results of :func:`sweep` by (system, dataset); every seed has the same images."""
    scores: dict[tuple[str, str], dict[int, list]] = {}
    seconds: dict[tuple[str, str], float] = {}
    networks = {(unit.system, unit.dataset): unit.network for unit in results}
    for unit, result in results.items():  # those of a seed are in the order of their images
        cell = unit.system, unit.dataset
        scores.setdefault(cell, {}).setdefault(unit.seed, []).extend(result["scores"])
        seconds[cell] = round(seconds.get(cell, 0) + result["made"]["seconds"], 3)
    return {
        cell: Cell(np.array([*of_seeds.values()], float), seconds[cell], networks[cell])
        for cell, of_seeds in scores.items()
    }


def scores_on_dataset(
    systems: Sequence[System],
    network: nn.Module | None,
    dataset: str,
    start: int,
    stop: int,
    *,
    seed: int,
    score: Score,
    split: str = SPLIT,
    device: torch.device | str = "cpu",
    **changes: Any,
) -> dict[str, np.ndarray]:
    """Scores (N, …) of images `start` to `stop` of a dataset by each system, with some changes of its settings."""
    grouped = [(system, system_settings(system, dataset, **changes)) for system in systems]
    tasks = tasks_on_dataset(grouped, dataset, [seed], start, stop, score=score, split=split, network=network)
    cells = cells_of(sweep(tasks, device=str(device), leave=False))
    return {name: cell.scores[0] for (name, _), cell in cells.items()}


def held_out_scores(
    systems: Sequence[System],
    network: nn.Module,
    dataset: str,
    n_images: int = HELD_OUT_IMAGES,
    seed: int = HELD_OUT_SEED,
    device: torch.device | str = "cpu",
) -> dict[str, np.ndarray]:
    """AMI (n_images, 2), :func:`~dasbe.evaluation.segment.amis_of`, of the images that networks are judged by."""
    where = (dataset, HELD_OUT_START, HELD_OUT_START + n_images)
    return scores_on_dataset(systems, network, *where, seed=seed, score=amis_of, split=HELD_OUT_SPLIT, device=device)


def announce(faults: list[str]) -> None:
    """What commands say of files of a store that cannot be used."""
    for fault in faults:
        tqdm.write(f"{fault}: computed again")


def stored(store: Path, unit: Unit) -> tuple[dict | None, str | None]:
    """The sound result that `store` has of `unit`, or None; and what is wrong with a file that cannot be used."""
    path = store / unit.place
    if not path.exists():
        return None, None
    try:
        result = load_record(path)
        identity, n_scores = result["identity"], len(result["scores"])
    except (FileContentError, KeyError, TypeError):
        return None, f"{displayed(path)} is damaged"
    if n_scores != len(unit):
        return None, f"{displayed(path)} is damaged"
    if differences := _differences(identity, unit.identity()):
        return None, f"{displayed(path)} was made with {differences}"
    return result, None


def _differences(found: dict, wanted: dict) -> str:
    """What differs between two identities, in words; empty if nothing does."""
    if isinstance(settings := found.get("settings"), dict):
        usual = {name: SETTINGS_OF_LATER[name] for name in SETTINGS_OF_LATER.keys() & wanted["settings"].keys()}
        found = found | {"settings": usual | settings}
    fields = sorted(key for key in {*found, *wanted} if found.get(key) != wanted.get(key))
    if not fields or (fields == ["answers"] and same_answers(found.get("answers", ()), wanted["answers"])):
        return ""
    if fields == ["answers"]:
        of_weights = "the same weights that computes something else" if "answers" in found else "unknown answers"
        return f"a network of {of_weights}"
    if fields == ["code"]:
        return "other code of this system"
    if {*fields} <= {"answers", "network"}:
        return f"another network ({str(found['network'])[:8]}…, not {str(wanted['network'])[:8]}…)"
    others = [key for key in fields if key != "answers"]  # which differ with the images, and with the network
    return "; ".join(f"{key} {_in_short(found.get(key))}, not {_in_short(wanted.get(key))}" for key in others)


def _in_short(value: object) -> object:
    return f"{value[:8]}…" if isinstance(value, str) and len(value) == 64 else value  # a SHA-256


Computed = Generator[tuple[Task, dict], None, None]


def _computed(tasks: Sequence[Task], workers: int | None, scheduler: str | None, device: str) -> Computed:
    """Tasks and their results, as they come."""
    if scheduler and tasks:
        yield from _on_dask(tasks, scheduler, device)
    elif workers and tasks:
        yield from _in_processes(tasks, workers, device)
    else:
        yield from ((task, task.computed(device)) for task in tasks)


def _computed_by_one_thread(task: Task, device: str) -> dict:
    """The result of a task, by a worker that shares its machine with others."""
    with one_thread():
        return task.computed(device)


def _in_processes(tasks: Sequence[Task], workers: int, device: str) -> Computed:
    program = sys.modules["__main__"]
    if program.__spec__ is None and not os.path.exists(getattr(program, "__file__", None) or os.curdir):
        raise InputError(f"workers read the program anew, and {program.__file__} is no file; make it one, or workers=1")
    try:
        packed = pickle.dumps([(task.system, task.network, task.score) for task in tasks])
    except Exception as error:  # pickling fails in many ways
        raise InputError(f"network or system cannot be sent to workers ({in_short(error)}); use workers=1") from None
    pool = ProcessPoolExecutor(min(workers, len(tasks)), get_context("spawn"), initializer=end_with_parent)
    others, futures = set(active_children()), {}
    try:
        with interrupts_are_ours():
            trial = pool.submit(pickle.loads, packed)
        if (lacking := trial.exception()) is not None and not isinstance(lacking, BrokenProcessPool):
            raise InputError(
                f"network or system cannot be made by workers ({in_short(lacking)}); put what a notebook or the "
                "running program defines into a file that is imported, or use workers=1"
            )
        with interrupts_are_ours():
            futures = {pool.submit(_computed_by_one_thread, task, device): task for task in tasks}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process died, for want of memory, or because a script does not begin with if __name__ == "
            "'__main__': run the same again, with fewer workers if it happens again; what is stored is kept"
        ) from None
    finally:
        if futures:  # after Ctrl-C, workers would finish their units first
            for worker in set(active_children()) - others:
                worker.terminate()
        pool.shutdown(cancel_futures=True)


def _on_dask(tasks: Sequence[Task], scheduler: str, device: str) -> Computed:
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler needs dask.distributed; install it with: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TypeError) as error:  # TypeError: of tls:// without certificates
        raise InputError(
            f"--scheduler '{scheduler}' does not answer ({in_short(error)}); start it with: dask scheduler"
        ) from None
    lost = f"--scheduler '{scheduler}' was lost; what is done is stored: start it again, and run the same command again"
    with client:
        for number, result in computed_on(client, partial(_computed_by_one_thread, device=device), tasks, lost):
            yield tasks[number], result
