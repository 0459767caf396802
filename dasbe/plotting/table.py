"""Pictures of Table 1: the numbers, and the distribution of scores that their means hide."""

from itertools import cycle
from typing import Any

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import INK, RC, Figure, new_figure

SYSTEM_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")


@rc_context(RC)
def score_table(titles: dict[str, str], datasets: list[str], ours: dict, published: dict) -> Figure:
    """Mean ± standard deviation over seeds of every cell, and the published value in grey below it.

    Parameters
    ----------
    titles : dict
        Title of each system, in the order of the rows.
    datasets : list of str
        The columns.
    ours, published : dict
        (mean, deviation) by (system, dataset), per cent; the deviation may be None or NaN.
    """
    figure = new_figure(2.6 + 1.3 * len(datasets), 0.9 + 0.42 * len(titles))
    axes = figure.add_subplot()
    axes.set(xlim=(-2.1, len(datasets) - 0.45), ylim=(len(titles) - 0.4, -1.0))
    axes.set_axis_off()
    best = {d: max(ours[s, d][0] for s in titles if (s, d) in ours) for d in datasets}
    for column, dataset in enumerate(datasets):
        axes.text(column, -0.65, dataset, ha="center", va="center", weight="bold")
    for row, (system, title) in enumerate(titles.items()):
        axes.axhline(row - 0.45, color="#cccccc", linewidth=0.8)
        axes.text(-2.05, row, title, va="center")
        for column, dataset in enumerate(datasets):
            if (system, dataset) in ours:
                weight = "bold" if ours[system, dataset][0] == best[dataset] else "normal"
                height = row - 0.16 if (system, dataset) in published else row
                axes.text(column, height, _text(ours[system, dataset]), ha="center", va="center", weight=weight)
            if (system, dataset) in published:
                text = f"published {_text(published[system, dataset])}"
                axes.text(column, row + 0.2, text, ha="center", va="center", size=7, color="#777777")
    axes.axhline(len(titles) - 0.45, color="#cccccc", linewidth=0.8)
    axes.set_title("AMI (%), mean ± standard deviation over seeds; the best of each column in bold", size=9, loc="left")
    return figure


def _text(value: tuple[float, float | None]) -> str:
    mean, deviation = value
    return f"{mean:.1f}" if deviation is None or np.isnan(deviation) else f"{mean:.1f} ± {deviation:.2f}"


@rc_context(RC)
def score_distributions(
    titles: dict[str, str],
    datasets: list[str],
    scores: dict,
    measure: str = "AMI (%)",
    published: dict | None = None,
) -> Figure:
    """How the scores of the images are distributed: a panel for each dataset, a histogram for each system.

    Histograms are as high as their row; a line marks the mean, an open circle the published one.

    Parameters
    ----------
    titles, datasets : as for :func:`score_table`
        In place of datasets, there may be several scores of one.
    scores : dict
        AMI, or another score, (seeds, images) in [−1, 1] by (system, dataset).
    measure : str
        What is drawn, for the axis.
    published : dict, optional
        As for :func:`score_table`.
    """
    figure = new_figure(2.1 * len(datasets) + 1.4, 0.5 * len(titles) + 1.1)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    bins = np.linspace(-5, 100, 43)
    handles: dict[str, Any] = {}
    published = published or {}
    for ax, dataset in zip(panels, datasets):
        for row, (system, colour) in enumerate(zip(titles, cycle(SYSTEM_COLOURS))):
            if (system, dataset) not in scores:
                continue
            values = 100 * scores[system, dataset][~np.isnan(scores[system, dataset])]
            counts, _ = np.histogram(np.clip(values, bins[0], bins[-1]), bins)
            height = 0.85 * counts / max(counts.max(), 1)
            ax.stairs(row - height, bins, baseline=row, fill=True, color=colour, alpha=0.55)
            handles["mean"] = ax.vlines(values.mean(), row - 0.88, row, color=INK, linewidth=1.6)
            if (system, dataset) in published:
                theirs = published[system, dataset][0]
                (handles["published mean"],) = ax.plot(
                    theirs, row - 0.44, "o", color=INK, markerfacecolor="white", markersize=5, linestyle="none"
                )
            ax.axhline(row, color="#bbbbbb", linewidth=0.6, zorder=0)
        ax.set(title=dataset, xlabel=measure, xlim=(-6, 101), ylim=(len(titles) - 0.95, -1), xticks=(0, 50, 100))
        ax.set_yticks(np.arange(len(titles)) - 0.44, titles.values())
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2, frameon=False)
    return figure
