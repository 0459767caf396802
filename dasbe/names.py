"""Names that users give, of datasets, systems and the like: whether there is such a one, and how a wrong one is shown.

Commands check names before anything else, so nothing here needs NumPy or PyTorch.
"""

import sys
from collections.abc import Iterable
from typing import Any

from dasbe.errors import InputError

SHOWN = 60  # characters of a wrong value


def shown(value: Any) -> str:
    """`value` in a few words: arrays by their shape and type, all else as Python writes it, cut to fit a line."""
    try:
        if (_is(value, "numpy", "ndarray") or _is(value, "torch", "Tensor")) and value.ndim:
            return f"an array of shape {tuple(value.shape)} and type {str(value.dtype).removeprefix('torch.')}"
        text = " ".join(repr(value.item() if _is(value, "numpy", "generic") else value).split())
    except Exception:  # a value of a user's own class, or a number of thousands of digits
        return f"a {type(value).__name__} that cannot be shown"
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"


def _is(value: Any, module: str, kind: str) -> bool:
    """Whether `value` is of a `kind` of `module`: not so, if nobody has imported the module yet."""
    return module in sys.modules and isinstance(value, getattr(sys.modules[module], kind))


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """A name out of `choices`."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{name} {shown(value)} is unknown; choose one of {', '.join(choices)}")
    return value
