"""Files: written so that a crash leaves either the old one or the new one, and read without believing what is in them.

Nothing in a file is executed, and whatever is wrong with its content ends in one line (:func:`untrusted`).
"""

import errno
import glob
import hashlib
import io
import json
import os
import pickletools
import platform
import re
import secrets
import sys
import time
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timezone
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock, Timeout

from dasbe.support import __version__, checks
from dasbe.support.commands import entry
from dasbe.support.errors import LONGEST_REASON, FileContentError, InputError, in_one_line, is_want_of_memory
from dasbe.support.paths import check_writable, displayed, file_to_read, is_writable, unreadable

if TYPE_CHECKING:
    import torch  # slow, and commands read their options before

# what file systems answer that cannot lock
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL}
Arrays = dict[str, np.ndarray]

# what the pickles of our files call for, and their longest length; a checkpoint takes some hundred bytes a tensor
TENSOR_CALLS = r"collections OrderedDict|torch\._utils _rebuild_(tensor_v2|parameter)|torch [A-Za-z0-9]+Storage"
LONGEST_PICKLE = 1 << 20
LONGEST_RECORD = 1 << 23  # bytes of a record; one of 500 images takes some ten thousand

LONGEST_BEGINNING = 140  # bytes of a name in the name of its temporary file; 255 are allowed, 64 of them a host's

ABANDONED_SECONDS = 24 * 3600  # age of an unfinished file of another machine from which on nobody writes it any more


@contextmanager
def atomic_path(path: Path | str) -> Iterator[Path]:
    """A temporary path beside `path`, renamed to it if the block succeeds, removed if not.

    What was written is on the disk before it gets its name, so that not even a power
    cut leaves half a file. The temporary name keeps the suffix, since writers choose
    the format by it. A process that is killed leaves a hidden file
    ``.NAME.HOST-PID-….tmp.SUFFIX``, which the next writer of the same file removes;
    those of writers that are still at work are left alone.
    """
    path = Path(os.path.realpath(path))  # a link stays one, and leads to what is written
    check_writable(path.parent)
    _make_folder_of(path)
    if os.path.isdir(path):
        raise InputError(f"path {displayed(path)} is a folder; name a file")
    _remove_abandoned(path)
    mark = f"{_host()}-{os.getpid()}-{secrets.token_hex(4)}"
    temporary = path.parent / f".{_beginning(path)}.{mark}.tmp{path.suffix}"
    try:
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))  # the umask says who may read it
        yield temporary
        _to_disk(temporary)
        os.replace(temporary, path)
        _to_disk(path.parent)
    except InputError:  # some are OSErrors
        raise
    except OSError as error:
        if error.filename not in (None, str(temporary), str(path)):  # a full disk does not say which file
            raise
        reason = error.strerror or type(error).__name__
        raise InputError(f"{displayed(path)} cannot be written ({reason}); make room there, or name another") from error
    finally:
        with suppress(OSError):  # such as a name that is too long, of which has been spoken
            temporary.unlink(missing_ok=True)


def _beginning(path: Path) -> str:
    """The name of `path`, cut so that a name can be made of it that is no longer than a file system allows."""
    return path.name.encode(errors="ignore")[:LONGEST_BEGINNING].decode(errors="ignore")


def _make_folder_of(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError):
        raise InputError(f"path {displayed(path)} cannot be: part of it is a file, not a folder") from None


def _host() -> str:
    """Name of this machine, as part of a file's name."""
    return "".join(c if c.isalnum() else "_" for c in os.uname().nodename) if hasattr(os, "uname") else "here"


def _remove_abandoned(path: Path) -> None:
    """Remove what killed writers of `path` left."""
    beginning = f".{_beginning(path)}."
    for unfinished in path.parent.glob(glob.escape(beginning) + "*.tmp" + glob.escape(path.suffix)):
        host, _, process = unfinished.name.removeprefix(beginning).partition("-")
        process = process.partition("-")[0]
        try:
            if host == _host() and process.isdigit() and hasattr(os, "uname"):
                abandoned = not _is_running(int(process))
            else:
                abandoned = time.time() - unfinished.stat().st_mtime > ABANDONED_SECONDS
            if abandoned:
                unfinished.unlink()
        except OSError:  # somebody else has removed it, or may alone
            continue


def _is_running(process: int) -> bool:
    try:
        os.kill(process, 0)
    except OSError as error:  # or it is another user's
        return not isinstance(error, ProcessLookupError)
    return True


def _to_disk(path: Path) -> None:
    """Wait until a file, or a folder's list of files, is on the disk."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except PermissionError:  # a folder may be written to, but not be read
        return
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):  # file systems that cannot
            raise
    finally:
        os.close(handle)


@contextmanager
def one_at_a_time(path: Path | str) -> Iterator[None]:
    """Whoever works on `path` in this block does it alone; others that come to it wait, and say so.

    The lock ends with its process, however that ends. What is made in the block may be
    there already when the block begins: look. In a folder that can only be read there is
    nothing but that to do, and no lock.
    """
    path = Path(path)
    if not is_writable(path.parent):
        yield
        return
    _make_folder_of(path)
    lock = FileLock(path.parent / f".{_beginning(path)}.lock")
    try:
        try:
            lock.acquire(timeout=0)
        except Timeout:
            print(f"waiting for another process to finish {displayed(path)} …", file=sys.stderr, flush=True)
            lock.acquire()
    except (NotImplementedError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in NO_LOCKS:
            raise
        print(f"{displayed(path.parent)} cannot be locked; do not run two commands on it at once", file=sys.stderr)
    try:
        yield
    finally:
        lock.release()


class Unfit(Exception):
    """The content of a file is not what it should be: `found` follows ``"FILE cannot be used: "``.

    A `remedy` takes the place of the one that :func:`untrusted` is given.
    """

    def __init__(self, found: object, remedy: str | None = None):
        super().__init__(found)
        self.remedy = remedy


@contextmanager
def untrusted(
    path: Path | str, what: str = "", remedy: str = "", damaged: str = "is damaged", passed_on: bool = False
) -> Iterator[None]:
    """A block that reads a file, whose content is not believed before it has been checked.

    What the block finds wrong with the content, an :class:`Unfit` or any error of a
    library that meets foreign bytes, becomes a FileContentError. A file that the system
    does not let the user read is not damaged, nor is one for which memory is too small (InputError).

    Parameters
    ----------
    what, remedy : str
        The kind of file, and what to do, for the message.
    damaged : str
        What to say where a library fails; ``{reason}`` in it becomes what the library says.
    passed_on : bool
        Whether the block passes the content on as arguments, so that an InputError is about
        the content, too. If not, it is raised as it is.
    """
    file = f"{what} {displayed(path)}".lstrip()
    try:
        yield
    except Exception as error:
        if isinstance(error, InputError) and not passed_on:
            raise
        if is_want_of_memory(error):
            raise InputError(f"{file} takes more memory than there is; free some, or read less of it") from error
        # of damaged bytes, libraries raise OSError without a number, or ask the system for a place that no file has
        if isinstance(error, OSError) and error.errno not in (None, errno.EINVAL):
            raise unreadable(file, error) from error
        if isinstance(error, (Unfit, InputError)):
            found = f"cannot be used: {error}"
        else:
            found = damaged.format(reason=in_one_line(error, LONGEST_REASON) or type(error).__name__)
        remedy = getattr(error, "remedy", None) or remedy
        raise FileContentError(f"{file} {found}" + (f"; {remedy}" if remedy else "")) from error


def save_tensors(path: Path | str, content: Any) -> None:
    """Write tensors, numbers and text for :func:`load_tensors`."""
    import torch

    buffer = io.BytesIO()  # PyTorch's writer does not say that a disk is full
    torch.save(content, buffer)
    with atomic_path(path) as temporary:
        temporary.write_bytes(buffer.getbuffer())


def load_tensors(path: Path | str, device: "torch.device | str" = "cpu", remedy: str = "") -> Any:
    """What :func:`save_tensors` wrote to `path`: tensors, numbers and text only, so that no file can run code.

    PyTorch's reader takes damaged numbers as they are; here the checksums are compared first.
    FileContentError, which ends in `remedy`, if the file is of another kind, damaged, or carries code.
    """
    import torch

    damaged = "was not loaded: it is damaged, carries code, or is not a file of dasbe"
    file_to_read("file", path, remedy)
    with untrusted(path, remedy=remedy, damaged=damaged), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        _check_archive(path)
        return torch.load(path, map_location=device, weights_only=True)


def _check_archive(path: Path | str) -> None:
    """BadZipFile, or an error of another kind, unless all of `path` is as :func:`save_tensors` might have written it.

    Unpacked it is no larger, and its pickle calls for nothing but tensors: other calls that
    PyTorch allows can take any memory and time.
    """
    with zipfile.ZipFile(path) as archive:
        members = archive.infolist()
        if any(member.compress_type != zipfile.ZIP_STORED for member in members):
            raise zipfile.BadZipFile("compressed")
        if sum(member.file_size for member in members) > os.stat(path).st_size:
            raise zipfile.BadZipFile("parts that overlap")
        if (damaged := archive.testzip()) is not None:
            raise zipfile.BadZipFile(damaged)
        for member in members:
            if not member.filename.endswith(".pkl"):
                continue
            if member.file_size > LONGEST_PICKLE:
                raise zipfile.BadZipFile("a pickle that is too long")
            for operation, called, _ in pickletools.genops(archive.read(member)):
                if "GLOBAL" in operation.name and not re.fullmatch(TENSOR_CALLS, called or ""):
                    raise zipfile.BadZipFile(f"a call of {called}")


def save_record(path: Path | str, record: dict) -> None:
    """Write values that JSON can hold, with their SHA-256, for :func:`load_record`."""
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"result": record, "sha256": _digest(record)}), encoding="utf-8")


def load_record(path: Path | str) -> dict:
    """What :func:`save_record` wrote; FileContentError if the file is damaged or of another kind."""
    with untrusted(file_to_read("record", path, "compute it again")):
        if os.path.getsize(path) > LONGEST_RECORD:
            raise ValueError("too long")
        content = json.loads(Path(path).read_text(encoding="utf-8"))
        if content["sha256"] != _digest(content["result"]):
            raise ValueError("its SHA-256 differs")
        return content["result"]


def _digest(record: dict) -> str:
    return hashlib.sha256(json.dumps(record, sort_keys=True).encode()).hexdigest()


def tuples(fields: dict) -> dict:
    """`fields` with lists as tuples: undoes what JSON does to them."""
    return {key: tuple(value) if isinstance(value, list) else value for key, value in fields.items()}


def save_arrays(path: Path, arrays: Arrays, made: dict) -> None:
    """Write arrays and how they were made to one file."""
    contents: dict[str, Any] = {"made": np.array(json.dumps(made)), **arrays}
    with atomic_path(path) as temporary:
        np.savez_compressed(temporary, **contents)


def load_arrays(path: Path | str, command: str) -> Arrays:
    """Read what :func:`save_arrays` wrote (how it was made as JSON text under ``made``).

    MissingFileError and FileContentError name the `command` that makes the file.
    """
    file_to_read("file", path, f"make it with: {command}")
    with untrusted(path, remedy=f"make it again with: {command}"), zipfile.ZipFile(path) as archive:
        names = [name.removesuffix(".npy") for name in archive.namelist()]
        return {name: array_of(archive, name) for name in dict.fromkeys(("made", *names))}


def array_of(archive: zipfile.ZipFile, name: str) -> np.ndarray:
    """Array ``NAME.npy`` of a NumPy archive; nothing is unpickled.

    InputError if memory is too small for it; Unfit if it has fewer bytes than it says.
    """
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # others unpack to any size at once
        raise Unfit(f"{name} is compressed in another way than by NumPy")
    checks.memory(member.file_size, f"reading {name}", "save less in a file")
    try:
        with archive.open(member) as content:
            return np.lib.format.read_array(content, allow_pickle=False)
    except MemoryError:  # there is enough for what is there
        raise Unfit(f"{name} is shorter than it says") from None


def provenance(**parameters: Any) -> dict[str, Any]:
    """What has to be known to make a result again, as values that JSON can hold."""
    return {
        "command": command(),
        "parameters": parameters,
        "versions": {
            "dasbe": __version__,
            "python": platform.python_version(),
            **{package: version(package) for package in ("torch", "numpy", "numba")},
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
