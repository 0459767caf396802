"""Scores of a grouping against the ground truth (paper, section 4)."""

import numpy as np

from dasbe.errors import InputError


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

    Source: Vinh, Epps, Bailey 2010; computed by scikit-learn.
    """
    from sklearn.metrics import adjusted_mutual_info_score  # slow to import, and most commands do without

    groups, labels = np.asarray(groups), np.asarray(labels)
    if groups.shape != labels.shape or groups.ndim != 3:
        raise InputError(f"groups {groups.shape} and labels {labels.shape} must have the same shape (N, H, W)")
    scores = np.full(len(groups), np.nan)
    for i, (truth, found) in enumerate(zip(groups, labels)):
        inside = truth > 0
        if inside.any():
            scores[i] = adjusted_mutual_info_score(truth[inside], found[inside])
    return scores
