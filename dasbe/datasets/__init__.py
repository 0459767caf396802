"""Datasets: generators, files and checksums (paper, section 4 and appendix)."""

from dasbe.datasets.store import RECIPES, ensure_dataset, generate, is_complete, load_dataset, make_dataset, verify

__all__ = ["RECIPES", "ensure_dataset", "generate", "is_complete", "load_dataset", "make_dataset", "verify"]
