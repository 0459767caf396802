"""Spikes in time: rasters of the pixels, sorted by object, and pictures of every step."""

from collections.abc import Sequence

import numpy as np

from dasbe.plotting.style import INK, Axes, Figure, in_our_style, new_figure, palette_of_marks

GAP = 3  # pixels between the pictures of steps
MOST_ROWS = 24  # groups that have a row of panels each


@in_our_style
def spike_raster(
    spikes: np.ndarray,
    groups: np.ndarray,
    windows: list[tuple[int, int]],
    name: str = "object",
    colours: str = "published",
    before: int = 0,
) -> Figure:
    """Raster of the pixels of each group in the colour of the group, and the total number of spikes below.

    `spikes` (n, d, H, W) are those of n cycles after `before` others; pixels with label 0 in
    `groups` (H, W) are left out. Each of `windows`, half-open ranges of cycles, has a column
    of panels. A group is called `name`; `colours` is the name of a palette.
    """
    n_groups, delay = int(groups.max()), spikes.shape[1]
    table = palette_of_marks(n_groups, colours)
    if n_groups > MOST_ROWS:
        return _crowded_raster(spikes, groups, windows, table, before)
    row_height = max(0.28, min(0.9, 3.6 / n_groups))
    figure = new_figure(10, 1.5 + row_height * (n_groups + 0.8))
    widths = [last - first for first, last in windows]
    axes = figure.subplots(
        n_groups + 1, len(windows), sharex="col", sharey="row", squeeze=False, gridspec_kw={"width_ratios": widths}
    )
    for column, (first, last) in enumerate(windows):
        window = spikes[first:last].reshape(-1, *groups.shape)  # (T, H, W)
        first, last = before + first, before + last
        time = np.arange(first * delay, last * delay)
        for k in range(1, n_groups + 1):
            ax = axes[k - 1, column]
            trains = window[:, groups == k]  # (T, pixels)
            when, pixel = np.nonzero(trains)
            ax.scatter(time[when], pixel, s=2.2, color=table[k], linewidths=0)
            ax.fill_between(time, trains.sum(1), color=table[k], alpha=0.25, step="mid", linewidth=0)
            ax.set(yticks=[], ylim=(-1, max(trains.shape[1], 1)))
            ax.spines["left"].set_visible(False)
            if column == 0:
                ax.set_ylabel(f"{name} {k}" if n_groups <= 5 else str(k), rotation=0, ha="right", va="center")
        total = axes[-1, column]
        total.plot(time, window[:, groups > 0].sum(1), color=INK, linewidth=0.9)
        total.set(xlabel="time (steps)", xlim=(time[0] - 1, time[-1] + 1))
        for ax in axes[:, column]:
            for cycle in range(first, last + 1):
                ax.axvline(cycle * delay - 0.5, color="#cccccc", linewidth=0.6, zorder=0)
        axes[0, column].set_title(f"cycle {first}" if last == first + 1 else f"cycles {first} to {last - 1}")
    axes[-1, 0].set_ylabel("spikes\nper step", rotation=0, ha="right", va="center")
    return figure


def _crowded_raster(
    spikes: np.ndarray, groups: np.ndarray, windows: list[tuple[int, int]], table: np.ndarray, before: int
) -> Figure:
    """:func:`spike_raster` of so many groups that all pixels share a panel, sorted by group."""
    delay, n_groups = spikes.shape[1], int(groups.max())
    figure = new_figure(10, 6)
    widths = [last - first for first, last in windows]
    axes = figure.subplots(1, len(windows), sharey=True, squeeze=False, gridspec_kw={"width_ratios": widths})[0]
    order = np.argsort(groups[groups > 0], kind="stable")
    group_of = groups[groups > 0][order]
    for ax, (first, last) in zip(axes, windows):
        when, pixel = np.nonzero(spikes[first:last].reshape(-1, *groups.shape)[:, groups > 0][:, order])
        start, end = (before + first) * delay, (before + last) * delay
        ax.scatter(start + when, pixel, s=1, c=np.asarray(table)[group_of[pixel]], linewidths=0)
        for cycle in range(start, end + 1, delay):
            ax.axvline(cycle - 0.5, color="#cccccc", linewidth=0.6, zorder=0)
        ax.set(xlim=(start - 1, end), ylim=(-1, len(order)), xlabel="time (steps)")
    axes[0].set_ylabel(f"pixels of {n_groups} groups")
    return figure


def step_by_step(axes: Axes, pictures: np.ndarray, cycles: Sequence[int]) -> None:
    """Draw `pictures` (cycles, d, H, W, 3) of every step of `cycles` as one image, whose rows are the cycles.

    Axes for each picture would take ten times as long.
    """
    rows, delay, height, width = (size + GAP * (axis > 1) for axis, size in enumerate(pictures.shape[:4]))
    padded = np.pad(pictures, ((0, 0), (0, 0), (0, GAP), (0, GAP), (0, 0)), constant_values=1)
    canvas = padded.swapaxes(1, 2).reshape(rows * height, delay * width, 3)
    axes.imshow(canvas[:-GAP, :-GAP], interpolation="nearest")
    axes.set_yticks((np.arange(rows) + 0.5) * height - GAP / 2, [str(cycle) for cycle in cycles])
    axes.set_xticks((np.arange(0, delay, 4) + 0.5) * width - GAP / 2, np.arange(0, delay, 4))
    axes.set(xlabel="step of the cycle", ylabel="cycle")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
