"""Generators of the datasets, of still images and of films.

Every generator takes a `numpy.random.RandomState` and yields ``(group, arrays)``
blocks in the order in which the published scripts draw their random numbers, so that
the arrays equal the published ones bit for bit; where a group is large, several
blocks of the same group follow each other. The order of the draws within an image is
part of the format, and comments mark where it is not the obvious one.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.random import RandomState

from dasbe.datasets.scenes import Scenes


def template_of(*rows: str) -> np.ndarray:
    """The object that `rows` draw, (h, w) uint8: 1 where there is a #."""
    return np.array([[mark == "#" for mark in row] for row in rows], np.uint8)


SQUARE = template_of(*2 * ["#######"], *3 * ["##...##"], *2 * ["#######"])
TRIANGLE = template_of(
    ".....##.....",
    "....####....",
    "...######...",
    "..###..###..",
    ".###....###.",
    "############",
    "############",
)
CORNER = template_of(*2 * ["#####"], *3 * ["##..."])
SHAPES = (SQUARE, TRIANGLE, TRIANGLE[::-1])
CORNERS = (CORNER, CORNER[::-1], CORNER[:, ::-1], CORNER[::-1, ::-1])
CORNER_SQUARE = np.zeros((20, 20), np.uint8)
for _corner, _y, _x in zip(CORNERS, (0, 15, 0, 15), (0, 0, 15, 15)):
    CORNER_SQUARE[_y : _y + 5, _x : _x + 5] = _corner
VERTICAL_BAR = np.ones((20, 1), np.uint8)
HORIZONTAL_BAR = np.ones((1, 20), np.uint8)

Block = tuple[str, dict[str, np.ndarray]]
Sizes = dict[str, int]
Placement = tuple[int, int, int]  # template number, y, x

BARS_SHAPE = (20, 20)
SHAPES_SHAPE = (28, 28)
MULTI_MNIST_SHAPE = (48, 48)
LARGEST_OVERLAP = 0.2  # share of the last digit's pixels
BLOCK_IMAGES = 10000


def draw_place(rng: RandomState, template: np.ndarray, image_shape: tuple[int, int]) -> tuple[int, int]:
    """Top left corner (y, x) of an object anywhere it fits; x is drawn first."""
    x = rng.randint(0, image_shape[1] - template.shape[1] + 1)
    y = rng.randint(0, image_shape[0] - template.shape[0] + 1)
    return y, x


def draw_scenes_of(rng: RandomState, count: int, draws: Sequence[Callable[[RandomState], Placement]]) -> np.ndarray:
    """Placements, (count, objects, 3), of images with one object for each of `draws`, in that order."""
    placements = np.empty((count, len(draws), 3), np.int64)
    for i in range(count):
        for k, draw in enumerate(draws):
            placements[i, k] = draw(rng)
    return placements


def render_placements(
    placements: np.ndarray, templates: Sequence[np.ndarray], image_shape: tuple[int, int], first_label: int = 1
) -> dict[str, np.ndarray]:
    """Images and labels of `placements` (N, objects, 3: template number, y, x), labelled in drawing order."""
    scenes = Scenes(len(placements), image_shape)
    for k in range(placements.shape[1]):
        number, y, x = placements[:, k].T
        for t, template in enumerate(templates):
            chosen = np.flatnonzero(number == t)
            scenes.place(chosen, template, y[chosen], x[chosen], k + first_label)
    return scenes.render()


def shuffled(rng: RandomState, *parts: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """All images of `parts` in an order drawn from `rng`."""
    order = rng.permutation(sum(len(part["default"]) for part in parts))
    return {key: np.concatenate([part[key] for part in parts])[order] for key in parts[0]}


def bars(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Six vertical and six horizontal bars on 20×20; singles of one bar."""

    def draw(count: int, n_vertical: int, n_horizontal: int) -> dict[str, np.ndarray]:
        lines = np.arange(20)
        # an empty choice consumes random numbers as well, so it is drawn too
        drawn = [[rng.choice(lines, replace=False, size=n) for n in (n_vertical, n_horizontal)] for _ in range(count)]
        chosen = np.array([np.concatenate(both) for both in drawn], np.int64)
        scenes, everyone = Scenes(count, BARS_SHAPE), np.arange(count)
        for k in range(n_vertical):
            scenes.place(everyone, VERTICAL_BAR, 0, chosen[:, k], k + 1)
        for k in range(n_vertical, n_vertical + n_horizontal):
            scenes.place(everyone, HORIZONTAL_BAR, chosen[:, k], 0, k + 1)
        return scenes.render()

    yield "train_multi", draw(sizes["multi"], 6, 6)
    yield "test", draw(sizes["test"], 6, 6)
    horizontal = draw(sizes["single"] // 2, 0, 1)
    vertical = draw(sizes["single"] - sizes["single"] // 2, 1, 0)
    yield "train_single", shuffled(rng, horizontal, vertical)
    yield "train_single_hori", horizontal
    yield "train_single_vert", vertical


def corners(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """One square made of four corners, and four loose corners, on 28×28."""
    templates = (*CORNERS, CORNER_SQUARE)

    def square(rng: RandomState) -> Placement:
        return (4, *draw_place(rng, CORNER_SQUARE, SHAPES_SHAPE))

    def corner(rng: RandomState) -> Placement:
        place = draw_place(rng, CORNERS[0], SHAPES_SHAPE)
        return (rng.randint(0, 4), *place)  # which of the four is drawn after the place

    def draw(count: int, draws: Sequence[Callable[[RandomState], Placement]]) -> dict[str, np.ndarray]:
        return render_placements(draw_scenes_of(rng, count, draws), templates, SHAPES_SHAPE)

    yield "train_multi", draw(sizes["multi"], [square] + 4 * [corner])
    yield "test", draw(sizes["test"], [square] + 4 * [corner])
    squares = draw(sizes["single"] // 7, [square])
    loose = draw(sizes["single"] - sizes["single"] // 7, [corner])
    yield "train_single", shuffled(rng, squares, loose)


def _draw_kind(rng: RandomState, shape: int | None) -> int:
    """Number of one of the three shapes, drawn unless given."""
    return rng.randint(0, len(SHAPES)) if shape is None else shape


def draw_shape(rng: RandomState, shape: int | None = None) -> Placement:
    """(shape number, y, x) of one of the three shapes; the shape is drawn unless given."""
    shape = _draw_kind(rng, shape)
    return (shape, *draw_place(rng, SHAPES[shape], SHAPES_SHAPE))


def shapes(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Three of square, triangle, inverted triangle on 28×28; singles, and singles of each shape."""

    def draw(count: int, n_objects: int, shape: int | None = None) -> dict[str, np.ndarray]:
        draws = n_objects * [lambda rng: draw_shape(rng, shape)]
        return render_placements(draw_scenes_of(rng, count, draws), SHAPES, SHAPES_SHAPE)

    yield "train_multi", draw(sizes["multi"], 3)
    yield "test", draw(sizes["test"], 3)
    yield "train_single", draw(sizes["single"], 1)
    for shape in range(3):
        yield f"train_single_{shape}", draw(sizes["single"], 1, shape)


def shapes_with_pos(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Single shapes with ``pos``, the (y, x) of the top left corner."""
    for shape in range(3):
        draws = [lambda rng: draw_shape(rng, shape)]
        placements = draw_scenes_of(rng, sizes["single"], draws)
        arrays = render_placements(placements, SHAPES, SHAPES_SHAPE)
        yield f"train_single_{shape}", {**arrays, "pos": placements[:, 0, 1:].astype(np.uint8)}


def _digits(mnist: Path | str | None) -> tuple[np.ndarray, np.ndarray]:
    """Training and test digits of MNIST, (N, 28, 28) uint8 each, from the folder `mnist` if it is named."""
    from dasbe.datasets.mnist import load_digits  # only here, since it imports all that a download takes

    return load_digits("train", mnist), load_digits("t10k", mnist)


def mnist_shape(rng: RandomState, sizes: Sizes, mnist: Path | str | None = None) -> Iterator[Block]:
    """One digit (label 1) and one of the three shapes (label 2) on 28×28."""
    training, test = (digits / 255 > 0.5 for digits in _digits(mnist))

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
        if np.count_nonzero(coverage[window][digit] > 1) < LARGEST_OVERLAP * np.count_nonzero(digit):
            return coverage, groups


def multi_mnist(rng: RandomState, sizes: Sizes, mnist: Path | str | None = None) -> Iterator[Block]:
    """Three digits on 48×48; singles of one digit."""
    training, test = map(cropped, _digits(mnist))

    def draw(group: str, count: int, choose: Callable[[int], list[np.ndarray]]) -> Iterator[Block]:
        for start in range(0, count, BLOCK_IMAGES):
            scenes = Scenes(min(BLOCK_IMAGES, count - start), MULTI_MNIST_SHAPE)
            for i in range(len(scenes.groups)):
                scenes.coverage[i], scenes.groups[i] = place_digits(rng, choose(start + i))
            yield group, scenes.render()

    yield from draw("train_multi", sizes["multi"], lambda i: [training[k] for k in rng.randint(0, len(training), 3)])
    yield from draw("test", sizes["test"], lambda i: [test[k] for k in rng.randint(0, len(test), 3)])
    yield from draw("train_single", sizes["single"], lambda i: [training[i % len(training)]])


DIRECTIONS = np.array([(1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (1, -1), (-1, -1), (-1, 1)])  # (dx, dy)
ENTRY_FRAMES = (0, 15, 30)  # of the objects of `moving_shapes_3`
BLOCK_FILMS = 20


def _start_together(rng: RandomState, n_objects: int, shape: int | None) -> np.ndarray:
    """(objects, 4: shape, direction, y, x) of objects present from the first frame on."""
    shapes = [_draw_kind(rng, shape) for _ in range(n_objects)]
    directions = [rng.randint(0, len(DIRECTIONS)) for _ in range(n_objects)]
    places = [draw_place(rng, SHAPES[s], SHAPES_SHAPE) for s in shapes]
    return np.array([(s, d, *place) for s, d, place in zip(shapes, directions, places)])


def _start_in_turn(rng: RandomState, n_objects: int, shape: int | None) -> np.ndarray:
    """The same for objects drawn one after another, as they enter."""
    objects = []
    for _ in range(n_objects):
        s, direction = _draw_kind(rng, shape), rng.randint(0, len(DIRECTIONS))
        objects.append((s, direction, *draw_place(rng, SHAPES[s], SHAPES_SHAPE)))
    return np.array(objects)


def trajectory(start: np.ndarray, step: np.ndarray, room: np.ndarray, n_frames: int) -> np.ndarray:
    """Positions (n_frames, m) along one axis of m objects that bounce off both ends.

    After every frame p ← p + step, with a step of −1, 0 or 1. Beyond `room`, the last position
    at which the object fits, p ← room − 1; before 0, p ← 1; and the step changes its sign.
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
    """Films (N, n_frames, H, W) of `objects` (N, objects, 4), each from its entry on."""
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


def _films(
    rng: RandomState, group: str, count: int, n_frames: int, n_objects: int, shape: int | None, late: bool
) -> Iterator[Block]:
    start = _start_in_turn if late else _start_together
    entries = ENTRY_FRAMES if late else n_objects * (0,)
    for first in range(0, count, BLOCK_FILMS):
        objects = [start(rng, n_objects, shape) for _ in range(min(BLOCK_FILMS, count - first))]
        yield group, _render(np.array(objects), n_frames, entries)


def moving_shapes(rng: RandomState, sizes: Sizes, late: bool = False) -> Iterator[Block]:
    """Three shapes that move and bounce; films of one shape. If `late`, the three enter in turn."""
    frames = sizes["frames"]
    yield from _films(rng, "train_multi", sizes["multi"], frames, 3, None, late)
    yield from _films(rng, "test", sizes["test"], frames, 3, None, late)
    yield from _films(rng, "train_single", sizes["single"], frames, 1, None, False)
    for shape in range(3):
        yield from _films(rng, f"train_single_{shape}", sizes["single"], frames, 1, shape, False)


def moving_shapes_3(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Three moving shapes that enter at frames 0, 15 and 30; films of one shape."""
    return moving_shapes(rng, sizes, late=True)


def moving_shapes_train(rng: RandomState, sizes: Sizes) -> Iterator[Block]:
    """Films of one shape to train the recurrent network on; not published, drawn by the same rule."""
    return _films(rng, "train_single", sizes["single"], sizes["frames"], 1, None, False)
