"""Where binding breaks: more objects, a wrong number told, clutter, overlap; all systems on the same images.

Networks are those that come with the repository, for all conditions. What is scored are
always the pixels with ink that belong to exactly one object: neither overlaps, nor pixels
that clutter has switched on or off.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("generalisation")

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from dasbe.ann.weights import load_network
from dasbe.datasets import ensure_datasets, load_dataset, settings_of
from dasbe.datasets.variations import cluttered, overlap, scenes_of
from dasbe.evaluation.scores import evaluate
from dasbe.evaluation.segment import system_settings
from dasbe.plotting.distributions import curve_with_band
from dasbe.plotting.style import OTHERS, PRINT_WIDTH, Axes, Figure, colour_of, in_print, new_figure, save_figure
from dasbe.support import checks
from dasbe.support.commands import resumable, typed
from dasbe.support.paths import displayed
from dasbe.support.progress import progress_bar
from dasbe.support.published import SURPLUS_PHASES
from dasbe.support.storage import Arrays, load_arrays, provenance, save_arrays
from dasbe.systems import SYSTEMS, System

SPLIT, POOL = "test", 5000  # images that neither Table 1 nor any choice of ours has used
NUMBERS = range(1, 9)  # of objects
NUMBERS_TOLD = (2, 3, 5, 12)  # as in Greff, Srivastava, Schmidhuber 2015
SWITCHED = (0.0, 0.01, 0.02, 0.05, 0.1)  # parts of all pixels
OVERLAPS = (0.0, 0.05, 0.1, 0.15, 0.2, 1.0)  # shares of the ink: none, up to 5 %, …, above 20 %


class Point(NamedTuple):
    """Images of one value of a condition."""

    condition: str  # objects, told, clutter or overlap
    x: float  # the value
    images: np.ndarray  # (N, H, W) uint8, as are the groups
    groups: np.ndarray
    told: int  # number of objects that the systems are told, all but those that are never told
    n_phases: int  # competing phases to begin with


MARKS = ("s", "^", "D")  # of systems that have no colour of their own
GUIDE = {"color": "#666666", "linewidth": 0.9, "linestyle": ":", "zorder": 1}
ROWS = {
    ("objects", "ami"): ("AMI (%)", "number of objects"),
    ("objects", "found"): ("number found", "number of objects"),
    ("told", "ami"): ("AMI (%)", "number of objects given"),
    ("clutter", "ami"): ("AMI (%)", "pixels switched on or off (%)"),
    ("overlap", "ami"): ("AMI (%)", "ink covered more than once (%)"),
}


def find_limits(
    *,
    systems: Sequence[str],
    datasets: Sequence[str],
    images: int,
    seed: int,
    out: Path,
    draw_only: bool = False,
    device: str = "cpu",
) -> None:
    """Score systems in all conditions, `images` images a point, and write arrays and picture to the folder `out`."""
    checks.device(device, "--device")
    path = out / "arrays.npz"
    if not draw_only:
        with resumable():
            arrays = compute(systems, datasets, images=images, seed=seed, store=out / "units", device=device)
        how = {"systems": systems, "datasets": datasets, "images": images, "seed": seed, "device": device}
        save_arrays(path, arrays, provenance(**how))
        print(f"written: {displayed(path)}")
    pictures = [out / f"generalisation.{suffix}" for suffix in ("png", "pdf")]
    save_figure(draw(load_arrays(path, typed("generalisation"))), *pictures)
    print(f"written: {displayed(pictures[0])} and .pdf")


def compute(
    names: Sequence[str], datasets: Sequence[str], *, images: int, seed: int, store: Path, device: str = "cpu"
) -> Arrays:
    """Scores of the systems called `names` in all conditions, on at most `images` images a point.

    Returns
    -------
    dict of str of array
        ``systems``, ``titles`` and ``counts`` (S,), ``datasets`` and ``n_objects`` (D,); of
        each dataset and condition ``DATASET/CONDITION/x`` (L,), ``…/overlap`` (L, N), the
        share of the ink that is not scored, and with the systems first, ``…/ami`` and
        ``…/found`` (S, L, N); NaN where there are fewer than N images.
    """
    systems = [SYSTEMS[name] for name in names]
    of_systems = {system.network_name(dataset) for system in systems for dataset in datasets}
    networks = {name: name and load_network(name, device) for name in of_systems}
    ensure_datasets(datasets)
    arrays = {
        "systems": np.array(names),
        "titles": np.array([system.title for system in systems]),
        "counts": np.array([system.never_told for system in systems]),
        "datasets": np.array(datasets),
        "n_objects": np.array([settings_of(dataset).objects for dataset in datasets]),
    }
    for dataset in datasets:
        points = [*points_of(dataset, images, seed)]
        scores: dict[tuple[str, str], list] = {}
        for point in progress_bar(points, desc=dataset, unit=" points"):
            scores.setdefault((point.condition, "x"), []).append(point.x)
            scores.setdefault((point.condition, "overlap"), []).append(overlap(point.images, point.groups))
            for system in systems:
                network = networks[system.network_name(dataset)]
                place = store / dataset / point.condition
                of_point = _scores(system, dataset, network, point, seed=seed, device=device, store=place)
                for name, values in of_point.items():
                    scores.setdefault((point.condition, name), []).append(values)
        for (condition, name), parts in scores.items():
            whole = np.array(parts) if name == "x" else _padded(parts, images)
            if name in ("ami", "found"):
                whole = whole.reshape(-1, len(systems), images).swapaxes(0, 1)
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


def _scores(
    system: System, dataset: str, network: Any, point: Point, *, seed: int, device: str, store: Path
) -> dict[str, np.ndarray]:
    """AMI and number of groups found, (images,) each, kept in a store."""
    place, n_phases = f"{point.x:.4g}", point.n_phases
    if system.never_told and point.condition == "told":  # the same for all numbers told
        place, n_phases = "nothing", settings_of(dataset).n_phases
    changes = {"n_phases": n_phases, "objects": None}  # RC does what it is told about these images
    own = {name: value for name, value in changes.items() if name in system.settings._fields}
    evaluation = evaluate(
        point.images,
        point.groups,
        network,
        system,
        seeds=seed,
        settings=system_settings(system, dataset, **own),
        n_objects=None if system.never_told else point.told,
        device=device,
        store=store / place,
    )
    return {name: evaluation.scores[system.name][name][0] for name in ("ami", "found")}


def _padded(parts: list[np.ndarray], length: int) -> np.ndarray:
    """(parts, length) float32, NaN beyond the end of a part."""
    whole = np.full((len(parts), length), np.nan, np.float32)
    for row, part in zip(whole, parts):
        row[: len(part)] = part
    return whole


@in_print
def draw(arrays: dict[str, np.ndarray]) -> Figure:
    """A row for each condition, a column for each dataset, a curve for each system, from the arrays of :func:`compute`.

    Dashed curves are of systems that are not told the number of objects. Bands are ± one
    standard error over the images. Dotted lines: the right number.
    """
    datasets = arrays["datasets"].tolist()
    figure = new_figure(PRINT_WIDTH, 1.4 * len(ROWS) + 0.6)
    panels = figure.subplots(len(ROWS), len(datasets), sharey="row", squeeze=False)
    for ((condition, score), (measure, quantity)), row in zip(ROWS.items(), panels):
        for ax, dataset, n_objects in zip(row, datasets, arrays["n_objects"]):
            x = arrays[f"{dataset}/{condition}/x"]
            if condition in ("clutter", "overlap"):
                x = 100 * x
            if condition == "told":
                ax.axvline(np.searchsorted(x, n_objects), **GUIDE)
                ax.set_xticks(range(len(x)), x.tolist())
                x = np.arange(len(x))
            if condition == "objects":
                ax.set_xticks(x)
            if condition == "clutter":
                ax.set_xticks(x, [f"{part:g}" for part in x])
            if score == "found":
                ax.plot(x, x, **GUIDE)
            _draw_systems(ax, arrays, x, arrays[f"{dataset}/{condition}/{score}"], counting=score == "found")
            ax.set_xlabel(quantity)
            ax.grid(color="#e6e6e6", linewidth=0.6)
        row[0].set_ylabel(measure)
        if score == "ami":
            row[0].set_ylim(-3, 103)
    for ax, dataset in zip(panels[0], datasets):
        ax.set_title(dataset)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=min(len(labels), 3), frameon=False, handlelength=3)
    return figure


def _draw_systems(ax: Axes, arrays: dict[str, np.ndarray], x: np.ndarray, scores: np.ndarray, counting: bool) -> None:
    """Curves of `scores` (systems, L, N) at `x` (L,): AMI of all, or numbers found of those that count."""
    others = iter(MARKS)
    for name, title, counts, values in zip(arrays["systems"], arrays["titles"], arrays["counts"], scores):
        mark = next(others, "x") if colour_of(name) == OTHERS else "o"
        style: dict[str, Any] = {"marker": mark, "markersize": 2.8, "markeredgewidth": 0.8}
        style |= {"linestyle": "--", "markerfacecolor": "white"} if counts else {"linestyle": "-"}
        values = values.T if counting else 100 * values.T  # (N, L)
        if counts or not counting:
            curve_with_band(ax, values, colour_of(name), title, x, **style)
