"""Baselines: what grouping is worth without any network. A system that binds has to be above them.

k-means on the coordinates of the ink knows no more than that near pixels belong together,
and how many objects there are; connected components need nothing. In grey and colour
the ground is found as by competing phases, and colours can be grouped as well.
"""

from dataclasses import replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from dasbe.engine.parallel import one_thread
from dasbe.snn.noise import READOUT, image_stream
from dasbe.support import checks
from dasbe.systems.base import System


class CoordinateSettings(NamedTuple):
    """Settings of k-means on coordinates, published nowhere.

    Attributes
    ----------
    restarts : int
        Runs, of which the one of least inertia counts.
    ground, sigma
        As of :class:`dasbe.systems.competing_phases.Settings`.
    """

    restarts: int = 4
    ground: Any = None
    sigma: float | None = 0.2


class ColourSettings(NamedTuple):
    """Settings of k-means on colours and coordinates: `place`, the weight of these; the others as above.

    Across the image, coordinates go from 0 to `place`; a channel goes from 0 to 1.
    """

    place: float = 1.0
    restarts: int = 4
    ground: Any = None
    sigma: float | None = 0.2


class ComponentSettings(NamedTuple):
    """Settings of connected components: `ground` and `sigma` as of :class:`CoordinateSettings`."""

    ground: Any = None
    sigma: float | None = 0.2


class ColourComponentSettings(NamedTuple):
    """Settings of components of like colour: `likeness`, how far those of neighbours may lie apart; and the others."""

    likeness: float = 0.1
    ground: Any = None
    sigma: float | None = 0.2


def _ink_and_colours(images: np.ndarray, settings: Any) -> tuple[np.ndarray, np.ndarray]:
    """Ink (N, H, W) bool, and colours (N, H, W, 3) from 0 to 1; of binary images all are alike."""
    from dasbe.engine.colours import separated  # imports what is compiled

    ink, _ = separated(images, settings.ground, "none", settings.sigma)
    channels = images[:, None] if images.ndim == 3 else images
    return ink == 1, np.broadcast_to(np.moveaxis(channels, 1, 3), (*ink.shape, 3))


def label_by_k_means(
    images: np.ndarray,
    network: Any,
    n_objects: np.ndarray,
    settings: CoordinateSettings | ColourSettings,
    *,
    by_colour: bool = False,
    seed: int,
    indices: np.ndarray,
    **device: Any,
) -> np.ndarray:
    """Labels (N, H, W), at least one group, by k-means on rows and columns of the ink, on its colours, or on both."""
    from sklearn.cluster import KMeans  # slow to import

    restarts = checks.whole_number("restarts", settings.restarts, 1, 10**6)
    place = checks.number("place", settings.place, 0) if isinstance(settings, ColourSettings) else 0.0
    everywhere, colours = _ink_and_colours(images, settings)
    labels = np.zeros(everywhere.shape, np.int64)
    with one_thread():
        for i, ink in enumerate(everywhere):
            points: np.ndarray = np.argwhere(ink)
            if by_colour:
                points = np.concatenate([colours[i][ink], place * points / max(ink.shape)], 1)
            if len(points):
                random = np.random.RandomState(image_stream(seed, indices[i], READOUT))
                k = min(max(n_objects[i], 1), len(np.unique(points, axis=0)))
                labels[i, ink] = 1 + KMeans(k, n_init=restarts, random_state=random).fit_predict(points)
    return labels


def label_components(
    images: np.ndarray, network: Any, n_objects: Any, settings: Any, *, by_colour: bool = False, **streams: Any
) -> np.ndarray:
    """Labels (N, H, W) by connected components: pixels that touch along a side, and, if wanted, are of like colours."""
    from scipy.ndimage import label  # slow to import
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    everywhere, colours = _ink_and_colours(images, settings)
    if not by_colour:
        return np.stack([label(ink)[0].astype(np.int64) for ink in everywhere])
    likeness = checks.number("likeness", settings.likeness, 0)
    labels, number = np.zeros(everywhere.shape, np.int64), np.arange(everywhere[0].size).reshape(everywhere[0].shape)
    for i, ink in enumerate(everywhere):
        pairs = []
        for first, second in ((np.s_[:-1], np.s_[1:]), (np.s_[:, :-1], np.s_[:, 1:])):
            near = np.linalg.norm(colours[i][first] - colours[i][second], axis=-1) <= likeness
            joined = ink[first] & ink[second] & near
            pairs.append((number[first][joined], number[second][joined]))
        rows, columns = (np.concatenate(part) for part in zip(*pairs))
        graph = coo_array((np.ones(len(rows)), (rows, columns)), shape=(ink.size, ink.size))
        _, component = connected_components(graph, directed=False)
        labels[i, ink] = 1 + np.unique(component.reshape(ink.shape)[ink], return_inverse=True)[1]
    return labels


COORDINATES = System(
    name="coordinates",
    title="k-means on coordinates",
    trained_on="nothing",
    told="number of objects",
    sees="no network",
    network=None,
    settings=CoordinateSettings,
    label=label_by_k_means,
    takes_colour=True,
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
    takes_colour=True,
    can_count=True,
    never_told=True,
)
COLOURS = replace(
    COORDINATES, name="colours", title="k-means on colours", label=partial(label_by_k_means, by_colour=True)
)
COLOURS_AND_COORDINATES = replace(
    COLOURS,
    name="colours_and_coordinates",
    title="k-means on colours and coordinates",
    settings=ColourSettings,
)
COLOUR_COMPONENTS = replace(
    COMPONENTS,
    name="colour_components",
    title="Components of like colour",
    settings=ColourComponentSettings,
    label=partial(label_components, by_colour=True),
)
