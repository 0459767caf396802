"""Curves with bands and clouds with regression lines, as scores are drawn."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes

CONFIDENCE = 1.96  # standard errors: a band that holds the mean in 95 of 100 cases


def curve_with_band(
    axes: Axes,
    values: np.ndarray,
    half_width: np.ndarray,
    colour: str,
    label: str,
    x: np.ndarray | None = None,
    **style: Any,
) -> None:
    """Mean of `values` (repetitions, n) over the repetitions, and a band of ± `half_width` (n,) around it.

    Columns of nothing but NaN are left out.
    """
    there = ~np.isnan(values).all(axis=0)
    x = (np.arange(values.shape[1]) if x is None else x)[there]
    mean, half_width = np.nanmean(values[:, there], axis=0), half_width[there]
    axes.plot(x, mean, color=colour, label=label, **style)
    axes.fill_between(x, mean - half_width, mean + half_width, color=colour, alpha=0.2, linewidth=0)


def standard_error(values: np.ndarray) -> np.ndarray:
    """Standard error of the mean over the repetitions, (n,) of (repetitions, n); NaN where there are none."""
    counts = np.maximum((~np.isnan(values)).sum(0), 1)
    deviations = values - np.nansum(values, axis=0) / counts
    return np.sqrt(np.nansum(deviations**2, axis=0)) / counts


def regression(
    axes: Axes, x: np.ndarray, y: np.ndarray, colour: str, label: str | None = None, size: float = 6
) -> float:
    """Points (n,) with their least-squares line; returns Pearson's r."""
    valid = ~(np.isnan(x) | np.isnan(y))
    x, y = x[valid], y[valid]
    axes.scatter(x, y, s=size, color=colour, alpha=0.55, linewidths=0)
    slope, intercept = np.polyfit(x, y, 1)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, slope * ends + intercept, color=colour, label=label)
    return float(np.corrcoef(x, y)[0, 1])
