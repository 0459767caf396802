"""DASBE with competition: the binding loop, in which the steps of a cycle compete for every pixel.

The smallest change of the paper's loop that lets what the network makes of one step act
on the others. All else, refractory time, coincidence detector, and readout, is DASBE's.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from torch import Tensor

from dasbe.ann.network import Network
from dasbe.engine.feedback import Modulation
from dasbe.engine.foreground import ForegroundTrains
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE
from dasbe.systems.competing_phases import compete
from dasbe.systems.dasbe import SYSTEM as DASBE
from dasbe.systems.dasbe import record as of_loop


class Settings(NamedTuple):
    """Settings of the binding loop (:func:`dasbe.bind`), and of the :func:`competition`: alike for all datasets."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    gain: float = 2.0
    sharpness: float = 2.0


def competition(delay: int, refractory: int, gain: float = 2.0, sharpness: float = 2.0) -> Modulation:
    """What :func:`dasbe.bind` is given as `modulate`, so that the steps of a cycle compete for every pixel.

    c_t = min(1, M·y_t^β / Σ_τ y_τ^β), with M = m·d / (r + 1): a pixel that can fire d / (r + 1)
    times in a cycle has as much feedback in all steps together, or m times that.

    Parameters
    ----------
    delay, refractory : int
        d and r of the loop, the same r for all pixels.
    gain : float
        m.
    sharpness : float
        β.

    Returns
    -------
    callable
        From y (n, d, F) to c (n, d, F), both in [0, 1].

    Raises
    ------
    InputError
        An argument is wrong.
    """
    delay = checks.whole_number("delay", delay, 1, checks.MOST_STEPS)
    refractory = checks.whole_number("refractory", refractory, 0, checks.MOST_STEPS)
    gain, sharpness = checks.number("gain", gain, 0), checks.number("sharpness", sharpness, 0)
    return partial(_competed, total=gain * delay / (refractory + 1), sharpness=sharpness)


def _competed(y: Tensor, total: float, sharpness: float) -> Tensor:
    return (total * compete(y, sharpness)).clamp(max=1)


def record(images: np.ndarray, network: Network, settings: Settings, **streams: Any) -> ForegroundTrains:
    """Spikes of the last cycles of the loop, as DASBE records them."""
    of_steps = competition(settings.delay, settings.refractory, settings.gain, settings.sharpness)
    return of_loop(images, network, settings, modulate=of_steps, **streams)


SYSTEM = replace(DASBE, name="dasbe_competing", title="DASBE, competing steps", settings=Settings, record=record)
