"""K-means of many small weighted point sets at once, all restarts together.

All distances follow from the Gram matrix of a point set, so seeding (k-means++ with
several trials a centre; Arthur and Vassilvitskii 2007) and Lloyd's iterations are
batched matrix products over sets and restarts.
"""

import math

import torch
from torch import Tensor

MOST_ITERATIONS = 300
# Of all squared norms; rounding can move tied points to and fro for ever.
LEAST_GAIN = {torch.float32: 1e-6, torch.float64: 1e-9}


def n_trials(n_clusters: int) -> int:
    """Candidates drawn for every centre after the first one, as in scikit-learn."""
    return 2 + int(math.log(n_clusters))


def kmeans(points: Tensor, weights: Tensor, n_clusters: int, uniforms: Tensor) -> tuple[Tensor, Tensor]:
    """Best of several k-means runs on each of N point sets.

    Parameters
    ----------
    points : (N, M, D) float
        Sets of fewer than M points are filled up with points of weight 0. Distances
        much smaller than the norms need float64 (but for small whole numbers and halves).
    weights : (N, M) float
        How many times each point counts.
    n_clusters : int
        K. Where there are fewer distinct points, some clusters stay empty.
    uniforms : (N, R, K, n_trials(K)) float in [0, 1)
        Random numbers for the seeding of R restarts.

    Returns
    -------
    labels : (N, M) int64
        Cluster of each point, 0 … K−1, of the restart of least inertia.
    inertia : (N,) float
        Weighted sum of squared distances to the centres.
    """
    gram = torch.bmm(points, points.transpose(1, 2))
    norms = gram.diagonal(dim1=1, dim2=2)
    distances = (norms[:, :, None] + norms[:, None] - 2 * gram).clamp_(min=0)
    labels = _seed(distances, weights, n_clusters, uniforms)
    labels, inertia = _lloyd(gram, norms, weights, labels, n_clusters)
    best = inertia.argmin(1, keepdim=True)
    chosen = labels.gather(1, best[:, :, None].expand(-1, -1, labels.shape[2]))
    return chosen[:, 0], inertia.gather(1, best)[:, 0]


def _seed(distances: Tensor, weights: Tensor, n_clusters: int, uniforms: Tensor) -> Tensor:
    """Greedy k-means++: cluster of each point after seeding, (N, R, M)."""
    n, restarts, _, trials = uniforms.shape
    m = distances.shape[1]
    weights = weights[:, None]  # (N, 1, M)
    first = _sample(weights.expand(n, restarts, m), uniforms[:, :, 0, :1])
    closest = _rows(distances, first)[:, :, 0]  # squared distance to the nearest centre, (N, R, M)
    labels = torch.zeros((n, restarts, m), dtype=torch.int64, device=distances.device)
    for k in range(1, n_clusters):
        candidates = _sample(closest * weights, uniforms[:, :, k])  # (N, R, trials)
        nearer = torch.minimum(_rows(distances, candidates), closest[:, :, None])
        best = torch.matmul(nearer, weights[..., None])[..., 0].argmin(2)  # least potential
        chosen = nearer.gather(2, best[..., None, None].expand(-1, -1, 1, m))[:, :, 0]
        labels.masked_fill_(chosen < closest, k)
        closest = chosen
    return labels


def _sample(mass: Tensor, uniforms: Tensor) -> Tensor:
    """Indices (N, R, trials) drawn with probability proportional to `mass` (N, R, M)."""
    cumulated = mass.cumsum(2)
    total = cumulated[..., -1:]
    below_total = torch.nextafter(total, torch.zeros_like(total))
    values = torch.minimum(uniforms * total, below_total).contiguous()
    return torch.searchsorted(cumulated, values, right=True).clamp_(max=mass.shape[2] - 1)


def _rows(matrix: Tensor, indices: Tensor) -> Tensor:
    """Rows (N, R, trials, M) of `matrix` (N, M, M) named by `indices` (N, R, trials)."""
    return matrix[torch.arange(len(matrix), device=matrix.device)[:, None, None], indices]


def _lloyd(gram: Tensor, norms: Tensor, weights: Tensor, labels: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """Iterate from `labels` (N, R, M) until none changes for the better; returns labels and inertia (N, R)."""
    n, restarts, m = labels.shape
    inertia = torch.full((n, restarts), math.inf, dtype=gram.dtype, device=gram.device)
    result = labels.clone()
    least_gain = LEAST_GAIN[gram.dtype] * (norms * weights).sum(1, keepdim=True)
    active = torch.arange(n, device=gram.device)
    for _ in range(MOST_ITERATIONS):
        new, energy = _reassign(gram, norms, weights, labels, n_clusters)
        gained = energy < inertia[active] - least_gain[active]
        moved = ((new != labels).any(2) & gained).any(1)
        result[active], inertia[active] = new, energy
        if not moved.any():
            break
        labels = new
        if moved.sum() < 0.8 * len(active):  # worth a copy
            active, labels = active[moved], labels[moved]
            gram, norms, weights = gram[moved], norms[moved], weights[moved]
    return result, inertia


def _reassign(gram: Tensor, norms: Tensor, weights: Tensor, labels: Tensor, n_clusters: int) -> tuple[Tensor, Tensor]:
    """One Lloyd step: the nearest of the present clusters' centres, and the inertia to these centres.

    With members i of weight wᵢ, a centre is c = Σ wᵢxᵢ / W, hence
    x·c = Σ wᵢ (x·xᵢ) / W and c·c = Σ wᵢ (xᵢ·c) / W.
    """
    n, restarts, m = labels.shape
    shares = torch.zeros((n, restarts, n_clusters, m), dtype=gram.dtype, device=gram.device)
    shares.scatter_(2, labels[:, :, None], weights[:, None, None].expand(n, restarts, 1, m))
    mass = shares.sum(3, keepdim=True)
    shares /= mass.clamp(min=1e-12)
    products = torch.bmm(shares.flatten(1, 2), gram).view_as(shares)  # x·c, (N, R, K, M)
    squares = (products * shares).sum(3, keepdim=True)  # c·c
    scores = squares.sub(products, alpha=2)  # |x − c|² − |x|²
    if (mass == 0).any():
        scores = _refill(scores, gram, norms, weights, labels, mass[..., 0] == 0)
    nearest, new = scores.min(2)
    energy = ((nearest + norms[:, None]).clamp_(min=0) * weights[:, None]).sum(2)
    return new, energy


def _refill(scores: Tensor, gram: Tensor, norms: Tensor, weights: Tensor, labels: Tensor, empty: Tensor) -> Tensor:
    """Give each empty cluster the point farthest from its own centre (`empty`: (N, R, K) bool)."""
    own = scores.gather(2, labels[:, :, None])[:, :, 0] + norms[:, None]
    farthest = torch.where(weights[:, None] > 0, own, -1.0).argsort(2, descending=True)
    for image, restart, cluster in empty.nonzero().tolist():
        rank = int(empty[image, restart, :cluster].sum())
        if rank >= farthest.shape[2]:
            scores[image, restart, cluster] = math.inf  # more clusters than points
            continue
        point = farthest[image, restart, rank]
        distinct = own[image, restart, point] > 1e-6
        row = norms[image, point] - 2 * gram[image, point]
        scores[image, restart, cluster] = row if distinct else math.inf
    return scores
