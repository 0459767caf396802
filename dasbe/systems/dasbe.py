"""DASBE, the paper's system: the binding loop, read by k-means on spike timing. And DASBE with competing steps."""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network
from dasbe.binding.linkage import CYCLES
from dasbe.binding.loop import bind
from dasbe.engine.colours import LEAST_SIGMA, Colours, likelihoods
from dasbe.engine.feedback import Action, Modulation
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.published import CYCLES_TABLE
from dasbe.systems.base import System, in_every_step
from dasbe.systems.competing_phases import shares_of


class Settings(NamedTuple):
    """Settings of the binding loop: see :func:`dasbe.bind`."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE


def record(
    images: np.ndarray, network: Network, settings: Any, *, modulate: Modulation | None = None, **streams: Any
) -> ForegroundTrains:
    """Spikes of the last twenty cycles of the loop; the readout that is given the number of groups reads ten of them.

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
FROM_SCENES = replace(
    SYSTEM, name="dasbe_scenes", title="DASBE, from scenes", trained_on="scenes", network="scenes_{dataset}"
)
COUNTING = replace(SYSTEM, name="dasbe_counting", title="DASBE, counting", told="nothing", never_told=True)


class CompetingSettings(NamedTuple):
    """Settings of the binding loop and of the :func:`competition`, the same on all datasets."""

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
    return (total * shares_of(y, sharpness)).clamp(max=1)


class ColourTerm:
    """What :func:`dasbe.bind` is given as `modulate`, so that pixels that fire together have a colour.

    c_t = y_t·N(x; μ_t, σ) / max_τ N(x; μ_τ, σ), where μ_t is the mean colour of the spikes of step t.

    Parameters
    ----------
    images : (N, H, W) or (N, 3, H, W)
        Grey or colour of the images of the run, from 0 to 1 or as uint8.
    sigma : float
        σ, how far equal colours lie apart in a channel.

    Raises
    ------
    InputError
        An argument is wrong.
    """

    def __init__(self, images: np.ndarray, sigma: float = 0.2):
        self.pictures, self.sigma = checks.pictures(images), checks.number("sigma", sigma, LEAST_SIGMA)

    def of_images(self, images: np.ndarray, foreground: Foreground) -> Action:
        """The term for the images numbered `images` (n,)."""
        if self.pictures.shape[-2:] != foreground.image_shape or images.max() >= len(self.pictures):
            raise InputError(f"ColourTerm has images of shape {self.pictures.shape}, and the run has others")
        colours = Colours.of(self.pictures[images], "flat", self.sigma).of_foreground(foreground, torch.float32)

        def term(y: Tensor, spikes: Tensor) -> Tensor:
            return y * likelihoods(colours.distances(spikes.view(torch.uint8), spikes.shape[1]).to(y))

        return term


def record_competing(
    images: np.ndarray, network: Network, settings: CompetingSettings, **streams: Any
) -> ForegroundTrains:
    """As :func:`record`, of the loop in which the steps of a cycle compete for every pixel.

    It is the smallest change of the paper's loop that lets what the network makes of one
    step act on the others.
    """
    of_steps = competition(settings.delay, settings.refractory, settings.gain, settings.sharpness)
    return record(images, network, settings, modulate=of_steps, **streams)


COMPETING = replace(
    SYSTEM, name="dasbe_competing", title="DASBE, competing steps", settings=CompetingSettings, record=record_competing
)
