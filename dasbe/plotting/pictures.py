"""Pictures of images and of how their pixels were grouped."""

from typing import Any

import numpy as np
from matplotlib import colors

from dasbe.plotting.raster import Row, draw_rows
from dasbe.plotting.style import (
    INK,
    PALETTES,
    PRINT_WIDTH,
    Axes,
    Circle,
    FancyBboxPatch,
    Figure,
    SubFigure,
    image_axes,
    in_our_style,
    in_print,
    new_figure,
    palette,
    palette_of_marks,
)

SEEN = "royalblue"  # pixels that a network is shown
HIGH, LOW = "#6AA84F", "#5B9BD5"  # frames of the two levels, as published
LABELLESS = 0.75  # grey of ink without a label: overlaps in a ground truth, ungrouped pixels in a grouping


def coloured(labels: np.ndarray, image: np.ndarray | None = None, colours: np.ndarray | None = None) -> np.ndarray:
    """Picture (H, W, 3) of `labels` (H, W) in `colours` (labels, 3), by default those of the published palette.

    With `image` (H, W), ink without a label is grey.
    """
    colours = palette(int(labels.max())) if colours is None else colours
    picture = colours[labels]
    if image is not None:
        picture[(image > 0) & (labels == 0)] = LABELLESS
    return picture


@in_our_style
def input_and_grouping(
    image: np.ndarray,
    labels: np.ndarray,
    groups: np.ndarray | None = None,
    score: float | None = None,
    colours: str = "published",
    within: SubFigure | None = None,
    picture: np.ndarray | None = None,
    by: str = "spike timing",
) -> Figure:
    """The input `image`, the ground truth `groups` if given, and the grouping `labels` `by` something, (H, W) each.

    `picture` (H, W, 3), from 0 to 1, is shown as the input in place of its ink, `image`.
    Pixels with ink that fell into the cluster of silent pixels (label 0), because they never
    fired or fired in phase with too few others, are grey. Where there are more groups than
    `colours`, the name of a palette, has, each group is numbered. `score` is an AMI in [0, 1].
    Drawn in a new figure, or `within` a part of one.
    """
    table = palette_of_marks(int(max(labels.max(), 0 if groups is None else groups.max())), colours)
    background = np.zeros_like(labels)
    ink = coloured(background) * (1 - 0.85 * image[..., None])
    panels = [("input", ink if picture is None else picture, background)]
    if groups is not None:
        overlaps = "\n(overlap grey)" if np.any((image > 0) & (groups == 0)) else ""
        panels.append((f"ground truth{overlaps}", coloured(groups, image, table), groups))
    title = f"grouping by {by}" + ("" if score is None else f"\nAMI {100 * score:.1f} %")
    if np.any((image > 0) & (labels == 0)):
        title += "\n(ungrouped grey)" if score is None else " (ungrouped grey)"
    panels.append((title, coloured(labels, image, table), labels))
    figure: Any = new_figure(2.6 * len(panels), 3) if within is None else within
    if within is None:
        figure.set_layout_engine("constrained", wspace=0, w_pad=0.03)
    for axes, (name, shown, numbers) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels):
        axes.imshow(shown, interpolation="nearest")
        axes.set_anchor("S")
        image_axes(axes, name)
        if len(table) - 1 > len(PALETTES[colours]):
            _write_numbers(axes, numbers, table)
    return figure


def _write_numbers(axes: Axes, labels: np.ndarray, table: np.ndarray) -> None:
    """Write the number of each group on the pixel nearest to its centre of mass."""
    for k in np.unique(labels[labels > 0]).tolist():
        pixels = np.argwhere(labels == k)
        y, x = pixels[((pixels - pixels.mean(0)) ** 2).sum(1).argmin()]
        bright = table[k] @ (0.299, 0.587, 0.114) > 0.5
        axes.text(x, y, str(k), size=6, ha="center", va="center", color=INK if bright else "white")


@in_our_style
def decoded_groups(labels: np.ndarray, decoded: np.ndarray) -> Figure:
    """Each group of `labels` (H, W), numbered from 1, above its reconstruction, `decoded` (groups, H, W) in [0, 1]."""
    colours = palette(len(decoded))
    columns = min(len(decoded), 6)
    rows = -(-len(decoded) // columns)
    figure = new_figure(max(1.5 * columns, 3.5), 3.2 * rows)
    axes = figure.subplots(2 * rows, columns, squeeze=False)
    for ax in axes.flat:
        ax.set_axis_off()
    for k, reconstruction in enumerate(decoded):
        row, column = 2 * (k // columns), k % columns
        above, below = axes[row, column], axes[row + 1, column]
        for ax in (above, below):
            ax.set_axis_on()
        above.imshow(coloured(np.where(labels == k + 1, k + 1, 0), None, colours), interpolation="nearest")
        below.imshow(reconstruction, cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        image_axes(above, f"group {k + 1}")
        image_axes(below)
        if column == 0:
            above.set_ylabel("pixels")
            below.set_ylabel("decoded")
    return figure


@in_our_style
def learning_over_rounds(
    scenes: np.ndarray, labels: np.ndarray, shown: np.ndarray, restored: np.ndarray, titles: list[str]
) -> Figure:
    """What a network finds in `scenes`, and makes of a few pixels, after rounds of learning from scenes.

    For each of the S scenes (S, H, W), two rows: its groupings `labels` (R, S, H, W) after R
    rounds, which `titles` name; and the pixels `shown` (S, H, W) of one object, in blue on what
    is `restored` (R, S, H, W) of them, in [0, 1].
    """
    n_rounds, n_scenes = labels.shape[:2]
    figure = new_figure(1.25 * (n_rounds + 1), 2.6 * n_scenes)
    figure.set_layout_engine("constrained", wspace=0, hspace=0, w_pad=0.02, h_pad=0.02)
    axes = figure.subplots(2 * n_scenes, n_rounds + 1, squeeze=False)
    table, mark = palette(int(labels.max())), np.array(colors.to_rgb(SEEN))
    for row, (scene, pixels) in enumerate(zip(scenes, shown)):
        dots = np.where(pixels[..., None] > 0, mark, 1)
        pictures = [(1 - 0.85 * scene[..., None], dots)]
        for found, answer in zip(labels[:, row], restored[:, row]):
            pictures.append(
                (coloured(found, scene, table), np.where(pixels[..., None] > 0, mark, 1 - answer[..., None]))
            )
        for column, both in enumerate(pictures):
            for above, picture in enumerate(both):
                ax = axes[2 * row + above, column]
                ax.imshow(np.broadcast_to(picture, (*scene.shape, 3)), interpolation="nearest", vmin=0, vmax=1)
                image_axes(ax, ["scene", *titles][column] if row == above == 0 else "")
        axes[2 * row, 0].set_ylabel("groups found", size=8)
        axes[2 * row + 1, 0].set_ylabel("shown, restored", size=8)
    return figure


def level_of_neurons(axes: Axes, x: float, y: float, width: float, name: str, colour: str, n: int) -> None:
    """A frame of `width` and height 1.7 from (x, y) on, with `n` neurons in it and `name` across them."""
    frame: dict[str, Any] = {"clip_on": False, "linewidth": 1.1, "fill": False, "edgecolor": colour}
    axes.add_patch(FancyBboxPatch((x, y), width, 1.7, boxstyle="round,pad=0,rounding_size=0.4", **frame))
    for centre in x + width * (np.arange(n) + 0.5) / n:
        axes.add_patch(Circle((centre, y + 0.85), 0.7, color="#cccccc"))
    axes.text(x + width / 2, y + 0.85, name, ha="center", va="center", weight="bold")


@in_print
def loop_diagram(image: np.ndarray, groups: np.ndarray, spikes: np.ndarray) -> Figure:
    """The loop as a diagram: image (H, W), pixels that spike and the autoencoder, spikes (n, d, H, W), groups (H, W).

    Of the spikes, those of the first and of the last cycle are shown, in the colours of `groups`.
    """
    figure = new_figure(PRINT_WIDTH, 1.75)
    axes = figure.add_subplot(xlim=(0, 36), ylim=(-0.3, 8.4), aspect="equal")
    axes.set_axis_off()
    table, delay = palette_of_marks(int(groups.max())), spikes.shape[1]
    rows = [(spikes[cycle][:, groups == k], table[k]) for cycle in (0, -1) for k in range(1, len(table))]
    half = len(rows) // 2
    for x, width, title in ((0, 5, "image"), (17.6, 5, "first cycle"), (23, 5, "last cycle"), (31, 5, "objects")):
        ax = axes.inset_axes((x, 1.2, width, 5), transform=axes.transData)
        if title == "image":
            ax.imshow(1 - 0.85 * image[..., None].repeat(3, 2), interpolation="nearest")
        elif title == "objects":
            ax.imshow(coloured(groups, image, table), interpolation="nearest")
        else:
            shown = rows[:half] if title == "first cycle" else rows[half:]
            draw_rows(ax, np.arange(delay), [Row("", colour, trains) for trains, colour in shown], delay, 0.9)
            axes.text(x + width / 2, 0.9, "time →", ha="center", va="top")
        image_axes(ax, title)
    level_of_neurons(axes, 7, 1.2, 8.6, "pixels that spike", LOW, 5)
    level_of_neurons(axes, 8.1, 6.4, 6.4, "autoencoder", HIGH, 4)
    arrow: dict[str, Any] = {"arrowstyle": "-|>", "color": INK, "linewidth": 1.2, "shrinkA": 0, "shrinkB": 0}
    for start, end in (((5.3, 2.05), (6.8, 2.05)), ((15.8, 2.05), (17.3, 2.05)), ((28.3, 3.7), (30.7, 3.7))):
        axes.annotate("", end, start, arrowprops=arrow)
    axes.annotate("", (9.2, 6.2), (9.2, 3.1), arrowprops=arrow)
    axes.annotate("", (13.4, 3.1), (13.4, 6.2), arrowprops=arrow)
    axes.text(8.9, 4.65, "spikes", ha="right", va="center")
    axes.text(13.7, 4.65, "feedback,\none cycle\nlater", ha="left", va="center")
    axes.text(29.5, 4.0, "read\nout", ha="center", va="bottom")
    return figure
