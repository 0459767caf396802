"""Figure 4: high-level neurons for shape and for position (paper, Figure 4)."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("figure4")

from typing import Any

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from scipy.optimize import linear_sum_assignment

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
from dasbe.plotting.pictures import HIGH, LOW, coloured, input_and_grouping, level_of_neurons
from dasbe.plotting.raster import Row, draw_rows
from dasbe.plotting.style import (
    INK,
    PRINT_WIDTH,
    Axes,
    Circle,
    Ellipse,
    Figure,
    SubFigure,
    image_axes,
    in_our_style,
    in_print,
    letter,
    new_figure,
    palette_of_marks,
)
from dasbe.support.errors import InputError
from dasbe.support.published import CYCLES_FIGURES
from dasbe.support.storage import Arrays
from dasbe.systems import SYSTEMS

DATASET, NETWORK = "shapes", "hierarchical"
SHAPE_NAMES = ("square", "triangle", "inverted triangle")
ICONS = ("□", "△", "▽")
MARKED = 5  # neurons: side of the square in which selective ones are counted, to mark where they are densest
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
    """The figure and its panels, by file name, from the arrays of :func:`compute`; `palette` is the name of one.

    ``loop`` is no part of the published figure.
    """
    a = arrays
    return {
        "figure4": composed(a, palette),
        "feature_neurons": feature_neurons(a, palette),
        "hierarchy": hierarchy(a, palette),
        "grouping": input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), palette),
        "loop": once_round_the_loop(a, palette),
        "rasters": rasters(a, palette),
        "decoded": decoded_clusters(a, palette),
    }


@in_print
def composed(a: Arrays, colours: str = "published") -> Figure:
    """Panels (a) to (d) side by side, as in the paper."""
    figure = new_figure(PRINT_WIDTH, 2.6)
    panels, below = figure.subfigures(2, 1, height_ratios=(1, 0.07))
    widths = (2.5, 1.5, 2.1, 0.42, 0.62)
    parts, names = (part.subfigures(1, 5, width_ratios=widths) for part in (panels, below))
    feature_neurons(a, colours, parts[0])
    hierarchy(a, colours, parts[1])
    rasters(a, colours, parts[2])
    _arrow(parts[3], "decode")
    decoded_clusters(a, colours, parts[4])
    for name, part in zip("abc d", names):
        if name != " ":
            letter(part, name, 0.5, 1.0, ha="center")
    return figure


def caption(a: Arrays) -> str:
    """What the composed figure shows, what it ends at, and what is published."""
    counts = {kind: a[f"{kind}_neurons"].sum(1) for kind in ("shape", "position")}
    of = {kind: ", ".join(f"{n} (P{k})" for k, n in enumerate(counts[kind], start=1)) for kind in counts}
    active = (a["by_position"] > LEAST_FIRING).sum(1)
    places = ", ".join(f"P{k} {y:g}, {x:g}" for k, (y, x) in enumerate(a["centres"], start=1))
    held_out = 100 * np.nanmean(a["held_out_ami"])
    shapes = ", ".join(f"P{k} {SHAPE_NAMES[shape]}" for k, shape in enumerate(a["shapes"], start=1))
    return f"""**Figure 4. Neurons for shape and for position** (objects of the image: {shapes}).
(a) Mean firing of the {a["latents"].shape[2]} high-level neurons: for each shape, anywhere (top); for any shape at the
position of each object of the image, below the shape of that object (bottom; centres in rows and columns: {places}).
An ellipse marks where neurons selective for it are densest. Neurons selective for the shape of an object:
{of["shape"]}; for its position: {of["position"]}.
Neurons that fire at a position at all (more than {LEAST_FIRING} spikes per step): {", ".join(map(str, active))}.
(b) The two levels, with the image, its grouping (AMI {100 * a["ami"][0]:.1f} %), and the high-level neurons that fire
with each object. (c) Rasters of the last {RASTER_CYCLES} cycles: shape and position neurons of each object (top) fire
in phase with its pixels (bottom). (d) High-level neurons, grouped by their spikes and decoded group by group.
On {len(a["held_out_ami"])} images that were held out, this network has an AMI of {held_out:.1f} %.

Published: the same panels; the image is grouped without a fault, and the maps show fewer active neurons than ours.
Each position stands below its own shape here, where the published P1 to P3 stand in the order of their numbers.
`loop` is ours, and not in the paper.
"""


def _as_map(values: np.ndarray) -> np.ndarray:
    """Latent neurons (L,) as the most nearly square map."""
    height = next(h for h in range(int(np.sqrt(len(values))), 0, -1) if len(values) % h == 0)
    return values.reshape(height, -1)


def _mark(ax: Axes, neurons: np.ndarray, colour: np.ndarray, linestyle: str) -> None:
    """An ellipse on a map, where `neurons` (latent,) are densest; solid for shape, dashed for position."""
    edge = 2  # around which an ellipse would be cut
    windows = sliding_window_view(_as_map(neurons).astype(int), (MARKED, MARKED)).sum((2, 3))[edge:-edge, edge:-edge]
    y, x = np.array(np.unravel_index(windows.argmax(), windows.shape)) + edge + MARKED // 2
    for colour_of_edge, width, style in (("white", 2.2, "-"), (tuple(colour), 1.2, linestyle)):
        outline: dict[str, Any] = {"edgecolor": colour_of_edge, "linewidth": width, "linestyle": style}
        ax.add_patch(Ellipse((x, y), MARKED + 2, MARKED + 4, fill=False, **outline))


def _arrow(figure: Any, text: str) -> None:
    axes = figure.add_subplot()
    axes.set_axis_off()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    axes.text(0.5, 0.72, text, ha="center", weight="bold")
    arrow = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.6}
    axes.annotate("", (1, 0.68), (0, 0.68), arrowprops=arrow, annotation_clip=False)


@in_our_style
def feature_neurons(a: Arrays, colours: str, within: SubFigure | None = None) -> Figure:
    """(a) mean firing of the high-level neurons for each shape anywhere, and for any shape at each object's position.

    The position of an object stands below its shape, as far as there is room.
    """
    n_objects, n_shapes = len(a["by_position"]), len(a["by_shape"])
    columns, table = max(n_shapes, n_objects), palette_of_marks(n_objects, colours)
    figure: Any = new_figure(2.5 * columns + 1.1, 6.0) if within is None else within
    figure.suptitle("High-level feature neurons", weight="bold")
    axes = figure.subplots(2, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()

    def draw_map(ax: Axes, values: np.ndarray, title: str) -> None:
        ax.set_axis_on()
        ax.imshow(_as_map(values), cmap="rainbow", vmin=0, vmax=1, interpolation="nearest")
        image_axes(ax)
        ax.set_title(title, size="large", weight="bold")

    for ax, values, icon in zip(axes[0], a["by_shape"], ICONS):
        draw_map(ax, values, icon)
    free = [*range(columns)]
    for k in sorted(range(n_objects), key=lambda k: (a["shapes"][:k] == a["shapes"][k]).any()):
        column = int(a["shapes"][k]) if a["shapes"][k] in free else free[0]
        free.remove(column)
        draw_map(axes[1, column], a["by_position"][k], f"P$_{k + 1}$")
        _mark(axes[0, a["shapes"][k]], a["shape_neurons"][k], table[k + 1], "-")
        _mark(axes[1, column], a["position_neurons"][k], table[k + 1], "--")
    axes[0, 0].set_ylabel("shape")
    axes[1, 0].set_ylabel("position")
    bar = figure.colorbar(axes[0, 0].images[0], ax=axes, shrink=0.8, aspect=30, pad=0.02, ticks=(0, 0.5, 1))
    bar.set_label("mean firing (spikes per step)")
    return figure


@in_our_style
def hierarchy(a: Arrays, colours: str, within: SubFigure | None = None) -> Figure:
    """(b) the two levels, which the autoencoder ties: the image and its grouping below, the latent neurons above.

    Latent neurons have the colour of the object with which they fire in the last cycle.
    """
    figure: Any = new_figure(3.2, 5.0) if within is None else within
    n_objects = len(a["peaks"])
    table = palette_of_marks(n_objects, colours)
    axes = figure.add_subplot(xlim=(0, 10), ylim=(0, 17), aspect="equal")
    axes.set_axis_off()
    style: dict[str, Any] = {"clip_on": False, "linewidth": 1.1}
    for (x, y, width), name, colour, n in (
        ((1.4, 9.4, 7.2), "High-level", HIGH, 4),
        ((0.2, 5.2, 9.6), "Low-level", LOW, 5),
    ):
        level_of_neurons(axes, x, y, width, name, colour, n)
    for up, down in ((2.8, 1.0), (2.8, 5.0), (7.2, 5.0), (7.2, 9.0)):
        axes.plot((up, down), (9.4, 6.9), color="#888888", linewidth=0.7)
    axes.text(5, 8.5, "DAE", ha="center", va="center", weight="bold", size="small")
    axes.annotate("", (0.5, 9.6), (0.5, 7.2), arrowprops={"arrowstyle": "<|-|>", "color": "#bbbbbb", "linewidth": 1.5})
    last = {"clip_on": False, "color": HIGH, "linewidth": 1.1}
    axes.plot((-1.2, -1.2, 9.1, 9.1), (15.6, 16.7, 16.7, 14.3), **last)
    axes.plot((7.2, 8.6), (13.7, 13.7), **last)
    axes.add_patch(Circle((9.1, 13.7), 0.55, fill=False, edgecolor=HIGH, **style))
    axes.add_patch(Circle((9.1, 13.7), 0.13, color=HIGH))
    for start, y, colour in ((9.65, 13.7, HIGH), (9.9, 6.05, LOW)):
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.1, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", (11.2, y), (start, y), arrowprops=arrow, annotation_clip=False)
    fired = np.zeros((*_as_map(a["latents"][-1, 0]).shape, 3))
    for step, colour in zip(a["peaks"], table[1:]):
        fired[_as_map(a["latents"][-1, step])] = colour
    ink = 1 - 0.85 * a["image"][..., None].repeat(3, 2)
    for place, picture in (
        ((2.6, 11.4), fired),
        ((0.2, 0.2), ink),
        ((5.2, 0.2), coloured(a["labels"], a["image"], table)),
    ):
        ax = axes.inset_axes((*place, 4.6, 4.6), transform=axes.transData)
        ax.imshow(picture, interpolation="nearest")
        image_axes(ax)
        if picture is fired:
            ax.spines[:].set(color=HIGH, linewidth=2)
            for k in range(n_objects):
                _mark(ax, a["shape_neurons"][k], table[k + 1], "-")
                _mark(ax, a["position_neurons"][k], table[k + 1], "--")
    return figure


@in_our_style
def once_round_the_loop(a: Arrays, colours: str) -> Figure:
    """The loop at work: for each object, the step of the last cycle in which most of it fires.

    From left to right the pixels that fire, the high-level neurons that fire with them,
    and what the decoder sends back to the pixels one cycle later.
    """
    n_objects = len(a["peaks"])
    table = palette_of_marks(n_objects, colours)
    figure = new_figure(6.4, 2.1 * n_objects + 0.7)
    figure.suptitle("Once round the loop: ours, not in the paper", size="large")
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
def rasters(a: Arrays, colours: str, within: SubFigure | None = None) -> Figure:
    """(c) shape and position neurons of each object above, from top to bottom of the image; its pixels below."""
    n_objects, (n, delay) = len(a["shapes"]), a["spikes"].shape[:2]
    latents, pixels = (a[name][-RASTER_CYCLES:].reshape(RASTER_CYCLES * delay, -1) for name in ("latents", "spikes"))
    table = palette_of_marks(n_objects, colours)
    high = []
    for k in a["centres"][:, 0].argsort(kind="stable"):
        # neurons that several objects of the image share would show the phases of all of them
        for kind, name in (("shape", ICONS[a["shapes"][k]]), ("position", f"P$_{k + 1}$")):
            high.append(Row(name, table[k + 1], latents[:, a[f"{kind}_neurons"][k]]))
    low = [Row("", table[k], pixels[:, (a["groups"] == k).ravel()]) for k in range(1, n_objects + 1)]
    figure: Any = new_figure(9, 0.5 * len(high + low) + 0.7) if within is None else within
    axes = figure.subplots(2, 1, gridspec_kw={"height_ratios": (len(high), 1.15 * len(low))})
    time = np.arange((n - RASTER_CYCLES) * delay, n * delay)
    for ax, rows, colour in zip(axes, (high, low), (HIGH, LOW)):
        draw_rows(ax, time, rows, delay, linewidth=0.9 if within else 1.3)
        for label, row in zip(ax.get_yticklabels(), rows):
            label.set(color=row.colour, size="large" if within else "x-large")
        ax.set(ylim=(-0.15, len(rows) + 0.1), xlim=(time[0] - 2, time[-1] + 2))
        ax.spines[:].set(visible=True, color=colour, linewidth=1.1)
    axes[0].tick_params(axis="x", length=0, labelbottom=False)
    axes[0].set_ylabel("neurons")
    axes[1].set_ylabel("pixels")
    axes[1].set_xlabel("time (steps)")
    return figure


@in_our_style
def decoded_clusters(a: Arrays, colours: str, within: SubFigure | None = None) -> Figure:
    """(d) what the decoder makes of each cluster of high-level neurons that fire together.

    Clusters have the colours of the objects that they show, and stand as these do in (c).
    """
    decoded, n_objects = a["decoded"], len(a["shapes"])
    table = palette_of_marks(n_objects, colours)
    shown = np.array([[picture[a["groups"] == k + 1].mean() for k in range(n_objects)] for picture in decoded])
    clusters, objects = linear_sum_assignment(-shown)
    order = a["centres"][objects, 0].argsort(kind="stable")
    figure: Any = new_figure(1.9, 1.9 * n_objects) if within is None else within
    for ax, which in zip(figure.subplots(len(order), 1, squeeze=False)[:, 0], order):
        strength = decoded[clusters[which]][..., None]
        ax.imshow((1 - strength + strength * table[objects[which] + 1]).clip(0, 1), interpolation="nearest")
        image_axes(ax)
    return figure
