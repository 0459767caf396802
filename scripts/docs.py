"""The command ``./scripts/docs.sh``: the reference of the public functions, from their docstrings."""

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


def write_reference(folder: Path) -> None:
    """Write ``dasbe.html`` to `folder`: the names of ``dasbe.__all__`` and no others."""
    import pdoc

    import dasbe

    for name in dasbe.__all__:
        getattr(dasbe, name)  # pdoc takes what a module has, and these are imported when they are first asked for
    pdoc.render.configure(docformat="numpy")
    pdoc.pdoc("dasbe", output_directory=folder)


if __name__ == "__main__":
    run_command(main)
