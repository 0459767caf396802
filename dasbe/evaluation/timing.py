"""Which delay and refractory time suit new data: many are tried on a few images, with or without ground truth."""

import warnings
from functools import partial
from typing import NamedTuple

import numpy as np
import torch

from dasbe.ann.network import Network
from dasbe.binding.linkage import CYCLES
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.engine.attention import has_linear_ends, ready
from dasbe.evaluation.segment import check_numbering
from dasbe.metrics import ami
from dasbe.support import checks
from dasbe.support.errors import InputError, TimingWarning
from dasbe.support.progress import progress_bar
from dasbe.support.published import CYCLES_FIGURES

REFRACTORY_TIMES = (5, 6, 7, 9, 11)
PERIODS = (2, 3, 4, 6, 8)  # times r + 1 in a delay: how often a pixel can fire in a cycle
LONGEST_DELAY = 64
FIRST_IMAGES, MOST_IMAGES = 25, 100  # on which all pairs are tried, and the best
FEW_IMAGES = 4  # in place of FIRST_IMAGES, for networks that are called on whole images in every step
BEST = 8  # pairs that are tried on all images


class Trial(NamedTuple):
    """A pair that was tried: mean score of so many images, and its standard error."""

    delay: int
    refractory: int
    score: float
    error: float
    images: int


class Timing(NamedTuple):
    """The best `delay` d and `refractory` time r, and all that were tried, the best first."""

    delay: int
    refractory: int
    trials: tuple[Trial, ...]

    def __repr__(self) -> str:
        return f"Timing(delay={self.delay}, refractory={self.refractory}, trials of {len(self.trials)} pairs)"


def suggest_timing(
    images: np.ndarray,
    network: Network,
    *,
    groups: np.ndarray | None = None,
    seed: int = 0,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Timing:
    """Find a delay and a refractory time with which `network` binds images like these well.

    Pairs of r from 5 to 11 and d from 14 to 64 are tried in runs of 30 cycles; d is never
    a multiple of r + 1 (:func:`dasbe.bind` says why). Without ground truth, the score of
    an image is how far two runs with other random numbers agree: the AMI of the groups
    found in one with those found in the other. An image in which both find one group
    scores 0, so most images should have several objects. All pairs are tried on 25
    images, and the best 8 on all, up to 100. Networks whose ends are not linear (plain
    functions, convolutions) take several times as long, so that all pairs are tried on 4.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
        Images without any ink are left out, and so are those after the first 100. Give 100:
        on pictures of three small objects (``docs/own_images.md``) the pairs suggested by
        several samples gave an AMI of 92.3 to 94.8 % with 50 images each, and of 93.4 to
        94.8 % with 100; with 200, were they all used, it would be 93.0 to 94.6 %.
    network : nn.Module or callable
        As for :func:`dasbe.bind`.
    groups : (N, H, W) int, optional
        Ground truth, 0 = background or overlap. If it is given, the score is the AMI with
        it, and the number of groups is given.
    seed : int
        Of all random numbers.
    device : torch.device or str
    progress : bool
        Show progress bars.

    Returns
    -------
    Timing
        ``delay``, ``refractory``, and ``trials``: what was tried and how well it did.

    Raises
    ------
    InputError
        An argument is wrong; the message names it, its value and the remedy.

    Warns
    -----
    TimingWarning
        Nothing binds with any pair.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> images = np.zeros((3, 9, 9)); images[:, 1:3, 1:4] = images[:, 5:8, 4:8] = 1
    >>> timing = dasbe.suggest_timing(images, lambda x: 0.3 * x)
    >>> timing.delay % (timing.refractory + 1) == 0
    False
    """
    images, seed, device = checks.images(images), checks.seed(seed), checks.device(device)
    progress = checks.progress(progress)
    usable = images.any((1, 2))
    if not usable.any():
        raise InputError("images have no ink; give some that have")
    if groups is not None:
        groups = checks.labels(groups, "groups", 3)
        checks.same_shape(groups=groups, images=images)
        if groups.max() >= images[0].size:
            raise InputError(f"groups go up to {groups.max()} in images of {images[0].size} pixels; number them from 1")
        usable = groups.any((1, 2))
        if not usable.any():
            raise InputError("groups are all 0; give labels from 1 on, or leave groups out")
        groups = groups[usable]
        check_numbering(groups)
    images = images[usable]

    run = partial(bind, network=network, cycles=CYCLES_FIGURES, last=CYCLES, seed=seed, device=device)

    def scores(pair: tuple[int, int], chosen: np.ndarray) -> np.ndarray:
        """(n,) scores of the images numbered in `chosen`."""
        delay, refractory = pair
        if groups is not None:
            truth, bound = groups[chosen], run(images[chosen], delay=delay, refractory=refractory, indices=chosen)
            return ami(truth, group(bound, truth.max((1, 2)) + 1, seed=seed, indices=chosen, device=device))
        twice, streams = np.append(chosen, chosen), np.append(chosen, chosen + MOST_IMAGES)
        bound = run(images[twice], delay=delay, refractory=refractory, indices=streams)
        one, other = np.split(group(bound), 2)
        several = np.maximum(one, other).max((1, 2)) > 1
        return np.where(several, ami(np.where(images[chosen], one + 1, 0), other), 0)

    with ready(network, images, device) as net:
        n_first = FIRST_IMAGES if has_linear_ends(net) else FEW_IMAGES
    first, more = np.split(np.arange(min(len(images), MOST_IMAGES)), [n_first])
    found = {pair: scores(pair, first) for pair in progress_bar(pairs(), unit=" pairs", disable=not progress)}
    if len(more):
        best = sorted(found, key=lambda pair: found[pair].mean())[-BEST:]
        for pair in progress_bar(best, unit=" pairs", disable=not progress):
            found[pair] = np.append(found[pair], scores(pair, more))
    trials = [Trial(d, r, s.mean().item(), s.std().item() / len(s) ** 0.5, len(s)) for (d, r), s in found.items()]
    trials.sort(key=lambda trial: (trial.images, trial.score), reverse=True)
    if not trials[0].score > 0:
        text = "nothing binds: the score of every pair is 0; does the network reconstruct single objects from a part?"
        warnings.warn(text, TimingWarning, stacklevel=2)
    return Timing(trials[0].delay, trials[0].refractory, tuple(trials))


def pairs() -> list[tuple[int, int]]:
    """(d, r) that are tried: d is a few times r + 1, and 2 steps or half of r + 1 more."""
    tried = {(k * (r + 1) + more, r) for r in REFRACTORY_TIMES for k in PERIODS for more in (2, (r + 1) // 2)}
    return sorted(pair for pair in tried if pair[0] <= LONGEST_DELAY)
