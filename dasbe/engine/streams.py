"""The random numbers of a batch of images, drawn in bulk.

A compiled form of NumPy's SFC64 generator (Doty-Humphrey's "small fast counting"
generator, 64 bit) draws from the streams of :mod:`dasbe.snn.noise`: the same words,
without the global interpreter lock.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from dasbe.engine.compiled import compiled
from dasbe.snn.noise import LOWEST_WORD, image_stream

UNIFORM_BITS = ~np.int32(0xFF)  # the 24 bits of a word that make the uniform number


class NoiseStreams:
    """Random streams of a batch of images.

    Parameters
    ----------
    seed, indices, *use
        Of the stream of each image (:func:`dasbe.snn.noise.image_stream`).
    counts : sequence of int
        Foreground pixels of each image; only those draw numbers.
    device : torch.device
        Where the numbers are wanted. They are the same on every device.

    Attributes
    ----------
    states : (N, 4) uint64
        States of the generators; whoever draws from them advances them.
    """

    def __init__(
        self,
        seed: int,
        indices: Sequence[int] | np.ndarray,
        counts: Sequence[int] | np.ndarray,
        device: torch.device | str = "cpu",
        *use: int,
    ):
        self._generators = [image_stream(seed, i, *use) for i in indices]
        self.counts = np.asarray(counts, np.int64)
        self.states = self._current_states()
        self.width = max(1, int(self.counts.max()))
        self.device = device

    def initial_feedback(self, steps: int, normalise: bool = True) -> Tensor:
        """Noise |N(0, 1)|, (N, steps, F), whose sum over the steps is 1 if `normalise`; 0 beyond an image's pixels.

        To be drawn before anything else, at most once.
        """
        feedback = np.zeros((len(self.counts), steps, self.width), np.float32)
        for i, (generator, count) in enumerate(zip(self._generators, self.counts)):
            drawn = np.abs(np.random.Generator(generator).standard_normal((steps, count), np.float32))
            feedback[i, :, :count] = drawn / drawn.sum(axis=0) if normalise else drawn
        self.states = self._current_states()
        return torch.from_numpy(feedback).to(self.device)

    def pixel_words(self, steps: int) -> Tensor:
        """Random int32 words (N, steps, F) for the foreground pixels; beyond an image's pixels u = 0."""
        words = np.full((len(self.counts), steps, self.width), LOWEST_WORD, np.int32)
        fill_words(self.states, self.counts, words)
        return torch.from_numpy(words).to(self.device)

    def latent_words(self, steps: int, n_latent: int) -> Tensor:
        """Random int32 words (N, steps, n_latent) for a latent layer that spikes."""
        words = np.empty((len(self.counts), steps, n_latent), np.int32)
        fill_words(self.states, np.full(len(words), n_latent), words)
        return torch.from_numpy(words).to(self.device)

    def _current_states(self) -> np.ndarray:
        return np.array([generator.state["state"]["state"] for generator in self._generators])


@compiled
def draw(state: np.ndarray, out: np.ndarray) -> None:
    """Fill `out` (n,) uint64 from a generator of `state` (4,) uint64; two words each, the lower half first."""
    a, b, c, counter = state[0], state[1], state[2], state[3]
    step = np.uint64(len(state) // 4)  # 1; a compiler that knew would unroll the loop, and make it half as fast
    i, end = np.uint64(0), np.uint64(len(out))
    while i < end:
        drawn = a + b + counter
        out[i] = drawn
        counter += np.uint64(1)
        a = b ^ (b >> np.uint64(11))
        b = c + (c << np.uint64(3))
        c = ((c << np.uint64(24)) | (c >> np.uint64(40))) + drawn
        i += step
    state[0], state[1], state[2], state[3] = a, b, c, counter


@compiled
def word_buffer(n_words: int) -> np.ndarray:
    """Array into which to :func:`draw` `n_words` 32-bit words; what is left of the last number is dropped."""
    return np.empty((n_words + 1) // 2, np.uint64)


@compiled
def fill_words(states: np.ndarray, counts: np.ndarray, out: np.ndarray) -> None:
    """Words of a cycle for many images: `out` (N, steps, width) int32; image i fills its first counts[i] columns."""
    steps = out.shape[1]
    drawn = word_buffer(steps * out.shape[2])
    words = drawn.view(np.int32)
    for i in range(out.shape[0]):
        n = counts[i]
        draw(states[i], drawn[: (steps * n + 1) // 2])
        for t in range(steps):
            out[i, t, :n] = words[t * n : (t + 1) * n]
