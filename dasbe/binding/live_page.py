"""The loop live, as a web page: a single file, which loads nothing, in which a visitor draws and watches it bind.

The page is ``live.html``, with three things put into it: ``live.js``, the loop; ``colours.js``, which
the page of a run has as well; and a network and what it takes to draw scenes for it, as JSON. Weights
are bytes, each row of a layer with a scale of its own: w = scale·q, q from −127 to 127.
"""

import hashlib
import re
from base64 import b64encode
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dasbe.ann.network import is_plain
from dasbe.binding.page import COLOURS, filled
from dasbe.support import __version__, checks
from dasbe.support.errors import InputError
from dasbe.support.published import COLOUR_BLIND_SAFE, PUBLISHED, SURPLUS_PHASES

TEMPLATE = Path(__file__).with_name("live.html")
LOOP = Path(__file__).with_name("live.js")
LARGEST_BYTE = 127
LEAST_DELAY, MOST_DELAY, MOST_REFRACTORY = 4, 96, 40  # as far as the sliders of the page go
MOST_STAMPS, MOST_OBJECTS = 40, 24  # of a page, and of a scene
FIRST_SEED = 8  # of the first scene and its noise
ACTIVATIONS = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Sigmoid: "sigmoid", nn.Softmax: "softmax"}
PASSED_OVER = (nn.Identity, nn.Dropout)  # layers that do nothing in evaluation mode


def live_page_of(
    network: nn.Module,
    image_shape: tuple[int, int],
    *,
    delay: int,
    refractory: int,
    stamps: Mapping[str, np.ndarray] | None = None,
    surprise: Sequence[Sequence[str]] = (),
    image: np.ndarray | None = None,
    groups: np.ndarray | None = None,
    name: str = "",
) -> str:
    """The page, as HTML.

    Parameters
    ----------
    network : nn.Module
        With an `encoder` and a `decoder` of linear layers, each followed by ReLU, Tanh, Sigmoid,
        Softmax or nothing, the last by Sigmoid. Its latent neurons may spike.
    image_shape : (H, W)
    delay, refractory : int
        d, at most 96, and r, at most 40, with which the page begins.
    stamps : mapping from names to (h, w) arrays of 0 and 1, optional
        Objects that a visitor puts into the scene.
    surprise : sequence of lists of names, optional
        For each object of a random scene the stamps of which it is one; by default three, of any.
    image : (H, W) array of 0 and 1, optional
        What the page begins with, in place of a random scene.
    groups : (H, W) int, optional
        Objects of `image`, from 1; each is a stamp, in place of `stamps`.
    name : str
        What the network is called.

    Returns
    -------
    str

    Raises
    ------
    InputError
        The network has other layers, or does not take such images, or an argument is wrong.
    """
    height, width = checks.image_shape(image_shape)
    parts = {part: _layers(network, part) for part in ("encoder", "decoder")}
    _check_fit(network, [*parts["encoder"], *parts["decoder"]], height * width)
    drawn = {label: checks.image(stamp, f"stamps[{label}]") for label, stamp in (stamps or {}).items()}
    placed: list[list[int]] = []
    if image is not None and groups is not None:
        drawn, placed = _objects(groups)
        image = np.where(groups > 0, 0, image)
    if len(drawn) > MOST_STAMPS:
        raise InputError(f"stamps are {len(drawn)}; give at most {MOST_STAMPS}")
    for label, stamp in drawn.items():
        if not stamp.any() or stamp.shape[0] > height or stamp.shape[1] > width:
            size, room = "×".join(map(str, stamp.shape)), f"{height}×{width}"
            raise InputError(f"stamps[{label}] is {size}; it must have ink and fit on {room}")
    names = list(drawn)
    choices = [list(of) for of in surprise] or ([names] * 3 if names else [])
    data = {
        "version": __version__,
        "name": checks.instance("name", name, str, "text"),
        "height": height,
        "width": width,
        "delay": checks.whole_number("delay", delay, LEAST_DELAY, MOST_DELAY),
        "refractory": checks.whole_number("refractory", refractory, 0, MOST_REFRACTORY),
        "surplus": SURPLUS_PHASES,
        "mostObjects": MOST_OBJECTS,
        "seed": FIRST_SEED,
        "colours": PUBLISHED,
        "safeColours": COLOUR_BLIND_SAFE,
        "stamps": [{"name": label, "rows": _rows(stamp)} for label, stamp in drawn.items()],
        "surprise": [[names.index(checks.one_of("surprise", label, names)) for label in of] for of in choices],
        "objects": placed[:MOST_OBJECTS],
        "scene": None if image is None else _rows(image),
        "network": parts
        | {
            "spiking": bool(getattr(network, "spiking_latent", False)),
            "shift": checks.number("output_shift of network", getattr(network, "output_shift", 0.0)),
        },
    }
    return _with_policy(filled(TEMPLATE, {"the colours": COLOURS, "the loop": LOOP, "the data": data}))


def _objects(groups: np.ndarray) -> tuple[dict[str, np.ndarray], list[list[int]]]:
    """The objects of `groups` as stamps, and the place of each: its number, and y and x of its corner."""
    stamps, placed = {}, []
    for number, k in enumerate(np.unique(groups[groups > 0])):
        stamps[f"object {k}"], (top, left) = cropped(groups == k)
        placed.append([number, top, left])
    return stamps, placed


def cropped(image: np.ndarray) -> tuple[np.ndarray, tuple[int, int]]:
    """`image` (H, W) without its empty edges, as uint8, and where that begins, (y, x); of no ink, one pixel."""
    ink = np.argwhere(image) if image.any() else np.zeros((1, 2), np.int64)
    (top, left), (low, right) = ink.min(0).tolist(), ink.max(0).tolist()
    return (image[top : low + 1, left : right + 1] > 0).astype(np.uint8), (top, left)


def _check_fit(network: nn.Module, layers: list[dict[str, Any]], n_pixels: int) -> None:
    """InputError unless `layers` follow each other, from the pixels to probabilities of the pixels."""
    sizes = [layers[0]["inputs"], *(layer["outputs"] for layer in layers)]
    if [layer["inputs"] for layer in layers] != sizes[:-1] or {sizes[0], sizes[-1]} != {n_pixels}:
        text = "–".join(map(str, sizes))
        raise InputError(
            f"network has layers {text}; they must lead from the {n_pixels} pixels of an image back to them"
        )
    if layers[-1]["activation"] != "sigmoid":
        raise InputError("network does not end in a Sigmoid; what it returns must be probabilities")
    if getattr(network, "recurrent", None) is not None:
        raise InputError("network is recurrent, for images that move; the page takes one for still images")


def _layers(network: nn.Module, part: str) -> list[dict[str, Any]]:
    """Layers of the encoder or the decoder, as the page reads them; InputError if one is of another kind."""
    if not isinstance(module := getattr(network, part, None), nn.Module):
        raise InputError(f"network has no {part}; give a module with encoder and decoder, as dasbe.as_network makes it")
    layers: list[dict[str, Any]] = []
    for layer in _in_turn(module):
        activation = next((name for kind, name in ACTIVATIONS.items() if is_plain(layer, kind)), None)
        if isinstance(layer, nn.Linear) and is_plain(layer, nn.Linear):
            layers.append(_linear(layer) | {"activation": "none"})
        elif activation and getattr(layer, "dim", 1) in (1, -1) and layers and layers[-1]["activation"] == "none":
            layers[-1]["activation"] = activation
        elif not is_plain(layer, *PASSED_OVER):
            taken = "linear layers, each followed by ReLU, Tanh, Sigmoid, Softmax or nothing"
            raise InputError(f"{part} of network has the layer {checks.shown(layer)}; the page takes {taken}")
    if not layers:
        raise InputError(f"{part} of network has no linear layer; the page takes one or more")
    return layers


def _in_turn(module: nn.Module) -> Iterator[nn.Module]:
    """The layers of a module, of those within a Sequential one after another."""
    if isinstance(module, nn.Sequential) and is_plain(module, nn.Sequential):
        for layer in module:
            yield from _in_turn(layer)
    else:
        yield module


def _linear(layer: nn.Linear) -> dict[str, Any]:
    """Weights of a layer as bytes, by row, and the scale of each row."""
    weights = layer.weight.detach().cpu().to(torch.float32).numpy()
    bias = np.zeros(len(weights), np.float32) if layer.bias is None else layer.bias.detach().cpu().float().numpy()
    if not (np.isfinite(weights).all() and np.isfinite(bias).all()):
        raise InputError("network holds weights that are NaN or infinite; train it again")
    quantised, scales = quantise(weights)
    arrays = {"bytes": quantised, "scales": scales, "bias": bias.astype(np.float32)}
    described = {"inputs": layer.in_features, "outputs": layer.out_features}
    return described | {key: b64encode(array.tobytes()).decode("ascii") for key, array in arrays.items()}


def quantise(weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """`weights` (out, in) as int8, and the scale of each row, (out,) float32: w ≈ scale·q."""
    scales = (np.abs(weights).max(axis=1) / LARGEST_BYTE).astype(np.float32)
    return np.round(weights / np.where(scales, scales, 1)[:, None]).astype(np.int8), scales


def _rows(image: np.ndarray) -> list[str]:
    """``["#..", …]``."""
    return ["".join(".#"[int(value > 0)] for value in row) for row in image]


def _with_policy(page: str) -> str:
    """`page` with the hashes of its scripts and of its style in its Content-Security-Policy, which allow no others."""
    for kind in ("script", "style"):
        bodies = re.findall(rf"<{kind}(?: id=\"\w+\")?>(.*?)</{kind}>", page, re.S)
        hashes = (b64encode(hashlib.sha256(body.encode()).digest()).decode("ascii") for body in bodies)
        page = page.replace(f"'{kind} hashes'", " ".join(f"'sha256-{value}'" for value in hashes), 1)
    return page
