"""The commands of the package, and how one is called.

Messages name commands that are there for whoever reads them. A repository has drivers
(``./table1.sh``) and modules (``python -m dasbe.train``), an installed package the command
``dasbe``; who has called a module, or ``dasbe``, is told of others in the same way.
"""

import sys
from typing import NamedTuple

from dasbe.support.paths import repository


class Command(NamedTuple):
    """A module that runs as a command, and what it does."""

    module: str
    purpose: str


COMMANDS = {
    "bind": Command("dasbe.experiments.bind", "bind one image and draw it"),
    "datasets": Command("dasbe.datasets.__main__", "make dataset files, or verify them"),
    "train": Command("dasbe.train.__main__", "train networks, by their recipes or on images of your own"),
    "evaluate": Command("dasbe.experiments.evaluate", "score systems on the images of a file"),
    "table1": Command("dasbe.experiments.table1", "Table 1 of the paper"),
    "figure2": Command("dasbe.experiments.figure2", "Figure 2: one image in detail"),
    "figure3": Command("dasbe.experiments.figure3", "Figure 3: synchrony, rate and clustering scores"),
    "figure4": Command("dasbe.experiments.figure4", "Figure 4: high-level neurons"),
    "figure5": Command("dasbe.experiments.figure5", "Figure 5: objects that move"),
    "heldout": Command("dasbe.experiments.heldout", "score networks on images that Table 1 does not use"),
    "ablation": Command("dasbe.experiments.ablation", "what each ingredient of competing phases is worth"),
    "compute": Command("dasbe.experiments.compute", "AMI against compute, of every system"),
    "generalisation": Command("dasbe.experiments.generalisation", "where binding breaks"),
    "select": Command("dasbe.train.select", "train and score the candidates for a network"),
    "card": Command("dasbe.train.card", "write the model card of a folder of networks"),
}
DRIVERS = ("table1", "figure2", "figure3", "figure4", "figure5")  # ./NAME.sh of a repository
ENTRIES = ("dasbe", "python -m dasbe")


def entry() -> str:
    """The one of `ENTRIES` through which the running command was called, or nothing.

    It is read from ``sys.argv[0]``, which processes that a command starts have as well.
    """
    place, _, name = "".join(sys.argv[:1]).rpartition(" ")
    return place if place in ENTRIES and name in COMMANDS else ""


def called(name: str) -> str:
    """How the user called the command `name`, which is running."""
    return f"{entry()} {name}" if entry() else f"python -m {COMMANDS[name].module.removesuffix('.__main__')}"


def typed(name: str, *words: str) -> str:
    """What a reader types to run the command `name` with `words`."""
    if repository() and name in DRIVERS and not entry():
        return " ".join([f"./{name}.sh", *words])
    by_module = repository() or _runs_as_module()
    return " ".join([called(name) if entry() or by_module else f"dasbe {name}", *words])


def run(name: str) -> None:  # TEMPORARY
    from importlib import import_module

    from dasbe.support.cli import run_command

    run_command(lambda: import_module("dasbe.experiments.figures").main(name))


def _runs_as_module() -> bool:
    """Whether the running program was called as ``python -m dasbe.MODULE``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name.startswith("dasbe.")
