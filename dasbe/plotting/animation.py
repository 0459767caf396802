"""The dance: animations in which the objects of an image come to fire, each at its own time."""

from pathlib import Path

import numpy as np
from matplotlib import colors
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.container import BarContainer
from PIL import Image

from dasbe.plotting.pictures import coloured
from dasbe.plotting.style import SCREEN_DPI, SILHOUETTE, Figure, image_axes, in_our_style, palette, palette_of_marks
from dasbe.support.storage import atomic_path

FRAME_MILLISECONDS = 60
SEQUENCE_MILLISECONDS = 250  # a frame of a moving input
RESULT_MILLISECONDS = 2500  # the result as the last frame
DIM = 0.45  # brightness of a picture in which nothing fires
GLOW = (1.0, 0.45, 0.2)  # brightness of a spike in its own step and in the two steps after it


def cycles_to_show(n_cycles: int) -> list[int]:
    """A few cycles, most of them at the start, where most happens, and the last."""
    return [*(cycle for cycle in (0, 1, 2, 4, 9) if cycle < n_cycles - 1), n_cycles - 1]


def _spike_frames(
    spikes: np.ndarray, image: np.ndarray, groups: np.ndarray, colours: np.ndarray, picture: np.ndarray | None
) -> np.ndarray:
    """Pictures (d, H, W, 3) of the steps of one cycle: fading spikes in their object's colour.

    Below them is the `picture` (H, W, 3), dimmed, or a silhouette of the `image`.
    """
    ink = np.where(groups[..., None] > 0, colours[groups], 0.8)
    rest = np.where(image[..., None] > 0, colors.to_rgb(SILHOUETTE), 0) if picture is None else DIM * picture
    frames = np.repeat(rest[None].astype(float), len(spikes), 0)
    for age in reversed(range(len(GLOW))):
        for t in range(age, len(spikes)):
            fired = spikes[t - age]
            frames[t, fired] = GLOW[age] * ink[fired] + (1 - GLOW[age]) * rest[fired]
    return frames


@in_our_style
def animate_binding(
    path: Path | str,
    spikes: np.ndarray,
    image: np.ndarray,
    groups: np.ndarray,
    cycles: list[int] | None = None,
    before: int = 0,
    picture: np.ndarray | None = None,
) -> None:
    """Write a GIF of the spikes, step by step, over a few cycles; it ends with all spikes of the last.

    The pixels that fire are on the left; on the right is, for each object, the part of its
    pixels that fires in each step of the cycle: scattered at first, one tall peak at a time
    later. `spikes` (n, d, H, W) are those of n cycles after `before` others, of which `cycles`
    are shown; `image` and `groups`, with objects numbered from 1, are (H, W), or (n, H, W) if
    they move. A `picture` (H, W, 3), from 0 to 1, is shown in place of a silhouette.
    """
    n_groups, delay = int(groups.max()), spikes.shape[1]
    images, groups = (np.broadcast_to(given, (len(spikes), *spikes.shape[2:])) for given in (image, groups))
    colours = palette(n_groups)
    figure = Figure(figsize=(6.2, 3.1), dpi=100, facecolor="black")
    canvas = FigureCanvasAgg(figure)
    picture_axes = figure.add_axes((0.02, 0.06, 0.42, 0.84))
    drawn = picture_axes.imshow(np.zeros((*groups.shape[1:], 3)), interpolation="nearest")
    picture_axes.set_axis_off()
    title = picture_axes.set_title("", color="white", fontsize=11, loc="left")
    rows = [_row_of_bars(figure, k, n_groups, delay, colours[k + 1]) for k in range(n_groups)]
    figure.text(0.745, 0.03, "step of the cycle", color="white", ha="center", fontsize=9)
    figure.text(0.745, 0.92, "part of each object that fires", color="white", ha="center", fontsize=9)

    frames = []
    for cycle in cycles_to_show(len(spikes)) if cycles is None else cycles:
        title.set_text(f"cycle {before + cycle}")
        trains = [spikes[cycle][:, groups[cycle] == k + 1] for k in range(n_groups)]
        fractions = [train.sum(1) / max(train.shape[1], 1) for train in trains]
        for bars in rows:
            for bar in bars:
                bar.set_height(0)
        canvas.draw()
        for t, shown in enumerate(_spike_frames(spikes[cycle], images[cycle], groups[cycle], colours, picture)):
            drawn.set_data(shown)
            picture_axes.draw_artist(drawn)
            for bars, fraction in zip(rows, fractions):
                bars[t].set_height(fraction[t])
                bars[t].axes.draw_artist(bars[t])
            frames.append(_frame(canvas))
    title.set_text(f"all spikes of cycle {before + cycle}")
    canvas.draw()
    all_spikes = spikes[cycle].any(0)[None]  # in place of those of a step
    drawn.set_data(_spike_frames(all_spikes, images[cycle], groups[cycle], colours, picture)[0])
    picture_axes.draw_artist(drawn)
    milliseconds = [FRAME_MILLISECONDS] * len(frames) + [RESULT_MILLISECONDS]
    _write_gif(path, [*frames, _frame(canvas)], milliseconds)


def _row_of_bars(figure: Figure, k: int, n_groups: int, delay: int, colour: np.ndarray) -> BarContainer:
    """Bars for the part of object k that fires in each step; the rows of all objects are above each other."""
    height = 0.72 / n_groups
    ax = figure.add_axes((0.52, 0.17 + (n_groups - 1 - k) * height, 0.45, 0.84 * height), facecolor="black")
    ax.set(xlim=(-0.5, delay - 0.5), ylim=(0, 1.05), xticks=range(0, delay, 8), yticks=(0, 1))
    ax.tick_params(colors="#aaaaaa", labelsize=7, length=2, labelbottom=k == n_groups - 1, labelleft=n_groups <= 8)
    ax.spines[["left", "bottom"]].set_color("#666666")
    return ax.bar(np.arange(delay), np.zeros(delay), width=0.9, color=colour)


def _frame(canvas: FigureCanvasAgg) -> Image.Image:
    return Image.fromarray(np.asarray(canvas.buffer_rgba())[..., :3].copy())


def _write_gif(path: Path | str, frames: list[Image.Image], milliseconds: list[int]) -> None:
    """Write `frames` with one palette, made from a sample of them: the file is small, and colours are steady."""
    sample = Image.fromarray(np.concatenate([np.asarray(frame) for frame in frames[:: max(len(frames) // 16, 1)]]))
    table = sample.quantize(64, dither=Image.Dither.NONE)
    quantised = [frame.quantize(palette=table, dither=Image.Dither.NONE) for frame in frames]
    with atomic_path(path) as temporary:
        quantised[0].save(
            temporary, save_all=True, append_images=quantised[1:], duration=milliseconds, loop=0, optimize=True
        )


@in_our_style
def animate_sequence(path: Path | str, frames: np.ndarray, labels: np.ndarray, colours: str = "published") -> None:
    """Write a GIF of `frames` (n, H, W), one a cycle, beside their grouping `labels`; ink that did not fire is grey."""
    table = palette_of_marks(int(labels.max()), colours)
    figure = Figure(figsize=(4.6, 2.5), dpi=SCREEN_DPI, facecolor="white", layout="constrained")
    canvas = FigureCanvasAgg(figure)
    panels = figure.subplots(1, 2)
    pictures = []
    panels[1].set_title("grouping (grey: silent)", loc="left")
    for ax in panels:
        image_axes(ax)
        pictures.append(ax.imshow(np.ones((*frames.shape[1:], 3)), interpolation="nearest"))
    shown = []
    for cycle, (frame, found) in enumerate(zip(frames, labels)):
        pictures[0].set_data(np.repeat(1 - 0.85 * frame[..., None], 3, axis=2))
        pictures[1].set_data(coloured(found, frame, table))
        panels[0].set_title(f"input, cycle {cycle}", loc="left")
        canvas.draw()
        shown.append(_frame(canvas))
    _write_gif(path, shown, [SEQUENCE_MILLISECONDS] * (len(shown) - 1) + [RESULT_MILLISECONDS])
