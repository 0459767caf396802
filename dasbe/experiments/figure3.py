"""Figure 3: synchrony, rate and clustering scores on all datasets (paper, Figure 3)."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure3")

from typing import Any

import numpy as np
from tqdm import tqdm

from dasbe.ann.weights import load_network
from dasbe.binding.loop import bind
from dasbe.datasets import TABLE_DATASETS, ensure_datasets, load_dataset, settings_of
from dasbe.metrics import cycle_scores
from dasbe.plotting.distributions import CONFIDENCE, curve_with_band, regression
from dasbe.plotting.style import PRINT_WIDTH, Figure, in_print, new_figure
from dasbe.support.progress import progress_bar
from dasbe.support.published import COLOUR_BLIND_SAFE, CYCLES_FIGURES, FIGURE3_ENDS, IMAGES_TABLE
from dasbe.support.storage import Arrays

N_IMAGES = 100
BLOCK = 10  # images whose spikes are held in memory
SCORES = ("synchrony", "rate", "clustering")
ORDER = ("bars", "corners", "shapes", "multi_mnist", "mnist_shape")
PUBLISHED_COLOURS = ("#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3")  # seaborn's "deep"
DASHES = ("-", "--", ":", "-.", (0, (1, 1)))
SHOWN_PART = 30  # one point in so many is drawn, as in the paper


def compute(*, seed: int, quick: bool = False, device: str = "cpu") -> Arrays:
    """Score every cycle of images that are drawn at random from each dataset; `quick` takes fewer.

    `seed` is that of the choice of the images, and of the loop.

    Returns
    -------
    dict of arrays
        ``DATASET_SCORE`` (images, n) for the three scores, and ``indices`` (images,), the
        numbers of the images.
    """
    for dataset in TABLE_DATASETS:
        load_network(dataset)  # says early if one is missing
    ensure_datasets(TABLE_DATASETS)
    n_images = 5 if quick else N_IMAGES
    indices = np.sort(np.random.default_rng(seed).choice(IMAGES_TABLE, n_images, replace=False))
    arrays = {"indices": indices}
    with progress_bar(total=len(TABLE_DATASETS) * n_images, desc="figure 3", unit=" images") as bar:
        for dataset in TABLE_DATASETS:
            arrays |= _scores(dataset, indices, seed, device, bar)
    return arrays


def _scores(dataset: str, indices: np.ndarray, seed: int, device: str, bar: tqdm) -> Arrays:
    """``DATASET_SCORE`` (images, n) of one dataset."""
    settings, network = settings_of(dataset), load_network(dataset, device)
    loop: dict[str, Any] = {"delay": settings.delay, "refractory": settings.refractory, "cycles": CYCLES_FIGURES}
    loop |= {"seed": seed, "device": device}
    images, groups = load_dataset(dataset, "train_multi", 0, IMAGES_TABLE)
    scores = {f"{dataset}_{name}": np.empty((len(indices), CYCLES_FIGURES)) for name in SCORES}
    for start in range(0, len(indices), BLOCK):
        block = indices[start : start + BLOCK]
        run = bind(images[block], network, **loop, indices=block)
        for i, (spikes, truth) in enumerate(zip(run.spikes, groups[block]), start=start):
            for name, values in cycle_scores(spikes, truth, seed=seed).items():
                scores[f"{dataset}_{name}"][i] = values
            bar.update(1)
    return scores


def draw(arrays: Arrays, palette: str = "published") -> dict[str, Figure]:
    """The figure, by its file name, from the arrays of :func:`compute`; `palette` is the name of one."""
    return {"figure3": four_panels(arrays, palette)}


def summary(arrays: Arrays) -> str:
    """Where the curves end."""
    ends = ((d, *(arrays[f"{d}_{score}"][:, -1].mean() for score in SCORES[:2])) for d in TABLE_DATASETS)
    return "last cycle, synchrony and rate score: " + ", ".join(f"{d} {s:.2f} {rate:.2f}" for d, s, rate in ends)


@in_print
def four_panels(arrays: Arrays, colours: str = "published") -> Figure:
    """(a) synchrony and (b) rate score against cycle; (c), (d) both against clustering score, as in the paper."""
    table = PUBLISHED_COLOURS if colours == "published" else COLOUR_BLIND_SAFE
    figure = new_figure(PRINT_WIDTH, 2.2)
    axes = figure.subplots(1, 4)
    rng = np.random.default_rng(0)
    for dataset, colour, dash in zip((d for d in ORDER if f"{d}_synchrony" in arrays), table, DASHES):
        clustering = arrays[f"{dataset}_clustering"]
        chosen = rng.permutation(clustering.size)[: max(clustering.size // SHOWN_PART, 2)]
        for score, over_time, against in zip(("synchrony", "rate"), axes[:2], axes[2:]):
            values = arrays[f"{dataset}_{score}"]
            curve_with_band(over_time, values, colour, dataset, errorbar=CONFIDENCE, linestyle=dash)
            regression(against, clustering.ravel()[chosen], values.ravel()[chosen], colour, size=2.5)
    for ax, name, score in zip(axes, "abcd", ("synchrony", "rate") * 2):
        ax.set(ylabel=f"{score} score", ylim=(-0.5, 1.02))
        ax.set_xlabel("cycle" if name in "ab" else "clustering score")
        ax.text(0.5, -0.31, f"({name})", transform=ax.transAxes, size="large", weight="bold", ha="center", va="top")
    axes[2].set(ylim=(-0.1, 1.15), xticks=(0.2, 0.4, 0.6, 0.8, 1))
    axes[3].set(ylim=(-1.02, 1.02), xticks=(0.2, 0.4, 0.6, 0.8, 1))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside upper center", ncols=len(labels), frameon=False, handlelength=3)
    return figure


def caption(arrays: Arrays) -> str:
    """What the figure shows, what its curves end at, and where the published ones do."""
    shown = [dataset for dataset in ORDER if f"{dataset}_synchrony" in arrays]
    ends, falling = {}, {}
    for score in ("synchrony", "rate"):
        last = {dataset: np.nanmean(arrays[f"{dataset}_{score}"][:, -1]) for dataset in shown}
        published = FIGURE3_ENDS[score]
        falling[score] = ", ".join(sorted(shown, key=last.__getitem__, reverse=True))
        ends[score] = ", ".join(f"{d} {last[d]:.2f} (published {published[d]:.2f})" for d in shown).replace("-", "−")
    return f"""**Figure 3. Synchrony, rate and clustering scores on all datasets**
({len(arrays["indices"])} random images of each). (a) Synchrony score of every cycle, mean and 95 %
confidence band. It ends at: {ends["synchrony"]}.
(b) Rate score. It ends at: {ends["rate"]}.
From above, these curves end in the order {falling["rate"]}.
(c), (d) Synchrony and rate score against clustering score, a random thirtieth of the points, with least-squares
lines and their 95 % bands.

Published: the same panels. The ends are read off the figure. The published mnist_shape curve is of another network,
d = 64 and r = 12, which was not released; here d = 29 and r = 9. The published rate scores end in the order bars,
corners, and the other three level.
"""
