"""Figure 3: scores against cycle and against clustering score, on all datasets."""

import numpy as np
from matplotlib import rc_context

from dasbe.plotting.scores import CONFIDENCE, curve_with_band, regression, standard_error
from dasbe.plotting.style import RC, Figure, new_figure
from dasbe.support.palettes import COLOUR_BLIND_SAFE

ORDER = ("bars", "corners", "shapes", "multi_mnist", "mnist_shape")
PUBLISHED_COLOURS = ("#4C72B0", "#DD8452", "#55A868", "#C44E52", "#8172B3")  # seaborn's "deep"
DASHES = ("-", "--", ":", "-.", (0, (1, 1)))
SHOWN_PART = 30  # one point in so many is drawn, as in the paper


def figures(arrays: dict[str, np.ndarray], colours: str) -> dict[str, Figure]:
    """All panels by file name."""
    return {"figure3": four_panels(arrays, colours)}


@rc_context(RC)
def four_panels(arrays: dict[str, np.ndarray], colours: str = "published") -> Figure:
    """(a) synchrony and (b) rate score against cycle; (c), (d) both against clustering score.

    Parameters
    ----------
    arrays : dict
        ``DATASET_synchrony``, ``DATASET_rate``, ``DATASET_clustering``, (images, n) each.
    colours : str
        Name of a palette.
    """
    table = PUBLISHED_COLOURS if colours == "published" else COLOUR_BLIND_SAFE
    figure = new_figure(13, 3.5)
    axes = figure.subplots(1, 4)
    rng = np.random.default_rng(0)
    for dataset, colour, dash in zip((d for d in ORDER if f"{d}_synchrony" in arrays), table, DASHES):
        clustering = arrays[f"{dataset}_clustering"]
        chosen = rng.permutation(clustering.size)[: max(clustering.size // SHOWN_PART, 2)]
        for score, over_time, against in zip(("synchrony", "rate"), axes[:2], axes[2:]):
            values = arrays[f"{dataset}_{score}"]
            band = CONFIDENCE * standard_error(values)
            curve_with_band(over_time, values, band, colour, dataset, linestyle=dash)
            regression(against, clustering.ravel()[chosen], values.ravel()[chosen], colour, dataset, size=4)
    for ax, name in zip(axes, ("(a) synchrony over time", "(b) rate over time", "(c) synchrony", "(d) rate")):
        ax.set_title(name, loc="left")
    for ax in axes[:2]:
        ax.set(xlabel="cycle", ylim=(-0.5, 1.02))
    axes[2].set(xlabel="clustering score", ylim=(-0.1, 1.05))
    axes[3].set(xlabel="clustering score", ylim=(-1.02, 1.02))
    for ax, score in zip(axes, ("synchrony", "rate", "synchrony", "rate")):
        ax.set_ylabel(f"{score} score", labelpad=1)
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), frameon=False)
    return figure
