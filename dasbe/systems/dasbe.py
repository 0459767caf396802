"""DASBE, the paper's system: the binding loop, read by k-means on spike timing."""

from typing import NamedTuple

import numpy as np
import torch

from dasbe import checks
from dasbe.ann.network import Network
from dasbe.binding import bind
from dasbe.engine.foreground import ForegroundTrains
from dasbe.linkage import CYCLES
from dasbe.parameters import CYCLES_TABLE, DatasetSettings
from dasbe.systems.base import System, in_every_step


class Settings(NamedTuple):
    """Of the binding loop: see :func:`dasbe.bind`."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """As published for a dataset."""
        return cls(dataset.delay, dataset.refractory)


def record(
    images: np.ndarray, network: Network, settings: Settings, *, seed: int, indices: np.ndarray, device: torch.device
) -> ForegroundTrains:
    """Spikes of the last twenty cycles of the loop; the readout that is told the number of groups reads ten of them."""
    last = min(CYCLES, checks.whole_number("cycles", settings.cycles))
    trains = bind(images, network, **settings._asdict(), last=last, seed=seed, indices=indices, device=device).trains
    assert trains is not None  # spikes are what is recorded by default
    return trains


SYSTEM = System(
    name="dasbe",
    title="DASBE",
    trained_on="single objects",
    told="number of objects, at the readout",
    sees="spikes",
    network="{dataset}",
    settings=Settings,
    record=record,
    counts=True,
    evaluations=in_every_step,
)
