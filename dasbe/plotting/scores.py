"""Curves with bands and clouds with regression lines, as scores are drawn."""

from typing import Any

import numpy as np

from dasbe.plotting.style import Axes, seaborn

CONFIDENCE = ("se", 1.96)  # standard errors: a band that holds the mean in 95 of 100 cases


def curve_with_band(
    axes: Axes,
    values: np.ndarray,
    colour: str,
    label: str,
    x: np.ndarray | None = None,
    errorbar: tuple[str, float] = ("se", 1),
    **style: Any,
) -> None:
    """Mean of `values` (repetitions, n) over the repetitions, at `x` (n,), and a band around it; NaN is left out.

    Parameters
    ----------
    axes : Axes
    values : (repetitions, n) float
    colour, label : str
    x : (n,) float, optional
        By default 0 to n − 1.
    errorbar : (str, float)
        Half the height of the band as Seaborn names it: so many standard errors, ``"se"``, or
        standard deviations, ``"sd"``, of the repetitions as a sample.
    **style
        As for :meth:`matplotlib.axes.Axes.plot`.
    """
    x = np.arange(values.shape[1]) if x is None else x
    seaborn().lineplot(
        x=np.tile(x, len(values)),
        y=values.ravel(),
        ax=axes,
        color=colour,
        label=label,
        errorbar=errorbar,
        err_kws={"alpha": 0.2, "linewidth": 0},
        markeredgecolor=colour,
        legend=False,
        **style,
    )


def regression(axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, size: float = 6) -> float:
    """Points (n,), their least-squares line and its 95 % band, by bootstrap; returns Pearson's r. NaN is left out."""
    import pandas

    points = {"s": size, "alpha": 0.55, "linewidths": 0}
    seaborn().regplot(x=x, y=y, ax=axes, color=colour, seed=0, scatter_kws=points, line_kws={"linewidth": 1.5})
    return float(pandas.Series(x).corr(pandas.Series(y)))
