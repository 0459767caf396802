"""From spikes to groups: pixels that fire together belong together (paper, section 4)."""

from collections.abc import Iterable, Sequence
from itertools import chain

import numpy as np
import torch

from dasbe.binding.kmeans import kmeans, n_trials
from dasbe.binding.labels import numbered
from dasbe.binding.linkage import CYCLES, find_groups
from dasbe.binding.run import Binding
from dasbe.engine.foreground import ForegroundTrains
from dasbe.engine.parallel import map_blocks
from dasbe.snn.noise import READOUT, image_stream
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.published import READOUT_CYCLES

BLOCK_BYTES = 1 << 26  # of all the arrays of one block of images


def smooth(spikes: np.ndarray) -> np.ndarray:
    """Spike trains (T, …), as float32, that also match a train one step later: D[t] = s[t] + ½ s[t−1]."""
    smoothed = spikes.astype(np.float32)
    smoothed[1:] += 0.5 * spikes[:-1]
    return smoothed


def group(
    spikes: np.ndarray | ForegroundTrains | Binding,
    n_groups: int | Sequence[int] | np.ndarray | None = None,
    *,
    n_objects: int | Sequence[int] | np.ndarray | None = None,
    last: int | None = None,
    restarts: int = 10,
    seed: int = 0,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Group the pixels of each image by their smoothed spike trains: into a number of groups that is given, or found.

    If the number is given: by k-means. All pixels that never fire in the cycles read form one
    point that counts as often as there are of them, which gives the same problem as all of
    them one by one. The background keeps the centre of its cluster near 0, so a
    pixel with ink, of train x, joins it (label 0) where x·c < ½ |c|² for the mean train c
    of every group. That is how the published readout is. Such pixels do fire, but in other
    steps than the rest of their object: as a rule they are one half of an object that has
    split, which the readout that finds the number often rejoins.

    If it is not: by average linkage (:mod:`dasbe.binding.linkage`). A group has at least 8
    pixels; where fewer than 40 fire, at least a fifth of these, and never fewer than 2.
    What is smaller joins the group whose spikes are like its own, or, if there is none, the
    silent pixels. Pixels that all fire together are one group, and so are pixels that fire
    without any order.

    Parameters
    ----------
    spikes : (N, n, d, H, W) bool, or a run of :func:`dasbe.bind`, or its ``trains``
        Real values, as the pure-ANN system has, are read in the same way, but in double
        precision: pixels may differ by little.
    n_groups : int or (N,) int, optional
        K, the number of objects plus one for the background: another way to give `n_objects`.
    n_objects : int or (N,) int, optional
        Objects in each image. By default their number is found from the spikes, for each
        image; the number found is the largest label.
    last : int, optional
        Read this many cycles at the end (all, if there are fewer); by default 10, or 20
        if the number is to be found.
    restarts : int
        Runs of k-means; the one of least inertia counts. Not used if the number is to be
        found, and neither are `seed`, `indices` and `device`.
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
        An argument is wrong, or `spikes`, `n_objects` and `indices` do not fit together.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> spikes = np.zeros((1, 1, 9, 2, 4), bool)  # two objects fire in turn
    >>> spikes[0, 0, ::3, 0, :3] = spikes[0, 0, 1::3, 1, :3] = True
    >>> dasbe.group(spikes)[0]
    array([[1, 1, 1, 0],
           [2, 2, 2, 0]])
    """
    values, pixels, image_shape = _values_and_places(spikes)
    n, n_pixels = len(values), image_shape[0] * image_shape[1]
    if n_groups is not None and n_objects is not None:
        raise InputError("n_groups and n_objects are both given, which is n_groups less the background; give n_objects")
    told = n_groups is not None or n_objects is not None
    if n_objects is None:
        k_of_image = checks.numbers_of_groups("n_groups", n_groups if told else 1, n, n_pixels)
    else:
        k_of_image = 1 + checks.numbers_of_groups("n_objects", n_objects, n, n_pixels - 1, least=0)
    if last is None:
        last = READOUT_CYCLES if told else CYCLES
    last, restarts = checks.whole_number("last", last), checks.whole_number("restarts", restarts, 1, 10**6)
    seed, device, indices = checks.seed(seed), checks.device(device), checks.stream_indices(indices, n)

    trains = values[:, -last:].reshape(n, -1, pixels.shape[1])  # (N, T, F)
    active = np.any(trains, axis=1)
    dtype = np.float64 if trains.dtype.kind == "f" else np.float32  # distances of spike trains are exact in float32
    labels = np.zeros((n, n_pixels), np.int64)
    at_once = torch.get_num_threads() if device.type == "cpu" else 1
    widths = np.sort(active.sum(1))[-at_once:].astype(float) + 1  # of the images with most points
    of_point = 2 * trains.shape[1] + 4 * widths + (4 * restarts * int(k_of_image.max()) if told else 0)
    checks.memory(
        int((widths * of_point).sum() * dtype().itemsize),
        f"grouping {int(widths[-1]) - 1} pixels that fire",
        "take smaller images, or fewer at once (torch.set_num_threads)",
    )

    def cluster(block: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
        """Cluster of the silent point and of each pixel that fires, by k-means, of images of the same K."""
        k = int(k_of_image[block[0]])
        arrays = *_points(trains, active, block, n_pixels, dtype), _uniforms(seed, indices[block], restarts, k)
        points, weights, uniforms = (torch.from_numpy(a).to(device) for a in arrays)
        found, _ = kmeans(points, weights, k, uniforms)
        return zip(block, found.cpu().numpy())

    def find(block: np.ndarray) -> Iterable[tuple[int, np.ndarray]]:
        """The same by average linkage."""
        found = []
        for i in block:
            values = trains[i][:, active[i]]
            if values.dtype != bool:
                values = values / np.abs(values.astype(float)).max(initial=1)  # or their squares might be infinite
            found.append((i, np.append(0, find_groups(smooth(values).T.astype(dtype)))))
        return found

    if told:
        grouped = map_blocks(cluster, _blocks(k_of_image, active, trains.shape[1], restarts, dtype), device)
    else:
        grouped = map_blocks(find, list(np.arange(n)[:, None]), "cpu")
    for i, clusters in chain.from_iterable(grouped):
        firing = pixels[i, active[i]]
        labels[i, firing] = numbered(clusters[1 : len(firing) + 1], none=int(clusters[0]))
    return labels.reshape(n, *image_shape)


def _values_and_places(
    spikes: np.ndarray | ForegroundTrains | Binding,
) -> tuple[np.ndarray, np.ndarray, tuple[int, int]]:
    """Trains (N, n, d, F) of some pixels, their flat indices in the images (N, F), and (H, W)."""
    if isinstance(spikes, Binding):
        spikes = spikes.spikes if spikes.trains is None else spikes.trains  # if there are none, `spikes` says so
    if isinstance(spikes, ForegroundTrains):
        return spikes.values, spikes.foreground.pixels.numpy(), spikes.foreground.image_shape
    values = checks.spike_trains(spikes, "spikes", "(N, cycles, delay, H, W)", 5)
    if values.dtype.kind == "f" and values.dtype.itemsize < 4:
        values = values.astype(np.float32)
    n, cycles, delay, height, width = values.shape
    pixels = np.broadcast_to(np.arange(height * width), (n, height * width))
    return values.reshape(n, cycles, delay, -1), pixels, (height, width)


def _blocks(
    k_of_image: np.ndarray, active: np.ndarray, steps: int, restarts: int, dtype: type[np.floating]
) -> list[np.ndarray]:
    """Numbers of the images in blocks that fit into `BLOCK_BYTES`: of the same K, and alike in how many pixels fire."""
    blocks = []
    for k in np.unique(k_of_image):
        chosen = np.flatnonzero(k_of_image == k)
        order = chosen[np.argsort(active[chosen].sum(1), kind="stable")]
        width = int(active[order].sum(1).max()) + 1
        bytes_of_image = dtype().itemsize * width * (steps + 3 * width + 4 * restarts * int(k))
        size = max(1, BLOCK_BYTES // bytes_of_image)
        blocks += [order[start : start + size] for start in range(0, len(order), size)]
    return blocks


def _points(
    trains: np.ndarray, active: np.ndarray, block: np.ndarray, n_pixels: int, dtype: type[np.floating]
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


def _uniforms(seed: int, indices: np.ndarray, restarts: int, k: int) -> np.ndarray:
    """Numbers that seed the clusters of each image, (N, restarts, K, trials) float32 in [0, 1)."""
    streams = (np.random.Generator(image_stream(seed, index, READOUT)) for index in indices)
    return np.stack([stream.random((restarts, k, n_trials(k)), dtype=np.float32) for stream in streams])
