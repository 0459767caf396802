"""The neurons of a cycle: all steps at once, on a CPU in one compiled pass.

The kernels draw the same random words as the tensor forms in
:mod:`dasbe.snn.coding_space` and give the same spikes (the tests compare them), but
numbers are drawn, used and forgotten in the fastest memory, and feedback may be
computed where a pixel is ready to fire (:mod:`dasbe.engine.feedback`).
"""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import UsableNetwork
from dasbe.engine.compiled import compiled
from dasbe.engine.feedback import Feedback, FeedbackArrays, compute_lazily
from dasbe.engine.streams import UNIFORM_BITS, NoiseStreams, draw, word_buffer
from dasbe.snn.coding_space import THRESHOLD, PixelState, detect_coincidence, latent_cycle, pixel_cycle, quiescent
from dasbe.snn.noise import uniform

LAZY_BELOW = 1 / 3  # of the pixels; if fewer are ready to fire, lazy feedback is faster than a matrix product
STEPS_BETWEEN_COUNTS = 4  # of the pixels that are ready, where feedback is not lazy


class Pixels(NamedTuple):
    """The neurons of the foreground pixels of a batch of images.

    Attributes
    ----------
    noise : NoiseStreams
        Random streams of these images; advanced by every cycle.
    refractory : (N, F) int8
        r, silent steps after a spike.
    spike_loss : float
        Probability with which a spike is lost after its neuron has fired.
    """

    noise: NoiseStreams
    refractory: Tensor
    spike_loss: float = 0.0

    def quiescent(self) -> PixelState:
        """State of neurons that have long been silent."""
        n_images, width = self.refractory.shape
        return quiescent(n_images, width, self.refractory.device)

    def cycle(
        self, feedback: Feedback, state: PixelState, x: Tensor | None = None
    ) -> tuple[Tensor, Tensor, PixelState]:
        """Spikes s (N, d, F) bool, what is seen of them, a (N, d, F) uint8, and the state after a cycle.

        `x` (N, F) is the image where it moves; else x = 1.
        """
        if self.refractory.device.type != "cpu" or self.spike_loss:
            return self._cycle_of_tensors(feedback, state, x)
        arrays = feedback.for_neurons()
        if x is not None:
            arrays = arrays._replace(values=arrays.values * x.numpy()[:, None])
        spikes, seen = np.empty(arrays.values.shape, bool), np.empty(arrays.values.shape, np.uint8)
        advanced, threshold = PixelState(*(tensor.clone() for tensor in state)), arrays.values.dtype.type(THRESHOLD)
        r, f, s1, s2 = (tensor.numpy() for tensor in (self.refractory, *advanced))
        _pixel_cycle(arrays, self.noise.states, self.noise.counts, threshold, r, f, s1, s2, spikes, seen)
        return torch.from_numpy(spikes), torch.from_numpy(seen), advanced

    def _cycle_of_tensors(
        self, feedback: Feedback, state: PixelState, x: Tensor | None
    ) -> tuple[Tensor, Tensor, PixelState]:
        """:meth:`cycle` on any device, and where spikes are lost."""
        c = feedback.of_pixels() if x is None else feedback.of_pixels() * x[:, None]
        words = self.noise.pixel_words(c.shape[1])
        kept = uniform(self.noise.pixel_words(c.shape[1])) >= self.spike_loss if self.spike_loss else None
        return pixel_cycle(c, words, self.refractory, state, kept)


@compiled
def _pixel_cycle(
    feedback: FeedbackArrays,
    states: np.ndarray,
    counts: np.ndarray,
    threshold: np.floating,
    refractory: np.ndarray,
    counter: np.ndarray,
    trace1: np.ndarray,
    trace2: np.ndarray,
    spikes: np.ndarray,
    seen: np.ndarray,
) -> None:
    """All steps of a cycle: random numbers, membrane, refractoriness, coincidence detector.

    `feedback` is c, (N, d, F), and `threshold` V, of its type. The generators' `states`
    (N, 4) and the state of the pixels, from `counter` to `trace2`, (N, F) each, are advanced.
    Writes `spikes` s and `seen` a, (N, d, F) each; 0 beyond an image's own pixels.
    """
    n_images, delay, width = feedback.values.shape
    drawn = word_buffer(delay * width)
    words = drawn.view(np.int32)
    room = np.empty(width + 1, np.int64)
    may_be_lazy = len(feedback.lazy) > 0
    real = feedback.values.dtype.type
    scale, half = real(2.0**-32), real(0.5)
    for i in range(n_images):
        n, n_counted, n_ready = counts[i], 0, 0
        lazy = may_be_lazy and feedback.lazy[i]
        draw(states[i], drawn[: (delay * n + 1) // 2])
        f, s1, s2, r = counter[i], trace1[i], trace2[i], refractory[i]
        for t in range(delay):
            c, s, a, of_step = feedback.values[i, t], spikes[i, t], seen[i, t], words[t * n : (t + 1) * n]
            if lazy:
                ready = _list_ready(f, n, room)
                compute_lazily(feedback, i, t, ready)
                n_counted, n_ready = n_counted + n, n_ready + len(ready)
            elif may_be_lazy and t % STEPS_BETWEEN_COUNTS == 0:
                n_counted += n
                for p in range(n):
                    n_ready += f[p] == 0
            s[n:], a[n:] = False, 0
            for p in range(n):
                word = of_step[p]
                u = real(word & UNIFORM_BITS) * scale + half
                silent_steps = max(f[p] - 1, -1)
                fires = (c[p] + u > threshold) & (silent_steps < 0)
                s[p] = fires
                f[p] = r[p] if fires else max(silent_steps, 0)
                b, b_prime = np.uint8((word >> 1) & 1), np.uint8(word & 1)
                a[p], s1[p], s2[p] = _detect_coincidence(np.uint8(fires), s1[p], s2[p], b, b_prime)
        if may_be_lazy:
            feedback.lazy[i] = n_ready < LAZY_BELOW * n_counted


_detect_coincidence = compiled(detect_coincidence)


@compiled
def _list_ready(counter: np.ndarray, n: int, room: np.ndarray) -> np.ndarray:
    """Which of the first `n` pixels are ready to fire (f = 0), in the first places of `room`."""
    k = np.uint64(0)
    for p in range(n):
        room[k] = p  # overwritten by the next pixel unless this one is ready
        k += np.uint64(counter[p] == 0)
    return room[:k]


class LatentLayer(Protocol):
    """A latent layer; `memory` is None before the first cycle."""

    def cycle(self, drive: Tensor, memory: Any) -> tuple[Tensor, Tensor, Any]:
        """From the drive z, what the encoder gives: the code h, what the decoder receives, (N, d, L) each, memory."""


class Deterministic(NamedTuple):
    """h = z; nothing is remembered."""

    def cycle(self, drive: Tensor, memory: None) -> tuple[Tensor, Tensor, None]:
        return drive, drive, None


class Spiking(NamedTuple):
    """Neurons that fire where z + u > 1 unless refractory; they remember their counters f, (N, L) int8."""

    noise: NoiseStreams
    refractory: int

    def cycle(self, drive: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor, Tensor]:
        counter = torch.zeros_like(drive[:, 0], dtype=torch.int8) if memory is None else memory.clone()
        if drive.device.type != "cpu":
            words = self.noise.latent_words(drive.shape[1], drive.shape[2])
            latent, counter = latent_cycle(drive, words, self.refractory, counter)
        else:
            latent = torch.empty_like(drive)
            _latent_cycle(drive.numpy(), self.noise.states, self.refractory, counter.numpy(), latent.numpy())
        return latent, latent, counter


class Recurrent(NamedTuple):
    """A layer whose code acts on the decoder together with that of the same step a cycle earlier, 0 at first."""

    layer: LatentLayer
    network: UsableNetwork

    def cycle(self, drive: Tensor, memory: Any) -> tuple[Tensor, Tensor, Any]:
        previous, of_layer = (torch.zeros_like(drive), None) if memory is None else memory
        latent, _, of_layer = self.layer.cycle(drive, of_layer)
        return latent, self.network.combine(latent, previous), (latent, of_layer)


def latent_layer(network: UsableNetwork, noise: NoiseStreams, refractory: Tensor) -> LatentLayer:
    """The latent layer of `network`; its refractory time is the mean of those of the pixels, (N, F) int8."""
    layer: LatentLayer = Deterministic()
    if network.spiking:
        layer = Spiking(noise, round(refractory.double().mean().item()))
    return Recurrent(layer, network) if network.recurrent else layer


@compiled
def _latent_cycle(
    drive: np.ndarray, states: np.ndarray, refractory: int, counter: np.ndarray, latent: np.ndarray
) -> None:
    """Latent neurons that spike, over a cycle: z + u > 1 fires, then r silent steps.

    `drive` is z, (N, d, L). The generators' `states` (N, 4) and `counter` f, (N, L), are
    advanced. Writes `latent` (N, d, L): 1 where a neuron fires, else 0.
    """
    n = drive.shape[2]
    drawn = word_buffer(drive.shape[1] * n)
    words = drawn.view(np.int32)
    scale, half, one = drive.dtype.type(2.0**-32), drive.dtype.type(0.5), drive.dtype.type(1)
    for i in range(drive.shape[0]):
        draw(states[i], drawn)
        f = counter[i]
        for t in range(drive.shape[1]):
            z, h, of_step = drive[i, t], latent[i, t], words[t * n : (t + 1) * n]
            for k in range(n):
                u = drive.dtype.type(of_step[k] & UNIFORM_BITS) * scale + half
                silent_steps = max(f[k] - 1, -1)
                fires = (z[k] + u > one) & (silent_steps < 0)
                h[k] = drive.dtype.type(fires)
                f[k] = refractory if fires else max(silent_steps, 0)
