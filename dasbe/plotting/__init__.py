"""Drawing: functions from arrays to Matplotlib figures; nothing here computes a result."""

import logging
import os
import sys
from contextlib import suppress

from dasbe.support.lazy import import_lazily


def _import_matplotlib() -> None:
    """Import Matplotlib even without a home folder, and whatever MPLBACKEND says: figures go to files here.

    Matplotlib asks for both only when it is first imported, so Seaborn can be imported later as it is.
    """
    if not os.path.isabs(os.path.expanduser("~")):  # a user whom the system does not know, as in a container
        os.environ.setdefault("MPLCONFIGDIR", os.devnull)  # Matplotlib makes a temporary folder in place of it
    backend = os.environ.pop("MPLBACKEND", None)
    logger = logging.getLogger("matplotlib")
    level = logger.level
    logger.setLevel(logging.ERROR)  # or it would say at length that it keeps its fonts in a temporary folder
    try:
        import matplotlib.font_manager
    finally:
        logger.setLevel(level)
        if backend is not None:
            os.environ["MPLBACKEND"] = backend
    if backend:
        with suppress(ValueError):  # there is none of that name
            matplotlib.rcParams["backend"] = backend


if "matplotlib" not in sys.modules:
    _import_matplotlib()
import_lazily(__name__)
