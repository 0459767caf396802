"""The spike coding space: spiking pixels, refractory time, coincidence detector (paper, section 3.1).

These pure functions on tensors of any device hold the equations. N images have F pixels, or L
latent neurons, and d steps in a cycle. On a CPU the loop runs compiled forms of the functions
(:mod:`dasbe.engine.neurons`), which give the same spikes.
"""

from typing import NamedTuple, TypeVar

import torch
from torch import Tensor

from dasbe.snn.noise import coins, uniform

THRESHOLD = 1 + 1e-5  # V; above 1, so that a pixel without feedback never fires
LARGEST_REFRACTORY = 127  # counters are int8

Bits = TypeVar("Bits")  # tensors, arrays, or single numbers: 0 or 1


class PixelState(NamedTuple):
    """State of the neurons of the pixels between two steps.

    Attributes
    ----------
    counter : (...) int8
        f, silent steps left; a neuron may fire in the next step iff f = 0.
    trace1, trace2 : (...) uint8, 0 or 1
        s1, s2: spikes of the last step, and of the step before it, that the coincidence
        detector still sees.
    """

    counter: Tensor
    trace1: Tensor
    trace2: Tensor


def quiescent(n_images: int, width: int, device: torch.device | str = "cpu") -> PixelState:
    """State of neurons (N, F) after a long silence."""
    counter, trace1, trace2 = torch.zeros((3, n_images, width), dtype=torch.uint8, device=device)
    return PixelState(counter.view(torch.int8), trace1, trace2)


def detect_coincidence(s: Bits, s1: Bits, s2: Bits, b: Bits, b_prime: Bits) -> tuple[Bits, Bits, Bits]:
    """One step of the coincidence detector, by which every spike is seen for one, two or three steps.

    What the network sees is a = s ∨ s1 ∨ s2; then s2 ← s1 ∧ B and s1 ← s ∧ B′, B and B′ fair
    coins. Returned are a, s1, s2. The compiled kernel compiles this very function.
    """
    return s | s1 | s2, s & b_prime, s1 & b  # type: ignore[operator]


def fire(above: Tensor, counter: Tensor, refractory: Tensor) -> tuple[Tensor, Tensor]:
    """One step of neurons that are refractory after each spike.

    f ← f − 1; s = [m > V ∧ f < 0]; where s: f ← r. `above` (...) bool is m > V, `counter`
    (...) int8 is f and `refractory` int8 is r. Returned are s, bool, and f after the step;
    it is kept at 0 once it has run out, which leaves the spikes as they are.
    """
    counter = counter - 1
    spikes = above & (counter < 0)
    return spikes, torch.where(spikes, refractory, counter.clamp(min=0))


def pixel_cycle(
    feedback: Tensor, words: Tensor, refractory: Tensor, state: PixelState, kept: Tensor | None = None
) -> tuple[Tensor, Tensor, PixelState]:
    """All steps of one cycle of the pixels: m = x·c + u, spikes s, and what is seen of them, a.

    Parameters
    ----------
    feedback : (N, d, F) float
        x·c.
    words : (N, d, F) int32
        Random words, which give u, B and B′.
    refractory : (N, F) int8
        r.
    state : PixelState
        (N, F) each.
    kept : (N, d, F) bool, optional
        Spikes that are not lost on their way; a neuron is refractory after a lost one as well.

    Returns
    -------
    s : (N, d, F) bool
    a : (N, d, F) uint8, 0 or 1
    state : PixelState
    """
    above = feedback + uniform(words, feedback.dtype) > THRESHOLD
    b, b_prime = coins(words)
    counter, s1, s2 = state
    spikes, seen = torch.empty_like(above), torch.empty_like(b)
    for t in range(feedback.shape[1]):
        s, counter = fire(above[:, t], counter, refractory)
        spikes[:, t] = s if kept is None else s & kept[:, t]
        seen[:, t], s1, s2 = detect_coincidence(spikes[:, t].view(torch.uint8), s1, s2, b[:, t], b_prime[:, t])
    return spikes, seen, PixelState(counter, s1, s2)


def latent_cycle(drive: Tensor, words: Tensor, refractory: int, counter: Tensor) -> tuple[Tensor, Tensor]:
    """All steps of one cycle of latent neurons that spike: z + u > 1 fires unless refractory.

    `drive` (N, d, L) is z, the output of the encoder; `words` (N, d, L) int32 give u; `counter`
    (N, L) int8 is f. Returned are the code, 1 where a neuron fires and else 0, (N, d, L) of the
    type of `drive`, and f after the last step.
    """
    above = drive + uniform(words, drive.dtype) > 1
    silent_steps = torch.tensor(refractory, dtype=torch.int8, device=drive.device)
    latent = torch.empty_like(drive)
    for t in range(drive.shape[1]):
        latent[:, t], counter = fire(above[:, t], counter, silent_steps)
    return latent, counter
