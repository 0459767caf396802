"""Corruption of images of single objects in training; nothing is added to them but salt.

Two kinds of loss teach two things. Pixels switched off one by one teach the network to
restore an object from scattered spikes, as at the beginning of binding. Erasing all on
one side of a line teaches it that an object is a whole; otherwise halves of two objects
can share the same steps for ever.
"""

import torch
from torch import Tensor

from dasbe.ann.autoencoder import uniform_like

BLANKED = 5  # one frame in so many is blanked, and one more
SWITCHED_ON = 0.05  # share of the pixels of the frames shown
LINE_DISTANCE = 3.0  # largest distance of the line from the object's centre of mass, pixels


def draw_rates(images: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    """p ∈ U(low, high), (M, 1): the share of the pixels to switch off in each of `images` (M, H·W)."""
    return low + (high - low) * uniform_like((len(images), 1), images, generator)


def switch(images: Tensor, p: Tensor, generator: torch.Generator, salt: float = 0.0) -> Tensor:
    """`images` (M, H·W) with each pixel kept with probability 1 − p, p (M, 1).

    Of the other pixels, the share `salt` becomes 1 and the rest 0.
    """
    drawn = uniform_like(images.shape, images, generator)
    return (images * (drawn >= p)).masked_fill(drawn < salt * p, 1)


def walk_back(images: Tensor, restored: Tensor, p: Tensor, generator: torch.Generator) -> Tensor:
    """Objects as they fire after a round of the loop, (M, H·W).

    Each pixel of the clean `images` with ink fires with the probability that the network
    gives it in `restored`; of these spikes the share p, (M, 1), is switched off.
    """
    return images * (uniform_like(images.shape, images, generator) < restored * (1 - p))


def occlude(
    images: Tensor, object_images: Tensor, image_shape: tuple[int, int], probability: float, generator: torch.Generator
) -> Tensor:
    """`images` from which, with `probability`, one side of a line is erased; more than half of the object stays.

    The line has any direction, and passes the object's centre of mass at a distance of
    U(0, `LINE_DISTANCE`) pixels. `images` and the whole `object_images` in them are (M, H·W).
    """
    height, width = image_shape
    y = torch.arange(height, device=images.device).repeat_interleave(width)
    x = torch.arange(width, device=images.device).repeat(height)
    angle, distance, chance = uniform_like((3, len(images), 1), images, generator)
    along = torch.cos(2 * torch.pi * angle) * x + torch.sin(2 * torch.pi * angle) * y  # (M, H·W)
    centre = (along * object_images).sum(1, keepdim=True) / object_images.sum(1, keepdim=True).clamp(min=1)
    kept = (along > centre - LINE_DISTANCE * distance) | (chance >= probability)
    return images * kept


def corrupt_frames(frames: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    """`frames` (M, T, H·W) of 0 and 1 as the network is shown them.

    Each window draws p ∈ U(low, high), with which its pixels are switched off; pixels are
    switched on with probability `SWITCHED_ON`, and T // `BLANKED` + 1 frames are blanked.
    """
    n, length, _ = frames.shape
    device = frames.device
    p = low + (high - low) * torch.rand((n, 1, 1), generator=generator, device=device)
    kept = frames * (torch.rand(frames.shape, generator=generator, device=device) >= p)
    added = torch.rand(frames.shape, generator=generator, device=device) < SWITCHED_ON
    rank = torch.rand((n, length), generator=generator, device=device).argsort(1)
    return torch.where(added, 1.0, kept) * (rank > length // BLANKED)[..., None]
