"""Systems on many images: grouping and scores, by any system."""

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dasbe.ann.network import Network
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.engine.feedback import Modulation
from dasbe.metrics import ami, ari, mbo, n_found
from dasbe.metrics.grouping import NORMALISATIONS
from dasbe.support import checks
from dasbe.support.errors import InputError, InputWarning
from dasbe.support.published import HELD_OUT_SEED, DatasetSettings
from dasbe.systems import System, system_of

MOST_SKIPPING = 0.1  # share of images in which an object may be hidden; in our datasets it is below 0.01
FEWEST_WARNED = 3  # images, in most of which one group is worth a warning
MOST_NAMED = 10  # labels in a message
# moving shapes: the third object enters at cycle 30
MOVING_SEQUENCES, MOVING_CYCLES, MOVING_SCORED_FROM = 60, 60, 40


def numbers_of_objects(groups: np.ndarray) -> np.ndarray:
    """(N,) int64, the objects of each image: its largest label."""
    return groups.max(axis=(1, 2)).astype(np.int64)


def check_numbering(groups: np.ndarray) -> None:
    """InputError if `groups` (N, H, W) skip numbers in many images, as class numbers do.

    In a few they may: an object may be hidden by others.
    """
    skips = n_found(groups) < numbers_of_objects(groups)
    if skips.mean() > MOST_SKIPPING:
        first = int(skips.argmax())
        labels = ", ".join(map(str, np.unique(groups[first][groups[first] > 0])[:MOST_NAMED]))
        raise InputError(
            f"groups skip numbers in {skips.sum()} of {len(groups)} images (image {first} has {labels}), as class "
            "numbers do; number the objects of each image from 1 on"
        )


def mean_and_error(scores: np.ndarray) -> tuple[float, float]:
    """Mean and standard error over the images that have labelled pixels."""
    valid = scores[~np.isnan(scores)]
    return float(valid.mean()), float(valid.std() / np.sqrt(len(valid)))


def warn_of_one_group(found: np.ndarray, several: np.ndarray, title: str) -> None:
    """InputWarning for the caller's caller if most images that may have `several` objects, (N,) bool, end as one group.

    `found` is the number of groups of each, (N,).
    """
    n_one, n_several = np.count_nonzero(several & (found < 2)), np.count_nonzero(several)
    if n_several >= FEWEST_WARNED and 2 * n_one > n_several:
        warnings.warn(
            f"{title} finds no more than one group in {n_one} of {n_several} images; if these have several objects, "
            "network or timing does not suit them: see dasbe.train_network and dasbe.suggest_timing",
            InputWarning,
            stacklevel=3,
        )


def system_settings(system: System, dataset: str | DatasetSettings, **changes: Any) -> Any:
    """Settings of `system` as published for `dataset`, with some `changes`."""
    return system.published(settings_of(dataset), **changes)


def chosen_settings(system: System, settings: Any, **changes: int | None) -> Any:
    """Settings of `system`: its own, those for a dataset, or by name, with `changes` that are not None.

    Changes that the system has no setting of are left out. InputError if `settings` are of
    another kind, or one that there has to be is missing.
    """
    kind = system.settings
    given = {name: value for name, value in changes.items() if value is not None and name in kind._fields}
    if isinstance(settings, kind):
        return settings._replace(**given)
    if isinstance(settings, (str, DatasetSettings)):
        return system_settings(system, settings, **given)
    if settings is not None:
        own = f"the name of a dataset, DatasetSettings(…) or {kind.__module__}.Settings(…)"
        raise InputError(f"settings is {checks.shown(settings)}; it must be {own}")
    for name in kind._fields:
        if name not in given and name not in kind._field_defaults:
            remedy = f"give {name}=…, or settings='shapes'"
            if name in ("delay", "refractory"):
                remedy += "; dasbe.suggest_timing finds what suits new data"
            raise InputError(f"{name} is None, but {system.title} needs it; {remedy}")
    return kind(**given)


def segment(
    images: np.ndarray,
    network: Network | None = None,
    system: str | System = "dasbe",
    *,
    n_objects: int | Sequence[int] | np.ndarray | None = None,
    settings: Any = None,
    delay: int | None = None,
    refractory: int | None = None,
    cycles: int | None = None,
    n_phases: int | None = None,
    seed: int = 0,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
    progress: bool = False,
    spikes: bool = False,
    client: Any = None,
) -> Any:
    """Group the pixels of any number of images, in bounded memory.

    What :func:`dasbe.bind` and :func:`dasbe.group` do one after the other for DASBE, and
    the same for the other systems. Images are taken in chunks; the result is the same
    in one piece, in chunks, or over a cluster.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
        Competing phases also take grey, (N, H, W), and colour, (N, 3, H, W), from 0 to 1 or as uint8.
    network : nn.Module or callable, optional
        As for :func:`dasbe.bind`; a system that needs none takes no notice of it.
    system : str or System
        ``"dasbe"``, ``"competing_phases_counting"``, ``"rc"``, or another of :mod:`dasbe.systems`.
    n_objects : int or (N,) int, optional
        Objects in each image. By default, their number is found from the spikes; a system
        that cannot count needs it.
    settings : str, DatasetSettings or Settings, optional
        All that the system is set to: as published for a dataset (``"shapes"``), for one of
        your own (:class:`dasbe.support.published.DatasetSettings`), or of this system.
    delay, refractory, cycles : int, optional
        As for :func:`dasbe.bind`, where the system has them; each takes the place of the
        one in `settings`.
    n_phases : int, optional
        Phases at first, of systems of competing phases: more than an image has objects, up
        to 2.5 times as many.
    seed : int
        Of all random numbers.
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str
    progress : bool
        Show a progress bar.
    spikes : bool
        Return the spikes that were read as well (of all images: this takes memory).
    client : dask.distributed.Client, optional
        A cluster whose workers compute the chunks.

    Returns
    -------
    labels : (N, H, W) int64
        Groups from 1; 0 = background.
    spikes : ForegroundTrains
        Only with `spikes`: for DASBE those of the last twenty cycles, as ``run.trains`` of
        :func:`dasbe.bind` has them; ``spikes.to_images()`` is (N, 20, d, H, W).

    Raises
    ------
    InputError
        An argument is wrong; the message names it, its value and the remedy.

    Warns
    -----
    InputWarning
        The network hardly depends on what it is shown, or most images end as one group.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> images = np.zeros((2, 8, 8)); images[:, 2:4, 1:7] = 1
    >>> labels = dasbe.segment(images, lambda x: 0.2 * x, n_objects=1, delay=14, refractory=3, cycles=5)
    >>> labels.shape
    (2, 8, 8)
    """
    system = system_of(system)
    given = {"delay": delay, "refractory": refractory, "cycles": cycles, "n_phases": n_phases}
    for name, value in given.items():
        if value is not None and name not in system.settings._fields:
            raise InputError(f"{name} is {checks.shown(value)}, but {system.title} has no such setting; leave it out")
    found = system.segment(
        images,
        network,
        settings=chosen_settings(system, settings, **given),
        n_objects=n_objects,
        seed=seed,
        indices=indices,
        device=device,
        progress=progress,
        spikes=spikes,
        client=client,
    )
    if system.network and (n_objects is None or system.never_told):
        n_groups = numbers_of_objects(found[0] if spikes else found)
        warn_of_one_group(n_groups, n_groups > 0, system.title)
    return found


SCORES = {"ami": "AMI", "ari": "FG-ARI", "mbo": "mBO", "found": "groups found"}
"""What :func:`scores_of` gives, and how readers know it."""

Score = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
"""From images, groups and labels (N, H, W) to scores (N,) or (N, …)."""


def ami_of(images: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N,) float: AMI of labels (N, H, W)."""
    return ami(groups, labels)


def amis_of(images: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N, 2) float: AMI of labels (N, H, W) by each of `NORMALISATIONS`."""
    return np.stack([ami(groups, labels, normalisation) for normalisation in NORMALISATIONS], axis=1)


def scores_of(images: np.ndarray, groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """(N, 4) float: AMI, FG-ARI, mBO without overlaps, and the number of groups found, of labels (N, H, W)."""
    ink = images if images.dtype == np.uint8 else None  # of grey and colour nobody knows where objects overlap
    return np.stack([ami(groups, labels), ari(groups, labels), mbo(groups, labels, ink), n_found(labels)], axis=1)


def score_labels(
    labels: np.ndarray, dataset: str | Path, *, split: str | None = None, start: int = 0
) -> dict[str, np.ndarray]:
    """Score anybody's grouping of the images of a dataset, as the systems of Table 1 are scored.

    Parameters
    ----------
    labels : (N, H, W) int
        Groups from 1, 0 = background, of the images `start` to `start` + N − 1; Table 1 has
        the first 6000.
    dataset : str or path
        As for :func:`dasbe.load_dataset`.
    split : str, optional
        By default ``"train_multi"``, as in Table 1.
    start : int
        Number of the first image.

    Returns
    -------
    dict of (N,) float
        ``ami``, ``ari`` (on the foreground), ``mbo`` and ``found`` (number of groups).

    Raises
    ------
    InputError
        An argument is wrong, or the dataset has no ground truth.
    MissingFileError
        The dataset is not there.

    Examples
    --------
    >>> import dasbe
    >>> images, groups = dasbe.load_dataset("shapes", stop=10)
    >>> scores = dasbe.score_labels(images, "shapes")  # all ink as one group
    >>> float(scores["ami"].mean()), float(scores["found"].mean())
    (0.0, 1.0)
    """
    given, start = checks.labels(labels, "labels", 3), checks.whole_number("start", start, 0)
    images, groups = load_dataset(dataset, split, start, start + len(given))
    if groups is None:
        raise InputError(f"dataset {checks.shown(str(dataset))} has no ground truth to score by; give one that has")
    labels = checks.labels_of(images.shape, given, "labels")
    return dict(zip(SCORES, scores_of(images, groups, labels).T))


def bind_sequences(
    frames: np.ndarray,
    network: nn.Module,
    *,
    seed: int,
    device: torch.device | str = "cpu",
    modulate: Modulation | None = None,
    progress: bool = False,
) -> np.ndarray:
    """Spikes (N, n, d, H, W) of moving shapes (N, n, H, W), one frame a cycle; `modulate` as of :func:`dasbe.bind`."""
    settings = settings_of("shapes")
    options: Any = {"delay": settings.delay, "refractory": settings.refractory, "modulate": modulate}
    options["progress"] = progress
    return bind(frames, network, **options, seed=seed, device=device).spikes


def group_frames(spikes: np.ndarray, groups: np.ndarray, *, seed: int) -> np.ndarray:
    """Grouping (N, n, H, W) of every cycle by its own spikes alone; K = objects present + 1."""
    n, cycles, delay, height, width = spikes.shape
    present = np.array([len(np.unique(g[g > 0])) for g in groups.reshape(-1, height, width)])
    labels = group(spikes.reshape(n * cycles, 1, delay, height, width), present + 1, seed=seed)
    return labels.reshape(n, cycles, height, width)


def frame_scores(groups: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """AMI (N, n) of every frame, both (N, n, H, W); NaN where a single object leaves nothing to tell apart."""
    scores = ami(groups.reshape(-1, *groups.shape[2:]), labels.reshape(-1, *labels.shape[2:]))
    return np.where(groups.max((2, 3)) < 2, np.nan, scores.reshape(groups.shape[:2]))


def moving_scores(
    network: nn.Module,
    n_sequences: int = MOVING_SEQUENCES,
    seed: int = HELD_OUT_SEED,
    device: torch.device | str = "cpu",
    *,
    split: str = "test",
    modulate: Modulation | None = None,
) -> np.ndarray:
    """Mean AMI (n_sequences,) over the last cycles of sequences of three moving shapes."""
    ensure_dataset("moving_shapes_3")
    frames, groups = (part[:, :MOVING_CYCLES] for part in load_dataset("moving_shapes_3", split, 0, n_sequences))
    spikes = bind_sequences(frames, network, seed=seed, device=device, modulate=modulate)
    labels = group_frames(spikes, groups, seed=seed)
    return frame_scores(groups[:, MOVING_SCORED_FROM:], labels[:, MOVING_SCORED_FROM:]).mean(1)
