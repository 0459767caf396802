"""Every command refuses every wrong value of every option: in one line, before any work, with status 2.

Commands are found by their source, and options are read from their parsers: a new one is tried without being listed.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path

import pytest

from dasbe.support.commands import COMMANDS
from dasbe.support.parser import Parser

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parent.parent
REQUIRED = {"train": ["bars"], "select": ["bars"]}  # without which a command does nothing
NO_NUMBER = ["", " ", "x", "-1", "1.5", "nan", "1e3", "0x10", "9" * 30, "9" * 5000, "1 2", "½", "two\nlines"]
NO_TEXT = ["", " ", "\t"]
UNKNOWN = ["nonesuch", "../nonesuch", "x" * 300, "é", "two\nlines"]
LONGEST_LINE = 900


def commands() -> Iterator[str]:
    """Commands by name, the one that runs them, and the script that is none of them."""
    yield from (*COMMANDS, "dasbe.__main__", "scripts.docs")


def wrong_values(action: argparse.Action, folder: Path) -> list[str]:
    """Values that no command takes for an option."""
    kind = getattr(action.type, "__name__", "")
    if action.dest == "device":
        return [*NO_TEXT, "tpu", "cpu:1", "cuda:99", "cuda:", "cuda:-1", "CUDA 0", *UNKNOWN]
    if kind == "whole_number":
        return NO_NUMBER
    if kind == "folder":
        return [*NO_TEXT, __file__, f"{__file__}/x", "x" * 300]
    if kind == "file":
        return [*NO_TEXT, str(folder), str(folder / "none"), f"{__file__}/x", "x" * 300]
    if action.choices:
        return [*NO_TEXT, *UNKNOWN]
    return [*NO_TEXT, *UNKNOWN]


def wrong_lines(command: str, parser: Parser, folder: Path) -> Iterator[list[str]]:
    """Command lines that are wrong in one point."""
    required = REQUIRED.get(command, [])
    for action in parser._actions:
        if action.dest == "help":
            continue
        if not action.option_strings:
            yield from ([value] for value in wrong_values(action, folder))
            if action.nargs in ("+", "*"):
                yield from ([*required, value] for value in wrong_values(action, folder) if required)
            continue
        option = action.option_strings[-1]
        yield [*required, option[:-1]]
        yield [*required, f"{option}x"]
        if action.nargs == 0:
            yield [*required, f"{option}=1"]
            yield [*required, option, option]
        else:
            yield [*required, option]
            for value in wrong_values(action, folder):
                yield [*required, f"{option}={value}"]
            yield [*required, f"{option}=1", f"{option}=1"]
    if required:
        yield []
        yield [*required, *required]


def test_every_command_is_found():
    found = [*commands()]
    assert len(found) >= 12 and "bind" in found and "benchmark" in found


@pytest.mark.parametrize("command", [*commands()])
def test_wrong_options_end_in_one_line_before_any_work(command, refused, parser_of, tmp_path, monkeypatch):
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.chdir(home)
    lines = [*wrong_lines(command, parser_of(command), tmp_path)]
    for line in lines:
        said = refused(home, command, *line)
        assert len(said) <= LONGEST_LINE and "\n" not in said, (line, said)
        assert not [*home.iterdir()], (line, said)
    assert len({*map(tuple, lines)}) == len(lines) >= 3
