"""How synchronous spikes are: Victor–Purpura distance, scores of every cycle, synchrony matrix, autocorrelation."""

import math

import numpy as np

from dasbe.binding.readout import group, smooth
from dasbe.engine.compiled import compiled
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.published import READOUT_CYCLES

SYNCHRONY_Q = 1 / 6  # 1/step, as in Figure 3; Figure 2 uses 1/3


def victor_purpura_distances(spikes: np.ndarray, q: float) -> np.ndarray:
    """Distance of every pair of spike trains.

    The least total cost of turning one train into the other, where a spike is inserted
    or deleted for 1 and moved by Δt for q·|Δt|:

        G(i, j) = min(G(i−1, j) + 1, G(i, j−1) + 1, G(i−1, j−1) + q·|tᵢ − tⱼ|).

    q = 0 compares spike counts; with q = ∞ only spikes in the same step match.

    Parameters
    ----------
    spikes : (T, M) bool
        M trains over T steps.
    q : float
        Cost of moving a spike, 1/step; not negative, may be infinite.

    Returns
    -------
    (M, M) float64
        Symmetric, 0 on the diagonal.

    Raises
    ------
    InputError
        `spikes` is not two-dimensional, or `q` is negative or not a number.

    Notes
    -----
    Identical trains are compared once. Each of the U² / 2 pairs of different trains
    takes S² steps for trains of S spikes; for q = 0 and q = ∞ there are closed forms.
    """
    spikes, q = checks.spikes(spikes, "(steps, trains)", 2, empty=True), checks.number("q", q, 0, infinite=True)
    trains, which = np.unique(np.packbits(spikes, axis=0), axis=1, return_inverse=True)
    which = which.reshape(-1)
    trains = np.unpackbits(trains, axis=0, count=len(spikes)).astype(bool)  # (T, U)
    counts = trains.sum(0)
    checks.memory_of_pairs(len(which), len(which), "spike trains")
    if q == 0:
        distances = np.abs(np.subtract.outer(counts, counts)).astype(np.float64)
    elif math.isinf(q):
        together = trains.T.astype(np.float64) @ trains
        distances = np.add.outer(counts, counts) - 2 * together
    else:
        times = np.zeros((trains.shape[1], max(int(counts.max(initial=0)), 1)))
        for row, train in zip(times, trains.T):
            fired = np.flatnonzero(train)
            row[: len(fired)] = fired
        distances = _pairs(times, counts, q)
    return distances[np.ix_(which, which)]


@compiled
def _pairs(times: np.ndarray, counts: np.ndarray, q: float) -> np.ndarray:
    """Distances (U, U) of trains given by their spike times (U, S) and spike counts (U,)."""
    n = len(counts)
    distances = np.zeros((n, n))
    row = np.empty(times.shape[1] + 1)
    for a in range(n):
        for b in range(a):
            for j in range(counts[b] + 1):
                row[j] = j
            for i in range(counts[a]):
                diagonal = row[0]  # G(i−1, j−1)
                row[0] = i + 1
                for j in range(counts[b]):
                    moved = diagonal + q * abs(times[a, i] - times[b, j])
                    diagonal = row[j + 1]
                    row[j + 1] = min(moved, diagonal + 1, row[j] + 1)
            distances[a, b] = distances[b, a] = row[counts[b]]
    return distances


def silhouette(distances: np.ndarray, labels: np.ndarray) -> float:
    """Mean silhouette coefficient (Rousseeuw 1987): (b − a) / max(a, b) over all points.

    a = mean distance to the other points of the own cluster, b = least mean distance to
    the points of another one; 0 for a point that is alone in its cluster.

    Parameters
    ----------
    distances : (M, M) float
    labels : (M,) int

    Returns
    -------
    float
        In [−1, 1]; NaN if there are not at least two clusters and more points than clusters.

    Raises
    ------
    InputError
        The two do not fit together.
    """
    distances = checks.spike_trains(distances, "distances", "(M, M)", 2, empty=True)
    labels = checks.labels(labels, "labels", 1)
    if distances.shape != (len(labels), len(labels)):
        raise InputError(f"distances have shape {distances.shape}; they must be (M, M) for {len(labels)} labels")
    if (distances < 0).any() or np.diag(distances).any() or not np.allclose(distances, distances.T):
        raise InputError("distances must be symmetric, at least 0, and 0 on the diagonal; give no similarities")
    clusters, which = np.unique(labels, return_inverse=True)
    if not 2 <= len(clusters) < len(labels):
        return np.nan
    members = np.equal.outer(which, np.arange(len(clusters))).astype(np.float64)  # (M, K)
    sizes = members.sum(0)
    to_clusters = distances @ members
    own = np.arange(len(labels)), which
    within = to_clusters[own] / np.maximum(sizes[which] - 1, 1)
    to_others = to_clusters / sizes
    to_others[own] = np.inf
    between = to_others.min(1)
    larger = np.maximum(within, between)
    scores = np.divide(between - within, larger, out=np.zeros_like(larger), where=larger > 0)
    return float(np.where(sizes[which] > 1, scores, 0).mean())


def cycle_scores(
    spikes: np.ndarray, groups: np.ndarray, *, q: float = SYNCHRONY_Q, seed: int = 0
) -> dict[str, np.ndarray]:
    """Synchrony, rate and clustering score of one image in every cycle (paper, section 4.2).

    All three are silhouettes over the labelled pixels, with clusters from k-means on the
    smoothed spikes of the same cycle: with the Victor–Purpura distance, with the same at
    q = 0 (which compares spike counts alone), and with the Euclidean distance of the
    smoothed spikes.

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (H, W) int
        Ground truth; pixels with label > 0 count, and K = largest label + 1. A number may be
        skipped, since an object may be hidden, but not more of them than there are labels.
    q : float
        1/step.
    seed : int
        Seed of k-means.

    Returns
    -------
    dict of (n,) float
        ``"synchrony"``, ``"rate"``, ``"clustering"``; NaN where fewer than two clusters
        have labelled pixels.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    (spikes, groups), q = _checked(spikes, groups), checks.number("q", q, 0, infinite=True)
    present = np.unique(groups[groups > 0])
    if groups.max() > 2 * len(present):  # one that skips fewer numbers may have objects that are hidden
        raise InputError(
            f"groups hold {checks.shown(present.tolist())}, which are {len(present)} objects, as class numbers do; "
            "number the objects from 1 on"
        )
    labels = group(spikes[:, None], int(groups.max()) + 1, last=1, seed=seed)
    scores = {name: np.empty(len(spikes)) for name in ("synchrony", "rate", "clustering")}
    for cycle, clusters in enumerate(labels[:, groups > 0]):
        trains = spikes[cycle][:, groups > 0]
        scores["synchrony"][cycle] = silhouette(victor_purpura_distances(trains, q), clusters)
        scores["rate"][cycle] = silhouette(victor_purpura_distances(trains, 0), clusters)
        scores["clustering"][cycle] = silhouette(_euclidean(smooth(trains).T), clusters)
    return scores


def _euclidean(points: np.ndarray) -> np.ndarray:
    """(M, M) distances of (M, D) points."""
    gram = points @ points.T
    squares = np.diag(gram)
    return np.sqrt(np.maximum(squares[:, None] + squares - 2 * gram, 0))


def synchrony_matrix(
    spikes: np.ndarray, groups: np.ndarray, alpha: float = 0.5, last: int = READOUT_CYCLES
) -> np.ndarray:
    """Synchrony of every pair of pixels: M = (1 + α) SᵀS + α SᵀS⁺ + α SᵀS⁻, divided by its maximum.

    S holds the spikes of the last cycles, S⁺ and S⁻ the same one step later and earlier
    (the "fMRI measure" of the published code).

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (H, W) int
        Pixels with label > 0 are shown, sorted by label.
    alpha : float
    last : int
        Number of cycles, up to the last.

    Returns
    -------
    (P, P) float

    Raises
    ------
    InputError
        An argument is wrong.
    """
    spikes, groups = _checked(spikes, groups)
    alpha, last = checks.number("alpha", alpha, 0), checks.whole_number("last", last)
    order = np.argsort(groups[groups > 0], kind="stable")
    checks.memory_of_pairs(len(order), len(order), "pixels")
    trains = spikes[-last:].reshape(-1, *groups.shape)[:, groups > 0][:, order].astype(np.float64)  # (T, P)
    together = trains.T @ trains
    next_to = trains[:-1].T @ trains[1:]
    matrix = (1 + alpha) * together + alpha * (next_to + next_to.T)
    return matrix / max(matrix.max(initial=0), np.finfo(float).tiny)


def autocorrelation(spikes: np.ndarray, groups: np.ndarray, max_lag: int = 19) -> np.ndarray:
    """Autocorrelation of each group's spike count: Σₜ n[t] n[t + lag] / Σₜ n[t]².

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (H, W) int
    max_lag : int
        Largest lag in steps.

    Returns
    -------
    (groups, 2·max_lag + 1) float
        For lags −max_lag … max_lag; NaN for a group that never fires.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    trains, groups, max_lag = _with_lag(spikes, groups, max_lag)
    result = np.full((groups.max(), 2 * max_lag + 1), np.nan)
    for k in range(1, groups.max() + 1):
        counts = trains[:, groups == k].sum(1).astype(np.float64)
        if counts.any():
            half = np.array([counts[: len(counts) - lag] @ counts[lag:] for lag in range(max_lag + 1)])
            result[k - 1] = np.concatenate([half[:0:-1], half]) / half[0]
    return result


def cross_correlation(spikes: np.ndarray, groups: np.ndarray, max_lag: int = 19) -> np.ndarray:
    """Cross-correlation of the spike counts of every two groups: Σₜ nⱼ[t] nₖ[t + lag] / √(Σₜ nⱼ[t]² Σₜ nₖ[t]²).

    Parameters
    ----------
    spikes : (n, d, H, W) bool
    groups : (H, W) int
    max_lag : int
        Largest lag in steps.

    Returns
    -------
    (groups, groups, 2·max_lag + 1) float
        For lags −max_lag … max_lag, at which the second group fires after the first; NaN for
        groups that never fire. Of a group with itself it is :func:`autocorrelation`.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    trains, groups, max_lag = _with_lag(spikes, groups, max_lag)
    n_groups, width = int(groups.max()), 2 * max_lag + 1
    checks.memory(2 * 8 * n_groups**2 * width, "correlations of these groups", "take a smaller max_lag")
    counts = np.array([trains[:, groups == k].sum(1) for k in range(1, n_groups + 1)], float).reshape(n_groups, -1)
    padded = np.pad(counts, ((0, 0), (max_lag, max_lag)))
    result, norm = np.empty((n_groups, n_groups, width)), np.linalg.norm(counts, axis=1)
    for lag in range(width):
        result[..., lag] = counts @ padded[:, lag : lag + len(trains)].T
    with np.errstate(invalid="ignore"):
        return result / np.outer(norm, norm)[..., None]


def _with_lag(spikes: np.ndarray, groups: np.ndarray, max_lag: int) -> tuple[np.ndarray, np.ndarray, int]:
    """Checked arguments of a correlation: spikes (T, H, W), groups, and a lag that is shorter."""
    spikes, groups = _checked(spikes, groups)
    trains, max_lag = spikes.reshape(-1, *groups.shape), checks.whole_number("max_lag", max_lag, 0)
    if max_lag >= len(trains):
        raise InputError(f"max_lag is {max_lag}; it must be from 0 to {len(trains) - 1} steps")
    return trains, groups, max_lag


def _checked(spikes: np.ndarray, groups: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    spikes, groups = checks.spikes(spikes, "(cycles, delay, H, W)", 4), checks.labels(groups, "groups", 2)
    if spikes.shape[2:] != groups.shape:
        raise InputError(f"spikes {spikes.shape} must be (cycles, delay, H, W) with the H, W of groups {groups.shape}")
    if groups.max() >= groups.size:
        raise InputError(f"groups go up to {groups.max()} in an image of {groups.size} pixels; number them from 1 on")
    return spikes, groups
