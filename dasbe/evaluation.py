"""Binding scored: loop, readout and AMI of many images, a chunk at a time."""

from collections.abc import Iterator

import numpy as np
import torch

from dasbe.binding import Network, bind
from dasbe.comparison import reconstruction_clustering
from dasbe.datasets import load_dataset
from dasbe.metrics import ami
from dasbe.parameters import CYCLES_TABLE, parameters_of
from dasbe.readout import READOUT_CYCLES, group

CHUNK_IMAGES = 100  # the spikes of a chunk are held in memory
# images for judging networks: Table 1 uses 0 to 5999 of this split, training none of it
HELD_OUT_SPLIT, HELD_OUT_START, HELD_OUT_IMAGES, HELD_OUT_SEED = "train_multi", 6000, 1000, 111


def numbers_of_groups(groups: np.ndarray) -> np.ndarray:
    """(N,) K of each image: its largest label plus one for the background."""
    return groups.max(axis=(1, 2)).astype(np.int64) + 1


def mean_and_error(scores: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over the images that have labelled pixels."""
    valid = scores[~np.isnan(scores)]
    return float(valid.mean()), float(valid.std() / np.sqrt(len(valid)))


def binding_scores(
    network: Network,
    dataset: str,
    split: str,
    start: int,
    stop: int,
    *,
    seed: int,
    cycles: int = CYCLES_TABLE,
    device: torch.device | str = "cpu",
) -> Iterator[np.ndarray]:
    """AMI of each image of a range, with the published delay and refractory time.

    Parameters
    ----------
    network : as for :func:`dasbe.bind`
    dataset, split, start, stop : as for :func:`dasbe.load_dataset`
    seed : int
        An image's random numbers depend on this and on its number in the split.
    cycles : int
    device : torch.device or str

    Yields
    ------
    (n,) float
        AMI of the next `CHUNK_IMAGES` images.
    """
    parameters = parameters_of(dataset)
    for first in range(start, stop, CHUNK_IMAGES):
        last = min(first + CHUNK_IMAGES, stop)
        images, groups = load_dataset(dataset, split, first, last)
        indices = np.arange(first, last)
        run = bind(
            images,
            network,
            delay=parameters.delay,
            refractory=parameters.refractory,
            cycles=cycles,
            last=min(READOUT_CYCLES, cycles),
            seed=seed,
            indices=indices,
            device=device,
        )
        labels = group(run.spikes, numbers_of_groups(groups), seed=seed, indices=indices, device=device)
        yield ami(groups, labels)


def held_out_scores(
    network: Network, dataset: str, n_images: int = HELD_OUT_IMAGES, seed: int = HELD_OUT_SEED, device="cpu"
) -> Iterator[np.ndarray]:
    """:func:`binding_scores` of the images that networks are judged by."""
    stop = HELD_OUT_START + n_images
    return binding_scores(network, dataset, HELD_OUT_SPLIT, HELD_OUT_START, stop, seed=seed, device=device)


def held_out_scores_of_rc(
    network: Network, dataset: str, n_images: int = HELD_OUT_IMAGES, seed: int = HELD_OUT_SEED, device="cpu"
) -> np.ndarray:
    """AMI of Reconstruction Clustering with `network` on the same images, (n_images,)."""
    stop = HELD_OUT_START + n_images
    images, groups = load_dataset(dataset, HELD_OUT_SPLIT, HELD_OUT_START, stop)
    n_groups, indices = parameters_of(dataset).objects, np.arange(HELD_OUT_START, stop)
    labels = reconstruction_clustering(images, network, n_groups, seed=seed, indices=indices, device=device)
    return ami(groups, labels)
