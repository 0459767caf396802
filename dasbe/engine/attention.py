"""Networks as the loop uses them: from what the foreground pixels show to their feedback.

A pixel with x = 0 neither fires nor uses its feedback. So the first layer needs only
the weights from an image's foreground pixels, and the last layer only those to them:
:class:`ForegroundAttention`. Networks of other kinds are shown whole images:
:class:`DenseAttention`. Both map (N, d, F) to (N, d, F), F = foreground pixels, and
both give what the network itself gives, (M, H·W) → (M, L) → (M, H·W), to rounding.
"""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, cached_property, partial
from typing import Protocol, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import embedding_bag

from dasbe.ann.network import Network, UsableNetwork, check_feedback, is_plain, tried, usable
from dasbe.engine.compiled import compiled
from dasbe.engine.feedback import Feedback, InitialFeedback, LastLayer, LazyFeedback
from dasbe.engine.foreground import Foreground
from dasbe.engine.parallel import batched_product, map_blocks
from dasbe.support.errors import InputError, InputWarning

LEAST_RESPONSE = 0.15  # of shipped networks it is at least 0.4, of untrained ones at most 0.1
LAZY_MIN_UNITS = 320  # of the last hidden layer; with fewer, a product for all pixels is as fast as sums for MOST
MOST = 0.75  # of the pixels; if fewer are needed, fewer units are enough
LARGEST_VALUE = torch.finfo(torch.float32).max
BOUNDED = (nn.Linear, nn.ReLU, nn.Sigmoid, nn.Tanh, nn.Softmax, nn.Identity)  # finite numbers stay finite in these


@contextmanager
def ready(network: Network, images: np.ndarray, device: torch.device | str) -> Iterator[UsableNetwork]:
    """`network` as :func:`dasbe.ann.network.usable`, tried on `images` (N, H, W) of 0 and 1.

    InputWarning if its feedback hardly depends on what it is shown.
    """
    with usable(network, device) as prepared:
        parallel = isinstance(network, nn.Module)
        found = next(map_blocks(lambda chosen: tried(prepared, chosen, device), [images], device, parallel))
        if found.response < LEAST_RESPONSE:
            warnings.warn(
                f"the feedback of this network to an image and to an empty one differs by {100 * found.response:.1g} % "
                "only, so it binds nothing; is it trained? See dasbe.train_network",
                InputWarning,
                stacklevel=4,
            )
        yield found


class Attention(Protocol):
    """Network as the binding loop uses it, for the foreground pixels of a batch of images."""

    foreground: Foreground

    def initial(self, values: Tensor) -> Feedback:
        """Feedback of the first cycle, from `values` (N, d, F)."""

    def encode(self, seen: Tensor) -> Tensor:
        """Latent drive (N, d, L) of real values or seen spikes (N, d, F), uint8 0 or 1 (0 beyond an image's own)."""

    def feedback(self, received: Tensor) -> Feedback:
        """Feedback that the decoder makes of what it receives, (N, d, L)."""

    def decode(self, received: Tensor) -> Tensor:
        """Feedback (N, d, F) in [0, 1] of the foreground pixels, from (N, d, L)."""

    def decode_images(self, received: Tensor) -> Tensor:
        """Feedback (N, d, H·W) in [0, 1] of all pixels, from (N, d, L)."""

    def take(self, order: np.ndarray) -> None:
        """Go on with fewer images: in place i the one that was in place order[i], :func:`gaps_filled`."""


def gaps_filled(staying: np.ndarray) -> np.ndarray:
    """Where the images that are `staying` (N,) bool come from, if those at the end fill the gaps: (n,) int64.

    All others stay in place, so that little has to be moved.
    """
    order = np.arange(np.count_nonzero(staying))
    gaps = ~staying[: len(order)]
    order[gaps] = len(order) + np.flatnonzero(staying[len(order) :])
    return order


def attention_of(
    network: UsableNetwork, moving: bool = False, spikes: bool = True, needed: float | None = None
) -> Callable[[Foreground], Attention]:
    """`network` in the form that suits it best, to be pointed at the foregrounds of images.

    Where lazy feedback can be faster, the neurons decide from cycle to cycle whether it is
    lazy; but never for images that are `moving`, and from the first cycle on if what is `needed`
    in any cycle, a share of the pixels, is given. What a network makes of anything but `spikes`
    need only be finite.
    """
    if not has_linear_ends(network):
        return partial(DenseAttention, network, (0.0, 1.0) if spikes else (-LARGEST_VALUE, LARGEST_VALUE))
    first, _, _, output = _parts(network)
    weights = first.weight.detach().t().contiguous(), output.weight.detach().t().contiguous()
    return partial(ForegroundAttention, network, weights, moving, needed)


def has_linear_ends(network: UsableNetwork) -> bool:
    """Whether :class:`ForegroundAttention` computes what `network` does.

    Encoder and decoder are plain sequences; the first begins with a linear layer and the
    second ends with one and a sigmoid. Hooks, overrides, subclasses and
    parametrisations of these would be passed over, so networks that have them do not
    fit; the layers between are called as they are.
    """
    if not network.has_code:
        return False
    encoder, decoder = network.given.encoder, network.given.decoder  # type: ignore[union-attr]
    if not (is_plain(encoder, nn.Sequential) and is_plain(decoder, nn.Sequential)):
        return False
    encoding, decoding = list(cast(nn.Sequential, encoder)), list(cast(nn.Sequential, decoder))
    if len(encoding) < 1 or len(decoding) < 2 or not is_plain(decoding[-1], nn.Sigmoid):
        return False
    ends = encoding[0], decoding[-2]
    return all(is_plain(layer, nn.Linear) and layer.weight.dtype == network.dtype for layer in ends)


def values_per_pixel(network: UsableNetwork, steps: int, layers: int = 1) -> int:
    """Values that a cycle of `steps` keeps near for each foreground pixel, for :func:`dasbe.engine.parallel.blocks_of`.

    A few arrays, and weights to or from the pixel, `layers` times.
    """
    if not has_linear_ends(network):
        return 4 * steps
    _, _, _, output = _parts(network)
    return 4 * steps + layers * output.in_features


def _parts(network: UsableNetwork) -> tuple[nn.Linear, nn.Sequential, nn.Sequential, nn.Linear]:
    """First layer, the rest of the encoder, the decoder less its last layer and sigmoid, and the last layer."""
    encoder, decoder = list(network.given.encoder), list(network.given.decoder)  # type: ignore[union-attr,arg-type]
    return encoder[0], nn.Sequential(*encoder[1:]), nn.Sequential(*decoder[:-2]), decoder[-2]


class ForegroundAttention:
    """An autoencoder with linear ends, cut down to each image's foreground.

    On a CPU, spike-driven layers add up the weights from the units that are active: the
    first layer, about a tenth of the foreground in each step; and the last layer, if it
    receives the spikes of latent neurons, a twentieth of them. Otherwise the feedback of
    a decoder with one layer may be lazy.

    `weights` are those of the two layers at the ends, from each input to all outputs,
    (H·W, hidden) and (hidden, H·W), contiguous; `moving` and `needed` are as of
    :func:`attention_of`.
    """

    def __init__(
        self,
        network: UsableNetwork,
        weights: tuple[Tensor, Tensor],
        moving: bool,
        needed: float | None,
        foreground: Foreground,
    ):
        first, self.encoder, self.decoder, self.output = _parts(network)
        self.bounded = all(type(layer) in BOUNDED for layer in (*self.encoder, *self.decoder))
        self.spike_driven_output = network.spiking and not network.recurrent and not len(self.decoder)
        fewest_units = LAZY_MIN_UNITS * min(1, (needed or 1) / MOST)
        lazy_is_faster = self.output.in_features >= fewest_units and not self.spike_driven_output
        may_be_lazy = lazy_is_faster and not (moving or len(self.decoder)) and self.output.weight.device.type == "cpu"
        self.foreground, self.pixels, self.counts = foreground, foreground.pixels.to(torch.int32), foreground.counts
        self.first_weight, self.first_bias = weights[0], _bias(first)
        self._weights_to_all = weights[1]
        bias = _bias(self.output)
        self.last_bias = bias[foreground.pixels][:, None]  # (N, 1, F)
        self.last_layer = None
        if may_be_lazy:
            lazy, weight = np.full(len(self.pixels), needed is not None), self.output.weight.detach().numpy()
            self.last_layer = LastLayer(lazy, weight, bias.numpy(), self.pixels.numpy())

    def initial(self, values: Tensor) -> Feedback:
        return InitialFeedback(values, self.last_layer and self.last_layer.lazy)

    def encode(self, seen: Tensor) -> Tensor:
        if seen.dtype == torch.uint8 and seen.device.type == "cpu":
            drive = add_events(seen, self.pixels, self.first_weight)
        else:
            drive = batched_product(seen.to(self.first_weight.dtype), self._first_weight_of_foreground)
        return self._between(self.encoder, drive.add_(self.first_bias), overwrite=True)

    def feedback(self, received: Tensor) -> Feedback:
        pixels, images = partial(self.decode, received), partial(self.decode_images, received)
        if self.last_layer is None:
            return Feedback(pixels, images)
        return LazyFeedback(received, self.last_layer, self.decode_chosen, pixels, images)

    def decode(self, received: Tensor) -> Tensor:
        if self.spike_driven_output and received.device.type == "cpu":
            drive = add_events(received, self._latent_rows, self.last_weight.flatten(0, 1))
        else:
            hidden = self._between(self.decoder, received, overwrite=False)
            drive = batched_product(hidden, self.last_weight)
        return drive.add_(self.last_bias).sigmoid_()

    def decode_chosen(self, received: Tensor, images: np.ndarray, out: Tensor) -> None:
        """Write what :meth:`decode` gives for the images with `images` (N,) bool into `out` (N, d, F)."""
        chosen = torch.from_numpy(np.flatnonzero(images))
        drive = batched_product(received[chosen], self.last_weight[chosen])
        out[chosen] = drive.add_(self.last_bias[chosen]).sigmoid_()

    def decode_images(self, received: Tensor) -> Tensor:
        return self.output(self._between(self.decoder, received, overwrite=False)).sigmoid_()

    def take(self, order: np.ndarray) -> None:
        moved = np.flatnonzero(order >= len(order))
        for name in ("_first_weight_of_foreground", "last_weight"):
            weight = getattr(self, name)
            for i in moved:
                weight[i] = weight[order[i]]
            setattr(self, name, weight[: len(order)])
        self.foreground = self.foreground.of_chosen(order)
        self.pixels, self.last_bias, self.counts = self.pixels[order], self.last_bias[order], self.counts[order]

    @cached_property
    def _first_weight_of_foreground(self) -> Tensor:
        """Weights (N, F, hidden) of the first layer, for values that are no events; 0 beyond an image's own pixels."""
        weight = self.first_weight.index_select(0, self.pixels.flatten()).unflatten(0, self.pixels.shape)
        for of_image, count in zip(weight, self.counts):
            of_image[count:] = 0
        return weight

    @cached_property
    def last_weight(self) -> Tensor:
        """Weights (N, hidden, F) of the last layer; not gathered where all feedback is lazy."""
        return torch.stack([self._weights_to_all.index_select(1, pixels) for pixels in self.foreground.pixels])

    @cached_property
    def _latent_rows(self) -> Tensor:
        """Rows (N, latent) of `last_weight` of each image, one image after the other."""
        n, n_latent, _ = self.last_weight.shape
        return torch.arange(n * n_latent, dtype=torch.int32).view(n, n_latent)

    def _between(self, layers: nn.Sequential, x: Tensor, overwrite: bool) -> Tensor:
        """`layers` applied to `x` (N, d, L) as to (N·d, L); activations overwrite what nobody else holds.

        `x` itself is overwritten only if allowed.
        """
        if not len(layers):
            return x
        y = x.flatten(0, 1) if overwrite or self.bounded else x.flatten(0, 1).clone()  # unknown layers may overwrite it
        for layer in layers:
            if overwrite and is_plain(layer, nn.ReLU):
                y.relu_()
            elif overwrite and is_plain(layer, nn.Sigmoid):
                y.sigmoid_()
            else:
                y = layer(y)
                overwrite = type(layer) is nn.Linear
        if not self.bounded and not y.sum().isfinite():
            raise InputError("network returns values that are not finite for these images; its layers must not")
        return y.unflatten(0, x.shape[:2])


def _bias(layer: nn.Linear) -> Tensor:
    """Bias of `layer`, 0 if it has none."""
    return layer.weight.new_zeros(layer.out_features) if layer.bias is None else layer.bias.detach()


def add_events(active: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """A linear layer without bias, driven by events: the sum of the weights from the inputs that are active.

    From `active` (N, d, E), 0 or 1, on a CPU, to (N, d, C) float; `rows` (N, E) int32 says
    which row of `weights` (R, C) belongs to each input.
    """
    events, starts = np.empty(active.numel() + 1, np.int32), np.empty(active.shape[0] * active.shape[1], np.int32)
    count = list_events(active.numpy(), rows.numpy(), events, starts)
    summed = embedding_bag(torch.from_numpy(events[: int(count)]), weights, torch.from_numpy(starts), mode="sum")
    return summed.view(*active.shape[:2], -1)


@compiled
def list_events(active: np.ndarray, rows: np.ndarray, events: np.ndarray, starts: np.ndarray) -> np.uint64:
    """List the inputs that are `active` (N, d, E), step by step; returns how many there are.

    Writes their `rows` (N, E) into `events` (at least N·d·E + 1,), and where each step begins
    there into `starts` (N·d,).
    """
    k = np.uint64(0)  # unsigned, as no number counts from the end: that would be looked at each time
    steps = active.shape[1]
    for i in range(active.shape[0]):
        names = rows[i]
        for t in range(steps):
            starts[i * steps + t] = k
            now = active[i, t]
            for p in range(len(now)):
                events[k] = names[p]  # overwritten by the next input unless this one is active
                k += np.uint64(now[p] != 0)
    return k


class DenseAttention:
    """Any network, shown whole images; its values lie within `limits`."""

    def __init__(self, network: UsableNetwork, limits: tuple[float, float], foreground: Foreground):
        self.network, self.limits, self.foreground = network, limits, foreground

    def initial(self, values: Tensor) -> Feedback:
        return InitialFeedback(values)

    def encode(self, seen: Tensor) -> Tensor:
        images = self.foreground.to_images(seen).flatten(2).to(self.network.dtype)
        return self.network.encode(images.flatten(0, 1)).unflatten(0, seen.shape[:2])

    def feedback(self, received: Tensor) -> Feedback:
        whole = cache(partial(self.decode_images, received))  # called once, whoever asks
        pixels = self.foreground.pixels[:, None].expand(-1, received.shape[1], -1)
        return Feedback(lambda: whole().gather(2, pixels), whole)

    def decode(self, received: Tensor) -> Tensor:
        return self.feedback(received).of_pixels()

    def decode_images(self, received: Tensor) -> Tensor:
        height, width = self.foreground.image_shape
        n_shown = received.shape[0] * received.shape[1]
        feedback = self.network.decode(received.flatten(0, 1))
        check_feedback(feedback, (n_shown, height * width), *self.limits)
        return feedback.unflatten(0, received.shape[:2])

    def take(self, order: np.ndarray) -> None:
        self.foreground = self.foreground.of_chosen(order)
