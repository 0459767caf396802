"""The command ``dasbe``: all commands of the package by one name (``python -m dasbe`` as well)."""

import argparse
import sys
from runpy import run_path

from dasbe.support import __version__
from dasbe.support.commands import COMMANDS, ENTRIES, TOOLS, main, run_command
from dasbe.support.errors import InputError
from dasbe.support.paths import repository


def choose() -> None:
    """Run the command that the first word names, with the words behind it."""
    from dasbe.support.checks import one_of
    from dasbe.support.parser import Parser

    installed, module = ENTRIES
    program = module if sys.argv[0].endswith("__main__.py") else installed
    parser = Parser(program, "Bind the pixels of images into objects by spike timing and reconstructive attention.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    lines = [f"  {name:<16}{command.purpose}" for name, command in COMMANDS.items()]
    parser.epilog = "\n".join(["commands:", *lines, f"\nThe options of each: {program} COMMAND --help"])
    parser.add_argument("--version", action="version", version=f"dasbe {__version__}")
    parser.add_text("command", "one of those below", metavar="COMMAND")
    first = sys.argv[1:2]
    if first and first[0] in TOOLS:
        run_tool(first[0])
        return
    name = one_of("COMMAND", parser.parse_args(first if first and first[0] in COMMANDS else None).command, COMMANDS)
    sys.argv = [f"{program} {name}", *sys.argv[2:]]
    main(name)


def run_tool(name: str) -> None:
    """Run a script of the repository that the package is in."""
    root = repository()
    if root is None:
        raise InputError(f"{name} is a tool of the repository: run python {TOOLS[name]} in a clone of it")
    sys.argv = [TOOLS[name], *sys.argv[2:]]
    run_path(str(root / TOOLS[name]), run_name="__main__")


def run() -> None:
    """The console script ``dasbe``."""
    run_command(choose)


if __name__ == "__main__":
    run()
