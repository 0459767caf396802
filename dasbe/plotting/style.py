"""How all figures look: colours of the objects, type sizes, and figures that need no display."""

import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure

# the published colours of objects 1 to 3; further ones for pictures with more objects
PUBLISHED: tuple[str, ...] = ("gold", "royalblue", "limegreen", "orangered", "mediumpurple", "deepskyblue", "hotpink")
PUBLISHED += ("sienna", "teal", "olive", "salmon", "slategray")
# Okabe and Ito 2008: eight colours that readers with colour-vision deficiency tell apart
COLOUR_BLIND_SAFE = ("#E69F00", "#56B4E9", "#009E73", "#D55E00", "#0072B2", "#CC79A7", "#F0E442", "#999999")
PALETTES = {"published": PUBLISHED, "colour-blind-safe": COLOUR_BLIND_SAFE}

INK = "#222222"
SILHOUETTE = "#3a3a3a"  # ink that does not fire, on black
RC = {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
}


def palette(n_objects: int, name: str = "published") -> np.ndarray:
    """(n_objects + 1, 3) RGB in [0, 1]: white for label 0, then a colour for each object."""
    chosen = PALETTES[name]
    return np.array([(1, 1, 1)] + [colors.to_rgb(chosen[k % len(chosen)]) for k in range(n_objects)])


def new_figure(width: float, height: float) -> Figure:
    """A figure of `width` × `height` inches that no window shows."""
    return Figure(figsize=(width, height), layout="constrained")


def image_axes(axes: Axes, title: str = "") -> None:
    """Make `axes` a plain frame for an image."""
    axes.set(xticks=[], yticks=[], title=title)
    for spine in axes.spines.values():
        spine.set(visible=True, color="#888888", linewidth=0.8)
