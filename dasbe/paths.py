"""Where data, networks and results lie.

The root is ``$DASBE_HOME`` if set, else the repository this package is in (also
after ``pip install -e .``), else the working directory.
"""

import os
from pathlib import Path


def home() -> Path:
    """Folder that holds ``tmp_data/``, ``tmp_net/`` and ``results/``."""
    if os.environ.get("DASBE_HOME"):
        return Path(os.environ["DASBE_HOME"]).expanduser()
    repository = Path(__file__).resolve().parent.parent
    return repository if (repository / "tmp_net").is_dir() else Path.cwd()


def data_folder() -> Path:
    """Folder of the dataset files, ``tmp_data/``."""
    return home() / "tmp_data"


def network_folder() -> Path:
    """Folder of the trained networks, ``tmp_net/``."""
    return home() / "tmp_net"


def results_folder() -> Path:
    """Folder of everything that experiments write, ``results/``."""
    return home() / "results"


def readable(path: Path | str) -> str:
    """`path` as a user would type it: relative to the working directory where that is shorter."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
