"""Curves with bands and clouds with regression lines, as scores are drawn."""

from typing import Any

import numpy as np

from dasbe.plotting.style import Axes, seaborn

CONFIDENCE = ("se", 1.96)  # a band that contains the mean in 95 of 100 cases


def curve_with_band(
    axes: Axes,
    values: np.ndarray,
    colour: str,
    label: str,
    x: np.ndarray | None = None,
    errorbar: tuple[str, float] = ("se", 1),
    **style: Any,
) -> None:
    """Draw the mean of `values` (repetitions, n) over the repetitions, and a band around it; NaN is left out.

    `x` (n,) is by default 0 to n − 1. `errorbar` is half the height of the band as Seaborn takes
    it: ``("se", 2)`` is two standard errors, ``("sd", 2)`` two standard deviations, both
    estimates from a sample (n − 1). `style` is that of :meth:`matplotlib.axes.Axes.plot`.
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
    """Draw points (n,), the least-squares line and its bootstrapped 95 % band, without NaN; it returns Pearson's r."""
    import pandas

    points = {"s": size, "alpha": 0.55, "linewidths": 0}
    seaborn().regplot(x=x, y=y, ax=axes, color=colour, seed=0, scatter_kws=points, line_kws={"linewidth": 1.2})
    axes.collections[-1].set_alpha(0.25)  # the band
    return float(pandas.Series(x).corr(pandas.Series(y)))
