"""Network files: weights and a readable description, loaded without executing code.

``NAME.pt`` holds the weights and, as JSON text, the description; ``NAME.json`` beside
it is the description alone, for readers and for ``git diff``. Files are read with
``torch.load(weights_only=True)``, so that a file cannot run anything.
"""

import hashlib
import json
import math
import os
import warnings
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn

from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.support import checks
from dasbe.support.commands import typed
from dasbe.support.errors import InputError, InputWarning, MissingFileError, in_one_line, in_short
from dasbe.support.paths import SHIPPED_NETWORKS, displayed, network_folder, network_names, network_path
from dasbe.support.storage import Unfit, atomic_path, load_tensors, save_tensors, tuples, untrusted

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # that of typing has no default before Python 3.13

    Module = TypeVar("Module", bound=nn.Module, default=Autoencoder)

MODULE = "module"  # in the description of a module other than an Autoencoder: its printed form


def save_network(path: Path | str, network: nn.Module, description: dict | None = None) -> None:
    """Write a network to ``path`` (.pt) and its description beside it (.json), atomically.

    Weights that are the same in half precision are written so, in half the space.

    Parameters
    ----------
    path : path ending in .pt
    network : nn.Module
        The layers of an Autoencoder are described in the file. Of any other module, the
        file has the weights and buffers, to be put into one of the same code again.
    description : dict, optional
        Values that JSON can hold; the architecture is added. By default ``network.description``.

    Raises
    ------
    InputError
        An argument is wrong, or there cannot be such a file.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> network = dasbe.autoencoder([np.ones((9, 2)), np.zeros(2), np.ones((2, 9)), np.zeros(9)], image_shape=(3, 3))
    >>> dasbe.save_network("small.pt", network, {"remark": "all weights are 1"})
    >>> dasbe.load_network("small.pt").description["remark"]
    'all weights are 1'
    """
    path = checks.path("path", path, ".pt")
    checks.instance("network", network, nn.Module, "a module; plain functions have no weights to save")
    if description is None:
        description = getattr(network, "description", {})
    checks.instance("description", description, dict, "a dictionary of values that JSON can hold")
    facts: dict[str, Any] = {MODULE: in_one_line(repr(network))}
    if isinstance(network, Autoencoder):
        facts = {"architecture": asdict(network.architecture)}
        described = description.get("architecture", facts["architecture"])
        try:
            agrees = Architecture(**tuples(described)) == network.architecture
        except (InputError, TypeError, AttributeError):
            agrees = False
        if not agrees:
            raise InputError("description holds another architecture than the network has; leave it out")
    try:
        text = json.dumps(facts | description | facts, indent=2, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InputError(f"description holds what JSON cannot ({error}); leave it out, or make it text") from None
    try:
        weights = {key: _stored(value.detach().cpu().contiguous()) for key, value in network.state_dict().items()}
    except Exception as error:  # lazy layers, extra states that are no tensors, …
        raise InputError(f"network has weights that cannot be saved ({in_short(error)})") from None
    save_tensors(path, {"description": text, "weights": weights})
    with atomic_path(path.with_suffix(".json")) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def _stored(values: torch.Tensor) -> torch.Tensor:
    """A copy of `values`, in half precision if nothing is lost by it."""
    half = values.half() if values.is_floating_point() else values.clone()
    return half if torch.equal(half.to(values.dtype), values) else values.clone()


def weights_hash(network: nn.Module) -> str:
    """SHA-256 of the architecture and the weights, the same for two files of the same network.

    For a module other than an Autoencoder, its printed form stands for the architecture.
    """
    described = json.dumps(asdict(network.architecture)) if isinstance(network, Autoencoder) else repr(network)
    digest = hashlib.sha256(described.encode())
    for key, value in sorted(network.state_dict().items()):
        digest.update(key.encode())
        digest.update(value.detach().cpu().contiguous().flatten().view(torch.uint8).numpy())
    return digest.hexdigest()


def load_network(name: str | Path, device: torch.device | str = "cpu", *, network: "Module | None" = None) -> "Module":
    """Load a trained network.

    Parameters
    ----------
    name : str or path
        Name of a network in ``tmp_net/`` (``"shapes"``) or of one installed with the package,
        or the path of a file that :func:`dasbe.save_network` has written.
    device : torch.device or str
    network : nn.Module, optional
        A module of your own, of the same layers as the one that was saved, which gets the
        weights of the file. By default an Autoencoder is made as the file describes it.

    Returns
    -------
    nn.Module
        In evaluation mode: `network`, or else an Autoencoder, with ``network.encoder``,
        ``network.decoder``, and ``network(x) -> (y, latent)`` for x (M, H·W) in [0, 1]. Its
        description is ``network.description``.

    Raises
    ------
    MissingFileError
        There is no such file.
    FileContentError
        The file is not a network file, is damaged, carries code, or holds weights that are
        not finite, or that do not fit `network`.
    InputError
        An argument is wrong, or the file is of a module of a user's own, and `network` is missing.

    Warns
    -----
    InputWarning
        `network` is of other layers than were saved, as with another activation function.

    Examples
    --------
    >>> import torch, dasbe
    >>> network = dasbe.load_network("shapes")
    >>> y, latent = network(torch.zeros(1, 28 * 28))
    >>> y.shape, latent.shape
    (torch.Size([1, 784]), torch.Size([1, 400]))
    """
    device, _ = checks.device(device), checks.path("name", name)
    if network is not None:
        checks.instance("network", network, nn.Module, "a module of the layers that were saved")
    path = network_path(name)
    if not os.path.exists(path):
        known = ", ".join(network_names())
        raise MissingFileError(
            f"network '{name}' is not there ({displayed(path)}); "
            + (f"choose one of {known}, " if known else "")
            + f"give the path of a file, or train it with: {typed('train', 'NAME')}"
        )
    content = load_tensors(path, remedy=_remedy(path))
    with untrusted(path, remedy=_remedy(path), damaged="is not a network file of dasbe", passed_on=True):
        _check_kind(content, path)
        description = json.loads(content["description"])
        if sum(values.numel() * values.itemsize for values in content["weights"].values()) > path.stat().st_size:
            raise Unfit("it holds fewer weights than it says")
        for key, values in content["weights"].items():
            if not values.isfinite().all():
                raise Unfit(f"it holds weights that are NaN or infinite ({key})")
        made: nn.Module | None = network
        if network is not None:
            _check_layers(network, content["weights"])
            network.load_state_dict(content["weights"])
        elif MODULE not in description:
            made = _with_weights(Architecture(**tuples(description["architecture"])), content["weights"])
    if made is None:
        layers = checks.shown(description[MODULE]).strip("'")
        raise InputError(
            f"network {displayed(path)} is a module {layers}; give one like it, to be filled, with network="
        )
    if MODULE in description and description[MODULE] != in_one_line(repr(made)):
        warnings.warn(
            f"the weights fit, but network {displayed(path)} was saved with other layers: see its description",
            InputWarning,
            stacklevel=2,
        )
    made.description = description
    return made.to(device).eval()  # type: ignore[return-value]


def _check_layers(network: nn.Module, weights: Mapping[str, torch.Tensor]) -> None:
    """Unfit unless `weights` are those that `network` has, of the same shapes."""
    own = {key: tuple(values.shape) for key, values in network.state_dict().items()}
    found = {key: tuple(values.shape) for key, values in weights.items()}
    for key in {**own, **found}:
        if own.get(key) != found.get(key):
            raise Unfit(
                f"it has {found.get(key, 'none')} for the weights {key}, and network {own.get(key, 'none')}",
                "give a network of the layers that were saved",
            )


def _with_weights(architecture: Architecture, weights: Mapping[str, torch.Tensor]) -> Autoencoder:
    """An Autoencoder with `weights`, in float32; no random number is drawn, and no memory taken before shapes agree."""
    with torch.device("meta"):
        network = Autoencoder(architecture)
    network.load_state_dict(weights, assign=True)
    n_bytes = 4 * sum(values.numel() for values in network.parameters())
    checks.memory(n_bytes, "this network", "take a machine with more")
    network.load_state_dict({name: values.float().contiguous() for name, values in weights.items()}, assign=True)
    return network


def _check_kind(content: Any, path: Path) -> None:
    """Unfit if `content` is that of a file of ``torch.save`` with weights in it, not of a network."""
    if content.keys() == {"description", "weights"}:
        return
    for where, part in {"": content, **{f"[{key!r}]": part for key, part in content.items()}}.items():
        if isinstance(part, dict) and part and all(isinstance(values, torch.Tensor) for values in part.values()):
            loaded = f"torch.load({displayed(path)!r}, weights_only=True){where}"
            raise Unfit("it holds weights of torch.save, no network of dasbe", f"take dasbe.autoencoder({loaded})")


def _remedy(path: Path) -> str:
    """Remedy for a network file that cannot be used."""
    if path.parent in (SHIPPED_NETWORKS, network_folder()):
        return f"train it again with: {typed('train', path.stem, '--force')}"
    return f"fetch it again, or train a network with: {typed('train', 'NAME')}; dasbe.autoencoder takes plain weights"


LayerWeights = tuple[np.ndarray, np.ndarray]  # W (out, in) and b (out,)


def autoencoder(
    weights: Any,
    image_shape: tuple[int, int] | None = None,
    *,
    activation: str = "relu",
    latent_activation: str = "sigmoid",
    spiking: bool = False,
) -> Autoencoder:
    """A fully connected autoencoder with given weights, such as published ones.

    Parameters
    ----------
    weights : dict or list
        A ``state_dict`` of linear layers: from each name that ends in ``weight``, (out, in),
        and the one that ends in ``bias``, in the order of the layers. Or a list of arrays
        W1, b1, W2, b2, …, each W as (in, out) or (out, in), all alike. First the layers of the
        encoder, then as many of the decoder, which mirrors it.
    image_shape : (H, W), optional
        Size of the images; by default they are square.
    activation, latent_activation : str
        Activation functions between the layers and of the latent layer: ``"relu"``,
        ``"tanh"``, ``"sigmoid"`` or ``"softmax"``. The output is a sigmoid.
    spiking : bool
        Whether the latent neurons spike (:class:`dasbe.ann.architecture.Architecture`).

    Returns
    -------
    Autoencoder
        In evaluation mode, in float32.

    Raises
    ------
    InputError
        `weights` are not those of such layers, or another argument is wrong.

    Examples
    --------
    >>> import numpy as np
    >>> import dasbe
    >>> rng = np.random.default_rng(0)
    >>> w1, w2 = rng.normal(0, 0.05, (784, 100)), rng.normal(0, 0.05, (100, 784))
    >>> network = dasbe.autoencoder([w1, np.zeros(100), w2, np.zeros(784)], latent_activation="tanh")
    """
    layers = _of_state_dict(weights) if isinstance(weights, Mapping) else _of_list(weights)
    widths = [layers[0][0].shape[1], *(len(bias) for _, bias in layers)]
    if len(layers) % 2 or widths != widths[::-1]:
        raise InputError(
            f"weights are of layers {'–'.join(map(str, widths))}; the decoder must mirror the encoder, as in "
            "784–400–784; for other layers: dasbe.as_network(encoder, decoder)"
        )
    if image_shape is None:
        side = math.isqrt(widths[0])
        if side**2 != widths[0]:
            raise InputError(
                f"weights are for images of {widths[0]} pixels, which are no square; give image_shape=(H, W)"
            )
        image_shape = (side, side)
    height, width = checks.image_shape(image_shape)
    if height * width != widths[0]:
        raise InputError(
            f"image_shape is ({height}, {width}), {height * width} pixels, but weights are for images of {widths[0]}"
        )
    middle = len(layers) // 2
    architecture = Architecture(
        (height, width), tuple(widths[1:middle]), widths[middle], activation, latent_activation, spiking
    )
    places = ((part, 2 * number) for part in ("encoder", "decoder") for number in range(middle))
    names = [f"{part}.{number}.{name}" for part, number in places for name in ("weight", "bias")]
    values = [torch.from_numpy(np.ascontiguousarray(array)) for layer in layers for array in layer]
    return _with_weights(architecture, dict(zip(names, values))).eval()


def _of_state_dict(weights: Mapping) -> list[LayerWeights]:
    """Layers of a ``state_dict``."""
    names = [str(name) for name in weights]
    paired = [name.removesuffix("weight") for name in names if name.endswith("weight")]
    if not paired or names != [f"{layer}{part}" for layer in paired for part in ("weight", "bias")]:
        raise InputError(
            f"weights has the keys {checks.shown(names)}; they must be those of linear layers, NAME.weight and "
            "NAME.bias of each, in order"
        )
    arrays = [_array(name, value) for name, value in zip(names, weights.values())]
    layers = _chained(arrays)
    if layers is None:
        raise InputError(f"weights have shapes {_shapes(arrays)}; they must be (out, in) and (out,) of layers in order")
    return layers


def _of_list(weights: Any) -> list[LayerWeights]:
    """Layers of a list W1, b1, W2, b2, …, of either orientation."""
    if not isinstance(weights, (list, tuple)) or not weights:
        raise InputError(f"weights is {checks.shown(weights)}; it must be a state_dict, or a list W1, b1, W2, b2, …")
    arrays = [_array(f"weights[{i}]", value) for i, value in enumerate(weights)]
    turned = [array.T for array in arrays]
    found = [layers for layers in (_chained(arrays), _chained(turned)) if layers is not None]
    if not found:
        raise InputError(
            f"weights have shapes {_shapes(arrays)}; they must be W1, b1, W2, b2, … in order, all W (in, out) or all "
            "(out, in), each b (out,)"
        )
    if len(found) == 2:
        raise InputError(
            "weights are all square, so that (in, out) and (out, in) look the same; give them as a dictionary of "
            "1.weight, 1.bias, …, each weight (out, in)"
        )
    return found[0]


def _chained(arrays: list[np.ndarray]) -> list[LayerWeights] | None:
    """`arrays` as layers W (out, in) and b (out,) that fit together, or None."""
    layers = list(zip(arrays[::2], arrays[1::2]))
    if len(arrays) % 2 or not all(w.ndim == 2 and b.shape == w.shape[:1] and w.size for w, b in layers):
        return None
    taken = [w.shape[1] for w, _ in layers[1:]]
    return layers if taken == [len(b) for _, b in layers[:-1]] else None


def _array(name: str, value: Any) -> np.ndarray:
    """`value` as float32; InputError unless all numbers are finite."""
    with np.errstate(over="ignore"):
        array = checks.array(name, value, "an array").astype(np.float32)
    if not np.isfinite(array).all():
        raise InputError(f"weights hold {array[~np.isfinite(array)][0]}, in {name}; they must be finite")
    return array


def _shapes(arrays: list[np.ndarray]) -> str:
    shapes = [str(array.shape) for array in arrays]
    return ", ".join(shapes[:8]) + (", …" if len(shapes) > 8 else "")
