"""Scenes: objects placed on an empty image, and the images and labels that follow from them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from dasbe.support import checks
from dasbe.support.errors import InputError

MOST_SCENES = 10**6
MOST_OBJECTS = 255  # labels are uint8
PLACES_TRIED = 100  # places for an object that must not overlap others, before the scene is begun again
SCENES_TRIED = 30


class Scenes:
    """`count` images of one size, each the union of its objects; a pixel covered twice has label 0."""

    def __init__(self, count: int, image_shape: tuple[int, int]):
        self.coverage = np.zeros((count, *image_shape), np.uint8)
        self.groups = np.zeros((count, *image_shape), np.uint8)

    def place(
        self,
        images: np.ndarray,
        template: np.ndarray,
        y: int | np.ndarray,
        x: int | np.ndarray,
        label: int | np.ndarray,
    ) -> None:
        """Put a copy of `template` (h, w) into each of `images` (m,), indices without repetition.

        The top left corner (y, x) and the `label`, from 1, are single numbers or (m,) each.
        """
        pixels = np.argwhere(template)
        rows = np.reshape(y, (-1, 1)) + pixels[:, 0]
        columns = np.reshape(x, (-1, 1)) + pixels[:, 1]
        where = (np.reshape(images, (-1, 1)), rows, columns)
        self.coverage[where] += 1
        self.groups[where] = np.reshape(label, (-1, 1))

    def render(self) -> dict[str, np.ndarray]:
        """``default`` (N, H, W) images 0/1 and ``groups`` (N, H, W) labels, both uint8."""
        images = (self.coverage > 0).view(np.uint8)
        return {"default": images, "groups": np.where(self.coverage > 1, 0, self.groups).astype(np.uint8)}


def draw_scenes(
    templates: Sequence[np.ndarray],
    image_shape: tuple[int, int],
    count: int,
    objects: int | tuple[int, int] = 3,
    seed: int = 0,
    overlap: bool = True,
) -> tuple[np.ndarray, np.ndarray]:
    """Draw images of some objects at random places, as the published datasets are drawn.

    Each object is one of the templates, anywhere where it fits, all equally likely. The
    random numbers of an image depend on the seed and its own number alone: the first
    images of a longer run are the same.

    Parameters
    ----------
    templates : sequence of (h, w) arrays of 0 and 1
        Possible forms of an object, which may differ in size.
    image_shape : (H, W)
    count : int
        Number of images N.
    objects : int or (int, int)
        Number of objects in an image. With (least, most), all numbers from least to most
        are equally likely.
    seed : int
    overlap : bool
        Whether objects may cover each other. If not, the place of an object is drawn again
        until it is free.

    Returns
    -------
    images : (N, H, W) uint8
        1 where there is ink.
    groups : (N, H, W) uint8
        0 = background or overlap of objects, k = k-th object drawn.

    Raises
    ------
    InputError
        A template has no ink or does not fit into an image, or there is no room for so many
        objects without overlap.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> bar = np.ones((1, 3))
    >>> images, groups = dasbe.draw_scenes([bar, bar.T], (8, 8), count=5, objects=(2, 3), overlap=False)
    >>> images.shape, groups.max(axis=(1, 2))
    ((5, 8, 8), array([2, 2, 2, 2, 3], dtype=uint8))
    """
    from dasbe.snn.noise import SCENES, image_stream  # with PyTorch, which generators do without

    shape = checks.image_shape(image_shape)
    shapes = _templates(templates, shape)
    count = checks.whole_number("count", count, 1, MOST_SCENES)
    least, most = _numbers_of_objects(objects)
    seed, overlap = checks.seed(seed), checks.flag("overlap", overlap)
    checks.memory(3 * count * shape[0] * shape[1], f"{count} images", "draw fewer at once (count)")
    scenes = Scenes(count, shape)
    for i in range(count):
        rng = np.random.Generator(image_stream(seed, i, SCENES))
        n_objects = int(rng.integers(least, most + 1))
        if not any(_draw_scene(rng, scenes, i, shapes, n_objects, overlap) for _ in range(SCENES_TRIED)):
            raise InputError(
                f"objects: {n_objects} of them hardly fit on {shape[0]}×{shape[1]} pixels without overlap; "
                "draw fewer or smaller ones, or a larger image_shape"
            )
    arrays = scenes.render()
    return arrays["default"], arrays["groups"]


def _templates(value: Any, image_shape: tuple[int, int]) -> list[np.ndarray]:
    if isinstance(value, (str, bytes, dict)) or not isinstance(value, Iterable) or checks.n_axes(value) == 0:
        raise InputError(f"templates is {checks.shown(value)}; it must be a list of arrays (h, w) of 0 and 1")
    shapes = [checks.image(template, f"templates[{k}]") > 0 for k, template in enumerate(value)]
    if not shapes:
        raise InputError("templates is empty; it must be a list of arrays (h, w) of 0 and 1")
    for k, template in enumerate(shapes):
        if not template.any():
            raise InputError(f"templates[{k}] has no ink; leave it out")
        if template.shape[0] > image_shape[0] or template.shape[1] > image_shape[1]:
            raise InputError(f"templates[{k}] is {template.shape}, which does not fit into image_shape {image_shape}")
    return shapes


def _numbers_of_objects(value: Any) -> tuple[int, int]:
    """Least and largest number of objects."""
    given = value if isinstance(value, (tuple, list)) else (value, value)
    if len(given) != 2:
        raise InputError(f"objects is {checks.shown(value)}; it must be a whole number, or (least, most)")
    least, most = (checks.whole_number("objects", number, 1, MOST_OBJECTS) for number in given)
    if least > most:
        raise InputError(f"objects is {checks.shown(value)}; the least number comes first")
    return least, most


def _draw_scene(
    rng: np.random.Generator, scenes: Scenes, i: int, templates: list[np.ndarray], n_objects: int, overlap: bool
) -> bool:
    """Draw objects into image `i`; False if one of them found no free place."""
    coverage, groups = scenes.coverage[i], scenes.groups[i]
    coverage[:] = groups[:] = 0
    for label in range(1, n_objects + 1):
        template = templates[rng.integers(len(templates))]
        height, width = template.shape
        for _ in range(PLACES_TRIED):
            x = rng.integers(coverage.shape[1] - width + 1)
            y = rng.integers(coverage.shape[0] - height + 1)
            window = np.s_[y : y + height, x : x + width]
            if overlap or not coverage[window][template].any():
                break
        else:
            return False
        coverage[window] += template
        groups[window][template] = label
    return True
