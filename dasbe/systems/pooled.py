"""Several runs pooled: pixels that fire together, or are grouped together, in many runs belong together.

How alike two pixels are is averaged over runs from different random numbers, and the
mean is read by spectral clustering, which is given the number of groups. Alike are, in a
run of DASBE, spike trains, by their cosine; in a run of Reconstruction Clustering (RC),
pixels of the same group (evidence accumulation; Fred and Jain 2005).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dasbe.ann.network import Network
from dasbe.binding.labels import numbered
from dasbe.binding.readout import smooth
from dasbe.engine.parallel import one_thread
from dasbe.snn.noise import READOUT, image_stream, seed_of_run
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE, READOUT_CYCLES
from dasbe.systems.base import System, in_every_step
from dasbe.systems.dasbe import record
from dasbe.systems.reconstruction_clustering import SYSTEM as RC
from dasbe.systems.reconstruction_clustering import evaluations as evaluations_of_a_run
from dasbe.systems.reconstruction_clustering import label as label_by_rc

LEAST_LIKE = 1e-6  # any two pixels: no part of the graph is without a way to the others


class Settings(NamedTuple):
    """Settings of the binding loop (:func:`dasbe.bind`), and the number of runs that are pooled."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    runs: int = 4


class SettingsOfRC(NamedTuple):
    """Settings of RC (:mod:`dasbe.systems.reconstruction_clustering`), and the number of runs that are pooled."""

    objects: int | None = None
    runs: int = 4


def alike_by_timing(
    images: np.ndarray, network: Network, n_objects: np.ndarray, settings: Settings, **streams: Any
) -> Iterator[np.ndarray]:
    """Likeness (F, F) of the ink pixels of each image in one run of DASBE: cosines of their smoothed trains.

    Read are the cycles that the readout of DASBE reads. Pixels that are silent there are like no others.
    """
    trains = record(images, network, settings, **streams)
    for spikes, count in zip(trains.values[:, -READOUT_CYCLES:], trains.foreground.counts):
        smoothed = smooth(spikes.reshape(-1, spikes.shape[-1])[:, :count])
        norms = np.linalg.norm(smoothed, axis=0)
        smoothed /= np.where(norms == 0, np.inf, norms)
        yield smoothed.T @ smoothed


def alike_by_group(
    images: np.ndarray, network: Network, n_objects: np.ndarray, settings: SettingsOfRC, **streams: Any
) -> Iterator[np.ndarray]:
    """Likeness (F, F) of the ink pixels of each image in one run of RC: 1 in the same group, else 0."""
    labels = label_by_rc(images, network, n_objects, RC.settings(settings.objects), **streams)
    for image, of_image in zip(images, labels):
        groups = of_image[image == 1]
        yield (groups[:, None] == groups).astype(np.float32)


def label(
    alike: Callable[..., Iterator[np.ndarray]],
    images: np.ndarray,
    network: Network,
    n_objects: np.ndarray,
    settings: Any,
    *,
    seed: int,
    indices: np.ndarray,
    **device: Any,
) -> np.ndarray:
    """Labels (N, H, W) by how `alike` pixels are in several runs; 0 for pixels with ink that are like none in any."""
    runs = checks.whole_number("runs", settings.runs, 1, checks.MOST_STEPS)
    of_run = {"indices": indices, **device}
    counts = np.count_nonzero(images, axis=(1, 2))
    n_bytes = 4 * (counts**2).sum() + 24 * counts.max() ** 2  # of all, and of the clustering of one
    checks.memory(int(n_bytes), "likeness of all pairs of pixels", "take smaller images, or fewer at a time")
    pooled = [np.zeros((n, n), np.float32) for n in counts]
    for run in range(runs):
        of_images = alike(images, network, n_objects, settings, seed=seed_of_run(seed, run), **of_run)
        for total, of_image in zip(pooled, of_images):
            total += of_image
    labels = np.zeros(images.shape, np.int64)
    for image, of_image, total, k, index in zip(images, labels, pooled, n_objects, indices):
        groups = np.full(len(total), -1)
        firing = np.diag(total) > 0
        groups[firing] = cut(total[np.ix_(firing, firing)] / runs, max(int(k), 1), seed, index)
        of_image[image == 1] = numbered(groups)
    return labels


def cut(alike: np.ndarray, n_groups: int, seed: int, index: int) -> np.ndarray:
    """Groups (F,), from 0 on, by spectral clustering of `alike` (F, F); one for each if there are no more than groups.

    `seed` and `index` are those of the image's random numbers.
    """
    if n_groups == 1 or len(alike) <= n_groups:
        return np.arange(len(alike)) % n_groups
    from sklearn.cluster import spectral_clustering  # slow to import

    random = np.random.RandomState(image_stream(seed, index, READOUT))
    with one_thread():
        return spectral_clustering(np.maximum(alike, LEAST_LIKE), n_clusters=n_groups, random_state=random)


def evaluations(settings: Settings, n_objects: int) -> int:
    """Number of evaluations of the network for an image, in all runs."""
    return settings.runs * in_every_step(settings, n_objects)


def evaluations_of_rc(settings: SettingsOfRC, n_objects: int) -> int:
    """Number of evaluations of the network for an image, in all runs."""
    return settings.runs * evaluations_of_a_run(RC.settings(settings.objects), n_objects)


SYSTEM = System(
    name="dasbe_pooled",
    title="DASBE, 4 runs pooled",
    trained_on="single objects",
    told="number of objects, at the readout",
    sees="spikes",
    network="{dataset}",
    settings=Settings,
    label=partial(label, alike_by_timing),
    evaluations=evaluations,
)
OF_RC = replace(
    RC,
    name="rc_pooled",
    title="RC, DASBE's networks, 4 runs pooled",
    settings=SettingsOfRC,
    label=partial(label, alike_by_group),
    evaluations=evaluations_of_rc,
)
OF_RC_WITH_OWN_NETWORKS = replace(
    OF_RC, name="rc_own_pooled", title="RC, its own networks, 4 runs pooled", network="rc_{dataset}"
)
