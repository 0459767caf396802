"""What all commands share: options that are checked in one place, and how commands end.

A command is a module of its own with nothing but options and a `main`, which imports
what does the work once the options are read: so ``--help`` and a wrong option are
answered at once, without NumPy or PyTorch. What is wrong is said in one line that names
the option, its value and the remedy; the exit status is 2.
"""

import argparse
import io
import math
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn, TextIO

from dasbe.support.errors import InputError, TimingWarning
from dasbe.support.paths import nearest_existing

LARGEST_NUMBER = 2**31 - 1
LARGEST_SEED = 2**63 - 1
MOST_WORKERS = 1024
PATIENCE_SECONDS = 3  # after Ctrl-C, in which another one is the same
RETRY_SECONDS = 0.02  # after which an interrupt that was lost comes again
usual_warning = warnings.formatwarning


class Parser(argparse.ArgumentParser):
    """A parser whose errors are one line each, with an `add_…` method for every kind of value.

    Parameters
    ----------
    program : str
        As users call it: ``python -m dasbe.train``, or a script.
    description : str
        What it does. (Not ``__doc__``, which Python leaves out under ``-OO``.)
    """

    def __init__(self, program: str, description: str):
        super().__init__(prog=program, description=description, allow_abbrev=False)

    def parse_args(self, args=None, namespace=None):
        """The options given; one that is given twice, of which argparse would ignore one, is refused."""
        given = [word.partition("=")[0] for word in (sys.argv[1:] if args is None else args)]
        for option in self._option_string_actions:
            if given.count(option) > 1:
                raise InputError(f"{option} is given twice; give it once")
        return super().parse_args(args, namespace)

    def error(self, message: str) -> NoReturn:
        """Raise InputError instead of printing the usage."""
        option, _, rest = message.removeprefix("argument ").partition(": ")
        if not message.startswith("argument "):
            raise InputError(f"{message}; see: {self.prog} --help")
        if rest.startswith("invalid choice"):
            value, _, choices = rest.removeprefix("invalid choice: ").partition(" (choose from ")
            raise InputError(f"{option} {value} is unknown; choose one of {choices.rstrip(')').replace(chr(39), '')}")
        raise InputError(rest if rest.startswith(option.split("/")[0].split(" ")[0]) else f"{option}: {rest}")

    def add_whole_number(
        self, name: str, default: Any, help: str, least: int = 1, most: int = LARGEST_NUMBER, **more: Any
    ) -> None:
        """A whole number from `least` to `most`; with ``nargs``, a list of different ones."""
        self.add_argument(name, type=_whole_number(name, least, most), default=default, help=help, **more)

    def add_seed(self, default: int | None, help: str = "default: %(default)s") -> None:
        """``--seed``."""
        self.add_whole_number("--seed", default, help, least=0, most=LARGEST_SEED)

    def add_probability(self, name: str, help: str, **more: Any) -> None:
        """A number from 0 to 1; with ``nargs``, some of them."""
        self.add_argument(name, type=_probability(name), default=None, help=help, **more)

    def add_text(self, name: str, help: str, default: Any = None, **more: Any) -> None:
        """A name or text that is not empty."""
        self.add_argument(name, type=_text(name), default=default, help=help, **more)

    def add_file(self, name: str, help: str, **more: Any) -> None:
        """The path of a file to read."""
        self.add_argument(name, type=lambda value: Path(_text(name)(value)), metavar="FILE", help=help, **more)

    def add_folder(self, name: str, help: str, default: Path | None = None) -> None:
        """A folder to write to, which may not be there yet."""
        self.add_argument(name, type=_folder(name), metavar="DIR", default=default, help=help)

    def add_folder_or_file(self, name: str, suffix: str, help: str) -> None:
        """A folder to write to, or a file with this `suffix`; neither need be there yet."""

        def folder(value: str) -> Path:
            path = Path(_text(name)(value))
            if path.suffix != suffix:
                return _folder(name)(value)
            if path.is_dir():
                raise argparse.ArgumentTypeError(f"{name} {value[:40]} is a folder; name a file")
            return _folder(name)(str(path.parent)) / path.name

        self.add_argument(name, type=folder, metavar=f"DIR|FILE{suffix}", help=help)

    def add_device(self) -> None:
        """``--device``; whether this machine has it is for :func:`dasbe.support.checks.device`."""
        self.add_text("--device", "cpu, cuda or cuda:N (default: %(default)s)", "cpu")


def given_once(name: str, values: Iterable[Any]) -> None:
    """InputError if one of `values` of an option is given twice."""
    values = list(values)
    for value in values:
        if values.count(value) > 1:
            raise InputError(f"{name} names {value} twice; name it once")


def given_apart(options: argparse.Namespace, name: str, *others: str) -> None:
    """InputError if option `name` is given together with one of `others`: one of them would be ignored."""
    for other in others:
        if all(getattr(options, _field(option)) not in (None, False) for option in (name, other)):
            raise InputError(f"{name} and {other} are given together; leave one of them out")


def given_with(options: argparse.Namespace, name: str, *others: str) -> None:
    """InputError if one of `others` is given without option `name`: it would be ignored."""
    for other in others:
        if getattr(options, _field(name)) is None and getattr(options, _field(other)) not in (None, False):
            raise InputError(f"{other} is given without {name}; give both, or leave it out")


def _field(option: str) -> str:
    return option.lstrip("-").replace("-", "_")


def _whole_number(name: str, least: int, most: int) -> Callable[[str], int]:
    def whole_number(value: str) -> int:
        try:
            number = int(value)
        except ValueError:
            number = None
        if number is None or not least <= number <= most:
            limits = f"from {least} to {most}" if most < LARGEST_NUMBER else f"of at least {least}"
            if number is not None and number > most:
                limits = f"of at most {most}"
            raise argparse.ArgumentTypeError(f"{name} is {value[:40]}; it must be a whole number {limits}")
        return number

    return whole_number


def _probability(name: str) -> Callable[[str], float]:
    def probability(value: str) -> float:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not 0 <= number <= 1:
            raise argparse.ArgumentTypeError(f"{name} is {value[:40]}; it must be a number from 0 to 1")
        return number

    return probability


def _text(name: str) -> Callable[[str], str]:
    def text(value: str) -> str:
        if not value.strip():
            raise argparse.ArgumentTypeError(f"{name} is empty; give it a value, or leave it out")
        return value

    return text


def _folder(name: str) -> Callable[[str], Path]:
    def folder(value: str) -> Path:
        path = Path(_text(name)(value))
        try:
            path.exists()  # unless the system cannot have such a path
        except OSError as error:
            raise argparse.ArgumentTypeError(f"{name} {value[:40]} cannot be a folder ({error.strerror})") from None
        nearest = nearest_existing(path)
        if not nearest.is_dir():
            raise argparse.ArgumentTypeError(f"{name} {value} is not a folder ({nearest} is a file); name a folder")
        return path

    return folder


@contextmanager
def resumable() -> Iterator[None]:
    """Work that the same command takes up where it was stopped; on Ctrl-C it says so."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt("the same command goes on from here") from None


def run_command(main: Callable[[], None]) -> NoReturn:
    """Run `main` and end the program; what goes wrong takes one line.

    The status is 2 after a user's mistake or a full disk, 130 after Ctrl-C, and 141,
    without a line, if nobody reads the output any more (``| head``).
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # not every terminal has ± and ×
    warnings.formatwarning = _warning
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # else a shell has ignored it, for `… &`
        interrupts = _Interrupts()
        signal.signal(signal.SIGINT, interrupts.received)
        sys.unraisablehook = interrupts.lost
    status, line = 0, ""
    try:
        try:
            main()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # what is left is short, and not to be interrupted
            _flush(sys.stdout)
    except BrokenPipeError:
        status = 141
    except (InputError, OSError) as error:
        status, line = 2, f"error: {message_of(error)}"
    except (MemoryError, RuntimeError) as error:
        if not _is_want_of_memory(error):
            raise
        status, line = 2, f"error: there is not enough memory ({error or 'MemoryError'}); do less at a time"
    except KeyboardInterrupt as stop:
        status, line = 130, "; ".join(["interrupted", *stop.args])
        exec("")  # makes Python forget an interrupt that came through exec; it would end by the signal, not the status
    if line:
        print(" ".join(line.split()), file=sys.stderr)
    sys.exit(status)


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning that the user's options brought about takes one line, without the place in the code."""
    if issubclass(category, TimingWarning):
        return f"warning: {message}\n"
    return usual_warning(message, category, filename, lineno, line)


def _is_want_of_memory(error: Exception) -> bool:
    """Whether NumPy, or PyTorch on a CPU or a GPU, has not got the memory it asked for."""
    return (
        isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "t allocate mem" in str(error)
    )


def message_of(error: InputError | OSError) -> str:
    """What the line about a user's mistake, or a full disk, says."""
    if isinstance(error, InputError):
        return str(error)
    return f"{error.strerror or error}: {error.filename or 'no file name'}"


def _flush(stream: TextIO | None) -> None:
    """Write what `stream` holds; what cannot be written is dropped, or Python would try it, and fail, once more."""
    if stream is None:  # closed by the caller
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        raise


class _Interrupts:
    """Ctrl-C as one KeyboardInterrupt: not lost, and not raised again while its `finally` blocks tidy up."""

    def __init__(self) -> None:
        self._last = -math.inf

    def received(self, number: int, frame: FrameType | None) -> None:
        """The handler of the signal."""
        if time.monotonic() - self._last > PATIENCE_SECONDS:
            self._last = time.monotonic()
            raise KeyboardInterrupt

    def lost(self, unraisable: "sys.UnraisableHookArgs") -> None:
        """The hook for what Python cannot raise, as in the callback of a weak reference: an interrupt comes again."""
        if unraisable.exc_type is KeyboardInterrupt:
            self._last = -math.inf
            threading.Timer(RETRY_SECONDS, os.kill, (os.getpid(), signal.SIGINT)).start()
        else:
            sys.__unraisablehook__(unraisable)
