"""Figure 2: one image in detail (paper, Figure 2), and how robust binding is."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure2")

from typing import Any

import numpy as np

from dasbe import metrics
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network
from dasbe.binding.labels import align
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.evaluation.segment import numbers_of_objects
from dasbe.plotting.distributions import curve_with_band, regression
from dasbe.plotting.pictures import input_and_grouping
from dasbe.plotting.raster import Row, draw_rows, spike_raster, step_by_step
from dasbe.plotting.style import (
    INK,
    PRINT_WIDTH,
    Figure,
    SubFigure,
    colors,
    image_axes,
    in_our_style,
    in_print,
    letter,
    new_figure,
    palette_of_marks,
)
from dasbe.support import checks
from dasbe.support.progress import progress_bar
from dasbe.support.published import CYCLES_FIGURES, IMAGES_TABLE, READOUT_CYCLES
from dasbe.support.storage import Arrays

DATASET = "shapes"
N_SEEDS, Q = 5, 1 / 3
SPIKE_LOSSES = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5)
REFRACTORY_SPREADS = (0, 1, 2, 3, 4, 5)  # steps: r of each pixel is drawn from r − spread … r + spread
SHOWN = 2  # position in both tuples of the condition whose raster is drawn
PHASE_CYCLES = (0, 2, 4, 9, 19, 29)
SCORE_COLOURS = {"synchrony": "#0072B2", "rate": "#D55E00"}
YELLOW = np.array([1.0, 1.0, 0.0])


def compute(*, index: int, seed: int, quick: bool = False, device: str = "cpu") -> Arrays:
    """Bind image `index` of ``train_multi`` with several seeds, and many images under two perturbations.

    `seed` is the first seed; the others are its multiples. `quick` takes fewer seeds and images.

    Returns
    -------
    dict of arrays
        Image and ground truth (H, W), spikes (n, d, H, W), scores (seeds, n), and for each
        perturbation the scores (strengths, images).
    """
    ensure_dataset(DATASET)
    images, groups = load_dataset(DATASET, "train_multi", index, index + 1)
    settings, network = settings_of(DATASET), load_network(DATASET, device)
    loop: dict[str, Any] = {"delay": settings.delay, "cycles": CYCLES_FIGURES, "indices": [index], "device": device}
    arrays = {"image": images[0], "groups": groups[0], "refractory": np.array(settings.refractory)}
    found: dict[str, list[np.ndarray]] = {"synchrony": [], "rate": [], "clustering": []}
    for number in progress_bar(range(1, 1 + (2 if quick else N_SEEDS)), desc="figure 2", unit=" seeds"):
        spikes = bind(images, network, refractory=settings.refractory, seed=seed * number, **loop).spikes
        for name, values in metrics.cycle_scores(spikes[0], groups[0], q=Q, seed=seed * number).items():
            found[name].append(values)
        if number == 1:
            labels = group(spikes, numbers_of_objects(groups) + 1, seed=seed)
            arrays |= {"spikes": spikes[0], "labels": align(labels[0], groups[0]), "ami": metrics.ami(groups, labels)}
    arrays |= {name: np.array(values) for name, values in found.items()}
    arrays["synchrony_matrix"] = metrics.synchrony_matrix(arrays["spikes"], groups[0]).astype(np.float32)
    arrays["autocorrelation"] = metrics.autocorrelation(arrays["spikes"][-READOUT_CYCLES:], groups[0])
    return arrays | _robustness(network, images, groups, index, seed, 10 if quick else 100, device)


def _robustness(
    network: Autoencoder, image: np.ndarray, truth: np.ndarray, index: int, seed: int, n_images: int, device: str
) -> Arrays:
    """AMI and final synchrony score (strengths, images) under both perturbations, and the spikes of this `image`."""
    settings = settings_of(DATASET)
    first = IMAGES_TABLE + 1000  # images that neither Table 1 nor the choice of the networks has used
    images, groups = load_dataset(DATASET, "train_multi", first, first + n_images)
    images, groups = np.concatenate([image, images]), np.concatenate([truth, groups])
    rng = np.random.default_rng([seed, 2])
    r, indices = settings.refractory, [index, *range(first, first + n_images)]
    conditions: list[tuple[str, Any, float]] = [("loss", r, loss) for loss in SPIKE_LOSSES]
    for spread in REFRACTORY_SPREADS:
        conditions.append(("spread", r + rng.integers(-spread, spread + 1, images.shape), 0.0))
    loop: dict[str, Any] = {"delay": settings.delay, "cycles": CYCLES_FIGURES, "indices": indices, "device": device}
    found: dict[str, list] = {}
    for name, refractory, loss in progress_bar(conditions, desc="robustness", unit=" conditions"):
        condition = {"refractory": refractory, "spike_loss": loss}
        spikes = bind(images, network, last=READOUT_CYCLES, seed=seed, **loop, **condition).spikes
        labels = group(spikes, numbers_of_objects(groups) + 1, seed=seed)
        final = [metrics.cycle_scores(s[-1:], g, q=Q)["synchrony"][0] for s, g in zip(spikes[1:], groups[1:])]
        found.setdefault(f"{name}_ami", []).append(metrics.ami(groups[1:], labels[1:]))
        found.setdefault(f"{name}_synchrony", []).append(final)
        found.setdefault(f"{name}_spikes", []).append(spikes[0])
    arrays = {key: np.array(values[SHOWN] if "spikes" in key else values) for key, values in found.items()}
    return arrays | {
        "losses": np.array(SPIKE_LOSSES),
        "spreads": np.array(REFRACTORY_SPREADS),
        "shown": np.array([SPIKE_LOSSES[SHOWN], REFRACTORY_SPREADS[SHOWN]]),
    }


def draw(arrays: Arrays, palette: str = "published") -> dict[str, Figure]:
    """The figure and its panels, by file name, from the arrays of :func:`compute`; `palette` is the name of one.

    ``robustness`` is no part of the published figure.
    """
    a, n_cycles = arrays, len(arrays["spikes"])
    return {
        "figure2": composed(a, palette),
        "grouping": input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), palette),
        "spikes": spikes_step_by_step(a["spikes"]),
        "raster": spike_raster(a["spikes"], a["groups"], [(n_cycles - 4, n_cycles)], colours=palette),
        "spike_trains": spike_trains(a["spikes"], a["groups"], palette),
        "synchrony_matrix": synchrony_matrix(a["synchrony_matrix"], a["groups"]),
        "autocorrelation": autocorrelation(a["autocorrelation"], palette),
        "scores": scores(a["synchrony"], a["rate"]),
        "phases": phases(a["spikes"], int(a["refractory"]), a["groups"], palette),
        "correlation": correlation(a["synchrony"], a["rate"], a["clustering"]),
        "robustness": robustness(a, palette),
    }


@in_print
def composed(a: Arrays, colours: str = "published") -> Figure:
    """All panels of the published figure on one page; those that the paper has one below the other are."""
    n, figure = len(a["spikes"]), new_figure(PRINT_WIDTH, 8.9)
    strip, raster, middle, lower, last = figure.subfigures(5, 1, height_ratios=(1.72, 1.9, 2.75, 1.35, 1.45))
    spikes_step_by_step(a["spikes"], within=strip)
    spike_raster(a["spikes"], a["groups"], [(n - 4, n)], colours=colours, within=raster)
    left, right = middle.subfigures(1, 2, width_ratios=(1, 1.25))
    synchrony_matrix(a["synchrony_matrix"], a["groups"], left)
    images, phased = right.subfigures(2, 1, height_ratios=(1, 1.4))
    input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), colours, images)
    phases(a["spikes"], int(a["refractory"]), a["groups"], colours, phased)
    trains, correlogram = lower.subfigures(1, 2, width_ratios=(1.3, 1))
    spike_trains(a["spikes"], a["groups"], colours, within=trains)
    autocorrelation(a["autocorrelation"], colours, correlogram)
    over_time, against = last.subfigures(1, 2, width_ratios=(1, 1.7))
    scores(a["synchrony"], a["rate"], over_time)
    correlation(a["synchrony"], a["rate"], a["clustering"], against)
    for name, part in zip("abcdefghi", (strip, raster, left, images, phased, trains, correlogram, over_time, against)):
        letter(part, name)
    return figure


def caption(a: Arrays) -> str:
    """What the composed figure shows, what it ends at, and what is published."""
    order = np.sort(a["groups"][a["groups"] > 0])
    same = np.equal.outer(order, order)
    within, between = a["synchrony_matrix"][same].mean(), a["synchrony_matrix"][~same].mean()
    (n, delay), n_seeds = a["spikes"].shape[:2], len(a["synchrony"])
    ends = {name: f"{a[name][:, -1].mean():.2f} ± {a[name][:, -1].std(ddof=1):.2f}" for name in SCORE_COLOURS}
    r = {name: np.corrcoef(a["clustering"].ravel(), a[name].ravel())[0, 1] for name in SCORE_COLOURS}
    return f"""**Figure 2. One image of three shapes, from noise to synchrony**
({n} cycles of {delay} steps, r = {a["refractory"]}). (a) Spikes in every step of the first and the last
three cycles, a row each: scattered at first, one object at a time in the end. (b) Raster of the last four
cycles, the number of spikes at the foot of each row, and the total below.
(c) Synchrony matrix of the last ten cycles, pixels sorted by object: {within:.2f} of the maximum within objects,
{between:.5f} between them. (d) Image, ground truth, and the grouping by k-means: AMI {100 * a["ami"][0]:.1f} %.
(e) Pixels in the colour of the steps in which they fire, by cycle; the key has the steps in which most of each object
fires in the last cycle. (f) Spike trains of four neurons of each object. (g) Autocorrelation of the number of spikes of
each object. (h) Synchrony and rate score, mean ± standard deviation over {n_seeds} seeds; they end at
{ends["synchrony"]} and {ends["rate"]}. (i) Both scores against the clustering score, every cycle and seed a point:
r = {r["synchrony"]:.2f} and {r["rate"]:.2f}.

Published: the same kinds of panels, of another image of the same data and another network; no numbers are given.
Letters, and the places of all but (a) to (c), are ours. `robustness` is ours, and not in the paper.
"""


def summary(arrays: Arrays) -> str:
    """AMI, and where the curves end."""
    ends = (f"{name} score {arrays[name][:, -1].mean():.2f}" for name in ("synchrony", "rate"))
    return f"AMI: {100 * arrays['ami'][0]:.1f} %; last cycle: {', '.join(ends)}"


@in_our_style
def spikes_step_by_step(spikes: np.ndarray, n_cycles: int = 3, within: SubFigure | None = None) -> Figure:
    """Spikes (n, d, H, W) in every step of the first and the last `n_cycles` cycles; one row is one cycle."""
    figure: Any = new_figure(13, 0.84 * n_cycles + 0.6) if within is None else within
    cycles = [*range(n_cycles), *range(len(spikes) - n_cycles, len(spikes))]
    step_by_step(figure.add_subplot(), spikes[cycles, ..., None] * YELLOW, cycles)
    return figure


@in_our_style
def spike_trains(
    spikes: np.ndarray, groups: np.ndarray, colours: str, per_object: int = 4, within: SubFigure | None = None
) -> Figure:
    """Spike trains, in the first and the last four cycles, of `per_object` neurons of each object.

    `spikes` are (n, d, H, W), `groups` (H, W), and `colours` is the name of a palette.
    """
    n, delay = spikes.shape[:2]
    trains = spikes.reshape(n * delay, *groups.shape)
    rng = np.random.default_rng(0)
    table = palette_of_marks(int(groups.max()), colours)
    pixels = [rng.permutation(np.argwhere(groups == k))[:per_object] for k in range(1, len(table))]
    figure: Any = new_figure(10, 0.8 + 0.16 * per_object * groups.max()) if within is None else within
    axes = figure.subplots(1, 2, sharey=True)
    for ax, first, name in zip(axes, (0, n - 4), ("first", "last")):
        start, stop = first * delay, (first + 4) * delay
        times = [start + np.flatnonzero(trains[start:stop, y, x]) for of_object in pixels for y, x in of_object]
        colour = [table[k] for k, of_object in enumerate(pixels, start=1) for _ in of_object]
        ax.eventplot(times, lineoffsets=np.arange(len(times)) + 0.5, linelengths=0.8, linewidths=1.2, colors=colour)
        for cycle_start in range(start, stop + 1, delay):
            ax.axvline(cycle_start - 0.5, color="#cccccc", linewidth=0.6, zorder=0)
        ax.set(xlim=(start - 1, stop), ylim=(len(times), 0), xlabel="time (steps)", title=f"{name} four cycles")
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    ends = np.cumsum([0, *map(len, pixels)])
    axes[0].set_yticks((ends[1:] + ends[:-1]) / 2, [f"object {k}" for k in range(1, len(table))])
    return figure


@in_our_style
def synchrony_matrix(matrix: np.ndarray, groups: np.ndarray, within: SubFigure | None = None) -> Figure:
    """How often two pixels fire together, sorted by object: `matrix` of :func:`dasbe.metrics.synchrony_matrix`."""
    figure: Any = new_figure(4.6, 3.9) if within is None else within
    axes = figure.add_subplot()
    shown = axes.imshow(matrix, cmap="jet", vmin=0, vmax=1, interpolation="nearest")
    counts = np.bincount(groups[groups > 0])[1:]
    middles = np.cumsum(counts) - counts / 2
    names = [f"object {k}" for k in range(1, len(counts) + 1)]
    axes.set_xticks(middles, names)
    axes.set_yticks(middles, names, rotation=90, va="center")
    axes.tick_params(length=0)
    axes.set(title="synchrony matrix, last ten cycles")
    figure.colorbar(shown, label="coincident spikes (of the maximum)")
    return figure


@in_our_style
def autocorrelation(values: np.ndarray, colours: str, within: SubFigure | None = None) -> Figure:
    """Autocorrelation of each object's number of spikes, `values` of :func:`dasbe.metrics.autocorrelation`."""
    n_groups, width = values.shape
    lags = np.arange(width) - width // 2
    table = palette_of_marks(n_groups, colours)
    figure: Any = new_figure(2.7 * n_groups, 2.2) if within is None else within
    for k, ax in enumerate(figure.subplots(1, n_groups, sharey=True, squeeze=False)[0]):
        ax.bar(lags, values[k], width=0.85, color=table[k + 1])
        ax.set(title=f"object {k + 1}", xlabel="lag (steps)", ylim=(0, 1.05))
    figure.axes[0].set_ylabel("autocorrelation\n(of lag 0)")
    return figure


@in_our_style
def scores(synchrony: np.ndarray, rate: np.ndarray, within: SubFigure | None = None) -> Figure:
    """Synchrony and rate score of every cycle, mean and standard deviation over seeds; (seeds, n) each."""
    figure: Any = new_figure(4.4, 2.9) if within is None else within
    axes = figure.add_subplot()
    for (name, colour), values in zip(SCORE_COLOURS.items(), (synchrony, rate)):
        curve_with_band(axes, values, colour, f"{name} score", errorbar=("sd", 1))
    axes.axhline(0, color="#bbbbbb", linewidth=0.8, zorder=0)
    axes.set(xlabel="cycle", ylabel="score (silhouette)", title=f"mean ± s.d. of {len(synchrony)} seeds")
    axes.set_ylim(top=1.02)
    axes.legend(frameon=False, loc="center right")
    return figure


@in_our_style
def phases(
    spikes: np.ndarray, refractory: int, groups: np.ndarray, colours: str, within: SubFigure | None = None
) -> Figure:
    """Pixels coloured by the phase in which they fire, in cycles `PHASE_CYCLES`, and a key to the colours.

    The key has a colour for each step, and above it the steps of the last cycle in which more
    than half of an object fires, beside the sum of their colours, which its pixels show.
    """
    cycles = [c for c in PHASE_CYCLES if c < len(spikes)]
    delay, n_objects = spikes.shape[1], int(groups.max())
    figure: Any = new_figure(1.7 * len(cycles), 3.2) if within is None else within
    grid = figure.add_gridspec(2, len(cycles), height_ratios=(1, 1))
    for column, cycle in enumerate(cycles):
        ax = figure.add_subplot(grid[0, column])
        ax.imshow(phase_colours(spikes[cycle], refractory), interpolation="nearest")
        image_axes(ax, f"cycle {cycle}")
    key = figure.add_subplot(grid[1, :])
    of_steps = phase_colours(np.eye(delay, dtype=bool)[:, :, None], refractory)[:, 0]  # step t: one pixel of its own
    key.imshow(of_steps[None], extent=(-0.5, delay - 0.5, 0, 1), aspect="auto", interpolation="nearest")
    for k in range(1, n_objects + 1):
        fires = spikes[cycles[-1]][:, groups == k].mean(1) > 0.5
        y, edge = n_objects + 1.5 - k, {"s": 22, "edgecolors": "#888888", "linewidths": 0.6}
        key.scatter(np.flatnonzero(fires), np.full(fires.sum(), y), color=of_steps[fires], marker="s", **edge)
        key.text(delay + 0.3, y, "sum", ha="left", va="center", size="small")
        key.scatter(delay + 3.6, y, color=[of_steps[fires].sum(0).clip(0, 1)], marker="s", **edge)
    names = ["each step", *(f"object {k}" for k in range(n_objects, 0, -1))]
    key.set_yticks(np.arange(n_objects + 1) + 0.5, names)
    key.set(xlim=(-0.5, delay + 4.2), ylim=(0, n_objects + 1), xticks=range(0, delay, 4), xlabel="step of the cycle")
    key.set_title(f"steps in which most of an object fires in cycle {cycles[-1]}")
    key.tick_params(axis="y", length=0)
    key.spines[["left", "bottom"]].set_visible(False)
    return figure


@in_our_style
def correlation(
    synchrony: np.ndarray, rate: np.ndarray, clustering: np.ndarray, within: SubFigure | None = None
) -> Figure:
    """Synchrony and rate score against clustering score, every cycle and seed a point; (seeds, n) each."""
    figure: Any = new_figure(7.2, 3.0) if within is None else within
    for ax, (name, colour), values in zip(figure.subplots(1, 2), SCORE_COLOURS.items(), (synchrony, rate)):
        r = regression(ax, clustering.ravel(), values.ravel(), colour)
        ax.set(xlabel="clustering score", ylabel=f"{name} score")
        ax.set_title(f"Pearson r = {r:.2f}, {values.size} cycles")
    return figure


@in_our_style
def robustness(a: Arrays, colours: str) -> Figure:
    """The spikes of the last two cycles in three conditions, and AMI and synchrony against the perturbations."""
    loss, spread = a["shown"]
    conditions = {
        "normal": a["spikes"],
        f"{100 * loss:.0f} % of spikes lost": a["loss_spikes"],
        f"refractory time {int(a['refractory'])} ± {spread:.0f} steps, by pixel": a["spread_spikes"],
    }
    figure = new_figure(10, 5.8)
    figure.suptitle("Robustness: ours, not in the paper", size="large")
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1.15))
    table = palette_of_marks(int(a["groups"].max()), colours)
    for ax, (name, spikes) in zip(upper.subplots(1, 3, sharey=True), conditions.items()):
        delay = spikes.shape[1]
        trains = spikes[-2:].reshape(2 * delay, *a["groups"].shape)
        rows = [Row(f"object {k}", table[k], trains[:, a["groups"] == k]) for k in range(1, len(table))]
        draw_rows(ax, np.arange(2 * delay), rows, delay)
        ax.set(title=name, xlabel="time (steps of the last two cycles)")
    strengths = (("loss", 100 * a["losses"], "spikes lost (%)"), ("spread", a["spreads"], "spread of r (± steps)"))
    axes = lower.subplots(1, 2, sharey=True)
    for ax, (name, strength, label) in zip(axes, strengths):
        for kind, title, colour in (("ami", "AMI", INK), ("synchrony", "synchrony score", SCORE_COLOURS["synchrony"])):
            curve_with_band(ax, a[f"{name}_{kind}"].T, colour, title, strength, marker="o")
        ax.set(xlabel=label, ylim=(0, 1.02))
    axes[0].set_ylabel(f"mean of {a['loss_ami'].shape[1]} images ± s.e.")
    axes[1].legend(frameon=False, loc="lower left")
    return figure


def phase_colours(spikes: np.ndarray, refractory: int) -> np.ndarray:
    """Colour (H, W, 3) in [0, 1] of each pixel by when it fires: the same colour is the same phase.

    Step t of the d steps of `spikes` (d, H, W) has hue 2/3 + t/d on the HSV wheel and
    brightness ½ (sin(2π (d/r) t/d) + 1); a pixel has the sum of the colours of its spikes.
    The `refractory` time r is at least 1 step. InputError if an argument is wrong.
    """
    spikes, refractory = checks.spikes(spikes, "(steps, H, W)", 3), checks.whole_number("refractory", refractory)
    delay = len(spikes)
    step = np.arange(delay)
    hue, brightness = (2 / 3 + step / delay) % 1, 0.5 * (np.sin(2 * np.pi * step / refractory) + 1)
    colours = colors.hsv_to_rgb(np.column_stack([hue, np.ones(delay), brightness]))
    return np.clip(np.tensordot(np.asarray(spikes, float), colours, axes=(0, 0)), 0, 1)
