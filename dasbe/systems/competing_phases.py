"""Competing phases: more phases than objects share the ink of an image, and fall silent one by one.

A system of our own, beside those of Table 1. As in the binding loop, pixels fire in the
phases of a cycle, the network sees binary spikes and nothing else, and what it makes of
a phase comes back one cycle later as the firing probability in that phase. But here the
phases compete for every pixel, and there is neither a refractory time nor a coincidence
detector. It can equally be called Reconstruction Clustering with sampled groups, a
sharper E-step, and surplus groups that are pruned.
"""

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from dasbe import checks
from dasbe.ann.network import Network, UsableNetwork
from dasbe.engine.attention import Attention, attention_of, has_linear_ends, ready, values_per_pixel
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.latent import Spiking
from dasbe.engine.noise import NoiseStreams
from dasbe.engine.parallel import blocks_of, map_blocks
from dasbe.errors import InputError
from dasbe.parameters import DatasetSettings
from dasbe.snn.noise import uniform
from dasbe.systems.base import System

SURPLUS_PHASES = 3  # beyond the objects
PRICE, RELATIVE_PRICE = 2.0, 0.1  # of a group, where the worth decides how many there are
LEAST_PROBABILITY = 1e-6  # that a group is taken to give to anything


class Settings(NamedTuple):
    """Of the system: see :func:`settle`."""

    n_phases: int
    steps_per_phase: int = 1
    cycles: int = 40
    cycles_after_pruning: int = 20
    sampling: float = 0.5
    sharpness: float = 2.0

    @classmethod
    def published(cls, dataset: DatasetSettings) -> "Settings":
        """Three more phases than a dataset has objects, all else alike for all datasets."""
        return cls(dataset.objects + SURPLUS_PHASES)


class Settled(NamedTuple):
    """What :func:`settle` found in N images.

    Attributes
    ----------
    labels : (N, H, W) int64
        Groups, numbered from 1 in the order in which they appear along the rows; 0 = background.
    counts : (N,) int64
        How many groups there are in each image.
    trains : ForegroundTrains or None
        Spikes of the foreground pixels, if recorded: n cycles of K₀·m steps, those of a
        phase one after another. A phase that has fallen silent has none, and an image
        that needs fewer cycles than others is silent in the last ones.
    """

    labels: np.ndarray
    counts: np.ndarray
    trains: ForegroundTrains | None


def settle(
    images: np.ndarray,
    network: Network,
    *,
    n_phases: int,
    steps_per_phase: int = 1,
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

    In every step of phase k pixel i fires with probability q·γ_k(i). The network sees
    the spikes of each step; y_k is the mean of what it makes of those of a phase, and
    γ_k ← x·y_k^β / Σ_κ y_κ^β in the next cycle. When the cycles are over, the phase
    falls silent without which the worth of the state is largest, and so on. The worth is
    the likelihood of the image if each group were what the network makes of it: the ink
    of the best group, the background of all,
    ℓ = Σ_{x=1} log max_k y_k + Σ_k Σ_{x=0} log(1 − y_k).

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
    network : nn.Module or callable
        As for :func:`dasbe.bind`; latent neurons that spike are taken at their firing
        probability, and nothing is recurrent. A network's `output_shift`, if it has one, is
        taken off the drive of its outputs in ℓ.
    n_phases : int
        K₀, the phases of a cycle at first; more than there are objects.
    steps_per_phase : int
        m.
    n_objects : int or (N,) int, optional
        K, if it is told: no further phase falls silent. Otherwise the state of largest
        ℓ − K·(2 + 0.1·|ℓ of the best state|) counts, of all down to one phase.
    cycles : int
        Before the first phase falls silent.
    cycles_after_pruning : int
        After each phase that falls silent.
    sampling : float
        q.
    sharpness : float
        β.
    record : bool
        Whether spikes are recorded.
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
    n_phases = checks.whole_number("n_phases", n_phases, 1, images[0].size)
    steps, cycles, cycles_after = (
        checks.whole_number(name, value, 1, checks.MOST_STEPS)
        for name, value in (
            ("steps_per_phase", steps_per_phase),
            ("cycles", cycles),
            ("cycles_after_pruning", cycles_after_pruning),
        )
    )
    sampling, sharpness = checks.probability("sampling", sampling), checks.number("sharpness", sharpness, 0)
    record = checks.flag("record", record)
    indices = checks.stream_indices(indices, len(images))
    told = n_objects is not None
    fewest = checks.numbers_of_groups("n_objects", n_objects if told else 1, len(images), images[0].size)
    if told and fewest.max() > n_phases:
        raise InputError(f"n_objects is {fewest.max()}, more than the {n_phases} phases (n_phases) there are")

    n_cycles = cycles + cycles_after * int(n_phases - fewest.min())
    widest = int(np.count_nonzero(images, axis=(1, 2)).max())
    n_bytes = n_phases * steps * (16 * images[0].size + (len(images) * n_cycles * widest if record else 0))
    checks.memory(n_bytes, "this run", "take fewer steps or phases, or fewer images at a time")
    trains = ForegroundTrains.silent(images, n_cycles, n_phases * steps, bool) if record else None
    labels, counts = np.zeros(images.shape, np.int64), np.zeros(len(images), np.int64)

    with ready(network, images, device) as net:
        attend = attention_of(net)

        def settle_block(block: np.ndarray) -> None:
            foreground = Foreground.of(images[block], device)
            noise = NoiseStreams(seed, indices[block], foreground.counts, device)
            ask = _Asking(attend(foreground), net, noise)
            assignments = noise.initial_feedback(n_phases).to(net.dtype)  # γ, (N, K, F)
            left = torch.arange(n_phases, device=device).expand(len(block), -1)  # phases that are not silent, (N, K)
            states, cycle = [], 0
            for n_left in range(n_phases, int(fewest[block[0]]) - 1, -1):
                for _ in range(cycles if n_left == n_phases else cycles_after):
                    spikes = fire(assignments, noise, steps, sampling)
                    if trains is not None:
                        trains.record(_of_all_phases(spikes, left, n_phases * steps), foreground.counts, block, cycle)
                    feedback = ask.feedback(spikes).unflatten(1, (n_left, steps)).mean(2)  # y
                    assignments = compete(feedback, foreground.valid, sharpness)
                    cycle += 1
                state, lost = ask.state(assignments)
                states.append(state)
                if n_left > fewest[block[0]]:
                    staying = lost.argmin(1, keepdim=True) != torch.arange(n_left, device=device)
                    left, assignments = (of_phases[staying].unflatten(0, (-1, n_left - 1)) for of_phases in (left, assignments))
            groups, worths, n_groups = (torch.stack(part, 1) for part in zip(*states))
            best = worths - n_groups * (PRICE + RELATIVE_PRICE * worths.amax(1, keepdim=True).abs())
            chosen = best.argmax(1) if not told else torch.full((len(block),), len(states) - 1)
            each = torch.arange(len(block))
            labels[block] = numbered(foreground.to_images(1 + groups[each, chosen]).cpu().numpy())
            counts[block] = n_groups[each, chosen].cpu().numpy()

        for _ in map_blocks(settle_block, _blocks(images, fewest, values_per_pixel(net, n_phases * steps)), device, threads=has_linear_ends(net)):
            pass
    return Settled(labels, counts, trains)


class _Asking:
    def __init__(self, attention, network, noise):
        self.attention, self.network, self.noise = attention, network, noise
        f = attention.foreground
        self.background = f.to_images(f.valid.to(network.dtype)).flatten(1) == 0
        if os.environ.get("LATENT") != "spikes" and network.spiking and hasattr(attention, "spike_driven_output"):
            attention.spike_driven_output = False

    def feedback(self, spikes):
        drive = self.attention.encode(spikes.view(torch.uint8))
        if self.network.spiking:
            if os.environ.get("LATENT") == "spikes":
                drive = Spiking(self.noise, 0).cycle(drive, None)[0]
            else:
                drive = drive.clamp_(0, 1)
        return self.attention.decode(drive)

    def state(self, assignments):
        """State after some cycles, and ℓ that the absence of each phase would lose, (N, K)."""
        foreground = self.attention.foreground
        groups = assignments.argmax(1)  # (N, F)
        shown = (groups[:, None] == torch.arange(assignments.shape[1], device=groups.device)[:, None]) & foreground.valid[:, None]
        drive = self.attention.encode(shown.view(torch.uint8))
        if self.network.spiking:
            drive = drive.clamp_(0, 1)
        y = self.attention.decode_images(drive)
        if self.network.output_shift:
            y = (y.logit() - self.network.output_shift).sigmoid()
        y = y.clamp(LEAST_PROBABILITY, 1 - LEAST_PROBABILITY)
        outside = torch.where(self.background[:, None], torch.log1p(-y), 0).sum(2)
        explained = y.gather(2, foreground.pixels[:, None].expand_as(shown)).log() * foreground.valid[:, None]
        most = explained.topk(min(2, explained.shape[1]), 1).values
        worth = most[:, 0].sum(1) + outside.sum(1)
        second = most[:, -1]
        lost = outside.scatter_add(1, explained.argmax(1), most[:, 0] - second)
        used = shown.any(2)
        return (groups, worth, used.sum(1)), lost.masked_fill(~used, -torch.inf)


def fire(assignments, noise, steps, sampling):
    """Spikes (N, K·m, F) bool."""
    probability = (sampling * assignments).repeat_interleave(steps, 1)
    return uniform(noise.pixel_words(probability.shape[1]), probability.dtype) < probability


def compete(feedback, valid, sharpness):
    """γ (N, K, F)."""
    powers = feedback**sharpness
    return powers.div_(powers.sum(1, keepdim=True).clamp_(min=1e-30)).mul_(valid[:, None])


def _of_all_phases(spikes, left, n_steps):
    steps = spikes.shape[1] // left.shape[1]
    where = (left[:, :, None] * steps + torch.arange(steps, device=left.device)).flatten(1)
    all_steps = spikes.new_zeros((len(spikes), n_steps, spikes.shape[2]))
    return all_steps.scatter_(1, where[:, :, None].expand_as(spikes), spikes)


def _blocks(images, fewest, values):
    blocks = []
    for k in np.unique(fewest):
        chosen = np.flatnonzero(fewest == k)
        blocks += [chosen[block] for block in blocks_of(images[chosen], values)]
    return blocks


def numbered(groups):
    """`groups` (N, H, W) with those above 0 numbered from 1 in the order in which they appear along the rows."""
    result = np.zeros_like(groups)
    for of_image, out in zip(groups, result):
        found, first = np.unique(of_image[of_image > 0], return_index=True)
        numbers = np.zeros(of_image.max() + 1, np.int64)
        numbers[found[first.argsort()]] = np.arange(1, len(found) + 1)
        out[...] = numbers[of_image]
    return result
