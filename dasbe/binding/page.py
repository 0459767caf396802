"""One image of a run as a web page that plays it: a single file, which loads nothing.

The page is ``page.html`` with ``colours.js`` and the data in it, as JSON, which its script reads:

- ``spikes``: of the foreground pixels, as :meth:`dasbe.binding.run.Binding.save` writes them: eight
  bits to a byte, pixel by pixel along the rows, step by step;
- ``frames``: the input, (frames, H, W), eight bits to a byte; one frame, or of films one a cycle;
- ``feedback``: y of the last cycles, a list of cycles: each (d, H, W) bytes, 255 for 1, compressed
  by zlib; empty if it was not recorded;
- ``picture``: (H, W, 3) bytes of the input as it is, of grey or colour, else null;
- ``labels`` and ``groups``: of the foreground pixels, or null; ``ami``, their agreement, or null;
- what it takes to name the axes, and how the run was made.

Bytes are written in base 64.
"""

import json
import zlib
from base64 import b64encode
from pathlib import Path
from typing import Any

import numpy as np

from dasbe.support.published import PUBLISHED

TEMPLATE = Path(__file__).with_suffix(".html")
COLOURS = Path(__file__).with_name("colours.js")
PLACE = '"the data"'  # in the template
FEEDBACK_BYTES = 200_000  # most that the feedback takes, compressed


def page_of(
    spikes: np.ndarray,
    frames: np.ndarray,
    ink: np.ndarray,
    labels: np.ndarray | None,
    groups: np.ndarray | None,
    feedback: np.ndarray | None,
    score: float | None,
    picture: np.ndarray | None,
    parameters: dict[str, Any],
) -> str:
    """The page, as HTML, from `spikes` (n, d, F) and `feedback` (n, d, H, W) of the n recorded cycles.

    `frames` are (1, H, W), or (n, H, W) of a film; `ink`, `labels` and `groups` (H, W); `score`
    is the AMI of the two, and `picture` (H, W, 3), from 0 to 1, what the input looks like.
    `parameters` are ``image`` (its number), ``n_images``, ``cycles``, ``refractory`` (text),
    ``seed`` and ``made``.
    """
    n_cycles, delay, _ = spikes.shape
    height, width = ink.shape
    data = parameters | {
        "height": height,
        "width": width,
        "delay": delay,
        "recorded_cycles": n_cycles,
        "pixels": np.flatnonzero(ink).tolist(),
        "frames": _base64(np.packbits(frames).tobytes()),
        "n_frames": len(frames),
        "picture": None if picture is None else _base64(np.round(255 * picture).astype(np.uint8).tobytes()),
        "spikes": _base64(np.packbits(spikes.transpose(2, 0, 1)).tobytes()),
        "labels": None if labels is None else labels[ink > 0].tolist(),
        "groups": None if groups is None else groups[ink > 0].tolist(),
        "ami": score,
        "feedback": [] if feedback is None else _last_cycles(feedback),
        "colours": PUBLISHED,
    }
    return filled(TEMPLATE, {"the colours": COLOURS, PLACE.strip('"'): data})


def filled(template: Path, parts: dict[str, Any]) -> str:
    """`template` with each of `parts` in the place that is called so, in quotes: a file as it is, values as JSON."""
    page = template.read_text(encoding="utf-8")
    for name, part in parts.items():
        # no text in the data can end the element that it is in
        file = isinstance(part, Path)
        text = part.read_text(encoding="utf-8") if file else json.dumps(part).replace("<", "\\u003c")
        page = page.replace(f'"{name}"', text, 1)
    return page


def _last_cycles(feedback: np.ndarray) -> list[str]:
    """As many of the last cycles as :data:`FEEDBACK_BYTES` hold, at least one; each (d, H, W) bytes, compressed."""
    kept: list[str] = []
    room = FEEDBACK_BYTES
    for cycle in reversed(feedback):
        packed = zlib.compress(np.round(255 * cycle).astype(np.uint8).tobytes(), 9)
        room -= len(packed)
        if room < 0 and kept:
            break
        kept.insert(0, _base64(packed))
    return kept


def _base64(values: bytes) -> str:
    return b64encode(values).decode("ascii")
