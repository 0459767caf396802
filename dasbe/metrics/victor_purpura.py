"""The Victor–Purpura distance between spike trains (Victor and Purpura 1996), for all pairs at once."""

import math

import numpy as np

from dasbe.engine.compiled import compiled
from dasbe.support import checks


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
    trains = np.unpackbits(trains, axis=0, count=len(spikes)).astype(bool)  # (T, U)
    counts = trains.sum(0)
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
    which = which.reshape(-1)
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
