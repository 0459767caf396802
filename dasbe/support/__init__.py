"""Machinery that has nothing to do with spikes: errors, checks, paths, files, workers, commands; and the version."""

__version__ = "0.2.0"
