"""Systems on the sets on which others have measured, and on our shapes in colour, beside baselines without a network.

Networks are trained here, on single objects of each set or on its scenes, but for sets of our
own shapes, which the shipped network knows. Nothing is chosen on the images that are scored.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("benchmarks")

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import nn

from dasbe.ann.weights import load_network, save_network, weights_hash
from dasbe.datasets import DATASETS, ensure_dataset, load_dataset
from dasbe.datasets.hdf5 import array_in
from dasbe.datasets.store import open_dataset
from dasbe.evaluation.sweep import Cell, announce, cells_of, sweep, tasks_on_images
from dasbe.evaluation.tables import aligned, cell, markdown, write_all
from dasbe.metrics import ami, ari, mbo, n_found
from dasbe.support import checks
from dasbe.support.commands import resumable
from dasbe.support.paths import displayed
from dasbe.support.published import SURPLUS_PHASES
from dasbe.systems import SYSTEMS, System
from dasbe.train.from_scenes import learn_from_scenes
from dasbe.train.own import train_network
from dasbe.train.recipes import Recipe, SceneRecipe

SPLIT, SEED = "test", 111
SIGMA = 0.1  # of the colours of all sets, settled on `validation`
TABLES = ("FG-ARI", "ARI", "number right")
RECIPE = Recipe(epochs=30, corruption=(0.3, 0.95), occlusion=0.5, half_precision=True)
SCENE_RECIPE = SceneRecipe(fewest_phases=2, rounds=6, half_precision=True)
SCENES = 10000  # from which a network learns
SCORES = ("FG-ARI", "ARI", "AMI", "mBO", "number right")
BASELINES = ("coordinates", "components", "colours", "colours_and_coordinates", "colour_components")
WITH_SINGLE, FROM_SCENES = "single objects", "scenes"


class Set(NamedTuple):
    """What is known of a set: its network and what pixels of the ground, and of an object, have in common.

    Attributes
    ----------
    network : str or None
        A shipped one, which is used in place of one trained on the set; or that of another set.
    ground, colour : str
        As of :class:`dasbe.systems.competing_phases.Settings`.
    place : float
        Weight of coordinates in k-means on colours and coordinates, the best of ¼, ½, 1, 2 and 4 on ``validation``.
    likeness : float
        Of components of like colour, the best of 0.05, 0.1, 0.2 and 0.4 on ``validation``.
    learns : bool
        Whether a network learns from its scenes as well.
    published : tuple of (system, score, its name, what the system is given besides pixels, source)
        What others have published on it.
    """

    network: str | None = None
    ground: str = "flat"
    colour: str = "flat"
    place: float = 1.0
    likeness: float = 0.1
    learns: bool = False
    published: tuple[tuple[str, float, str, str, str], ...] = ()


OF_BINARY: Any = {"ground": "none", "colour": "none"}
NUMBER = "number of objects"
SETS = {
    "tagger_shapes": Set(**OF_BINARY),
    "gust_2_shapes": Set("shapes", **OF_BINARY),
    "gust_3_shapes": Set("shapes", **OF_BINARY),
    "gust_4_shapes": Set("shapes", **OF_BINARY),
    "cae_2shapes": Set(**OF_BINARY),
    "cae_3shapes": Set(**OF_BINARY),
    "akorn_shapes": Set(
        learns=True,
        published=(
            ("Rotating Features", 74.4, "FG-ARI", NUMBER, "OrthoRF (Touska et al., ICLR 2026)"),
            ("OrthoRF", 83.3, "FG-ARI", NUMBER, "OrthoRF (Touska et al., ICLR 2026)"),
        ),
    ),
    "tetrominoes": Set(
        published=(
            ("AKOrN, convolution", 76.4, "FG-ARI", NUMBER, "AKOrN (Miyato et al., ICLR 2025)"),
            ("AKOrN, attention", 88.6, "FG-ARI", NUMBER, "AKOrN (Miyato et al., ICLR 2025)"),
            ("EfficientMORL", 99.7, "FG-ARI", "number of slots", "not looked up"),
        ),
    ),
    "sprites": Set(place=0.25, likeness=0.05),
    "sprites_shaded": Set("sprites", colour="plane", place=2.0),
    "shapes_own_colours": Set("shapes", place=0.25, likeness=0.05),
    "shapes_one_colour": Set("shapes"),
    "shapes_two_colours": Set("shapes", place=0.5, likeness=0.05),
    "shapes_shaded": Set("shapes", colour="plane", place=2.0),
    "shapes_on_colour": Set("shapes", place=0.25, likeness=0.05),
    "shapes_on_gradient": Set("shapes", ground="plane", place=0.25, likeness=0.05),
}


def benchmark_scores(images: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N, 5) float, `SCORES`: FG-ARI, ARI with the ground, AMI, mBO and whether the number of groups is right.

    `groups` (N, H, W) are −1 where nobody can tell whose a pixel is, and 0 for the ground, which
    is one more object of the ARI.
    """
    objects = np.maximum(groups, 0)
    scores = ari(objects, labels), ari(groups + 1, labels + 1), ami(objects, labels), mbo(objects, labels, groups != 0)
    return np.stack([*scores, n_found(labels) == n_found(objects)], axis=1)


def load_set(name: str, split: str, stop: int) -> tuple[np.ndarray, np.ndarray]:
    """Images of a set up to `stop`, and labels (N, H, W) int64, −1 where nobody can tell whose a pixel is."""
    ensure_dataset(name)
    images, groups = load_dataset(name, split, 0, stop)
    if DATASETS[name].form == "binary":
        ground = images == 0
    else:
        with open_dataset(name, None) as file:
            ground = array_in(file, f"{split}/ground")[:stop] == 1
    return images, np.where((groups == 0) & ~ground, -1, groups.astype(np.int64))


def phases_of(name: str) -> int:
    """Phases at first on a set, three more than an image can have objects."""
    return DATASETS[name].most_objects + SURPLUS_PHASES


def settings_on(name: str, system: System) -> Any:
    """Settings of a system on a set."""
    given = {"n_phases": phases_of(name), "sigma": SIGMA, **SETS[name]._asdict()}
    return system.settings(**{field: given[field] for field in system.settings._fields if field in given})


def network_of(name: str, trained_on: str, seed: int, folder: Path, device: str) -> nn.Module:
    """The network of a set, trained from `seed` if it is not there."""
    known = SETS[name]
    if trained_on == WITH_SINGLE and known.network is not None:
        if known.network not in SETS:
            return load_network(known.network, device)
        name = known.network
    path = folder / f"{name}_{trained_on.replace(' ', '_')}_{seed}.pt"
    if not path.is_file():
        checkpoint: Any = {"checkpoint": path.with_suffix(".checkpoint"), "device": device}
        print(f"{displayed(path)}: trained on {trained_on}")
        if trained_on == WITH_SINGLE:
            ensure_dataset(name)
            network: Any = train_network(load_dataset(name, "train_single")[0], RECIPE, seed=seed, **checkpoint)
        else:
            images, _ = load_set(name, "train_multi", SCENES)
            recipe = replace(SCENE_RECIPE, n_phases=phases_of(name), seed=seed)
            network = learn_from_scenes(images, recipe, **checkpoint)
        save_network(path, network)
        checkpoint["checkpoint"].unlink(missing_ok=True)
    return load_network(path, device)


def compare(
    *, sets: Sequence[str], images: int, seeds: Sequence[int], out: Path, workers: int = 1, device: str = "cpu"
) -> None:
    """Score baselines and systems on so many test images of each set, with networks trained from each seed."""
    checks.device(device, "--device")
    cells: dict[tuple[str, str, str, int], Cell] = {}
    with resumable():
        for name in sets:
            for trained_on, seed, systems in _runs(name, seeds):
                network = (
                    None if trained_on == "nothing" else network_of(name, trained_on, seed, out / "networks", device)
                )
                shown, groups = load_set(name, SPLIT, images)
                tasks = tasks_on_images(
                    [(SYSTEMS[system], settings_on(name, SYSTEMS[system])._asdict()) for system in systems],
                    shown if DATASETS[name].form == "binary" else checks.pictures(shown),
                    groups,
                    [SEED],
                    score=benchmark_scores,
                    network=network,
                    identity=None if network is None else weights_hash(network),
                    told="true",
                )
                results = sweep(
                    tasks,
                    store=out / "units" / name / trained_on.replace(" ", "_") / str(seed),
                    on_faults=announce,
                    workers=None if workers == 1 else workers,
                    device=device,
                    desc=f"{name}, {trained_on}",
                )
                for (system, _), of_system in cells_of(results).items():
                    cells[name, system, trained_on, seed] = of_system
    frame = frame_of(cells)
    tables = {score: table_of(frame, score) for score in TABLES}
    csv = frame.to_csv(index=False, float_format="%.3f", lineterminator="\n")
    page = "\n".join(map(markdown, (*tables.values(), published_scores())))
    texts = {"benchmarks.csv": csv, "benchmarks.md": page}
    for path in write_all(out, texts, {}):
        print(f"written: {displayed(path)}")
    print("\n" + aligned(tables["FG-ARI"]))


def _runs(name: str, seeds: Sequence[int]) -> Iterator[tuple[str, int, tuple[str, ...]]]:
    """(what the network is trained on, its seed, systems) of what is scored on a set."""
    in_colour = DATASETS[name].form == "colour"
    yield "nothing", 0, BASELINES if in_colour else BASELINES[:2]
    for seed in seeds if SETS[name].network != "shapes" else seeds[:1]:
        yield WITH_SINGLE, seed, ("competing_phases", "competing_phases_counting")
    for seed in seeds if SETS[name].learns else ():
        yield FROM_SCENES, seed, ("competing_phases_counting",)


def frame_of(cells: dict[tuple[str, str, str, int], Cell]) -> pd.DataFrame:
    """Mean scores in per cent, and seconds, a row for each set, system and network."""
    rows = []
    for (name, system, trained_on, seed), (scores, seconds, _) in cells.items():
        about = {"set": name, "system": system, "trained_on": trained_on, "seed": seed, "images": len(scores[0])}
        rows.append(about | dict(zip(SCORES, 100 * np.nanmean(scores[0], axis=0))) | {"seconds": seconds})
    return pd.DataFrame(rows)


def table_of(frame: pd.DataFrame, score: str) -> pd.DataFrame:
    """Means of a score by set and system, ± the deviation over networks where there are several, and what is published.

    `frame` is as of :func:`frame_of`.
    """
    table = pd.DataFrame(index=frame["set"].unique()).rename_axis(columns=f"{score} %")
    order = {name: place for place, name in enumerate(BASELINES)}
    ordered = frame.sort_values("system", key=lambda names: names.map(order).fillna(len(order)), kind="stable")
    for (system, trained_on), rows in ordered.groupby(["system", "trained_on"], sort=False):
        title = SYSTEMS[system].title + (f", from {FROM_SCENES}" if trained_on == FROM_SCENES else "")
        means = rows.groupby("set", sort=False)[score].agg(["mean", "std"])
        shown = {name: cell((mean, None if np.isnan(apart) else apart)) for name, mean, apart in means.itertuples()}
        table[title] = pd.Series(shown)
    published = {
        name: "; ".join(f"{by} {value:g}" for by, value, of, *_ in SETS[name].published if of == score)
        for name in table.index
    }
    return table.assign(published=pd.Series(published)).fillna("")


def published_scores() -> pd.DataFrame:
    """A row for each set and each score that others have published on it, with what they are given and the source."""
    rows = [(name, by, f"{value:g}", *about) for name, known in SETS.items() for by, value, *about in known.published]
    names = ["published %", "system", "value", "score", "given", "source"]
    return pd.DataFrame(rows, columns=names).set_index(names[0]).rename_axis(index=None, columns=names[0])
