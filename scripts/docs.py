"""The command ``./scripts/docs.sh``: the reference of the public functions, from their docstrings."""

from importlib import import_module
from pathlib import Path

from dasbe.support.commands import run_command
from dasbe.support.parser import Parser
from dasbe.support.paths import check_writable, displayed, results_folder


def main() -> None:
    parser = Parser("./scripts/docs.sh", "Write the reference of the public functions from their docstrings, as HTML.")
    parser.add_folder("--out", "default: results/api", results_folder() / "api")
    folder = check_writable(parser.parse_args().out, "--out")
    write_reference(folder)
    print(f"written: {displayed(folder / 'dasbe.html')}")


MODULES = (  # that are public: what is documented, and what functions of these give back
    "dasbe",
    "dasbe.datasets",
    "dasbe.datasets.catalogue",
    "dasbe.evaluation.scores",
    "dasbe.evaluation.timing",
    "dasbe.metrics",
    "dasbe.metrics.grouping",
    "dasbe.metrics.synchrony",
    "dasbe.plotting.runs",
    "dasbe.support.errors",
    "dasbe.support.published",
    "dasbe.systems",
    "dasbe.systems.base",
    "dasbe.systems.competing_phases",
    "dasbe.systems.dasbe",
)


def write_reference(folder: Path) -> None:
    """Write a page for each of `MODULES` to `folder`; of those with ``__all__`` it has these names and no others."""
    import pdoc

    for module in map(import_module, MODULES):
        for name in getattr(module, "__all__", ()):
            getattr(module, name)  # pdoc takes what a module has, and these are imported when they are first asked for
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc(*MODULES, output_directory=folder)


if __name__ == "__main__":
    run_command(main)
