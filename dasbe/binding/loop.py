"""The binding loop: spiking pixels and an autoencoder, one delay apart (paper, section 3, Algorithm 1).

In every step of a cycle the pixels that fire are shown to the network; what it makes of
them comes back one cycle later as the firing probability of the pixels in the same
step. The feedback of a cycle is therefore known before the cycle begins: all its spikes
can be drawn first, and the network is evaluated once for all steps of all images. That
is exact, not an approximation; step by step, the same stands in :mod:`dasbe.definition`.
"""

import hashlib
import warnings
from collections.abc import Iterable, Iterator, Sequence
from itertools import repeat

import numpy as np
import torch
from torch import Tensor

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.network import Network
from dasbe.ann.weights import weights_hash
from dasbe.binding.run import LESS_MEMORY, RECORDABLE, Binding, new_run
from dasbe.engine.attention import Attention, attention_of, has_linear_ends, ready, values_per_pixel
from dasbe.engine.feedback import Action, Feedback, ImageModulation, Modulation, action_of, modulated
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.neurons import LatentLayer, Pixels, latent_layer
from dasbe.engine.parallel import blocks_of, map_blocks
from dasbe.engine.streams import NoiseStreams
from dasbe.support import checks
from dasbe.support.errors import InputError, TimingWarning
from dasbe.support.progress import progress_bar

LEAST_WARNED = 3  # r; with 1 and 2, multiples of r + 1 bind about as well (or as badly) as other delays


def binding_loop(
    attention: Attention,
    pixels: Pixels,
    latents: LatentLayer,
    feedback: Feedback,
    x: Iterable[Tensor | None],
    action: Action | None = None,
) -> Iterator[tuple[Tensor, Tensor, Feedback]]:
    """The loop itself, one cycle for each of `x`, the image of the cycle where it moves or is grey, (N, F).

    `feedback` is c of the first cycle; then c = y, but for what `action` makes of it. Yields
    the spikes s (N, d, F) bool and the latent code h (N, d, L) of every cycle, and the
    feedback that acts in the next.
    """
    state, memory = pixels.quiescent(), None
    for x_now in x:
        spikes, seen, state = pixels.cycle(feedback, state, x_now)  # m = x·c + u > V: s, and a = s ∨ s1 ∨ s2
        code, received, memory = latents.cycle(attention.encode(seen), memory)  # h
        feedback = modulated(attention.feedback(received), action, spikes)  # y, later c; computed when asked for
        yield spikes, code, feedback


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
    modulate: Modulation | ImageModulation | None = None,
    gain: np.ndarray | None = None,
    last: int | None = None,
    indices: Sequence[int] | np.ndarray | None = None,
    device: torch.device | str = "cpu",
    progress: bool = False,
) -> Binding:
    """Bind the pixels of each image into objects by spike timing.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1, or (N, n, H, W) for images that move
        Any number type or bool. Of a film, cycle i sees frame i; `cycles` is then n.
    network : nn.Module or callable
        A module with `encoder` and `decoder`, such as :func:`dasbe.load_network` or
        :func:`dasbe.as_network` returns, or any callable from (M, H·W) floats to
        (M, H·W) floats in [0, 1]. A recurrent module
        (:meth:`dasbe.ann.autoencoder.Autoencoder.combine`) is given the latent code of
        the same step of the cycle before. A module is run in evaluation mode and left as
        it was; half precision is computed in float32. Between linear ends, only the
        pixels of the foreground are computed (:func:`dasbe.as_network`); a plain callable
        returns whole images, one step after another, and takes several times as long.
    delay : int
        d, steps in a cycle = delay of the feedback. Not a multiple of r + 1: a pixel that
        fires whenever it can would then do so in the same steps of every cycle, and keep
        the phases it had by accident. :func:`dasbe.suggest_timing` finds a good pair.
    refractory : int, or (H, W) or (N, H, W) int
        r, silent steps of a neuron after a spike, at most 127; latent neurons, if they
        spike, have the same (the mean, if r differs between pixels).
    cycles : int
        n, by default 50; for films, their length.
    seed : int
        Of all random numbers.
    spike_loss : float
        Probability with which a spike is lost on its way: its neuron is refractory as
        after any spike, but neither the network nor the record has it. To study
        robustness.
    record : sequence of str
        Some of ``"spikes"``, ``"latents"``, ``"feedback"``.
    modulate : callable, optional
        What becomes of the feedback before it acts; not in the paper. Called once per cycle
        with y (n, d, F) in [0, 1], of the F foreground pixels of n of the images, as many
        as are computed together, and perhaps by several threads at once; returns c of the
        next cycle, as many values in [0, 1], those of an image from those of the same image.
        What is recorded is y. :func:`dasbe.systems.dasbe.competition` is one. An object with
        a method ``of_images`` is told the images and the spikes of the cycle, too
        (:class:`dasbe.systems.dasbe.ColourTerm`); its `pictures`, if it has any, are those of the run.
    gain : (N, H, W) float in [0, 1], optional
        Grey: firing gain of each pixel with ink, by which its feedback is multiplied; by default 1.
        Plots and pages show it.
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

    Warns
    -----
    TimingWarning
        The delay is a multiple of r + 1, and r at least 3.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> images = np.zeros((2, 8, 8)); images[:, 2:4, 1:7] = 1
    >>> run = dasbe.bind(images, lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
    >>> run.spikes.shape
    (2, 5, 14, 8, 8)
    """
    device, progress = checks.device(device), checks.progress(progress)
    record = checks.some_of("record", record, RECORDABLE)
    run = new_run(images, delay, refractory, cycles, seed, spike_loss, last, indices)
    delay, cycles, last = (run.parameters[name] for name in ("delay", "cycles", "recorded_cycles"))
    seed, spike_loss, streams = (run.parameters[name] for name in ("seed", "spike_loss", "indices"))
    films, images = run.images if run.images.ndim == 4 else None, run.ink
    r = np.broadcast_to(np.asarray(run.parameters["refractory"], np.int8), images.shape)
    steps = (len(images), last, delay)
    if modulate is not None:
        if not (callable(modulate) or hasattr(modulate, "of_images")):
            raise InputError(f"modulate is {checks.shown(modulate)}; it must be a function from y to c, both (n, d, F)")
        run.parameters["modulate"] = getattr(modulate, "__name__", type(modulate).__name__)
    if gain is not None:
        if films is not None:
            raise InputError("gain is given, but images are films; give grey for still images only")
        gain = checks.shares("gain", gain, images.shape)
        run.pictures = gain
        run.parameters["gain"] = hashlib.sha256(gain.tobytes()).hexdigest()
    if (pictures := getattr(modulate, "pictures", None)) is not None:
        run.pictures = pictures[: len(images)]
    _warn_of_multiple(delay, run.parameters["refractory"])

    with ready(network, images, device) as net:
        if "latents" in record and not net.has_code:
            raise InputError("record names latents, but this network has no encoder and decoder")
        n_bytes = _bytes_of(record, images, last * delay, net.n_latent) + _bytes_of(RECORDABLE, images[:1], delay, 0)
        checks.memory(n_bytes, "this run", LESS_MEMORY)
        if isinstance(network, Autoencoder):
            run.parameters["network"] = weights_hash(network)
        if "spikes" in record:
            run.trains = ForegroundTrains.silent(images, last, delay, bool)
        if "latents" in record:
            run._latents = np.zeros((*steps, net.n_latent), np.float32)
        if "feedback" in record:
            run._feedback = np.zeros((*steps, *images.shape[1:]), np.float32)
        attend = attention_of(net, moving=films is not None or gain is not None)

        def bind_block(block: np.ndarray) -> int:
            """Run the loop on the images numbered in `block` and record what it gives."""
            foreground = Foreground.of(images[block], device)
            noise = NoiseStreams(seed, streams[block], foreground.counts, device)
            pixels = Pixels(noise, foreground.of_images(r[block]), spike_loss)
            attention, latents = attend(foreground), latent_layer(net, noise, pixels.refractory)
            feedback = attention.initial(noise.initial_feedback(delay).to(net.dtype))
            x: Iterable[Tensor | None] = repeat(None, cycles)
            if gain is not None:
                x = repeat(foreground.of_images(gain[block]), cycles)
            elif films is not None:
                x = foreground.of_images(films[block]).unbind(1)
            loop = binding_loop(attention, pixels, latents, feedback, x, action_of(modulate, block, foreground))
            for cycle, (spikes, code, y) in enumerate(loop, start=last - cycles):
                if cycle < 0:
                    continue
                if run.trains is not None:
                    run.trains.record(spikes, foreground.counts, block, cycle)
                if run._latents is not None:
                    run._latents[block, cycle] = code.cpu()
                if run._feedback is not None:
                    run._feedback[block, cycle] = y.of_images().unflatten(2, foreground.image_shape).cpu()
            return len(block)

        with progress_bar(total=len(images), unit=" images", disable=not progress) as bar:
            blocks = blocks_of(images, values_per_pixel(net, delay))
            for n_done in map_blocks(bind_block, blocks, device, threads=has_linear_ends(net)):
                bar.update(n_done)
    return run


def _warn_of_multiple(delay: int, refractory: int | np.ndarray) -> None:
    """TimingWarning for the caller of :func:`bind`, if a pixel can fire in the same steps of every cycle for ever."""
    r, longest = int(np.min(refractory)), int(np.max(refractory))
    if r == longest >= LEAST_WARNED and delay % (r + 1) == 0:
        text = f"delay {delay} is a multiple of refractory + 1 = {r + 1}, so pixels keep the phases that they have by "
        text += f"accident, and objects come apart; take {delay + 2}, or see dasbe.suggest_timing"
        warnings.warn(text, TimingWarning, stacklevel=3)


def _bytes_of(record: Sequence[str], images: np.ndarray, steps: int, n_latent: int) -> int:
    """Memory of what is recorded of `images` in so many `steps`."""
    widest = int(np.count_nonzero(images, axis=(1, 2)).max())
    of_a_step = {"spikes": widest, "latents": 4 * n_latent, "feedback": 4 * images[0].size}
    return len(images) * steps * sum(of_a_step[name] for name in record)
