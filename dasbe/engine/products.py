"""Products of float32 matrices on a CPU, at the rate of its widest arithmetic.

NumPy and PyTorch bring linear algebra that uses half the width of some CPUs with
AVX-512. PyTorch has another library, oneDNN, that uses all of it, but turns to it only
if told that float32 may be rounded to bfloat16 on the way. On a CPU without a unit for
such products, oneDNN does not round: it computes in float32, at twice the rate. Whether
that is so is tried, once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dasbe.support.workers import SharedSetting

_SETTING: Any = getattr(torch.backends.mkldnn, "matmul", None)  # None before PyTorch 2.9
LARGEST_ERROR = 1e-5  # of a product of float32, of numbers around 1 / √K; bfloat16 is wrong by 1e-2


@contextmanager
def _onednn_where_exact() -> Iterator[None]:
    if not onednn_is_exact():
        yield
        return
    with _bfloat16_allowed():
        yield


widest_arithmetic = SharedSetting(_onednn_where_exact)
"""PyTorch's products of float32 on a CPU by oneDNN, where that is exact; as before at the end."""


def batched_product(a: Tensor, b: Tensor) -> Tensor:
    """Product of many small matrices; to be called within :func:`widest_arithmetic`.

    Where oneDNN does not help on a CPU, by NumPy, whose linear algebra is faster there
    than PyTorch's.

    Parameters
    ----------
    a : (N, M, K) float
    b : (N, K, L), of the same type

    Returns
    -------
    (N, M, L), of the same type
    """
    if a.device.type != "cpu" or (a.dtype == torch.float32 and onednn_is_exact()):
        return torch.bmm(a, b)
    return torch.from_numpy(np.matmul(a.numpy(), b.numpy()))


@cache
def onednn_is_exact() -> bool:
    """Whether oneDNN is of use on this CPU and keeps to float32 even if told that it need not."""
    if _SETTING is None or torch.backends.cpu.get_cpu_capability() != "AVX512":
        return False
    generator = torch.Generator().manual_seed(0)
    for m, k, n in ((32, 256, 128), (54, 1024, 400)):
        a = torch.randn((2, m, k), generator=generator) / k**0.5
        b = torch.randn((2, k, n), generator=generator)
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
