"""DASBE, the paper's system: the binding loop, read by k-means on spike timing."""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dasbe.ann.network import Network
from dasbe.binding.linkage import CYCLES
from dasbe.binding.loop import bind
from dasbe.engine.feedback import Modulation
from dasbe.engine.foreground import ForegroundTrains
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE
from dasbe.systems.base import System, in_every_step


class Settings(NamedTuple):
    """Settings of the binding loop: see :func:`dasbe.bind`."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE


def record(
    images: np.ndarray, network: Network, settings: Any, *, modulate: Modulation | None = None, **streams: Any
) -> ForegroundTrains:
    """Spikes of the last twenty cycles of the loop; the readout that is told the number of groups reads ten of them.

    `settings` are :class:`Settings`, or have these fields; `modulate` is as of :func:`dasbe.bind`.
    """
    cycles = checks.whole_number("cycles", settings.cycles)
    timing = {"delay": settings.delay, "refractory": settings.refractory, "cycles": cycles}
    trains = bind(images, network, **timing, last=min(CYCLES, cycles), modulate=modulate, **streams).trains
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
    can_count=True,
    evaluations=in_every_step,
)
COUNTING = replace(SYSTEM, name="dasbe_counting", title="DASBE, counting", told="nothing", never_told=True)
