"""From spikes to groups: pixels that fire together belong together (paper, section 4)."""

from collections.abc import Sequence

import numpy as np
import torch

from dasbe.errors import InputError
from dasbe.foreground import ForegroundTrains
from dasbe.kmeans import kmeans, n_trials
from dasbe.products import widest_arithmetic
from dasbe.snn.noise import image_stream, stream_indices

READOUT_CYCLES = 10
STREAM = 1  # sets the random numbers apart from those of the loop
BLOCK_BYTES = 1 << 26  # of all the arrays of one block of images


def smooth(spikes: np.ndarray) -> np.ndarray:
    """Spike trains that also match a train one step later: D[t] = s[t] + ½ s[t−1].

    Parameters
    ----------
    spikes : (T, ...) bool
        Time on the first axis.

    Returns
    -------
    (T, ...) float32
    """
    smoothed = spikes.astype(np.float32)
    smoothed[1:] += 0.5 * spikes[:-1]
    return smoothed


@widest_arithmetic()
def group(
    spikes: np.ndarray | ForegroundTrains,
    n_groups: int | Sequence[int],
    *,
    last: int = READOUT_CYCLES,
    restarts: int = 10,
    seed: int = 0,
    indices: Sequence[int] | None = None,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Group the pixels of each image by k-means on their smoothed spike trains.

    All pixels that never fire in the cycles read form one point that counts as often
    as there are of them, which gives the same problem as all of them one by one.

    Parameters
    ----------
    spikes : (N, n, d, H, W) bool, or ForegroundTrains
        As in :class:`dasbe.Binding`; real values, as the pure-ANN system has, are read in
        the same way, but in double precision: pixels may differ by little.
    n_groups : int or (N,) int
        K, the number of objects plus one for the background.
    last : int
        Read this many cycles at the end (all, if there are fewer).
    restarts : int
        Runs of k-means; the one of least inertia counts.
    seed : int
        Of the random numbers that seed the clusters.
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str

    Returns
    -------
    (N, H, W) int64
        0 = the cluster of the silent pixels; the others are numbered from 1 in the
        order in which they appear along the rows.

    Raises
    ------
    InputError
        `spikes`, `n_groups` or `indices` do not fit together.
    """
    values, pixels, image_shape = _values_and_places(spikes)
    n, n_pixels = len(values), image_shape[0] * image_shape[1]
    n_groups = _groups_of_images(n_groups, n, n_pixels)
    indices = stream_indices(indices, n)
    if restarts < 1 or last < 1:
        raise InputError(f"restarts is {restarts} and last {last}; both must be at least 1")

    trains = values[:, -last:].reshape(n, -1, pixels.shape[1])  # (N, T, F)
    active = trains.any(1)
    dtype = np.float64 if trains.dtype.kind == "f" else np.float32  # distances of spike trains are exact in float32
    labels = np.zeros((n, n_pixels), np.int64)
    for k in np.unique(n_groups):
        chosen = np.flatnonzero(n_groups == k)
        chosen = chosen[np.argsort(active[chosen].sum(1), kind="stable")]
        for block in _blocks(chosen, active, trains.shape[1], int(k), restarts, dtype):
            points, weights = _points(trains, active, block, n_pixels, dtype)
            uniforms = np.stack([_uniforms(seed, indices[i], restarts, int(k)) for i in block])
            found, _ = kmeans(
                *(torch.from_numpy(a).to(device) for a in (points, weights)),
                int(k),
                torch.from_numpy(uniforms).to(device),
            )
            for i, clusters in zip(block, found.cpu().numpy()):
                firing = pixels[i, active[i]]
                labels[i, firing] = _renumber(clusters[: len(firing) + 1])
    return labels.reshape(n, *image_shape)


def _values_and_places(spikes: np.ndarray | ForegroundTrains) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Trains (N, n, d, F) of some pixels, their places in the flattened images (N, F), and (H, W)."""
    if isinstance(spikes, ForegroundTrains):
        return spikes.values, spikes.foreground.pixels.numpy(), spikes.foreground.image_shape
    spikes = np.asarray(spikes)
    if spikes.ndim != 5 or 0 in spikes.shape:
        raise InputError(f"spikes have shape {spikes.shape}; they must be (N, cycles, delay, H, W)")
    n, cycles, delay, height, width = spikes.shape
    pixels = np.broadcast_to(np.arange(height * width), (n, height * width))
    return spikes.reshape(n, cycles, delay, -1), pixels, (height, width)


def _groups_of_images(n_groups: int | Sequence[int], n_images: int, n_pixels: int) -> np.ndarray:
    """`n_groups` as (N,) int, or InputError."""
    given = np.asarray(n_groups)
    if given.shape not in ((), (n_images,)):
        raise InputError(f"n_groups has shape {given.shape}; it must be one number, or {n_images} of them")
    if given.dtype.kind not in "iu":
        raise InputError(f"n_groups is of type {given.dtype}; it must be a whole number from 1 to {n_pixels}")
    for wrong in given[(given < 1) | (given > n_pixels)]:
        raise InputError(f"n_groups is {wrong}; it must be a whole number from 1 to {n_pixels}")
    return np.broadcast_to(given, (n_images,))


def _blocks(order: np.ndarray, active: np.ndarray, steps: int, k: int, restarts: int, dtype: type):
    """Split `order` into blocks of images that fit into `BLOCK_BYTES` together."""
    width = int(active[order].sum(1).max()) + 1
    bytes_of_image = dtype().itemsize * width * (steps + 3 * width + 4 * restarts * k)
    size = max(1, BLOCK_BYTES // bytes_of_image)
    return (order[start : start + size] for start in range(0, len(order), size))


def _points(
    trains: np.ndarray, active: np.ndarray, block: np.ndarray, n_pixels: int, dtype: type
) -> tuple[np.ndarray, np.ndarray]:
    """Points (N, 1 + F, T) and weights (N, 1 + F) of type `dtype`: first the silent pixels, then each that fires."""
    counts = active[block].sum(1)
    points = np.zeros((len(block), counts.max() + 1, trains.shape[1]), dtype)
    weights = np.zeros(points.shape[:2], dtype)
    weights[:, 0] = n_pixels - counts
    for row, (i, count) in enumerate(zip(block, counts)):
        points[row, 1 : count + 1] = smooth(trains[i][:, active[i]]).T
        weights[row, 1 : count + 1] = 1
    return points, weights


def _uniforms(seed: int, index: int, restarts: int, k: int) -> np.ndarray:
    stream = np.random.Generator(image_stream(seed, index, STREAM))
    return stream.random((restarts, k, n_trials(k)), dtype=np.float32)


def _renumber(clusters: np.ndarray) -> list[int]:
    """Labels of the pixels that fire, from the clusters of the silent point and of each of them."""
    silent, *others = clusters.tolist()
    numbers = {silent: 0}
    return [numbers.setdefault(cluster, len(numbers)) for cluster in others]


def align(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Renumber a grouping so that its groups carry the numbers of the objects they overlap most.

    Only for pictures: scores do not depend on the numbers.

    Parameters
    ----------
    labels, groups : (H, W) int
        Grouping and ground truth.

    Returns
    -------
    (H, W) int64
        0 stays 0; groups without an object get the numbers that are left.
    """
    from scipy.optimize import linear_sum_assignment  # slow to import, and only pictures need it

    size = int(max(labels.max(), groups.max()))
    overlap = np.zeros((size + 1, size + 1), np.int64)
    np.add.at(overlap, (labels.ravel(), groups.ravel()), 1)
    found, numbers = linear_sum_assignment(-overlap[1:, 1:])
    renumbered = np.arange(size + 1)
    renumbered[found + 1] = numbers + 1
    return renumbered[labels]
