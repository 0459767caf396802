"""Networks as the binding loop uses them: from what the foreground pixels show to their feedback.

A pixel with x = 0 neither fires nor uses its feedback. So the first layer needs only
the weights from an image's foreground pixels, and the last layer only those to them:
:class:`ForegroundAttention`. Networks of other kinds see whole images:
:class:`DenseAttention`. Both map (N, d, F) to (N, d, F), F = foreground pixels.
"""

from collections.abc import Callable
from functools import cached_property, partial
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from dasbe.errors import InputError
from dasbe.foreground import Foreground
from dasbe.products import batched_product
from dasbe.snn import fused
from dasbe.snn.coding_space import OnDemand

LEAST_TERMS = 320  # in the sum of each feedback; of fewer, a product for all pixels is as fast as sums for some


def float_type(network: nn.Module | Callable) -> torch.dtype:
    """Float type that `network` computes in: that of its parameters, float32 if it has none."""
    parameters = network.parameters() if isinstance(network, nn.Module) else iter(())
    return next((parameter.dtype for parameter in parameters), torch.float32)


class Attention(Protocol):
    """What the binding loop asks of a network."""

    can_wait: bool  # whether there are `decode_some` and `on_demand`

    def encode(self, seen: Tensor) -> Tensor:
        """Seen spikes (N, d, F) uint8, 0 or 1 (0 beyond an image's own), or real values → latent (N, d, L)."""

    def decode(self, latent: Tensor) -> Tensor:
        """Latent (N, d, L) → feedback (N, d, F) in [0, 1]."""

    def decode_some(self, latent: Tensor, images: np.ndarray, out: Tensor) -> None:
        """Write what :meth:`decode` gives for some of the images, those with `images` (N,) bool, into `out`."""

    def on_demand(self, latent: Tensor) -> OnDemand:
        """What :meth:`decode` gives, before it is computed."""

    def decode_images(self, latent: Tensor) -> Tensor:
        """Latent (N, d, L) → feedback of all pixels (N, d, H·W) in [0, 1]."""

    def keep(self, order: np.ndarray) -> None:
        """Go on with fewer images: in place i the one that was in place order[i], :func:`places_closed_up`."""


def places_closed_up(staying: np.ndarray) -> np.ndarray:
    """Where the images that are `staying` (N,) bool come from, if those at the end fill the gaps: (n,) int64.

    All others keep their places, so that little has to be moved.
    """
    order = np.arange(np.count_nonzero(staying))
    gaps = ~staying[: len(order)]
    order[gaps] = len(order) + np.flatnonzero(staying[len(order) :])
    return order


def attention_of(network: nn.Module | Callable[[Tensor], Tensor]) -> Callable[[Foreground], Attention]:
    """`network` in the form that suits it best, to be pointed at the foregrounds of images."""
    if not ForegroundAttention.fits(network):
        return partial(DenseAttention, network)
    weights = network.encoder[0].weight, network.decoder[-2].weight
    return partial(ForegroundAttention, network, tuple(weight.detach().t().contiguous() for weight in weights))


def values_of(network: nn.Module | Callable[[Tensor], Tensor], steps: int, layers: int = 1) -> int:
    """Values that a cycle of `steps` keeps near for each foreground pixel, for :func:`dasbe.blocks.blocks_of`.

    A few arrays, and weights to or from the pixel: `layers` times.
    """
    return 4 * steps + (layers * network.decoder[-2].in_features if ForegroundAttention.fits(network) else 0)


class ForegroundAttention:
    """An autoencoder of linear layers, cut down to each image's foreground.

    On a CPU, layers that hear spikes are driven by events: the first layer adds up the
    weights from the pixels that are seen, about a tenth of the foreground in each step;
    so does the last layer if it hears latent neurons that spike, a twentieth of them.
    Otherwise, the feedback may wait until it is known which pixels are ready to fire.

    Parameters
    ----------
    network : nn.Module
        `network.encoder` and `network.decoder` are `nn.Sequential`; the first begins
        and the second ends with a linear layer (and a sigmoid).
    weights : (Tensor, Tensor)
        Of these two layers, from each input to all outputs: (H·W, hidden) and
        (hidden, H·W), contiguous.
    foreground : Foreground
    """

    def __init__(self, network: nn.Module, weights: tuple[Tensor, Tensor], foreground: Foreground):
        output = network.decoder[-2]
        self.encoder, self.decoder, self.output = network.encoder[1:], network.decoder[:-2], output
        recurrent = getattr(network, "recurrent", None) is not None
        self.hears_spikes = getattr(network, "spiking_latent", False) and not recurrent and not len(self.decoder)
        self.can_wait = (
            not (self.hears_spikes or len(self.decoder))
            and output.in_features >= LEAST_TERMS
            and output.weight.device.type == "cpu"
        )
        self.pixels, self.counts = foreground.pixels.to(torch.int32), foreground.counts
        self.first_weight, self.first_bias = weights[0], network.encoder[0].bias
        self.last_weight = torch.stack([weights[1].index_select(1, pixels) for pixels in foreground.pixels])
        self.last_bias = output.bias[foreground.pixels][:, None]  # (N, 1, F)

    @staticmethod
    def fits(network: object) -> bool:
        """Whether `network` is built as this class needs it."""
        encoder, decoder = getattr(network, "encoder", None), getattr(network, "decoder", None)
        return (
            isinstance(encoder, nn.Sequential)
            and isinstance(decoder, nn.Sequential)
            and len(decoder) >= 2
            and isinstance(encoder[0], nn.Linear)
            and isinstance(decoder[-2], nn.Linear)
            and isinstance(decoder[-1], nn.Sigmoid)
            and encoder[0].bias is not None
            and decoder[-2].bias is not None
        )

    def encode(self, seen: Tensor) -> Tensor:
        if seen.dtype == torch.uint8 and seen.device.type == "cpu":
            drive = add_events(seen, self.pixels, self.first_weight)
        else:
            drive = batched_product(seen.to(self.first_weight.dtype), self._first_weight_of_foreground)
        return _apply_layers(self.encoder, drive.add_(self.first_bias), overwrite=True)

    def decode(self, latent: Tensor) -> Tensor:
        if self.hears_spikes and latent.device.type == "cpu":
            drive = add_events(latent, self._latent_rows, self.last_weight.flatten(0, 1))
        else:
            hidden = _apply_layers(self.decoder, latent, overwrite=False)
            drive = batched_product(hidden, self.last_weight)
        return drive.add_(self.last_bias).sigmoid_()

    @cached_property
    def _first_weight_of_foreground(self) -> Tensor:
        """(N, F, hidden), for what is no event; 0 beyond an image's own pixels."""
        weight = self.first_weight.index_select(0, self.pixels.flatten()).unflatten(0, self.pixels.shape)
        for of_image, count in zip(weight, self.counts):
            of_image[count:] = 0
        return weight

    @cached_property
    def _latent_rows(self) -> Tensor:
        """(N, latent), the rows of `last_weight` of each image, one image after the other."""
        n, n_latent, _ = self.last_weight.shape
        return torch.arange(n * n_latent, dtype=torch.int32).view(n, n_latent)

    def decode_some(self, latent: Tensor, images: np.ndarray, out: Tensor) -> None:
        some = torch.from_numpy(np.flatnonzero(images))
        drive = batched_product(latent[some], self.last_weight[some])
        out[some] = drive.add_(self.last_bias[some]).sigmoid_()

    def on_demand(self, latent: Tensor) -> OnDemand:
        return OnDemand(latent, self.output.weight.detach(), self.output.bias.detach(), self.pixels)

    def decode_images(self, latent: Tensor) -> Tensor:
        return self.output(self.decoder(latent)).sigmoid_()

    def keep(self, order: np.ndarray) -> None:
        moved = np.flatnonzero(order >= len(order))
        for name in ("_first_weight_of_foreground", "last_weight"):
            weight = getattr(self, name)
            for i in moved:
                weight[i] = weight[order[i]]
            setattr(self, name, weight[: len(order)])
        self.pixels, self.counts, self.last_bias = (x[order] for x in (self.pixels, self.counts, self.last_bias))


def add_events(active: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """A linear layer without bias, driven by events: the sum of the weights from the inputs that are active.

    Parameters
    ----------
    active : (N, d, E) uint8 or float, 0 or 1, on a CPU
    rows : (N, E) int32
        Row of `weights` that belongs to each input.
    weights : (R, C) float

    Returns
    -------
    (N, d, C) float
    """
    events, starts = np.empty(active.numel() + 1, np.int32), np.empty(active.shape[0] * active.shape[1], np.int32)
    count = fused.list_events(active.numpy(), rows.numpy(), events, starts)
    summed = embedding_bag(torch.from_numpy(events[:count]), weights, torch.from_numpy(starts), mode="sum")
    return summed.view(*active.shape[:2], -1)


def _apply_layers(layers: nn.Sequential, x: Tensor, overwrite: bool) -> Tensor:
    """`layers` applied to `x`; activations overwrite what nobody else holds (`x` itself only if allowed)."""
    for layer in layers:
        if overwrite and isinstance(layer, nn.ReLU):
            x.relu_()
        elif overwrite and isinstance(layer, nn.Sigmoid):
            x.sigmoid_()
        else:
            x = layer(x)
            overwrite = isinstance(layer, nn.Linear)
    return x


class DenseAttention:
    """Any network, shown whole images.

    Parameters
    ----------
    network : nn.Module with encoder and decoder, or callable
        A callable maps (M, H·W) floats to (M, H·W) floats in [0, 1] (or to a tuple
        that begins with that).
    foreground : Foreground
    """

    can_wait = False

    def __init__(self, network: nn.Module | Callable[[Tensor], Tensor], foreground: Foreground):
        self.foreground = foreground
        self.two_parts = hasattr(network, "encoder") and hasattr(network, "decoder")
        self.network = network
        self.dtype = float_type(network)

    def encode(self, seen: Tensor) -> Tensor:
        images = self.foreground.to_images(seen).flatten(2).to(self.dtype)
        return self._apply(self.network.encoder, images) if self.two_parts else images

    def decode(self, latent: Tensor) -> Tensor:
        where = self.foreground.pixels[:, None].expand(-1, latent.shape[1], -1)
        return self.decode_images(latent).gather(2, where)

    def decode_images(self, latent: Tensor) -> Tensor:
        feedback = self._apply(self.network.decoder if self.two_parts else self.network, latent)
        n_pixels = self.foreground.image_shape[0] * self.foreground.image_shape[1]
        if feedback.shape != (*latent.shape[:2], n_pixels):
            raise InputError(f"network returns {feedback.shape[2:].numel()} values for an image of {n_pixels} pixels")
        return feedback

    def keep(self, order: np.ndarray) -> None:
        self.foreground = self.foreground.some(order)

    @staticmethod
    def _apply(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
        y = function(x.flatten(0, 1))
        y = y[0] if isinstance(y, tuple) else y
        return y.unflatten(0, x.shape[:2])
