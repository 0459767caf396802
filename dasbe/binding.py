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

from dasbe.ann.attention import Attention, DenseAttention, Foreground, ForegroundAttention
from dasbe.errors import InputError
from dasbe.snn.coding_space import MAX_REFRACTORY, THRESHOLD, fire, initial_state, run_cycle
from dasbe.snn.noise import NoiseStreams, coins, uniform

RECORDABLE = ("spikes", "latents", "feedback")
BLOCK_VALUES = 1 << 19  # steps × pixels of one block of images: a few arrays of this size fit in the cache

Network = nn.Module | Callable[[Tensor], Tensor]


@dataclass
class Binding:
    """What :func:`bind` recorded; arrays are None unless asked for.

    Attributes
    ----------
    spikes : (N, n, d, H, W) bool
        s, over the last n recorded cycles of d steps.
    latents : (N, n, d, latent) float32
        Latent code h, or latent spikes, in every step.
    feedback : (N, n, d, H, W) float32
        y, what the network returned in every step (and what acts one cycle later).
    parameters : dict
        How the run was made.
    """

    spikes: np.ndarray | None = None
    latents: np.ndarray | None = None
    feedback: np.ndarray | None = None
    parameters: dict = field(default_factory=dict)


def bind(
    images: np.ndarray,
    network: Network,
    *,
    delay: int,
    refractory: int,
    cycles: int = 50,
    seed: int = 0,
    record: Sequence[str] = ("spikes",),
    last: int | None = None,
    indices: Sequence[int] | None = None,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Binding:
    """Bind the pixels of each image into objects by spike timing.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
        Any number type or bool.
    network : nn.Module or callable
        A module with `encoder` and `decoder`, such as :func:`dasbe.load_network`
        returns, or any callable from (M, H·W) floats to (M, H·W) floats in [0, 1].
    delay : int
        d, steps in a cycle = delay of the feedback.
    refractory : int
        r, silent steps of a neuron after a spike; latent neurons, if they spike,
        have the same.
    cycles : int
        n.
    seed : int
        Of all random numbers.
    record : sequence of str
        Some of ``"spikes"``, ``"latents"``, ``"feedback"``.
    last : int, optional
        Record only this many cycles at the end; by default all.
    indices : sequence of int, optional
        Number of the random stream of each image, by default 0 … N−1. An image with
        the same seed and index gets the same random numbers in any batch.
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
    images = check_images(images)
    _check_integers(delay=(delay, 1), refractory=(refractory, 0), cycles=(cycles, 1), seed=(seed, 0))
    if refractory > MAX_REFRACTORY:
        raise InputError(f"refractory is {refractory}; it must be at most {MAX_REFRACTORY} steps")
    last = cycles if last is None else last
    _check_integers(last=(last, 1))
    if last > cycles:
        raise InputError(f"last is {last}, more than the {cycles} cycles there are")
    if unknown := set(record) - set(RECORDABLE):
        raise InputError(f"record names {', '.join(sorted(unknown))}; choose some of {', '.join(RECORDABLE)}")
    indices = np.arange(len(images)) if indices is None else np.asarray(indices)
    if indices.shape != (len(images),) or (len(indices) and indices.min() < 0):
        raise InputError(f"indices must be {len(images)} numbers from 0, one for each image")
    dtype = check_network(network, images.shape[1:], device)
    if "latents" in record and not has_latent(network):
        raise InputError("record names latents, but this network has no encoder and decoder")

    given = {"delay": delay, "refractory": refractory, "cycles": cycles, "seed": seed}
    run = Binding(parameters={**given, "recorded_cycles": last})
    # images with about as many pixels share a block, so that little is padded
    order = np.argsort(np.count_nonzero(images, axis=(1, 2)), kind="stable")
    with torch.inference_mode(), tqdm(total=len(images), unit=" images", disable=not progress) as bar:
        for block in _blocks(images, order, delay):
            foreground = Foreground.of(images[block], device)
            attention = attend(network, foreground)
            noise = NoiseStreams(seed, indices[block], foreground.valid.sum(1).tolist(), device)
            spiking = getattr(network, "spiking_latent", False)
            loop = _loop(attention, noise, spiking, delay, refractory, cycles, dtype)
            for cycle, (spikes, latent) in enumerate(loop, start=last - cycles):
                if cycle < 0:
                    continue
                values = {}
                if "spikes" in record:
                    values["spikes"] = foreground.to_images(spikes)
                if "latents" in record:
                    values["latents"] = latent
                if "feedback" in record:
                    values["feedback"] = attention.decode_images(latent).unflatten(2, foreground.image_shape)
                for name, value in values.items():
                    _store(run, name, value, block, cycle, len(images), last)
            bar.update(len(block))
    return run


def _loop(
    attention: Attention,
    noise: NoiseStreams,
    spiking: bool,
    delay: int,
    refractory: int,
    cycles: int,
    dtype: torch.dtype,
) -> Iterator[tuple[Tensor, Tensor]]:
    """The loop itself: yields the spikes (N, d, F) bool and the latent code (N, d, L) of every cycle."""
    refractory = torch.tensor(refractory, dtype=torch.int8, device=noise.device)
    feedback = noise.initial_feedback(delay).to(dtype)  # c of cycle 0, (N, d, F)
    pixels = initial_state((feedback.shape[0], feedback.shape[2]), noise.device)
    latent_counter = None

    for _ in range(cycles):
        words = noise.pixel_words(delay)
        membrane = feedback.add_(uniform(words, dtype))  # m = x·c + u, where x = 1
        spikes, seen, pixels = run_cycle(
            _time_first(membrane) > THRESHOLD, coins(_time_first(words)), refractory, pixels
        )

        latent = attention.encode(_time_first(seen).to(dtype))
        if spiking:
            drive = latent.add_(uniform(noise.latent_words(delay, latent.shape[2]), dtype))  # z + u
            if latent_counter is None:
                latent_counter = torch.zeros_like(drive[:, 0], dtype=torch.int8)
            fired, latent_counter = fire(_time_first(drive) > 1, latent_counter, refractory)
            latent = _time_first(fired).to(dtype)
        yield _time_first(spikes), latent
        feedback = attention.decode(latent)  # y, c of the next cycle


def _time_first(x: Tensor) -> Tensor:
    """(N, d, ...) ↔ (d, N, ...): networks want images first, spiking neurons steps first."""
    return x.transpose(0, 1)


def attend(network: Network, foreground: Foreground) -> Attention:
    """`network` in the form that suits it best."""
    return (ForegroundAttention if ForegroundAttention.fits(network) else DenseAttention)(network, foreground)


def has_latent(network: Network) -> bool:
    """Whether `network` shows its latent code."""
    return hasattr(network, "encoder") and hasattr(network, "decoder")


def _blocks(images: np.ndarray, order: np.ndarray, delay: int) -> Iterator[np.ndarray]:
    """Split `order` (by rising number of pixels) into blocks of about `BLOCK_VALUES` values."""
    counts = np.maximum(np.count_nonzero(images, axis=(1, 2))[order], 1)
    start = 0
    while start < len(order):
        stop = start + 1
        while stop < len(order) and (stop + 1 - start) * delay * counts[stop] <= BLOCK_VALUES:
            stop += 1
        yield order[start:stop]
        start = stop


def _store(run: Binding, name: str, value: Tensor, block: np.ndarray, cycle: int, n_images: int, n_cycles: int) -> None:
    """Write what one block gave in one cycle into the record, which is created by the first call."""
    value = value.cpu().numpy()
    if getattr(run, name) is None:
        setattr(run, name, np.zeros((n_images, n_cycles, *value.shape[1:]), value.dtype))
    getattr(run, name)[block, cycle] = value


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


def check_network(network: Network, image_shape: tuple[int, int], device: torch.device | str) -> torch.dtype:
    """Move `network` to `device`, try it on an empty image, and return the float type it computes in."""
    if not callable(network):
        raise InputError(f"network is a {type(network).__name__}; it must be a module or a function of (M, H·W) floats")
    dtype = torch.float32
    if isinstance(network, nn.Module):
        network.to(device)
        dtype = next((parameter.dtype for parameter in network.parameters()), dtype)
    empty = Foreground.of(np.zeros((1, *image_shape), np.uint8), device)
    attention = DenseAttention(network, empty)
    try:
        with torch.inference_mode():
            attention.decode(attention.encode(torch.zeros(1, 1, 1, dtype=dtype, device=device)))
    except RuntimeError as error:
        height, width = image_shape
        raise InputError(
            f"network does not take images of {height}×{width} = {height * width} pixels ({error}); "
            "use a network trained on images of this size"
        ) from error
    return dtype


def _check_integers(**arguments: tuple[int, int]) -> None:
    for name, (value, least) in arguments.items():
        if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < least:
            raise InputError(f"{name} is {value!r}; it must be a whole number of at least {least}")
