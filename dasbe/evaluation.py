"""Systems scored: grouping and AMI of many images, by DASBE and by the systems it is compared with."""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from dasbe.binding import Network, bind
from dasbe.comparison import pure_ann, reconstruction_clustering
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.metrics import ami
from dasbe.parameters import CYCLES_TABLE, parameters_of
from dasbe.readout import READOUT_CYCLES, group
from dasbe.snn.pulse_coupled import run_pulse_coupled

CHUNK_IMAGES = 100  # the spikes of a chunk are held in memory
# images for judging networks: Table 1 uses 0 to 5999 of this split, training none of it
HELD_OUT_SPLIT, HELD_OUT_START, HELD_OUT_IMAGES, HELD_OUT_SEED = "train_multi", 6000, 1000, 111
# moving shapes: the third object enters at cycle 30
MOVING_SEQUENCES, MOVING_CYCLES, MOVING_SCORED_FROM = 60, 60, 40


def numbers_of_groups(groups: np.ndarray) -> np.ndarray:
    """(N,) K of each image: its largest label plus one for the background."""
    return groups.max(axis=(1, 2)).astype(np.int64) + 1


def mean_and_error(scores: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over the images that have labelled pixels."""
    valid = scores[~np.isnan(scores)]
    return float(valid.mean()), float(valid.std() / np.sqrt(len(valid)))


def group_by_dasbe(images, n_groups, network, dataset, *, seed, indices, device="cpu", cycles=CYCLES_TABLE):
    """Labels (N, H, W) by the loop with the published delay and refractory time; arguments as of `bind` and `group`."""
    parameters = parameters_of(dataset)
    run = bind(
        images,
        network,
        delay=parameters.delay,
        refractory=parameters.refractory,
        cycles=cycles,
        last=min(READOUT_CYCLES, cycles),
        seed=seed,
        indices=indices,
        foreground_only=True,
        device=device,
    )
    return group(run.spikes, n_groups, seed=seed, indices=indices, device=device)


def group_by_pure_ann(images, n_groups, network, dataset, *, seed, indices, device="cpu", cycles=CYCLES_TABLE):
    """Labels by the loop without spikes, with the same delay and readout."""
    options = {"seed": seed, "indices": indices, "device": device}
    delay, last = parameters_of(dataset).delay, min(READOUT_CYCLES, cycles)
    values = pure_ann(images, network, delay=delay, cycles=cycles, last=last, foreground_only=True, **options)
    return group(values, n_groups, **options)


def group_by_pure_snn(images, n_groups, network, dataset, *, seed, indices, device="cpu"):
    """Labels by the pulse-coupled network, which takes no other network (`network` is ignored)."""
    options = {"seed": seed, "indices": indices, "device": device}
    spikes = run_pulse_coupled(images, parameters_of(dataset).pulse_coupled, foreground_only=True, **options)
    return group(spikes, n_groups, **options)


def group_by_rc(images, n_groups, network, dataset, *, seed, indices, device="cpu"):
    """Labels by Reconstruction Clustering, which is told the dataset's number of objects (`n_groups` is ignored)."""
    objects = parameters_of(dataset).objects
    return reconstruction_clustering(images, network, objects, seed=seed, indices=indices, device=device)


def range_scores(
    grouping: Callable[..., np.ndarray],
    network: Network | nn.Module | None,
    dataset: str,
    split: str,
    start: int,
    stop: int,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    **options,
) -> np.ndarray:
    """AMI (stop − start,) of the images of a range, by one of the `group_by_…` functions.

    An image's random numbers depend on the seed and on its number in the split alone.
    """
    images, groups = load_dataset(dataset, split, start, stop)
    indices = np.arange(start, stop)
    options |= {"seed": seed, "indices": indices, "device": device}
    return ami(groups, grouping(images, numbers_of_groups(groups), network, dataset, **options))


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
    """AMI by DASBE of the images of a range, `CHUNK_IMAGES` after `CHUNK_IMAGES`.

    Parameters
    ----------
    network : as for :func:`dasbe.bind`
    dataset, split, start, stop : as for :func:`dasbe.load_dataset`
    seed : int
    cycles : int
    device : torch.device or str

    Yields
    ------
    (n,) float
    """
    for first in range(start, stop, CHUNK_IMAGES):
        last = min(first + CHUNK_IMAGES, stop)
        options = {"seed": seed, "cycles": cycles, "device": device}
        yield range_scores(group_by_dasbe, network, dataset, split, first, last, **options)


def held_out_scores(
    network: Network, dataset: str, n_images: int = HELD_OUT_IMAGES, seed: int = HELD_OUT_SEED, device="cpu"
) -> Iterator[np.ndarray]:
    """:func:`binding_scores` of the images that networks are judged by."""
    stop = HELD_OUT_START + n_images
    return binding_scores(network, dataset, HELD_OUT_SPLIT, HELD_OUT_START, stop, seed=seed, device=device)


def held_out_scores_of_rc(
    network: nn.Module, dataset: str, n_images: int = HELD_OUT_IMAGES, seed: int = HELD_OUT_SEED, device="cpu"
) -> np.ndarray:
    """AMI of Reconstruction Clustering with `network` on the same images, (n_images,)."""
    stop = HELD_OUT_START + n_images
    where = (dataset, HELD_OUT_SPLIT, HELD_OUT_START, stop)
    return range_scores(group_by_rc, network, *where, seed=seed, device=device)


def bind_sequences(
    frames: np.ndarray, network: nn.Module, *, seed: int, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Spikes (N, n, d, H, W) of moving shapes (N, n, H, W), one frame a cycle."""
    timing = parameters_of("shapes")
    return bind(frames, network, delay=timing.delay, refractory=timing.refractory, seed=seed, device=device).spikes


def group_frames(spikes: np.ndarray, groups: np.ndarray, *, seed: int) -> np.ndarray:
    """Grouping (N, n, H, W) of every cycle by its own spikes alone; K = objects present + 1."""
    n, cycles, delay, height, width = spikes.shape
    present = np.array([len(np.unique(g[g > 0])) for g in groups.reshape(-1, height, width)])
    labels = group(spikes.reshape(n * cycles, 1, delay, height, width), present + 1, seed=seed)
    return labels.reshape(n, cycles, height, width)


def frame_scores(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AMI (N, n) of every frame, both (N, n, H, W); NaN where a single object leaves nothing to tell apart."""
    scores = ami(groups.reshape(-1, *groups.shape[2:]), labels.reshape(-1, *labels.shape[2:]))
    return np.where(groups.max((2, 3)) < 2, np.nan, scores.reshape(groups.shape[:2]))


def moving_scores(network: nn.Module, n_sequences: int = MOVING_SEQUENCES, seed: int = HELD_OUT_SEED) -> np.ndarray:
    """Mean AMI (n_sequences,) over the last cycles of ``test`` sequences of three moving shapes."""
    ensure_dataset("moving_shapes_3")
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset("moving_shapes_3", "test", 0, n_sequences))
    labels = group_frames(bind_sequences(frames, network, seed=seed), groups, seed=seed)
    return frame_scores(groups[:, MOVING_SCORED_FROM:], labels[:, MOVING_SCORED_FROM:]).mean(1)
