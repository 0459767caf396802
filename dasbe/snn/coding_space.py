"""The spike coding space: one spiking neuron a pixel, its refractoriness and the coincidence detector.

Pure functions of (input, state, parameters). :func:`run_cycle` computes a whole cycle,
whose feedback is known before it begins: on a CPU in one compiled pass
(:mod:`dasbe.snn.fused`), elsewhere with tensors, where only the refractory recursion
walks through the steps. Both give the same spikes (paper, section 3.1; equations for m,
s and a).
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.snn import fused
from dasbe.snn.noise import NoiseStreams, coins, uniform

THRESHOLD = 1 + 1e-5  # V; above 1, so that a pixel without feedback never fires
MAX_REFRACTORY = 127  # counters are int8


class CodingSpaceState(NamedTuple):
    """What the neurons carry from step to step.

    Attributes
    ----------
    refractory : (...) int8
        f, silent steps left; a neuron may fire in the next step iff f = 0.
    trace1, trace2 : (...) uint8, 0 or 1
        s1, s2, spikes of the last step and the step before it that the coincidence
        detector still sees.
    """

    refractory: Tensor
    trace1: Tensor
    trace2: Tensor


class OnDemand(NamedTuple):
    """Feedback c = σ(W h + b) that is not computed before a pixel is ready to fire, on a CPU.

    While a neuron rests after a spike its feedback is of no use: with the published
    delays and refractory times, in up to five sixths of all steps.

    Attributes
    ----------
    hidden : (N, d, L) float
        h, the last layer but one of the network.
    weight : (H·W, L) float
        W.
    bias : (H·W,) float
        b.
    pixels : (N, F) int
        Which pixels of the image the neurons are.
    """

    hidden: Tensor
    weight: Tensor
    bias: Tensor
    pixels: Tensor


def initial_state(n_images: int, width: int, device: torch.device | str = "cpu") -> CodingSpaceState:
    """State of neurons (N, F) that have been silent for long."""
    counter, trace1, trace2 = torch.zeros((3, n_images, width), dtype=torch.uint8, device=device)
    return CodingSpaceState(counter.view(torch.int8), trace1, trace2)


def run_cycle(
    feedback: Tensor,
    noise: NoiseStreams,
    refractory: Tensor,
    state: CodingSpaceState,
    spike_loss: float = 0.0,
    resting: np.ndarray | None = None,
    on_demand: OnDemand | None = None,
) -> tuple[Tensor, Tensor, CodingSpaceState]:
    """All steps of one cycle of the coding space.

    m = x·c + u; fires iff m > V and not refractory; a = s ∨ s1 ∨ s2.

    Parameters
    ----------
    feedback : (N, d, F) float
        c of the foreground pixels (x = 1).
    noise : NoiseStreams
        Of these images; advanced.
    refractory : (N, F) int8
        r, silent steps after a spike.
    state : CodingSpaceState
        (N, F) each.
    spike_loss : float
        Probability with which a spike is lost after its neuron has fired.
    resting : (N,) bool, optional
        Images whose pixels rest most of the time; renewed by what they do in this cycle.
    on_demand : OnDemand, optional
        Where the feedback of the images that are `resting` comes from, needed if any are;
        theirs in `feedback` is overwritten.

    Returns
    -------
    spikes : (N, d, F) bool
        s.
    seen : (N, d, F) uint8, 0 or 1
        a, what the network is shown.
    state : CodingSpaceState
    """
    if feedback.device.type != "cpu" or spike_loss:
        return run_cycle_with_tensors(feedback, noise, refractory, state, spike_loss)
    spikes, seen = np.empty(feedback.shape, bool), np.empty(feedback.shape, np.uint8)
    advanced = CodingSpaceState(*(tensor.clone() for tensor in state))
    c = feedback.numpy()
    threshold = c.dtype.type(THRESHOLD)
    if resting is None:
        resting = np.zeros(0, bool)
    if on_demand is None:
        on_demand = OnDemand(*(feedback.new_empty((0,) * n) for n in (3, 2, 1)), refractory.new_empty((0, 0)).int())
    arrays = (tensor.numpy() for tensor in advanced)
    fused.run_cycle(
        c,
        resting,
        *(tensor.numpy() for tensor in on_demand),
        noise.states,
        noise.counts,
        refractory.numpy(),
        threshold,
        *arrays,
        spikes,
        seen,
    )
    return torch.from_numpy(spikes), torch.from_numpy(seen), advanced


def run_cycle_with_tensors(
    feedback: Tensor, noise: NoiseStreams, refractory: Tensor, state: CodingSpaceState, spike_loss: float = 0.0
) -> tuple[Tensor, Tensor, CodingSpaceState]:
    """:func:`run_cycle` on any device."""
    words = noise.pixel_words(feedback.shape[1])
    above = feedback + uniform(words, feedback.dtype) > THRESHOLD
    spikes, counter = fire(above.transpose(0, 1), state.refractory, refractory)
    if spike_loss:
        spikes &= (uniform(noise.pixel_words(feedback.shape[1])) >= spike_loss).transpose(0, 1)
    flips = coins(words).transpose(0, 1)
    seen, trace1, trace2 = detect_coincidence(spikes, flips, state.trace1, state.trace2)
    return spikes.transpose(0, 1), seen.transpose(0, 1), CodingSpaceState(counter, trace1, trace2)


def run_latent_cycle(drive: Tensor, noise: NoiseStreams, refractory: int, counter: Tensor) -> tuple[Tensor, Tensor]:
    """All steps of one cycle of a latent layer that spikes: fires iff z + u > 1 and not refractory.

    Parameters
    ----------
    drive : (N, d, L) float
        z, what the encoder gives.
    noise : NoiseStreams
        Advanced.
    refractory : int
        r.
    counter : (N, L) int8
        f before the first step.

    Returns
    -------
    latent : (N, d, L) of the type of `drive`
        1 where a neuron fires, else 0.
    counter : (N, L) int8
        f after the last step.
    """
    if drive.device.type != "cpu":
        return run_latent_cycle_with_tensors(drive, noise, refractory, counter)
    latent, counter = torch.empty_like(drive), counter.clone()
    fused.fire_latent(drive.numpy(), noise.states, refractory, counter.numpy(), latent.numpy())
    return latent, counter


def run_latent_cycle_with_tensors(
    drive: Tensor, noise: NoiseStreams, refractory: int, counter: Tensor
) -> tuple[Tensor, Tensor]:
    """:func:`run_latent_cycle` on any device."""
    u = uniform(noise.latent_words(*drive.shape[1:]), drive.dtype)
    r = torch.tensor(refractory, dtype=torch.int8, device=drive.device)
    fired, counter = fire((drive + u > 1).transpose(0, 1), counter, r)
    return fired.transpose(0, 1).to(drive.dtype), counter


def fire(above: Tensor, counter: Tensor, refractory: Tensor) -> tuple[Tensor, Tensor]:
    """Spikes of neurons that rest after each spike.

    In step t: f ← f − 1; s = [above ∧ f < 0]; where s: f ← r. A counter is kept at 0
    once it has run out, which leaves the spikes as they are.

    Parameters
    ----------
    above : (T, ...) bool
        Whether the membrane is above threshold, m > V.
    counter : (...) int8
        f before the first step.
    refractory : (...) or () int8
        r, silent steps after a spike.

    Returns
    -------
    spikes : (T, ...) bool
    counter : (...) int8
        f after the last step.
    """
    spikes = torch.empty_like(above)
    counter, restart = counter.clone(), torch.empty_like(counter)
    for above_now, spikes_now in zip(above.view(torch.int8).unbind(0), spikes.view(torch.int8).unbind(0)):
        counter.sub_(1)
        torch.bitwise_right_shift(counter, 7, out=spikes_now)  # the sign: all bits set where f < 0
        spikes_now.bitwise_and_(above_now)
        torch.mul(spikes_now, refractory, out=restart)
        torch.maximum(counter, restart, out=counter)
    return spikes, counter


def detect_coincidence(spikes: Tensor, coins: Tensor, trace1: Tensor, trace2: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Coincidence detector: every spike is seen for one, two or three steps.

    a = s ∨ s1 ∨ s2; after the step s2 ← s1 ∧ B and s1 ← s ∧ B′.

    Parameters
    ----------
    spikes : (T, ...) bool
    coins : (T, ...) uint8
        Fair coin flips: B′ in bit 0, B in bit 1; the other bits do not matter.
    trace1, trace2 : (...) uint8
        s1, s2 before the first step.

    Returns
    -------
    seen : (T, ...) uint8, 0 or 1
        a, what the network is shown.
    trace1, trace2 : (...) uint8
        s1, s2 after the last step.
    """
    fired = spikes.view(torch.uint8)
    after_one = fired & coins  # s ∧ B′: seen one step later
    after_two = after_one[:-1] & (coins[1:] >> 1)  # and ∧ B of that step: seen two steps later
    last_of_trace1 = trace1 & (coins[0] >> 1)
    seen = fired.clone()
    seen[0] |= trace1 | trace2
    seen[1:] |= after_one[:-1]
    seen[1:2] |= last_of_trace1
    seen[2:] |= after_two[:-1]
    return seen, after_one[-1], after_two[-1] if len(after_two) else last_of_trace1
