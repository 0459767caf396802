"""Work units: 100 images of one dataset, scored by one system with one seed.

The random numbers of a unit depend on nothing but its seed and the numbers of its
images, and it is always computed by one thread. So its scores are the same on any
number of workers, in any order, and after any number of interruptions.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import numpy as np
import torch
from torch import nn

from dasbe.ann.files import load_network, weights_hash
from dasbe.datasets import load_dataset
from dasbe.errors import InputError
from dasbe.evaluation import group_by_dasbe, group_by_pure_ann, group_by_pure_snn, group_by_rc, range_scores
from dasbe.parameters import CYCLES_TABLE, IMAGES_TABLE, parameters_of
from dasbe.provenance import provenance

UNIT_IMAGES = 100
SPLIT = "train_multi"


@dataclass(frozen=True)
class System:
    """A column of Table 1.

    Attributes
    ----------
    title : str
        As readers see it.
    grouping : callable
        One of the `group_by_…` functions of :mod:`dasbe.evaluation`.
    network : str or None
        Name of its network, with ``{dataset}`` in the place of the dataset's name.
    """

    title: str
    grouping: Callable[..., np.ndarray]
    network: str | None

    def network_name(self, dataset: str) -> str | None:
        """Name of the network that this system uses on `dataset`."""
        return self.network and self.network.format(dataset=dataset)


SYSTEMS = {
    "dasbe": System("DASBE", group_by_dasbe, "{dataset}"),
    "pure_ann": System("pure-ANN", group_by_pure_ann, "{dataset}"),
    "pure_snn": System("pure-SNN", group_by_pure_snn, None),
    "rc": System("RC, DASBE's networks", group_by_rc, "{dataset}"),
    "rc_own": System("RC, its own networks", group_by_rc, "rc_{dataset}"),
}


def system_of(name: str) -> System:
    """The system called `name`; InputError if there is none."""
    if name not in SYSTEMS:
        raise InputError(f"system '{name}' is unknown; choose some of {', '.join(SYSTEMS)}")
    return SYSTEMS[name]


@dataclass(frozen=True)
class Unit:
    """What a unit is; a unit with another identity is another result.

    Attributes
    ----------
    system, dataset : str
    seed : int
    start, stop : int
        Half-open range of images of ``train_multi``.
    network : str or None
        SHA-256 of the weights.
    settings : tuple of (name, value)
        Cycles, delay, refractory time, …: all that the scores depend on.
    """

    system: str
    dataset: str
    seed: int
    start: int
    stop: int
    network: str | None
    settings: tuple[tuple[str, float], ...]

    def identity(self) -> dict:
        """All fields, as they come back from JSON."""
        return {**asdict(self), "settings": dict(self.settings)}

    def __str__(self) -> str:
        return f"{self.system} on {self.dataset}, seed {self.seed}, images {self.start} to {self.stop}"


def make_units(
    datasets: Sequence[str], systems: Sequence[str], seeds: Sequence[int], n_images: int = IMAGES_TABLE
) -> Iterator[Unit]:
    """All units of a table, ordered so that all cells grow together and an estimate of the time is right early on."""
    hashes = {(d, s): network_hash(system_of(s).network_name(d)) for d in datasets for s in systems}
    for start in range(0, n_images, UNIT_IMAGES):
        for seed in seeds:
            for (dataset, system), network in hashes.items():
                stop = min(start + UNIT_IMAGES, n_images)
                yield Unit(system, dataset, seed, start, stop, network, _settings(system, dataset))


def _settings(system: str, dataset: str) -> tuple[tuple[str, float], ...]:
    parameters = parameters_of(dataset)
    if system == "pure_snn":
        return tuple(parameters.pulse_coupled._asdict().items())
    if system in ("rc", "rc_own"):
        return (("objects", parameters.objects),)
    loop = (("cycles", CYCLES_TABLE), ("delay", parameters.delay))
    return loop + ((("refractory", parameters.refractory),) if system == "dasbe" else ())


@lru_cache
def network_hash(name: str | None) -> str | None:
    """SHA-256 of the weights of a network of ``tmp_net/``; None for a system without one."""
    return name and weights_hash(_network(name, "cpu"))


@lru_cache
def _network(name: str, device: str) -> nn.Module:
    return load_network(name, device)


def score_unit(unit: Unit, device: str = "cpu") -> dict:
    """Scores of a unit, with how they were made: what :class:`dasbe.sweep.store.Store` keeps.

    Raises
    ------
    InputError
        The network here is not the one of the unit, or dataset or network are missing.
    """
    system = system_of(unit.system)
    name = system.network_name(unit.dataset)
    if network_hash(name) != unit.network:
        raise InputError(f"network '{name}' here is not the network that the sweep was begun with; copy that one here")
    network = name and _network(name, device)
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        started = time.perf_counter()
        where = (unit.dataset, SPLIT, unit.start, unit.stop)
        scores = range_scores(system.grouping, network, *where, seed=unit.seed, device=device)
        seconds = time.perf_counter() - started
    finally:
        torch.set_num_threads(n_threads)
    made = {**provenance(device=device), "seconds": round(seconds, 3)}
    return {"identity": unit.identity(), "scores": scores.tolist(), "made": made}


def check_datasets(datasets: Sequence[str], n_images: int) -> None:
    """InputError unless every dataset has `n_images` images to score."""
    for dataset in datasets:
        if n_images < 1:
            raise InputError(f"--images is {n_images}; it must be at least 1")
        load_dataset(dataset, SPLIT, n_images - 1, n_images)
