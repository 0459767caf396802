"""Compilation of functions by Numba, once for all runs, without the global interpreter lock.

Numba keeps compiled code in a cache, and notices a change of a function's own file but not
of what it calls in others. So the stamp by which it recognises the present sources takes in
all files whose functions kernels call, those in the folders `SOURCES`.

The cache only saves time. What it does not hold, or holds damaged, is compiled, and
where nothing can be written, nothing is kept.
"""

import hashlib
import os
import pickle
import zlib
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

import numpy as np
from numba import njit
from numba.core.caching import (
    CompileResultCacheImpl,
    FunctionCache,
    InTreeCacheLocator,
    UserProvidedCacheLocator,
    UserWideCacheLocator,
)
from numba.core.serialize import dumps

Function = TypeVar("Function", bound=Callable)


def compiled(function: Function) -> Function:
    """Decorator of functions of NumPy arrays and numbers."""
    return _compiled(function, fastmath=False)


def compiled_unordered(function: Function) -> Function:
    """:func:`compiled`, where sums may be taken in any order, so that many terms are added at once."""
    return _compiled(function, fastmath={"reassoc", "contract"})


def _compiled(function: Function, fastmath: bool | set[str]) -> Function:
    dispatcher: Any = njit(function, nogil=True, fastmath=fastmath)
    if dispatcher is function:  # NUMBA_DISABLE_JIT=1; unsigned numbers wrap around, as they do in compiled code
        return cast(Function, np.errstate(over="ignore")(function))
    with suppress(RuntimeError, OSError):  # a function out of an archive, and no folder of the user's own
        dispatcher._cache = _Cache(function)
    return cast(Function, dispatcher)


SOURCES = tuple(Path(__file__).parent.parent / wing for wing in ("engine", "snn"))
"""Folders of all functions that kernels call."""


@cache
def sources_digest() -> str:
    """Digest of all files in `SOURCES`, or of none where only their code is at hand."""
    files = sorted(path for folder in SOURCES for path in folder.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in files)).hexdigest()


class _StampOfAllSources:
    """A place of the cache whose stamp covers all of `SOURCES`, besides the file of the function."""

    def get_source_stamp(self) -> tuple:
        """Stamp of the sources; code that was kept under another one is compiled anew."""
        return super().get_source_stamp(), sources_digest()  # type: ignore[misc]


class _UserProvided(_StampOfAllSources, UserProvidedCacheLocator):
    """The folder of NUMBA_CACHE_DIR."""


class _InTree(_StampOfAllSources, InTreeCacheLocator):
    """The ``__pycache__`` beside the file."""


class _UserWide(_StampOfAllSources, UserWideCacheLocator):
    """A folder of the user."""


class _ReadOnly(_InTree):
    """The ``__pycache__`` of a checkout that may only be read: what its owner has compiled is used."""

    def ensure_cache_path(self) -> None:
        """Nothing: it may not be there, and nothing can be written to it."""


class _CheckedCode(CompileResultCacheImpl):
    """Compiled code with its checksum, since damaged code would run."""

    _locator_classes = [_UserProvided, _InTree]
    if os.path.isabs(os.path.expanduser("~")):  # else Numba would make a folder named ~ in the working directory
        _locator_classes.append(_UserWide)
    _locator_classes.append(_ReadOnly)

    def reduce(self, result: Any) -> tuple[int, bytes]:
        """Checksum and code of a compiled function, to be kept."""
        code = dumps(super().reduce(result))
        return zlib.crc32(code), code

    def rebuild(self, target_context: Any, kept: tuple[int, bytes]) -> Any:
        """The compiled function again."""
        checksum, code = kept
        if zlib.crc32(code) != checksum:
            raise ValueError("compiled code is damaged")
        return super().rebuild(target_context, pickle.loads(code))


class _Cache(FunctionCache):
    """Numba's cache, whose files may be damaged, and cannot always be written."""

    _impl_class = _CheckedCode

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled function, or None."""
        try:
            return super().load_overload(signature, target_context)
        except Exception:  # damaged files fail in ways of their own
            with suppress(OSError):
                self.flush()  # or the damaged index would stay
            return None

    def save_overload(self, signature: Any, result: Any) -> None:
        """Keep a compiled function, if that can be."""
        with suppress(OSError):  # the folder is read-only by now, the disk full
            super().save_overload(signature, result)
