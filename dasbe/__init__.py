"""DASBE: binding the pixels of an image into objects by spike timing and reconstructive attention."""

from dasbe.ann.files import load_network
from dasbe.ann.network import as_network
from dasbe.binding import Binding, bind
from dasbe.datasets import load_dataset
from dasbe.errors import FileContentError, InputError, MissingFileError
from dasbe.images import load_image
from dasbe.metrics import ami
from dasbe.plotting.alignment import align
from dasbe.readout import group
from dasbe.version import __version__

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
