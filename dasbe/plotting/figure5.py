"""Figure 5: objects that move, bound cycle by cycle."""

from pathlib import Path

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.animation import animate_sequence
from dasbe.plotting.grouping import coloured
from dasbe.plotting.scores import CONFIDENCE, curve_with_band, standard_error
from dasbe.plotting.style import INK, RC, Figure, image_axes, new_figure, palette

ROW_CYCLES = 20
SPIKE_CYCLES = ((0, 2), (12, 18), (27, 33), (42, 48))  # half-open ranges, around the entry of each object
BASELINES = {
    "thirty_cycles": ("each frame alone, 30 cycles", "#009E73"),
    "one_cycle": ("each frame alone, 1 cycle", "#E69F00"),
    "chance": ("groups shuffled", "#999999"),
}


def figures(arrays: dict[str, np.ndarray], colours: str) -> dict[str, Figure]:
    """All panels by file name."""
    return {
        "sequence": sequence(arrays["frames"], arrays["labels"], colours),
        "spikes": spikes_step_by_step(arrays["spikes"], arrays["groups"], colours),
        "scores": scores(arrays),
    }


def animate(arrays: dict[str, np.ndarray], colours: str, folder: Path) -> list[Path]:
    """Write the sequence as a film; the paths of what was written."""
    path = folder / "moving.gif"
    animate_sequence(path, arrays["frames"], arrays["labels"], colours)
    return [path]


@rc_context(RC)
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


@rc_context(RC)
def spikes_step_by_step(spikes: np.ndarray, groups: np.ndarray, colours: str) -> Figure:
    """Every step of some cycles; one row is one cycle. Spikes in the colour of their object (overlap white).

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (n, H, W) int
    colours : str
    """
    rows = [cycle for first, last in SPIKE_CYCLES for cycle in range(first, min(last, len(spikes)))]
    delay, size = spikes.shape[1], spikes.shape[2:]
    table = palette(int(groups.max()), colours)
    figure = new_figure(13, 0.41 * len(rows) + 0.5)
    axes = figure.add_subplot()
    gap = 3  # pixels between the pictures
    canvas = np.ones((len(rows) * (size[0] + gap) - gap, delay * (size[1] + gap) - gap, 3))
    for row, cycle in enumerate(rows):
        for t in range(delay):
            picture = spikes[cycle, t, ..., None] * table[groups[cycle]]
            top, left = row * (size[0] + gap), t * (size[1] + gap)
            canvas[top : top + size[0], left : left + size[1]] = picture
    axes.imshow(canvas, interpolation="nearest", aspect="equal")
    axes.set_yticks(np.arange(len(rows)) * (size[0] + gap) + size[0] / 2, [str(cycle) for cycle in rows])
    axes.set_xticks(np.arange(0, delay, 4) * (size[1] + gap) + size[1] / 2, np.arange(0, delay, 4))
    axes.set(xlabel="step of the cycle", ylabel="cycle")
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    return figure


@rc_context(RC)
def scores(a: dict[str, np.ndarray]) -> Figure:
    """AMI of every cycle over the test sequences, beside what binds each frame by itself."""
    figure = new_figure(6.4, 3.0)
    axes = figure.add_subplot()
    values = 100 * a["test_ami"]
    curve_with_band(axes, values, CONFIDENCE * standard_error(values), INK, "moving network, one frame a cycle")
    late = np.arange(int(a["scored_from"]), values.shape[1])
    for name, (label, colour) in BASELINES.items():
        mean = 100 * np.nanmean(a[f"{name}_ami"])
        axes.plot(late[[0, -1]], [mean, mean], color=colour, label=f"{label}: {abs(mean):.0f} %", linewidth=2)
    for entry, name in ((15, "second object"), (30, "third object")):
        axes.axvline(entry - 0.5, color="#cccccc", linewidth=0.8, zorder=0)
        axes.text(entry, 101, name, size=7, color="#777777", va="top")
    axes.set(xlabel="cycle = frame", ylabel="AMI (%)", ylim=(-5, 102), xlim=(0, values.shape[1] - 1))
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(1, 0.5))
    return figure
