"""How all figures look, whatever the user's matplotlibrc says: colours of the objects, font sizes, frames."""

import io
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib import colors, rc_context, rcParams, rcParamsDefault
from matplotlib.axes import Axes

from dasbe.support.errors import InputError
from dasbe.support.published import PALETTES
from dasbe.support.storage import atomic_path

INK = "#222222"
NOTEBOOK_DPI = 100
SILHOUETTE = "#3a3a3a"  # ink that does not fire, on black
BRIGHTEST = 0.4  # luminance of marks on white; gold has 0.70, and fades as dots and lines
DEFAULTS = {key: value for key, value in rcParamsDefault.items() if not key.startswith("backend")}
RC = DEFAULTS | {
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
}
USERS = {key: rcParams[key] for key in DEFAULTS}
in_our_style = rc_context(RC)  # decorator of every function that draws


@cache
def seaborn() -> Any:
    """The package Seaborn, imported only when it is needed, since that takes a second.

    Seaborn remembers the settings it finds, for `seaborn.reset_orig`; they have to be the user's, not ours.
    """
    with rc_context(USERS):
        import seaborn
    return seaborn


SYSTEM_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#D55E00", "#56B4E9", "#000000")
OTHERS = "#888888"  # systems that have no colour of their own
_OF_SYSTEMS = dict(zip(("dasbe", "pure_ann", "pure_snn", "rc", "rc_own"), SYSTEM_COLOURS)) | {"competing_phases": INK}


def colour_of(system: str) -> str:
    """Colour of the curves of a system, whether it counts or not."""
    return _OF_SYSTEMS.get(system.removesuffix("_counting"), OTHERS)


class Figure(matplotlib.figure.Figure):
    """A figure that is also drawn and saved with Matplotlib's own settings, since ticks are made only then."""

    @rc_context(DEFAULTS)
    def draw(self, renderer: Any) -> None:
        """Draw the figure on `renderer`, as canvases and notebooks do."""
        super().draw(renderer)

    @rc_context(DEFAULTS)
    def get_tightbbox(self, *arguments: Any, **options: Any) -> Any:
        """Box around the whole drawing, to which notebooks crop."""
        return super().get_tightbbox(*arguments, **options)

    @rc_context(DEFAULTS)
    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a file; InputError if that cannot be."""
        try:
            super().savefig(fname, **options)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise InputError(f"{fname} cannot be written ({reason}); make room there, or name another") from error

    def _repr_png_(self) -> bytes:
        """The picture that a notebook shows as the last line of a cell; ``%matplotlib inline`` has its own."""
        picture = io.BytesIO()
        self.savefig(picture, format="png", dpi=NOTEBOOK_DPI)
        return picture.getvalue()


def save_figure(figure: Figure, *paths: Path) -> None:
    """Write `figure` to `paths`, each in the format of its suffix."""
    for path in paths:
        with atomic_path(path) as temporary, rc_context(DEFAULTS):
            matplotlib.figure.Figure.savefig(figure, temporary, dpi=150)  # of whose failure atomic_path speaks


def palette(n_objects: int, name: str = "published") -> np.ndarray:
    """White for label 0, then a colour for each object, (n_objects + 1, 3) RGB in [0, 1].

    Objects beyond the length of the palette have its colours again, in other shades.
    """
    chosen = np.array([colors.to_rgb(colour) for colour in PALETTES[name]])
    turn, k = np.divmod(np.arange(n_objects), len(chosen))
    strength = 0.6 ** ((turn + 1) // 2)[:, None]  # of the colour, beside white and black in turn
    shade = (turn % 2)[:, None]
    return np.concatenate([np.ones((1, 3)), strength * chosen[k] + (1 - strength) * shade])


def palette_of_marks(n_objects: int, name: str = "published") -> np.ndarray:
    """:func:`palette` for dots, lines and bars on white: bright colours are darkened, with the same hue."""
    table = palette(n_objects, name)
    linear = np.where(table <= 0.04045, table / 12.92, ((table + 0.055) / 1.055) ** 2.4)
    luminance = linear @ (0.2126, 0.7152, 0.0722)
    darker = linear * np.minimum(1, BRIGHTEST / np.maximum(luminance, BRIGHTEST))[:, None]
    table[1:] = np.where(darker <= 0.0031308, 12.92 * darker, 1.055 * darker ** (1 / 2.4) - 0.055)[1:]
    return table


def new_figure(width: float, height: float) -> Figure:
    """An empty figure of `width` × `height` inches, without a window."""
    return Figure(figsize=(width, height), layout="constrained")


def image_axes(axes: Axes, title: str = "") -> None:
    """Make `axes` a plain frame for an image."""
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set(visible=True, color="#888888", linewidth=0.8)
