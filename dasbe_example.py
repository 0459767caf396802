"""Bind one image: which of its pixels belong together? (./dasbe_example.sh sets everything up first.)"""

from dasbe.cli import run_command
from dasbe.experiments import bind


def main() -> None:
    bind.main("dasbe_example.py")


if __name__ == "__main__":
    run_command(main)
