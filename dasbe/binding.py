"""The binding loop: spiking pixels and an autoencoder, one delay apart (paper, section 3, Algorithm 1).

:func:`bind` is the whole of it. In every step of a cycle the pixels that fire are
shown to the network; what it makes of them comes back one cycle later as the firing
probability of the pixels in the same step. The feedback of a cycle is therefore known
before the cycle begins: all its spikes can be drawn first, and the network is
evaluated once for all steps of all images. That is exact, not an approximation.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from dasbe.ann.attention import (
    Attention,
    DenseAttention,
    ForegroundAttention,
    attention_of,
    float_type,
    values_of,
)
from dasbe.blocks import blocks_of, map_blocks
from dasbe.errors import InputError
from dasbe.foreground import Foreground, ForegroundTrains
from dasbe.snn.coding_space import MAX_REFRACTORY, initial_state, run_cycle, run_latent_cycle
from dasbe.snn.noise import NoiseStreams, stream_indices

CYCLES = 50  # by default, as in Table 1
RECORDABLE = ("spikes", "latents", "feedback")

Network = nn.Module | Callable[[Tensor], Tensor]


@dataclass
class Binding:
    """What :func:`bind` recorded; arrays are None unless asked for.

    Attributes
    ----------
    spikes : (N, n, d, H, W) bool, or ForegroundTrains
        s, over the last n recorded cycles of d steps.
    latents : (N, n, d, latent) float32
        Latent code h, or latent spikes, in every step.
    feedback : (N, n, d, H, W) float32
        y, what the network returned in every step (and what acts one cycle later).
    parameters : dict
        How the run was made.
    """

    spikes: np.ndarray | ForegroundTrains | None = None
    latents: np.ndarray | None = None
    feedback: np.ndarray | None = None
    parameters: dict = field(default_factory=dict)


def bind(
    images: np.ndarray,
    network: Network,
    *,
    delay: int,
    refractory: int | np.ndarray,
    cycles: int | None = None,
    seed: int = 0,
    spike_loss: float = 0.0,
    record: Sequence[str] = ("spikes",),
    last: int | None = None,
    indices: Sequence[int] | None = None,
    foreground_only: bool = False,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Binding:
    """Bind the pixels of each image into objects by spike timing.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1, or (N, n, H, W) for images that move
        Any number type or bool. Of a sequence, cycle i sees frame i; `cycles` is then n.
    network : nn.Module or callable
        A module with `encoder` and `decoder`, such as :func:`dasbe.load_network`
        returns, or any callable from (M, H·W) floats to (M, H·W) floats in [0, 1]. A
        recurrent module (:meth:`dasbe.ann.autoencoder.Autoencoder.combine`) is given the
        latent code of the same step of the cycle before.
    delay : int
        d, steps in a cycle = delay of the feedback.
    refractory : int, or (H, W) or (N, H, W) int
        r, silent steps of a neuron after a spike, at most 127; latent neurons, if they
        spike, have the same (the mean, if r differs between pixels).
    cycles : int
        n, by default 50; for sequences, their length.
    seed : int
        Of all random numbers.
    spike_loss : float
        Probability with which a spike is lost on its way: its neuron rests as after any
        spike, but neither the network nor the record has it. To study robustness.
    record : sequence of str
        Some of ``"spikes"``, ``"latents"``, ``"feedback"``.
    last : int, optional
        Record only this many cycles at the end; by default all.
    indices : sequence of int, optional
        Number of the random stream of each image, by default 0 … N−1. An image with
        the same seed and index gets the same random numbers in any batch.
    foreground_only : bool
        Record the spikes of the foreground pixels alone, as
        :class:`dasbe.foreground.ForegroundTrains`: smaller, and faster to group.
    device : torch.device or str
        Where to compute. The network is moved there if it is a module.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Binding

    Raises
    ------
    InputError
        An argument is wrong; the message names it, its value and the remedy.
    """
    sequences = images if np.ndim(images) == 4 else None
    if sequences is not None:
        sequences, cycles = _check_sequences(sequences, cycles)
        images = sequences.any(1)  # the pixels that ever have ink
    images = check_images(images)
    cycles = CYCLES if cycles is None else cycles
    _check_integers(delay=(delay, 1), cycles=(cycles, 1), seed=(seed, 0))
    rest = _refractory_of_pixels(refractory, images)
    if not 0 <= spike_loss <= 1:
        raise InputError(f"spike_loss is {spike_loss}; it must be a probability, from 0 to 1")
    last = cycles if last is None else last
    _check_integers(last=(last, 1))
    if last > cycles:
        raise InputError(f"last is {last}, more than the {cycles} cycles there are")
    if unknown := set(record) - set(RECORDABLE):
        raise InputError(f"record names {', '.join(sorted(unknown))}; choose some of {', '.join(RECORDABLE)}")
    indices = stream_indices(indices, len(images))
    dtype, n_latent = check_network(network, images.shape[1:], device)
    if "latents" in record and n_latent is None:
        raise InputError("record names latents, but this network has no encoder and decoder")

    given = {"delay": delay, "refractory": refractory, "cycles": cycles, "seed": seed, "spike_loss": spike_loss}
    run = Binding(parameters={**given, "recorded_cycles": last})
    steps = (len(images), last, delay)
    trains = ForegroundTrains.silent(images, last, delay, bool) if "spikes" in record else None
    if "latents" in record:
        run.latents = np.zeros((*steps, n_latent), np.float32)
    if "feedback" in record:
        run.feedback = np.zeros((*steps, *images.shape[1:]), np.float32)

    attend = attention_of(network)

    @torch.inference_mode()
    def bind_block(block: np.ndarray) -> int:
        """Run the loop on the images numbered in `block` and record what it gives."""
        foreground = Foreground.of(images[block], device)
        attention = attend(foreground)
        noise = NoiseStreams(seed, indices[block], foreground.counts, device)
        ink = None if sequences is None else foreground.of_images(sequences[block])
        loop = _loop(
            network,
            attention,
            noise,
            foreground.of_images(rest[block]),
            noise.initial_feedback(delay).to(dtype),
            cycles,
            spike_loss,
            ink,
        )
        for cycle, (spikes, latent, code) in enumerate(loop, start=last - cycles):
            if cycle < 0:
                continue
            if trains is not None:
                trains.record(spikes, foreground.counts, block, cycle)
            if run.latents is not None:
                run.latents[block, cycle] = latent.cpu()
            if run.feedback is not None:
                feedback = attention.decode_images(code).unflatten(2, foreground.image_shape)
                run.feedback[block, cycle] = feedback.cpu()
        return len(block)

    with tqdm(total=len(images), unit=" images", disable=not progress) as bar:
        parallel = ForegroundAttention.fits(network)
        for n_done in map_blocks(bind_block, blocks_of(images, values_of(network, delay)), device, parallel):
            bar.update(n_done)
    if trains is not None:
        run.spikes = trains if foreground_only else trains.to_images()
    return run


def _loop(
    network: Network,
    attention: Attention,
    noise: NoiseStreams,
    refractory: Tensor,
    feedback: Tensor,
    cycles: int,
    spike_loss: float,
    ink: Tensor | None,
) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """The loop itself, from the `feedback` c of cycle 0, (N, d, F), on.

    `refractory` is r of each pixel, (N, F) int8; `ink` is x in each cycle, (N, n, F),
    None if the image stands still and F are the pixels with x = 1. Yields, for every
    cycle, the spikes (N, d, F) bool, the latent code (N, d, L), and what the decoder
    hears of it, (N, d, L).
    """
    pixels = initial_state(feedback.shape[0], feedback.shape[2], feedback.device)
    rest_of_latent = round(refractory.double().mean().item())
    counter, previous = None, None  # f of the latent neurons, and h of the cycle before
    on_demand = None
    resting = np.zeros(len(feedback), bool) if attention.can_wait and ink is None else None
    recurrent = getattr(network, "recurrent", None) is not None

    for cycle in range(cycles):
        shown = feedback if ink is None else feedback * ink[:, cycle, None]  # x·c
        spikes, seen, pixels = run_cycle(shown, noise, refractory, pixels, spike_loss, resting, on_demand)
        latent = attention.encode(seen)
        if getattr(network, "spiking_latent", False):
            counter = torch.zeros_like(latent[:, 0], dtype=torch.int8) if counter is None else counter
            latent, counter = run_latent_cycle(latent, noise, rest_of_latent, counter)
        code = latent
        if recurrent:
            code = network.combine(latent, torch.zeros_like(latent) if previous is None else previous)
            previous = latent
        yield spikes, latent, code
        on_demand = attention.on_demand(code) if resting is not None and resting.any() else None
        if on_demand is None:
            feedback = attention.decode(code)  # y, c of the next cycle
        elif not resting.all():
            attention.decode_some(code, ~resting, feedback)


def _check_sequences(sequences: np.ndarray, cycles: int | None) -> tuple[np.ndarray, int]:
    """`sequences` (N, n, H, W) as uint8 of 0 and 1, and n."""
    sequences = np.asarray(sequences)
    if 0 in sequences.shape:
        raise InputError(f"images have shape {sequences.shape}; they must be (N, cycles, H, W), none of them 0")
    if cycles not in (None, sequences.shape[1]):
        raise InputError(f"cycles is {cycles}, but the sequences have {sequences.shape[1]} frames, one a cycle")
    return check_images(sequences.reshape(-1, *sequences.shape[2:])).reshape(sequences.shape), sequences.shape[1]


def check_images(images: np.ndarray) -> np.ndarray:
    """`images` as (N, H, W) uint8 of 0 and 1, or InputError."""
    images = np.asarray(images)
    if images.ndim != 3 or 0 in images.shape:
        raise InputError(f"images have shape {images.shape}; they must be (N, H, W), none of them 0")
    if images.dtype.kind not in "buif":
        raise InputError(f"images are of type {images.dtype}; they must be numbers or bool")
    wrong = ~((images == 0) | (images == 1))
    if wrong.any():
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise InputError(f"images must be 0 or 1, but images{list(where)} is {images[where]}; binarise them first")
    return images.astype(np.uint8)


def _refractory_of_pixels(refractory: int | np.ndarray, images: np.ndarray) -> np.ndarray:
    """r of each pixel, (N, H, W) int8."""
    given = np.asarray(refractory)
    if isinstance(refractory, bool) or given.dtype.kind not in "iu":
        raise InputError(f"refractory is {refractory!r}; it must be a whole number, or an array of them")
    if given.shape not in ((), images.shape[1:], images.shape):
        raise InputError(f"refractory has shape {given.shape}; it must be one number, (H, W) or {images.shape}")
    if given.min() < 0 or given.max() > MAX_REFRACTORY:
        wrong = given.min() if given.min() < 0 else given.max()
        raise InputError(f"refractory is {wrong}; it must be from 0 to {MAX_REFRACTORY} steps")
    return np.broadcast_to(given.astype(np.int8), images.shape)


def check_network(
    network: Network, image_shape: tuple[int, int], device: torch.device | str
) -> tuple[torch.dtype, int | None]:
    """Move `network` to `device` and try it on an empty image.

    Returns the float type it computes in, and the width of its latent code (None for a
    plain function).
    """
    if not callable(network):
        raise InputError(f"network is a {type(network).__name__}; it must be a module or a function of (M, H·W) floats")
    if isinstance(network, nn.Module):
        network.to(device)
    attention = DenseAttention(network, Foreground.of(np.zeros((1, *image_shape), np.uint8), device))
    try:
        with torch.inference_mode():
            latent = attention.encode(torch.zeros(1, 1, 1, dtype=torch.uint8, device=device))
            feedback = attention.decode(latent)
    except RuntimeError as error:
        height, width = image_shape
        raise InputError(
            f"network does not take images of {height}×{width} = {height * width} pixels ({error}); "
            "use a network trained on images of this size"
        ) from error
    if not ((feedback >= 0) & (feedback <= 1)).all():
        raise InputError(f"network returns {feedback.min()} for an empty image; its values must lie in [0, 1]")
    return float_type(network), latent.shape[2] if attention.two_parts else None


def _check_integers(**arguments: tuple[int, int]) -> None:
    for name, (value, least) in arguments.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")
