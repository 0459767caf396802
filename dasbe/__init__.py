"""DASBE: binding the pixels of an image into objects by spike timing and reconstructive attention."""

from dasbe.ann.files import load_network
from dasbe.binding import Binding, bind
from dasbe.datasets import load_dataset
from dasbe.errors import FileContentError, InputError, MissingFileError
from dasbe.images import load_image
from dasbe.metrics import ami
from dasbe.readout import align, group

__all__ = [
    "Binding",
    "FileContentError",
    "InputError",
    "MissingFileError",
    "align",
    "ami",
    "bind",
    "group",
    "load_dataset",
    "load_image",
    "load_network",
]
__version__ = "0.1.0"
