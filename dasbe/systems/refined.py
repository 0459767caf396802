"""The steps between DASBE, Reconstruction Clustering (RC) and competing phases: what each ingredient is worth.

All are one procedure. Groups share the ink of an image; the network is shown each of
them, what it makes of them comes back, and the groups compete for every pixel. They
begin at random, or as DASBE has found them; the network sees soft values, as in RC, or
binary samples, as in competing phases; there are as many groups as objects, or more of
them, which are pruned; the best of several runs may count.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network
from dasbe.binding.readout import group
from dasbe.engine.attention import attention_of, has_linear_ends, ready, values_per_pixel
from dasbe.engine.foreground import Foreground
from dasbe.engine.parallel import map_blocks
from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import REFINEMENT, seed_of_run
from dasbe.support import checks
from dasbe.support.published import CYCLES_TABLE, DatasetSettings
from dasbe.systems.base import System
from dasbe.systems.competing_phases import Phases, blocks_of_one_k, compete, numbered
from dasbe.systems.dasbe import SYSTEM as DASBE

ITERATIONS_AFTER_PRUNING = 20


class Settings(NamedTuple):
    """Of :func:`refine` from a random start, and how many runs there are, of which the best counts."""

    iterations: int = 40
    sampling: float | None = 0.5
    sharpness: float = 2.0
    steps_per_group: int = 4
    surplus: int = 0
    restarts: int = 1

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """Alike for all datasets; published nowhere else."""
        return cls()


class SettingsFromDasbe(NamedTuple):
    """Of :func:`refine` from DASBE's groups, after those of DASBE (:func:`dasbe.bind`)."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    iterations: int = 40
    sampling: float | None = 0.5
    sharpness: float = 2.0
    steps_per_group: int = 4
    surplus: int = 0
    restarts: int = 1

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "SettingsFromDasbe":
        """DASBE as published for a dataset."""
        return cls(dataset.delay, dataset.refractory)


class SettingsOfRCFromDasbe(NamedTuple):
    """Of RC from DASBE's groups, after those of DASBE (:func:`dasbe.bind`)."""

    delay: int
    refractory: int
    cycles: int = CYCLES_TABLE
    iterations: int = 5
    restarts: int = 1

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "SettingsOfRCFromDasbe":
        """DASBE as published for a dataset."""
        return cls(dataset.delay, dataset.refractory)


class Refined(NamedTuple):
    """What :func:`refine` makes of N images.

    Attributes
    ----------
    labels : (N, H, W) int64
        Groups, numbered from 1 in the order in which they appear along the rows; 0 = background.
    likelihood : (N,) float64
        ℓ of the image as the union of what the network makes of the groups, as for
        :func:`dasbe.systems.competing_phases.settle`.
    """

    labels: np.ndarray
    likelihood: np.ndarray


class SoftGroups(Phases):
    """Phases whose shares γ the network sees as they are: nothing is drawn, and latent neurons do not spike."""

    def cycle(self) -> Tensor:
        """One iteration: the shares, (N, K, F)."""
        shares = compete(self._feedback_of_phases(), self.sharpness) * self.attention.foreground.valid[:, None]
        code = self.attention.encode(shares)
        self.feedback = self.attention.feedback(code.clamp(0, 1) if self.network.spiking else code)
        return shares


def refine(
    images: np.ndarray,
    network: Network,
    *,
    n_objects: int | Sequence[int] | np.ndarray,
    start: np.ndarray | None = None,
    iterations: int = 40,
    sampling: float | None = 0.5,
    sharpness: float = 2.0,
    steps_per_group: int = 4,
    surplus: int = 0,
    seed: int = 0,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> Refined:
    """Group the pixels of each image by groups that compete for them, from any start.

    Each iteration is a cycle of competing phases (:func:`dasbe.systems.competing_phases.settle`):
    of every pixel, group k has the share γ_k = y_k^β / Σ_κ y_κ^β, where y_k is what the
    network made of the group before. The network is shown m binary samples of each group,
    in which a pixel is with probability q·γ_k, and y_k is their mean; or γ_k itself, with
    which β = 1 is RC.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module or callable
        As for :func:`dasbe.systems.competing_phases.settle`.
    n_objects : int or (N,) int
        K, the groups at the end.
    start : (N, H, W) int, optional
        Groups to begin with, from 1; pixels of none are shown in none at first. By
        default every pixel is shared at random.
    iterations : int
        Before the first surplus group is pruned; 20 after each.
    sampling : float or None
        q; None: the network sees γ.
    sharpness : float
        β.
    steps_per_group : int
        m; of no effect if nothing is sampled.
    surplus : int
        Groups beyond K at first, pruned as phases fall silent.
    seed : int
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str

    Returns
    -------
    Refined

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images, device, seed = checks.images(images), checks.device(device), checks.seed(seed)
    indices = checks.stream_indices(indices, len(images))
    n_objects = checks.numbers_of_groups("n_objects", n_objects, len(images), images[0].size)
    surplus = checks.whole_number("surplus", surplus, 0, _most_surplus(images, n_objects))
    iterations = checks.whole_number("iterations", iterations, 1, checks.MOST_STEPS)
    steps = checks.whole_number("steps_per_group", steps_per_group, 1, checks.MOST_STEPS)
    beta, sampled = checks.number("sharpness", sharpness, 0), sampling is not None
    q = checks.probability("sampling", sampling) if sampled else 1.0
    start = None if start is None else checks.labels_of(images.shape, start, "start")
    most = (int(n_objects.max()) + surplus) * (steps if sampled else 1)
    checks.memory(16 * images[0].size * most, "this run", "take fewer steps or groups")
    labels, likelihood = np.zeros(images.shape, np.int64), np.zeros(len(images))
    use = () if start is None else (REFINEMENT,)  # DASBE has used the other numbers to find the start

    with ready(network, images, device) as net:
        attend, kind = attention_of(net, always_lazy=True), Phases
        if not sampled:  # the decoder receives probabilities, not the spikes by which it may be driven
            attend, kind = attention_of(replace(net, spiking=False)), SoftGroups

        def refine_block(block: np.ndarray) -> None:
            k, foreground = int(n_objects[block[0]]), Foreground.of(images[block], device)
            noise = NoiseStreams(seed, indices[block], foreground.counts, device, *use)
            groups = kind(attend(foreground), net, noise, k + surplus, steps if sampled else 1, q, beta)
            if start is not None:
                numbers = torch.arange(1, k + surplus + 1, device=device)[:, None]
                of_groups = foreground.of_images(start[block])[:, None] == numbers
                groups.feedback = groups.attention.initial(of_groups.to(net.dtype))
            for n_left in range(k + surplus, k - 1, -1):
                for _ in range(iterations if n_left == k + surplus else ITERATIONS_AFTER_PRUNING):
                    groups.cycle()
                found = groups.grouping(counting=False)
                if n_left > k:
                    groups.silence(found.without.argmax(1))
            of_pixels = torch.from_numpy(numbered(found.groups.cpu().numpy(), k + surplus)).to(device)
            labels[block] = foreground.to_images(of_pixels).cpu().numpy()
            likelihood[block] = found.worth.cpu().numpy()

        per_pixel = values_per_pixel(net, most, layers=2)
        blocks = blocks_of_one_k(images, n_objects, per_pixel)
        for _ in map_blocks(refine_block, blocks, device, threads=has_linear_ends(net)):
            pass
    return Refined(labels, likelihood)


def _most_surplus(images: np.ndarray, n_objects: np.ndarray) -> int:
    """As many groups as pixels, with one for the background."""
    return max(images[0].size - int(n_objects.max()) - 1, 0)


def label(images: np.ndarray, network: Network, n_objects: np.ndarray, settings: Any, **streams: Any) -> np.ndarray:
    """Labels (N, H, W) of the run of largest likelihood, image by image; `settings` are any of this file."""
    n_objects, given, seed = np.maximum(n_objects, 1), settings._asdict(), streams.pop("seed")
    restarts = checks.whole_number("restarts", given.pop("restarts"), 1, checks.MOST_STEPS)
    surplus = checks.whole_number("surplus", given.get("surplus", 0), 0, _most_surplus(images, n_objects))
    loop = {name: given.pop(name) for name in DASBE.settings._fields if name in given}
    labels, best = np.zeros(images.shape, np.int64), np.full(len(images), -np.inf)
    for run in range(restarts):
        of_run, start = {"seed": seed_of_run(seed, run), **streams}, None
        if loop:
            assert DASBE.record is not None
            trains = DASBE.record(images, network, DASBE.settings(**loop), **of_run)
            start = group(trains, n_objects + surplus + 1, **of_run)
        found = refine(images, network, n_objects=n_objects, start=start, **given, **of_run)
        better = found.likelihood > best
        labels[better], best[better] = found.labels[better], found.likelihood[better]
    return labels


def label_softly(
    images: np.ndarray, network: Network, n_objects: np.ndarray, settings: SettingsOfRCFromDasbe, **streams: Any
) -> np.ndarray:
    """:func:`label` by iterations of RC."""
    soft = SettingsFromDasbe(**settings._asdict(), sampling=None, sharpness=1.0)
    return label(images, network, n_objects, soft, **streams)


def evaluations(settings: Any, n_objects: int) -> int:
    """How often the network is evaluated for an image: by DASBE, for the groups, and for what they are worth."""
    given = {"sampling": None, "steps_per_group": 1, "surplus": 0} | settings._asdict()
    pruned = sum(range(n_objects, n_objects + given["surplus"]))  # groups left after each that is pruned
    in_iterations = given["iterations"] * (n_objects + given["surplus"]) + ITERATIONS_AFTER_PRUNING * pruned
    shown = in_iterations * (1 if given["sampling"] is None else given["steps_per_group"])
    for_worth = n_objects + given["surplus"] + pruned
    return given["restarts"] * (given.get("cycles", 0) * given.get("delay", 0) + shown + for_worth)


SAMPLED = System(
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
    SAMPLED,
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
    label=label_softly,
)
