"""Scores of a grouping against the ground truth (paper, section 4)."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from dasbe.engine.compiled import compiled
from dasbe.support import checks

NORMALISATIONS = ("arithmetic", "max")


def ami(groups: np.ndarray, labels: np.ndarray, normalisation: str = "arithmetic") -> np.ndarray:
    """Adjusted mutual information between ground truth and grouping of each image.

    Taken over the pixels that belong to exactly one object (label > 0). 1 = same
    partition, 0 = as good as chance.

    Parameters
    ----------
    groups : (N, H, W) int
        Ground truth, 0 = background or overlap.
    labels : (N, H, W) int
        Predicted clusters.
    normalisation : str
        Entropy in the denominator: ``"arithmetic"``, the mean of those of the two partitions,
        or ``"max"``, the larger, as in Reconstruction Clustering (Greff, Srivastava,
        Schmidhuber 2015), which gives lower values.

    Returns
    -------
    (N,) float
        NaN where an image has no labelled pixel.

    Raises
    ------
    InputError
        The two differ in shape, or hold values that are no labels.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.ami(np.array([[[1, 1, 2, 2, 0]]]), np.array([[[5, 5, 3, 3, 7]]]))
    array([1.])

    Source: Vinh, Epps, Bailey 2010. Compiled here, since scikit-learn (whose values these
    are, to rounding) takes about as long for an image's score as the loop for its spikes.
    """
    by_larger = checks.one_of("normalisation", normalisation, NORMALISATIONS) == "max"

    def score(counts: np.ndarray) -> float:
        return _adjusted_mutual_information(counts, _log_factorials(counts.sum()), by_larger)

    return _scores_of_objects(groups, labels, score)


def ari(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Adjusted Rand index between ground truth and grouping of each image, over the foreground (FG-ARI).

    Taken over the pixels that belong to exactly one object (label > 0), as the literature
    on object-centric learning has it. 1 = same partition, 0 = as good as chance.

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
        The two differ in shape, or hold values that are no labels.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.ari(np.array([[[1, 1, 2, 2, 0]]]), np.array([[[5, 5, 3, 3, 7]]]))
    array([1.])

    Source: Hubert, Arabie 1985.
    """
    return _scores_of_objects(groups, labels, _adjusted_rand_index)


def mbo(groups: np.ndarray, labels: np.ndarray, images: np.ndarray | None = None) -> np.ndarray:
    """Mean best overlap of each image: how well the best cluster fits each object, over all its objects.

    For each object, the largest intersection over union of any cluster with it, that of
    the background (label 0) included; then the mean over the objects of the image. All
    pixels count, so that a cluster that spills over into the background fits less well
    (Seitzer et al. 2023). Pixels where objects overlap belong to no single one; with
    `images` they are left out (Löwe et al. 2023), without, they count as background.

    Parameters
    ----------
    groups : (N, H, W) int
        Ground truth, 0 = background or overlap.
    labels : (N, H, W) int
        Predicted clusters.
    images : (N, H, W) array of 0 and 1, optional
        Where there is ink, so that overlaps (ink of group 0) can be told from background.

    Returns
    -------
    (N,) float
        NaN where an image has no object.

    Raises
    ------
    InputError
        The arrays differ in shape, or hold values that they must not have.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.mbo(np.array([[[1, 1, 2, 2, 0]]]), np.array([[[1, 1, 2, 2, 2]]]))
    array([0.83333333])

    Sources: Pont-Tuset et al. 2017; Seitzer et al. 2023 (arXiv 2209.14860); Löwe et al.
    2023 (arXiv 2306.00600).
    """
    groups, labels = _checked(groups, labels)
    counted = np.ones(groups.shape, bool)
    if images is not None:
        images = checks.images(images)
        checks.same_shape(images=images, groups=groups)
        counted = (groups > 0) | (images == 0)
    scores = np.full(len(groups), np.nan)
    for i, (truth, found, inside) in enumerate(zip(groups, labels, counted)):
        if truth.any():
            counts = _contingency(truth[inside], found[inside])
            unions = counts.sum(1, keepdims=True) + counts.sum(0) - counts
            first = int((truth[inside] == 0).any())  # row of the first object, after that of the background
            scores[i] = (counts / unions).max(1)[first:].mean()
    return scores


def n_found(labels: np.ndarray) -> np.ndarray:
    """Number of groups in each image: different labels above 0.

    Parameters
    ----------
    labels : (N, H, W) int
        Predicted clusters, or ground truth; 0 = background.

    Returns
    -------
    (N,) int64

    Raises
    ------
    InputError
        `labels` hold values that are no labels.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.n_found(np.array([[[1, 1, 4, 4, 0]]]))
    array([2])
    """
    labels = checks.labels(labels, "labels", 3)
    return np.array([np.count_nonzero(np.unique(image)) for image in labels], np.int64)


def _checked(groups: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    groups, labels = checks.labels(groups, "groups", 3), checks.labels(labels, "labels", 3)
    checks.same_shape(groups=groups, labels=labels)
    return groups, labels


def _scores_of_objects(groups: np.ndarray, labels: np.ndarray, score: Callable[[np.ndarray], float]) -> np.ndarray:
    """`score` of the contingency table of the pixels of single objects of each image, (N,); NaN if it has none."""
    groups, labels = _checked(groups, labels)
    scores = np.full(len(groups), np.nan)
    for i, (truth, found) in enumerate(zip(groups, labels)):
        inside = truth > 0
        if inside.any():
            scores[i] = score(_contingency(truth[inside], found[inside]))
    return scores


def _contingency(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Number of points that each group shares with each cluster, (groups, clusters) int64."""
    (objects, truth), (clusters, found) = (np.unique(labels, return_inverse=True) for labels in (truth, found))
    shape = len(objects), len(clusters)
    checks.memory_of_pairs(*shape, "groups")
    return np.bincount(truth * shape[1] + found, minlength=shape[0] * shape[1]).reshape(shape)


@lru_cache(maxsize=4096)
def _log_factorials(n: int) -> np.ndarray:
    """log k! for k = 0 … n."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, n + 1)))])


def _adjusted_rand_index(counts: np.ndarray) -> float:
    """(I − E[I]) / (largest I − E[I]) of a contingency table; I = pairs of points that are together in both."""
    sizes, found = counts.sum(1), counts.sum(0)
    if np.count_nonzero(counts) == len(sizes) == len(found):
        return 1.0  # the same partition
    together, within, among = (float((part * (part - 1)).sum()) for part in (counts, sizes, found))
    n = float(counts.sum())
    expected = within * among / (n * (n - 1))
    return (together - expected) / ((within + among) / 2 - expected)


@compiled
def _adjusted_mutual_information(counts: np.ndarray, log_factorials: np.ndarray, by_larger: bool) -> float:
    """(MI − E[MI]) / (mean of the entropies, or the larger, − E[MI]) of a contingency table."""
    sizes, found = counts.sum(1), counts.sum(0)
    n = counts.sum()
    if np.count_nonzero(counts) == len(sizes) == len(found):
        return 1.0  # the same partition
    if len(sizes) == 1 or len(found) == 1:
        return 0.0
    information, expected, entropies = 0.0, 0.0, 0.0
    for a in sizes:
        entropies -= a / n * np.log(a / n)
    of_sizes = entropies
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
    largest = max(of_sizes, entropies - of_sizes) if by_larger else entropies / 2
    return (information - expected) / (largest - expected)
