"""Pictures of Table 1: the numbers, and the distribution of scores that their means hide."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import RC, Figure, new_figure

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
def score_distributions(titles: dict[str, str], datasets: list[str], scores: dict, measure: str = "AMI (%)") -> Figure:
    """For each dataset, which part of the images scores at most so much (empirical distribution).

    Parameters
    ----------
    titles, datasets : as for :func:`score_table`
        In place of datasets, there may be several scores of one.
    scores : dict
        AMI, or another score, (seeds, images) in [−1, 1] by (system, dataset).
    measure : str
        What is drawn, for the axis.
    """
    figure = new_figure(2.3 * len(datasets) + 0.4, 3.1)
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    for ax, dataset in zip(panels, datasets):
        for (system, title), colour in zip(titles.items(), SYSTEM_COLOURS):
            if (system, dataset) in scores:
                values = np.sort(100 * scores[system, dataset][~np.isnan(scores[system, dataset])])
                part = np.arange(1, len(values) + 1) / len(values)
                ax.plot(values, part, color=colour, label=title, linewidth=2 if system == "dasbe" else 1.2)
        ax.set(title=dataset, xlabel=measure, xlim=(-5, 102), ylim=(0, 1.02))
        ax.grid(color="#eeeeee", linewidth=0.8)
    panels[0].set_ylabel("part of images at or below")
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(titles), frameon=False)
    return figure
