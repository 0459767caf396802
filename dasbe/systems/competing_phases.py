"""Competing phases: more phases than objects share the ink of an image, and fall silent one by one.

A system of our own, beside those of Table 1. As in the binding loop, the pixels fire in
phases, the network sees binary spikes and nothing else, and what it makes of a phase
comes back one cycle later. But here the phases compete for every pixel, a pixel fires at
most once in a round of the phases, and there is no coincidence detector. It can equally
be called Reconstruction Clustering with samples of the groups in place of soft values, a
sharper E-step, and more groups than objects, which are pruned.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.network import Network, UsableNetwork
from dasbe.binding.labels import numbered
from dasbe.engine.attention import Attention, attention_of, has_linear_ends, ready, values_per_pixel
from dasbe.engine.colours import Colours, likelihoods, separated
from dasbe.engine.foreground import Foreground
from dasbe.engine.neurons import Deterministic, LatentLayer, Spiking
from dasbe.engine.parallel import BLOCK_VALUES, blocks_of, map_blocks
from dasbe.engine.phases import phase_cycle
from dasbe.engine.streams import NoiseStreams
from dasbe.snn.noise import REFINEMENT, uniform
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.systems.base import System

PRICE = 0.08  # of a group, where the worth decides how many there are; a part of the largest worth
SAMPLES = 4  # of the groups, that the network sees for their worth where the worth decides
LEAST_PROBABILITY = 1e-6  # in the worth, of ink and of its absence
VALUES_OF_A_BLOCK = 4 * BLOCK_VALUES  # of images: a cycle has few steps, and calls take their time
FIRST_FLIPS, FLIPS = 0.02, (1e-4, 0.3)  # part of the pixels that are switched, where it is found: at first; limits
STEPS_OF_FLIPS = 20  # of expectation and maximisation
LEAST_SUM = 1e-30  # of the powers of feedback, by which they are divided


class Settings(NamedTuple):
    """Settings of competing phases; all but the first are alike for all datasets, and published nowhere else.

    Attributes
    ----------
    n_phases : int
        K₀, phases at first: more than there are objects, up to 2.5 times as many.
    steps_per_phase : int
        m.
    cycles : int
        Cycles before the first phase falls silent.
    cycles_after_pruning : int
        Cycles after each phase that falls silent.
    sampling : float
        q.
    sharpness : float
        β.
    ground : str or (N, H, W) array of 0 and 1, optional
        What is known of the ground: ``"none"``, it is 0; ``"flat"``, it has the commonest colour;
        ``"plane"``, a colour that changes evenly over the image; or where it is. By default none
        for images of 0 and 1, and flat for grey and colour.
    colour : str, optional
        What the pixels of a phase have in common besides what the network makes of them:
        ``"none"``, nothing; ``"flat"``, a colour; ``"plane"``, a shaded one. By default as for `ground`.
    sigma : float or None
        σ, how far colours taken for equal lie apart, in each channel from 0 to 1; None: as far as
        those of the ground, at least 0.15.
    noise : float or None
        Part of the pixels that are switched, on or off, or have any colour; None: found for each image.
    """

    n_phases: int
    steps_per_phase: int = 2
    cycles: int = 40
    cycles_after_pruning: int = 20
    sampling: float = 0.5
    sharpness: float = 2.0
    ground: Any = None
    colour: str | None = None
    sigma: float | None = 0.2
    noise: float | None = 0.0


def settle(
    images: np.ndarray,
    network: Network,
    n_objects: np.ndarray | None,
    settings: Any,
    *,
    start: np.ndarray | None = None,
    with_likelihood: bool = False,
    seed: int,
    indices: np.ndarray,
    device: torch.device,
) -> tuple[np.ndarray, np.ndarray]:
    """Group the pixels of each image by phases that compete for them.

    Each phase k has a share γ_k = y_k^β / Σ_κ y_κ^β of every pixel, where y_k is what the
    network made of the phase in the cycle before; at first |N(0, 1)|. In each of its m
    steps a pixel fires with probability q, in phase k with probability q·γ_k; y_k is the
    mean of what the network makes of the spikes in the m steps of phase k. A pixel
    belongs to the phase of largest y_k. Once the cycles are over a phase falls silent,
    and after some more cycles the next: one that has no pixel, else the one without which
    the likelihood of the image is largest, as the union of what the network makes of the
    groups, ℓ = Σ_{x=1} log(1 − Π_k(1 − y_k)) + Σ_{x=0} Σ_k log(1 − y_k).

    Where images are grey or in colour, their ground is found first (:func:`dasbe.engine.colours.find_ground`),
    and the rest is ink. A phase then has a colour μ_k, that of the pixels that fired in it; in
    place of y_k stands y_k·N(x; μ_k, σ), and in ℓ the ink has log[(1 − Π_k(1 − y_k))·Σ_k y_k·N_k / Σ_k y_k].
    Where a part f of the pixels is switched, f competes with y_k, and what it wins is of no
    group; in ℓ each probability p is (1 − 2f)·p + f, for ink in colour f times the density of any
    colour. If f is to be found, it is after each stage that of largest ℓ, for the groups as they are.

    Latent neurons that spike have no refractory time here (and are taken at their firing
    probability in ℓ), and nothing is recurrent. If training has added an `output_shift` to
    the drive of every output (:class:`dasbe.ann.autoencoder.Autoencoder`), ℓ is without it.

    Parameters
    ----------
    images, network, n_objects, seed, indices, device
        As for :attr:`dasbe.systems.base.System.label`. At as many phases as objects, no
        further one falls silent. If `n_objects` is None, that goes on down to one phase, and
        of the groupings on the way, each of K groups, that of largest ℓ − 0.08·K·|ℓ of the
        best| counts; of |ℓ|, what switched pixels alone would cost is left out. Half of this ℓ is
        that of the groups, and half the mean over four samples of them, in which each pixel is
        seen with probability q, as networks are trained on.
    settings : named tuple
        With the fields of :class:`Settings`; `n_phases` may be an array (N,). If `sampling` is
        None, the network sees the shares γ themselves, in one step a phase; nothing is drawn.
    start : (N, H, W) int, optional
        Groups to begin with, from 1; pixels of none are shown in no phase at first.
    with_likelihood : bool
        Whether ℓ of the groups at the end is wanted.

    Returns
    -------
    labels : (N, H, W) int64
        Groups, numbered from 1 in the order in which they appear along the rows; 0 = background, or switched on.
    likelihood : (N,) float64
        ℓ if `with_likelihood`, else 0.
    """
    given = {name: getattr(settings, name) for name in ("steps_per_phase", "cycles", "cycles_after_pruning")}
    steps, cycles, cycles_after = (checks.whole_number(*item, 1, checks.MOST_STEPS) for item in given.items())
    q = None if settings.sampling is None else checks.probability("sampling", settings.sampling)
    beta, steps = checks.number("sharpness", settings.sharpness, 0), 1 if q is None else steps
    flips = None if settings.noise is None else checks.number("noise", settings.noise, 0, 0.5)
    images, colours = separated(images, settings.ground, settings.colour, settings.sigma)
    counting, n_phases = n_objects is None, np.broadcast_to(settings.n_phases, len(images))
    fewest = np.ones(len(images), np.int64) if n_objects is None else n_objects  # phases that do not fall silent
    most = int(n_phases.max()) * steps
    shown = max(most, int(n_phases.max()) * (1 + SAMPLES)) if counting else most  # of an image, at once
    checks.memory(16 * images[0].size * shown, "this run", "take fewer phases or steps")
    use = () if start is None else (REFINEMENT,)  # who found the start has used the other numbers
    labels, likelihood = np.zeros(images.shape, np.int64), np.zeros(len(images))

    with ready(network, images, device) as net:
        # of soft values the decoder receives probabilities, not the spikes by which it may be driven
        needed = None if q is None else 1 - (1 - q) ** steps  # in one of its steps at least a pixel fires
        attend = attention_of(replace(net, spiking=False) if q is None else net, needed=needed)

        def settle_block(block: np.ndarray) -> None:
            first, last, groupings = int(n_phases[block[0]]), int(fewest[block[0]]), []
            foreground = Foreground.of(images[block], device)
            noise = NoiseStreams(seed, indices[block], foreground.counts, device, *use)
            own = None if colours is None else colours.of_chosen(block).of_foreground(foreground, net.dtype)
            phases = Phases(attend(foreground), net, noise, first, steps, q, beta, own, flips)
            if start is not None:
                phases.begin_with(foreground.of_images(start[block]))
            for n_left in range(first, last - 1, -1):
                for _ in range(cycles if n_left == first else cycles_after):
                    phases.cycle()
                if counting or with_likelihood or n_left > last:
                    groupings.append(phases.grouping(counting))
                if n_left > last:
                    phases.silence(groupings[-1].without.argmax(1))
            if counting:
                groups = chosen_groups(groupings)
            else:
                groups = groupings[-1].groups if with_likelihood else phases.groups()
            numbers = torch.from_numpy(np.stack([*map(numbered, groups.cpu().numpy())])).to(device)
            labels[block] = foreground.to_images(numbers).cpu().numpy()
            if with_likelihood:
                likelihood[block] = groupings[-1].worth.cpu().numpy()

        # smaller blocks where the likelihood is wanted: float32 rounds by block, and published results were made so
        per_pixel = values_per_pixel(net, most, layers=2 if with_likelihood else 1)
        for _ in map_blocks(settle_block, blocks_of_one_k(images, fewest, per_pixel), device, has_linear_ends(net)):
            pass
    return labels, likelihood


class Grouping(NamedTuple):
    """The groups of N images after some cycles, with K phases left."""

    groups: Tensor  # (N, F) int64: phase of each foreground pixel, of those left; −1 beyond an image's own
    n_groups: Tensor  # (N,) int64: phases with any pixel
    worth: Tensor  # (N,): ℓ
    by_chance: Tensor  # (N,): −ℓ of the pixels that are switched, if all else were certain
    without: Tensor  # (N, K): ℓ without each phase, of the groups alone; ∞ without one that has no pixel


def chosen_groups(groupings: Sequence[Grouping]) -> Tensor:
    """Of each image, the groups (N, F) of the grouping of largest ℓ − 0.08·K·|ℓ of the best|."""
    groups, n_groups, worth, by_chance = (torch.stack(values) for values in list(zip(*groupings))[:4])
    scale = worth.amax(0).abs() - by_chance.gather(0, worth.argmax(0, keepdim=True))[0]
    best = (worth - PRICE * n_groups * scale.clamp(min=0)).argmax(0)
    return groups[best, torch.arange(len(best), device=best.device)]


class Phases:
    """Phases that compete for the foreground pixels of N images; K of them are not silent, at first `n_phases`.

    `attention` is the `network`, pointed at these images, and `noise` their random numbers,
    which every cycle advances. There are m `steps` a phase; `sampling` q and `sharpness` β
    are as of :func:`settle`.
    """

    def __init__(
        self,
        attention: Attention,
        network: UsableNetwork,
        noise: NoiseStreams,
        n_phases: int,
        steps: int,
        sampling: float | None,
        sharpness: float,
        colours: Colours | None = None,
        flips: float | None = 0.0,
    ):
        self.attention, self.network, self.noise = attention, network, noise
        self.latents: LatentLayer = Spiking(noise, 0) if network.spiking else Deterministic()
        self.n_left, self.steps, self.sampling, self.sharpness = n_phases, steps, sampling, sharpness
        ink = attention.foreground.to_images(attention.foreground.valid).flatten(1)
        self.background = (~ink).to(network.dtype)[:, :, None]  # (N, H·W, 1)
        self.feedback = attention.initial(noise.initial_feedback(n_phases, normalise=False).to(network.dtype))
        self.colours, self.finds_flips = colours, flips is None
        self.distances: Tensor | None = None  # (N, K, F) of pixels from the colours of the phases
        self.flips: Tensor | None = None  # (N, 1)
        if flips != 0:
            self.flips = self.feedback.of_pixels().new_full((len(ink), 1), FIRST_FLIPS if flips is None else flips)

    def begin_with(self, groups: Tensor) -> None:
        """Begin with each pixel in the phase of its group, `groups` (N, F) from 1, or for 0 in none."""
        of_phase = groups[:, None] == torch.arange(1, self.n_left + 1, device=groups.device)[:, None]
        self.feedback = self.attention.initial(of_phase.to(self.network.dtype))

    def cycle(self) -> Tensor:
        """One cycle; what the network sees in it, spikes (N, K·m, F) uint8, or shares (N, K, F)."""
        if self.sampling is None:
            seen = self._shares()
            received = self._probabilities(self.attention.encode(seen))
        else:
            seen = self._fire(self.sampling)
            _, received, _ = self.latents.cycle(self.attention.encode(seen), None)
        self.feedback = self.attention.feedback(received)
        if self.colours is not None:
            self.distances = self.colours.distances(seen, self.n_left)
        return seen

    def _fire(self, sampling: float) -> Tensor:
        """Spikes (N, K·m, F) uint8, 0 or 1, from the feedback of the cycle before."""
        valid = self.attention.foreground.valid
        if valid.device.type != "cpu":
            return fire(self._shares(), self.noise.pixel_words(self.steps), sampling)
        likelihood, unexplained = (
            valid.new_empty((0,) * n_axes, dtype=self.network.dtype) if given is None else given
            for given, n_axes in ((self._likelihood(), 3), (self._unexplained(), 2))
        )
        spikes = torch.empty((len(valid), self.n_left * self.steps, valid.shape[1]), dtype=torch.uint8)
        feedback, arrays = self.feedback.for_neurons(), [part.numpy() for part in (likelihood, unexplained, spikes)]
        q, beta = (feedback.values.dtype.type(constant) for constant in (sampling, self.sharpness))
        phase_cycle(feedback, self.noise.states, self.noise.counts, self.n_left, q, beta, *arrays)
        return spikes

    def _shares(self) -> Tensor:
        """γ (N, K, F), 0 beyond an image's own pixels."""
        return (
            shares_of(self._support(), self.sharpness, self._unexplained()) * self.attention.foreground.valid[:, None]
        )

    def _probabilities(self, code: Tensor) -> Tensor:
        """`code`, or of latent neurons that spike the probabilities with which they fire."""
        return code.clamp(0, 1) if self.network.spiking else code

    def _feedback_of_phases(self) -> Tensor:
        """y (N, K, F), the mean over the steps of each phase."""
        return self.feedback.of_pixels().unflatten(1, (self.n_left, -1)).mean(2)

    def _likelihood(self) -> Tensor | None:
        """N(x; μ_k, σ) in units of the largest of all phases, (N, K, F); None without colours."""
        return None if self.distances is None else likelihoods(self.distances)

    def _unexplained(self) -> Tensor | None:
        """What competes with y of the phases where pixels may be switched, (N, F); of any colour. None if none are."""
        if self.flips is None:
            return None
        level = (self.flips.logit() + self.network.output_shift).sigmoid()  # as y itself is shifted
        return level.expand(-1, self.attention.foreground.valid.shape[1]).contiguous()

    def _support(self) -> Tensor:
        """y·N(x; μ, σ) of each phase (N, K, F), y alone without colours."""
        y, likelihood = self._feedback_of_phases(), self._likelihood()
        return y if likelihood is None else y * likelihood

    def groups(self) -> Tensor:
        """Phase (N, F) of largest y·N of each pixel, of those left; −1: of none, or beyond an image's own pixels."""
        (most, groups), level, valid = self._support().max(1), self._unexplained(), self.attention.foreground.valid
        return torch.where(valid if level is None else valid & (most > level), groups, -1)

    def grouping(self, counting: bool) -> Grouping:
        """The groups now, and what they are worth; by themselves unless `counting`, else by samples of them as well."""
        groups = self.groups()
        of_phase = groups[:, None] == torch.arange(self.n_left, device=groups.device)[:, None]  # (N, K, F)
        used, shown = of_phase.any(2), of_phase[:, None]
        if counting:
            assert self.sampling is not None  # soft values are not counted
            sampled = uniform(self.noise.pixel_words(SAMPLES), self.network.dtype) < self.sampling  # (N, samples, F)
            shown = torch.cat([shown, shown & sampled[:, :, None]], 1)
        worth, without = self.worth(shown)
        if counting:
            worth = (worth[:, :1] + worth[:, 1:].mean(1, keepdim=True)) / 2
        by_chance = torch.zeros_like(worth[:, 0])
        if self.flips is not None:
            f = self.flips[:, 0]
            by_chance = -self.background.shape[1] * (torch.xlogy(f, f) + torch.xlogy(1 - f, 1 - f))
        return Grouping(groups, used.sum(1), worth[:, 0], by_chance, without.masked_fill(~used, torch.inf))

    def _find_flips(self, ink: Tensor, none: Tensor, of_any: Any) -> None:
        """Take for f the value of largest ℓ, by expectation and maximisation.

        From the likelihood of `ink` (N, 1, F) and of `none` (N, 1, H·W) by the groups, and the density `of_any` colour.
        """
        assert self.flips is not None
        for _ in range(STEPS_OF_FLIPS):
            f = self.flips[:, :, None]
            kept = 1 - 2 * f  # all other pixels are set at random
            on = self.attention.foreground.valid[:, None] * (f * of_any / (kept * ink + f * of_any))
            off = (f / (kept * none + f)) @ self.background
            self.flips = ((on.sum(2) + off[:, :, 0]) / (2 * self.background.shape[1])).clamp(*FLIPS)

    def worth(self, shown: Tensor) -> tuple[Tensor, Tensor]:
        """ℓ (N, M) if the network sees `shown` (N, M, K, F) bool of the groups, and ℓ of the first without each (N, K).

        All of them are shown to the network in one batch. If f is to be found, it is first taken from the groups.
        """
        foreground, n_shown = self.attention.foreground, shown.shape[1:3]
        code = self.attention.encode(shown.flatten(1, 2).view(torch.uint8))
        y = self.attention.decode_images(self._probabilities(code))  # (N, M·K, H·W)
        if self.network.output_shift:
            y = (y.logit() - self.network.output_shift).sigmoid_()
        no_ink = y.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY).neg_().log1p_()  # log-probability of none
        inside = no_ink.gather(2, foreground.pixels[:, None].expand(-1, no_ink.shape[1], -1)).unflatten(1, n_shown)
        others = 1 - torch.eye(shown.shape[2], dtype=y.dtype, device=y.device)
        uniform: Any = 1 if self.colours is None else self.colours.uniform()[:, None, None]
        fits = fits_of_others = None  # how well the colours of the phases fit that of a pixel, (N, M, F), (N, K, F)
        if self.colours is not None:
            m = -torch.expm1(inside)
            of_phases = m * torch.exp(-self.colours.distances(shown[:, 0].view(torch.uint8), shown.shape[2]))[:, None]
            fits, fits_of_others = of_phases.sum(2) / m.sum(2), (others @ of_phases[:, 0]) / (others @ m[:, 0])

        def of_pixels(no_ink: Tensor, fits: Tensor | None) -> Tensor:
            """Likelihood of ink at each foreground pixel where none is switched, from log-probabilities of none."""
            ink = -torch.expm1(no_ink)
            return ink if fits is None else (ink * fits).clamp_(min=LEAST_PROBABILITY)

        ink, flips = of_pixels(inside.sum(2), fits), None  # (N, M, F)
        if self.flips is not None:
            no_ink = no_ink.unflatten(1, n_shown)
            none = no_ink.sum(2)
            if self.finds_flips:
                self._find_flips(ink[:, :1], torch.exp(none[:, :1]), uniform)
            flips = self.flips[:, :, None]

        def of_ink(ink: Tensor) -> Tensor:
            """Log-probability of the ink, (N, M) or (N, K), from its likelihood, with axis F."""
            if flips is not None:
                ink = (1 - 2 * flips) * ink + flips * uniform
            return torch.where(foreground.valid[:, None], torch.log(ink), 0).sum(2)

        if flips is None:
            outside = (no_ink @ self.background)[:, :, 0].unflatten(1, n_shown)
            of_all, of_others = outside.sum(2), outside[:, 0] @ others
        else:  # where an object has no ink, it may be switched off
            of_all, of_others = (
                (torch.log((1 - 2 * flips) * torch.exp(of_none) + flips) @ self.background)[:, :, 0]
                for of_none in (none, others @ no_ink[:, 0])
            )
        return of_ink(ink) + of_all, of_ink(of_pixels(others @ inside[:, 0], fits_of_others)) + of_others

    def silence(self, phases: Tensor) -> None:
        """The phases numbered `phases` (N,) fall silent; the others compete for what they had."""
        staying = phases[:, None] != torch.arange(self.n_left, device=phases.device)
        self.feedback = self.attention.initial(self._feedback_of_phases()[staying].unflatten(0, (len(phases), -1)))
        if self.distances is not None:
            self.distances = self.distances[staying].unflatten(0, (len(phases), -1))
        self.n_left -= 1


def shares_of(feedback: Tensor, sharpness: float, unexplained: Tensor | None = None) -> Tensor:
    """γ = y^β / Σ_κ y_κ^β, each phase's share of every pixel, from y, (N, K, F) both.

    What is `unexplained` (N, F) competes with the phases.
    """
    powers = feedback**sharpness
    total = powers.sum(1, keepdim=True)
    if unexplained is not None:
        total = total + (unexplained**sharpness)[:, None]
    return powers / total.clamp(min=LEAST_SUM)


def fire(shares: Tensor, words: Tensor, sampling: float) -> Tensor:
    """Spikes of a cycle: in every step each pixel fires in phase k with probability q·γ_k, in one phase at most.

    Together with :func:`shares_of` the equations of the phases, on any device. On a CPU
    :mod:`dasbe.engine.phases` gives the same. From γ, `shares` (N, K, F), random `words`
    (N, m, F), from which u comes, and q, `sampling`, to (N, K·m, F) uint8, 0 or 1.
    """
    ends = (sampling * shares).cumsum(1)[:, :, None]  # a pixel fires in the first phase that ends above u
    fires_in = (uniform(words, shares.dtype)[:, None] >= ends).sum(1)  # (N, m, F); K where it does not fire
    phases = torch.arange(shares.shape[1], device=shares.device)[:, None, None]
    return (fires_in[:, None] == phases).flatten(1, 2).view(torch.uint8)


def blocks_of_one_k(images: np.ndarray, fewest: np.ndarray, values_per_pixel: int) -> list[np.ndarray]:
    """Blocks as of :func:`dasbe.engine.parallel.blocks_of`, each of images that end at the same number of phases."""
    of_one_k = (np.flatnonzero(fewest == k) for k in np.unique(fewest))
    return [
        chosen[block] for chosen in of_one_k for block in blocks_of(images[chosen], values_per_pixel, VALUES_OF_A_BLOCK)
    ]


def label(
    images: np.ndarray, network: Network, n_objects: np.ndarray | None, settings: Settings, **streams: Any
) -> np.ndarray:
    """Labels (N, H, W) with as many phases left as there are objects, at least one; None: as many as are worth it."""
    checks.probability("sampling", settings.sampling)
    n_phases = checks.whole_number("n_phases", settings.n_phases, 1, math.prod(images.shape[-2:]))
    if n_objects is not None:
        n_objects = np.maximum(n_objects, 1)
        if n_objects.max() > n_phases:
            most = n_objects.max()
            raise InputError(f"n_objects is {most}, but n_phases is {n_phases}; take at least as many phases")
    return settle(images, network, n_objects, settings, **streams)[0]


def evaluations(settings: Settings, n_objects: int) -> int:
    """Number of evaluations of the network for an image: for the spikes of all cycles, and for what phases add to ℓ."""
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
    takes_colour=True,
    evaluations=evaluations,
)
COUNTING = replace(
    SYSTEM,
    name="competing_phases_counting",
    title="Competing phases, counting",
    told="number of phases at first",
    can_count=True,
    never_told=True,
    evaluations=evaluations_counting,
)
FROM_SCENES = replace(
    SYSTEM,
    name="competing_phases_scenes",
    title="Competing phases, from scenes",
    trained_on="scenes",
    network="scenes_{dataset}",
)
COUNTING_FROM_SCENES = replace(
    COUNTING,
    name="competing_phases_counting_scenes",
    title="Competing phases, from scenes, counting",
    trained_on="scenes",
    network="scenes_{dataset}",
)
