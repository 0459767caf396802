"""Where data, networks and results lie.

The root is ``$DASBE_HOME`` if set, else the repository this package is in (also after
``pip install -e .``), else the user's cache; results of an installed package go to the
working directory. The networks of a repository are in its ``tmp_net/``; an installed
package has a copy within itself, which is there wherever the root is.
"""

import os
import sys
from pathlib import Path

from dasbe.support.errors import InputError, MissingFileError

PACKAGE = Path(__file__).resolve().parents[1]
SHIPPED_NETWORKS = PACKAGE / "networks"  # of an installed package: setup.py puts them there


def repository() -> Path | None:
    """The repository this package is in; None if it is an installed one."""
    is_one = not SHIPPED_NETWORKS.is_dir() and (PACKAGE.parent / "tmp_net").is_dir()
    return PACKAGE.parent if is_one else None


def home() -> Path:
    """The root: the folder that holds ``tmp_data/`` and ``tmp_net/``; InputError if there is no place for it."""
    if os.environ.get("DASBE_HOME"):
        return Path(os.environ["DASBE_HOME"]).expanduser()
    return repository() or _cache()


def _cache() -> Path:
    """The user's folder for files that can be made again."""
    named = Path(os.environ.get("XDG_CACHE_HOME", ""))
    if named.is_absolute():  # others are to be ignored, says the standard
        return named / "dasbe"
    try:
        user = Path.home()
    except RuntimeError:
        raise InputError("there is no home folder to keep data and networks in; set DASBE_HOME to a folder") from None
    return user / ("Library/Caches" if sys.platform == "darwin" else ".cache") / "dasbe"


def data_folder() -> Path:
    """Folder of the dataset files, ``tmp_data/``."""
    return home() / "tmp_data"


def network_folder() -> Path:
    """Folder of the trained networks, ``tmp_net/``."""
    return home() / "tmp_net"


def network_path(name: str | Path) -> Path:
    """Path of the network called `name`, or `name` itself if it is a path: has a slash, ends in .pt, or is a file."""
    named = own_or_shipped(network_folder() / f"{name}.pt")
    is_path = str(name).endswith(".pt") or any(mark in str(name) for mark in (os.sep, os.altsep) if mark)
    return Path(name) if is_path or (Path(name).is_file() and not named.is_file()) else named


def own_or_shipped(path: Path) -> Path:
    """`path`, unless it is a place in ``tmp_net/`` that is empty and the package has a network of that name."""
    shipped = SHIPPED_NETWORKS / path.name
    return shipped if path.parent == network_folder() and not path.is_file() and shipped.is_file() else path


def network_names() -> list[str]:
    """Names of all networks in ``tmp_net/`` and the package."""
    return sorted({path.stem for folder in (network_folder(), SHIPPED_NETWORKS) for path in folder.glob("*.pt")})


def results_folder() -> Path:
    """Folder of everything that experiments write, ``results/``: in the root, unless that is the user's cache."""
    return (home() if os.environ.get("DASBE_HOME") or repository() else Path.cwd()) / "results"


def nearest_existing(path: Path) -> Path:
    """`path` if it exists, else the nearest of its parents that does."""
    return next(place for place in (path, *path.absolute().parents) if os.path.exists(place))


def is_writable(folder: Path) -> bool:
    """Whether files can be written to `folder`, or to the folder that it would be made in.

    True if the path leads through a file: that it cannot be a folder is said where the folder is made.
    """
    nearest = nearest_existing(folder)
    return not os.path.isdir(nearest) or os.access(nearest, os.W_OK | os.X_OK)


def check_writable(folder: Path, option: str | None = None) -> Path:
    """`folder`, which may not be there yet, if files can be written to it; else InputError.

    The line names the ways to another folder: the `option` of the command, or DASBE_HOME.
    """
    if not is_writable(folder):
        remedies = [option] if option else []
        if any(place().absolute() in folder.absolute().parents for place in (results_folder, home)):
            remedies.append("DASBE_HOME")
        remedy = "name another one" + (f" with {' or '.join(remedies)}" if remedies else "")
        raise InputError(f"folder {displayed(folder)} cannot be written to; {remedy}")
    return folder


def displayed(path: Path | str) -> str:
    """`path` as a user would type it: relative to the working directory where that is shorter."""
    try:
        return str(Path(path).resolve().relative_to(Path.cwd()))
    except (ValueError, OSError, RuntimeError):  # elsewhere, or a link that leads to itself
        return str(path)


def file_to_read(what: str, path: Path | str, remedy: str) -> Path:
    """`path`, if it is a file that may be read; `what` says of which kind, and `remedy` what to do if it is missing.

    MissingFileError if there is no such file; InputError if it is a folder or a device, or may not be read.
    """
    path = Path(path)
    try:
        if path.exists() and not path.is_file():
            kind = "is a folder" if path.is_dir() else "is not a file"
            raise InputError(f"{what} {displayed(path)} {kind}; give the path of a file")
        with open(path, "rb"):
            return path
    except (FileNotFoundError, NotADirectoryError):
        raise MissingFileError(f"{what} {displayed(path)} is not there; {remedy}") from None
    except OSError as error:
        raise unreadable(f"{what} {displayed(path)}", error) from None


def unreadable(file: str, error: OSError) -> InputError:
    """What to say of a `file` or folder, such as ``"run x.npz"``, that the system does not let this user read."""
    if isinstance(error, PermissionError):
        return InputError(f"{file} may not be read by this user; change its permissions")
    return InputError(f"{file} cannot be read ({error.strerror or error}); try again")
