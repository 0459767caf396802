"""Random numbers of the binding loop: one stream an image, so that batches and workers do not matter.

Image i draws from :func:`image_stream` (seed, i) and from nothing else. A pixel needs a
uniform number and two coin flips in each step; one 32-bit word gives all three: its
upper 24 bits are u ∈ [0, 1), its bits 0 and 1 are the coins.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dasbe.errors import InputError
from dasbe.snn import fused

SILENT = -(2**31)  # word with u = 0: no feedback in [0, 1] lifts such a pixel above threshold


def image_stream(seed: int, index: int, *use: int) -> np.random.SFC64:
    """Random stream of image number `index`; the loop has the one without `use`, others a number of their own."""
    return np.random.SFC64(np.random.SeedSequence([seed, int(index), *use]))


def stream_indices(indices: Sequence[int] | None, n_images: int) -> np.ndarray:
    """`indices` of the streams of `n_images` images, by default 0 … n_images − 1; InputError if they do not fit."""
    indices = np.arange(n_images) if indices is None else np.asarray(indices)
    if indices.shape != (n_images,) or indices.min() < 0:
        raise InputError(f"indices must be {n_images} numbers from 0, one for each image")
    return indices


class NoiseStreams:
    """Random streams of a batch of images.

    Parameters
    ----------
    seed : int
    indices : sequence of int
        Number of each image's stream.
    pixel_counts : sequence of int
        How many foreground pixels each image has; only those draw numbers.
    device : torch.device
        Where the numbers are wanted. They are the same on every device.

    Attributes
    ----------
    states : (N, 4) uint64
        Of the generators; whoever draws from them advances them.
    counts : (N,) int64
        `pixel_counts`.
    """

    def __init__(self, seed: int, indices: Sequence[int], pixel_counts: Sequence[int], device="cpu"):
        self._generators = [image_stream(seed, i) for i in indices]
        self.counts = np.asarray(pixel_counts, np.int64)
        self.states = self._current_states()
        self.width = max(1, int(self.counts.max()))
        self.device = device

    def initial_feedback(self, steps: int, normalise: bool = True) -> Tensor:
        """(N, steps, F) |N(0, 1)|, divided by its sum over the steps unless told not to; 0 beyond an image's pixels.

        To be drawn before anything else, at most once.
        """
        feedback = np.zeros((len(self.counts), steps, self.width), np.float32)
        for i, (generator, count) in enumerate(zip(self._generators, self.counts)):
            drawn = np.abs(np.random.Generator(generator).standard_normal((steps, count), np.float32))
            feedback[i, :, :count] = drawn / drawn.sum(axis=0) if normalise else drawn
        self.states = self._current_states()
        return torch.from_numpy(feedback).to(self.device)

    def pixel_words(self, steps: int) -> Tensor:
        """(N, steps, F) random int32 words for the foreground pixels; beyond an image's pixels u = 0."""
        words = np.full((len(self.counts), steps, self.width), SILENT, np.int32)
        fused.fill_words(self.states, self.counts, words)
        return torch.from_numpy(words).to(self.device)

    def latent_words(self, steps: int, n_latent: int) -> Tensor:
        """(N, steps, n_latent) random int32 words for a latent layer that spikes."""
        words = np.empty((len(self.counts), steps, n_latent), np.int32)
        fused.fill_words(self.states, np.full(len(words), n_latent), words)
        return torch.from_numpy(words).to(self.device)

    def _current_states(self) -> np.ndarray:
        return np.array([generator.state["state"]["state"] for generator in self._generators])


def uniform(words: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """u ∈ [0, 1) from the upper 24 bits of each word, exactly representable in `dtype`."""
    return (words & ~0xFF).to(dtype).mul_(2.0**-32).add_(0.5)


def coins(words: Tensor) -> Tensor:
    """uint8 whose bits 0 and 1 are independent fair coins, from the lower 8 bits of each word."""
    return words.to(torch.uint8)
