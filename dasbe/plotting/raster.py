"""Spikes in time: rasters of the pixels, sorted by object, and pictures of every step."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from matplotlib.collections import LineCollection

from dasbe.plotting.style import INK, Axes, Figure, SubFigure, in_our_style, new_figure, palette_of_marks

GAP = 2  # pixels between the pictures of steps
FRAME = 0.5  # grey of a frame around a picture
JUMP = 12  # between rows of cycles that do not follow each other
ROW_HEIGHT = 0.86  # of a row of a raster; the rest is the space above it
FOOT = 0.4  # height of the number of spikes below the spikes, part of a row in which all fire
MOST_ROWS = 40  # that have a name each


class Row(NamedTuple):
    """A row of a raster: its name, its colour, and its spikes (T, neurons)."""

    name: str
    colour: np.ndarray
    trains: np.ndarray


def draw_rows(axes: Axes, time: np.ndarray, rows: Sequence[Row], delay: int, linewidth: float = 1.1) -> None:
    """Raster of `rows`, the first one on top, at `time` (T,) in steps; cycles of `delay` steps are divided by lines.

    Neurons that fire in the same step, and stand beside each other, are one line, so that no
    gap opens between them at any size. The number of spikes in a step stands at the foot of its row.
    """
    around = np.arange(time[0] - 1, time[-1] + 2)
    for bottom, row in zip(range(len(rows) - 1, -1, -1), rows):
        height = ROW_HEIGHT / max(row.trains.shape[1], 1)
        begins = np.diff(np.pad(row.trains.astype(np.int8), ((0, 0), (1, 1))), axis=1)
        (step, first), (_, last) = np.nonzero(begins == 1), np.nonzero(begins == -1)
        ends = np.stack([np.stack([time[step]] * 2, 1), bottom + height * np.stack([first, last], 1)], 2)
        axes.add_collection(LineCollection(list(ends), colors=[tuple(row.colour)], linewidths=linewidth))
        foot = bottom + FOOT * height * np.pad(row.trains.sum(1), 1)
        axes.fill_between(around, bottom, foot, color=row.colour, alpha=0.35, linewidth=0)
    colours = [tuple(row.colour) for row in rows[::-1]]
    axes.hlines(np.arange(len(rows)), around[0], around[-1], colors=colours, linewidths=0.6)
    _divide_cycles(axes, time, delay)
    named = range(0, len(rows), 1 + len(rows) // MOST_ROWS)
    axes.set_yticks([len(rows) - 1 - k + ROW_HEIGHT / 2 for k in named], [rows[k].name for k in named])
    axes.tick_params(axis="y", length=0)
    axes.set(xlim=(around[0], around[-1]), ylim=(-0.02, len(rows)))
    axes.spines[["left", "bottom"]].set_visible(False)


def _divide_cycles(axes: Axes, time: np.ndarray, delay: int) -> None:
    for start in range(time[0], time[-1] + 2, delay):
        axes.axvline(start - 0.5, color="#cccccc", linewidth=0.6, zorder=0)


@in_our_style
def spike_raster(
    spikes: np.ndarray,
    groups: np.ndarray,
    windows: list[tuple[int, int]],
    name: str = "object",
    colours: str = "published",
    before: int = 0,
    within: SubFigure | None = None,
) -> Figure:
    """Raster of the pixels of each group in the colour of the group, and the total number of spikes below.

    `spikes` (n, d, H, W) are those of n cycles after `before` others; pixels with label 0 in
    `groups` (H, W) are left out. Each of `windows`, half-open ranges of cycles, has a column
    of panels. A group is called `name`; `colours` is the name of a palette. Drawn in a new
    figure, or `within` a part of one.
    """
    n_groups, delay = int(groups.max()), spikes.shape[1]
    table = palette_of_marks(n_groups, colours)
    height = min(max(0.28, min(0.9, 3.6 / n_groups)) * n_groups, 10)
    figure: Any = new_figure(10, 1.9 + height) if within is None else within
    ratios = {"width_ratios": [last - first for first, last in windows], "height_ratios": (max(height, 2.2), 0.8)}
    axes = figure.subplots(2, len(windows), sharex="col", sharey="row", squeeze=False, gridspec_kw=ratios)
    named = [f"{name} {k}" if n_groups <= 5 else str(k) for k in range(n_groups + 1)]
    for (raster, total), (first, last) in zip(axes.T, windows):
        window = spikes[first:last].reshape(-1, *groups.shape)  # (T, H, W)
        first, last = before + first, before + last
        time = np.arange(first * delay, last * delay)
        rows = [Row(named[k], table[k], window[:, groups == k]) for k in range(1, n_groups + 1)]
        draw_rows(raster, time, rows, delay)
        raster.tick_params(axis="x", length=0, labelbottom=False)
        raster.set_title(f"cycle {first}" if last == first + 1 else f"cycles {first} to {last - 1}")
        total.plot(time, window[:, groups > 0].sum(1), color=INK, linewidth=0.9)
        _divide_cycles(total, time, delay)
        total.set_xlabel("time (steps)")
    axes[1, 0].set_ylabel("spikes\nper step", rotation=0, ha="right", va="center")
    return figure


def step_by_step(axes: Axes, pictures: np.ndarray, cycles: Sequence[int | str], frame: bool = False) -> None:
    """Draw `pictures` (cycles, d, H, W, 3) of every step of `cycles` as one image, whose rows are the cycles.

    Where numbers of cycles jump, a dotted line divides the rows; rows may have names in place of
    numbers. With `frame`, each picture has one. Axes for each picture would take ten times as long.
    """
    if frame:
        pictures = np.pad(pictures, ((0, 0), (0, 0), (1, 1), (1, 1), (0, 0)), constant_values=FRAME)
    rows, delay, height, width = (size + GAP * (axis > 1) for axis, size in enumerate(pictures.shape[:4]))
    padded = np.pad(pictures, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=1)
    strips = padded.swapaxes(1, 2).reshape(rows, height, delay * width, 3)
    pairs = pairwise(cycles)
    jumps = np.array([0, *(JUMP * (isinstance(a, int) and isinstance(b, int) and b != a + 1) for a, b in pairs)])
    top = np.arange(rows) * height + np.cumsum(jumps)
    canvas = np.ones((top[-1] + height, delay * width, 3))
    for start, strip in zip(top, strips):
        canvas[start : start + height] = strip
    axes.imshow(canvas[:-GAP, :-GAP], interpolation="nearest")
    for start in top[jumps > 0]:
        axes.axhline(start - (JUMP + GAP) / 2 - 0.5, color=INK, linewidth=0.8, linestyle=(0, (1, 3)))
    axes.set_yticks(top + (height - GAP) / 2 - 0.5, [str(cycle) for cycle in cycles])
    axes.set_xticks((np.arange(0, delay, 4) + 0.5) * width - GAP / 2 - 0.5, np.arange(0, delay, 4))
    axes.set(xlabel="step of the cycle", ylabel="cycle")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@in_our_style
def correlogram(values: np.ndarray, colours: str = "published") -> Figure:
    """Cross-correlation of every two groups, `values` of :func:`dasbe.metrics.cross_correlation`, against the lag.

    Row and column are the first and the second group; on the diagonal, in the colour of the
    group, each with itself.
    """
    n_groups, _, width = values.shape
    lags, table = np.arange(width) - width // 2, palette_of_marks(n_groups, colours)
    figure = new_figure(1.6 + 1.5 * n_groups, 0.8 + 1.2 * n_groups)
    axes = figure.subplots(n_groups, n_groups, sharex=True, sharey=True, squeeze=False)
    for (j, k), ax in zip(np.ndindex(n_groups, n_groups), axes.flat):
        ax.bar(lags, values[j, k], width=0.9, color=table[k + 1] if j == k else "#888888")
        ax.set(ylim=(0, 1.05), title=f"group {k + 1}" if j == 0 else "", ylabel=f"group {j + 1}" if k == 0 else "")
    figure.supxlabel("lag (steps), of the column behind the row", size=9)
    return figure
