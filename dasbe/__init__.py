"""DASBE: binding the pixels of an image into objects by spike timing and reconstructive attention."""

from typing import TYPE_CHECKING

from dasbe.lazy import import_lazily
from dasbe.version import __version__

if TYPE_CHECKING:
    from dasbe.ann.files import load_network
    from dasbe.ann.network import as_network
    from dasbe.binding import Binding, bind
    from dasbe.datasets import load_dataset
    from dasbe.errors import FileContentError, InputError, MissingFileError
    from dasbe.images import load_image
    from dasbe.metrics import ami
    from dasbe.plotting.alignment import align
    from dasbe.readout import group

__all__ = [
    "Binding",
    "FileContentError",
    "InputError",
    "MissingFileError",
    "__version__",
    "align",
    "ami",
    "as_network",
    "bind",
    "group",
    "load_dataset",
    "load_image",
    "load_network",
]
import_lazily(
    __name__,
    {
        "ann.files": ("load_network",),
        "ann.network": ("as_network",),
        "binding": ("Binding", "bind"),
        "datasets": ("load_dataset",),
        "errors": ("FileContentError", "InputError", "MissingFileError"),
        "images": ("load_image",),
        "metrics": ("ami",),
        "plotting.alignment": ("align",),
        "readout": ("group",),
    },
)
