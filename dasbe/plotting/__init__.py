"""Drawing: functions from arrays to Matplotlib figures; nothing here computes a result."""

import importlib
import logging
import os

from dasbe.lazy import import_lazily


def _import_matplotlib() -> None:
    """Import Matplotlib where there is no home folder, and whatever MPLBACKEND says: figures go to files here."""
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)  # or it would say at length that it keeps its fonts in a temporary folder
    try:
        importlib.import_module("matplotlib.font_manager")
    except ValueError:  # MPLBACKEND names no backend
        os.environ.pop("MPLBACKEND", None)
        importlib.import_module("matplotlib.font_manager")
    finally:
        logger.setLevel(level)


_import_matplotlib()
import_lazily(__name__)
