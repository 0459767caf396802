"""Images of the user's own, from a file to 0 and 1."""

from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from dasbe import checks
from dasbe.errors import FileContentError, InputError, MissingFileError
from dasbe.paths import readable


def load_image(path: Path | str, image_shape: tuple[int, int]) -> np.ndarray:
    """Read an image file and binarise it.

    A pixel is ink if it is brighter than half; if that makes most of the picture ink
    (dark drawing on white paper), ink and background change places. In a picture with
    transparent parts, everything else is ink.

    Parameters
    ----------
    path : path
        Any format that Pillow reads.
    image_shape : (H, W)
        Size that the network was trained on; the file must have it.

    Returns
    -------
    (H, W) uint8 of 0 and 1

    Raises
    ------
    MissingFileError, FileContentError, InputError
        No such file; not an image; of another size, or empty.
    """
    path, image_shape = checks.path("path", path), checks.image_shape(image_shape)
    if not path.is_file():
        raise MissingFileError(f"image file {readable(path)} is not there; give the path of an image")
    try:
        with Image.open(path) as file:
            rgba = np.asarray(file.convert("RGBA"), np.float32) / 255
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise FileContentError(f"{readable(path)} is not an image that can be read; save it as PNG") from error
    if rgba.shape[:2] != tuple(image_shape):
        raise InputError(
            f"image {readable(path)} is {rgba.shape[0]}×{rgba.shape[1]} pixels, but the network takes "
            f"{image_shape[0]}×{image_shape[1]} (height×width); resize it or use another network"
        )
    if (rgba[..., 3] < 0.5).any():
        ink = rgba[..., 3] >= 0.5
    else:
        ink = rgba[..., :3].mean(2) > 0.5
        if ink.mean() > 0.5:
            ink = ~ink
    if not ink.any():
        raise InputError(f"image {readable(path)} has no ink: all its pixels are equally bright")
    return ink.astype(np.uint8)
