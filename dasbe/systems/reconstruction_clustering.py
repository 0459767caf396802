"""Reconstruction Clustering, RC (Greff, Srivastava, Schmidhuber 2015, arXiv 1511.06418).

An expectation–maximisation algorithm around the same kind of autoencoder. It is told
the number of objects, and its groups are soft values for every pixel, where DASBE has
nothing but spike times until the readout.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network, UsableNetwork, check_feedback
from dasbe.engine.attention import ready
from dasbe.engine.parallel import map_blocks
from dasbe.snn.noise import ASSIGNMENTS, image_stream, seed_of_run
from dasbe.support import checks
from dasbe.support.published import DatasetSettings
from dasbe.systems.base import System

ITERATIONS = 10
LEAST_GAIN = 1e-4  # of a start over those before it, a part of ℓ: beyond rounding, with which batches would differ
BLOCK_VALUES = 1 << 22  # groups × pixels of one block of images


class Settings(NamedTuple):
    """Of the algorithm.

    Attributes
    ----------
    objects : int, optional
        K, the number of groups in every image; by default as many as each is told to have.
    """

    objects: int | None = None

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """As published for a dataset."""
        return cls(dataset.objects)


class RestartSettings(NamedTuple):
    """Of the algorithm, and from how many starts, of which the one of largest likelihood counts."""

    objects: int | None = None
    restarts: int = 4

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "RestartSettings":
        """As published for a dataset; the number of starts is our own."""
        return cls(dataset.objects)


def initial_assignments(n_groups: int, n_pixels: int, seed: int, index: int) -> np.ndarray:
    """γ at the start, (n_groups, n_pixels) float32: |N(0, 1)|, normalised over the groups of each pixel."""
    stream = np.random.Generator(image_stream(seed, index, ASSIGNMENTS))
    drawn = np.abs(stream.standard_normal((n_groups, n_pixels), np.float32))
    return drawn / drawn.sum(axis=0)


def cluster(
    images: np.ndarray,
    network: Network,
    n_groups: int,
    *,
    iterations: int = ITERATIONS,
    restarts: int = 1,
    seed: int = 0,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Group the pixels of each image.

    M-step: y_k = network(x · γ_k). E-step, pixel by pixel:
    γ_k ∝ p(x | y_k) = x·y_k + (1 − x)(1 − y_k), the same prior for all groups.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module or callable
        As for :func:`dasbe.bind`; if its latent neurons spike, they are taken at their
        firing probability, and nothing is recurrent.
    n_groups : int
        K, the number of objects.
    iterations : int
    restarts : int
        Starts from other random numbers, the first with those of `seed`. Of each image the
        one of largest likelihood counts, that of the mixture, ℓ = Σ_i log(1/K Σ_k p(x_i | y_k)).
    seed : int
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str

    Returns
    -------
    (N, H, W) int64
        1 + argmax_k γ_k where there is ink, else 0.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images, device, seed = checks.images(images), checks.device(device), checks.seed(seed)
    n_groups = checks.whole_number("n_groups", n_groups, 1, images[0].size)
    iterations = checks.whole_number("iterations", iterations, 1, checks.MOST_STEPS)
    restarts = checks.whole_number("restarts", restarts, 1, checks.MOST_STEPS)
    indices = checks.stream_indices(indices, len(images))
    flat = images.reshape(len(images), -1)
    size = max(1, BLOCK_VALUES // (n_groups * flat.shape[1]))
    blocks = [np.arange(start, min(start + size, len(images))) for start in range(0, len(images), size)]
    labels = np.empty(flat.shape, np.int64)

    with ready(network, images, device) as net:

        def cluster_block(block: np.ndarray) -> None:
            x = torch.from_numpy(flat[block]).to(device, net.dtype)[:, None]
            best = np.full(len(block), -np.inf)
            for seed_of_start in (seed_of_run(seed, start) for start in range(restarts)):
                drawn = [initial_assignments(n_groups, flat.shape[1], seed_of_start, i) for i in indices[block]]
                initial = torch.from_numpy(np.stack(drawn)).to(device, net.dtype)  # γ, (N, K, H·W)
                assignments, likelihood = iterate(x, initial, net, iterations)
                found = likelihood.cpu().numpy()
                better = found > best + LEAST_GAIN * np.abs(found)
                best[better] = found[better]
                labels[block[better]] = (assignments.argmax(1) + 1).cpu().numpy()[better]

        for _ in map_blocks(cluster_block, blocks, device, threads=isinstance(network, torch.nn.Module)):
            pass
    return np.where(images == 1, labels.reshape(images.shape), 0)


def iterate(x: Tensor, assignments: Tensor, network: UsableNetwork, iterations: int) -> tuple[Tensor, Tensor]:
    """γ (N, K, H·W) after some iterations, and ℓ (N,) in the last, from `x` (N, 1, H·W) and γ at the start."""
    for _ in range(iterations):
        shown = (x * assignments).flatten(0, 1)
        y = check_feedback(network.reconstruct(shown), tuple(shown.shape)).view_as(assignments)  # M-step
        likelihood = x * y + (1 - x) * (1 - y)
        total = likelihood.sum(1, keepdim=True).clamp(min=1e-12)
        assignments = likelihood / total  # E-step
    return assignments, (total / assignments.shape[1]).log().sum((1, 2))


def label(
    images: np.ndarray,
    network: Network,
    n_objects: np.ndarray,
    settings: Settings | RestartSettings,
    *,
    seed: int,
    indices: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """Labels (N, H, W) with K = the objects of the dataset, whatever `n_objects` of each image, or else with these."""
    n_groups = np.maximum(n_objects, 1)
    if settings.objects is not None:
        n_groups[:] = checks.whole_number("objects", settings.objects, 1, images[0].size)
    restarts = settings.restarts if isinstance(settings, RestartSettings) else 1
    labels = np.empty(images.shape, np.int64)
    for k in np.unique(n_groups):
        alike = n_groups == k
        streams: Any = {"seed": seed, "indices": indices[alike], "device": device}
        labels[alike] = cluster(images[alike], network, int(k), restarts=restarts, **streams)
    return labels


def evaluations(settings: Settings | RestartSettings, n_objects: int) -> int:
    """How often the network is evaluated for an image: for each group, in every iteration from every start."""
    restarts = settings.restarts if isinstance(settings, RestartSettings) else 1
    return restarts * ITERATIONS * (settings.objects or n_objects)


SYSTEM = System(
    name="rc",
    title="RC, DASBE's networks",
    trained_on="single objects",
    told="number of objects",
    sees="real values",
    network="{dataset}",
    settings=Settings,
    label=label,
    evaluations=evaluations,
)
WITH_OWN_NETWORKS = replace(SYSTEM, name="rc_own", title="RC, its own networks", network="rc_{dataset}")
WITH_RESTARTS = replace(SYSTEM, name="rc_restarts", title="RC, DASBE's networks, best of 4", settings=RestartSettings)
WITH_OWN_NETWORKS_AND_RESTARTS = replace(
    WITH_OWN_NETWORKS, name="rc_own_restarts", title="RC, its own networks, best of 4", settings=RestartSettings
)
