"""Machinery that has nothing to do with spikes: errors, checks, paths, files, workers, commands; and the version."""

from dasbe.support.lazy import import_lazily

__version__ = "0.2.0"
PROCEDURE = 1  # raised when the same call gives other results, so that stored ones are not mixed with new ones
import_lazily(__name__)
