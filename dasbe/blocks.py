"""Blocks of images: small enough for the cache, spread over the cores of a CPU."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import torch

BLOCK_VALUES = 1 << 17  # steps × pixels of one block of images: a few arrays of this size fit in the cache


def blocks_of(images: np.ndarray, steps: int) -> list[np.ndarray]:
    """Numbers of the images in blocks of about `BLOCK_VALUES` values (steps × foreground pixels).

    Images with about as many pixels share a block, so that little is padded.

    Parameters
    ----------
    images : (N, H, W) of 0 and 1
    steps : int
        That are computed together.
    """
    counts = np.maximum(np.count_nonzero(images, axis=(1, 2)), 1)
    order = np.argsort(counts, kind="stable")
    values = steps * np.cumsum(counts[order])
    n_blocks = -(-int(values[-1]) // BLOCK_VALUES)
    ends = np.searchsorted(values, values[-1] * np.arange(1, n_blocks) / n_blocks)
    return [block for block in np.split(order, ends) if len(block)]


def map_blocks(
    function: Callable[[np.ndarray], int], blocks: list[np.ndarray], device: torch.device | str, threads: bool = True
) -> Iterator[int]:
    """`function` of each block; on a CPU, blocks share the cores, one thread each.

    One thread a block is faster than many on the same small operations, and gives the
    same result on any number of cores. `threads` False is for functions that may not be
    safe to call from several threads.
    """
    n_threads = torch.get_num_threads()
    if torch.device(device).type != "cpu" or not threads or n_threads == 1:
        yield from map(function, blocks)
        return
    try:
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(function, blocks)
    finally:
        torch.set_num_threads(n_threads)
