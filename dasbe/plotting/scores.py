"""Curves with bands and clouds with regression lines, as scores are drawn."""

import numpy as np


def curve_with_band(
    axes, values: np.ndarray, half_width: np.ndarray, colour, label: str, x: np.ndarray | None = None, **style
) -> None:
    """Mean of `values` (repetitions, n) over the repetitions, and a band of ± `half_width` (n,) around it."""
    mean = np.nanmean(values, axis=0)
    x = np.arange(len(mean)) if x is None else x
    axes.plot(x, mean, color=colour, label=label, **style)
    axes.fill_between(x, mean - half_width, mean + half_width, color=colour, alpha=0.2, linewidth=0)


def regression(axes, x: np.ndarray, y: np.ndarray, colour, label: str | None = None, size: float = 6) -> float:
    """Points (n,) with their least-squares line; returns Pearson's r."""
    valid = ~(np.isnan(x) | np.isnan(y))
    x, y = x[valid], y[valid]
    axes.scatter(x, y, s=size, color=colour, alpha=0.55, linewidths=0)
    slope, intercept = np.polyfit(x, y, 1)
    ends = np.array([x.min(), x.max()])
    axes.plot(ends, slope * ends + intercept, color=colour, label=label)
    return float(np.corrcoef(x, y)[0, 1])
