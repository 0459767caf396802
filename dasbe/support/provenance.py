"""How a result was made: command, parameters, versions and date, saved with every result."""

import platform
import sys
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

from dasbe.support import __version__
from dasbe.support.commands import entry


def provenance(**parameters: Any) -> dict[str, Any]:
    """What has to be known to make a result again, as values that JSON can hold."""
    return {
        "command": command(),
        "parameters": parameters,
        "versions": {
            "dasbe": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": np.__version__,
            "numba": version("numba"),
        },
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
    }


def command() -> str:
    """The command line, without the path of the machine it ran on."""
    if entry():
        return " ".join(sys.argv)
    main = getattr(sys.modules.get("__main__"), "__spec__", None)
    program = f"python -m {main.name.removesuffix('.__main__')}" if main else sys.argv[0].rsplit("/", 1)[-1]
    if program.endswith("ipykernel_launcher"):  # whose arguments are files of the machine it runs on
        return "a Jupyter notebook"
    return " ".join([program, *sys.argv[1:]])
