"""What a recurrent network learns: the next frame of one moving object (paper, section 4.4)."""

import torch
from torch import Tensor
from torch.nn.functional import mse_loss

from dasbe.ann.autoencoder import Autoencoder
from dasbe.train.recipe import Recipe

BLANKED = 5  # one frame in so many, and one more
SWITCHED_ON = 0.05  # of all pixels of the frames shown


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


def prediction_loss(network: Autoencoder, frames: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted next frames of clean `frames` (M, T, H·W)."""
    shown = corrupt_frames(frames[:, :-1], *recipe.corruption, generator)
    return mse_loss(network.predict(shown), frames[:, 1:])
