"""Where binding breaks: more objects, a wrong number told, clutter, overlap; all systems on the same images.

Networks are those that come with the repository, for all conditions. What is scored are
always the pixels with ink that belong to exactly one object: neither overlaps, nor pixels
that clutter has switched on or off.
"""

import argparse
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
from tqdm import tqdm

from dasbe.ann.files import load_network
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.datasets.variations import cluttered, overlap, scenes_of
from dasbe.evaluation.evaluate import evaluate
from dasbe.evaluation.segment import system_settings
from dasbe.support.published import SURPLUS_PHASES
from dasbe.support.storage import Arrays
from dasbe.systems import SYSTEMS, System

SPLIT, POOL = "test", 5000  # images that neither Table 1 nor any choice of ours has used
NUMBERS = range(1, 9)  # of objects
NUMBERS_TOLD = (2, 3, 5, 12)  # as in Greff, Srivastava, Schmidhuber 2015
SWITCHED = (0.0, 0.01, 0.02, 0.05, 0.1)  # parts of all pixels
OVERLAPS = (0.0, 0.05, 0.1, 0.15, 0.2, 1.0)  # shares of the ink: none, up to 5 %, …, above 20 %


class Point(NamedTuple):
    """Images of one value of a condition.

    Attributes
    ----------
    condition : str
        ``objects``, ``told``, ``clutter`` or ``overlap``.
    x : float
        The value.
    images, groups : (N, H, W) uint8
    told : int
        Number of objects that the systems are told, all but those that are never told.
    n_phases : int
        Competing phases to begin with.
    """

    condition: str
    x: float
    images: np.ndarray
    groups: np.ndarray
    told: int
    n_phases: int


def compute(options: argparse.Namespace) -> Arrays:
    """Scores of all systems in all conditions.

    Returns
    -------
    dict of str of array
        ``systems``, ``titles`` and ``counts`` (S,), ``datasets`` and ``n_objects`` (D,); of
        each dataset and condition ``DATASET/CONDITION/x`` (L,), ``…/overlap`` (L, N), the
        share of the ink that is not scored, and with the systems first, ``…/ami`` and
        ``…/found`` (S, L, N); NaN where there are fewer than N images.
    """
    systems = [SYSTEMS[name] for name in options.systems]
    names = {system.network_name(dataset) for system in systems for dataset in options.datasets}
    networks = {name: name and load_network(name, options.device) for name in names}
    for dataset in options.datasets:
        ensure_dataset(dataset)
    arrays = {
        "systems": np.array(options.systems),
        "titles": np.array([system.title for system in systems]),
        "counts": np.array([system.never_told for system in systems]),
        "datasets": np.array(options.datasets),
        "n_objects": np.array([settings_of(dataset).objects for dataset in options.datasets]),
    }
    for dataset in options.datasets:
        points = [*points_of(dataset, options.images, options.seed)]
        scores: dict[tuple[str, str], list] = {}
        for point in tqdm(points, desc=dataset, unit=" points"):
            scores.setdefault((point.condition, "x"), []).append(point.x)
            scores.setdefault((point.condition, "overlap"), []).append(overlap(point.images, point.groups))
            for system in systems:
                network = networks[system.network_name(dataset)]
                for name, values in _scores(system, dataset, network, point, options).items():
                    scores.setdefault((point.condition, name), []).append(values)
        for (condition, name), parts in scores.items():
            whole = np.array(parts) if name == "x" else _padded(parts, options.images)
            if name in ("ami", "found"):
                whole = whole.reshape(-1, len(systems), options.images).swapaxes(0, 1)
            arrays[f"{dataset}/{condition}/{name}"] = whole
    return arrays


def points_of(dataset: str, n_images: int, seed: int) -> Iterator[Point]:
    """All points of a dataset, of at most `n_images` each, condition by condition."""
    objects, n_phases = settings_of(dataset).objects, settings_of(dataset).n_phases
    for k in NUMBERS:
        yield Point("objects", k, *scenes_of(dataset, k, n_images, seed), k, max(NUMBERS) + SURPLUS_PHASES)
    all_images, all_groups = (part[:POOL] for part in load_dataset(dataset, SPLIT))
    images, groups = all_images[:n_images], all_groups[:n_images]
    for k in NUMBERS_TOLD:
        yield Point("told", k, images, groups, k, k + SURPLUS_PHASES)
    for part in SWITCHED:
        yield Point("clutter", part, *cluttered(images, groups, part, seed), objects, n_phases)
    share = overlap(all_images, all_groups)
    bins = np.digitize(share, OVERLAPS, right=True)  # 0 = none
    for number in range(len(OVERLAPS)):
        chosen = np.flatnonzero(bins == number)[:n_images]
        if len(chosen):
            inside = all_images[chosen], all_groups[chosen]
            yield Point("overlap", share[chosen].mean(), *inside, objects, n_phases)


def _scores(system: System, dataset: str, network: Any, point: Point, options: argparse.Namespace) -> Arrays:
    """AMI and number of groups found, (images,) each, kept in a store."""
    place, n_phases = f"{point.x:.4g}", point.n_phases
    if system.never_told and point.condition == "told":  # the same for all numbers told
        place, n_phases = "nothing", settings_of(dataset).n_phases
    changes = {"n_phases": n_phases, "objects": None}  # RC does what it is told of these images
    own = {name: value for name, value in changes.items() if name in system.settings._fields}
    evaluation = evaluate(
        point.images,
        point.groups,
        network,
        system,
        seeds=options.seed,
        settings=system_settings(system, dataset, **own),
        n_objects=None if system.never_told else point.told,
        device=options.device,
        store=options.out / "units" / dataset / point.condition / place,
    )
    return {name: evaluation.scores[system.name][name][0] for name in ("ami", "found")}


def _padded(parts: list[np.ndarray], length: int) -> np.ndarray:
    """(parts, length) float32, NaN beyond the end of a part."""
    whole = np.full((len(parts), length), np.nan, np.float32)
    for row, part in zip(whole, parts):
        row[: len(part)] = part
    return whole
