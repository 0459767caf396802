"""Reconstruction Clustering (Greff, Srivastava, Schmidhuber 2015, arXiv 1511.06418).

An expectation–maximisation algorithm around the same kind of autoencoder. It is told
the number of objects, and its groups are soft values for every pixel, where DASBE has
nothing but spike times until the readout.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from dasbe.binding import check_images, check_network
from dasbe.errors import InputError
from dasbe.products import widest_arithmetic
from dasbe.snn.noise import image_stream, stream_indices

ITERATIONS = 10
STREAM = 2  # sets the random numbers apart from those of the loop and the readout
BLOCK_VALUES = 1 << 22  # groups × pixels of one block of images


def initial_assignments(n_groups: int, n_pixels: int, seed: int, index: int) -> np.ndarray:
    """γ at the start, (n_groups, n_pixels) float32: |N(0, 1)|, normalised over the groups of each pixel."""
    stream = np.random.Generator(image_stream(seed, index, STREAM))
    drawn = np.abs(stream.standard_normal((n_groups, n_pixels), np.float32))
    return drawn / drawn.sum(axis=0)


def reconstruction_clustering(
    images: np.ndarray,
    network: nn.Module,
    n_groups: int,
    *,
    iterations: int = ITERATIONS,
    seed: int = 0,
    indices: Sequence[int] | None = None,
    device: torch.device | str = "cpu",
) -> np.ndarray:
    """Group the pixels of each image.

    M-step: y_k = network(x · γ_k). E-step, pixel by pixel:
    γ_k ∝ p(x | y_k) = x·y_k + (1 − x)(1 − y_k), the same prior for all groups.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module
        network(x) → (y, latent) for x (M, H·W); if its latent neurons spike, they are
        taken at their firing probability.
    n_groups : int
        K, the number of objects.
    iterations : int
    seed : int
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str

    Returns
    -------
    (N, H, W) int64
        1 + argmax_k γ_k where there is ink, else 0.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images = check_images(images)
    if n_groups < 1 or iterations < 1:
        raise InputError(f"n_groups is {n_groups} and iterations {iterations}; both must be at least 1")
    indices = stream_indices(indices, len(images))
    dtype, _ = check_network(network, images.shape[1:], device)
    flat = images.reshape(len(images), -1)
    size = max(1, BLOCK_VALUES // (n_groups * flat.shape[1]))
    labels = np.empty(flat.shape, np.int64)
    for start in range(0, len(images), size):
        block = slice(start, start + size)
        drawn = [initial_assignments(n_groups, flat.shape[1], seed, i) for i in indices[block]]
        assignments = torch.from_numpy(np.stack(drawn)).to(device, dtype)  # γ, (N, K, H·W)
        x = torch.from_numpy(flat[block]).to(device, dtype)[:, None]
        labels[block] = (iterate(x, assignments, network, iterations).argmax(1) + 1).cpu()
    return np.where(images == 1, labels.reshape(images.shape), 0)


@widest_arithmetic()
@torch.inference_mode()
def iterate(x: Tensor, assignments: Tensor, network: nn.Module, iterations: int) -> Tensor:
    """γ (N, K, H·W) after some iterations, from `x` (N, 1, H·W) and γ at the start."""
    for _ in range(iterations):
        y = reconstruct(network, (x * assignments).flatten(0, 1)).view_as(assignments)  # M-step
        likelihood = x * y + (1 - x) * (1 - y)
        assignments = likelihood / likelihood.sum(1, keepdim=True).clamp(min=1e-12)  # E-step
    return assignments


def reconstruct(network: nn.Module, x: Tensor) -> Tensor:
    """y = network(x), (M, H·W); latent neurons that spike are taken at their firing probability, without noise."""
    if getattr(network, "spiking_latent", False):
        return network.decoder(network.encoder(x).clamp(0, 1))
    return network(x)[0]
