"""DASBE: binding the pixels of an image into objects by spike timing and reconstructive attention."""

from typing import TYPE_CHECKING

from dasbe.support import __version__
from dasbe.support.lazy import import_lazily

if TYPE_CHECKING:
    from dasbe.ann.network import as_network
    from dasbe.ann.weights import autoencoder, load_network, save_network
    from dasbe.binding.labels import align
    from dasbe.binding.loop import bind
    from dasbe.binding.readout import group
    from dasbe.binding.run import Binding, load_run
    from dasbe.datasets import draw_scenes, load_dataset, save_dataset
    from dasbe.datasets.images import binarise, load_image
    from dasbe.evaluation.scores import evaluate
    from dasbe.evaluation.segment import score_labels, segment
    from dasbe.evaluation.timing import suggest_timing
    from dasbe.metrics import ami, ari, mbo, n_found
    from dasbe.plotting.runs import animate, plot_decoded, plot_grouping, plot_raster
    from dasbe.support.errors import FileContentError, InputError, MissingFileError, TimingWarning
    from dasbe.train.from_scenes import learn_from_scenes
    from dasbe.train.own import train_network
    from dasbe.train.recipes import Recipe, SceneRecipe

__all__ = [
    "Binding",
    "FileContentError",
    "InputError",
    "MissingFileError",
    "Recipe",
    "SceneRecipe",
    "TimingWarning",
    "__version__",
    "align",
    "ami",
    "animate",
    "ari",
    "as_network",
    "autoencoder",
    "binarise",
    "bind",
    "draw_scenes",
    "evaluate",
    "group",
    "learn_from_scenes",
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
        "ann.network": ("as_network",),
        "ann.weights": ("autoencoder", "load_network", "save_network"),
        "binding.labels": ("align",),
        "binding.loop": ("bind",),
        "binding.readout": ("group",),
        "binding.run": ("Binding", "load_run"),
        "datasets": ("draw_scenes", "load_dataset", "save_dataset"),
        "datasets.images": ("binarise", "load_image"),
        "evaluation.scores": ("evaluate",),
        "evaluation.segment": ("score_labels", "segment"),
        "evaluation.timing": ("suggest_timing",),
        "metrics": ("ami", "ari", "mbo", "n_found"),
        "plotting.runs": ("animate", "plot_decoded", "plot_grouping", "plot_raster"),
        "support.errors": ("FileContentError", "InputError", "MissingFileError", "TimingWarning"),
        "train.own": ("train_network",),
        "train.recipes": ("Recipe", "SceneRecipe"),
        "train.from_scenes": ("learn_from_scenes",),
    },
)
