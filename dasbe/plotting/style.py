"""How all figures look, whatever the user's matplotlibrc says: colours of the objects, font sizes, frames."""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import matplotlib.figure
import numpy as np
from matplotlib import colors, font_manager, rc_context, rcParams, rcParamsDefault
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.patches import Circle, Ellipse, FancyBboxPatch  # noqa: F401
from matplotlib.ticker import FixedLocator, NullLocator  # noqa: F401

from dasbe.support.errors import InputError
from dasbe.support.published import PALETTES
from dasbe.support.storage import atomic_path

INK = "#222222"
NOTEBOOK_DPI, SCREEN_DPI = 100, 150
SILHOUETTE = "#3a3a3a"  # ink that does not fire, on black
BRIGHTEST = 0.5  # luminance of marks on white; gold has 0.70, and fades as dots and lines
DEFAULTS = {key: value for key, value in rcParamsDefault.items() if not key.startswith("backend")}
# Inter (SIL Open Font License) comes with the package, in its Latin part; Greek letters and arrows are Matplotlib's
for _path in sorted(Path(__file__).with_name("fonts").glob("*.ttf")):
    font_manager.fontManager.addfont(_path)
FAMILY = ["Inter", "DejaVu Sans"]
RC = DEFAULTS | {
    "font.family": FAMILY,
    "mathtext.fontset": "custom",
    **{f"mathtext.{kind}": "Inter" for kind in ("rm", "it", "bf", "sf", "tt", "cal", "bfit")},
    "pdf.fonttype": 42,  # letters stay letters, which journals ask for
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.labelsize": 9,
    "axes.edgecolor": "#888888",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK,
    "axes.labelcolor": INK,
}
PRINT_WIDTH, PRINT_DPI = 7.0, 300  # of a composed figure: inches across two columns of a journal
PRINT = {
    "font.size": 7,
    "axes.titlesize": 7,
    "axes.labelsize": 7,
    "xtick.labelsize": 6,
    "ytick.labelsize": 6,
    "legend.fontsize": 6.5,
    "axes.titlepad": 3,
    "axes.labelpad": 2,
    "axes.linewidth": 0.6,
    "lines.linewidth": 1.1,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
}
USERS = {key: rcParams[key] for key in DEFAULTS}


@contextmanager
def _our_style() -> Iterator[None]:
    """The style of figures, unless one is being drawn: panels of a composed figure have its sizes."""
    if rcParams["font.family"] == FAMILY:
        yield
    else:
        with rc_context(RC):
            yield


in_our_style = _our_style()  # decorator of every function that draws
in_print = rc_context(RC | PRINT)  # decorator of those that draw a composed figure


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
    """Colour of the curves of a system, whether it counts or not, from one start or the best or all of several."""
    return _OF_SYSTEMS.get(re.sub("_(counting|restarts|pooled)$", "", system), OTHERS)


class Figure(matplotlib.figure.Figure):
    """A figure that is drawn and saved in the style in which it was made, since ticks are made only then."""

    def __init__(self, *arguments: Any, **options: Any):
        self.style = {key: rcParams[key] for key in DEFAULTS}
        super().__init__(*arguments, **options)

    def draw(self, renderer: Any) -> None:
        """Draw the figure on `renderer`, as canvases and notebooks do."""
        with rc_context(self.style):
            super().draw(renderer)

    def get_tightbbox(self, *arguments: Any, **options: Any) -> Any:
        """Box around the whole drawing, to which notebooks crop."""
        with rc_context(self.style):
            return super().get_tightbbox(*arguments, **options)

    def savefig(self, fname: Any, **options: Any) -> None:
        """Write the figure to a file; InputError if that cannot be."""
        try:
            with rc_context(self.style):
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
    """Write `figure` to `paths`, each in the format of its suffix, as sharp as print or a screen needs it."""
    dpi = PRINT_DPI if figure.get_figwidth() == PRINT_WIDTH else SCREEN_DPI
    for path in paths:
        with atomic_path(path) as temporary, rc_context(figure.style):
            matplotlib.figure.Figure.savefig(figure, temporary, dpi=dpi)  # of whose failure atomic_path speaks


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


def letter(figure: Figure | SubFigure, name: str, x: float = 0.0, y: float = 1.0, **style: Any) -> None:
    """Write the letter of a panel, ``(name)``, at its top left, or at (x, y) of `figure`."""
    where = figure.transSubfigure
    figure.text(x, y, f"({name})", transform=where, weight="bold", size="large", va="top", **style)


def image_axes(axes: Axes, title: str = "") -> None:
    """Make `axes` a plain frame for an image."""
    axes.set(xticks=[], yticks=[], title=title)
    axes.spines[:].set(visible=True, color="#888888", linewidth=0.8)
