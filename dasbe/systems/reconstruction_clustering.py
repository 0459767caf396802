"""Reconstruction Clustering, RC (Greff, Srivastava, Schmidhuber 2015, arXiv 1511.06418).

An expectation–maximisation algorithm around the same kind of autoencoder. It is told
the number of objects, and its groups are soft values for every pixel, where DASBE has
nothing but spike times until the readout.
"""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network, UsableNetwork, check_feedback
from dasbe.engine.attention import ready
from dasbe.engine.parallel import map_blocks
from dasbe.snn.noise import ASSIGNMENTS, image_stream, seed_of_run
from dasbe.support import checks
from dasbe.systems.base import System

ITERATIONS = 10  # from every start
LEAST_GAIN = 1e-4  # of a start over those before it, a part of ℓ: beyond rounding, with which batches would differ
BLOCK_VALUES = 1 << 22  # groups × pixels of one block of images


class Settings(NamedTuple):
    """Settings of the algorithm: K `objects`, the groups of every image; by default as many as each is told to have."""

    objects: int | None = None


class RestartSettings(NamedTuple):
    """Settings of the algorithm run from several starts; their number is our own."""

    objects: int | None = None
    restarts: int = 4


def initial_assignments(n_groups: int, n_pixels: int, seed: int, index: int) -> np.ndarray:
    """γ at the start, (n_groups, n_pixels) float32: |N(0, 1)|, normalised over the groups of each pixel."""
    stream = np.random.Generator(image_stream(seed, index, ASSIGNMENTS))
    drawn = np.abs(stream.standard_normal((n_groups, n_pixels), np.float32))
    return drawn / drawn.sum(axis=0)


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
    """Labels (N, H, W): 1 + argmax_k γ_k where there is ink, else 0, after ten iterations from the likeliest start.

    M-step: y_k = network(x · γ_k). E-step, pixel by pixel:
    γ_k ∝ p(x | y_k) = x·y_k + (1 − x)(1 − y_k), the same prior for all groups.

    There are as many groups as `settings` have objects, whatever `n_objects` of each image;
    without such a setting, as many as these, at least one. The first start has the random
    numbers of `seed`, further ones have others. Of each image the start of largest
    likelihood counts, that of the mixture, ℓ = Σ_i log(1/K Σ_k p(x_i | y_k)). Latent neurons
    that spike are taken at their firing probability, and nothing is recurrent.
    """
    n_groups = np.maximum(n_objects, 1)
    if settings.objects is not None:
        n_groups[:] = checks.whole_number("objects", settings.objects, 1, images[0].size)
    restarts = checks.whole_number("restarts", restarts_of(settings), 1, checks.MOST_STEPS)
    flat = images.reshape(len(images), -1)
    labels = np.empty(flat.shape, np.int64)

    with ready(network, images, device) as net:

        def label_block(block: np.ndarray) -> None:
            k, x = int(n_groups[block[0]]), torch.from_numpy(flat[block]).to(device, net.dtype)[:, None]
            best = np.full(len(block), -np.inf)
            for seed_of_start in (seed_of_run(seed, start) for start in range(restarts)):
                drawn = [initial_assignments(k, flat.shape[1], seed_of_start, i) for i in indices[block]]
                initial = torch.from_numpy(np.stack(drawn)).to(device, net.dtype)  # γ, (N, K, H·W)
                assignments, likelihood = iterate(x, initial, net)
                found = likelihood.cpu().numpy()
                better = found > best + LEAST_GAIN * np.abs(found)
                best[better] = found[better]
                labels[block[better]] = (assignments.argmax(1) + 1).cpu().numpy()[better]

        blocks = _blocks_of_one_k(n_groups, flat.shape[1])
        for _ in map_blocks(label_block, blocks, device, threads=isinstance(network, torch.nn.Module)):
            pass
    return np.where(images == 1, labels.reshape(images.shape), 0)


def _blocks_of_one_k(n_groups: np.ndarray, n_pixels: int) -> list[np.ndarray]:
    """Numbers of the images in blocks of about `BLOCK_VALUES`, each of images of the same number of groups."""
    blocks = []
    for k in np.unique(n_groups):
        alike, size = np.flatnonzero(n_groups == k), max(1, BLOCK_VALUES // (int(k) * n_pixels))
        blocks += [alike[start : start + size] for start in range(0, len(alike), size)]
    return blocks


def restarts_of(settings: Settings | RestartSettings) -> int:
    """Number of starts."""
    return settings.restarts if isinstance(settings, RestartSettings) else 1


def iterate(x: Tensor, assignments: Tensor, network: UsableNetwork) -> tuple[Tensor, Tensor]:
    """γ (N, K, H·W) after all iterations, and ℓ (N,) in the last, from `x` (N, 1, H·W) and γ at the start."""
    for _ in range(ITERATIONS):
        shown = (x * assignments).flatten(0, 1)
        y = check_feedback(network.reconstruct(shown), tuple(shown.shape)).view_as(assignments)  # M-step
        likelihood = x * y + (1 - x) * (1 - y)
        total = likelihood.sum(1, keepdim=True).clamp(min=1e-12)
        assignments = likelihood / total  # E-step
    return assignments, (total / assignments.shape[1]).log().sum((1, 2))


def evaluations(settings: Settings | RestartSettings, n_objects: int) -> int:
    """Number of evaluations of the network for an image: one for each group in every iteration from every start."""
    return restarts_of(settings) * ITERATIONS * (settings.objects or n_objects)


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
