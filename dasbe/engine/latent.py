"""Latent layers as the loop runs them: all steps of a cycle at once, with what they remember of the cycles before."""

from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import UsableNetwork
from dasbe.engine.compiled import compiled
from dasbe.engine.streams import UNIFORM_BITS, NoiseStreams, draw, word_buffer
from dasbe.snn.coding_space import latent_cycle


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

    Parameters
    ----------
    drive : (N, d, L) float
        z.
    states : (N, 4) uint64
        States of the generators; advanced.
    refractory : int
        r.
    counter : (N, L) int8
        f; advanced.
    latent : (N, d, L) float
        Written: 1 where a neuron fires, else 0.
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
