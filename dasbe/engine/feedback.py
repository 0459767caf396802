"""Feedback y of a cycle, which is c of the next: probabilities that are computed when the neurons ask for them.

While a pixel is refractory its feedback is of no use: with the published delays and
refractory times, in up to five sixths of all steps. So there are two ways to compute
it, and nobody outside needs to know which is taken: for all pixels of a cycle by one
matrix product, or lazily, pixel by pixel, where one is ready to fire.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor

from dasbe.engine.compiled import compiled, compiled_unordered
from dasbe.engine.foreground import Foreground
from dasbe.support.errors import InputError

Modulation = Callable[[Tensor], Tensor]
"""From feedback y (n, d, F) to what acts in its place, c."""

Action = Callable[[Tensor, Tensor], Tensor]
"""The same, from y and the spikes (n, d, F) bool of its cycle."""


class ImageModulation(Protocol):
    """A modulation that also knows the spikes of the cycle, and of which images they are."""

    def of_images(self, images: np.ndarray, foreground: Foreground) -> Action:
        """What acts on the images numbered `images` (n,), with this foreground."""


class FeedbackArrays(NamedTuple):
    """Feedback as the compiled neurons read it.

    Attributes
    ----------
    values : (N, d, F) float
        c of the foreground pixels; of images that are lazy, written where it is asked for.
    lazy : (N,) bool, or (0,) if none ever is
        Images whose feedback is computed pixel by pixel. The neurons renew it: images
        most of whose pixels are refractory.
    hidden : (N, d, L) float
        h of the lazy feedback c = σ(W h + b); empty, as are all that follow, if no image is lazy now.
    weight : (H·W, L) float
        W.
    bias : (H·W,) float
        b.
    pixels : (N, F) int32
        Flat indices of the foreground pixels.
    """

    values: np.ndarray
    lazy: np.ndarray
    hidden: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    pixels: np.ndarray


def all_at_once(values: np.ndarray, lazy: np.ndarray | None = None) -> FeedbackArrays:
    """Arrays of feedback (N, d, F) that has been computed."""
    lazy = np.zeros(0, bool) if lazy is None else lazy
    hidden, weight, bias = (np.empty((0,) * n_axes, values.dtype) for n_axes in (3, 2, 1))
    return FeedbackArrays(values, lazy, hidden, weight, bias, np.empty((0, 0), np.int32))


class Feedback:
    """Feedback of one cycle; computed once, when it is asked for.

    `pixels` computes that of the foreground, (N, d, F), and `images` that of all pixels,
    (N, d, H·W), both in [0, 1].
    """

    def __init__(self, pixels: Callable[[], Tensor], images: Callable[[], Tensor]):
        self._compute_pixels, self._compute_images = pixels, images
        self._of_pixels: Tensor | None = None  # no cached_property, which locks out other threads before Python 3.12

    def of_pixels(self) -> Tensor:
        """Feedback (N, d, F) of the foreground pixels."""
        if self._of_pixels is None:
            self._of_pixels = self._compute_pixels()
        return self._of_pixels

    def of_images(self) -> Tensor:
        """Feedback (N, d, H·W) of all pixels: to rounding, what acts on those of the foreground."""
        return self._compute_images()

    def for_neurons(self) -> FeedbackArrays:
        """Arrays for the compiled neurons, on a CPU."""
        return all_at_once(self.of_pixels().numpy())


def action_of(
    modulate: Modulation | ImageModulation | None, images: np.ndarray, foreground: Foreground
) -> Action | None:
    """What `modulate` does to the feedback of the images numbered `images` (n,); None if it does nothing."""
    if modulate is None:
        return None
    if hasattr(modulate, "of_images"):
        return modulate.of_images(images, foreground)
    return lambda y, spikes: modulate(y)


def modulated(feedback: Feedback, action: Action | None, spikes: Tensor) -> Feedback:
    """`feedback` of which c, made of y by `action`, reaches the neurons; whole images stay y."""
    if action is None:
        return feedback

    def modulated_pixels() -> Tensor:
        y = feedback.of_pixels()
        return _checked(action(y.clone(), spikes), y)

    return Feedback(modulated_pixels, feedback.of_images)


def _checked(c: object, y: Tensor) -> Tensor:
    """`c` of the type of `y`; InputError unless it has the shape of `y` and its values lie in [0, 1]."""
    remedy = "it must return c in [0, 1], of the shape of y"
    if not isinstance(c, Tensor) or c.shape != y.shape:
        got = f"a tensor of shape {tuple(c.shape)}" if isinstance(c, Tensor) else f"a {type(c).__name__}"
        raise InputError(f"modulate returns {got} for y of shape {tuple(y.shape)}; {remedy}")
    least, most = c.detach().to(y.dtype).aminmax() if c.numel() else (0, 1)
    if not (least >= 0 and most <= 1):
        raise InputError(f"modulate returns values from {float(least):g} to {float(most):g}; {remedy}")
    return c.detach().to(y)


class InitialFeedback(Feedback):
    """Feedback of the first cycle, `values` (N, d, F): noise; `lazy` (N,) bool if feedback may come to be."""

    def __init__(self, values: Tensor, lazy: np.ndarray | None = None):
        super().__init__(lambda: values, lambda: values)
        self._lazy = lazy

    def for_neurons(self) -> FeedbackArrays:
        return all_at_once(self.of_pixels().numpy(), self._lazy)


class LastLayer(NamedTuple):
    """A linear last layer whose feedback may be lazy: fields as of :class:`FeedbackArrays`."""

    lazy: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    pixels: np.ndarray


class LazyFeedback(Feedback):
    """Feedback of a linear `layer` that receives h (N, d, L): pixel by pixel for the images that are lazy.

    `chosen` writes the feedback of the images with (N,) bool into (N, d, F), from h.
    """

    def __init__(
        self,
        received: Tensor,
        layer: LastLayer,
        chosen: Callable[[Tensor, np.ndarray, Tensor], None],
        pixels: Callable[[], Tensor],
        images: Callable[[], Tensor],
    ):
        super().__init__(pixels, images)
        self._received, self._layer, self._compute_chosen = received, layer, chosen

    def for_neurons(self) -> FeedbackArrays:
        lazy, weight, bias, pixels = self._layer
        if not lazy.any():
            return all_at_once(self.of_pixels().numpy(), lazy)
        values = torch.empty((*self._received.shape[:2], pixels.shape[1]), dtype=self._received.dtype)
        if not lazy.all():
            self._compute_chosen(self._received, ~lazy, values)
        return FeedbackArrays(values.numpy(), lazy, self._received.numpy(), weight, bias, pixels)


@compiled
def compute_lazily(feedback: FeedbackArrays, image: int, step: int, wanted: np.ndarray) -> None:
    """Write c = σ(W h + b) of the pixels that are `wanted` in one step, two at a time, into ``feedback.values``."""
    h, c, pixels = feedback.hidden[image, step], feedback.values[image, step], feedback.pixels[image]
    weight, bias = feedback.weight, feedback.bias
    one = h.dtype.type(1)
    for k in range(0, len(wanted), 2):
        p, q = wanted[k], wanted[min(k + 1, len(wanted) - 1)]
        drive_p, drive_q = _two_products(h, weight[pixels[p]], weight[pixels[q]])
        c[p] = one / (one + np.exp(-(drive_p + bias[pixels[p]])))
        c[q] = one / (one + np.exp(-(drive_q + bias[pixels[q]])))


@compiled_unordered
def _two_products(h: np.ndarray, w: np.ndarray, v: np.ndarray) -> tuple[np.floating, np.floating]:
    """Products w·h and v·h."""
    w_h = v_h = h.dtype.type(0)
    for j in range(len(h)):
        w_h += w[j] * h[j]
        v_h += v[j] * h[j]
    return w_h, v_h
