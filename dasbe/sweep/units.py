"""Work units: 100 images of one dataset, scored by one system with one seed.

The random numbers of a unit depend on nothing but its seed and the numbers of its
images, and it is always computed by one thread. So its scores are the same on any
number of workers, in any order, and after any number of interruptions.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache

import torch

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.files import load_network, weights_hash
from dasbe.datasets import load_dataset
from dasbe.errors import InputError
from dasbe.evaluation import range_scores, system_settings
from dasbe.parameters import IMAGES_TABLE
from dasbe.provenance import provenance
from dasbe.systems import system_of

UNIT_IMAGES = 100
SPLIT = "train_multi"


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
                settings = system_settings(system_of(system), dataset)._asdict()
                yield Unit(system, dataset, seed, start, stop, network, tuple(settings.items()))


@lru_cache
def network_hash(name: str | None) -> str | None:
    """SHA-256 of the weights of a network of ``tmp_net/``; None for a system without one."""
    return name and weights_hash(shipped_network(name, "cpu"))


@lru_cache
def shipped_network(name: str, device: str) -> Autoencoder:
    """The network called `name`, loaded once."""
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
    network = shipped_network(name, device) if name else None
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        started = time.perf_counter()
        where = (unit.dataset, SPLIT, unit.start, unit.stop)
        settings = system_settings(system, unit.dataset, **dict(unit.settings))
        scores = range_scores(system, network, *where, seed=unit.seed, device=device, settings=settings)
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
