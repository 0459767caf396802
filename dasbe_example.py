"""Bind one image: which of its pixels belong together? (./dasbe_example.sh sets everything up first.)"""

from dasbe.experiments import bind
from dasbe.support.cli import run_command


def main() -> None:
    bind.main("dasbe_example.py")


if __name__ == "__main__":
    run_command(main)
