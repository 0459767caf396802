"""The version of the package, in the one place that needs nothing else."""

__version__ = "0.2.0"
