"""Generators of the sequences of moving shapes (paper, section 4.4)."""

from collections.abc import Iterator

import numpy as np
from numpy.random import RandomState

from dasbe.datasets.scenes import Scenes
from dasbe.datasets.static import SHAPES_SHAPE, Block, Sizes, draw_place
from dasbe.datasets.templates import SHAPES

DIRECTIONS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, -1), (-1, 1)])  # (dx, dy)
ENTRY_FRAMES = (0, 15, 30)  # of the objects of `moving_shapes_3`
BLOCK_SEQUENCES = 20


def _draw_shape(rng: RandomState, shape: int | None) -> int:
    return rng.randint(0, len(SHAPES)) if shape is None else shape


def _start_together(rng: RandomState, n_objects: int, shape: int | None) -> np.ndarray:
    """(objects, 4: shape, direction, y, x) of objects that are there from the first frame on."""
    shapes = [_draw_shape(rng, shape) for _ in range(n_objects)]
    directions = [rng.randint(0, len(DIRECTIONS)) for _ in range(n_objects)]
    places = [draw_place(rng, SHAPES[s], SHAPES_SHAPE) for s in shapes]
    return np.array([(s, d, *place) for s, d, place in zip(shapes, directions, places)])


def _start_in_turn(rng: RandomState, n_objects: int, shape: int | None) -> np.ndarray:
    """The same for objects that are drawn one after another, as they enter."""
    objects = []
    for _ in range(n_objects):
        s, direction = _draw_shape(rng, shape), rng.randint(0, len(DIRECTIONS))
        objects.append((s, direction, *draw_place(rng, SHAPES[s], SHAPES_SHAPE)))
    return np.array(objects)


def trajectory(start: np.ndarray, step: np.ndarray, room: np.ndarray, n_frames: int) -> np.ndarray:
    """Positions along one axis of objects that bounce off both ends.

    After every frame p ← p + step; beyond the end p ← room − 1, before the start p ← 1,
    and the step changes its sign.

    Parameters
    ----------
    start, step, room : (m,) int
        First position, −1, 0 or 1, and the last position at which the object fits.
    n_frames : int

    Returns
    -------
    (n_frames, m) int
    """
    position, step = start.copy(), step.copy()
    positions = np.empty((n_frames, len(start)), np.int64)
    for frame in range(n_frames):
        positions[frame] = position
        position += step
        beyond, before = position > room, position < 0
        position[beyond] = room[beyond] - 1
        position[before] = 1
        step[beyond | before] *= -1
    return positions


def _render(objects: np.ndarray, n_frames: int, entries: tuple[int, ...]) -> dict[str, np.ndarray]:
    """Frames (sequences, n_frames, H, W) of `objects` (sequences, objects, 4), each from its entry on."""
    n = len(objects)
    scenes = Scenes(n * n_frames, SHAPES_SHAPE)
    for k, entry in zip(range(objects.shape[1]), entries):
        shape, direction, y, x = objects[:, k].T
        room_y, room_x = np.transpose([np.subtract(SHAPES_SHAPE, SHAPES[s].shape) for s in shape])
        ys = trajectory(y, DIRECTIONS[direction, 1], room_y, n_frames - entry)
        xs = trajectory(x, DIRECTIONS[direction, 0], room_x, n_frames - entry)
        for s, template in enumerate(SHAPES):
            chosen = np.flatnonzero(shape == s)
            frames = (chosen * n_frames + np.arange(entry, n_frames)[:, None]).ravel()
            scenes.place(frames, template, ys[:, chosen].ravel(), xs[:, chosen].ravel(), k + 1)
    return {key: array.reshape(n, n_frames, *SHAPES_SHAPE) for key, array in scenes.render().items()}


def _sequences(
    rng: RandomState, group: str, count: int, n_frames: int, n_objects: int, shape: int | None, late: bool
) -> Iterator[Block]:
    start = _start_in_turn if late else _start_together
    entries = ENTRY_FRAMES if late else n_objects * (0,)
    for first in range(0, count, BLOCK_SEQUENCES):
        objects = [start(rng, n_objects, shape) for _ in range(min(BLOCK_SEQUENCES, count - first))]
        yield group, _render(np.array(objects), n_frames, entries)


def _moving(rng: RandomState, sizes: Sizes, late: bool) -> Iterator[Block]:
    frames = sizes["frames"]
    yield from _sequences(rng, "train_multi", sizes["multi"], frames, 3, None, late)
    yield from _sequences(rng, "test", sizes["test"], frames, 3, None, late)
    yield from _sequences(rng, "train_single", sizes["single"], frames, 1, None, False)
    for shape in range(3):
        yield from _sequences(rng, f"train_single_{shape}", sizes["single"], frames, 1, shape, False)


def moving_shapes(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Three shapes that move and bounce; sequences of one shape."""
    return _moving(rng, sizes, late=False)


def moving_shapes_3(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """The same, but the three shapes enter at frames 0, 15 and 30."""
    return _moving(rng, sizes, late=True)


def moving_shapes_train(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Sequences of one shape to train the recurrent network on; not published, drawn by the same rule."""
    return _sequences(rng, "train_single", sizes["single"], sizes["frames"], 1, None, False)
