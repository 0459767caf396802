"""Other systems that bind, to compare with: they group the pixels of the same images."""

from dasbe.comparison.pure_ann import pure_ann
from dasbe.comparison.reconstruction_clustering import reconstruction_clustering

__all__ = ["pure_ann", "reconstruction_clustering"]
