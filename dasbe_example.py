"""Bind one image: which of its pixels belong together? (./dasbe_example.sh sets everything up first.)"""

from dasbe.support.commands import run

if __name__ == "__main__":
    run("bind", "dasbe_example.py")
