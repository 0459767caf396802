"""DASBE, the paper's system: the binding loop, read by k-means on spike timing."""

from typing import NamedTuple

import numpy as np
import torch

from dasbe import checks
from dasbe.ann.network import Network
from dasbe.binding import bind
from dasbe.parameters import CYCLES_TABLE, READOUT_CYCLES, DatasetSettings
from dasbe.readout import group
from dasbe.systems.base import System


class Settings(NamedTuple):
    """Of the binding loop: see :func:`dasbe.bind`."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """As published for a dataset."""
        return cls(dataset.delay, dataset.refractory)


def label(
    images: np.ndarray,
    network: Network,
    n_objects: np.ndarray,
    settings: Settings,
    *,
    seed: int,
    indices: np.ndarray,
    device: torch.device,
) -> np.ndarray:
    """Labels (N, H, W) by the loop of 50 cycles and the readout of the last ten, with a group for the background."""
    last = min(READOUT_CYCLES, checks.whole_number("cycles", settings.cycles))
    run = bind(images, network, **settings._asdict(), last=last, seed=seed, indices=indices, device=device)
    return group(run, n_objects + 1, seed=seed, indices=indices, device=device)


SYSTEM = System(
    name="dasbe",
    title="DASBE",
    trained_on="single objects",
    told="number of objects, at the readout",
    sees="spikes",
    network="{dataset}",
    settings=Settings,
    label=label,
)
