"""Figure 5: binding objects that move (paper, Figure 5)."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure5")

from pathlib import Path

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
from dasbe.plotting.raster import step_by_step
from dasbe.plotting.style import INK, Figure, image_axes, in_our_style, new_figure, palette
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import system_of

DATASET, NETWORK = "moving_shapes_3", "moving"
STILL = "shapes"  # the dataset whose network binds single frames, for comparison; same delay and refractory time
ROW_CYCLES = 20
SPIKE_CYCLES = ((0, 2), (12, 18), (27, 33), (42, 48))  # half-open ranges, around the entry of each object
BASELINES = {
    "thirty_cycles": ("each frame alone, 30 cycles", "#009E73"),
    "one_cycle": ("each frame alone, 1 cycle", "#E69F00"),
    "chance": ("groups shuffled", "#999999"),
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
    """All panels, by file name, from the arrays of :func:`compute`; `palette` is the name of one."""
    return {
        "sequence": sequence(arrays["frames"], arrays["labels"], palette),
        "spikes": spikes_step_by_step(arrays["spikes"], arrays["groups"], palette),
        "scores": scores(arrays),
    }


def animate(arrays: Arrays, palette: str, folder: Path) -> list[Path]:
    """Write the sequence as an animation to ``folder/moving.gif``; the paths of what was written."""
    path = folder / "moving.gif"
    animate_sequence(path, arrays["frames"], arrays["labels"], palette)
    return [path]


@in_our_style
def sequence(frames: np.ndarray, labels: np.ndarray, colours: str) -> Figure:
    """Rows of 20 cycles: the grouping above, ink that did not fire in grey, the input below; both (n, H, W)."""
    n_rows = -(-len(frames) // ROW_CYCLES)
    table = palette(int(labels.max()), colours)
    figure = new_figure(13, 1.48 * n_rows)
    axes = figure.subplots(2 * n_rows, ROW_CYCLES, squeeze=False, gridspec_kw={"wspace": 0.06, "hspace": 0.06})
    for ax in axes.flat:
        ax.set_axis_off()
    for cycle, (frame, found) in enumerate(zip(frames, labels)):
        row, column = divmod(cycle, ROW_CYCLES)
        above, below = axes[2 * row, column], axes[2 * row + 1, column]
        above.imshow(coloured(found, frame, table), interpolation="nearest")
        below.imshow(1 - frame, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        for ax in (above, below):
            ax.set_axis_on()
            image_axes(ax)
        above.set_anchor("S")  # beside its input
        below.set_anchor("N")
        above.set_title(str(cycle), size=7, pad=2)
        if column == 0:
            above.set_ylabel("grouping", size=8)
            below.set_ylabel("input", size=8)
    return figure


@in_our_style
def spikes_step_by_step(spikes: np.ndarray, groups: np.ndarray, colours: str) -> Figure:
    """Spikes (n, d, H, W) in every step of `SPIKE_CYCLES`, in the colour of their object in `groups` (n, H, W).

    One row is one cycle; spikes of overlaps are white.
    """
    cycles = [cycle for first, last in SPIKE_CYCLES for cycle in range(first, min(last, len(spikes)))]
    colour = palette(int(groups.max()), colours)[groups[cycles]]
    figure = new_figure(13, 0.41 * len(cycles) + 0.5)
    step_by_step(figure.add_subplot(), spikes[cycles, ..., None] * colour[:, None], cycles)
    return figure


@in_our_style
def scores(a: Arrays) -> Figure:
    """AMI of every cycle over the test sequences, beside what binds each frame by itself."""
    figure = new_figure(6.4, 3.0)
    axes = figure.add_subplot()
    values = 100 * a["test_ami"]
    curve_with_band(axes, values, INK, "moving network, one frame per cycle", errorbar=CONFIDENCE)
    for name, (label, colour) in BASELINES.items():
        mean = 100 * np.nanmean(a[f"{name}_ami"])
        ends = (int(a["scored_from"]), values.shape[1] - 1)
        axes.plot(ends, [mean, mean], color=colour, label=f"{label}: {abs(mean):.0f} %", linewidth=2)
    for entry, name in ((15, "second object"), (30, "third object")):
        axes.axvline(entry - 0.5, color="#cccccc", linewidth=0.8, zorder=0)
        axes.text(entry, 101, name, size=7, color="#777777", va="top")
    axes.set(xlabel="cycle = frame", ylabel="AMI (%)", ylim=(-5, 102), xlim=(0, values.shape[1] - 1))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
