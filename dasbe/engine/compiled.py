"""How functions are compiled: by Numba, once for all runs, without the global interpreter lock.

Numba keeps compiled code in a cache and notices a change of a function's own file, but
not of what it calls in others. So a kernel that calls functions of other files is made
by a function that is given :func:`sources_of` these: a constant of the kernel, by which
the cache tells another one from it.
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


def sources_of(*modules: ModuleType) -> str:
    """Source text of `modules`, empty where only their code is at hand."""
    try:
        return "".join(map(inspect.getsource, modules))
    except OSError:
        return ""
