"""How commands read their options: the checks of :mod:`dasbe.support.checks`, on what a user has typed."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from dasbe.support import checks
from dasbe.support.errors import InputError


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
        self, name: str, default: Any, help: str, least: int = 1, most: int = checks.LARGEST_NUMBER, **more: Any
    ) -> None:
        """A whole number from `least` to `most`; with ``nargs``, a list of different ones."""

        def whole_number(text: str) -> int:
            return checks.whole_number(name, _number(text, int), least, most)

        self._add("whole_number", name, whole_number, help, default=default, **more)

    def add_seed(self, default: Any, help: str = "default: %(default)s", name: str = "--seed", **more: Any) -> None:
        """``--seed``; with ``nargs``, ``--seeds``."""
        self.add_whole_number(name, default, help, 0, checks.LARGEST_SEED, **more)

    def add_workers(self, default: int | None, help: str) -> None:
        """``--workers``, processes on this machine."""
        self.add_whole_number("--workers", default, help, 1, checks.MOST_WORKERS)

    def add_probability(self, name: str, help: str, **more: Any) -> None:
        """A number from 0 to 1; with ``nargs``, several of them."""
        self._add("probability", name, lambda text: checks.probability(name, _number(text, float)), help, **more)

    def add_text(self, name: str, help: str, default: Any = None, **more: Any) -> None:
        """A name or text that is not empty."""
        self._add("text", name, lambda text: _not_empty(name, text), help, default=default, **more)

    def add_file(self, name: str, help: str, **more: Any) -> None:
        """The path of a file to read."""
        self._add("file", name, lambda text: Path(_not_empty(name, text)), help, metavar="FILE", **more)

    def add_folder(self, name: str, help: str, default: Path | None = None, suffix: str | None = None) -> None:
        """A folder to write to, or a file with this `suffix`; neither need be there yet."""

        def folder(text: str) -> Path:
            is_file = suffix is not None and Path(_not_empty(name, text)).suffix == suffix
            check = checks.new_file if is_file else checks.folder
            return check(name, _not_empty(name, text))

        metavar = "DIR" if suffix is None else f"DIR|FILE{suffix}"
        self._add("folder", name, folder, help, default=default, metavar=metavar)

    def add_flag(self, name: str, help: str) -> None:
        """An option without a value."""
        self.add_argument(name, action="store_true", help=help)

    def add_device(self) -> None:
        """``--device``; whether this machine has it is for :func:`dasbe.support.checks.device`."""
        self.add_text("--device", "cpu, cuda or cuda:N (default: %(default)s)", "cpu")

    def _add(self, kind: str, name: str, value_of: Callable[[str], Any], help: str, **more: Any) -> None:
        """Add an option of a `kind`; `value_of` turns its text into the value, or refuses it."""

        def convert(text: str) -> Any:
            try:
                return value_of(text)
            except InputError as error:  # of all errors, argparse keeps the message of this one alone
                raise argparse.ArgumentTypeError(str(error)) from None

        convert.__name__ = kind
        self.add_argument(name, type=convert, help=help, **more)


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


def _number(text: str, kind: type[int] | type[float]) -> int | float | str:
    """The number that `text` is, or else `text` itself, of which the check says that it is none."""
    try:
        return kind(text)
    except ValueError:
        return text


def _not_empty(name: str, text: str) -> str:
    if not text.strip():
        raise InputError(f"{name} is empty; give it a value, or leave it out")
    return text
