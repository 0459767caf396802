"""Figure 5: binding objects that move (paper, Figure 5)."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure5")

from pathlib import Path
from typing import Any

import numpy as np

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network
from dasbe.binding.labels import align
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.evaluation.segment import (
    MOVING_CYCLES,
    MOVING_SCORED_FROM,
    MOVING_SEQUENCES,
    bind_sequences,
    frame_scores,
    group_frames,
    numbers_of_objects,
    system_settings,
)
from dasbe.metrics import ami
from dasbe.plotting.animation import animate_sequence
from dasbe.plotting.distributions import CONFIDENCE, curve_with_band
from dasbe.plotting.pictures import coloured
from dasbe.plotting.raster import GAP, step_by_step
from dasbe.plotting.style import (
    INK,
    PRINT_WIDTH,
    Axes,
    Figure,
    in_our_style,
    in_print,
    new_figure,
    palette,
    palette_of_marks,
)
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import system_of

DATASET, NETWORK = "moving_shapes_3", "moving"
STILL = "shapes"  # the dataset whose network binds single frames, for comparison; same delay and refractory time
ROW_CYCLES = 20
SPIKE_CYCLES = ((0, 2), (12, 18), (27, 33), (42, 48))  # half-open ranges, around the entry of each object
BASELINES = {
    "thirty_cycles": ("each frame alone, 30 cycles", "#009E73", "-"),
    "one_cycle": ("each frame alone, 1 cycle", "#B87800", "-"),
    "chance": ("groups shuffled", "#777777", (0, (2, 2))),
}


def compute(*, index: int, seed: int, quick: bool = False, device: str = "cpu") -> Arrays:
    """Bind sequence `index` of ``train_multi``, and score many beside what binds each frame by itself.

    `seed` is that of the loop, and of the groups that are shuffled. `quick` scores fewer sequences.

    Returns
    -------
    dict of arrays
        Frames, ground truth and grouping (n, H, W), spikes (n, d, H, W) and AMI (n,) of the
        sequence; AMI of many, ``test_ami`` (sequences, n), and of what it is compared with,
        ``…_ami`` (sequences, cycles from ``scored_from`` on).
    """
    network, still_network = load_network(NETWORK, device), load_network(STILL, device)
    ensure_dataset(DATASET)
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset(DATASET, "train_multi", index, index + 1))
    spikes = bind_sequences(frames, network, seed=seed, device=device)
    labels = group_frames(spikes, groups, seed=seed)
    shown = {
        "frames": frames[0],
        "groups": groups[0],
        "spikes": spikes[0],
        "labels": align(labels[0], groups[0]),
        "sequence_ami": ami(groups[0], labels[0]),
    }
    return shown | _test_scores(network, still_network, 4 if quick else MOVING_SEQUENCES, seed, device)


def _test_scores(network: Autoencoder, still_network: Autoencoder, n_sequences: int, seed: int, device: str) -> Arrays:
    """AMI of every cycle of ``test`` sequences, (sequences, n), and of what it is compared with.

    ``chance_ami``: groups shuffled among the pixels that fire. ``one_cycle_ami``,
    ``thirty_cycles_ami``: the same frames, each bound from scratch by the network for still
    shapes; the latter read from its last ten cycles.
    """
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset(DATASET, "test", 0, n_sequences))
    labels = group_frames(bind_sequences(frames, network, seed=seed, device=device, progress=True), groups, seed=seed)
    stills, truth, late_labels = (
        part[:, MOVING_SCORED_FROM:].reshape(-1, *frames.shape[2:]) for part in (frames, groups, labels)
    )
    beside = {"chance_ami": ami(truth, _shuffled(truth, late_labels, seed))}
    dasbe, objects = system_of("dasbe"), numbers_of_objects(truth)
    for name, cycles in (("one_cycle_ami", 1), ("thirty_cycles_ami", CYCLES_FIGURES)):
        settings = system_settings(dasbe, STILL, cycles=cycles)
        how: dict = {"settings": settings, "n_objects": objects, "seed": seed, "device": device, "progress": True}
        found = dasbe.segment(stills, still_network, **how)
        beside[name] = ami(truth, found)
    return {
        "test_ami": frame_scores(groups, labels),
        **{name: values.reshape(n_sequences, -1) for name, values in beside.items()},
        "scored_from": np.array(MOVING_SCORED_FROM),
    }


def _shuffled(truth: np.ndarray, labels: np.ndarray, seed: int) -> np.ndarray:
    """`labels` (N, H, W) with those of the labelled pixels of each image in random order."""
    rng = np.random.default_rng([seed, 5])
    shuffled = labels.copy()
    for image, inside in zip(shuffled, truth > 0):
        image[inside] = rng.permutation(image[inside])
    return shuffled


def summary(arrays: Arrays) -> str:
    """AMI of the sequences, where they are scored."""
    late = 100 * arrays["test_ami"][:, int(arrays["scored_from"]) :].mean()
    return f"AMI of {len(arrays['test_ami'])} sequences, last cycles: {late:.1f} %"


def draw(arrays: Arrays, palette: str = "published") -> dict[str, Figure]:
    """The figure and its panels, by file name, from the arrays of :func:`compute`; `palette` is the name of one.

    ``scores`` is no part of the published figure.
    """
    return {
        "figure5": sequence(arrays["frames"], arrays["labels"], palette),
        "spikes": spikes_step_by_step(arrays["spikes"], arrays["groups"], palette),
        "scores": scores(arrays),
    }


def caption(a: Arrays) -> str:
    """What the composed figure shows, what it ends at, and what is published."""
    first = int(a["scored_from"])
    late, of_many = (100 * np.nanmean(a[name][..., first:]) for name in ("sequence_ami", "test_ami"))
    means = {name: 100 * np.nanmean(a[f"{name}_ami"]) for name in BASELINES}
    return f"""**Figure 5. Objects that move, one frame a cycle** ({len(a["frames"])} cycles in rows of {ROW_CYCLES}).
Above, the grouping of the pixels by their spikes in that cycle; below, the input. Objects enter at cycles 0, 15 and 30.
Pixels that did not fire in a cycle are blank. AMI of this sequence, cycles {first} to {len(a["frames"]) - 1}:
{late:.1f} %; of {len(a["test_ami"])} sequences of `test`: {of_many:.1f} %.
`spikes`: the spikes of some of these cycles, step by step, in the colour of their object.

Published: the same sequence, by a network trained on data that were not released; no score is given. There as here
groups lag behind the input and break up where objects overlap. `scores` is ours, and not in the paper: each frame
alone gives {abs(means["one_cycle"]):.1f} % in one cycle and {means["thirty_cycles"]:.1f} % in thirty, and shuffled
groups give {abs(means["chance"]):.1f} %.
"""


def animate(arrays: Arrays, palette: str, folder: Path) -> list[Path]:
    """Write the sequence as an animation to ``folder/moving.gif``; the paths of what was written."""
    path = folder / "moving.gif"
    animate_sequence(path, arrays["frames"], arrays["labels"], palette)
    return [path]


@in_print
def sequence(frames: np.ndarray, labels: np.ndarray, colours: str) -> Figure:
    """Rows of 20 cycles: the grouping of what fired above, the input below; both (n, H, W)."""
    n_rows = -(-len(frames) // ROW_CYCLES)
    table = palette_of_marks(int(labels.max()), colours)
    figure = new_figure(PRINT_WIDTH, 0.83 * n_rows + 0.3)
    *axes, below = figure.subplots(n_rows + 1, 1, gridspec_kw={"height_ratios": (*[1] * n_rows, 0.2)})
    for row, ax in enumerate(axes):
        cycles = np.arange(row * ROW_CYCLES, min((row + 1) * ROW_CYCLES, len(frames)))
        ink = np.repeat(1 - 0.85 * frames[cycles, ..., None], 3, axis=-1)
        step_by_step(ax, np.stack([coloured(labels[cycles], None, table), ink]), ("grouping", "input"), frame=True)
        width = frames.shape[2] + GAP + 2
        ax.set_xticks((np.arange(len(cycles)) + 0.5) * width - GAP / 2 - 0.5, cycles)
        ax.set(xlabel="", ylabel="", xlim=(-1, ROW_CYCLES * width))
        ax.xaxis.tick_top()
        ax.tick_params(pad=1)
        ax.tick_params(axis="x", labelsize=5)
    below.set_axis_off()
    below.set(xlim=(0, 1), ylim=(0, 1))
    below.annotate("", (0.6, 0.5), (0.42, 0.5), arrowprops={"arrowstyle": "-|>", "color": INK, "linewidth": 1.4})
    below.text(0.61, 0.5, "t (cycles)", va="center", weight="bold")
    _key(below, table, 0.0)
    return figure


def _key(axes: Axes, table: np.ndarray, x: float, others: tuple[tuple[str, str], ...] = ()) -> None:
    """The colour of each object, in the order in which they enter, and of `others`."""
    named = [(tuple(colour), f"object {k}") for k, colour in enumerate(table[1:], start=1)]
    for colour, name in (*named, *others):
        axes.scatter(x + 0.01, 0.5, color=[colour], marker="s", s=22, edgecolors="#888888", linewidths=0.5)
        axes.text(x + 0.022, 0.5, name, va="center")
        x += 0.034 + 0.012 * len(name)


@in_print
def spikes_step_by_step(spikes: np.ndarray, groups: np.ndarray, colours: str) -> Figure:
    """Spikes (n, d, H, W) in every step of `SPIKE_CYCLES`, in the colour of their object in `groups` (n, H, W).

    One row is one cycle; spikes of overlaps are white. A spike is drawn two pixels wide and
    high, since one is too small for print.
    """
    cycles = [cycle for first, last in SPIKE_CYCLES for cycle in range(first, min(last, len(spikes)))]
    table = palette(int(groups.max()), colours)
    pictures = spikes[cycles, ..., None] * table[groups[cycles]][:, None]
    for axis in (2, 3):
        pictures = np.maximum(pictures, np.insert(pictures, 0, 0, axis).take(range(pictures.shape[axis]), axis))
    figure = new_figure(PRINT_WIDTH, 0.222 * len(cycles) + 0.7)
    axes, below = figure.subplots(2, 1, gridspec_kw={"height_ratios": (1, 0.04)})
    step_by_step(axes, pictures, cycles)
    below.set_axis_off()
    below.set(xlim=(0, 1), ylim=(0, 1))
    _key(below, table, 0.1, (("white", "overlap"),))
    below.text(0.62, 0.5, "dotted lines: cycles are left out", va="center")
    return figure


@in_our_style
def scores(a: Arrays) -> Figure:
    """AMI of every cycle over the test sequences, beside what binds each frame by itself."""
    figure = new_figure(7.4, 3.0)
    axes = figure.add_subplot()
    values, first = 100 * a["test_ami"], int(a["scored_from"])
    ends = np.array([first, values.shape[1] - 1])
    curve_with_band(axes, values, INK, "moving network", errorbar=CONFIDENCE)
    label: dict[str, Any] = {"va": "center", "size": "small"}
    late = float(np.nanmean(values[:, first:]))
    axes.text(ends[1] + 1, late, f"moving network, one frame per cycle: {late:.0f} %", color=INK, **label)
    for k, (name, (text, colour, dash)) in enumerate(BASELINES.items()):
        mean = 100 * float(np.nanmean(a[f"{name}_ami"]))
        axes.plot(ends, [mean, mean], color=colour, linewidth=2, linestyle=dash)
        axes.text(ends[1] + 1, mean + (0, 4, -4)[k], f"{text}: {abs(mean):.0f} %", color=colour, **label)
    for entry, name in ((15, "second object"), (30, "third object")):
        axes.axvline(entry - 0.5, color="#cccccc", linewidth=0.8, zorder=0)
        axes.text(entry, 101, name, size="x-small", color="#777777", va="top")
    axes.set(xlabel="cycle = frame", ylabel="AMI (%)", ylim=(-8, 102), xlim=(0, ends[1]))
    axes.set_title(f"ours, not in the paper: {len(values)} test sequences, mean and 95 % band", loc="left")
    return figure
