"""Pictures of Table 1: the numbers, and the distributions of scores behind their means."""

from typing import Any

import numpy as np

from dasbe.plotting.style import INK, Figure, colour_of, in_our_style, new_figure, seaborn


@in_our_style
def score_table(titles: dict[str, str], datasets: list[str], ours: dict, published: dict) -> Figure:
    """Mean ± standard deviation over seeds of every cell, and the published value in grey below it.

    Rows are the systems of `titles`, columns the `datasets`. `ours` and `published` hold mean and
    standard deviation by (system, dataset), per cent; the deviation may be None or NaN.
    """
    left = -0.5 - 0.058 * max(map(len, titles.values()))  # of a number's middle, in columns: room for the longest title
    figure = new_figure(1.3 * (len(datasets) - left), 0.9 + 0.42 * len(titles))
    axes = figure.add_subplot()
    axes.set(xlim=(left, len(datasets) - 0.45), ylim=(len(titles) - 0.4, -1.0))
    axes.set_axis_off()
    best = {d: max(round(ours[s, d][0], 1) for s in titles if (s, d) in ours) for d in datasets}
    for column, dataset in enumerate(datasets):
        axes.text(column, -0.58, dataset, ha="center", va="baseline", weight="bold")
    for row, (system, title) in enumerate(titles.items()):
        axes.axhline(row - 0.45, color="#cccccc", linewidth=0.8)
        axes.text(left, row, title, va="center")
        for column, dataset in enumerate(datasets):
            if (system, dataset) in ours:
                weight = "bold" if round(ours[system, dataset][0], 1) == best[dataset] else "normal"
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


@in_our_style
def score_distributions(
    titles: dict[str, str], datasets: list[str], scores: dict, measure: str = "AMI (%)", published: dict | None = None
) -> Figure:
    """Distributions of the scores of images: a row for each system, a column for each dataset.

    Each histogram is as high as its row, and grey if its system has no colour of its own; a line
    marks the mean, a circle the published mean. `scores` holds AMI, or another score, (seeds, images)
    in [−1, 1] by (system, dataset); several scores may take the place of the datasets. `measure` is
    the label of the horizontal axis, and `published` is as for :func:`score_table`.
    """
    figure = new_figure(2.1 * len(datasets) + 1.4, 0.5 * len(titles) + 1.1)
    figure.set_layout_engine("constrained", hspace=0, h_pad=0.03)
    panels = figure.subplots(len(titles), len(datasets), squeeze=False)
    bins = np.linspace(-5, 100, 43)
    handles: dict[str, Any] = {}
    for ax in panels.flat:
        ax.set(xlim=(-6, 101), xticks=(), yticks=())
        ax.spines["left"].set_visible(False)
    for first, last, dataset in zip(panels[0], panels[-1], datasets):
        first.set_title(dataset)
        last.set(xlabel=measure, xticks=(0, 50, 100))
    for row, (system, title) in zip(panels, titles.items()):
        row[0].set_ylabel(title, rotation=0, ha="right", va="center")
        for ax, dataset in zip(row, datasets):
            if (system, dataset) not in scores:
                continue
            values = 100 * scores[system, dataset].ravel()
            shown, style = values.clip(bins[0], bins[-1]), {"color": colour_of(system), "alpha": 0.55, "linewidth": 0}
            seaborn().histplot(x=shown, bins=bins, element="step", ax=ax, **style)
            handles["mean"] = ax.axvline(np.nanmean(values), color=INK, linewidth=1.6)
            if published and (system, dataset) in published:
                circle = {"transform": ax.get_xaxis_transform(), "color": "white", "edgecolors": INK, "zorder": 3}
                handles["published mean"] = ax.scatter(published[system, dataset][0], 0.5, s=25, **circle)
    figure.legend(handles.values(), handles, loc="outside lower center", ncols=2, frameon=False, borderpad=1)
    return figure
