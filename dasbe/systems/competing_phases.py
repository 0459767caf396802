"""Competing phases: more phases than objects share the ink of an image, and fall silent one by one.

A system of our own, beside those of Table 1. As in the binding loop, the pixels fire in
phases, the network sees binary spikes and nothing else, and what it makes of a phase
comes back one cycle later. But here the phases compete for every pixel, a pixel fires at
most once in a round of the phases, and there is no coincidence detector. It can equally
be called Reconstruction Clustering with samples of the groups in place of soft values, a
sharper E-step, and more groups than objects, which are pruned.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network, UsableNetwork
from dasbe.engine.attention import Attention, attention_of, has_linear_ends, ready, values_per_pixel
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.latent import Deterministic, LatentLayer, Spiking
from dasbe.engine.parallel import BLOCK_VALUES, blocks_of, map_blocks
from dasbe.engine.phases import phase_cycle
from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import uniform
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.published import DatasetSettings
from dasbe.systems.base import System

SURPLUS_PHASES = 3  # beyond the objects of a dataset
PRICE = 0.08  # of a group, where the worth decides how many there are; a part of the largest worth
SAMPLES = 4  # of the groups, that the network sees for their worth where the worth decides
LEAST_PROBABILITY = 1e-6  # in the worth, of ink and of its absence
VALUES_OF_A_BLOCK = 4 * BLOCK_VALUES  # of images: a cycle has few steps, and calls take their time
LEAST_SUM = 1e-30  # of the powers of feedback, by which they are divided


class Settings(NamedTuple):
    """Of the system: see :func:`settle`."""

    n_phases: int
    steps_per_phase: int = 2
    cycles: int = 40
    cycles_after_pruning: int = 20
    sampling: float = 0.5
    sharpness: float = 2.0

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """Three phases more than a dataset has objects, all else alike for all datasets; published nowhere else."""
        return cls(dataset.objects + SURPLUS_PHASES)


def cycles_down_to(n_left: int, n_phases: int, cycles: int, cycles_after_pruning: int) -> int:
    """Cycles until `n_left` phases are left, and have had theirs."""
    return cycles + cycles_after_pruning * (n_phases - n_left)


class Settled(NamedTuple):
    """What :func:`settle` found in N images.

    Attributes
    ----------
    labels : (N, H, W) int64
        Groups, numbered from 1 in the order in which they appear along the rows; 0 = background.
    counts : (N,) int64
        How many groups each image has.
    trains : ForegroundTrains or None
        Spikes of the foreground pixels, if recorded: n cycles of K₀·m steps, the steps of
        a phase side by side. A phase that has fallen silent has none, and an image that
        needs fewer cycles than others is silent in the last ones.
    """

    labels: np.ndarray
    counts: np.ndarray
    trains: ForegroundTrains | None


def settle(
    images: np.ndarray,
    network: Network,
    *,
    n_phases: int,
    steps_per_phase: int = 2,
    n_objects: int | Sequence[int] | np.ndarray | None = None,
    cycles: int = 40,
    cycles_after_pruning: int = 20,
    sampling: float = 0.5,
    sharpness: float = 2.0,
    record: bool = False,
    seed: int = 0,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> Settled:
    """Group the pixels of each image by phases that compete for them.

    Each phase k has a share γ_k = y_k^β / Σ_κ y_κ^β of every pixel, where y_k is what the
    network made of the phase in the cycle before; at first |N(0, 1)|. In each of its m
    steps a pixel fires with probability q, in phase k with probability q·γ_k; y_k is the
    mean of what the network makes of the spikes in the m steps of phase k. A pixel
    belongs to the phase of largest y_k. Once the cycles are over a phase falls silent,
    and after some more cycles the next: one that has no pixel, else the one without which
    the likelihood of the image is largest, as the union of what the network makes of the
    groups, ℓ = Σ_{x=1} log(1 − Π_k(1 − y_k)) + Σ_{x=0} Σ_k log(1 − y_k).

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module or callable
        As for :func:`dasbe.bind`; latent neurons that spike have no refractory time here
        (and are taken at their firing probability in ℓ), and nothing is recurrent. If
        training has added an `output_shift` to the drive of every output
        (:class:`dasbe.ann.autoencoder.Autoencoder`), ℓ is without it.
    n_phases : int
        K₀, phases at first: more than there are objects, up to 2.5 times as many.
    steps_per_phase : int
        m.
    n_objects : int or (N,) int, optional
        K, if it is told: at so many phases, no further one falls silent. By default that
        goes on down to one phase, and of the groupings on the way, each of K groups, that
        of largest ℓ − 0.08·K·|ℓ of the best| counts. Half of this ℓ is that of the groups,
        and half the mean over four samples of them, in which each pixel is seen with
        probability q, as networks are trained on.
    cycles : int
        Before the first phase falls silent.
    cycles_after_pruning : int
        After each phase that falls silent.
    sampling : float
        q.
    sharpness : float
        β.
    record : bool
        Whether the spikes are recorded.
    seed : int
    indices : (N,) int, optional
        Number of the random stream of each image, by default 0 … N−1.
    device : torch.device or str

    Returns
    -------
    Settled

    Raises
    ------
    InputError
        An argument is wrong.
    """
    images, device, seed = checks.images(images), checks.device(device), checks.seed(seed)
    given = {"steps_per_phase": steps_per_phase, "cycles": cycles, "cycles_after_pruning": cycles_after_pruning}
    steps, cycles, cycles_after = (checks.whole_number(*item, 1, checks.MOST_STEPS) for item in given.items())
    n_phases = checks.whole_number("n_phases", n_phases, 1, images[0].size)
    q, beta = checks.probability("sampling", sampling), checks.number("sharpness", sharpness, 0)
    record, indices = checks.flag("record", record), checks.stream_indices(indices, len(images))
    fewest = np.ones(len(images), np.int64)  # phases that do not fall silent
    if n_objects is not None:
        fewest = checks.numbers_of_groups("n_objects", n_objects, len(images), images[0].size)
        if fewest.max() > n_phases:
            raise InputError(f"n_objects is {fewest.max()}, but n_phases is {n_phases}; take at least as many phases")
    n_cycles = cycles_down_to(int(fewest.min()), n_phases, cycles, cycles_after)
    widest = int(np.count_nonzero(images, axis=(1, 2)).max())
    shown = n_phases * (steps if n_objects is not None else max(steps, 1 + SAMPLES))  # of an image, at once
    n_bytes = 16 * images[0].size * shown + (len(images) * n_cycles * n_phases * steps * widest if record else 0)
    checks.memory(n_bytes, "this run", "take fewer phases or steps, or fewer images at a time")
    trains = ForegroundTrains.silent(images, n_cycles, n_phases * steps, bool) if record else None
    labels, counts = np.zeros(images.shape, np.int64), np.zeros(len(images), np.int64)

    with ready(network, images, device) as net:
        attend = attention_of(net, always_lazy=True)

        def settle_block(block: np.ndarray) -> None:
            foreground = Foreground.of(images[block], device)
            noise = NoiseStreams(seed, indices[block], foreground.counts, device)
            phases = Phases(attend(foreground), net, noise, n_phases, steps, q, beta)
            fewest_of_block, cycle, groupings = int(fewest[block[0]]), 0, []
            for n_left in range(n_phases, fewest_of_block - 1, -1):
                for _ in range(cycles if n_left == n_phases else cycles_after):
                    spikes = phases.cycle()
                    if trains is not None:
                        trains.record(phases.with_silent_ones(spikes), foreground.counts, block, cycle)
                    cycle += 1
                if n_objects is None or n_left > fewest_of_block:
                    groupings.append(phases.grouping(counting=n_objects is None))
                if n_left > fewest_of_block:
                    phases.silence(groupings[-1].without.argmax(1))
            groups = phases.groups() if n_objects is not None else chosen_groups(groupings)
            numbers = numbered(groups.cpu().numpy(), n_phases)
            labels[block] = foreground.to_images(torch.from_numpy(numbers).to(device)).cpu().numpy()
            counts[block] = numbers.max(1)

        blocks = blocks_of_one_k(images, fewest, values_per_pixel(net, n_phases * steps))
        for _ in map_blocks(settle_block, blocks, device, threads=has_linear_ends(net)):
            pass
    return Settled(labels, counts, trains)


class Grouping(NamedTuple):
    """The groups of N images after some cycles, with K phases left.

    Attributes
    ----------
    groups : (N, F) int64
        Phase that each foreground pixel belongs to, of those left; −1 beyond an image's own pixels.
    n_groups : (N,) int64
        Phases with any pixel.
    worth : (N,) float
        ℓ.
    without : (N, K) float
        ℓ without each phase, of the groups alone; ∞ without one that has no pixel.
    """

    groups: Tensor
    n_groups: Tensor
    worth: Tensor
    without: Tensor


def chosen_groups(groupings: Sequence[Grouping]) -> Tensor:
    """Of each image, the groups (N, F) of the grouping of largest ℓ − 0.08·K·|ℓ of the best|."""
    groups, n_groups, worth = (torch.stack(values) for values in list(zip(*groupings))[:3])
    best = (worth - PRICE * n_groups * worth.amax(0).abs()).argmax(0)
    return groups[best, torch.arange(len(best), device=best.device)]


class Phases:
    """Phases that compete for the foreground pixels of N images; K of them are not silent.

    Parameters
    ----------
    attention : Attention
        The network, pointed at these images.
    network : UsableNetwork
    noise : NoiseStreams
        Of these images; advanced by every cycle.
    n_phases, steps : int
        K₀ and m.
    sampling, sharpness : float
        q and β.
    """

    def __init__(
        self,
        attention: Attention,
        network: UsableNetwork,
        noise: NoiseStreams,
        n_phases: int,
        steps: int,
        sampling: float,
        sharpness: float,
    ):
        self.attention, self.network, self.noise = attention, network, noise
        self.latents: LatentLayer = Spiking(noise, 0) if network.spiking else Deterministic()
        self.n_phases, self.steps, self.sampling, self.sharpness = n_phases, steps, sampling, sharpness
        ink = attention.foreground.to_images(attention.foreground.valid).flatten(1)
        self.background = (~ink).to(network.dtype)[:, :, None]  # (N, H·W, 1)
        self.left = torch.arange(n_phases, device=noise.device).expand(len(noise.counts), -1)  # not silent, (N, K)
        self.feedback = attention.initial(noise.initial_feedback(n_phases, normalise=False).to(network.dtype))

    def cycle(self) -> Tensor:
        """One cycle: the spikes, (N, K·m, F) bool."""
        spikes = self._fire()
        _, received, _ = self.latents.cycle(self.attention.encode(spikes), None)
        self.feedback = self.attention.feedback(received)
        return spikes.view(torch.bool)

    def _fire(self) -> Tensor:
        """Spikes (N, K·m, F) uint8, 0 or 1, from the feedback of the cycle before."""
        n_left, valid = self.left.shape[1], self.attention.foreground.valid
        if valid.device.type != "cpu":
            shares = compete(self._feedback_of_phases(), self.sharpness) * valid[:, None]
            return fire(shares, self.noise.pixel_words(self.steps), self.sampling)
        spikes = torch.empty((len(valid), n_left * self.steps, valid.shape[1]), dtype=torch.uint8)
        feedback = self.feedback.for_neurons()
        constants = (feedback.values.dtype.type(constant) for constant in (self.sampling, self.sharpness))
        phase_cycle(feedback, self.noise.states, self.noise.counts, n_left, *constants, spikes.numpy())
        return spikes

    def _feedback_of_phases(self) -> Tensor:
        """y (N, K, F), the mean over the steps of each phase."""
        return self.feedback.of_pixels().unflatten(1, (self.left.shape[1], -1)).mean(2)

    def with_silent_ones(self, spikes: Tensor) -> Tensor:
        """`spikes` (N, K·m, F) in their place among those of all phases, (N, K₀·m, F)."""
        every = spikes.new_zeros((len(spikes), self.n_phases, self.steps, spikes.shape[2]))
        images = torch.arange(len(spikes), device=spikes.device)[:, None]
        every[images, self.left] = spikes.unflatten(1, (-1, self.steps))
        return every.flatten(1, 2)

    def groups(self) -> Tensor:
        """Phase of largest y of each foreground pixel, (N, F), of those left; −1 beyond an image's own pixels."""
        return torch.where(self.attention.foreground.valid, self._feedback_of_phases().argmax(1), -1)

    def grouping(self, counting: bool) -> Grouping:
        """The groups now, and what they are worth; by themselves unless `counting`, else by samples of them as well."""
        groups = self.groups()
        of_phase = groups[:, None] == torch.arange(self.left.shape[1], device=groups.device)[:, None]  # (N, K, F)
        used, shown = of_phase.any(2), of_phase[:, None]
        if counting:
            sampled = uniform(self.noise.pixel_words(SAMPLES), self.network.dtype) < self.sampling  # (N, samples, F)
            shown = torch.cat([shown, shown & sampled[:, :, None]], 1)
        worth, without = self.worth(shown)
        if counting:
            worth = (worth[:, :1] + worth[:, 1:].mean(1, keepdim=True)) / 2
        return Grouping(groups, used.sum(1), worth[:, 0], without.masked_fill(~used, torch.inf))

    def worth(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """ℓ (N, M) if the network sees `shown` (N, M, K, F) bool of the groups, and ℓ of the first without each (N, K).

        All of them are shown to the network in one batch.
        """
        foreground, n_shown = self.attention.foreground, shown.shape[1:3]
        code = self.attention.encode(shown.flatten(1, 2).view(torch.uint8))
        y = self.attention.decode_images(code.clamp(0, 1) if self.network.spiking else code)  # (N, M·K, H·W)
        if self.network.output_shift:
            y = (y.logit() - self.network.output_shift).sigmoid_()
        no_ink = y.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY).neg_().log1p_()  # log-probability of none
        outside = (no_ink @ self.background)[:, :, 0].unflatten(1, n_shown)
        inside = no_ink.gather(2, foreground.pixels[:, None].expand(-1, no_ink.shape[1], -1)).unflatten(1, n_shown)
        others = 1 - torch.eye(shown.shape[2], dtype=y.dtype, device=y.device)

        def of_ink(no_ink: Tensor) -> Tensor:
            """Log-probability of the ink, (N, M) or (N, K), from that of none, with axis F."""
            return torch.where(foreground.valid[:, None], torch.log(-torch.expm1(no_ink)), 0).sum(2)

        worth = of_ink(inside.sum(2)) + outside.sum(2)
        return worth, of_ink(others @ inside[:, 0]) + outside[:, 0] @ others

    def silence(self, phases: Tensor) -> None:
        """The phases numbered `phases` (N,) fall silent; the others compete for what they had."""
        staying = phases[:, None] != torch.arange(self.left.shape[1], device=phases.device)
        feedback = self._feedback_of_phases()[staying].unflatten(0, (len(phases), -1))
        self.left = self.left[staying].unflatten(0, (len(phases), -1))
        self.feedback = self.attention.initial(feedback)


def compete(feedback: Tensor, sharpness: float) -> Tensor:
    """γ = y^β / Σ_κ y_κ^β, each phase's share of every pixel, from y, (N, K, F) both."""
    powers = feedback**sharpness
    return powers / powers.sum(1, keepdim=True).clamp(min=LEAST_SUM)


def fire(shares: Tensor, words: Tensor, sampling: float) -> Tensor:
    """Spikes of a cycle: in every step each pixel fires in phase k with probability q·γ_k, in one phase at most.

    Together with :func:`compete` the equations of the phases, on any device. On a CPU
    :mod:`dasbe.engine.phases` gives the same.

    Parameters
    ----------
    shares : (N, K, F) float
        γ.
    words : (N, m, F) int32
        Random words, from which u comes.
    sampling : float
        q.

    Returns
    -------
    (N, K·m, F) uint8, 0 or 1
    """
    ends = (sampling * shares).cumsum(1)[:, :, None]  # a pixel fires in the first phase that ends above u
    fires_in = (uniform(words, shares.dtype)[:, None] >= ends).sum(1)  # (N, m, F); K where it does not fire
    phases = torch.arange(shares.shape[1], device=shares.device)[:, None, None]
    return (fires_in[:, None] == phases).flatten(1, 2).view(torch.uint8)


def numbered(groups: np.ndarray, n_phases: int) -> np.ndarray:
    """`groups` (N, F), −1 or a phase, numbered from 1 in the order in which they appear; 0 for −1."""
    of_phase = groups[:, None] == np.arange(n_phases)[:, None]
    first = np.where(of_phase.any(2), of_phase.argmax(2), groups.shape[1])
    numbers = 1 + first.argsort(1, kind="stable").argsort(1)
    return np.where(groups < 0, 0, np.take_along_axis(numbers, np.maximum(groups, 0), 1))


def blocks_of_one_k(images: np.ndarray, fewest: np.ndarray, values_per_pixel: int) -> list[np.ndarray]:
    """:func:`dasbe.engine.parallel.blocks_of`, each of images that end at the same number of phases."""
    of_one_k = (np.flatnonzero(fewest == k) for k in np.unique(fewest))
    return [
        chosen[block] for chosen in of_one_k for block in blocks_of(images[chosen], values_per_pixel, VALUES_OF_A_BLOCK)
    ]


def label(
    images: np.ndarray, network: Network, n_objects: np.ndarray | None, settings: Settings, **streams: Any
) -> np.ndarray:
    """Labels (N, H, W) with as many phases left as there are objects, at least one; None: as many as are worth it."""
    told = None if n_objects is None else np.maximum(n_objects, 1)
    return settle(images, network, **settings._asdict(), n_objects=told, **streams).labels


def label_and_count(
    images: np.ndarray, network: Network, n_objects: np.ndarray | None, settings: Settings, **streams: Any
) -> np.ndarray:
    """:func:`label` without a look at `n_objects`."""
    return label(images, network, None, settings, **streams)


def evaluations(settings: Settings, n_objects: int) -> int:
    """How often the network is evaluated for an image: for the spikes of all cycles, and for what phases are worth."""
    pruned = sum(range(n_objects, settings.n_phases))  # phases left after each that falls silent
    in_cycles = settings.cycles * settings.n_phases + settings.cycles_after_pruning * pruned
    return settings.steps_per_phase * in_cycles + pruned + settings.n_phases - n_objects


def evaluations_counting(settings: Settings, n_objects: int) -> int:
    """:func:`evaluations` down to a single phase, with samples of all groupings."""
    return evaluations(settings, 1) + 1 + SAMPLES * (settings.n_phases * (settings.n_phases + 1) // 2)


SYSTEM = System(
    name="competing_phases",
    title="Competing phases",
    trained_on="single objects",
    told="number of objects",
    sees="spikes",
    network="{dataset}",
    settings=Settings,
    label=label,
    evaluations=evaluations,
)
COUNTING = replace(
    SYSTEM,
    name="competing_phases_counting",
    title="Competing phases, counting",
    told="no more than how many phases to begin with",
    label=label_and_count,
    counts=True,
    evaluations=evaluations_counting,
    always_counts=True,
)
