"""Pictures of one image of a run, of any network, with or without a ground truth."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from dasbe.ann.network import Network, check_feedback, computing_on
from dasbe.binding.labels import align
from dasbe.binding.run import Binding
from dasbe.engine.attention import ready
from dasbe.metrics import ami
from dasbe.plotting.animation import animate_binding
from dasbe.plotting.pictures import decoded_groups, input_and_grouping
from dasbe.plotting.raster import spike_raster
from dasbe.plotting.style import Figure
from dasbe.support import checks
from dasbe.support.errors import InputError

FIRST_CYCLES, LAST_CYCLES = 3, 4  # cycles in a raster by default


def plot_grouping(run: Binding, labels: np.ndarray, image: int = 0, *, groups: np.ndarray | None = None) -> Figure:
    """Draw an image beside its grouping, and beside the ground truth if there is one.

    Parameters
    ----------
    run : Binding
        What :func:`dasbe.bind` returned.
    labels : (N, H, W) int
        Grouping of all N images, such as :func:`dasbe.group` returns.
    image : int
        Number of the image to draw. Of a film, the last frame is drawn, the one that
        ``dasbe.group(run, …, last=1)`` groups.
    groups : (N, H, W) int, optional
        Ground truth. Groups then have the colours of the objects they overlap most, and the
        title gives their AMI.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        An argument is wrong, or `labels` and `groups` are not of the images of this run.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
    >>> figure = dasbe.plot_grouping(run, dasbe.group(run, n_objects=1))
    """
    images = _run(run).images
    frames = images if images.ndim == 3 else images[:, -1]
    image, found, truth = _chosen(frames.shape, labels, image, groups)
    score = None if truth is None else ami(truth[None], found[None])[0]
    return input_and_grouping(frames[image], found, truth, score, picture=run.picture_of(image))


def plot_raster(
    run: Binding,
    labels: np.ndarray,
    image: int = 0,
    *,
    groups: np.ndarray | None = None,
    cycles: Sequence[int] | None = None,
) -> Figure:
    """Draw the spikes of an image, its pixels sorted by group, or by object if `groups` is given.

    Parameters
    ----------
    run, labels, image, groups
        As for :func:`plot_grouping`; the run must have recorded spikes.
    cycles : sequence of int, optional
        Cycles to draw, 0 to n − 1 for n recorded ones; by default the first three and the last four.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        An argument is wrong, spikes were not recorded, or no pixel has a label.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
    >>> labels = dasbe.group(run, n_objects=1)
    >>> figure = dasbe.plot_raster(run, labels, cycles=[0, 1, 4])
    >>> figure.savefig("raster.png")
    """
    image, found, truth = _chosen(_run(run).ink.shape, labels, image, groups)
    n = run.parameters["recorded_cycles"]
    windows = [(0, FIRST_CYCLES), (n - LAST_CYCLES, n)]
    if cycles is not None:
        windows = _unbroken(_cycles(cycles, n))
    elif n <= FIRST_CYCLES + LAST_CYCLES:
        windows = [(0, n)]
    objects, name = (found, "group") if truth is None else (truth, "object")
    return spike_raster(run.spikes_of(image), _labelled(objects), windows, name, before=_unrecorded(run))


def plot_decoded(
    network: Network,
    labels: np.ndarray,
    image: int = 0,
    *,
    groups: np.ndarray | None = None,
    device: torch.device | str = "cpu",
) -> Figure:
    """Draw each group of an image alone, above its reconstruction by the network.

    Parameters
    ----------
    network : nn.Module or callable
        As for :func:`dasbe.bind`. Spiking latent neurons pass on their firing probability.
    labels, image, groups
        As for :func:`plot_grouping`.
    device : torch.device or str
        Device of the computation, to which a module is moved.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    InputError
        An argument is wrong, or no pixel has a label.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> figure = dasbe.plot_decoded(lambda x: 0.5 * x, np.array([[[1, 1, 0], [0, 2, 2]]]))
    """
    labels, device = checks.labels(labels, "labels", 3), checks.device(device)
    if 0 in labels.shape:
        raise InputError(f"labels has shape {labels.shape}; it must be (N, H, W), none of them 0")
    _, found, _ = _chosen(labels.shape, labels, image, groups)
    masks = np.stack([found == k for k in range(1, _labelled(found).max() + 1)]).astype(np.uint8)
    with ready(network, masks, device) as net, torch.inference_mode(), computing_on(device):
        shown = torch.from_numpy(masks).flatten(1).to(device, net.dtype)
        decoded = check_feedback(net.reconstruct(shown), tuple(shown.shape))
    return decoded_groups(found, decoded.cpu().numpy().reshape(masks.shape))


def animate(
    path: Path | str,
    run: Binding,
    labels: np.ndarray,
    image: int = 0,
    *,
    groups: np.ndarray | None = None,
    cycles: Sequence[int] | None = None,
) -> None:
    """Write a GIF of the spikes of an image, step by step, over a few cycles.

    The pixels that fire are on the left; on the right is the part of each group, or of each
    object if `groups` is given, that fires in each step of the cycle.

    Parameters
    ----------
    path : path ending in .gif
    run, labels, image, groups
        As for :func:`plot_raster`. `labels` and `groups` may also be (N, n, H, W), one for each
        of the n recorded cycles, as films need them.
    cycles : sequence of int, optional
        Cycles to show, 0 to n − 1 for n recorded ones; by default a few, most of them at the start.

    Raises
    ------
    InputError
        An argument is wrong, the file cannot be written, spikes were not recorded, or no
        pixel has a label.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> run = dasbe.bind(np.ones((1, 8, 8)), lambda x: 0.2 * x, delay=14, refractory=3, cycles=5)
    >>> labels = dasbe.group(run, n_objects=1)
    >>> dasbe.animate("binding.gif", run, labels, cycles=[0, 4])
    """
    path = checks.path("path", path)
    if path.suffix != ".gif":
        raise InputError(f"path is {checks.shown(str(path))}; it must end in .gif")
    (n_images, *_, height, width), n = _run(run).images.shape, run.parameters["recorded_cycles"]
    shape = (n_images, n, height, width) if checks.n_axes(labels) == 4 else (n_images, height, width)
    image, found, truth = _chosen(shape, labels, image, groups)
    frames = run.images[image] if run.images.ndim == 3 else run.images[image, -n:]
    objects = _labelled(found if truth is None else truth)
    chosen = None if cycles is None else _cycles(cycles, n)
    animate_binding(path, run.spikes_of(image), frames, objects, chosen, _unrecorded(run), run.picture_of(image))


def _run(run: Binding) -> Binding:
    if not checks.instance("run", run, Binding, "what dasbe.bind returned").parameters:
        raise InputError("run is empty; it must be what dasbe.bind returned")
    return run


def _unrecorded(run: Binding) -> int:
    """Number of cycles before the recorded ones."""
    return run.parameters["cycles"] - run.parameters["recorded_cycles"]


def _chosen(
    shape: tuple[int, ...], labels: np.ndarray, image: int, groups: np.ndarray | None
) -> tuple[int, np.ndarray, np.ndarray | None]:
    """Checked number, grouping and ground truth of one image, from `labels` and `groups` of `shape`."""
    labels = checks.labels_of(shape, labels, "labels")
    image = checks.whole_number("image", image, 0, len(labels) - 1)
    if groups is None:
        return image, labels[image], None
    truth = checks.labels_of(shape, groups, "groups")[image]
    return image, align(labels[image], truth), truth


def _labelled(objects: np.ndarray) -> np.ndarray:
    """`objects`, or InputError if there are none."""
    if not objects.any():
        raise InputError("labels of this image are all 0: nothing fired, so there is nothing to draw")
    return objects


def _cycles(given: Sequence[int], n: int) -> list[int]:
    """Numbers of recorded cycles as a list, or InputError if some are not from 0 to `n` − 1."""
    listed = list(given[: n + 1]) if isinstance(given, range) else given
    cycles = checks.array("cycles", listed, "a list of whole numbers")
    if cycles.ndim != 1 or not len(cycles) or cycles.dtype.kind not in "iu" or cycles.min() < 0 or cycles.max() >= n:
        raise InputError(f"cycles is {checks.shown(given)}; it must be a list of recorded cycles, 0 to {n - 1}")
    return cycles.tolist()


def _unbroken(cycles: list[int]) -> list[tuple[int, int]]:
    """`cycles` as half-open ranges of consecutive ones."""
    ranges: list[tuple[int, int]] = []
    for cycle in cycles:
        if ranges and ranges[-1][1] == cycle:
            ranges[-1] = (ranges[-1][0], cycle + 1)
        else:
            ranges.append((cycle, cycle + 1))
    return ranges
