"""Pulse-coupled neural network (PCNN), the pure-SNN system of Table 1.

One neuron a pixel, coupled to its neighbours, with a threshold that jumps at each spike
and decays; a global inhibition sets in as soon as anything fires. Pure functions of
(input, state, parameters): :func:`step` is the equations, on any device;
:func:`run_pulse_coupled` runs many images, on a CPU through a compiled form of the same
equations (:func:`dasbe.snn.fused.run_pulse_coupled`) that visits only what fires.
"""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import conv2d

from dasbe.binding import check_images
from dasbe.blocks import blocks_of, map_blocks
from dasbe.errors import InputError
from dasbe.foreground import Foreground, ForegroundTrains
from dasbe.snn import fused
from dasbe.snn.noise import NoiseStreams, stream_indices, uniform

REACH = 4  # pixels along each axis
VALUES_OF_PIXEL = 320  # for `blocks_of`: enough images in a block to share what it costs to begin one


class PulseCoupledParameters(NamedTuple):
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

    threshold_jump: float
    threshold_decay: float
    linking: float = 3.0
    linking_jump: float = 1.0
    linking_decay: float = 2.0
    inhibition: float = 3.5
    dropout: float = 0.2


class PulseCoupledState(NamedTuple):
    """What the neurons carry from step to step: y (spikes, 0 or 1), L and θ, each (N, H, W)."""

    spikes: Tensor
    linking: Tensor
    threshold: Tensor


INITIAL_THRESHOLD = 2.0


def initial_state(shape: tuple[int, ...], dtype: torch.dtype, device: torch.device | str) -> PulseCoupledState:
    """State before the first step: y = L = 0, θ = 2."""
    zeros = torch.zeros(shape, dtype=dtype, device=device)
    return PulseCoupledState(zeros, zeros, torch.full_like(zeros, INITIAL_THRESHOLD))


def coupling_weights() -> np.ndarray:
    """w = exp(−distance) for displacements of at most `REACH` pixels along each axis, 0 to itself; (9, 9) float64."""
    offsets = np.arange(-REACH, REACH + 1)
    weights = np.exp(-np.hypot.outer(offsets, offsets))
    weights[REACH, REACH] = 0
    return weights


def step(
    inputs: Tensor, state: PulseCoupledState, weights: Tensor, parameters: PulseCoupledParameters
) -> PulseCoupledState:
    """One step of the network.

    L ← e^(−1/τ_L) L + V_L·(w y);  U = F (1 + β L) − min(Σ y, 1)·w_I;
    θ ← e^(−1/τ_θ) θ + V_θ y;  y ← [U ≥ θ].

    Parameters
    ----------
    inputs : (N, H, W) float
        F: the image, each pixel dropped with some probability.
    state : PulseCoupledState
    weights : (9, 9) float
        w, :func:`coupling_weights`.
    parameters : PulseCoupledParameters

    Returns
    -------
    PulseCoupledState
    """
    y, p = state.spikes, parameters
    coupled = conv2d(y[:, None], weights[None, None], padding=REACH)[:, 0]
    linking = math.exp(-1 / p.linking_decay) * state.linking + p.linking_jump * coupled
    inhibition = p.inhibition * y.sum((1, 2), keepdim=True).clamp(max=1)
    membrane = inputs * (1 + p.linking * linking) - inhibition
    threshold = math.exp(-1 / p.threshold_decay) * state.threshold + p.threshold_jump * y
    return PulseCoupledState((membrane >= threshold).to(y.dtype), linking, threshold)


def run_pulse_coupled(
    images: np.ndarray,
    parameters: PulseCoupledParameters,
    *,
    steps: int = 500,
    last: int = 100,
    seed: int = 0,
    indices: Sequence[int] | None = None,
    foreground_only: bool = False,
    device: torch.device | str = "cpu",
) -> np.ndarray | ForegroundTrains:
    """Spikes of the network on each image.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    parameters : PulseCoupledParameters
    steps : int
    last : int
        Return only this many steps at the end.
    seed : int
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    foreground_only : bool
        Return the spikes of the foreground pixels alone: smaller, and faster to group.
    device : torch.device or str

    Returns
    -------
    (N, 1, last, H, W) bool, or ForegroundTrains
        As one cycle, the way :func:`dasbe.group` takes it.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images = check_images(images)
    if not 1 <= last <= steps:
        raise InputError(f"last is {last} and steps {steps}; 1 ≤ last ≤ steps is needed")
    indices = stream_indices(indices, len(images))
    trains = ForegroundTrains.silent(images, 1, last, bool)

    def run_block(block: np.ndarray) -> int:
        foreground = Foreground.of(images[block], device)
        noise = NoiseStreams(seed, indices[block], foreground.counts, device)
        if torch.device(device).type == "cpu":
            _run_compiled(foreground, noise, parameters, steps, block, trains.values[:, 0])
        else:
            spikes = foreground.of_images(run_with_tensors(foreground, noise, parameters, steps, last))
            trains.record(spikes, foreground.counts, block, 0)
        return len(block)

    for _ in map_blocks(run_block, blocks_of(images, VALUES_OF_PIXEL), device):
        pass
    return trains if foreground_only else trains.to_images()


def _run_compiled(
    foreground: Foreground,
    noise: NoiseStreams,
    parameters: PulseCoupledParameters,
    steps: int,
    block: np.ndarray,
    spikes: np.ndarray,
) -> None:
    """Write the spikes of the images numbered `block` into `spikes` (M, last, F)."""
    pixels, width, constants = foreground.pixels.numpy(), foreground.image_shape[1], np.array(parameters, np.float64)
    network = coupling_weights(), constants, INITIAL_THRESHOLD
    fused.run_pulse_coupled(pixels, width, noise.counts, noise.states, steps, *network, block, spikes)


@torch.inference_mode()
def run_with_tensors(
    foreground: Foreground, noise: NoiseStreams, parameters: PulseCoupledParameters, steps: int, last: int
) -> np.ndarray:
    """The block of :func:`run_pulse_coupled` on any device, (N, last, H, W) bool."""
    weights = torch.from_numpy(coupling_weights()).to(noise.device)
    state = initial_state((len(foreground.pixels), *foreground.image_shape), torch.float64, noise.device)
    recorded = []
    for t in range(steps):
        words = noise.pixel_words(1)[:, 0]
        kept = (uniform(words, torch.float64) >= parameters.dropout) & foreground.valid
        state = step(foreground.to_images(kept).to(torch.float64), state, weights, parameters)
        if t >= steps - last:
            recorded.append(state.spikes > 0)
    return torch.stack(recorded, 1).cpu().numpy()
