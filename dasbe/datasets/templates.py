"""The object templates: binary arrays, 1 = ink."""

import numpy as np


def _triangle() -> np.ndarray:
    triangle = np.zeros((7, 12), np.uint8)
    for row in range(3):
        triangle[row, 5 - row : 7 + row] = 1
    for row in (3, 4):  # the legs, three pixels wide
        triangle[row, 5 - row : 8 - row] = 1
        triangle[row, 4 + row : 7 + row] = 1
    triangle[5:] = 1
    return triangle


def _square() -> np.ndarray:
    square = np.ones((7, 7), np.uint8)
    square[2:5, 2:5] = 0
    return square


def _corner() -> np.ndarray:
    corner = np.zeros((5, 5), np.uint8)
    corner[:2] = 1
    corner[:, :2] = 1
    return corner


def _corner_square() -> np.ndarray:
    square = np.zeros((20, 20), np.uint8)
    for corner, (y, x) in zip(CORNERS, ((0, 0), (15, 0), (0, 15), (15, 15))):
        square[y : y + 5, x : x + 5] = corner
    return square


SHAPES = (_square(), _triangle(), _triangle()[::-1])
CORNERS = (_corner(), _corner()[::-1], _corner()[:, ::-1], _corner()[::-1, ::-1])
CORNER_SQUARE = _corner_square()
VERTICAL_BAR = np.ones((20, 1), np.uint8)
HORIZONTAL_BAR = np.ones((1, 20), np.uint8)
