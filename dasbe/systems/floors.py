"""Floors: what grouping is worth without any network. A system that binds has to be above both.

k-means on the coordinates of the ink knows no more than that near pixels belong together,
and how many objects there are; connected components need nothing.
"""

from typing import Any, NamedTuple

import numpy as np

from dasbe.snn.noise import READOUT, image_stream
from dasbe.support import checks
from dasbe.systems.base import System


class CoordinateSettings(NamedTuple):
    """Settings of k-means, published nowhere: of `restarts` runs, the one of least inertia counts."""

    restarts: int = 4


class ComponentSettings(NamedTuple):
    """No settings."""


def label_by_coordinates(
    images: np.ndarray,
    network: Any,
    n_objects: np.ndarray,
    settings: CoordinateSettings,
    *,
    seed: int,
    indices: np.ndarray,
    **device: Any,
) -> np.ndarray:
    """Labels (N, H, W) by k-means on the rows and columns of the ink, K = objects, at least one."""
    from sklearn.cluster import KMeans  # slow to import

    restarts = checks.whole_number("restarts", settings.restarts, 1, 10**6)
    labels = np.zeros(images.shape, np.int64)
    for i, ink in enumerate(images == 1):
        points = np.argwhere(ink)
        if len(points):
            random = np.random.RandomState(image_stream(seed, indices[i], READOUT))
            k = min(max(n_objects[i], 1), len(points))
            labels[i, ink] = 1 + KMeans(k, n_init=restarts, random_state=random).fit_predict(points)
    return labels


def label_components(
    images: np.ndarray, network: Any, n_objects: Any, settings: ComponentSettings, **streams: Any
) -> np.ndarray:
    """Labels (N, H, W) by connected components: pixels that touch along a side."""
    from scipy.ndimage import label  # slow to import

    return np.stack([label(image)[0].astype(np.int64) for image in images])


COORDINATES = System(
    name="coordinates",
    title="k-means on coordinates",
    trained_on="nothing",
    told="number of objects",
    sees="no network",
    network=None,
    settings=CoordinateSettings,
    label=label_by_coordinates,
)
COMPONENTS = System(
    name="components",
    title="Connected components",
    trained_on="nothing",
    told="nothing",
    sees="no network",
    network=None,
    settings=ComponentSettings,
    label=label_components,
    can_count=True,
    never_told=True,
)
