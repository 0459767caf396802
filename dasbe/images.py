"""Images of the user's own, from a file to 0 and 1."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from dasbe import checks
from dasbe.errors import FileContentError, InputError
from dasbe.paths import file_to_read, readable

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")
"""What is read. Pillow decodes these itself; some others, such as EPS, it hands on to programs that run them."""


def load_image(path: Path | str, image_shape: tuple[int, int]) -> np.ndarray:
    """Read an image file and binarise it.

    A pixel is ink if it is brighter than half; if that makes most of the picture ink
    (dark drawing on white paper), ink and background change places. In a picture with
    transparent parts, everything else is ink.

    Parameters
    ----------
    path : path
        PNG, JPEG, BMP, GIF, TIFF, PPM or WebP.
    image_shape : (H, W)
        Size that the network was trained on; the file must have it.

    Returns
    -------
    (H, W) uint8 of 0 and 1

    Raises
    ------
    MissingFileError, FileContentError, InputError
        No such file; not an image; one that may not be read, of another size, or empty.
    """
    path, image_shape = checks.path("path", path), checks.image_shape(image_shape)
    file_to_read("image file", path, "give the path of an image")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as file:  # this reads the size, and decodes nothing yet
                _check_size(path, (file.height, file.width), image_shape)
                rgba = np.asarray(file.convert("RGBA"), np.float32) / 255
    except (InputError, MemoryError):
        raise
    except Image.DecompressionBombError as error:
        size = f"{image_shape[0]}×{image_shape[1]}"
        raise InputError(f"image {readable(path)} is far too large; the network takes {size}; resize it") from error
    except UnidentifiedImageError as error:
        raise FileContentError(
            f"{readable(path)} is not an image that can be read ({', '.join(FORMATS)}); save it as PNG"
        ) from error
    except Exception as error:  # on damaged bytes Pillow fails in ways of its own
        raise FileContentError(f"image {readable(path)} is damaged or cut off; save it again as PNG") from error
    if (rgba[..., 3] < 0.5).any():
        ink = rgba[..., 3] >= 0.5
    else:
        ink = rgba[..., :3].mean(2) > 0.5
        if ink.mean() > 0.5:
            ink = ~ink
    if not ink.any():
        raise InputError(f"image {readable(path)} has no ink: all its pixels are equally bright")
    return ink.astype(np.uint8)


def _check_size(path: Path, size: tuple[int, int], image_shape: tuple[int, int]) -> None:
    if size != image_shape:
        raise InputError(
            f"image {readable(path)} is {size[0]}×{size[1]} pixels, but the network takes "
            f"{image_shape[0]}×{image_shape[1]} (height×width); resize it or use another network"
        )
