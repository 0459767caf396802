"""The loop live, as a web page: a single file, which loads nothing, in which a visitor draws and watches it bind.

The page is ``live.html``, with three things put into it: ``live.js``, the loop; ``colours.js``, which
the page of a run has as well; and a network and what it takes to draw scenes for it, as JSON. Weights
are bytes, each row of a layer with a scale of its own: w = scale·q, q from −127 to 127.
"""

import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from dasbe.binding.page import COLOURS, filled
from dasbe.support import __version__, checks
from dasbe.support.errors import InputError
from dasbe.support.published import COLOUR_BLIND_SAFE, PUBLISHED, SURPLUS_PHASES

TEMPLATE = Path(__file__).with_name("live.html")
LOOP = Path(__file__).with_name("live.js")
LARGEST_BYTE = 127
MOST_STEPS, MOST_REFRACTORY = 96, 40  # as far as the sliders of the page go
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
    scene: np.ndarray | None = None,
    name: str = "",
) -> str:
    """The page, as HTML.

    Parameters
    ----------
    network : nn.Module
        With an `encoder` and a `decoder` of linear layers, each followed by ReLU, Tanh,
        Sigmoid, Softmax or nothing, the last by Sigmoid; it may spike in its latent layer.
    image_shape : (H, W)
    delay, refractory : int
        d, at most 96, and r, at most 40, with which the page begins.
    stamps : mapping from names to (h, w) arrays of 0 and 1, optional
        Objects that a visitor puts into the scene.
    surprise : sequence of lists of names, optional
        For each object of a random scene the stamps of which it is one; by default three of any.
    scene : (H, W) of 0 and 1, optional
        Image with which the page begins, in place of a random scene; of no known objects.
    name : str
        What the network is called.

    Returns
    -------
    str

    Raises
    ------
    InputError
        The network has other layers, or does not take images of this shape, or an argument is wrong.
    """
    height, width = checks.image_shape(image_shape)
    delay = checks.whole_number("delay", delay, 2, MOST_STEPS)
    refractory = checks.whole_number("refractory", refractory, 0, MOST_REFRACTORY)
    parts = {part: _layers(network, part) for part in ("encoder", "decoder")}
    widths = [layer["inputs"] for part in parts.values() for layer in part] + [parts["decoder"][-1]["outputs"]]
    outputs = [layer["outputs"] for part in parts.values() for layer in part]
    if {widths[0], widths[-1]} != {height * width} or widths[1:] != outputs:
        sizes = "–".join(map(str, widths))
        raise InputError(f"network has layers {sizes}; for images of {height}×{width} it must begin and end with "
                         f"{height * width}")  # fmt: skip
    if parts["decoder"][-1]["activation"] != "sigmoid":
        raise InputError("network ends in no Sigmoid; what it returns must be probabilities")
    if getattr(network, "recurrent", None) is not None:
        raise InputError("network is recurrent, for images that move; the page takes one for still images")
    drawn = {label: checks.image(stamp, f"stamps[{label}]") for label, stamp in (stamps or {}).items()}
    if len(drawn) > MOST_STAMPS:
        raise InputError(f"stamps are {len(drawn)}; give at most {MOST_STAMPS}")
    for label, stamp in drawn.items():
        if not stamp.any() or stamp.shape[0] > height or stamp.shape[1] > width:
            raise InputError(f"stamps[{label}] is {stamp.shape[0]}×{stamp.shape[1]}; it must have ink and fit on "
                             f"{height}×{width}")  # fmt: skip
    names = list(drawn)
    choices = [list(of) for of in surprise] or ([names] * 3 if names else [])
    data = {
        "version": __version__,
        "name": checks.instance("name", name, str, "text"),
        "height": height,
        "width": width,
        "delay": delay,
        "refractory": refractory,
        "surplus": SURPLUS_PHASES,
        "mostObjects": MOST_OBJECTS,
        "seed": FIRST_SEED,
        "colours": PUBLISHED,
        "safeColours": COLOUR_BLIND_SAFE,
        "stamps": [{"name": label, "rows": _rows(stamp)} for label, stamp in drawn.items()],
        "surprise": [[names.index(checks.one_of("surprise", label, names)) for label in of] for of in choices],
        "scene": None if scene is None else _rows(checks.images(np.asarray(scene)[None])[0]),
        "network": parts
        | {
            "spiking": bool(getattr(network, "spiking_latent", False)),
            "shift": checks.number("output_shift of network", getattr(network, "output_shift", 0.0)),
        },
    }
    return _with_policy(filled(TEMPLATE, {"the colours": COLOURS, "the loop": LOOP, "the data": data}))


def _layers(network: nn.Module, part: str) -> list[dict[str, Any]]:
    """Layers of the encoder or the decoder, as the page reads them; InputError if one is of another kind."""
    if not isinstance(module := getattr(network, part, None), nn.Module):
        raise InputError(f"network has no {part}; give a module with encoder and decoder, as dasbe.as_network makes it")
    layers: list[dict[str, Any]] = []
    for layer in (one for one in module.modules() if not [*one.children()]):
        if isinstance(layer, nn.Linear):
            layers.append(_linear(layer) | {"activation": "none"})
        elif type(layer) in ACTIVATIONS and layers and layers[-1]["activation"] == "none":
            layers[-1]["activation"] = ACTIVATIONS[type(layer)]
        elif not isinstance(layer, PASSED_OVER):
            raise InputError(f"{part} of network has the layer {checks.shown(layer)}; the page takes linear layers, each "
                             "followed by ReLU, Tanh, Sigmoid, Softmax or nothing")  # fmt: skip
    if not layers:
        raise InputError(f"{part} of network has no linear layer; the page takes one or more")
    return layers


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
