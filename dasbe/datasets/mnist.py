"""The MNIST digits (LeCun, Cortes, Burges 1998): where they are found, and how they are read.

The four gzipped IDX files are looked for in the folder that the user names
(``--mnist`` or ``DASBE_MNIST``), in ``tmp_data/``, and in ``../shared/mnist`` beside
the repository; failing that, they are downloaded into ``tmp_data/``.
"""

import gzip
import hashlib
import os
import urllib.error
import urllib.request
import zlib
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dasbe.errors import FileContentError, MissingFileError
from dasbe.paths import data_folder, home, readable

# file name → SHA-256 of its unpacked bytes
FILES = {
    "train-images-idx3-ubyte.gz": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte.gz": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte.gz": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte.gz": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
MIRRORS = ("https://ossci-datasets.s3.amazonaws.com/mnist", "https://storage.googleapis.com/cvdf-datasets/mnist")
TIMEOUT_SECONDS = 20


def load_digits(part: str, folder: Path | str | None = None) -> np.ndarray:
    """Digits of MNIST.

    Parameters
    ----------
    part : {"train", "t10k"}
        60000 training or 10000 test digits.
    folder : path, optional
        Where the user has the files.

    Returns
    -------
    (N, 28, 28) uint8
        Grey values, 0 = background.

    Raises
    ------
    MissingFileError
        The files are nowhere and cannot be downloaded.
    FileContentError
        A file that was found is damaged.
    """
    raw = _unpacked(f"{part}-images-idx3-ubyte.gz", folder)
    return np.frombuffer(raw, np.uint8, offset=16).reshape(-1, 28, 28)


def _unpacked(name: str, folder: Path | str | None) -> bytes:
    """Checked content of one file."""
    named = folder or os.environ.get("DASBE_MNIST")
    if named and not (Path(named) / name).is_file():
        raise MissingFileError(f"MNIST folder {readable(named)} lacks {name}; it must hold {', '.join(FILES)}")
    places = [Path(named)] if named else [data_folder(), home().parent / "shared" / "mnist"]
    path = next((place / name for place in places if (place / name).is_file()), None) or _download(name)
    try:
        content = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error):
        content = b""
    if hashlib.sha256(content).hexdigest() != FILES[name]:
        raise FileContentError(f"MNIST file {readable(path)} is damaged (its SHA-256 differs); delete it and try again")
    return content


def _download(name: str) -> Path:
    """Fetch one file into ``tmp_data/``; a partial download is resumed by the next attempt."""
    path = data_folder() / name
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".part")
    for mirror in MIRRORS:
        try:
            _fetch(f"{mirror}/{name}", partial)
        except (urllib.error.URLError, OSError):
            continue
        os.replace(partial, path)
        return path
    raise MissingFileError(
        f"MNIST is not on this machine and could not be downloaded; put {', '.join(FILES)} into "
        f"{readable(data_folder())}, or name their folder with --mnist DIR or DASBE_MNIST"
    )


def _fetch(url: str, partial: Path) -> None:
    """Append to `partial` what is missing of `url`."""
    done = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={done}-"} if done else {})
    try:
        response = urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS)
    except urllib.error.HTTPError as error:
        if error.code == 416:  # nothing is missing
            return
        raise
    with response:
        if response.status != 206:  # the whole file comes
            done = 0
        total = done + int(response.headers.get("Content-Length", 0))
        with (
            open(partial, "r+b" if done else "wb") as file,
            tqdm(total=total, initial=done, unit="B", unit_scale=True, desc=partial.stem) as bar,
        ):
            file.seek(done)
            while block := response.read(1 << 16):
                file.write(block)
                bar.update(len(block))
    if total and partial.stat().st_size < total:
        raise OSError("the connection ended early")
