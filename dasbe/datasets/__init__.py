"""Datasets: generators, files and checksums (paper, section 4 and appendix)."""

from typing import TYPE_CHECKING

from dasbe.datasets.catalogue import DATASETS, TABLE_DATASETS, Dataset, settings_of
from dasbe.datasets.scenes import draw_scenes
from dasbe.support.lazy import import_lazily

if TYPE_CHECKING:
    from dasbe.datasets.files import load_dataset, save_dataset
    from dasbe.datasets.store import ensure_dataset, ensure_datasets, generate, is_complete, make_dataset, verify

__all__ = [
    "DATASETS",
    "TABLE_DATASETS",
    "Dataset",
    "draw_scenes",
    "ensure_dataset",
    "ensure_datasets",
    "generate",
    "is_complete",
    "load_dataset",
    "make_dataset",
    "save_dataset",
    "settings_of",
    "verify",
]
import_lazily(  # what needs h5py
    __name__,
    {
        "files": ("load_dataset", "save_dataset"),
        "store": ("ensure_dataset", "ensure_datasets", "generate", "is_complete", "make_dataset", "verify"),
    },
)
