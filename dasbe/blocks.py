"""Blocks of images: small enough for the cache, spread over the cores of a CPU."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from dasbe.products import widest_arithmetic

BLOCK_VALUES = 3 << 19  # of one block of images: a core's share of the cache


def blocks_of(images: np.ndarray, values: int) -> list[np.ndarray]:
    """Numbers of the images in blocks of about `BLOCK_VALUES` values.

    Images with about as many pixels share a block, so that little is padded.

    Parameters
    ----------
    images : (N, H, W) of 0 and 1
    values : int
        How many are kept near for each foreground pixel.
    """
    counts = np.maximum(np.count_nonzero(images, axis=(1, 2)), 1)
    order = np.argsort(counts, kind="stable")
    total = values * np.cumsum(counts[order])
    n_blocks = -(-int(total[-1]) // BLOCK_VALUES)
    ends = np.searchsorted(total, total[-1] * np.arange(1, n_blocks) / n_blocks)
    return [block for block in np.split(order, ends) if len(block)]


def map_blocks(
    function: Callable[[np.ndarray], int], blocks: list[np.ndarray], device: torch.device | str, threads: bool = True
) -> Iterator[int]:
    """`function` of each block; on a CPU, blocks share the cores, one thread each.

    One thread a block is faster than many on the same small operations, and gives the
    same result on any number of cores. `threads` False is for functions that may not be
    safe to call from several threads.
    """
    if torch.device(device).type != "cpu" or not threads:
        yield from map(function, blocks)
        return
    n_threads = torch.get_num_threads()
    with _blas().limit(limits=1), widest_arithmetic():
        if n_threads == 1:
            yield from map(function, blocks)
            return
        try:
            with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                yield from pool.map(function, blocks)
        finally:
            torch.set_num_threads(n_threads)


@cache
def _blas() -> ThreadpoolController:
    """NumPy's linear algebra, whose threads PyTorch does not know."""
    return ThreadpoolController().select(user_api="blas")
