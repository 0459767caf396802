"""The MNIST digits (LeCun, Cortes, Burges 1998).

The four gzipped IDX files are looked for in the folder that the user names
(``--mnist`` or ``DASBE_MNIST``), in ``tmp_data/``, and in ``../shared/mnist`` beside
the repository; failing that, they are downloaded into ``tmp_data/``. A file gets its
name there only once its content has been checked.
"""

import hashlib
import http.client
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np

from dasbe.support.errors import LONGEST_REASON, MissingFileError, in_one_line
from dasbe.support.paths import data_folder, displayed, file_to_read, home
from dasbe.support.progress import progress_bar
from dasbe.support.storage import one_at_a_time, untrusted

# file name → SHA-256 of its unpacked bytes
FILES = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
TIMEOUT_SECONDS = 20
LARGEST_BYTES = 1 << 26  # more than any file of MNIST has, packed or unpacked


def load_digits(part: str, folder: Path | str | None = None) -> np.ndarray:
    """Grey values (N, 28, 28) uint8, 0 = background, of the 60000 digits of `part` "train" or the 10000 of "t10k".

    MissingFileError if they are neither here (in `folder`, if the user names one) nor can be
    downloaded; FileContentError if a file is damaged.
    """
    raw = _unpacked(f"{part}-images-idx3-ubyte.gz", folder)
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)


def find_digits(folder: Path | str | None = None) -> None:
    """Look for the digits, and download what is missing, before any work that needs them; errors of `load_digits`."""
    for part in ("train", "t10k"):
        load_digits(part, folder)


def _unpacked(name: str, folder: Path | str | None) -> bytes:
    """Checked content of one file."""
    named = folder or os.environ.get("DASBE_MNIST")
    if named and not (Path(named) / name).is_file():
        raise MissingFileError(f"MNIST folder {displayed(named)} lacks {name}; it must hold {', '.join(FILES)}")
    places = [Path(named)] if named else [data_folder(), home().parent / "shared" / "mnist"]
    path = next((place / name for place in places if (place / name).is_file()), None)
    if path is None:
        path = data_folder() / name
        with one_at_a_time(path):
            if not path.is_file():
                _download(path)
    file_to_read("MNIST file", path, "name another folder with --mnist DIR or DASBE_MNIST")
    damaged = "is damaged (its SHA-256 differs)"
    with untrusted(path, "MNIST file", "delete it and try again", damaged), open(path, "rb") as file:
        content = _checked(file.read(LARGEST_BYTES), name)
        if content is None:
            raise ValueError
        return content


def _checked(content: bytes, name: str) -> bytes | None:
    """`content` without its gzip, which some browsers take off, if it is that of the file called `name`, else None."""
    with suppress(zlib.error):
        content = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(content, LARGEST_BYTES)
    return content if hashlib.sha256(content).hexdigest() == FILES[name] else None


class _NotFetchedError(Exception):
    """A mirror did not send what it should."""

    def __init__(self, cause: object):
        super().__init__(in_one_line(cause, LONGEST_REASON) or type(cause).__name__)


def _download(path: Path) -> None:
    """Fetch the MNIST file named as `path`, which is written once its content has been checked.

    The part that an interrupted attempt has fetched is kept, and the next goes on from it.
    If it turns out wrong, the file is fetched once more from its start.
    """
    partial, cause = path.with_suffix(".part"), ""
    places = f"{path.name} of MNIST from {urllib.parse.urlsplit(MIRRORS[0]).netloc} to {displayed(path.parent)}"
    print(f"downloading {places}; DASBE_MNIST can name a folder that has it", file=sys.stderr)
    for mirror in MIRRORS:
        again = True
        while again:
            begun = partial.exists()
            try:
                _fetch(f"{mirror}/{path.name}", partial)
                if _checked(partial.read_bytes(), path.name) is not None:
                    os.replace(partial, path)
                    return
                partial.unlink()
                raise _NotFetchedError("another file came")
            except _NotFetchedError as error:
                cause = f"{urllib.parse.urlsplit(mirror).netloc}: {error}"
            except OSError as error:
                error.filename = error.filename or displayed(partial)  # a full disk does not say which file
                raise
            again = begun and not partial.exists()  # the beginning was wrong, not the mirror
    raise MissingFileError(
        f"MNIST is not on this machine and could not be downloaded ({cause}); put {', '.join(FILES)} into "
        f"{displayed(path.parent)}, or name their folder with --mnist DIR or DASBE_MNIST"
    )


def _fetch(url: str, partial: Path) -> None:
    """Append to `partial` what is missing of `url`; errors of the disk are raised as they are."""
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416 and done:  # nothing is missing
            return
        raise _NotFetchedError(error) from error
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise _NotFetchedError(getattr(error, "reason", error)) from error
    with response:
        if response.status != 206:  # the whole file comes
            done = 0
        elif not response.headers.get("Content-Range", f"bytes {done}-").startswith(f"bytes {done}-"):
            partial.unlink(missing_ok=True)
            raise _NotFetchedError("another part came than was asked for")
        length = response.headers.get("Content-Length", "")
        total = done + int(length) if length.isdecimal() else None
        with (
            open(partial, "r+b" if done else "wb") as file,
            progress_bar(total=total, initial=done, unit="B", unit_scale=True, desc=partial.stem) as bar,
        ):
            file.seek(done)
            for block in _blocks(response):
                file.write(block)
                bar.update(len(block))
                if file.tell() > LARGEST_BYTES:
                    partial.unlink()
                    raise _NotFetchedError("more came than the file has")
    if total and partial.stat().st_size < total:
        raise _NotFetchedError("the connection ended early")


def _blocks(response: http.client.HTTPResponse) -> Iterator[bytes]:
    """Content of `response`, piece by piece."""
    try:
        while block := response.read(1 << 16):
            yield block
    except (OSError, http.client.HTTPException) as error:
        raise _NotFetchedError(error) from error
