"""Numbers of groups: in the order in which they appear, or as in the ground truth, for the same colours."""

import numpy as np

from dasbe.support import checks
from dasbe.support.errors import InputError


def numbered(groups: np.ndarray, none: int = -1) -> np.ndarray:
    """`groups` (F,) int, numbered from 1 in the order in which they appear; 0 for `none`."""
    numbers = {none: 0}
    return np.array([numbers.setdefault(group, len(numbers)) for group in groups.tolist()], np.int64)


def align(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Renumber groupings so that their groups carry the numbers of the objects they overlap most.

    Only for pictures: scores do not depend on the numbers.

    Parameters
    ----------
    labels, groups : (H, W) or (N, H, W) int
        Grouping and ground truth; of a batch, each image by itself.

    Returns
    -------
    (H, W) or (N, H, W) int64
        0 stays 0; groups without an object get the numbers that are left.

    Raises
    ------
    InputError
        The two do not have the same shape, or hold what is no label.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> dasbe.align(np.array([[2, 2, 1, 0]]), np.array([[1, 1, 2, 0]]))
    array([[1, 1, 2, 0]])
    """
    n_axes = 3 if checks.n_axes(labels) == 3 else 2
    labels, groups = checks.labels(labels, "labels", n_axes), checks.labels(groups, "groups", n_axes)
    checks.same_shape(labels=labels, groups=groups)
    if n_axes == 3:
        return np.stack([_aligned(found, truth) for found, truth in zip(labels, groups)]) if len(labels) else labels
    return _aligned(labels, groups)


def _aligned(labels: np.ndarray, groups: np.ndarray) -> np.ndarray:
    from scipy.optimize import linear_sum_assignment  # slow to import, and only pictures need it

    size = int(max(labels.max(initial=0), groups.max(initial=0)))
    if size > labels.size:
        raise InputError(f"labels go up to {size} in images of {labels.size} pixels; number the groups from 1 on")
    checks.memory_of_pairs(size, size, "groups")
    overlap = np.zeros((size + 1, size + 1), np.int64)
    np.add.at(overlap, (labels.ravel(), groups.ravel()), 1)
    found, numbers = linear_sum_assignment(-overlap[1:, 1:])
    renumbered = np.arange(size + 1)
    renumbered[found + 1] = numbers + 1
    return renumbered[labels]
