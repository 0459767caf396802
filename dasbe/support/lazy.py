"""Packages whose names are imported when they are first asked for (PEP 562).

So ``import dasbe`` takes no time, and a command can read its options before PyTorch and
the like are imported.
"""

import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from pkgutil import iter_modules
from typing import Any


def import_lazily(package: str, names: Mapping[str, Sequence[str]] | None = None) -> None:
    """Let attributes of `package`, its ``__name__``, be imported when they are first asked for.

    The attributes are all modules of the package, and `names`: module → what the package has
    from it. Type checkers take no notice of this; to them, ``if TYPE_CHECKING`` the package
    has to import the same names.
    """
    module_of = {name: module for module, names_of_module in (names or {}).items() for name in names_of_module}
    namespace = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name in module_of:
            namespace[name] = getattr(import_module(f"{package}.{module_of[name]}"), name)
            return namespace[name]
        missing = f"{package}.{name}"
        try:
            if not name.startswith("_"):
                return import_module(missing)
        except ModuleNotFoundError as error:
            if error.name != missing:  # the module is there, but not what it imports
                raise
        raise AttributeError(f"module '{package}' has no attribute '{name}'")

    def names_known() -> list[str]:
        modules = (module.name for module in iter_modules(namespace["__path__"]) if not module.name.startswith("_"))
        special = (name for name in namespace if name.startswith("__"))
        return sorted({*special, *namespace.get("__all__", ()), *modules})

    namespace.update(__getattr__=get, __dir__=names_known)
