"""What training takes away from an image of a single object; it adds nothing, unless there is salt.

Two kinds of loss teach two things. Pixels switched off one by one teach the network to
restore an object from scattered spikes, as at the beginning of binding. Erasing all on
one side of a line teaches it that an object is a whole: without it, half of one object
and half of another can keep each other company in the same steps for ever.
"""

import torch
from torch import Tensor

from dasbe.ann.autoencoder import uniform_like

BLANKED = 5  # one frame in so many, and one more
SWITCHED_ON = 0.05  # of all pixels of the frames shown
LINE_DISTANCE = 3.0  # pixels between the line and the object's centre of mass, at most


def draw_rates(images: Tensor, low: float, high: float, generator: torch.Generator) -> Tensor:
    """p ∈ U(low, high) of each of `images` (M, H·W): the part of its pixels to switch off, (M, 1)."""
    return low + (high - low) * uniform_like((len(images), 1), images, generator)


def switch(images: Tensor, p: Tensor, generator: torch.Generator, salt: float = 0.0) -> Tensor:
    """Each pixel of `images` (M, H·W) is kept with probability 1 − p, or else switched off; with `salt`, some on.

    Parameters
    ----------
    images : (M, H·W) float
    p : (M, 1) float
    generator : torch.Generator
    salt : float
        Part of the pixels that are not kept which become 1; the others become 0.
    """
    drawn = uniform_like(images.shape, images, generator)
    return (images * (drawn >= p)).masked_fill(drawn < salt * p, 1)


def walk_back(images: Tensor, restored: Tensor, p: Tensor, generator: torch.Generator) -> Tensor:
    """Objects as they fire after a round of the loop: where the feedback lets them, less what is switched off.

    Parameters
    ----------
    images : (M, H·W) float
        Clean; pixels without ink never fire.
    restored : (M, H·W) float in [0, 1]
        What the network made of them: the probability with which each pixel fires.
    p : (M, 1) float
        Part of the pixels that are switched off besides.
    generator : torch.Generator
    """
    return images * (uniform_like(images.shape, images, generator) < restored * (1 - p))


def occlude(
    images: Tensor, object_images: Tensor, image_shape: tuple[int, int], probability: float, generator: torch.Generator
) -> Tensor:
    """With `probability`, erase what lies on one side of a straight line; more than half of the object stays.

    The line has any direction, and passes the object's centre of mass at a distance of
    U(0, `LINE_DISTANCE`) pixels.

    Parameters
    ----------
    images, object_images : (M, H·W) float
        Images to erase from, and the whole objects in them, whose centres count.
    image_shape : (H, W)
    probability : float
    generator : torch.Generator
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
    """What the network is shown of `frames` (M, T, H·W) of 0 and 1.

    Pixels are switched off with a probability p ∈ U(low, high) of each sequence, others
    switched on with probability `SWITCHED_ON`, and T // `BLANKED` + 1 frames blanked.
    """
    n, length, _ = frames.shape
    device = frames.device
    p = low + (high - low) * torch.rand((n, 1, 1), generator=generator, device=device)
    kept = frames * (torch.rand(frames.shape, generator=generator, device=device) >= p)
    added = torch.rand(frames.shape, generator=generator, device=device) < SWITCHED_ON
    rank = torch.rand((n, length), generator=generator, device=device).argsort(1)
    return torch.where(added, 1.0, kept) * (rank > length // BLANKED)[..., None]
