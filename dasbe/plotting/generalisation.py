"""Where binding breaks: AMI against number of objects, number told, clutter and overlap."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from dasbe.plotting.scores import curve_with_band
from dasbe.plotting.style import INK, RC, Figure, new_figure
from dasbe.plotting.table import SYSTEM_COLOURS

COLOURS = dict(zip(("dasbe", "pure_ann", "pure_snn", "rc", "rc_own"), SYSTEM_COLOURS))  # as in the pictures of Table 1
COLOURS |= {"dasbe_counting": COLOURS["dasbe"], "competing_phases": INK, "competing_phases_counting": INK}
OTHERS, MARKS = "#888888", ("o", "s", "^", "D")  # of systems that have no colour
GUIDE = {"color": "#666666", "linewidth": 1.1, "linestyle": ":", "zorder": 1}
ROWS = {
    ("objects", "ami"): ("AMI (%)", "number of objects"),
    ("objects", "found"): ("number found", "number of objects"),
    ("told", "ami"): ("AMI (%)", "number of objects told"),
    ("clutter", "ami"): ("AMI (%)", "pixels switched on or off (%)"),
    ("overlap", "ami"): ("AMI (%)", "ink covered more than once (%)"),
}


@rc_context(RC)
def conditions_by_dataset(arrays: dict[str, np.ndarray]) -> Figure:
    """A row for each condition, a column for each dataset, a curve for each system.

    Dashed curves are of systems that are not told the number of objects. Bands are ± one
    standard error over the images. Dotted lines: the right number.

    Parameters
    ----------
    arrays : dict
        Of :func:`dasbe.experiments.arrays.generalisation.compute`.
    """
    datasets = arrays["datasets"].tolist()
    figure = new_figure(2.4 * len(datasets) + 0.8, 2.1 * len(ROWS) + 0.9)
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
            ax.grid(color="#eeeeee", linewidth=0.8)
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
        marker, dashes = "." if name in COLOURS else next(others, "x"), "--" if counts else "-"
        values = values.T if counting else 100 * values.T  # (N, L)
        if counts or not counting:
            colour = COLOURS.get(name, OTHERS)
            curve_with_band(ax, values, colour, title, x, linewidth=1.3, markersize=4, linestyle=dashes, marker=marker)
