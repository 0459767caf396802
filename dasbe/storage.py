"""Files: written so that a crash leaves either the old one or the new one, and read without running anything."""

import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from dasbe.errors import FileContentError, InputError
from dasbe.paths import readable


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it if the block succeeds, removed if not.

    The temporary name keeps the suffix, since writers choose the format by it. A
    process that is killed leaves a hidden file named ``.NAME.*.tmp.SUFFIX``, which the
    next writer of the same file removes.
    """
    path = Path(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"path {readable(path)} cannot be: part of it is a file, not a folder") from None
    if path.is_dir():
        raise InputError(f"path {readable(path)} is a folder; name a file")
    for stale in path.parent.glob(f".{path.name}.*.tmp{path.suffix}"):
        stale.unlink(missing_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=f".tmp{path.suffix}", dir=path.parent)
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        error.filename = error.filename or readable(path)  # a full disk does not say which file
        raise
    finally:
        temporary.unlink(missing_ok=True)


def load_tensors(path: Path | str, device: torch.device | str = "cpu") -> Any:
    """What ``torch.save`` wrote to `path`: tensors, numbers and text only, so that no file can run code.

    Raises
    ------
    FileContentError
        The file is of another kind, is damaged, or carries code.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return torch.load(path, map_location=device, weights_only=True)
    except OSError:
        raise
    except Exception as error:  # on foreign bytes the reader fails in ways of its own, KeyError among them
        raise FileContentError(
            f"{readable(path)} was not loaded: it is damaged, carries code, or is not a file of dasbe"
        ) from error


def tuples(fields: dict) -> dict:
    """`fields` with lists as tuples: undoes what JSON does to them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}
