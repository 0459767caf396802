"""Pixels with ink: the others never fire, so nothing is computed or kept for them."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.engine.compiled import compiled
from dasbe.engine.parallel import map_blocks


class Foreground(NamedTuple):
    """Places of the foreground pixels of a batch of images.

    Attributes
    ----------
    pixels : (N, F) int64
        Flat indices into the image, ascending; 0 beyond an image's own pixels.
    valid : (N, F) bool
        False beyond an image's own pixels.
    image_shape : tuple of int
        (H, W).
    """

    pixels: Tensor
    valid: Tensor
    image_shape: tuple[int, int]

    @classmethod
    def of(cls, images: np.ndarray, device: torch.device | str = "cpu") -> "Foreground":
        """Foreground of binary `images` (N, H, W)."""
        flat = images.reshape(len(images), -1)
        counts = np.count_nonzero(flat, axis=1)
        valid = np.arange(max(counts.max(), 1)) < counts[:, None]
        pixels = np.zeros(valid.shape, np.int64)
        pixels[valid] = np.nonzero(flat)[1]
        height, width = images.shape[1:]
        return cls(torch.from_numpy(pixels).to(device), torch.from_numpy(valid).to(device), (height, width))

    def __repr__(self) -> str:
        height, width = self.image_shape
        return f"<Foreground of {len(self.pixels)} images of {height}×{width}: up to {self.pixels.shape[1]} pixels>"

    @property
    def counts(self) -> np.ndarray:
        """Foreground pixels of each image, (N,) int64."""
        return self.valid.sum(1).cpu().numpy()

    def of_chosen(self, order: np.ndarray | slice) -> "Foreground":
        """The same of the images that `order` (bool, int or a slice) chooses."""
        return self._replace(pixels=self.pixels[order], valid=self.valid[order])

    def of_images(self, values: np.ndarray) -> Tensor:
        """The (N, ..., F) foreground pixels of `values` (N, ..., H, W)."""
        flat = torch.from_numpy(np.ascontiguousarray(values)).to(self.pixels.device).flatten(-2)
        where = self.pixels.view(len(self.pixels), *(1 for _ in flat.shape[1:-1]), -1)
        return flat.gather(-1, where.expand(*flat.shape[:-1], -1))

    def to_images(self, values: Tensor) -> Tensor:
        """Put (N, ..., F) values of the foreground pixels into images (N, ..., H, W), 0 elsewhere."""
        n, *between, width = values.shape
        n_pixels = self.image_shape[0] * self.image_shape[1]
        shape = (n, *(1 for _ in between), width)
        # padding goes to a pixel behind the last one, which is then cut off
        where = torch.where(self.valid, self.pixels, n_pixels).view(shape).expand(values.shape)
        images = values.new_zeros((n, *between, n_pixels + 1)).scatter_(-1, where, values)
        return images[..., :-1].unflatten(-1, self.image_shape)


class ForegroundTrains(NamedTuple):
    """Trains of the foreground pixels of many images over time; the others are silent.

    Attributes
    ----------
    values : (N, n, d, F) bool or float32
        Spikes, or real values, of the foreground pixels in n cycles of d steps; 0 beyond
        an image's own pixels.
    foreground : Foreground
        Their places; on the CPU.
    """

    values: np.ndarray
    foreground: Foreground

    def __repr__(self) -> str:
        _, cycles, steps, _ = self.values.shape
        return f"<ForegroundTrains: {cycles} cycles of {steps} steps, {self.values.dtype}; {self.foreground}>"

    @classmethod
    def silent(cls, images: np.ndarray, cycles: int, steps: int, dtype: Any) -> "ForegroundTrains":
        """Trains of zeros for binary `images` (N, H, W); to be filled by :meth:`record`."""
        foreground = Foreground.of(images)
        return cls(np.zeros((len(images), cycles, steps, foreground.pixels.shape[1]), dtype), foreground)

    def of_chosen(self, order: np.ndarray | slice) -> "ForegroundTrains":
        """The same of the images that `order` (bool, int or a slice) chooses."""
        return ForegroundTrains(self.values[order], self.foreground.of_chosen(order))

    def record(self, values: Tensor, counts: np.ndarray, images: np.ndarray, cycle: int) -> None:
        """Write one cycle, (N, d, F′), of the images numbered `images` (N,), of `counts` (N,) pixels each."""
        _copy_pixels(values.cpu().numpy(), counts, images, self.values[:, cycle])

    def to_images(self) -> np.ndarray:
        """Trains (N, n, d, H, W) of whole images, 0 where there is no ink."""
        n, cycles, steps, width = self.values.shape
        height, image_width = self.foreground.image_shape
        images = np.zeros((n, cycles * steps, height * image_width), self.values.dtype)
        values, pixels = self.values.reshape(n, cycles * steps, width), self.foreground.pixels.numpy()
        counts = self.foreground.counts

        def put(block: np.ndarray) -> int:
            _put_pixels(values, pixels, counts, block, images)
            return len(block)

        for _ in map_blocks(put, np.array_split(np.arange(n), torch.get_num_threads()), "cpu"):
            pass
        return images.reshape(n, cycles, steps, height, image_width)


@compiled
def _copy_pixels(values: np.ndarray, counts: np.ndarray, images: np.ndarray, out: np.ndarray) -> None:
    """Copy the first counts[i] columns of values[i], (d, F), to those of out[images[i]]."""
    for i in range(values.shape[0]):
        for t in range(values.shape[1]):
            source, target = values[i, t], out[images[i], t]
            for p in range(counts[i]):
                target[p] = source[p]


@compiled
def _put_pixels(
    values: np.ndarray, pixels: np.ndarray, counts: np.ndarray, images: np.ndarray, out: np.ndarray
) -> None:
    """Put the first counts[i] of `values` (N, T, F) into their `pixels` of `out` (N, T, H·W), for i in `images`."""
    for i in images:
        for t in range(values.shape[1]):
            source, target = values[i, t], out[i, t]
            for p in range(counts[i]):
                target[pixels[i, p]] = source[p]
