"""Work units: some images of one dataset, or of a user's own, scored by one system with one seed.

The random numbers of a unit depend on nothing but its seed and the numbers of its
images. So its scores are the same on any number of workers, in any order, and after any
number of interruptions.
"""

import hashlib
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, fields
from functools import lru_cache

import numpy as np

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.files import load_network, weights_hash
from dasbe.ann.network import Network
from dasbe.datasets import load_dataset
from dasbe.engine.parallel import one_thread
from dasbe.evaluation.segment import numbers_of_objects, range_scores, scores_of, system_settings
from dasbe.support.errors import InputError
from dasbe.support.provenance import provenance
from dasbe.support.published import IMAGES_TABLE
from dasbe.systems import System, system_of

UNIT_IMAGES = 100
OWN_UNIT_IMAGES = 500  # enough for all cores at once
SPLIT = "train_multi"


@dataclass(frozen=True)
class Unit:
    """What a unit of Table 1 is; a unit with another identity is another result.

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
        """What the scores depend on, as it comes back from JSON."""
        return {f.name: getattr(self, f.name) for f in fields(self) if f.compare} | {"settings": dict(self.settings)}

    def scores(self, device: str) -> np.ndarray:
        """AMI (images,), with the shipped network.

        Raises
        ------
        InputError
            The network here is not the one of the unit, or dataset or network are missing.
        """
        system = system_of(self.system)
        name = system.network_name(self.dataset)
        if network_hash(name) != self.network:
            raise InputError(
                f"network '{name}' here is not the network that the sweep was begun with; copy that one here"
            )
        network = shipped_network(name, device) if name else None
        where = (self.dataset, SPLIT, self.start, self.stop)
        settings = system_settings(system, self.dataset, **dict(self.settings))
        return range_scores(system, network, *where, seed=self.seed, device=device, settings=settings)

    def __str__(self) -> str:
        return f"{self.system} on {self.dataset}, seed {self.seed}, images {self.start} to {self.stop}"


@dataclass(frozen=True)
class OwnUnit(Unit):
    """A unit over images that are no dataset of ours, which it carries along.

    Attributes
    ----------
    data : str
        SHA-256 of its images and groups.
    told : "true", int or None
        How many objects the system is told that an image has: the true number, this one, or nothing.
    grouper : System
    model : nn.Module, callable or None
        The network.
    images, groups : (n, H, W) array
    """

    data: str
    told: str | int | None
    grouper: System = field(compare=False, repr=False)
    model: Network | None = field(compare=False, repr=False)
    images: np.ndarray = field(compare=False, repr=False)
    groups: np.ndarray = field(compare=False, repr=False)

    def scores(self, device: str) -> np.ndarray:
        """All scores (images, 4), :func:`dasbe.evaluation.segment.scores_of`."""
        labels = self.grouper.segment(
            self.images,
            self.model,
            settings=self.grouper.settings(**dict(self.settings)),
            n_objects=numbers_of_objects(self.groups) if isinstance(self.told, str) else self.told,
            seed=self.seed,
            indices=range(self.start, self.stop),
            device=device,
        )
        return scores_of(self.images, self.groups, labels)


def make_own_units(
    images: np.ndarray,
    groups: np.ndarray,
    network: Network | None,
    network_identity: str | None,
    systems: Sequence[tuple[System, dict]],
    seeds: Sequence[int],
    told: str | int | None,
) -> Iterator[OwnUnit]:
    """Units over `images` and `groups` (N, H, W) for `systems` with their settings, ordered as :func:`make_units`."""
    for start in range(0, len(images), OWN_UNIT_IMAGES):
        part = images[start : start + OWN_UNIT_IMAGES], groups[start : start + OWN_UNIT_IMAGES]
        digest = hashlib.sha256(str(part[0].shape).encode())
        for array in part:
            digest.update(np.ascontiguousarray(array).data)
        for seed in seeds:
            for system, settings in systems:
                own = (network_identity, network) if system.network else (None, None)
                stop = start + len(part[0])
                yield OwnUnit(
                    system=system.name,
                    dataset="own",
                    seed=seed,
                    start=start,
                    stop=stop,
                    network=own[0],
                    settings=tuple(settings.items()),
                    data=digest.hexdigest(),
                    told=told,
                    grouper=system,
                    model=own[1],
                    images=part[0],
                    groups=part[1],
                )


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
    """Scores of a unit, with how they were made: what :class:`dasbe.evaluation.sweep_store.Store` keeps."""
    started = time.perf_counter()
    scores = unit.scores(device)
    made = {**provenance(device=device), "seconds": round(time.perf_counter() - started, 3)}
    return {"identity": unit.identity(), "scores": scores.tolist(), "made": made}


def score_unit_by_one_thread(unit: Unit, device: str = "cpu") -> dict:
    """:func:`score_unit` by a worker that shares its machine with others."""
    with one_thread():
        return score_unit(unit, device)


def check_datasets(datasets: Sequence[str], n_images: int) -> None:
    """InputError unless every dataset has `n_images` images to score."""
    for dataset in datasets:
        if n_images < 1:
            raise InputError(f"--images is {n_images}; it must be at least 1")
        load_dataset(dataset, SPLIT, n_images - 1, n_images)
