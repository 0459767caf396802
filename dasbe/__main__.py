"""The command ``dasbe``: all commands of the package by one name (``python -m dasbe`` as well)."""

import argparse
import sys

from dasbe.support import __version__
from dasbe.support.commands import COMMANDS, ENTRIES, main, run_command


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
    name = one_of("COMMAND", parser.parse_args(first if first and first[0] in COMMANDS else None).command, COMMANDS)
    sys.argv = [f"{program} {name}", *sys.argv[2:]]
    main(name)


def run() -> None:
    """The console script ``dasbe``."""
    run_command(choose)


if __name__ == "__main__":
    run()
