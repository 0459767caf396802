"""Other systems that bind, to compare with: each groups the pixels of the same images with the same networks."""

from dasbe.comparison.reconstruction_clustering import reconstruction_clustering

__all__ = ["reconstruction_clustering"]
