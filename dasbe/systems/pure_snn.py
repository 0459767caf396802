"""pure-SNN, a system of Table 1: a pulse-coupled neural network (PCNN).

One neuron a pixel, coupled to its neighbours, with a threshold that jumps at each spike
and decays; a global inhibition sets in as soon as anything fires. :func:`step` is the
equations, a pure function of input, state and settings on any device; on a CPU a compiled
form of them (:mod:`dasbe.engine.pulse_coupled`) visits only what fires.
"""

import math
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from dasbe.engine import pulse_coupled as compiled_form
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.parallel import blocks_of, map_blocks
from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import uniform
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.systems.base import System

INITIAL_THRESHOLD = 2.0
STEPS, READOUT_STEPS = 500, 100  # steps of a run, and those at its end that are read
REACH = 4  # pixels along each axis
VALUES_PER_PIXEL = 320  # for `blocks_of`: enough images in a block to share what it costs to begin one


class Settings(NamedTuple):
    """Constants of the network.

    Attributes
    ----------
    threshold_jump : float
        V_θ, added to the threshold by a spike.
    threshold_decay : float
        τ_θ, steps.
    linking : float
        β, how much the neighbours' spikes count.
    linking_jump : float
        V_L.
    linking_decay : float
        τ_L, steps.
    inhibition : float
        w_I, of all neurons by the spikes of the step before.
    dropout : float
        Probability with which a pixel's input is missing in a step.
    """

    threshold_jump: float = 10.0
    threshold_decay: float = 6.0
    linking: float = 3.0
    linking_jump: float = 1.0
    linking_decay: float = 2.0
    inhibition: float = 3.5
    dropout: float = 0.2


class State(NamedTuple):
    """State of the neurons between steps: y (spikes, 0 or 1), L and θ, each (N, H, W)."""

    spikes: Tensor
    linking: Tensor
    threshold: Tensor


def coupling_weights() -> np.ndarray:
    """w = exp(−distance) for displacements of at most `REACH` pixels along each axis, 0 to itself; (9, 9) float64."""
    offsets = np.arange(-REACH, REACH + 1)
    weights = np.exp(-np.hypot.outer(offsets, offsets))
    weights[REACH, REACH] = 0
    return weights


def step(inputs: Tensor, state: State, weights: Tensor, settings: Settings) -> State:
    """One step of the network.

    L ← e^(−1/τ_L) L + V_L·(w y);  U = F (1 + β L) − min(Σ y, 1)·w_I;
    θ ← e^(−1/τ_θ) θ + V_θ y;  y ← [U ≥ θ].

    `inputs` (N, H, W) is F: the image, each pixel dropped with some probability; `weights`
    (9, 9) is w, :func:`coupling_weights`.
    """
    y, p = state.spikes, settings
    coupled = conv2d(y[:, None], weights[None, None], padding=REACH)[:, 0]
    linking = math.exp(-1 / p.linking_decay) * state.linking + p.linking_jump * coupled
    inhibition = p.inhibition * y.sum((1, 2), keepdim=True).clamp(max=1)
    membrane = inputs * (1 + p.linking * linking) - inhibition
    threshold = math.exp(-1 / p.threshold_decay) * state.threshold + p.threshold_jump * y
    return State((membrane >= threshold).to(y.dtype), linking, threshold)


def record(
    images: np.ndarray, network: None, settings: Settings, *, seed: int, indices: np.ndarray, device: torch.device
) -> ForegroundTrains:
    """Spikes of the last 100 of 500 steps as one cycle, (N, 1, 100, F) bool; the system takes no network."""
    for name, value in settings._asdict().items():
        checks.number(name, value)
        if name.endswith("decay") and value <= 0:
            raise InputError(f"{name} is {value}; it must be above 0 steps")
    checks.probability("dropout", settings.dropout)
    n_bytes = len(images) * READOUT_STEPS * int(np.count_nonzero(images, axis=(1, 2)).max())
    checks.memory(n_bytes, "this run", "take fewer images at a time")
    trains = ForegroundTrains.silent(images, 1, READOUT_STEPS, bool)
    constants = coupling_weights(), np.array(settings, np.float64), INITIAL_THRESHOLD

    def run_block(block: np.ndarray) -> None:
        foreground = Foreground.of(images[block], device)
        noise = NoiseStreams(seed, indices[block], foreground.counts, device)
        if device.type == "cpu":
            pixels, width, spikes = foreground.pixels.numpy(), foreground.image_shape[1], trains.values[:, 0]
            compiled_form.simulate(pixels, width, noise.counts, noise.states, STEPS, *constants, block, spikes)
        else:
            of_tensors = foreground.of_images(simulate_with_tensors(foreground, noise, settings))
            trains.record(of_tensors, foreground.counts, block, 0)

    for _ in map_blocks(run_block, blocks_of(images, VALUES_PER_PIXEL), device):
        pass
    return trains


@torch.inference_mode()
def simulate_with_tensors(foreground: Foreground, noise: NoiseStreams, settings: Settings) -> np.ndarray:
    """Spikes (N, 100, H, W) bool of a block of images in the last steps, on any device."""
    weights = torch.from_numpy(coupling_weights()).to(noise.device)
    silent = torch.zeros((len(foreground.pixels), *foreground.image_shape), dtype=torch.float64, device=noise.device)
    state = State(silent, silent, torch.full_like(silent, INITIAL_THRESHOLD))
    recorded = []
    for t in range(STEPS):
        words = noise.pixel_words(1)[:, 0]
        kept = (uniform(words, torch.float64) >= settings.dropout) & foreground.valid
        state = step(foreground.to_images(kept).to(torch.float64), state, weights, settings)
        if t >= STEPS - READOUT_STEPS:
            recorded.append(state.spikes > 0)
    return torch.stack(recorded, 1).cpu().numpy()


SYSTEM = System(
    name="pure_snn",
    title="pure-SNN",
    trained_on="nothing",
    told="number of objects, at the readout",
    sees="no network",
    network=None,
    settings=Settings,
    record=record,
    can_count=True,
)
