"""DASBE: binding the pixels of an image into objects by spike timing and reconstructive attention."""

from typing import TYPE_CHECKING

from dasbe.lazy import import_lazily
from dasbe.version import __version__

if TYPE_CHECKING:
    from dasbe.alignment import align
    from dasbe.ann.files import load_network, save_network
    from dasbe.ann.network import as_network
    from dasbe.ann.weights import autoencoder
    from dasbe.binding import bind
    from dasbe.datasets import draw_scenes, load_dataset, save_dataset
    from dasbe.errors import FileContentError, InputError, MissingFileError, TimingWarning
    from dasbe.evaluation import score_labels, segment
    from dasbe.experiments.own_images import evaluate
    from dasbe.images import load_image
    from dasbe.metrics import ami, ari, mbo, n_found
    from dasbe.plotting.runs import animate, plot_decoded, plot_grouping, plot_raster
    from dasbe.readout import group
    from dasbe.recording import Binding, load_run
    from dasbe.timing import suggest_timing
    from dasbe.train.own import train_network
    from dasbe.train.recipe import Recipe

__all__ = [
    "Binding",
    "FileContentError",
    "InputError",
    "MissingFileError",
    "Recipe",
    "TimingWarning",
    "__version__",
    "align",
    "ami",
    "animate",
    "ari",
    "as_network",
    "autoencoder",
    "bind",
    "draw_scenes",
    "evaluate",
    "group",
    "load_dataset",
    "load_image",
    "load_network",
    "load_run",
    "mbo",
    "n_found",
    "plot_decoded",
    "plot_grouping",
    "plot_raster",
    "save_dataset",
    "save_network",
    "score_labels",
    "segment",
    "suggest_timing",
    "train_network",
]
import_lazily(
    __name__,
    {
        "alignment": ("align",),
        "ann.files": ("load_network", "save_network"),
        "ann.network": ("as_network",),
        "ann.weights": ("autoencoder",),
        "binding": ("bind",),
        "datasets": ("draw_scenes", "load_dataset", "save_dataset"),
        "errors": ("FileContentError", "InputError", "MissingFileError", "TimingWarning"),
        "evaluation": ("score_labels", "segment"),
        "experiments.own_images": ("evaluate",),
        "images": ("load_image",),
        "metrics": ("ami", "ari", "mbo", "n_found"),
        "plotting.runs": ("animate", "plot_decoded", "plot_grouping", "plot_raster"),
        "readout": ("group",),
        "recording": ("Binding", "load_run"),
        "timing": ("suggest_timing",),
        "train.own": ("train_network",),
        "train.recipe": ("Recipe",),
    },
)
