"""Pixels that have ink: the others never fire, so nothing is computed or kept for them."""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.blocks import map_blocks
from dasbe.snn import fused


class Foreground(NamedTuple):
    """Where the foreground pixels of a batch of images are.

    Attributes
    ----------
    pixels : (N, F) int64
        Indices into the flattened image, ascending; 0 beyond an image's own pixels.
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
        return cls(torch.from_numpy(pixels).to(device), torch.from_numpy(valid).to(device), images.shape[1:])

    @property
    def counts(self) -> np.ndarray:
        """(N,) int64, how many pixels each image has."""
        return self.valid.sum(1).cpu().numpy()

    def some(self, order: np.ndarray) -> "Foreground":
        """Of the images that `order` (bool or int) picks."""
        return self._replace(pixels=self.pixels[order], valid=self.valid[order])

    def of_images(self, values: np.ndarray) -> Tensor:
        """The (N, ..., F) foreground pixels of `values` (N, ..., H, W)."""
        flat = torch.from_numpy(np.ascontiguousarray(values)).to(self.pixels.device).flatten(-2)
        where = self.pixels.view(len(self.pixels), *(1 for _ in flat.shape[1:-1]), -1)
        return flat.gather(-1, where.expand(*flat.shape[:-1], -1))

    def to_images(self, values: Tensor) -> Tensor:
        """Put (N, ..., F) values of the foreground pixels into images (N, ..., H, W), 0 elsewhere."""
        n, *between, width = values.shape
        height_width = self.image_shape[0] * self.image_shape[1]
        shape = (n, *(1 for _ in between), width)
        # padding goes to a pixel behind the last one, which is then cut off
        where = torch.where(self.valid, self.pixels, height_width).view(shape).expand(values.shape)
        images = values.new_zeros((n, *between, height_width + 1)).scatter_(-1, where, values)
        return images[..., :-1].unflatten(-1, self.image_shape)


class ForegroundTrains(NamedTuple):
    """What the pixels of many images do over time, without those that are silent for lack of ink.

    Attributes
    ----------
    values : (N, n, d, F) bool or float32
        Spikes, or real values, of the foreground pixels in n cycles of d steps; 0 beyond
        an image's own pixels.
    foreground : Foreground
        Where they are; on the CPU.
    """

    values: np.ndarray
    foreground: Foreground

    @classmethod
    def silent(cls, images: np.ndarray, cycles: int, steps: int, dtype: type) -> "ForegroundTrains":
        """All 0, for binary `images` (N, H, W); to be filled by :meth:`record`."""
        foreground = Foreground.of(images)
        return cls(np.zeros((len(images), cycles, steps, foreground.pixels.shape[1]), dtype), foreground)

    def record(self, values: Tensor, counts: np.ndarray, images: np.ndarray, cycle: int) -> None:
        """Write one cycle, (N, d, F′), of the images numbered `images` (N,), of `counts` (N,) pixels each."""
        fused.copy_pixels(values.cpu().numpy(), counts, images, self.values[:, cycle])

    def to_images(self) -> np.ndarray:
        """(N, n, d, H, W), 0 where there is no ink."""
        n, cycles, steps, width = self.values.shape
        height, image_width = self.foreground.image_shape
        images = np.zeros((n, cycles * steps, height * image_width), self.values.dtype)
        values, pixels = self.values.reshape(n, cycles * steps, width), self.foreground.pixels.numpy()
        counts = self.foreground.counts

        def put(block: np.ndarray) -> int:
            fused.put_pixels(values, pixels, counts, block, images)
            return len(block)

        for _ in map_blocks(put, np.array_split(np.arange(n), torch.get_num_threads()), "cpu"):
            pass
        return images.reshape(n, cycles, steps, height, image_width)
