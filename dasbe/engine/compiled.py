"""How functions are compiled: by Numba, once for all runs, without the global interpreter lock.

Numba keeps compiled code in a cache and notices a change of a function's own file, but
not of what it calls in others: a kernel that compiles an equation of :mod:`dasbe.snn`
has :func:`source_of` that module among its constants.
"""

import inspect
from collections.abc import Callable
from types import ModuleType
from typing import TypeVar, cast

from numba import njit

Function = TypeVar("Function", bound=Callable)


def compiled(function: Function) -> Function:
    """Decorator of functions of NumPy arrays and numbers."""
    return _compiled(function, fastmath=False)


def compiled_unordered(function: Function) -> Function:
    """:func:`compiled`, where sums may be taken in any order, so that many terms are added at once."""
    return _compiled(function, fastmath={"reassoc", "contract"})


def _compiled(function: Function, fastmath: bool | set[str]) -> Function:
    try:
        return cast(Function, njit(function, nogil=True, fastmath=fastmath, cache=True))
    except RuntimeError:  # there is no folder that a cache could be written to
        return cast(Function, njit(function, nogil=True, fastmath=fastmath))


def source_of(module: ModuleType) -> str:
    """Source text of `module`, empty where only its code is at hand."""
    try:
        return inspect.getsource(module)
    except OSError:
        return ""
