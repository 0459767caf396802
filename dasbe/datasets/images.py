"""Images of the user's own, from a file to 0 and 1."""

import warnings
from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from dasbe.support import checks
from dasbe.support.errors import InputError, InputWarning
from dasbe.support.paths import displayed, file_to_read
from dasbe.support.storage import Unfit, untrusted

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "TIFF", "PPM", "WEBP")
"""Formats that are read. Pillow decodes these itself; some others, such as EPS, it hands to programs that run them."""
LONGEST_SIDE = 4096  # pixels of a picture of any size
DEEPEST = 2**16 - 1  # grey of 16 bits
OPAQUE = 128  # alpha from which on a pixel counts


def load_image(
    path: Path | str, image_shape: tuple[int, int] | None = None, threshold: float | None = None
) -> np.ndarray:
    """Read a picture, as 1 where there is ink.

    A pixel is bright if it lies above the middle between the darkest and the brightest
    pixel of the picture; the rarer kind of pixels, bright or dark, is ink. In a picture
    with transparent parts, all opaque pixels are ink; in one that holds only the numbers 0
    and 1, like a mask, ink is 1. With a `threshold`, all brighter pixels are ink, and
    nothing is guessed.

    Parameters
    ----------
    path : path
        PNG, JPEG, BMP, GIF, TIFF, PPM or WebP; black and white, grey (also of 16 bits, or
        floats), colour, palette. Colours count by the mean of red, green and blue.
    image_shape : (H, W), optional
        Size that the picture must have, such as that of the images a network was trained on.
    threshold : float, optional
        From 0, the darkest pixel of the picture, to 1, the brightest.

    Returns
    -------
    (H, W) uint8 of 0 and 1

    Raises
    ------
    MissingFileError, FileContentError, InputError
        There is no such file; it is not a picture; or the picture may not be read, has
        another size, has no ink, or leaves open what is ink.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> from PIL import Image
    >>> Image.fromarray(np.array([[0, 255, 255], [255, 255, 255]], np.uint8)).save("dot.png")  # dark on bright
    >>> dasbe.load_image("dot.png")
    array([[1, 0, 0],
           [0, 0, 0]], dtype=uint8)
    """
    picture = read_picture(path, image_shape, threshold)
    if not picture.side:
        raise InputError(f"image {displayed(path)} has no ink: {picture.why_none}")
    return picture.ink


def binarise(images: Any, threshold: float | None = None) -> np.ndarray:
    """Grey images as 1 where there is ink, by the rule of :func:`dasbe.load_image`, each image by itself.

    Images that hold only 0 and 1 stay as they are. Ink has to be bright in all images, or
    dark in all. An image whose pixels are all equally bright has no ink.

    Parameters
    ----------
    images : (H, W), (N, H, W) or (N, 1, H, W), or a Dataset or DataLoader of PyTorch
        Grey values of any range, such as uint8 from 0 to 255, or floats from 0 to 1.
    threshold : float, optional
        From 0, the darkest pixel of the image, to 1, the brightest: all brighter pixels are
        ink. By default what is ink is guessed.

    Returns
    -------
    (H, W) or (N, H, W) uint8 of 0 and 1

    Raises
    ------
    InputError
        An argument is wrong, or an image leaves open what is ink.

    Warns
    -----
    InputWarning
        Some images are blank.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.binarise(np.array([[0.1, 0.9, 0.2], [0.2, 0.1, 0.1]]))
    array([[0, 1, 0],
           [0, 0, 0]], dtype=uint8)
    """
    threshold = None if threshold is None else checks.number("threshold", threshold, 0, 1)
    grey = checks.image_stack("images", images)
    if grey.ndim not in (2, 3) or 0 in grey.shape or (grey.ndim == 3 and grey.shape[2] <= checks.MOST_CHANNELS):
        raise InputError(
            f"images have shape {grey.shape}; they must be (H, W) or (N, H, W), none of them 0, without colours"
        )
    if not np.isfinite(grey).all():
        raise InputError(f"images hold {grey[~np.isfinite(grey)][0]}; give each pixel a number")
    if threshold is None and ((grey == 0) | (grey == 1)).all():
        return grey.astype(np.uint8)
    stack = grey if grey.ndim == 3 else grey[None]
    names = [f"images[{number}]" for number in range(len(stack))]
    pictures = (_Picture(one.astype(np.float64), np.ones(one.shape, bool), False) for one in stack)
    ink = np.empty(stack.shape, np.uint8)
    put_together(((name, inked(picture, threshold, name)) for name, picture in zip(names, pictures)), ink)
    return ink if grey.ndim == 3 else ink[0]


def put_together(pictures: Iterable[tuple[str, "Inked"]], out: np.ndarray) -> None:
    """Write the ink of pictures, each with its name, to `out` (N, H, W); it has to be alike, or there is none."""
    of_first, blank = None, []
    for place, (name, picture) in zip(out, pictures):
        place[:] = picture.ink
        if not picture.side:
            blank.append((name, picture.why_none))
        elif of_first is None:
            of_first = (name, picture.side)
        elif picture.side != of_first[1]:
            raise InputError(
                f"{name} has ink that is {picture.side}, that of {of_first[0]} is {of_first[1]}; make them alike, "
                "or give a threshold"
            )
    if blank:
        more = f" and {len(blank) - 1} more have" if len(blank) > 1 else " has"
        warnings.warn(f"{blank[0][0]}{more} no ink: {blank[0][1]}", InputWarning, stacklevel=3)


class Inked(NamedTuple):
    """The ink (H, W) uint8 of a picture; it is ``"bright"``, ``"dark"``, ``"opaque"``, ``"1"``, or none: ""."""

    ink: np.ndarray
    side: str
    why_none: str = ""


def inked(picture: "_Picture", threshold: float | None, name: str) -> Inked:
    """The ink of a `picture`, which messages call `name`."""
    ink, side = _guess(name, picture) if threshold is None else (_brighter(picture, threshold), "bright")
    if not ink.any() or ink.all():
        return Inked(np.zeros(ink.shape, np.uint8), "", _why_none(picture, ink, threshold))
    return Inked(ink.astype(np.uint8), side)


def read_picture(
    path: Path | str,
    image_shape: tuple[int, int] | None = None,
    threshold: float | None = None,
    why: str = "the network takes",
) -> Inked:
    """The ink of a picture, as :func:`load_image` finds it; `why` names in a message what requires `image_shape`."""
    path = checks.path("path", path)
    image_shape = None if image_shape is None else checks.image_shape(image_shape)
    threshold = None if threshold is None else checks.number("threshold", threshold, 0, 1)
    file_to_read("image file", path, "give the path of an image")
    return inked(_decode(path, image_shape, why), threshold, f"image {displayed(path)}")


def load_colours(path: Path | str, image_shape: tuple[int, int] | None = None) -> np.ndarray:
    """Read a picture as it is, (3, H, W) float32 from 0 to 1, for systems that take colour; grey has equal channels.

    Arguments and errors are those of :func:`load_image`; transparent parts are white.
    """
    path = checks.path("path", path)
    image_shape = None if image_shape is None else checks.image_shape(image_shape)
    file_to_read("image file", path, "give the path of an image")
    picture = _decode(path, image_shape, "the network takes")
    if picture.colours is not None:
        return np.where(picture.opaque, picture.colours / np.float32(255), 1).astype(np.float32)
    grey = picture.grey / (DEEPEST if picture.is_whole else 1)
    if not (0 <= grey.min() and grey.max() <= 1):
        raise InputError(f"image {displayed(path)} holds numbers beyond 0 to 1; save it with 8 or 16 bits")
    return np.repeat(grey[None], 3, 0).astype(np.float32)


class _Picture(NamedTuple):
    """Grey values (H, W) float64, in units of the file; opaque pixels (H, W) bool; whether the file holds integers.

    And `colours` (3, H, W) uint8, but for deep grey.
    """

    grey: np.ndarray
    opaque: np.ndarray
    is_whole: bool
    colours: np.ndarray | None = None


def _decode(path: Path, image_shape: tuple[int, int] | None, why: str) -> _Picture:
    with untrusted(path, "image", "save it again as PNG", "is damaged or cut off"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            with Image.open(path, formats=FORMATS) as file:  # this reads the size, and decodes nothing yet
                size = (file.height, file.width)
                sideways = size[::-1] == image_shape  # as photographs may lie in their files
                _check_size(path, size, None if sideways else image_shape, why)
                file.verify()  # the checksums of PNG, which are ignored when it is decoded
            with Image.open(path, formats=FORMATS) as file:
                if file.format != "MPO" and getattr(file, "is_animated", False):  # MPO: a photograph and its preview
                    raise InputError(f"image {displayed(path)} has several frames; save the one that is meant as PNG")
                if file.mode in ("I", "F") or file.mode.startswith("I;"):
                    grey = np.asarray(file, np.float64)
                    picture = _Picture(grey, np.ones(grey.shape, bool), file.mode != "F")
                else:
                    rgba = np.asarray(ImageOps.exif_transpose(file).convert("RGBA"))  # upright, as it is shown
                    colours = rgba[..., :3].transpose(2, 0, 1)
                    picture = _Picture(rgba[..., :3].mean(2), rgba[..., 3] >= OPAQUE, True, colours)
        except Image.DecompressionBombError as error:
            raise InputError(f"image {displayed(path)} is far too large; resize it") from error
        except UnidentifiedImageError:
            raise Unfit(f"it is not an image that can be read ({', '.join(FORMATS)})", "save it as PNG") from None
    _check_size(path, picture.grey.shape, image_shape, why)
    if not np.isfinite(picture.grey).all():
        raise InputError(f"image {displayed(path)} holds values that are not finite; give each pixel a number")
    return picture


def _check_size(path: Path, size: tuple[int, ...], image_shape: tuple[int, int] | None, why: str) -> None:
    if image_shape is not None and size != image_shape:
        raise InputError(
            f"image {displayed(path)} is {size[0]}×{size[1]} pixels, but {why} "
            f"{image_shape[0]}×{image_shape[1]} (height×width); resize it"
        )
    if max(size) > LONGEST_SIDE:
        raise InputError(
            f"image {displayed(path)} is {size[0]}×{size[1]} pixels, more than {LONGEST_SIDE} a side; resize it"
        )


def _why_none(picture: _Picture, ink: np.ndarray, threshold: float | None) -> str:
    if not picture.opaque.any():
        return "all its pixels are transparent"
    if threshold is None or not np.ptp(picture.grey):
        return "all its pixels are equally bright"
    return f"{'all' if ink.all() else 'none'} of its pixels are brighter than the threshold {threshold:g}; change it"


def _brighter(picture: _Picture, threshold: float) -> np.ndarray:
    """Opaque pixels brighter than `threshold`, (H, W) bool."""
    darkest, brightest = picture.grey.min(), picture.grey.max()
    return (picture.grey > darkest + threshold * (brightest - darkest)) & picture.opaque


def _guess(name: str, picture: _Picture) -> tuple[np.ndarray, str]:
    """Ink (H, W) bool by the rule of :func:`load_image`, and what it is; InputError if that is in doubt."""
    grey, opaque, is_whole, _ = picture
    if not opaque.all():
        return opaque, "opaque"
    if is_whole and grey.max() == 1 and np.isin(grey, (0, 1)).all():
        return grey == 1, "1"
    bright = _brighter(picture, 1 / 2)
    sides = {"bright": _brighter(picture, 2 / 3), "dark": ~_brighter(picture, 1 / 3)}
    side = "bright" if np.count_nonzero(bright) < bright.size / 2 else "dark"
    between = bright.size - sum(map(np.count_nonzero, sides.values()))
    doubt = None
    if 2 * np.count_nonzero(bright) == bright.size:
        doubt = "as many bright pixels as dark ones"
    elif between > np.count_nonzero(sides[side]):
        doubt = f"more grey pixels than {side} ones"
    if doubt:
        raise InputError(
            f"{name} has {doubt}, so that anything could be its ink; give a threshold, or make it black and white"
        )
    return bright if side == "bright" else ~bright, side
