"""The pure-ANN system of Table 1: the loop without spikes.

The network is shown real values in place of spikes, a = x·c, so nothing is random after
the first cycle (but a latent layer that spikes), and no two steps of a cycle ever meet:
each goes its own way from noise to a fixed point of the network. An image whose values
all come back the same, bit by bit, has got there, and is not computed any further.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import nn

from dasbe.ann.attention import ForegroundAttention, attention_of, places_closed_up, values_of
from dasbe.binding import check_images, check_network
from dasbe.blocks import blocks_of, map_blocks
from dasbe.errors import InputError
from dasbe.foreground import Foreground, ForegroundTrains
from dasbe.snn.coding_space import run_latent_cycle
from dasbe.snn.noise import NoiseStreams, stream_indices

CYCLES_BETWEEN_LOOKS = 4  # for images at rest


def pure_ann(
    images: np.ndarray,
    network: nn.Module,
    *,
    delay: int,
    cycles: int = 50,
    seed: int = 0,
    last: int | None = None,
    indices: Sequence[int] | None = None,
    foreground_only: bool = False,
    device: torch.device | str = "cpu",
) -> np.ndarray | ForegroundTrains:
    """Iterate a ← x·network(a), each step of a cycle from |N(0, 1)| noise of its own.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module
        As for :func:`dasbe.bind`; latent neurons that spike have no refractoriness here.
    delay : int
        d, steps in a cycle.
    cycles : int
        n.
    seed : int
    last : int, optional
        Return only this many cycles at the end; by default all.
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    foreground_only : bool
        Return the values of the foreground pixels alone: smaller, and faster to group.
    device : torch.device or str

    Returns
    -------
    (N, last, d, H, W) float32, or ForegroundTrains
        a, what the network was shown; :func:`dasbe.group` reads it like spikes.

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images = check_images(images)
    last = cycles if last is None else last
    if delay < 1 or not 1 <= last <= cycles:
        raise InputError(f"delay is {delay}, cycles {cycles} and last {last}; delay ≥ 1 and 1 ≤ last ≤ cycles needed")
    indices = stream_indices(indices, len(images))
    dtype, _ = check_network(network, images.shape[1:], device)
    spiking = getattr(network, "spiking_latent", False)
    trains = ForegroundTrains.silent(images, last, delay, np.float32)

    attend = attention_of(network)

    @torch.inference_mode()
    def run_block(block: np.ndarray) -> int:
        n_images = len(block)
        foreground = Foreground.of(images[block], device)
        attention = attend(foreground)
        noise = NoiseStreams(seed, indices[block], foreground.counts, device)
        shown = noise.initial_feedback(delay, normalise=False).to(dtype)  # a
        for cycle in range(last - cycles, last):
            if cycle >= 0:
                trains.record(shown, foreground.counts, block, cycle)
            if cycle == last - 1:
                break
            latent = attention.encode(shown)
            if spiking:
                at_rest = torch.zeros_like(latent[:, 0], dtype=torch.int8)
                latent, _ = run_latent_cycle(latent, noise, 0, at_rest)
            before, shown = shown, attention.decode(latent)
            if spiking or cycle % CYCLES_BETWEEN_LOOKS:
                continue
            resting = (before.sub_(shown).abs_().amax((1, 2)) == 0).cpu().numpy()
            if not resting.any():
                continue
            done, first = block[resting], max(cycle + 1, 0)
            trains.record(shown[resting], foreground.counts[resting], done, first)
            trains.values[done, first + 1 :] = trains.values[done, first, None]
            if resting.all():
                break
            order = places_closed_up(~resting)
            block, foreground, shown = block[order], foreground.some(order), shown[order]
            attention.keep(order)
        return n_images

    blocks = blocks_of(images, values_of(network, delay, layers=2))
    for _ in map_blocks(run_block, blocks, device, ForegroundAttention.fits(network)):
        pass
    return trains if foreground_only else trains.to_images()
