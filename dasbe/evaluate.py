"""The command ``python -m dasbe.evaluate``; whoever imports this module gets the function of its name."""

import sys

from dasbe.cli import run_command
from dasbe.experiments.evaluate import main

if __name__ == "__main__":
    run_command(main)
elif __name__ == "dasbe.evaluate":
    from dasbe.experiments.own_images import evaluate

    sys.modules[__name__] = evaluate  # type: ignore[assignment]
