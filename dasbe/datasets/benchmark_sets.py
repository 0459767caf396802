"""Generators of the sets on which others have measured, and of our shapes in colour.

Binary sets hold what those of :mod:`dasbe.datasets.generators` hold. In grey and in colour
an image is (H, W) or (3, H, W) uint8 from 0 to 255, later objects lie on top of earlier
ones, and a third array, ``ground``, is 1 where the background is seen. Where two objects of
one colour overlap nobody can tell whose a pixel is: its label is 0, and it is not ground.
Single objects, which networks are trained on, are binary: a network sees spikes, not colours.
"""

import colorsys
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import islice
from typing import Any

import numpy as np
from numpy.random import RandomState

from dasbe.datasets.generators import (
    SHAPES,
    SHAPES_SHAPE,
    Block,
    Placement,
    Sizes,
    draw_place,
    draw_scenes_of,
    render_placements,
    template_of,
)

TAGGER_SHAPE = (20, 20)
CAE_SHAPE = (32, 32)
AKORN_SHAPE, AKORN_SEED, AKORN_FRAME = (40, 40), 1234, 18  # its shapes lie in frames of 18×18, anywhere
TETROMINOES_SHAPE, BLOCK_SIDE = (35, 35), 5
SPRITES_SHAPE = (32, 32)
FEWEST_VISIBLE = 12  # pixels of each object; other scenes are drawn again
BLOCK_IMAGES = 1000
SPLITS = {"train_multi": "multi", "validation": "validation", "test": "test"}
"""Size of each split, by its key."""

Draw = Callable[[RandomState], np.ndarray]
"""Masks (K, H, W) bool of the objects of a scene."""
Paint = Callable[[RandomState, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""From masks to the colours (K, 3, H, W) and the ground (3, H, W), from 0 to 1."""


def tagger_shapes(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Three of our shapes on 20×20, as drawn for Tagger (Greff et al. 2016); singles of one shape."""
    for split, key in (*SPLITS.items(), ("train_single", "single")):
        n_objects = 1 if key == "single" else 3
        yield split, _placed(rng, sizes[key], SHAPES, TAGGER_SHAPE, n_objects)


def gust_shapes(rng: RandomState, sizes: Sizes, n_objects: int) -> Iterator[Block]:
    """Scenes of `n_objects` of our shapes on 28×28, as GUST (Zheng, Lin, Zhao 2023) draws them."""
    for split, key in SPLITS.items():
        yield split, _placed(rng, sizes[key], SHAPES, SHAPES_SHAPE, n_objects)


CAE_SQUARE = np.pad(np.zeros((7, 7), np.uint8), 3, constant_values=1)
CAE_TRIANGLE = template_of(
    "........#........",
    ".......###.......",
    "......#####......",
    ".....#######.....",
    "....####.####....",
    "...####...####...",
    "..####.....####..",
    ".###############.",
    "#################",
)
CAE_SHAPES = (CAE_SQUARE, CAE_TRIANGLE, CAE_TRIANGLE[::-1])


def cae_shapes(rng: RandomState, sizes: Sizes, templates: Sequence[np.ndarray]) -> Iterator[Block]:
    """One of each of `templates` on 32×32, redrawn after Löwe et al. 2022; singles of one of them."""
    for split, key in SPLITS.items():
        draws = [partial(_draw_one, templates, CAE_SHAPE, k) for k in range(len(templates))]
        yield split, render_placements(draw_scenes_of(rng, sizes[key], draws), templates, CAE_SHAPE)
    yield "train_single", _placed(rng, sizes["single"], templates, CAE_SHAPE, 1)


def _draw_one(
    templates: Sequence[np.ndarray], image_shape: tuple[int, int], number: int | None, rng: RandomState
) -> Placement:
    """(number, y, x) of a template, which is drawn unless its number is given."""
    number = rng.randint(0, len(templates)) if number is None else number
    return (number, *draw_place(rng, templates[number], image_shape))


def _placed(
    rng: RandomState, count: int, templates: Sequence[np.ndarray], image_shape: tuple[int, int], n_objects: int
) -> dict[str, np.ndarray]:
    """Images of `n_objects` templates each, anywhere."""
    draws = n_objects * [partial(_draw_one, templates, image_shape, None)]
    return render_placements(draw_scenes_of(rng, count, draws), templates, image_shape)


def _framed(template: np.ndarray, y: int, x: int) -> np.ndarray:
    """`template` in a frame of 18×18, its top left corner at (y, x)."""
    frame = np.zeros((AKORN_FRAME, AKORN_FRAME), np.uint8)
    frame[y : y + template.shape[0], x : x + template.shape[1]] = template
    return frame


AKORN_SHAPES = (
    _framed(
        template_of(
            ".......#.......",
            "......###......",
            ".....##.##.....",
            "....##...##....",
            "...##.....##...",
            "..##.......##..",
            ".#############.",
            "###############",
        ),
        4,
        1,
    ),
    _framed(np.pad(np.zeros((6, 6), np.uint8), 2, constant_values=1), 3, 3),
    _framed(
        template_of(
            "...#######...",
            "..#########..",
            ".###.....###.",
            "###.......###",
            *5 * ["##.........##"],
            "###.......###",
            ".###.....###.",
            "..#########..",
            "...#######...",
        ),
        2,
        2,
    ),
    _framed(
        template_of(
            "......#......",
            ".....###.....",
            "....##.##....",
            "...##...##...",
            "..##.....##..",
            ".##.......##.",
            "##.........##",
            ".##.......##.",
            "..##.....##..",
            "...##...##...",
            "....##.##....",
            ".....###.....",
            "......#......",
        ),
        2,
        2,
    ),
)


def akorn_shapes(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Two to four hollow shapes of full brightness on a grey ground, 40×40 (Miyato et al. 2025); our own singles.

    The random numbers are those of AKOrN's script, so the images are its images, but for
    the ground, which is rounded to 1/255.
    """
    stream = random.Random(AKORN_SEED)  # of Python, as in the script; `rng` draws the singles, which it does not have
    for split, key in SPLITS.items():
        for start in range(0, sizes[key], BLOCK_IMAGES):
            count = min(BLOCK_IMAGES, sizes[key] - start)
            grey = np.empty((count, 1, 1), np.uint8)
            coverage, groups = np.zeros((2, count, *AKORN_SHAPE), np.uint8)
            for i in range(count):
                grey[i] = round(255 * stream.uniform(0.1, 0.6))
                for label in range(1, stream.randint(2, 4) + 1):
                    mask = AKORN_SHAPES[stream.randint(1, 4) - 1] > 0
                    y, x = (stream.randint(0, side - AKORN_FRAME) for side in AKORN_SHAPE)
                    window = np.s_[i, y : y + AKORN_FRAME, x : x + AKORN_FRAME]
                    coverage[window] += mask
                    groups[window][mask] = label
            groups[coverage > 1] = 0
            images = np.where(coverage > 0, np.uint8(255), grey)
            yield split, {"default": images, "groups": groups, "ground": (coverage == 0).astype(np.uint8)}
    yield "train_single", _placed(rng, sizes["single"], AKORN_SHAPES, AKORN_SHAPE, 1)


def _tetrominoes() -> tuple[np.ndarray, ...]:
    """The pieces of four blocks in all their orientations, 19 of them, (h, w) in pixels."""
    pieces = ("####",), ("##", "##"), ("###", ".#."), ("##.", ".##"), (".##", "##."), ("#..", "###"), ("..#", "###")
    turned = [np.rot90(template_of(*rows), quarter) for rows in pieces for quarter in range(4)]
    different = {(piece.shape, piece.tobytes()): piece for piece in turned}
    return tuple(np.kron(piece, np.ones((BLOCK_SIDE, BLOCK_SIDE), np.uint8)) for piece in different.values())


TETROMINOES = _tetrominoes()
SIX_COLOURS = np.array([(1, 0, 0), (0, 1, 0), (0, 0, 1), (1, 1, 0), (1, 0, 1), (0, 1, 1)], float)


def _masks(placements: np.ndarray, templates: Sequence[np.ndarray], image_shape: tuple[int, int]) -> np.ndarray:
    """(K, H, W) bool of `placements` (K, 3)."""
    masks = np.zeros((len(placements), *image_shape), bool)
    for mask, (number, y, x) in zip(masks, placements):
        height, width = templates[number].shape
        mask[y : y + height, x : x + width] = templates[number]
    return masks


def _three_pieces(rng: RandomState) -> np.ndarray:
    """Masks of three tetrominoes that do not overlap."""
    while True:
        places = [_draw_one(TETROMINOES, TETROMINOES_SHAPE, None, rng) for _ in range(3)]
        masks = _masks(np.array(places), TETROMINOES, TETROMINOES_SHAPE)
        if masks.sum(0).max() == 1:
            return masks


def _six_colours(rng: RandomState, masks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """One of six colours for each object, on black."""
    return _flat(SIX_COLOURS[rng.randint(0, len(SIX_COLOURS), len(masks))], masks), np.zeros((3, *masks.shape[1:]))


def tetrominoes(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Three tetrominoes of one of six colours on black, 35×35, as in DeepMind's set (Kabra et al. 2019) but flat."""
    yield from _painted(rng, sizes, _three_pieces, _six_colours)
    yield "train_single", _placed(rng, sizes["single"], TETROMINOES, TETROMINOES_SHAPE, 1)


def _sprite(rng: RandomState) -> np.ndarray:
    """Mask of a square, an ellipse or a heart, of any size, direction and place."""
    height, width = SPRITES_SHAPE
    kind, size, angle = rng.randint(0, 3), rng.uniform(4, 7.5), rng.uniform(0, 2 * np.pi)
    row, column = np.mgrid[:height, :width]
    row, column = row - rng.uniform(5, height - 5), column - rng.uniform(5, width - 5)
    u = (np.cos(angle) * column + np.sin(angle) * row) / size
    v = (np.cos(angle) * row - np.sin(angle) * column) / size
    if kind == 0:
        return np.maximum(abs(u), abs(v)) < 0.75
    if kind == 1:
        return u**2 + (v / 0.6) ** 2 < 1
    return (1.3 * u) ** 2 + (0.3 - 1.3 * v - 0.8 * abs(1.3 * u) ** 0.5) ** 2 < 1


def _some_sprites(rng: RandomState) -> np.ndarray:
    return np.stack([_sprite(rng) for _ in range(rng.randint(2, 5))])


def sprites(rng: RandomState, sizes: Sizes, shaded: bool) -> Iterator[Block]:
    """Two to four sprites in colour on a grey ground, 32×32, after Multi-dSprites; flat, or darker towards one side."""
    yield from _painted(rng, sizes, _some_sprites, partial(_own_colours, shaded=shaded, ground="grey"))
    single = np.stack([_sprite(rng) for _ in range(sizes["single"])]).astype(np.uint8)
    yield "train_single", {"default": single, "groups": single}


def _three_shapes(rng: RandomState) -> np.ndarray:
    places = [_draw_one(SHAPES, SHAPES_SHAPE, None, rng) for _ in range(3)]
    return _masks(np.array(places), SHAPES, SHAPES_SHAPE)


def _own_colours(
    rng: RandomState, masks: np.ndarray, n_colours: int = 0, shaded: bool = False, ground: str = "black"
) -> tuple[np.ndarray, np.ndarray]:
    """A bright colour for each object, or one of `n_colours`; on black, grey, a colour or a gradient."""
    drawn = [(rng.rand(), rng.uniform(0.7, 1), rng.uniform(0.7, 1)) for _ in range(n_colours or len(masks))]
    colours = np.array([colorsys.hsv_to_rgb(*hsv) for hsv in drawn])
    if n_colours:
        colours = colours[rng.randint(0, n_colours, len(masks))]
    painted = _flat(colours, masks)
    if shaded:
        painted = painted * np.stack([_shade(rng, mask, 0.35, 1) for mask in masks])[:, None]
    below = np.zeros(3)
    if ground == "grey":
        below[:] = rng.uniform(0.2, 0.6)
    elif ground != "black":
        while abs(colours - below).sum(1).min() < 0.4 or not below.any():
            below = rng.rand(3)
    whole = np.broadcast_to(below[:, None, None], (3, *masks.shape[1:]))
    if ground == "gradient":
        whole = whole * _shade(rng, np.ones(masks.shape[1:], bool), 0.4, 1)
    return painted, whole


def _flat(colours: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """`colours` (K, 3) as (K, 3, H, W)."""
    return np.broadcast_to(colours[:, :, None, None], (len(masks), 3, *masks.shape[1:]))


def _shade(rng: RandomState, mask: np.ndarray, dark: float, bright: float) -> np.ndarray:
    """Brightness (H, W) that rises from `dark` to `bright` across `mask`, in a random direction."""
    slope = rng.randn(2)
    height = np.tensordot(slope / np.hypot(*slope), np.indices(mask.shape), 1)
    low, high = height[mask].min(), height[mask].max()
    return dark + (bright - dark) * np.clip((height - low) / max(high - low, 1e-9), 0, 1)


def coloured_shapes(rng: RandomState, sizes: Sizes, **colours: Any) -> Iterator[Block]:
    """Three of our shapes on 28×28 in `colours`, the options of `_own_colours`; the network is that of shapes."""
    return _painted(rng, sizes, _three_shapes, partial(_own_colours, **colours))


def _painted(rng: RandomState, sizes: Sizes, draw: Draw, paint: Paint) -> Iterator[Block]:
    """Blocks of scenes whose objects `draw` places and `paint` colours."""
    scenes = _one_by_one(rng, draw, paint)
    for split, key in SPLITS.items():
        for start in range(0, sizes[key], BLOCK_IMAGES):
            parts = zip(*islice(scenes, min(BLOCK_IMAGES, sizes[key] - start)))
            yield split, dict(zip(("default", "groups", "ground"), map(np.stack, parts)))


def _one_by_one(rng: RandomState, draw: Draw, paint: Paint) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Images (3, H, W), labels and ground (H, W), uint8, of scenes in which each object is seen."""
    while True:
        masks = draw(rng)
        colours, image = paint(rng, masks)
        groups: np.ndarray = np.zeros(masks.shape[1:], np.uint8)
        for label, (mask, colour) in enumerate(zip(masks, colours), start=1):
            same = np.isclose(image, colour).all(0) & (groups > 0)
            image = np.where(mask, colour, image)
            groups = np.where(mask, np.where(same, 0, label), groups).astype(np.uint8)
        if np.bincount(groups.ravel(), minlength=len(masks) + 1)[1:].min() >= FEWEST_VISIBLE:
            ground = np.where(masks.any(0), 0, 1).astype(np.uint8)
            yield np.round(255 * image).astype(np.uint8), groups, ground
