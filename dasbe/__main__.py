"""The command ``dasbe``: all commands of the package by one name (``python -m dasbe`` as well)."""

import argparse
import sys
from importlib import import_module

from dasbe.support import __version__
from dasbe.support.checks import one_of
from dasbe.support.cli import Parser, run_command
from dasbe.support.commands import COMMANDS


def main() -> None:
    program = "python -m dasbe" if sys.argv[0].endswith("__main__.py") else "dasbe"
    parser = Parser(program, "Bind the pixels of images into objects by spike timing and reconstructive attention.")
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.epilog = "\n".join(
        [
            "commands:",
            *(f"  {name:<16}{command.purpose}" for name, command in COMMANDS.items()),
            f"\nThe options of each: {program} COMMAND --help",
        ]
    )
    parser.add_argument("--version", action="version", version=f"dasbe {__version__}")
    parser.add_text("command", "one of those below", metavar="COMMAND")
    first = sys.argv[1:2]
    name = parser.parse_args(first if first and first[0] in COMMANDS else None).command
    one_of("COMMAND", name, COMMANDS)

    sys.argv = [f"{program} {name}", *sys.argv[2:]]
    import_module(COMMANDS[name].module).main()


def run() -> None:
    """The console script ``dasbe``."""
    run_command(main)


if __name__ == "__main__":
    run()
