"""Figure 4: neurons for shape and for position on the high level, in phase with the pixels on the low level."""

import numpy as np
from matplotlib import rc_context
from matplotlib.axes import Axes

from dasbe.plotting.grouping import coloured, input_and_grouping
from dasbe.plotting.style import RC, Figure, image_axes, new_figure, palette, palette_of_marks

SHAPE_NAMES = ("square", "triangle", "inverted triangle")
LAST_CYCLES = 2


def figures(arrays: dict[str, np.ndarray], colours: str) -> dict[str, Figure]:
    """All panels by file name."""
    a = arrays
    return {
        "feature_neurons": feature_neurons(a, colours),
        "grouping": input_and_grouping(a["image"], a["labels"], a["groups"], float(a["ami"][0]), colours),
        "loop": once_round_the_loop(a, colours),
        "rasters": rasters(a, colours),
        "decoded": decoded_clusters(a["decoded"]),
    }


def _as_map(values: np.ndarray) -> np.ndarray:
    """Latent neurons (L,) as the most nearly square map."""
    height = next(h for h in range(int(np.sqrt(len(values))), 0, -1) if len(values) % h == 0)
    return values.reshape(height, -1)


@rc_context(RC)
def feature_neurons(a: dict[str, np.ndarray], colours: str) -> Figure:
    """(a) mean firing of the high-level neurons for each shape anywhere, and for any shape at each object's place.

    Circles mark the shape neurons and the position neurons of the objects of the image.
    """
    n_objects = len(a["by_position"])
    columns = max(len(a["by_shape"]), n_objects)
    table = palette(n_objects, colours)
    figure = new_figure(2.5 * columns + 1.1, 6.0)
    axes = figure.subplots(2, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for shape, values in enumerate(a["by_shape"]):
        ax = axes[0, shape]
        ax.set_axis_on()
        shown = ax.imshow(_as_map(values), cmap="rainbow", vmin=0, vmax=1, interpolation="nearest")
        image_axes(ax, SHAPE_NAMES[shape])
        for k in np.flatnonzero(a["shapes"] == shape).tolist():
            _mark(ax, a["shape_neurons"][k], table[k + 1])
    for k, values in enumerate(a["by_position"]):
        ax = axes[1, k]
        ax.set_axis_on()
        ax.imshow(_as_map(values), cmap="rainbow", vmin=0, vmax=1, interpolation="nearest")
        y, x = a["centres"][k]
        image_axes(ax, f"P$_{k + 1}$: row {y:g}, column {x:g}")
        _mark(ax, a["position_neurons"][k], table[k + 1])
    axes[0, 0].set_ylabel("shape, anywhere", size=11)
    axes[1, 0].set_ylabel("position, any shape", size=11)
    figure.colorbar(shown, ax=axes, label="mean firing (spikes a step)", shrink=0.6)
    return figure


def _mark(ax: Axes, neurons: np.ndarray, colour: np.ndarray) -> None:
    y, x = np.nonzero(_as_map(neurons))
    ax.scatter(x, y, s=18, facecolors="none", edgecolors=[tuple(colour)], linewidths=0.9)


@rc_context(RC)
def once_round_the_loop(a: dict[str, np.ndarray], colours: str) -> Figure:
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


@rc_context(RC)
def rasters(a: dict[str, np.ndarray], colours: str) -> Figure:
    """(c) shape and position neurons of each object above, its pixels below, on one time axis."""
    n_objects = len(a["shapes"])
    n, delay = a["spikes"].shape[:2]
    first = n - LAST_CYCLES
    latents = a["latents"][first:].reshape(LAST_CYCLES * delay, -1)
    pixels = a["spikes"][first:].reshape(LAST_CYCLES * delay, -1)
    rows = []
    for k in range(n_objects):
        # neurons that several objects of the image share would show the phases of all of them
        for name, neurons in (("shape", a["shape_neurons"]), ("place", a["position_neurons"])):
            rows.append((k, f"{name} {k + 1}", latents[:, neurons[k]]))
    rows += [(k, f"pixels {k + 1}", pixels[:, (a["groups"] == k + 1).ravel()]) for k in range(n_objects)]
    table = palette_of_marks(n_objects, colours)
    figure = new_figure(9, 0.62 * len(rows) + 0.7)
    axes = figure.subplots(len(rows), 1, sharex=True)
    time = first * delay + np.arange(LAST_CYCLES * delay)
    for row, (ax, (k, name, trains)) in enumerate(zip(axes, rows)):
        when, which = np.nonzero(trains)
        ax.scatter(time[when], which, s=3, color=table[k + 1], linewidths=0)
        if trains.shape[1]:
            height = trains.sum(1) / max(trains.sum(1).max(), 1) * trains.shape[1]
            ax.fill_between(time, height, color=table[k + 1], alpha=0.25, linewidth=0)
        ax.set(yticks=[], ylim=(-1, max(trains.shape[1], 1)), xlim=(time[0] - 1, time[-1] + 1))
        ax.spines["left"].set_visible(False)
        count = f"{trains.shape[1]} neurons"
        ax.set_ylabel(f"{name}\n{count}", rotation=0, ha="right", va="center", size=8)
        if row == 2 * n_objects:
            ax.set_title("low level: pixels", loc="left", size=9)
    axes[0].set_title("high level: shape and position (place) neurons of each object", loc="left", size=9)
    axes[-1].set_xlabel("time (steps)")
    return figure


@rc_context(RC)
def decoded_clusters(decoded: np.ndarray) -> Figure:
    """(d) what the decoder makes of each cluster of high-level neurons that fire together, (clusters, H, W)."""
    figure = new_figure(1.9 * max(len(decoded), 2), 2.3)
    for k, (ax, picture) in enumerate(zip(figure.subplots(1, len(decoded), squeeze=False)[0], decoded)):
        ax.imshow(picture, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        image_axes(ax, f"cluster {k + 1}, decoded")
    return figure
