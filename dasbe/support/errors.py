"""Errors that are the user's to mend: one clear line each, exit status 2 from a command. And a warning."""

import sys

PLAIN = str.maketrans({"±": "+-", "×": "x", "–": "-", "…": "..."})
LONGEST_MESSAGE = 1000  # characters
LONGEST_REASON = 120  # of what a library says, as part of a message


def in_one_line(text: object, most: int = LONGEST_MESSAGE) -> str:
    """`text`, perhaps of a stranger's file, for a terminal: no line breaks or control characters, cut to `most`."""
    line = " ".join(str(text).split())
    if len(line) > most:
        half = most // 2
        line = f"{line[:half]} … {line[-half:]}"
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def for_terminal(text: str) -> str:
    """`text` with plain letters in place of what the standard output cannot encode."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return text.translate(PLAIN).encode("ascii", "backslashreplace").decode()
    return text


def in_short(error: BaseException) -> str:
    """Type and text of an error of a library, or of a user's own code, as part of a line."""
    return in_one_line(f"{type(error).__name__}: {error}", LONGEST_REASON)


def is_want_of_memory(error: Exception) -> bool:
    """Whether NumPy, or PyTorch on a CPU or a GPU, has not got the memory it asked for."""
    return (
        isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "t allocate mem" in str(error)
    )


class InputError(ValueError):
    """A value given by the user is wrong; the message, always one line, names it and says what to do.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.group(np.zeros((1, 5, 14, 8, 8), bool), n_groups=0)
    Traceback (most recent call last):
    dasbe.support.errors.InputError: n_groups is 0; it must be a whole number of at least 1
    """

    def __init__(self, message: object):
        super().__init__(for_terminal(in_one_line(message)))


class MissingFileError(InputError, FileNotFoundError):
    """A file that the user has to make or fetch first is not there.

    Examples
    --------
    >>> import dasbe
    >>> dasbe.load_run("none.npz")
    Traceback (most recent call last):
    dasbe.support.errors.MissingFileError: run none.npz is not there; write it with: dasbe.bind(...).save(path)
    """

    def __str__(self) -> str:
        return str(self.args[0])  # FileNotFoundError would print an errno


class FileContentError(InputError):
    """A file is there, but damaged, incomplete or of another kind.

    Examples
    --------
    >>> from pathlib import Path
    >>> import dasbe
    >>> size = Path("torn.npz").write_bytes(b"PK")
    >>> dasbe.load_run("torn.npz")
    Traceback (most recent call last):
    dasbe.support.errors.FileContentError: run torn.npz is damaged, ...
    """


class InputWarning(UserWarning):
    """What was given can be computed, but is probably not what was meant: a network that binds nothing, blank images.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np, dasbe
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     ink = dasbe.binarise(np.full((2, 8, 8), 0.5))
    >>> print(caught[0].message)
    images[0] and 1 more have no ink: all its pixels are equally bright
    """


class TimingWarning(InputWarning):
    """A delay and a refractory time bind badly together, or nothing binds with any that were tried.

    Examples
    --------
    >>> import warnings
    >>> import numpy as np, dasbe
    >>> with warnings.catch_warnings(record=True) as caught:
    ...     run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=12, refractory=3, cycles=5)
    >>> print(caught[0].message)
    delay 12 is a multiple of refractory + 1 = 4, so pixels keep the phases ... take 14, or see dasbe.suggest_timing
    """
