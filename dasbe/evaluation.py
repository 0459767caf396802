"""Systems scored: grouping and AMI of many images, by any system."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from torch import nn

from dasbe import checks
from dasbe.ann.network import Network
from dasbe.binding import bind
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.metrics import ami
from dasbe.parameters import HELD_OUT_IMAGES, HELD_OUT_SEED, HELD_OUT_SPLIT, HELD_OUT_START, DatasetSettings
from dasbe.readout import group
from dasbe.systems import System, system_of

CHUNK_IMAGES = 100  # the spikes of a chunk are held in memory
# moving shapes: the third object enters at cycle 30
MOVING_SEQUENCES, MOVING_CYCLES, MOVING_SCORED_FROM = 60, 60, 40


def numbers_of_objects(groups: np.ndarray) -> np.ndarray:
    """(N,) int64, the objects of each image: its largest label."""
    return groups.max(axis=(1, 2)).astype(np.int64)


def mean_and_error(scores: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over the images that have labelled pixels."""
    valid = scores[~np.isnan(scores)]
    return float(valid.mean()), float(valid.std() / np.sqrt(len(valid)))


def system_settings(system: System, dataset: str | DatasetSettings, **changes: Any) -> Any:
    """Settings of `system` as published for `dataset`, with some `changes`."""
    return system.settings.published(settings_of(dataset))._replace(**changes)


def range_scores(
    system: str | System,
    network: Network | None,
    dataset: str,
    split: str,
    start: int,
    stop: int,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    settings: Any = None,
) -> np.ndarray:
    """AMI (stop − start,) of the images of a range, by `system` with its published settings, or others.

    An image's random numbers depend on the seed and on its number in the split alone.
    """
    system, start = system_of(system), checks.whole_number("start", start, 0)
    stop = checks.whole_number("stop", stop)
    settings = system_settings(system, dataset) if settings is None else settings
    images, groups = load_dataset(dataset, split, start, stop)
    labels = system.segment(
        images,
        network,
        settings=settings,
        n_objects=numbers_of_objects(groups),
        seed=seed,
        indices=np.arange(start, stop),
        device=device,
    )
    return ami(groups, labels)


def chunked_scores(
    system: str | System, network: Network | None, dataset: str, split: str, start: int, stop: int, **options: Any
) -> Iterator[np.ndarray]:
    """:func:`range_scores` of a long range, `CHUNK_IMAGES` after `CHUNK_IMAGES`."""
    for first in range(start, stop, CHUNK_IMAGES):
        yield range_scores(system, network, dataset, split, first, min(first + CHUNK_IMAGES, stop), **options)


def held_out_scores(
    system: str | System,
    network: Network | None,
    dataset: str,
    n_images: int = HELD_OUT_IMAGES,
    seed: int = HELD_OUT_SEED,
    device: torch.device | str = "cpu",
) -> Iterator[np.ndarray]:
    """:func:`chunked_scores` of the images that networks are judged by."""
    where = (dataset, HELD_OUT_SPLIT, HELD_OUT_START, HELD_OUT_START + n_images)
    return chunked_scores(system, network, *where, seed=seed, device=device)


def bind_sequences(
    frames: np.ndarray, network: nn.Module, *, seed: int, device: torch.device | str = "cpu"
) -> np.ndarray:
    """Spikes (N, n, d, H, W) of moving shapes (N, n, H, W), one frame a cycle."""
    timing = settings_of("shapes")
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


def moving_scores(
    network: nn.Module,
    n_sequences: int = MOVING_SEQUENCES,
    seed: int = HELD_OUT_SEED,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Mean AMI (n_sequences,) over the last cycles of ``test`` sequences of three moving shapes."""
    ensure_dataset("moving_shapes_3")
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset("moving_shapes_3", "test", 0, n_sequences))
    labels = group_frames(bind_sequences(frames, network, seed=seed, device=device), groups, seed=seed)
    return frame_scores(groups[:, MOVING_SCORED_FROM:], labels[:, MOVING_SCORED_FROM:]).mean(1)
