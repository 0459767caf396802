"""The random numbers of a run, for the literal forms in :mod:`dasbe.definition`, so that both can be compared."""

import numpy as np
import torch
from torch import Tensor

from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import coins, uniform


class ReplayedNoise:
    """The numbers that `dasbe.bind` and the systems draw for one image, in the order in which they draw them.

    They draw those of a whole cycle at once, first all of the pixels and then all of the
    latent neurons. Background pixels draw none; they get u = 0.99, with which they must
    stay silent all the same.

    Parameters
    ----------
    image : (H, W) of 0 and 1
        Of a film, the pixels that ever have ink.
    delay : int
    seed, index : int
        Of the run, and the image's number in it.
    dtype : torch.dtype
        Of the network.
    normalise : bool
        Whether c of the first cycle is divided by its sum over the steps.
    """

    def __init__(
        self, image: np.ndarray, delay: int, seed: int, index: int, dtype: torch.dtype, normalise: bool = True
    ):
        self.foreground = torch.from_numpy(np.flatnonzero(image))
        self.n_pixels, self.delay, self.dtype, self.normalise = image.size, delay, dtype, normalise
        self.streams = NoiseStreams(seed, [index], [len(self.foreground)])
        self.pixel_words, self.latent_words = iter(()), iter(())

    def initial(self) -> Tensor:
        c = torch.full((self.delay, self.n_pixels), 0.5)
        c[:, self.foreground] = self.streams.initial_feedback(self.delay, self.normalise)[0]
        return c

    def pixels(self) -> tuple[Tensor, Tensor, Tensor]:
        words = next(self.pixel_words, None)
        if words is None:  # the first step of a cycle
            self.pixel_words = iter(self.streams.pixel_words(self.delay)[0])
            words = next(self.pixel_words)
        u = torch.full((self.n_pixels,), 0.99, dtype=self.dtype)
        u[self.foreground] = uniform(words, self.dtype)
        both = torch.zeros((2, self.n_pixels), dtype=torch.bool)
        both[:, self.foreground] = torch.stack(coins(words)).bool()
        return u, *both

    def latent(self, n: int) -> Tensor:
        words = next(self.latent_words, None)
        if words is None:
            self.latent_words = iter(self.streams.latent_words(self.delay, n)[0])
            words = next(self.latent_words)
        return uniform(words, self.dtype)
