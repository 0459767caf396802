"""Blocks of images: small enough for the cache, spread over the cores of a CPU."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cache
from typing import TypeVar

import numpy as np
import torch
from threadpoolctl import ThreadpoolController

from dasbe.engine.products import widest_arithmetic
from dasbe.support.workers import SharedSetting

BLOCK_VALUES = 3 << 19  # of one block of images: a core's share of the cache

Block = TypeVar("Block")
Result = TypeVar("Result")


def blocks_of(images: np.ndarray, values_per_pixel: int, block_values: int = BLOCK_VALUES) -> list[np.ndarray]:
    """Numbers of the images in blocks of about `block_values` values.

    Images with about as many pixels share a block, so that little is padded.

    Parameters
    ----------
    images : (N, H, W) of 0 and 1
    values_per_pixel : int
        Values that are kept near for each foreground pixel.
    block_values : int
        Values of a block.
    """
    counts = np.maximum(np.count_nonzero(images, axis=(1, 2)), 1)
    order = np.argsort(counts, kind="stable")
    total = values_per_pixel * np.cumsum(counts[order])
    n_blocks = -(-int(total[-1]) // block_values)
    ends = np.searchsorted(total, total[-1] * np.arange(1, n_blocks) / n_blocks)
    return [block for block in np.split(order, ends) if len(block)]


def map_blocks(
    function: Callable[[Block], Result],
    blocks: list[Block],
    device: torch.device | str,
    threads: bool = True,
) -> Iterator[Result]:
    """`function` of each block; on a CPU, blocks share the cores, one thread each.

    One thread a block is faster than many on the same small operations, gives the same
    result on any number of cores, and leaves no pool of threads behind with which a
    forked child would hang. Nothing is kept for gradients, and no type is changed
    automatically. `threads` False is for functions that may not be safe to
    call from several threads.
    """
    device = torch.device(device)

    def computed(block: Block) -> Result:
        with torch.inference_mode(), torch.autocast(device.type, enabled=False):  # both are settings of a thread
            return function(block)

    if device.type != "cpu" or not threads:
        yield from map(computed, blocks)
        return
    with _one_thread_a_block() as n_threads:
        if n_threads == 1:
            yield from map(computed, blocks)
            return
        with ThreadPoolExecutor(n_threads, initializer=torch.set_num_threads, initargs=(1,)) as pool:
            yield from pool.map(computed, blocks)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread computes everything meanwhile: for the workers of a machine or a cluster, which share its cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def _single_threaded_libraries() -> Iterator[int]:
    """Linear algebra on one thread a call, at its widest; gives the number of threads before."""
    n_threads = torch.get_num_threads()
    try:
        with _blas().limit(limits=1), widest_arithmetic():
            yield n_threads
    finally:
        torch.set_num_threads(n_threads)


_one_thread_a_block = SharedSetting(_single_threaded_libraries)


@cache
def _blas() -> ThreadpoolController:
    """NumPy's linear algebra, whose threads PyTorch does not know."""
    return ThreadpoolController().select(user_api="blas")
