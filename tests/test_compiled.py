"""Compiled code is that of the present sources, and Numba's cache can be of no harm to it."""

import errno
import importlib
import inspect
import pkgutil
import sys
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from numba.core.caching import IndexDataCacheFile
from numba.core.dispatcher import Dispatcher

import dasbe.binding
import dasbe.engine
import dasbe.metrics
from dasbe.engine import compiled as compiling
from dasbe.engine.compiled import _CheckedCode, compiled, sources_digest


def kernels():
    """Every compiled function, once."""
    found = {}
    for wing in (dasbe.engine, dasbe.binding, dasbe.metrics):
        for module in pkgutil.iter_modules(wing.__path__, f"{wing.__name__}."):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Dispatcher):
                    found[id(value)] = value
    return found.values()


def calls_of(kernel):
    """Files of the compiled functions that `kernel` calls, by itself or through others, its own left out."""
    files, waiting, seen = set(), [kernel.py_func], set()
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        called = (function.__globals__.get(name) for name in function.__code__.co_names)
        waiting += [other.py_func for other in called if isinstance(other, Dispatcher)]
        files.add(inspect.getmodule(function))
    return files - {inspect.getmodule(kernel.py_func)}


def test_kernels_know_the_sources_of_what_they_call():
    n_across = 0
    for kernel in kernels():
        modules = calls_of(kernel)
        n_across += bool(modules)
        missing = [module.__name__ for module in modules if Path(module.__file__).parent not in compiling.SOURCES]
        assert missing == [], f"{kernel.py_func.__qualname__} would not be compiled anew if {missing} changed"
    assert n_across == 4  # pixels, latent neurons, pulse-coupled network, competing phases


SOURCE = "def twice(x):\n    return 2 * x\n"


@pytest.fixture
def twice(tmp_path, monkeypatch):
    """`twice()`: a function that doubles, compiled as in a new process, and whether it came out of the cache."""
    path = tmp_path / "kernels.py"
    path.write_text(SOURCE)

    def new():
        module = ModuleType("kernels")
        monkeypatch.setitem(sys.modules, "kernels", module)  # by whose name Numba finds the globals of kept code
        exec(compile(SOURCE, path, "exec"), vars(module))
        kernel = compiled(module.twice)
        assert kernel(np.float64(1.5)) == 3
        return bool(kernel.stats.cache_hits)

    return new


def cached(tmp_path, suffix):
    return next((tmp_path / "__pycache__").glob(f"*{suffix}"))


def test_code_is_compiled_once(twice, tmp_path):
    assert [twice(), twice()] == [False, True]
    assert cached(tmp_path, ".nbi") and cached(tmp_path, ".nbc")


def test_code_is_compiled_anew_once_another_file_has_changed(twice, tmp_path, monkeypatch):
    """The equations in it, a constant that it has, or a file that was not there."""
    monkeypatch.setattr(compiling, "SOURCES", (tmp_path / "engine", tmp_path / "snn"))
    for path, text in (("engine/draw.py", "X = 1"), ("engine/draw.py", "X = 2"), ("snn/noise.py", "Y = 1")):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
        sources_digest.cache_clear()  # as in a new process
        assert [twice(), twice()] == [False, True]
    sources_digest.cache_clear()
    assert twice(), "nothing has changed"


@pytest.mark.parametrize("suffix", (".nbi", ".nbc"))
def test_damaged_code_is_compiled_anew(twice, tmp_path, suffix):
    twice()
    file = cached(tmp_path, suffix)
    sound = file.read_bytes()
    flipped = [bytearray(sound) for _ in range(8)]
    for k, content in enumerate(flipped):
        content[(2 * k + 1) * len(sound) // 16] ^= 4
    for content in (b"", sound[:1], sound[: len(sound) // 2], sound[:-1], b"no code at all", *flipped):
        file.write_bytes(content)
        was_used = twice()  # and gave what it should
        assert not was_used or (suffix == ".nbi" and content in flipped), "it was used"  # the index holds idle names
        assert twice(), "it was not written anew"


def test_code_is_compiled_where_none_can_be_kept(twice, tmp_path, monkeypatch):
    def full(self, path):
        raise OSError(errno.ENOSPC, "No space left on device", path)

    with monkeypatch.context() as patch:
        patch.setattr(IndexDataCacheFile, "_open_for_write", full)
        assert not twice()
    (tmp_path / "__pycache__" / "x").mkdir(parents=True, exist_ok=True)
    for folder in ("XDG_CACHE_HOME", "LOCALAPPDATA", "HOME"):
        monkeypatch.setenv(folder, str(tmp_path / "kernels.py"))  # a file: no folder can be made in it
    twice()
    (tmp_path / "__pycache__").rename(tmp_path / "elsewhere")
    (tmp_path / "__pycache__").write_text("no folder")
    assert not twice()


def test_code_in_a_checkout_that_can_only_be_read_is_used(twice, tmp_path, monkeypatch):
    def refuse(self):
        raise PermissionError(errno.EACCES, "Permission denied", self.get_cache_path())

    twice()
    for place in _CheckedCode._locator_classes:
        if "ensure_cache_path" not in vars(place):  # all but the one that does without
            monkeypatch.setattr(place, "ensure_cache_path", refuse)
    assert twice()
