"""AMI against compute: a curve for each system, by evaluations of the network and by time."""

from typing import NamedTuple

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.generalisation import COLOURS, OTHERS
from dasbe.plotting.style import RC, Figure, new_figure

MARKS = ("o", "s", "^", "D", "v", "P", "X", "*")


class Curve(NamedTuple):
    """Points of a system that is given more and more; (n,) each."""

    ami: np.ndarray
    error: np.ndarray
    evaluations: np.ndarray
    ms: np.ndarray


@rc_context(RC)
def curves_by_dataset(titles: dict[str, str], curves: dict[str, dict[str, Curve]]) -> Figure:
    """A column for each dataset; AMI ± standard error against evaluations an image above, milliseconds below.

    Curves of the same colour are of the same system; dashed where its runs are pooled, or where it counts.

    Parameters
    ----------
    titles : dict
        Title of each curve, by its name: that of a system, with ``_pooled`` or ``_counting`` behind.
    curves : dict of dict
        By dataset, then by name; per cent.
    """
    figure = new_figure(2.3 * len(curves) + 0.8, 5.6)
    panels = figure.subplots(2, len(curves), sharey="col", squeeze=False)
    for column, (dataset, of_systems) in enumerate(curves.items()):
        for (name, title), mark in zip(titles.items(), MARKS):
            curve, (system, dashed, _) = of_systems[name], name.replace("_counting", "_pooled").partition("_pooled")
            style = {"color": COLOURS.get(system, OTHERS), "linestyle": "--" if dashed else "-", "linewidth": 1.2}
            for ax, x in zip(panels[:, column], (curve.evaluations, curve.ms)):
                ax.errorbar(x, curve.ami, curve.error, label=title, marker=mark, markersize=4, **style)
        for ax, quantity in zip(panels[:, column], ("evaluations an image", "milliseconds an image")):
            ax.set_xscale("log")
            ax.set_xlabel(quantity)
            ax.grid(color="#eeeeee", linewidth=0.8)
            ax.set_axisbelow(True)
        panels[0, column].set_title(dataset)
    for ax in panels[:, 0]:
        ax.set_ylabel("AMI (%)")
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, handlelength=3)
    return figure
