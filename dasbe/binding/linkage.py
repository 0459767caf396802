"""How many groups there are, and which: average linkage of spike trains, cut where it sets the groups apart best.

The distance of two trains is 1 − cos: it does not matter how often they fire, only
whether they do so in the same steps. Average linkage (Sokal and Michener 1958) joins the
two nearest clusters again and again, by the mean distance of their members. Cut at some
distance, the clusters that are large enough are groups; the best cut is the one at which
pixels are much nearer to their own group than to the next. Some iterations of k-means
that start from these groups then place every pixel, those without a group as well.

All follows from the Gram matrix of the trains, which for spikes is exact in float32, so
that the result is the same on any machine.

The constants are the same for all data. They were chosen on images 5000 to 5999 of
``test`` of the datasets of Table 1, and on pictures of one to five small objects.
"""

import numpy as np

from dasbe.engine.compiled import compiled

CYCLES = 20  # at the end of a run that are read
CUTS = np.append(np.linspace(0.5, 0.95, 16), np.inf)  # distances at which the tree is cut; nothing is cut off at last
LEAST_PIXELS, LEAST_SHARE = 8, 5  # a group has so many pixels, or a fifth of those that fire if that is less
LEAST_GAP = 0.05  # groups that are set apart no better are one: chance does as much
ONE_OBJECT, SYNCHRONY = 0.8, 0.02  # and so are groups no further apart than 0.8, unless within each it is 0.02
ITERATIONS = 10  # of k-means


def find_groups(trains: np.ndarray) -> np.ndarray:
    """Group trains without the number of groups.

    From `trains` (F, T), smoothed spike trains of pixels that fire, or values not far above
    1, to the group of each, (F,) int64, from 1 on; 0 for those that have no group and are as
    near to silence as to any.
    """
    if not len(trains):
        return np.zeros(0, np.int64)
    gram = trains @ trains.T
    norms = np.sqrt(np.diag(gram))
    norms[norms == 0] = np.inf  # too small to be told from silence
    distances = 1 - gram / np.outer(norms, norms)
    joined, heights = average_linkage(distances)
    labels = _best_cut(distances, joined, heights, CUTS)
    return _settled(gram, labels)


def average_linkage(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tree of average linkage, from `distances` (n, n).

    Returns a member of each of the two clusters that are joined, (n − 1, 2) int64, and the
    mean distance of their members, (n − 1,), ascending.
    """
    joined, heights = _nearest_neighbour_chain(distances)
    order = np.argsort(heights, kind="stable")
    return joined[order], heights[order]


@compiled
def _nearest_neighbour_chain(distances: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """:func:`average_linkage`, in the order of the chain (Müllner 2011, arXiv 1109.2378): n² operations."""
    n = len(distances)
    between = distances.copy()  # of clusters, each in the place of one of its members; infinite in those of the others
    for i in range(n):
        between[i, i] = np.inf
    sizes = np.ones(n, between.dtype)
    joined, heights = np.empty((n - 1, 2), np.int64), np.empty(n - 1, between.dtype)
    chain, length = np.empty(n + 1, np.int64), 0
    for step in range(n - 1):
        if length == 0:
            chain[0], length = np.argmax(sizes), 1
        while True:  # each is the nearest of the one before it, until two are the nearest of each other
            a = chain[length - 1]
            b = np.argmin(between[a])
            if length > 1 and between[a, chain[length - 2]] <= between[a, b]:
                b = chain[length - 2]
                break
            chain[length], length = b, length + 1
        length -= 2
        joined[step, 0], joined[step, 1], heights[step] = a, b, between[a, b]
        total = sizes[a] + sizes[b]
        for c in range(n):
            between[b, c] = between[c, b] = (sizes[a] * between[a, c] + sizes[b] * between[b, c]) / total
            between[a, c] = between[c, a] = np.inf
        sizes[a], sizes[b] = 0, total
    return joined, heights


@compiled
def _best_cut(distances: np.ndarray, joined: np.ndarray, heights: np.ndarray, cuts: np.ndarray) -> np.ndarray:
    """Group of each of n trains, from 1 on, at the best of the `cuts`; 0 for those in clusters that are too small."""
    n = len(distances)
    least = max(2, min(LEAST_PIXELS, -(-n // LEAST_SHARE)))
    everything = np.ones(n, np.int64)
    best_labels, best_gap, best_within = everything, LEAST_GAP, np.inf
    parent, sizes = np.arange(n), np.ones(n, np.int64)
    done, apart = 0, 0.0  # joints so far, and how far apart the last two groups were that were joined
    for cut in cuts:
        before = done
        while done < n - 1 and heights[done] < cut:
            a, b = _root(parent, joined[done, 0]), _root(parent, joined[done, 1])
            if min(sizes[a], sizes[b]) >= least:
                apart = heights[done]
            parent[a], sizes[b], done = b, sizes[a] + sizes[b], done + 1
        if done == before:  # the clusters of the cut before
            continue
        labels, k = _large_clusters(parent, sizes, least)
        if k > 1:
            gap, within = _gap(distances, labels, k)
            if gap > best_gap:
                best_labels, best_gap, best_within = labels, gap, within
    return everything if apart < ONE_OBJECT and best_within > SYNCHRONY else best_labels


@compiled
def _root(parent: np.ndarray, i: int) -> int:
    """The member that stands for the cluster of `i`; shortens the way to it."""
    while parent[i] != i:
        parent[i] = parent[parent[i]]
        i = parent[i]
    return i


@compiled
def _large_clusters(parent: np.ndarray, sizes: np.ndarray, least: int) -> tuple[np.ndarray, int]:
    """Cluster of each, from 1 on, 0 for those of fewer than `least` members; and how many clusters there are."""
    n, k = len(parent), 0
    numbers, labels = np.zeros(n, np.int64), np.empty(n, np.int64)
    for i in range(n):
        root = _root(parent, i)
        if sizes[root] >= least and not numbers[root]:
            k += 1
            numbers[root] = k
        labels[i] = numbers[root]
    return labels, k


@compiled
def _gap(distances: np.ndarray, labels: np.ndarray, k: int) -> tuple[float, float]:
    """How much nearer points are to their own group than to the next, and how near to their own.

    The mean of (b − a) / √max(a, b), and that of a, over all points; those without a group
    (label 0) count 0. a = mean distance to the others of the own group, b = least mean
    distance to another one. The silhouette (Rousseeuw 1987) divides by max(a, b) and would
    rather split an object whose parts have only some of their steps in common; b − a alone
    would rather merge objects that have some.
    """
    n = len(labels)
    sizes = np.zeros(k + 1)
    for i in range(n):
        sizes[labels[i]] += 1
    gap, within = 0.0, 0.0
    for i in range(n):
        if labels[i]:
            sums = np.zeros(k + 1)
            for j in range(n):
                sums[labels[j]] += distances[i, j]
            own, other = sums[labels[i]] / (sizes[labels[i]] - 1), np.inf
            for group in range(1, k + 1):
                if group != labels[i]:
                    other = min(other, sums[group] / sizes[group])
            gap += (other - own) / np.sqrt(max(own, other))
            within += own
    return gap / n, within / n


@compiled
def _settled(gram: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Iterate k-means from `labels` on; label 0 has its centre in silence, at 0, and that does not move."""
    n, k = len(labels), labels.max()
    for _ in range(ITERATIONS):
        sizes, squares, products = np.zeros(k + 1), np.zeros(k + 1), np.zeros((n, k + 1))
        for i in range(n):
            sizes[labels[i]] += 1
        for i in range(n):
            for j in range(n):
                products[i, labels[j]] += gram[i, j]
            squares[labels[i]] += products[i, labels[i]]
        new = np.zeros(n, np.int64)
        for i in range(n):
            least = 0.0  # |x − c|² − |x|², of the centre at 0
            for group in range(1, k + 1):
                if sizes[group]:
                    distance = (squares[group] / sizes[group] - 2 * products[i, group]) / sizes[group]
                    if distance < least:
                        least, new[i] = distance, group
        if np.array_equal(new, labels):
            break
        labels = new
    return labels
