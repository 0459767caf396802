"""Networks of any kind as the systems use them: from images shown (M, H·W) to a code, and from there to feedback."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, ref

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import UninitializedParameter

from dasbe.support import checks
from dasbe.support.errors import InputError, in_short
from dasbe.support.workers import SharedSetting

Network = nn.Module | Callable[[Tensor], Tensor]

TRIAL_IMAGES = 2  # number of given images in the trial of a network, besides an empty one
SAME = 1e-2  # largest difference of outputs that are equal but for rounding
ANSWERED_IMAGES, WEIGHTINGS = 4, 2  # of `answers`
SAME_ANSWERS = 1e-4  # largest difference of answers of the same network, on other processors or devices
LEAST_FEEDBACK = 1e-6  # of the ink of an image, in all; less is none
FLOATS = (torch.float32, torch.float64)


@dataclass(frozen=True)
class UsableNetwork:
    """A network as the systems call it.

    Attributes
    ----------
    given : nn.Module or callable
        In evaluation mode, of `dtype`.
    dtype : torch.dtype
        float32 or float64, in which it computes.
    has_code : bool
        Whether it has an encoder and a decoder, and so a latent code.
    n_latent : int
        Units of the latent code; pixels where there is none.
    spiking : bool
        Whether the encoder returns the drive of latent neurons that spike.
    recurrent : bool
        Whether the code of the previous cycle acts on the decoder.
    output_shift : float
        Number added to the drive of every output after training, for more feedback.
    response : float
        By what part the feedback to the ink of an image differs from that to an empty image, in
        the trial: 0 if it does not depend on what is shown, at most 1.
    """

    given: Network
    dtype: torch.dtype
    has_code: bool
    n_latent: int
    spiking: bool
    recurrent: bool
    output_shift: float = 0.0
    response: float = 1.0

    def encode(self, shown: Tensor) -> Tensor:
        """(M, H·W) → (M, L): the code, or its drive; `shown` itself where the network has no code."""
        return self._floats(self.given.encoder(shown)) if self.has_code else shown  # type: ignore[union-attr,operator]

    def decode(self, code: Tensor) -> Tensor:
        """(M, L) → (M, H·W) in [0, 1]."""
        return self._floats(self.given.decoder(code) if self.has_code else self.given(code))  # type: ignore[union-attr,operator]

    def combine(self, code: Tensor, previous: Tensor) -> Tensor:
        """Input of the decoder of a recurrent network from the present and the previous code, (..., L) each."""
        return self.given.combine(code, previous)  # type: ignore[union-attr,operator]

    def reconstruct(self, shown: Tensor) -> Tensor:
        """(M, H·W) → (M, H·W), without noise: latent neurons that spike are taken at their firing probability."""
        code = self.encode(shown)
        return self.decode(code.clamp(0, 1) if self.spiking else code)

    def answer(self, shown: Tensor, seed: int = 0) -> tuple[Tensor, Tensor]:
        """Code (M, L) and feedback (M, H·W) of what is `shown` (M, H·W), after a silent cycle, by PyTorch's `seed`."""
        torch.manual_seed(seed)
        code = self.encode(shown.clone())
        received = code.clamp(0, 1) if self.spiking else code.clone()
        received = self.combine(received, torch.zeros_like(code)) if self.recurrent else received
        return code, self.decode(received)

    def _floats(self, result: object) -> Tensor:
        result = result[0] if isinstance(result, tuple) and result else result
        if not isinstance(result, Tensor):
            raise InputError(f"network returns a {type(result).__name__}; it must return a tensor of floats")
        if result.is_complex() or result.is_meta or result.is_quantized or result.layout != torch.strided:
            raise InputError("network returns a tensor that holds no plain numbers; it must return a tensor of floats")
        return result.to(self.dtype)


@contextmanager
def usable(network: Network, device: torch.device | str) -> Iterator[UsableNetwork]:
    """`network` as all systems call it, on `device`, to which a module is moved.

    A network in half precision is copied and computed in float32. A module is in evaluation mode
    within the block; at the end its flags and buffers are as before. InputError if `network` is
    neither a module nor a function.
    """
    check_kind(network)
    if not isinstance(network, nn.Module):
        yield described(network, torch.float32)
        return
    dtype = float_type(network)
    try:
        if dtype not in FLOATS:
            network, dtype = copy.deepcopy(network).float(), torch.float32
        network = network.to(device)
    except Exception as error:  # parameters without data, modules that cannot be copied, …
        raise InputError(f"network cannot be moved to {device} in {dtype} ({in_short(error)})") from error
    with _in_evaluation_mode(network):
        yield described(network, dtype)


def made_on(device: torch.device | str) -> AbstractContextManager[Any]:
    """A block in which PyTorch makes tensors on `device`, whatever ``torch.set_default_device`` has been told."""
    device = torch.device(device)
    return nullcontext() if torch.get_default_device() == device else device


@contextmanager
def computing_on(device: torch.device | str) -> Iterator[None]:
    """A block whose tensors are made on `device`, and whose types are not changed automatically, for this thread."""
    with made_on(device), torch.autocast(torch.device(device).type, enabled=False):
        yield


def check_kind(network: Network) -> None:
    """InputError unless `network` is a module or a function."""
    if isinstance(network, type) or not callable(network):
        kind = f"the class {network.__name__}" if isinstance(network, type) else f"a {type(network).__name__}"
        raise InputError(f"network is {kind}; it must be a module (an instance) or a function of (M, H·W) floats")


def described(network: Network, dtype: torch.dtype) -> UsableNetwork:
    """`network` as all systems call it, before its trial; its mode is left to the caller."""
    two_parts = hasattr(network, "encoder") and hasattr(network, "decoder")
    spiking = two_parts and bool(getattr(network, "spiking_latent", False))
    recurrent = two_parts and callable(getattr(network, "combine", None)) and bool(getattr(network, "recurrent", None))
    shift = checks.number("output_shift of network", getattr(network, "output_shift", 0.0))
    return UsableNetwork(network, dtype, two_parts, 0, spiking, recurrent, shift)


def float_type(network: Network) -> torch.dtype:
    """Float type of the parameters of `network`; float32 if it has none."""
    parameters = network.parameters() if isinstance(network, nn.Module) else iter(())
    return next((parameter.dtype for parameter in parameters if parameter.is_floating_point()), torch.float32)


_modes: WeakKeyDictionary[nn.Module, SharedSetting] = WeakKeyDictionary()


def _in_evaluation_mode(network: nn.Module) -> AbstractContextManager[None]:
    """A block with `network` in evaluation mode, shared by all threads; after the last it is as before."""
    return _modes.setdefault(network, SharedSetting(partial(_evaluation_mode, ref(network))))()


@contextmanager
def _evaluation_mode(reference: "ref[nn.Module]") -> Iterator[None]:
    network = reference()
    assert network is not None  # the caller holds it
    flags = [(module, module.training) for module in network.modules()]
    buffers = [(buffer, buffer.detach().clone()) for buffer in network.buffers()]
    network.eval()
    try:
        yield
    finally:
        for module, training in flags:
            module.training = training
        with torch.no_grad():
            for buffer, before in buffers:
                buffer.copy_(before)


@torch.inference_mode()
def tried(
    network: UsableNetwork, images: np.ndarray, device: torch.device | str, own_call: bool = False
) -> UsableNetwork:
    """`network` with the width of its code, after a trial on an empty image and some of `images` (N, H, W).

    InputError if it does not take such images, if what it returns is no feedback, if its
    result for one image depends on the others, or on what it was called with before, or if
    its encoder and decoder do not compute what its own call does; with `own_call`, that counts then.
    """
    _, height, width = images.shape
    chosen = images[:TRIAL_IMAGES].reshape(-1, height * width)
    shown = torch.from_numpy(np.concatenate([np.zeros_like(chosen[:1]), chosen])).to(device, network.dtype)

    fewer = slice(None, -1) if len(shown) > 2 else slice(1, None)
    weights = list(network.given.parameters()) if isinstance(network.given, nn.Module) else []
    if any(isinstance(parameter, UninitializedParameter) for parameter in weights):
        raise InputError("network has layers that do not know their size yet (lazy modules); call it on an image first")
    if not all(parameter.isfinite().all() for parameter in weights):
        raise InputError("network has weights that are not finite; train it again, with a smaller learning rate")
    cuda = [device] if torch.device(device).type == "cuda" else []
    with computing_on(device), torch.random.fork_rng(cuda):
        try:
            (code, feedback), (_, again) = network.answer(shown), network.answer(shown)
            (_, of_fewer), (_, otherwise) = network.answer(shown[fewer]), network.answer(shown, seed=1)
        except InputError:
            raise
        except Exception as error:  # a user's module may fail in any way
            raise InputError(
                f"network does not take images of {height}×{width} as ({len(shown)}, {height * width}) floats "
                f"({in_short(error)}); use one for images of this size; if it takes (M, 1, H, W): "
                f"dasbe.as_network(encoder, decoder, image_shape=({height}, {width}))"
            ) from error
    check_feedback(feedback, (len(shown), height * width))
    if network.has_code and (code.ndim != 2 or len(code) != len(shown)):
        raise InputError(
            f"the encoder returns {tuple(code.shape)} for {len(shown)} images; it must return one code each, (M, L)"
        )
    if isinstance(network.given, nn.Module) and not _alike(feedback, again):
        raise InputError(
            "network returns something else for the same images when it is called again: a layer keeps a state; reset "
            "it in forward, or give a function that does"
        )
    draws_nothing = _alike(feedback, otherwise)
    if draws_nothing and not _alike(feedback[fewer], of_fewer):
        raise InputError(
            "network returns something else for an image among others than among fewer; use layers that take images "
            "one by one (batch normalisation: with running statistics)"
        )
    with computing_on(device), torch.random.fork_rng(cuda):
        difference = _difference_of_own_call(network, shown, feedback) if draws_nothing else 0.0
    if not difference <= SAME:
        if own_call:
            return tried(described(OwnCall(network.given), network.dtype), images, device)  # type: ignore[arg-type]
        raise InputError(
            f"network(x) is not what its decoder makes of its encoder's code: they differ by up to {difference:.2g}; "
            "give lambda x: network(x) to use its own call, or dasbe.as_network(network.encoder, network.decoder)"
        )
    return replace(network, n_latent=code.shape[1], response=_response(shown, feedback))


def _response(shown: Tensor, feedback: Tensor) -> float:
    """Response of a network, as in :class:`UsableNetwork`, from `shown` and `feedback` (M, H·W), the first is empty."""
    difference, largest = (feedback - feedback[0]).abs() * shown, torch.maximum(feedback, feedback[0]) * shown
    with_ink = shown.any(1)
    parts = difference.sum(1)[with_ink] / largest.sum(1)[with_ink].clamp(min=LEAST_FEEDBACK)
    return parts.max().item() if len(parts) else 1.0


class OwnCall(nn.Module):
    """A module of which its own call counts, not its encoder and decoder."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """What the module makes of `x` (M, H·W), as (M, H·W)."""
        result = self.network(x)
        return (result[0] if isinstance(result, tuple) else result).reshape(x.shape)


def _difference_of_own_call(network: UsableNetwork, shown: Tensor, feedback: Tensor) -> float:
    """Largest difference between what a module with encoder and decoder makes of the images `shown`, and `feedback`.

    It is 0 for a module without a call of its own, or one that takes or returns something else.
    """
    if not network.has_code or network.spiking or network.recurrent or not isinstance(network.given, nn.Module):
        return 0.0
    try:
        result = network.given(shown.clone())
    except Exception:  # a user's module may fail in any way
        return 0.0
    own = result[0] if isinstance(result, tuple) and result else result
    if not isinstance(own, Tensor) or own.numel() != feedback.numel():
        return 0.0
    return (own.reshape(feedback.shape).to(feedback.dtype) - feedback).abs().max().item()


@torch.inference_mode()
def answers(network: Network, images: np.ndarray, device: torch.device | str = "cpu") -> tuple[float, ...]:
    """Some numbers by which networks of the same weights can be told apart that compute something else.

    They are means of the feedback on a few `images` (N, H, W), on parts of them and on
    noise, weighted at random; where no code and no layer has changed, they are the same
    but for rounding (:data:`SAME_ANSWERS`). Empty if the network does not take such images.
    """
    rng = np.random.RandomState(0)
    given = images[:ANSWERED_IMAGES].reshape(-1, images[0].size) > 0
    noise = rng.random_sample((len(given), images[0].size)) < np.linspace(0.05, 0.95, len(given))[:, None]
    shown = np.concatenate([given, given & (rng.random_sample(given.shape) < 0.5), noise])
    weights = rng.choice([-1, 1], size=(images[0].size, WEIGHTINGS)) / images[0].size ** 0.5
    cuda = [device] if torch.device(device).type == "cuda" else []
    try:
        with usable(network, device) as parts, computing_on(device), torch.random.fork_rng(cuda):
            code, feedback = parts.answer(torch.from_numpy(shown).to(device, parts.dtype))
            if parts.recurrent:
                feedback = feedback + parts.decode(parts.combine(code, code.flip(0)))
        means = feedback.cpu().double().numpy() @ weights
        return tuple(np.round(means, 5).ravel().tolist())
    except Exception:  # which the loop will meet as well, and say
        return ()


def same_answers(some: Sequence[float], others: Sequence[float]) -> bool:
    """Whether two results of :func:`answers` are the same but for rounding."""
    return len(some) == len(others) and bool(np.allclose(some, others, rtol=0, atol=SAME_ANSWERS))


def check_feedback(feedback: Tensor, shape: tuple[int, ...], least: float = 0, most: float = 1) -> Tensor:
    """`feedback` of a network, or InputError if it does not have `shape` or its values do not lie in [least, most]."""
    if feedback.shape != shape:
        got = tuple(feedback.shape)
        raise InputError(
            f"network returns an array of shape {got} for {shape[0]} images of {shape[1]} pixels; it must be {shape}"
            + (": wrap it in dasbe.as_network(encoder, decoder, image_shape=(H, W))" if len(got) > 2 else "")
        )
    smallest, largest = feedback.aminmax()
    if not (smallest >= least and largest <= most):
        wrong = largest if smallest >= least else smallest
        raise InputError(
            f"network returns {wrong.item():g}; all its values must lie in [{least:g}, {most:g}] "
            "(a decoder that returns logits: dasbe.as_network(encoder, decoder, logits=True))"
        )
    return feedback


def _alike(a: Tensor, b: Tensor) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= SAME)


def as_network(
    encoder: Callable[[Tensor], Tensor],
    decoder: Callable[[Tensor], Tensor],
    *,
    image_shape: tuple[int, int] | None = None,
    logits: bool = False,
) -> nn.Module:
    """A network for all systems from an encoder and a decoder of your own, of any layout.

    Where the encoder begins and the decoder ends with a plain `nn.Linear` (in
    `nn.Sequential`, also nested; layers that only reshape flat images are left out),
    the loop takes its fast path: the first layer adds up the weights from the pixels
    that fire, and the last computes only the pixels of the foreground. The result is the
    same. A convolution, or a plain function, is called on whole images in every step,
    which takes several times as long for the same number of parameters.

    Parameters
    ----------
    encoder : nn.Module or callable
        From (M, H·W) floats of 0 and 1, or (M, 1, H, W) with `image_shape`, to a latent code (M, L).
    decoder : nn.Module or callable
        From the code to (M, H·W), or (M, 1, H, W) with `image_shape`, in [0, 1].
    image_shape : (H, W), optional
        Size of the images, for an encoder and a decoder that work on images with a channel axis.
    logits : bool
        Whether the decoder returns logits, to which a sigmoid is then applied.

    Returns
    -------
    nn.Module
        With `encoder`, `decoder`, and ``network(x) -> (y, latent)``.

    Raises
    ------
    InputError
        `encoder` or `decoder` cannot be called, or `image_shape` is not two numbers.

    Examples
    --------
    >>> from torch import nn
    >>> import dasbe
    >>> enc, dec = nn.Sequential(nn.Linear(784, 50), nn.Sigmoid()), nn.Sequential(nn.Linear(50, 784))
    >>> network = dasbe.as_network(enc, dec, logits=True)
    """
    for name, part in (("encoder", encoder), ("decoder", decoder)):
        if isinstance(part, type) or not callable(part):
            raise InputError(
                f"{name} is {checks.shown(part)}; it must be a module (an instance) or a function of tensors"
            )
    logits = checks.flag("logits", logits)
    into, out_of = _layers(encoder), _layers(decoder)
    if image_shape is not None:
        height, width = checks.image_shape(image_shape)
        into, out_of = [nn.Unflatten(1, (1, height, width)), *into], [*out_of, nn.Flatten()]
        if len(into) > 1 and is_plain(into[1], nn.Flatten):  # flat images were asked for after all
            into = into[2:]
    while len(into) > 1 and is_plain(into[0], nn.Flatten, nn.Identity):
        into = into[1:]
    computing = len(out_of)
    while computing > 1 and is_plain(out_of[computing - 1], nn.Flatten, nn.Unflatten, nn.Identity):
        computing -= 1
    linear = computing - 1 if computing > 1 and is_plain(out_of[computing - 1], nn.Sigmoid) else computing
    if is_plain(out_of[linear - 1], nn.Linear):  # what they return is (M, H·W) already
        out_of = out_of[:computing]
    if logits:
        out_of = [*out_of, nn.Sigmoid()]
    return TwoParts(nn.Sequential(*into), nn.Sequential(*out_of))


class TwoParts(nn.Module):
    """An encoder and a decoder, (M, H·W) → (M, L) → (M, H·W), as :func:`as_network` returns them."""

    def __init__(self, encoder: nn.Sequential, decoder: nn.Sequential):
        super().__init__()
        self.encoder, self.decoder = encoder, decoder

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Reconstruction and latent code of `x` (M, H·W)."""
        latent = self.encoder(x)
        return self.decoder(latent), latent


class _Function(nn.Module):
    """A plain function among layers."""

    def __init__(self, function: Callable[[Tensor], Tensor]):
        super().__init__()
        self.function = function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)


def has_functions(network: nn.Module) -> bool:
    """Whether plain functions are among the layers of `network`; a file of weights does not tell what they compute."""
    return any(isinstance(module, _Function) for module in network.modules())


def _layers(part: Callable[[Tensor], Tensor]) -> list[nn.Module]:
    """The layers of `part`, with nested plain sequences unpacked."""
    if not isinstance(part, nn.Module):
        return [_Function(part)]
    if not is_plain(part, nn.Sequential):
        return [part]
    return [layer for child in part.children() for layer in _layers(child)]


def is_plain(module: object, *kinds: type[nn.Module]) -> bool:
    """Whether `module` is exactly of one of `kinds`, without a hook, an override or a parametrisation."""
    return (
        type(module) in kinds
        and "forward" not in vars(module)
        and not any(vars(module).get(hooks) for hooks in _HOOKS)
        and not any(getattr(nn.modules.module, hooks, None) for hooks in _GLOBAL_HOOKS)
    )


_HOOKS = ("_forward_hooks", "_forward_pre_hooks", "_backward_hooks", "_backward_pre_hooks")
_GLOBAL_HOOKS = ("_global_forward_hooks", "_global_forward_pre_hooks")
