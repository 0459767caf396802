"""Scenes: objects placed on an empty image, and the images and labels that follow from them.

:class:`Scenes` collects where objects lie; :meth:`Scenes.render` draws all images at
once. The image is the union of its objects; a pixel covered more than once belongs
to no object (label 0).
"""

import numpy as np


class Scenes:
    """Many images of one size, each with some placed objects.

    Parameters
    ----------
    count : int
        Number of images.
    image_shape : tuple of int
        (H, W).
    """

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
        """Put one copy of `template` into each of `images`.

        Parameters
        ----------
        images : (m,) int
            Indices of the images, each at most once.
        template : (h, w) binary
        y, x : int or (m,) int
            Top left corner.
        label : int or (m,) int
            Object number in the image, from 1.
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
