"""Picture of what variants of a system score beside it."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import RC, Figure, new_figure

COLOUR = "#0072B2"


@rc_context(RC)
def score_differences(titles: dict[str, str], datasets: list[str], differences: dict) -> Figure:
    """A panel for each dataset, and in it a point for each variant: mean difference of AMI and its standard error.

    Parameters
    ----------
    titles : dict
        Title of each variant, from top to bottom; the first is the one that all are compared with.
    datasets : list of str
    differences : dict
        (mean, error) by (variant, dataset), per cent.
    """
    figure = new_figure(2.4 + 1.75 * len(datasets), 0.9 + 0.24 * len(titles))
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    rows = np.arange(len(titles))
    for ax, dataset in zip(panels, datasets):
        means, errors = np.array([differences[name, dataset] for name in titles]).T
        ax.axvline(0, color="#888888", linewidth=0.8)
        ax.errorbar(means, rows, xerr=errors, fmt="o", color=COLOUR, markersize=4, linewidth=1.2)
        ax.set(title=dataset, ylim=(len(titles) - 0.5, -0.5))
        ax.grid(color="#eeeeee", linewidth=0.8)
        ax.set_axisbelow(True)
    panels[0].set_yticks(rows, list(titles.values()))
    figure.supxlabel(f"AMI, points beside {next(iter(titles.values()))}; mean ± standard error", size=9)
    return figure
