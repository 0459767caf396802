"""The spike coding space: one spiking neuron a pixel, its refractoriness and the coincidence detector.

Pure functions of (input, state, parameters), time on the first axis. Everything that
does not look back in time is computed for all steps at once; only the refractory
recursion walks through them (paper, section 3.1; equations for m, s and a).
"""

from typing import NamedTuple

import torch
from torch import Tensor

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


def initial_state(shape: tuple[int, ...], device: torch.device | str = "cpu") -> CodingSpaceState:
    """State of neurons that have been silent for long."""
    zeros = torch.zeros(shape, dtype=torch.uint8, device=device)
    return CodingSpaceState(zeros.view(torch.int8).clone(), zeros, zeros)


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
    spikes_as_numbers, above_as_numbers = spikes.view(torch.int8), above.view(torch.int8)
    counter, restart = counter.clone(), torch.empty_like(counter)
    for t in range(len(above)):
        counter -= 1
        torch.lt(counter, 0, out=spikes[t])
        spikes_as_numbers[t] &= above_as_numbers[t]
        torch.mul(spikes_as_numbers[t], refractory, out=restart)
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
    steps = len(spikes)
    spikes = spikes.view(torch.uint8)
    trace1 = torch.cat([trace1[None], spikes & coins])  # trace1[t] = s1 before step t
    older = trace1[:-1] & (coins >> 1)
    trace2 = torch.cat([trace2[None], older])
    return spikes | trace1[:steps] | trace2[:steps], trace1[steps], trace2[steps]


def run_cycle(
    above: Tensor, coins: Tensor, refractory: Tensor, state: CodingSpaceState
) -> tuple[Tensor, Tensor, CodingSpaceState]:
    """All steps of one cycle of the coding space.

    Parameters
    ----------
    above : (d, ...) bool
        m > V in every step, with m = x·c + u.
    coins : (d, ...) uint8
        See :func:`detect_coincidence`.
    refractory : (...) or () int8
        r.
    state : CodingSpaceState

    Returns
    -------
    spikes : (d, ...) bool
        s.
    seen : (d, ...) uint8
        a.
    state : CodingSpaceState
    """
    spikes, counter = fire(above, state.refractory, refractory)
    seen, trace1, trace2 = detect_coincidence(spikes, coins, state.trace1, state.trace2)
    return spikes, seen, CodingSpaceState(counter, trace1, trace2)
