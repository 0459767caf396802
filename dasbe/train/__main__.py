"""The command ``python -m dasbe.train``."""

from dasbe.support.commands import run

if __name__ == "__main__":
    run("train")
