"""Figure 4: high-level neurons for shape and for position (paper, Figure 4)."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure4")

from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view

from dasbe.ann.autoencoder import Autoencoder, transmitted
from dasbe.ann.weights import load_network
from dasbe.binding.labels import align
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, load_dataset, settings_of
from dasbe.datasets.generators import SHAPES
from dasbe.evaluation.segment import ami_of, numbers_of_objects
from dasbe.evaluation.sweep import scores_on_dataset
from dasbe.metrics import ami
from dasbe.plotting.pictures import coloured, input_and_grouping
from dasbe.plotting.style import Axes, Figure, image_axes, in_our_style, new_figure, palette, palette_of_marks
from dasbe.support.errors import InputError
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import SYSTEMS

DATASET, NETWORK = "shapes", "hierarchical"
SHAPE_NAMES = ("square", "triangle", "inverted triangle")
SELECTIVITY = 0.5  # least index of a neuron that counts as selective
LEAST_FIRING = 0.1  # spikes per step, of a neuron that counts at all
PRESENTATIONS = 20  # noisy presentations of each single object
SCORED = {False: (6000, 6200), True: (6000, 6020)}  # images of train_multi that the network is scored on; with --quick
RASTER_CYCLES = 2  # the last ones


def compute(*, index: int, seed: int, quick: bool = False, device: str = "cpu") -> Arrays:
    """Find the neurons for shape and for position, and bind image `index` of ``train_multi`` with them.

    `seed` is that of the loop, and of the noise of the latent neurons. `quick` takes fewer
    single objects, and fewer images to score the network on.

    Returns
    -------
    dict of arrays
        Image and ground truth (H, W), spikes (n, d, H, W) and latent spikes (n, d, latent),
        mean firing and selective neurons (objects or shapes, latent), reconstructions
        (clusters, H, W) and AMI (images,).

    Raises
    ------
    InputError
        So little of an object of the image is visible that its shape cannot be told.
    """
    network = load_network(NETWORK, device)
    for name in (DATASET, "shapes_with_pos"):
        ensure_dataset(name)
    images, groups = load_dataset(DATASET, "train_multi", index, index + 1)
    shapes, centres = _objects_of(groups[0], images[0])
    generator = torch.Generator(device).manual_seed(seed)
    by_shape, by_position = _mean_firing(network, centres, generator, 500 if quick else 4000)

    settings = settings_of(DATASET)
    loop: dict[str, Any] = {"delay": settings.delay, "refractory": settings.refractory, "cycles": CYCLES_FIGURES}
    loop |= {"seed": seed, "indices": [index], "device": device}
    run = bind(images, network, **loop, record=("spikes", "latents"))
    n_groups = numbers_of_objects(groups) + 1
    labels = group(run.spikes, n_groups, seed=seed)
    clusters = group(run.latents[:, :, :, None] > 0, n_groups, seed=seed)[0, 0]  # (latent,)
    last_cycle = run.spikes[0, -1]
    peaks = np.array([last_cycle[:, groups[0] == k + 1].sum(1).argmax() for k in range(len(shapes))])
    how: dict[str, Any] = {"cycles": CYCLES_FIGURES, "score": ami_of, "seed": seed, "device": device}
    held_out = scores_on_dataset([SYSTEMS["dasbe"]], network, DATASET, *SCORED[quick], **how)
    return {
        "image": images[0],
        "groups": groups[0],
        "labels": align(labels[0], groups[0]),
        "ami": ami(groups, labels),
        "spikes": run.spikes[0],
        "latents": run.latents[0] > 0,
        "shapes": shapes,
        "centres": centres,
        "by_shape": by_shape,
        "by_position": by_position.mean(1),
        "clusters": clusters,
        "decoded": _decode(network, np.stack([clusters == k for k in range(1, clusters.max() + 1)])),
        "peaks": peaks,
        "feedback": _decode(network, run.latents[0, -1, peaks]),
        **_selective_neurons(by_shape, by_position, shapes),
        "similarity": _similarity(network, generator),
        "held_out_ami": held_out["dasbe"],
    }


def _objects_of(groups: np.ndarray, image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Which of the three shapes each object is, (objects,), and its centre (y, x) in pixels, (objects, 2).

    The placement that covers all pixels of the object's label and, besides, nothing but
    ink; of several, the one that covers least of the other objects.
    """
    shapes, centres = [], []
    for k in range(1, groups.max() + 1):
        fits = []
        for shape, template in enumerate(SHAPES):
            (height, width), covered = template.shape, template > 0
            labels, ink = (sliding_window_view(part, template.shape)[..., covered] for part in (groups, image))
            fit = ((labels == k).sum(-1) == (groups == k).sum()) & ink.all(-1)
            others = ((labels != k) & (labels > 0)).sum(-1)
            fits += [(others[y, x], shape, y + (height - 1) / 2, x + (width - 1) / 2) for y, x in np.argwhere(fit)]
        if not fits:
            raise InputError(f"object {k} of this image is hidden too far to tell its shape; choose another --index")
        _, shape, y, x = min(fits)
        shapes.append(shape)
        centres.append((y, x))
    return np.array(shapes), np.array(centres)


@torch.inference_mode()
def _firing(network: Autoencoder, images: np.ndarray, generator: torch.Generator) -> np.ndarray:
    """Mean latent firing (images, latent) over `PRESENTATIONS` of each image: spikes per step, no refractoriness."""
    x = torch.from_numpy(images.reshape(len(images), -1)).to(next(network.parameters()))
    drive = network.encoder(x)
    counts = torch.zeros_like(drive)
    for _ in range(PRESENTATIONS):
        counts += transmitted(drive, network.spiking_latent, generator, silence=0)[0]
    return counts.cpu().numpy() / PRESENTATIONS


def _mean_firing(
    network: Autoencoder, centres: np.ndarray, generator: torch.Generator, n_images: int
) -> tuple[np.ndarray, np.ndarray]:
    """Mean firing for each shape anywhere, (3, latent), and at each centre for each shape, (objects, 3, latent)."""
    by_shape, by_position = [], np.zeros((len(centres), len(SHAPES), network.architecture.latent))
    for shape, template in enumerate(SHAPES):
        images, _ = load_dataset("shapes_with_pos", f"train_single_{shape}")
        images = images[:n_images]
        corner = np.array([[np.flatnonzero(image.any(axis))[0] for axis in (1, 0)] for image in images])
        by_shape.append(_firing(network, images[::4], generator).mean(0))
        middle = corner + (np.array(template.shape) - 1) / 2
        for k, centre in enumerate(centres):
            near = np.abs(middle - centre).max(1) <= 1
            if near.any():
                by_position[k, shape] = _firing(network, images[near], generator).mean(0)
    return np.array(by_shape), by_position


def _selective_neurons(by_shape: np.ndarray, by_position: np.ndarray, shapes: np.ndarray) -> Arrays:
    """Shape neurons and position neurons of each object, (objects, latent) bool each.

    Selectivity index of a neuron with firing f for what it prefers, and g at most (shapes)
    or on average (positions) for the rest: (f − g) / (f + g). A shape neuron fires for its
    shape wherever it is, more than for any other shape; a position neuron fires for every
    shape at its position, more than elsewhere.
    """

    def selective(f: np.ndarray, g: np.ndarray) -> np.ndarray:
        return (f - g) / np.maximum(f + g, 1e-9) * (f > LEAST_FIRING) >= SELECTIVITY

    others = [np.delete(by_shape, shape, 0).max(0) for shape in shapes]
    return {
        "shape_neurons": np.array([selective(by_shape[shape], most) for shape, most in zip(shapes, others)]),
        "position_neurons": np.array([selective(here.min(0), by_shape.mean(0)) for here in by_position]),
    }


@torch.inference_mode()
def _decode(network: Autoencoder, latent: np.ndarray) -> np.ndarray:
    """What the decoder makes of latent spikes (M, latent), (M, H, W)."""
    decoded = network.decoder(torch.from_numpy(latent).to(next(network.parameters())))
    return decoded.cpu().numpy().reshape(-1, *network.architecture.image_shape)


def _similarity(network: Autoencoder, generator: torch.Generator, per_shape: int = 100) -> np.ndarray:
    """Mean cosine of the mean latent firing of two images of the same shape, and of different shapes, (2,)."""
    parts = [load_dataset(DATASET, f"train_single_{k}", 0, per_shape)[0] for k in range(len(SHAPES))]
    codes = _firing(network, np.concatenate(parts), generator)
    codes /= np.linalg.norm(codes, axis=1, keepdims=True).clip(1e-9)
    cosines = codes @ codes.T
    kind = np.repeat(np.arange(len(SHAPES)), per_shape)
    same = np.equal.outer(kind, kind)
    pairs = same & ~np.eye(len(kind), dtype=bool)
    return np.array([cosines[pairs].mean(), cosines[~same].mean()])


def summary(arrays: Arrays) -> str:
    """AMI of the image that is shown, and of others."""
    others = arrays["held_out_ami"]
    return f"AMI: {100 * arrays['ami'][0]:.1f} %; of {len(others)} other images: {100 * np.nanmean(others):.1f} %"


def draw(arrays: Arrays, palette: str = "published") -> dict[str, Figure]:
    """All panels, by file name, from the arrays of :func:`compute`; `palette` is the name of one."""
    a = arrays
    return {
        "feature_neurons": feature_neurons(a, palette),
        "grouping": input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), palette),
        "loop": once_round_the_loop(a, palette),
        "rasters": rasters(a, palette),
        "decoded": decoded_clusters(a["decoded"]),
    }


def _as_map(values: np.ndarray) -> np.ndarray:
    """Latent neurons (L,) as the most nearly square map."""
    height = next(h for h in range(int(np.sqrt(len(values))), 0, -1) if len(values) % h == 0)
    return values.reshape(height, -1)


@in_our_style
def feature_neurons(a: Arrays, colours: str) -> Figure:
    """(a) mean firing of the high-level neurons for each shape anywhere, and for any shape at each object's position.

    Circles mark the shape neurons and the position neurons of the objects of the image.
    """
    n_objects = len(a["by_position"])
    columns = max(len(a["by_shape"]), n_objects)
    table = palette(n_objects, colours)
    figure = new_figure(2.5 * columns + 1.1, 6.0)
    axes = figure.subplots(2, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()

    def draw_map(ax: Axes, values: np.ndarray, title: str) -> None:
        ax.set_axis_on()
        ax.imshow(_as_map(values), cmap="rainbow", vmin=0, vmax=1, interpolation="nearest")
        image_axes(ax, title)

    def mark(ax: Axes, neurons: np.ndarray, colour: np.ndarray) -> None:
        y, x = np.nonzero(_as_map(neurons))
        ax.scatter(x, y, s=18, facecolors="none", edgecolors=[tuple(colour)], linewidths=0.9)

    for ax, values, name in zip(axes[0], a["by_shape"], SHAPE_NAMES):
        draw_map(ax, values, name)
    for k, (shape, (y, x)) in enumerate(zip(a["shapes"], a["centres"])):
        mark(axes[0, shape], a["shape_neurons"][k], table[k + 1])
        draw_map(axes[1, k], a["by_position"][k], f"P$_{k + 1}$: row {y:g}, column {x:g}")
        mark(axes[1, k], a["position_neurons"][k], table[k + 1])
    axes[0, 0].set_ylabel("shape, anywhere", size=11)
    axes[1, 0].set_ylabel("position, any shape", size=11)
    figure.colorbar(axes[0, 0].images[0], ax=axes, label="mean firing (spikes per step)", shrink=0.6)
    return figure


@in_our_style
def once_round_the_loop(a: Arrays, colours: str) -> Figure:
    """(b) the loop at work: for each object, the step of the last cycle in which most of it fires.

    From left to right the pixels that fire, the high-level neurons that fire with them,
    and what the decoder sends back to the pixels one cycle later.
    """
    n_objects = len(a["peaks"])
    table = palette(n_objects, colours)
    figure = new_figure(6.4, 2.1 * n_objects + 0.4)
    axes = figure.subplots(n_objects, 3, squeeze=False)
    titles = ("low level: pixels\nthat fire →", "high level: neurons\nthat fire →", "feedback,\none cycle later")
    for k, (step, row) in enumerate(zip(a["peaks"], axes)):
        fired = a["spikes"][-1, step]
        row[0].imshow(coloured(np.where(fired, a["groups"], 0), fired, table), interpolation="nearest")
        high = _as_map(a["latents"][-1, step])
        row[1].imshow(np.where(high[..., None], table[k + 1], 1.0), interpolation="nearest")
        row[2].imshow(a["feedback"][k], cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        for ax, title in zip(row, titles):
            image_axes(ax, title if k == 0 else "")
        row[0].set_ylabel(f"step {step}")
    return figure


@in_our_style
def rasters(a: Arrays, colours: str) -> Figure:
    """(c) shape and position neurons of each object above, its pixels below, on one time axis."""
    n_objects, (n, delay) = len(a["shapes"]), a["spikes"].shape[:2]
    latents, pixels = (a[name][-RASTER_CYCLES:].reshape(RASTER_CYCLES * delay, -1) for name in ("latents", "spikes"))
    rows = []
    for k in range(n_objects):
        # neurons that several objects of the image share would show the phases of all of them
        for kind in ("shape", "position"):
            rows.append((k, f"{kind} {k + 1}", latents[:, a[f"{kind}_neurons"][k]]))
    rows += [(k, f"pixels {k + 1}", pixels[:, (a["groups"] == k + 1).ravel()]) for k in range(n_objects)]
    table = palette_of_marks(n_objects, colours)
    figure = new_figure(9, 0.62 * len(rows) + 0.7)
    axes = figure.subplots(len(rows), 1, sharex=True)
    time = np.arange((n - RASTER_CYCLES) * delay, n * delay)
    for ax, (k, name, trains) in zip(axes, rows):
        when, which = np.nonzero(trains)
        n_neurons = trains.shape[1]
        ax.scatter(time[when], which, s=3, color=table[k + 1], linewidths=0)
        if n_neurons:
            height = trains.sum(1) / max(trains.sum(1).max(), 1) * n_neurons
            ax.fill_between(time, height, color=table[k + 1], alpha=0.25, linewidth=0)
        ax.set(yticks=[], ylim=(-1, max(n_neurons, 1)), xlim=(time[0] - 1, time[-1] + 1))
        ax.spines["left"].set_visible(False)
        ax.set_ylabel(f"{name}\n{n_neurons} neurons", rotation=0, ha="right", va="center", size=8)
    axes[0].set_title("high level: shape and position neurons of each object", loc="left", size=9)
    axes[2 * n_objects].set_title("low level: pixels", loc="left", size=9)
    axes[-1].set_xlabel("time (steps)")
    return figure


@in_our_style
def decoded_clusters(decoded: np.ndarray) -> Figure:
    """(d) what the decoder makes of each cluster of high-level neurons that fire together, (clusters, H, W)."""
    figure = new_figure(1.9 * max(len(decoded), 2), 2.3)
    for k, (ax, picture) in enumerate(zip(figure.subplots(1, len(decoded), squeeze=False)[0], decoded)):
        ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        image_axes(ax, f"cluster {k + 1}, decoded")
    return figure
