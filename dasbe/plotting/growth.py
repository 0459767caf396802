"""How the time of the engine grows with the size of the problem."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.style import INK, RC, Figure, new_figure


@rc_context(RC)
def growth_curves(curves: dict[str, tuple[list[int], list[float]]]) -> Figure:
    """Seconds against one quantity in each panel, both logarithmic, with a line of proportional growth.

    Parameters
    ----------
    curves : dict
        Values and seconds of each quantity.
    """
    figure = new_figure(2.7 * len(curves), 2.6)
    for ax, (title, (values, times)) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items()):
        ax.loglog(values, times, marker="o", color=INK, label="measured")
        proportional = times[-1] * np.array(values) / values[-1]
        ax.loglog(values, proportional, color="#999999", linestyle="--", linewidth=1, label="proportional")
        ax.set(xlabel=title, xticks=values, xticklabels=[str(v) for v in values])
        ax.minorticks_off()
    figure.axes[0].set_ylabel("seconds")
    figure.axes[0].legend(frameon=False)
    return figure
