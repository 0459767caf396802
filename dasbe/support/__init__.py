"""Machinery that has nothing to do with spikes: errors, checks, paths, files, workers, commands; and the version."""

from dasbe.support.lazy import import_lazily

__version__ = "0.2.0"
import_lazily(__name__)
