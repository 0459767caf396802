"""Scores of a grouping against the ground truth (paper, section 4)."""

from functools import lru_cache

import numpy as np

from dasbe import checks
from dasbe.engine.compiled import compiled


def ami(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Adjusted mutual information between ground truth and grouping of each image.

    Taken over the pixels that belong to exactly one object (label > 0); arithmetic
    average of the entropies. 1 = same partition, 0 = as good as chance.

    Parameters
    ----------
    groups : (N, H, W) int
        Ground truth, 0 = background or overlap.
    labels : (N, H, W) int
        Predicted clusters.

    Returns
    -------
    (N,) float
        NaN where an image has no labelled pixel.

    Raises
    ------
    InputError
        The two do not have the same shape, or hold what is no label.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.ami(np.array([[[1, 1, 2, 2, 0]]]), np.array([[[5, 5, 3, 3, 7]]]))
    array([1.])

    Source: Vinh, Epps, Bailey 2010. Compiled here, since scikit-learn (whose values these
    are, to rounding) takes about as long for an image's score as the loop for its spikes.
    """
    groups, labels = checks.labels(groups, "groups", 3), checks.labels(labels, "labels", 3)
    checks.same_shape(groups=groups, labels=labels)
    scores = np.full(len(groups), np.nan)
    for i, (truth, found) in enumerate(zip(groups, labels)):
        inside = truth > 0
        if inside.any():
            counts = _contingency(truth[inside], found[inside])
            scores[i] = _adjusted_mutual_information(counts, _log_factorials(counts.sum()))
    return scores


def _contingency(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """(groups, clusters) int64: how many points each group shares with each cluster."""
    (objects, truth), (clusters, found) = (np.unique(labels, return_inverse=True) for labels in (truth, found))
    shape = len(objects), len(clusters)
    return np.bincount(truth * shape[1] + found, minlength=shape[0] * shape[1]).reshape(shape)


@lru_cache(maxsize=4096)
def _log_factorials(n: int) -> np.ndarray:
    """log k! for k = 0 … n."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])


@compiled
def _adjusted_mutual_information(counts: np.ndarray, log_factorials: np.ndarray) -> float:
    """(MI − E[MI]) / (mean of the entropies − E[MI]) of a contingency table."""
    sizes, found = counts.sum(1), counts.sum(0)
    n = counts.sum()
    if np.count_nonzero(counts) == len(sizes) == len(found):
        return 1.0  # the same partition
    if len(sizes) == 1 or len(found) == 1:
        return 0.0
    information, expected, entropies = 0.0, 0.0, 0.0
    for a in sizes:
        entropies -= a / n * np.log(a / n)
    for b in found:
        entropies -= b / n * np.log(b / n)
    for i, a in enumerate(sizes):
        for j, b in enumerate(found):
            if counts[i, j]:
                information += counts[i, j] / n * np.log(n * counts[i, j] / (a * b))
            fixed = log_factorials[a] + log_factorials[b] + log_factorials[n - a] + log_factorials[n - b]
            fixed -= log_factorials[n]
            for k in range(max(1, a + b - n), min(a, b) + 1):  # overlaps by chance: hypergeometric
                by_k = log_factorials[k] + log_factorials[a - k] + log_factorials[b - k] + log_factorials[n - a - b + k]
                expected += k / n * np.log(n * k / (a * b)) * np.exp(fixed - by_k)
    return (information - expected) / (entropies / 2 - expected)
