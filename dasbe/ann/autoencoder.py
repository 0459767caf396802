"""The denoising autoencoder: encoder, latent code, decoder (paper, section 3.2)."""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from dasbe.ann.architecture import Architecture
from dasbe.support.commands import typed
from dasbe.support.errors import InputError

ACTIVATION_LAYERS: dict[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "softmax": partial(nn.Softmax, dim=-1),
}


class Autoencoder(nn.Module):
    """Fully connected autoencoder with a sigmoid output.

    Parameters
    ----------
    architecture : Architecture

    Attributes
    ----------
    encoder : nn.Sequential
        (M, H·W) → latent code (M, latent).
    decoder : nn.Sequential
        (M, latent) → reconstruction (M, H·W) in [0, 1].
    recurrent : nn.Linear or None
        W and b of :meth:`combine`.
    description : dict
        How the network was made; empty unless it comes from a file.
    """

    def __init__(self, architecture: Architecture):
        super().__init__()
        self.architecture = architecture
        self.description: dict[str, Any] = {}
        widths = (math.prod(architecture.image_shape), *architecture.hidden, architecture.latent)
        self.encoder = _layers(widths, architecture.activation, architecture.latent_activation)
        self.decoder = _layers(widths[::-1], architecture.activation, "sigmoid")
        self.recurrent = nn.Linear(architecture.latent, architecture.latent) if architecture.recurrent else None

    @property
    def spiking_latent(self) -> bool:
        """Whether the encoder returns the drive of spiking neurons rather than the code itself."""
        return self.architecture.spiking

    @property
    def output_shift(self) -> float:
        """Number that the recipe added to the drive of every output after training."""
        return self.description.get("recipe", {}).get("output_shift", 0.0)

    def forward(
        self, x: Tensor, generator: torch.Generator | None = None, silence: float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Reconstruction (M, H·W) and latent code (M, latent) of `x` (M, H·W); see :func:`transmitted`."""
        latent, received = transmitted(self.encoder(x), self.spiking_latent, generator, silence)
        return self.decoder(received), latent

    def combine(self, latent: Tensor, previous: Tensor) -> Tensor:
        """Input of the decoder from the latent codes h_τ and h_{τ−1}, (..., latent) each: σ(W h_{τ−1} + h_τ + b)."""
        if self.recurrent is None:
            raise InputError(f"this network is not recurrent; train one with: {typed('train', 'moving')}")
        return torch.sigmoid(self.recurrent(previous) + latent)

    def predict(self, frames: Tensor) -> Tensor:
        """Prediction by a recurrent network of the frame after each of `frames` (M, T, H·W); at first, h = 0."""
        latent = self.encoder(frames)
        previous = torch.cat([torch.zeros_like(latent[:, :1]), latent[:, :-1]], 1)
        return self.decoder(self.combine(latent, previous))


def transmitted(
    latent: Tensor, spiking: bool, generator: torch.Generator | None, silence: float
) -> tuple[Tensor, Tensor]:
    """The latent code (M, L), and the part of it that reaches the decoder.

    Latent neurons that spike draw their noise from `generator` and are not refractory here;
    the binding loop adds that. With `silence`, a share U(0, silence) of the latent neurons of
    each image does not reach the decoder, as if refractory.
    """
    if spiking:
        latent = SpikeWithSurrogate.apply(latent + uniform_like(latent.shape, latent, generator) - 1)
    received = latent
    if silence:
        part = silence * uniform_like((len(latent), 1), latent, generator)
        received = latent * (uniform_like(latent.shape, latent, generator) >= part)
    return latent, received


def uniform_like(shape: Sequence[int], like: Tensor, generator: torch.Generator | None) -> Tensor:
    """U[0, 1) of `shape`, with the type and the device of `like`."""
    return torch.rand(shape, generator=generator, device=like.device, dtype=like.dtype)


class SpikeWithSurrogate(torch.autograd.Function):
    """Heaviside step; its gradient is taken as 1 within 0.5 of the threshold and 0 beyond."""

    @staticmethod
    def forward(ctx: Any, excess: Tensor) -> Tensor:
        ctx.save_for_backward(excess)
        return (excess > 0).to(excess.dtype)

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        (excess,) = ctx.saved_tensors
        return gradient * (excess.abs() < 0.5)


def _layers(widths: tuple[int, ...], between: str, last: str) -> nn.Sequential:
    """Linear layers of `widths`, the last followed by the activation function `last`, all others by `between`."""
    layers: list[nn.Module] = []
    for n_in, n_out, activation in zip(widths, widths[1:], [between] * (len(widths) - 2) + [last]):
        layers += [nn.Linear(n_in, n_out), ACTIVATION_LAYERS[activation]()]
    return nn.Sequential(*layers)
