"""Variations of the datasets that show where binding breaks: other numbers of objects, and clutter."""

import numpy as np
from numpy.random import PCG64, RandomState, SeedSequence

from dasbe.datasets.generators import (
    CORNER_SQUARE,
    CORNERS,
    MULTI_MNIST_SHAPE,
    SHAPES,
    SHAPES_SHAPE,
    cropped,
    draw_place,
    place_digits,
)
from dasbe.datasets.mnist import load_digits
from dasbe.datasets.scenes import Scenes
from dasbe.support import checks

VARIED = ("shapes", "corners", "multi_mnist", "mnist_shape")
DIGITS = "t10k"  # the part of MNIST that no network has seen


def scenes_of(dataset: str, n_objects: int, count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw scenes like those of a dataset, with `n_objects` in each.

    In shapes, an object is any of the three shapes; in multi_mnist, any digit of the test
    set. In corners and mnist_shape, the first object is a corner square or a test digit,
    and all others are corners or shapes. Objects may cover each other as in the datasets
    (in multi_mnist, less than a fifth of the last digit is covered).

    Returned are the images and groups, (count, H, W) uint8, as from :func:`dasbe.draw_scenes`.

    Raises
    ------
    InputError
        `dataset` is none of `VARIED`.
    MissingFileError
        The files of MNIST are missing.
    """
    checks.one_of("dataset", dataset, VARIED)
    rng = RandomState(PCG64(SeedSequence([seed, n_objects])))
    if dataset == "multi_mnist":
        scenes, digits = Scenes(count, MULTI_MNIST_SHAPE), cropped(load_digits(DIGITS))
        for i in range(count):
            chosen = [digits[k] for k in rng.randint(0, len(digits), n_objects)]
            scenes.coverage[i], scenes.groups[i] = place_digits(rng, chosen)
    else:
        scenes, (first, others) = Scenes(count, SHAPES_SHAPE), _templates(dataset)
        for i in range(count):
            for label in range(1, n_objects + 1):
                templates = first if label == 1 else others
                template = templates[rng.randint(0, len(templates))]
                scenes.place(np.array([i]), template, *draw_place(rng, template, SHAPES_SHAPE), label)
    arrays = scenes.render()
    return arrays["default"], arrays["groups"]


def _templates(dataset: str) -> tuple:
    """Templates of the first object of a scene, and of all others."""
    if dataset == "mnist_shape":
        return load_digits(DIGITS) / 255 > 0.5, SHAPES
    return ((CORNER_SQUARE,), CORNERS) if dataset == "corners" else (SHAPES, SHAPES)


def cluttered(images: np.ndarray, groups: np.ndarray, part: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images and groups (N, H, W) with each pixel switched, on or off, with probability `part`.

    A switched pixel belongs to no object (group 0). With the same seed, the pixels of a
    smaller part are among those of a larger one.
    """
    switched = np.random.default_rng(seed).random(images.shape) < part
    return np.where(switched, 1 - images, images), np.where(switched, 0, groups)


def overlap(images: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Share of the ink without a single object, (N,), in images and groups (N, H, W) of a dataset."""
    ink = images == 1
    return (ink & (groups == 0)).sum((1, 2)) / ink.sum((1, 2))
