"""Generators of the datasets with MNIST digits."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.random import RandomState

from dasbe.datasets.mnist import load_digits
from dasbe.datasets.scenes import Scenes
from dasbe.datasets.static import SHAPES_SHAPE, Block, Sizes, draw_place, draw_shape, render_placements, shuffled
from dasbe.datasets.templates import SHAPES

MULTI_MNIST_SHAPE = (48, 48)
MAX_OVERLAP = 0.2  # of the last digit's pixels
BLOCK_IMAGES = 10000


def mnist_shape(rng: RandomState, sizes: Sizes, mnist: Path | str | None = None) -> Iterator[Block]:
    """One digit (label 1) and one of the three shapes (label 2) on 28×28."""
    training, test = (load_digits(part, mnist) / 255 > 0.5 for part in ("train", "t10k"))

    def with_shape(digits: np.ndarray) -> dict[str, np.ndarray]:
        placements = np.array([[draw_shape(rng)] for _ in digits])
        shapes = render_placements(placements, SHAPES, SHAPES_SHAPE, first_label=2)
        covered_twice = digits & (shapes["default"] > 0)
        groups = np.where(covered_twice, 0, shapes["groups"] + digits)
        return {"default": (digits | (shapes["default"] > 0)).astype(np.uint8), "groups": groups.astype(np.uint8)}

    yield "train_multi", with_shape(training[: sizes["multi"]])
    yield "test", with_shape(test[: sizes["test"]])
    half = sizes["single"] // 2
    chosen = np.array([rng.randint(0, len(training)) for _ in range(half)])
    digits = training[chosen].astype(np.uint8)
    shapes = with_shape(np.zeros((sizes["single"] - half, *SHAPES_SHAPE), bool))
    yield "train_single", shuffled(rng, {"default": digits, "groups": digits}, shapes)


def cropped(digits: np.ndarray) -> list[np.ndarray]:
    """Each digit binarised, without its empty rows and columns (those inside the digit as well)."""
    return [digit[digit.any(1)][:, digit.any(0)] / 255 >= 0.5 for digit in digits]


def place_digits(rng: RandomState, digits: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """Coverage and labels of one image; places are drawn until the last digit overlaps little."""
    while True:
        coverage = np.zeros(MULTI_MNIST_SHAPE, np.uint8)
        groups = np.zeros(MULTI_MNIST_SHAPE, np.uint8)
        for label, digit in enumerate(digits, start=1):
            y, x = draw_place(rng, digit, MULTI_MNIST_SHAPE)
            window = np.s_[y : y + digit.shape[0], x : x + digit.shape[1]]
            coverage[window] += digit
            groups[window][digit] = label
        if np.count_nonzero(coverage[window][digit] > 1) < MAX_OVERLAP * np.count_nonzero(digit):
            return coverage, groups


def multi_mnist(rng: RandomState, sizes: Sizes, mnist: Path | str | None = None) -> Iterator[Block]:
    """Three digits on 48×48; singles of one digit."""
    training, test = (cropped(load_digits(part, mnist)) for part in ("train", "t10k"))

    def draw(group: str, count: int, choose: Callable[[int], list[np.ndarray]]) -> Iterator[Block]:
        for start in range(0, count, BLOCK_IMAGES):
            scenes = Scenes(min(BLOCK_IMAGES, count - start), MULTI_MNIST_SHAPE)
            for i in range(len(scenes.groups)):
                scenes.coverage[i], scenes.groups[i] = place_digits(rng, choose(start + i))
            yield group, scenes.render()

    yield from draw("train_multi", sizes["multi"], lambda i: [training[k] for k in rng.randint(0, len(training), 3)])
    yield from draw("test", sizes["test"], lambda i: [test[k] for k in rng.randint(0, len(test), 3)])
    yield from draw("train_single", sizes["single"], lambda i: [training[i % len(training)]])
