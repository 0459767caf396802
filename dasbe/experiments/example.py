"""The pictures of one bound image, as ``dasbe_example.sh`` leaves them."""

from pathlib import Path

import numpy as np
import torch
from torch import nn

from dasbe.binding import Binding
from dasbe.plotting.alignment import align
from dasbe.plotting.animation import animate_binding
from dasbe.plotting.grouping import decoded_groups, input_and_grouping
from dasbe.plotting.raster import spike_raster
from dasbe.storage import atomic_path

FIRST_CYCLES, LAST_CYCLES = 3, 4  # cycles in the raster


def decode_groups(network: nn.Module, labels: np.ndarray) -> np.ndarray:
    """What `network` makes of each group of pixels alone: (groups, H, W) float in [0, 1]."""
    masks = np.stack([labels == k for k in range(1, labels.max() + 1)]).astype(np.float32)
    weight = next(network.parameters())
    with torch.inference_mode():
        decoded, _ = network(torch.from_numpy(masks.reshape(len(masks), -1)).to(weight))
    return decoded.cpu().numpy().reshape(masks.shape)


def draw(
    folder: Path | str,
    image: np.ndarray,
    run: Binding,
    labels: np.ndarray,
    network: nn.Module,
    groups: np.ndarray | None = None,
    score: float | None = None,
) -> list[Path]:
    """Draw grouping, raster, decoded groups and animation of one image.

    Parameters
    ----------
    folder : path
    image : (H, W) of 0 and 1
    run : Binding
        Of this image alone, with the spikes of all cycles.
    labels : (H, W) int
        Its grouping.
    network : nn.Module
        As for the run.
    groups : (H, W) int, optional
        Ground truth.
    score : float, optional
        AMI.

    Returns
    -------
    list of Path
        The files written.
    """
    folder = Path(folder)
    spikes = run.spikes[0]
    objects = labels if groups is None else groups
    labels = labels if groups is None else align(labels, groups)
    n_cycles = len(spikes)
    windows = [(0, n_cycles)]
    if n_cycles > FIRST_CYCLES + LAST_CYCLES:
        windows = [(0, FIRST_CYCLES), (n_cycles - LAST_CYCLES, n_cycles)]
    figures = {"grouping.png": input_and_grouping(image, labels, groups, score)}
    if objects.any():  # something fired
        figures["raster.png"] = spike_raster(spikes, objects, windows, "group" if groups is None else "object")
    if labels.any():
        figures["decoded.png"] = decoded_groups(labels, decode_groups(network, labels))
    written = []
    for name, figure in figures.items():
        with atomic_path(folder / name) as temporary:
            figure.savefig(temporary, dpi=150)
        written.append(folder / name)
    if objects.any():
        animate_binding(folder / "binding.gif", spikes, image, objects)
        written.append(folder / "binding.gif")
    return written
