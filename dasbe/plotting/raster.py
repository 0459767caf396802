"""Spike rasters: pixels sorted by object, time along the horizontal axis."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import INK, RC, Figure, new_figure, palette_of_marks


@rc_context(RC)
def spike_raster(
    spikes: np.ndarray,
    groups: np.ndarray,
    windows: list[tuple[int, int]],
    name: str = "object",
    colours: str = "published",
    before: int = 0,
) -> Figure:
    """Raster of each group's pixels in its own colour, and the total count of spikes below.

    Parameters
    ----------
    spikes : (n, d, H, W) bool
        n cycles of d steps.
    groups : (H, W) int
        Pixels with label > 0 are shown.
    windows : list of (first, last)
        Half-open ranges of cycles, one column of panels each.
    name : str
        What a group is called.
    colours : str
        Name of a palette.
    before : int
        How many cycles there were before these.
    """
    n_groups = int(groups.max())
    delay = spikes.shape[1]
    table = palette_of_marks(n_groups, colours)
    row_height = max(0.28, min(0.9, 3.6 / n_groups))
    figure = new_figure(10, 1.5 + row_height * (n_groups + 0.8))
    widths = [last - first for first, last in windows]
    axes = figure.subplots(
        n_groups + 1, len(windows), sharex="col", sharey="row", squeeze=False, gridspec_kw={"width_ratios": widths}
    )
    for column, (first, last) in enumerate(windows):
        window = spikes[first:last].reshape(-1, *groups.shape)  # (T, H, W)
        start = (before + first) * delay
        for k in range(1, n_groups + 1):
            ax = axes[k - 1, column]
            trains = window[:, groups == k]  # (T, pixels)
            time, pixel = np.nonzero(trains)
            ax.scatter(start + time, pixel, s=2.2, color=table[k], linewidths=0)
            ax.fill_between(
                start + np.arange(len(trains)), trains.sum(1), color=table[k], alpha=0.25, step="mid", linewidth=0
            )
            ax.set(yticks=[], ylim=(-1, max(trains.shape[1], 1)))
            ax.spines["left"].set_visible(False)
            if column == 0:
                ax.set_ylabel(f"{name} {k}" if n_groups <= 5 else str(k), rotation=0, ha="right", va="center")
        total = axes[-1, column]
        total.plot(start + np.arange(len(window)), window[:, groups > 0].sum(1), color=INK, linewidth=0.9)
        total.set(xlabel="time (steps)", xlim=(start - 1, start + len(window)))
        for ax in axes[:, column]:
            for cycle in range(before + first, before + last + 1):
                ax.axvline(cycle * delay - 0.5, color="#cccccc", linewidth=0.6, zorder=0)
        start, end = before + first, before + last - 1
        cycles = f"cycle {start}" if start == end else f"cycles {start} to {end}"
        axes[0, column].set_title(cycles)
    axes[-1, 0].set_ylabel("spikes\na step", rotation=0, ha="right", va="center")
    return figure
