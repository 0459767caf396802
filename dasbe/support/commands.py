"""The commands of the package: what they are called, and how one begins and ends.

Options are read before anything slow is imported: ``--help`` and a wrong option are
answered at once. What is wrong takes one line that names the option, its value and the
remedy; the exit status is 2.

Messages name commands as their reader would type them. A repository has drivers
(``./table1.sh``) and modules (``python -m dasbe.train``), an installed package the command
``dasbe``; whoever has called a module, or ``dasbe``, is told of others in the same way.
"""

import io
import math
import os
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from pkgutil import resolve_name
from types import FrameType
from typing import NamedTuple, NoReturn, TextIO

from dasbe.support.errors import InputError, InputWarning, in_one_line, is_want_of_memory
from dasbe.support.paths import displayed, repository

PATIENCE_SECONDS = 3  # after Ctrl-C, in which another one is the same
RETRY_SECONDS = 0.02  # after which an interrupt that was lost comes again
OPTIONS = "dasbe.experiments.options"  # has a function of the name of each command, which reads its options
usual_warning = warnings.formatwarning


class Command(NamedTuple):
    """A command of the package."""

    program: str  # what starts it, behind ``python``: a module of the package, or a script of the repository
    work: str  # the function that does the work, ``MODULE:NAME``; its arguments are the options
    purpose: str  # in a few words


def _experiment(module: str, work: str, purpose: str) -> Command:
    return Command(f"-m dasbe.experiments.{module}", f"dasbe.experiments.{work}", purpose)


COMMANDS = {
    "bind": _experiment("bind", "bind:bind_image", "bind one image and draw it"),
    "live": _experiment("live", "live:write_page", "write a page in which the loop runs live"),
    "datasets": Command(
        "-m dasbe.datasets", "dasbe.datasets.store:make_or_verify", "make dataset files, or verify them"
    ),
    "train": Command(
        "-m dasbe.train",
        "dasbe.train.networks:run_training",
        "train networks, by recipes or on images of your own",
    ),
    "evaluate": _experiment("evaluate", "evaluate:evaluate_file", "score systems on the images of a file"),
    "table1": _experiment("table1", "table1:make_table", "Table 1 of the paper"),
    "figure2": _experiment("figure2", "figures:run_figure", "Figure 2: one image in detail"),
    "figure3": _experiment("figure3", "figures:run_figure", "Figure 3: synchrony, rate and clustering scores"),
    "figure4": _experiment("figure4", "figures:run_figure", "Figure 4: high-level neurons"),
    "figure5": _experiment("figure5", "figures:run_figure", "Figure 5: objects that move"),
    "heldout": _experiment("heldout", "heldout:score_networks", "score networks on images that Table 1 does not use"),
    "benchmarks": _experiment("benchmarks", "benchmarks:compare", "systems on the sets of others, and in colour"),
    "ablation": _experiment("ablation", "ablation:compare", "what each ingredient of competing phases is worth"),
    "compute": _experiment("compute", "compute:compare", "AMI against compute, for every system"),
    "generalisation": _experiment("generalisation", "generalisation:find_limits", "where binding breaks"),
    "select": Command(
        "scripts/try_candidates.py", "scripts.try_candidates:try_candidates", "train and score candidates for a network"
    ),
    "card": Command("scripts/model_card.py", "scripts.model_card:write_cards", "write the model card of the networks"),
    "benchmark": Command("scripts/benchmark.py", "scripts.benchmark:run_benchmark", "time everything, in one run"),
}
DRIVERS = {name: f"{name}.sh" for name in ("table1", "figure2", "figure3", "figure4", "figure5")} | {
    "bind": "dasbe_example.sh",
    "datasets": "gain_dataset.sh",
    "train": "train_nets.sh",
}  # scripts of a repository; the last two put `all` before the options
ENTRIES = ("dasbe", "python -m dasbe")


def run(name: str, program: str | None = None) -> NoReturn:
    """Run the command `name` with the options that the program was given, and end the program.

    `program` is what the user has typed, if it is neither a driver nor the module of the command.
    """
    run_command(partial(main, name, program))


def main(name: str, program: str | None = None) -> None:
    """Read the options of the command `name`, then import what does the work, and do it."""
    options = resolve_name(f"{OPTIONS}:{name}")(called(name, program))
    if COMMANDS[name].work.startswith("scripts."):
        if (root := repository()) is None:
            raise InputError(f"{name} is a tool of the repository; run it in a clone of that")
        sys.path.insert(0, str(root))
    resolve_name(COMMANDS[name].work)(**options)


def entry() -> str:
    """The one of `ENTRIES` through which the running command was called, or nothing.

    It is read from ``sys.argv[0]``, which processes that a command starts have as well.
    """
    place, _, name = "".join(sys.argv[:1]).rpartition(" ")
    return place if place in ENTRIES and name in COMMANDS else ""


def called(name: str, program: str | None = None) -> str:
    """How the user called the command `name`, which is running: by a driver, or by a `program`."""
    driver = os.environ.get("DASBE_COMMAND", "")
    if not entry() and driver.rpartition("/")[2] == DRIVERS.get(name):
        return driver
    return program or _by_module(name)


def _by_module(name: str) -> str:
    """The call of the command `name` through Python, as the shell of the user finds it."""
    if entry():
        return f"{entry()} {name}"
    environment, root = Path(sys.prefix), repository()
    is_ours = root is not None and environment == root / ".venv"
    python = "python"
    if is_ours and Path(os.environ.get("VIRTUAL_ENV", "")) != environment:  # which is not activated
        python = displayed(environment) + "/bin/python"
    return f"{python} {COMMANDS[name].program}"


def typed(name: str, *words: str) -> str:
    """What a reader types to run the command `name` with `words`."""
    if repository() and DRIVERS.get(name) == f"{name}.sh" and not entry():
        return " ".join([f"./{name}.sh", *words])
    by_module = repository() or _runs_as_module()
    return " ".join([_by_module(name) if entry() or by_module else f"dasbe {name}", *words])


def _runs_as_module() -> bool:
    """Whether the running program was called as ``python -m dasbe.MODULE``."""
    spec = getattr(sys.modules["__main__"], "__spec__", None)
    return spec is not None and spec.name.startswith("dasbe.")


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
    sys.stdout, sys.stderr = (stream or open(os.devnull, "w") for stream in (sys.stdout, sys.stderr))  # `2>&-`
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
        if not is_want_of_memory(error):
            raise
        status, line = 2, f"error: there is not enough memory ({error or 'MemoryError'}); do less at a time"
    except KeyboardInterrupt as stop:
        status, line = 130, "; ".join(["interrupted", *stop.args])
        exec("")  # makes Python forget an interrupt that came through exec; it would end by the signal, not the status
    if line:
        print(in_one_line(line), file=sys.stderr)
    sys.exit(status)


def _warning(
    message: Warning | str, category: type[Warning], filename: str, lineno: int, line: str | None = None
) -> str:
    """A warning that the user's options brought about takes one line, without the place in the code."""
    if issubclass(category, InputWarning):
        return f"warning: {message}\n"
    return usual_warning(message, category, filename, lineno, line)


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
