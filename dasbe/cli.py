"""What all commands share: how they end, and which device they run on."""

import argparse
import sys
from collections.abc import Callable

import torch

from dasbe.errors import InputError


def run_command(main: Callable[[], None]) -> None:
    """Run `main`; a user's mistake or a full disk ends in one line and status 2, Ctrl-C in 130."""
    try:
        main()
    except InputError as error:
        _end(f"error: {error}", 2)
    except OSError as error:
        _end(f"error: {error.strerror or error}: {error.filename or 'no file name'}", 2)
    except KeyboardInterrupt:
        _end("interrupted; the same command goes on from here", 130)


def _end(line: str, status: int) -> None:
    print(" ".join(line.split()), file=sys.stderr)
    sys.exit(status)


def add_device_option(parser: argparse.ArgumentParser) -> None:
    """``--device``, checked by :func:`device_of`."""
    parser.add_argument("--device", default="cpu", help="cpu, cuda or cuda:N (default: %(default)s)")


def device_of(name: str) -> torch.device:
    """The torch device called `name`; InputError if there is none such here."""
    try:
        device = torch.device(name)
        if device.type not in ("cpu", "cuda"):
            raise RuntimeError
    except RuntimeError:
        raise InputError(f"--device '{name}' is unknown; use cpu, cuda or cuda:N") from None
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(f"--device '{name}' is not on this machine ({torch.cuda.device_count()} GPUs); use cpu")
    return device
