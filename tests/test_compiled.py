"""Compiled code is that of the present sources: Numba's cache notices what changes in other files too."""

import importlib
import inspect
import pkgutil

import pytest
from numba.core.dispatcher import Dispatcher

import dasbe.engine
from dasbe.engine.compiled import sources_of

pytestmark = pytest.mark.quick


def kernels():
    """Every compiled function of the engine, once."""
    found = {}
    for module in pkgutil.iter_modules(dasbe.engine.__path__, "dasbe.engine."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, Dispatcher) and value.__module__.startswith("dasbe.engine."):
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
        constants = "".join(cell.cell_contents for cell in kernel.py_func.__closure__ or ())
        missing = [module.__name__ for module in modules if sources_of(module) not in constants]
        assert missing == [], f"{kernel.py_func.__qualname__} would not be compiled anew if {missing} changed"
    assert n_across == 3  # pixels, latent neurons, pulse-coupled network
