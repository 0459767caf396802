"""The command ``python -m dasbe.datasets``."""

from dasbe.support.commands import run

if __name__ == "__main__":
    run("datasets")
