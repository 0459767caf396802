"""Random numbers of the binding loop: one stream an image, so that batches and workers do not matter.

Image i draws from ``SFC64(SeedSequence([seed, i]))`` and from nothing else. A pixel
needs a uniform number and two coin flips in each step; one 32-bit word gives all three:
its upper 24 bits are u ∈ [0, 1), its bits 0 and 1 are the coins.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

SILENT = -(2**31)  # word with u = 0: no feedback in [0, 1] lifts such a pixel above threshold


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
    """

    def __init__(self, seed: int, indices: Sequence[int], pixel_counts: Sequence[int], device="cpu"):
        self.streams = [np.random.SFC64(np.random.SeedSequence([seed, int(i)])) for i in indices]
        self.pixel_counts = [int(count) for count in pixel_counts]
        self.width = max(1, *self.pixel_counts)
        self.device = device

    def initial_feedback(self, steps: int, normalise: bool = True) -> Tensor:
        """(N, steps, F) |N(0, 1)|, divided by its sum over the steps if `normalise`; 0 beyond an image's pixels."""
        feedback = np.zeros((len(self.streams), steps, self.width), np.float32)
        for i, (stream, count) in enumerate(zip(self.streams, self.pixel_counts)):
            drawn = np.abs(np.random.Generator(stream).standard_normal((steps, count), np.float32))
            feedback[i, :, :count] = drawn / drawn.sum(axis=0) if normalise else drawn
        return torch.from_numpy(feedback).to(self.device)

    def pixel_words(self, steps: int) -> Tensor:
        """(N, steps, F) random int32 words for the foreground pixels; beyond an image's pixels u = 0."""
        words = np.full((len(self.streams), steps, self.width), SILENT, np.int32)
        for i, count in enumerate(self.pixel_counts):
            words[i, :, :count] = self._draw(i, steps, count)
        return torch.from_numpy(words).to(self.device)

    def latent_words(self, steps: int, n_latent: int) -> Tensor:
        """(N, steps, n_latent) random int32 words for a latent layer that spikes."""
        words = np.empty((len(self.streams), steps, n_latent), np.int32)
        for i in range(len(words)):
            words[i] = self._draw(i, steps, n_latent)
        return torch.from_numpy(words).to(self.device)

    def _draw(self, i: int, steps: int, count: int) -> np.ndarray:
        total = steps * count
        return self.streams[i].random_raw((total + 1) // 2).view(np.int32)[:total].reshape(steps, count)


def uniform(words: Tensor, dtype: torch.dtype = torch.float32) -> Tensor:
    """u ∈ [0, 1) from the upper 24 bits of each word, exactly representable in `dtype`."""
    return (words & ~0xFF).to(dtype).mul_(2.0**-32).add_(0.5)


def coins(words: Tensor) -> Tensor:
    """uint8 whose bits 0 and 1 are independent fair coins, from the lower 8 bits of each word."""
    return words.to(torch.uint8)
