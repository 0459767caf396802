"""How the cores of a CPU are used: blocks of images, one thread each, and products at the full width of its arithmetic.

NumPy and PyTorch bring linear algebra that uses half the width of some CPUs with
AVX-512. PyTorch has another library, oneDNN, that uses all of it, but turns to it only
if told that float32 may be rounded to bfloat16 on the way. On a CPU without a unit for
such products, oneDNN does not round: it computes in float32, at twice the rate. Whether
that is so is tried, once.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any, TypeVar

import numpy as np
import torch
from threadpoolctl import ThreadpoolController, threadpool_limits
from torch import Tensor

from dasbe.ann.network import computing_on
from dasbe.support.workers import SharedSetting

_SETTING: Any = getattr(torch.backends.mkldnn, "matmul", None)  # None before PyTorch 2.9
LARGEST_ERROR = 1e-5  # of a product of float32, of numbers around 1 / √K; bfloat16 is wrong by 1e-2


def batched_product(a: Tensor, b: Tensor) -> Tensor:
    """Product (N, M, L) of many small matrices; to be called within :func:`widest_arithmetic`.

    `a` (N, M, K) and `b` (N, K, L) are of the same type. Where oneDNN does not help on a CPU,
    NumPy multiplies, whose linear algebra is faster there than PyTorch's.
    """
    if a.device.type != "cpu" or (a.dtype == torch.float32 and onednn_is_exact()):
        return torch.bmm(a, b)
    return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


@cache
def onednn_is_exact() -> bool:
    """Whether oneDNN is of use on this CPU and keeps to float32 even if told that it need not."""
    if _SETTING is None or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    generator = torch.Generator("cpu").manual_seed(0)
    for m, k, n in ((32, 256, 128), (54, 1024, 400)):
        a = torch.randn((2, m, k), generator=generator, device="cpu") / k**0.5
        b = torch.randn((2, k, n), generator=generator, device="cpu")
        with _bfloat16_allowed():
            error = torch.bmm(a, b) - torch.bmm(a.double(), b.double())
        if error.abs().max() > LARGEST_ERROR:
            return False
    return True


@contextmanager
def _bfloat16_allowed() -> Iterator[None]:
    before = _SETTING.fp32_precision
    _SETTING.fp32_precision = "bf16"
    try:
        yield
    finally:
        _SETTING.fp32_precision = before


widest_arithmetic = SharedSetting(lambda: _bfloat16_allowed() if onednn_is_exact() else nullcontext())
"""PyTorch's products of float32 on a CPU by oneDNN, where that is exact; as before at the end."""


BLOCK_VALUES = 3 << 19  # of one block of images: a core's share of the cache

Block = TypeVar("Block")
Result = TypeVar("Result")


def blocks_of(images: np.ndarray, values_per_pixel: int, block_values: int = BLOCK_VALUES) -> list[np.ndarray]:
    """Numbers of the `images` (N, H, W) in blocks of about `block_values` values.

    There are `values_per_pixel` for each foreground pixel. Images with about as many pixels
    share a block, so that little is padded.
    """
    counts = np.maximum(np.count_nonzero(images, axis=(1, 2)), 1)
    order = np.argsort(counts, kind="stable")
    total = values_per_pixel * np.cumsum(counts[order])
    n_blocks = -(-int(total[-1]) // block_values)
    ends = np.searchsorted(total, total[-1] * np.arange(1, n_blocks) / n_blocks)
    return [block for block in np.split(order, ends) if len(block)]


def map_blocks(
    function: Callable[[Block], Result], blocks: list[Block], device: torch.device | str, threads: bool = True
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
        with torch.inference_mode(), computing_on(device):  # both are settings of a thread
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
    """One thread computes everything: for workers, which share cores, and scikit-learn, whose sums depend on it."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with threadpool_limits(1):
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
