"""The steps between DASBE, Reconstruction Clustering (RC) and competing phases: what each ingredient is worth.

All are the procedure of competing phases (:func:`dasbe.systems.competing_phases.settle`),
with other settings. Phases begin at random, or as DASBE has found them; the network sees
binary samples of them, or soft values, as in RC; there are as many phases as objects, or
more of them, which fall silent; the best of several runs may count.
"""

from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from dasbe.ann.network import Network
from dasbe.binding.readout import group
from dasbe.snn.noise import seed_of_run
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE
from dasbe.systems import competing_phases
from dasbe.systems.base import System
from dasbe.systems.dasbe import SYSTEM as DASBE


class Settings(NamedTuple):
    """Settings of competing phases from a random start; alike for all datasets, and published nowhere else.

    Attributes
    ----------
    cycles : int
        Cycles before the first surplus phase falls silent; 20 after each.
    sampling : float or None
        q; None: the network sees soft values.
    sharpness : float
        β.
    steps_per_phase : int
        m; of no effect where the network sees soft values.
    surplus : int
        Phases beyond the objects at first.
    restarts : int
        Runs from other random numbers; of each image, the one of largest likelihood counts.
    """

    cycles: int = 40
    sampling: float | None = 0.5
    sharpness: float = 2.0
    steps_per_phase: int = 4
    surplus: int = 0
    restarts: int = 1


class SettingsFromDasbe(NamedTuple):
    """Settings of DASBE (:func:`dasbe.bind`), then of competing phases from its groups (:class:`Settings`).

    The cycles of the phases are `phase_cycles`.
    """

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    phase_cycles: int = 40
    sampling: float | None = 0.5
    sharpness: float = 2.0
    steps_per_phase: int = 4
    surplus: int = 0
    restarts: int = 1


class SettingsOfRCFromDasbe(NamedTuple):
    """Settings of DASBE (:func:`dasbe.bind`), then of RC from its groups: `phase_cycles` are RC's iterations."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    phase_cycles: int = 5
    restarts: int = 1


def parts_of(settings: Any) -> tuple[Any, Settings]:
    """Settings of DASBE (None if phases begin at random) and of the phases, from any `settings` of this file."""
    if isinstance(settings, Settings):
        return None, settings
    given = settings._asdict()
    loop = DASBE.settings(*(given.pop(name) for name in DASBE.settings._fields))
    if isinstance(settings, SettingsOfRCFromDasbe):
        given |= {"sampling": None, "sharpness": 1.0}
    cycles = checks.whole_number("phase_cycles", given.pop("phase_cycles"), 1, checks.MOST_STEPS)
    return loop, Settings(cycles, **given)


def of_phases(settings: Settings, n_objects: Any) -> competing_phases.Settings:
    """`settings` as those of competing phases, for images of `n_objects` (a number, or one for each)."""
    names = ("steps_per_phase", "cycles", "sampling", "sharpness")
    return competing_phases.Settings(n_objects + settings.surplus, **{name: getattr(settings, name) for name in names})


def label(images: np.ndarray, network: Network, n_objects: np.ndarray, settings: Any, **streams: Any) -> np.ndarray:
    """Labels (N, H, W) of the run of largest likelihood, image by image."""
    (loop, own), n_objects, seed = parts_of(settings), np.maximum(n_objects, 1), streams.pop("seed")
    restarts = checks.whole_number("restarts", own.restarts, 1, checks.MOST_STEPS)
    most = max(images[0].size - int(n_objects.max()) - 1, 0)  # as many groups as pixels, with one for the background
    surplus = checks.whole_number("surplus", own.surplus, 0, most)
    labels, best = np.zeros(images.shape, np.int64), np.full(len(images), -np.inf)
    for run in range(restarts):
        of_run, start = {"seed": seed_of_run(seed, run), **streams}, None
        if loop is not None:
            assert DASBE.record is not None
            start = group(DASBE.record(images, network, loop, **of_run), n_objects + surplus + 1, **of_run)
        found, likelihood = competing_phases.settle(
            images, network, n_objects, of_phases(own, n_objects), start=start, with_likelihood=True, **of_run
        )
        better = likelihood > best
        labels[better], best[better] = found[better], likelihood[better]
    return labels


def evaluations(settings: Any, n_objects: int) -> int:
    """Number of evaluations of the network for an image: by DASBE, for the phases, and for what they are worth."""
    loop, own = parts_of(settings)
    phases = of_phases(own if own.sampling is not None else own._replace(steps_per_phase=1), n_objects)
    in_loop = 0 if loop is None else loop.cycles * loop.delay
    return own.restarts * (in_loop + competing_phases.evaluations(phases, n_objects) + n_objects)


SYSTEM = System(
    name="sampled",
    title="RC with samples and a sharper E-step",
    trained_on="single objects",
    told="number of objects",
    sees="binary samples",
    network="{dataset}",
    settings=Settings,
    label=label,
    evaluations=evaluations,
)
FROM_DASBE = replace(
    SYSTEM,
    name="dasbe_sampled",
    title="RC with samples and a sharper E-step, from DASBE's groups",
    sees="spikes, then binary samples",
    settings=SettingsFromDasbe,
)
RC_FROM_DASBE = replace(
    FROM_DASBE,
    name="dasbe_rc",
    title="RC, from DASBE's groups",
    sees="spikes, then real values",
    settings=SettingsOfRCFromDasbe,
)
