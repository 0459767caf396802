"""How figures look: the same whatever the user's settings, in colours that can be told apart."""

import ast
import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from IPython.core.pylabtools import print_figure
from matplotlib import colors, cycler, rc_context
from PIL import Image

import dasbe
from dasbe.plotting.distributions import curve_with_band, regression
from dasbe.plotting.pictures import LABELLESS, input_and_grouping, loop_diagram
from dasbe.plotting.raster import spike_raster
from dasbe.plotting.style import in_our_style, new_figure, palette
from dasbe.plotting.table import score_distributions
from dasbe.support.published import COLOUR_BLIND_SAFE, PALETTES, PUBLISHED
from dasbe.train.networks import learning_curve

USERS = {
    "text.usetex": True,
    "text.color": "red",
    "font.size": 20,
    "font.family": "monospace",
    "axes.prop_cycle": cycler(color=["red"]),
    "axes.grid": True,
    "axes.formatter.use_locale": True,
    "figure.autolayout": True,
    "figure.dpi": 40,
    "figure.facecolor": "black",
    "image.cmap": "hot",
    "image.origin": "lower",
    "lines.linewidth": 5,
    "savefig.bbox": "tight",
    "savefig.dpi": 40,
    "savefig.format": "svg",
    "savefig.transparent": True,
    "xtick.labelsize": 3,
    "xtick.direction": "in",
}


@in_our_style
def curve_and_cloud(values):
    """A figure of mean and deviation of `values` (repetitions, n), and of their regression on themselves."""
    figure = new_figure(5, 2.5)
    left, right = figure.subplots(1, 2)
    curve_with_band(left, values, "red", "random", errorbar=("sd", 1), marker="o")
    regression(right, values[0], values[1], "blue")
    return figure


def pictures():
    """Pixels of a few figures, as commands write them and as notebooks show them."""
    groups = np.kron([[1, 2], [0, 3]], np.ones((4, 4), int))
    spikes = np.random.default_rng(0).random((4, 6, 8, 8)) < 0.2
    values = np.random.default_rng(0).random((2, 30))
    figures = [
        curve_and_cloud(values),
        score_distributions({"a": "A", "b": "B"}, ["bars"], {("a", "bars"): values, ("b", "bars"): values / 2}),
        input_and_grouping((groups > 0).astype(int), groups, groups, 0.9),
        spike_raster(spikes, groups, [(0, 2), (2, 4)]),
        learning_curve([(1, 0.5, 0.6, 0.01), (2, 0.4, 0.55, 0.01), (3, 0.3, 0.5, 0.01)], "shapes"),
    ]
    for figure in figures:
        file = io.BytesIO()
        figure.savefig(file, format="png", dpi=60)
        yield np.asarray(Image.open(file))
        yield np.asarray(Image.open(io.BytesIO(print_figure(figure, dpi=60, pad_inches=0.1))))


def test_figures_look_the_same_whatever_the_users_settings():
    wanted = list(pictures())
    with rc_context(USERS):
        found = list(pictures())
    for ours, theirs in zip(found, wanted):
        np.testing.assert_array_equal(ours, theirs)


def test_curves_have_the_mean_and_its_error_and_leave_out_nan():
    values = np.array([[np.nan, 0.0, 1.0, 2.0], [np.nan, 2.0, np.nan, 4.0], [np.nan, 4.0, 5.0, 0.0]])
    axes = new_figure(3, 3).add_subplot()
    curve_with_band(axes, values, "red", "values", errorbar=("se", 2))
    np.testing.assert_allclose(axes.lines[0].get_xydata(), [[1, 2], [2, 3], [3, 2]])
    band = axes.collections[0].get_paths()[0].vertices
    for x, mean, half_width in ((1, 2, 4 / np.sqrt(3)), (2, 3, 4), (3, 2, 4 / np.sqrt(3))):
        ends = band[band[:, 0] == x, 1]
        np.testing.assert_allclose([ends.min(), ends.max()], [mean - half_width, mean + half_width])
    assert axes.get_legend() is None
    assert regression(axes, values[0], values[2], "blue") == pytest.approx(np.corrcoef([0, 1, 2], [4, 5, 0])[0, 1])


def test_seaborn_leaves_the_users_settings_alone(tmp_path):
    code = "from dasbe.plotting import distributions, style; import matplotlib, numpy\n"
    code += "figure = style.new_figure(3, 3)\n"
    code += "def settings(): return {key: matplotlib.rcParams[key] for key in style.DEFAULTS}\n"
    code += "before, draw = settings(), style.in_our_style(distributions.curve_with_band)\n"
    code += "draw(figure.add_subplot(), numpy.eye(4), 'red', 'mean'); figure.savefig('figure.png')\n"
    code += "assert before == settings() and before['font.size'] == 20\n"
    code += "import seaborn; seaborn.reset_orig(); assert before == settings()"
    (tmp_path / "matplotlibrc").write_text("font.size: 20\n")
    paths = {"PYTHONPATH": str(Path(dasbe.__file__).parents[1]), "MATPLOTLIBRC": str(tmp_path)}
    odd = {"HOME": "", "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": "", "MPLBACKEND": "none"}  # no home folder
    environment = os.environ | paths | odd
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert result.returncode == 0 and result.stderr == "" and (tmp_path / "figure.png").is_file(), result.stderr


def test_matplotlib_and_seaborn_are_imported_by_the_drawing_wing_alone():
    """They are imported there whatever MPLBACKEND says, and without a word about a home folder that is not there."""
    package = Path(dasbe.__file__).parent
    for path in package.rglob("*.py"):
        if "plotting" not in path.parts:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
                names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
                assert not [name for name in names if name.split(".")[0] in ("matplotlib", "seaborn")], path.name


# How readers see a colour: linear sRGB → linear sRGB (Machado, Oliveira, Fernandes 2009, severity 1).
VISION = {
    "normal": np.eye(3),
    "protanopia": np.array([[152, 1053, -205], [115, 786, 99], [-4, -48, 1052]]) / 1000,
    "deuteranopia": np.array([[367, 861, -228], [280, 673, 47], [-12, 43, 969]]) / 1000,
}
TO_XYZ = np.array([[0.4125, 0.3576, 0.1804], [0.2127, 0.7152, 0.0722], [0.0193, 0.1192, 0.9503]])


def lab(rgb, vision):
    """CIELAB (…, 3) of sRGB (…, 3) in [0, 1], as it is seen."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    xyz = np.clip(linear @ VISION[vision].T, 0, 1) @ TO_XYZ.T / TO_XYZ.sum(1)
    x, y, z = np.moveaxis(np.where(xyz > (6 / 29) ** 3, np.cbrt(xyz), xyz * (29 / 6) ** 2 / 3 + 4 / 29), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)


def ciede2000(one, other):
    """Difference of two colours in CIELAB (Sharma, Wu, Dalal 2005); 1 is about the least that is seen."""
    (l1, a1, b1), (l2, a2, b2) = np.moveaxis(one, -1, 0), np.moveaxis(other, -1, 0)
    chroma = (np.hypot(a1, b1) + np.hypot(a2, b2)) / 2
    a1, a2 = (a * (1.5 - 0.5 * np.sqrt(chroma**7 / (chroma**7 + 25**7))) for a in (a1, a2))
    (c1, c2), (h1, h2) = (np.hypot(a1, b1), np.hypot(a2, b2)), (np.arctan2(b1, a1), np.arctan2(b2, a2))
    turn = np.where(c1 * c2 > 0, (h2 - h1 + np.pi) % (2 * np.pi) - np.pi, 0)
    hue, lightness, chroma = h1 + turn / 2, (l1 + l2) / 2, (c1 + c2) / 2
    weight = 1 - 0.17 * np.cos(hue - np.pi / 6) + 0.24 * np.cos(2 * hue)
    weight += 0.32 * np.cos(3 * hue + np.pi / 30) - 0.2 * np.cos(4 * hue - np.radians(63))
    by_lightness = (l2 - l1) / (1 + 0.015 * (lightness - 50) ** 2 / np.sqrt(20 + (lightness - 50) ** 2))
    by_chroma = (c2 - c1) / (1 + 0.045 * chroma)
    by_hue = 2 * np.sqrt(c1 * c2) * np.sin(turn / 2) / (1 + 0.015 * chroma * weight)
    blue = 60 * np.exp(-(((np.degrees(hue) % 360 - 275) / 25) ** 2))
    rotation = -2 * np.sqrt(chroma**7 / (chroma**7 + 25**7)) * np.sin(np.radians(blue))
    return np.sqrt(by_lightness**2 + by_chroma**2 + by_hue**2 + rotation * by_chroma * by_hue)


def least_difference(rgb, vision):
    """Of any two of the colours (n, 3)."""
    seen = lab(rgb, vision)
    first, second = np.triu_indices(len(rgb), 1)
    return ciede2000(seen[first], seen[second]).min()


def test_the_difference_of_colours_is_that_of_the_published_examples():
    pairs = [
        ((50, 2.6772, -79.7751), (50, 0, -82.7485), 2.0425),
        ((50, 2.5, 0), (73, 25, -18), 27.1492),
        ((60.2574, -34.0099, 36.2677), (60.4626, -34.1751, 39.4387), 1.2644),
        ((6.7747, -0.2908, -2.4247), (5.8714, -0.0985, -2.2286), 0.6377),
    ]
    for one, other, difference in pairs:
        assert ciede2000(np.array(one, float), np.array(other, float)) == pytest.approx(difference, abs=1e-4)


def test_twelve_objects_can_be_told_apart():
    """Also by colour-blind readers in the palette for them: what was added is as far from all as the first eight are"""
    assert PUBLISHED[:3] == ("gold", "royalblue", "limegreen")  # the paper's
    assert COLOUR_BLIND_SAFE[:8] == tuple("#E69F00 #56B4E9 #009E73 #D55E00 #0072B2 #CC79A7 #F0E442 #999999".split())
    assert all(len(names) >= 12 for names in PALETTES.values())
    assert least_difference(palette(12), "normal") > 10  # white among them
    for vision in VISION:
        eight, twelve = (least_difference(palette(n, "colour-blind-safe"), vision) for n in (8, 12))
        assert twelve == eight > 6 or twelve > 9, vision


@pytest.mark.parametrize("name", PALETTES)
def test_more_objects_than_colours_differ_in_shade_and_are_numbered(name):
    n = len(PALETTES[name])
    np.testing.assert_array_equal(palette(3 * n, name)[1 : n + 1], [colors.to_rgb(colour) for colour in PALETTES[name]])
    assert least_difference(palette(3 * n, name)[1:], "normal") > 0.9
    for count in (n, n + 1):
        labels = np.arange(1, count + 1).repeat(4).reshape(-1, 4)
        figure = input_and_grouping(labels > 0, labels, colours=name)
        numbers = [text.get_text() for text in figure.axes[1].texts]
        assert numbers == ([] if count == n else [str(k) for k in range(1, count + 1)])
        assert len(figure.axes[0].texts) == 0  # the input


@pytest.mark.parametrize("with_truth", (False, True))
def test_ink_that_is_in_no_group_is_grey(with_truth):
    image = np.ones((4, 4), int)
    image[3] = 0
    labels = image.copy()
    truth = image if with_truth else None

    def grouping(labels):
        axes = input_and_grouping(image, labels, truth, 1.0 if with_truth else None).axes[-1]
        return axes.images[0].get_array(), axes.get_title()

    picture, title = grouping(labels)
    assert "ungrouped" not in title and not np.any(picture == LABELLESS)
    labels[0, 0] = 0
    picture, title = grouping(labels)
    assert "ungrouped grey" in title
    assert (picture[0, 0] == LABELLESS).all() and (picture[3] == 1).all() and not np.any(picture[1:] == LABELLESS)


def test_a_notebook_shows_a_figure_without_further_ado():
    figure = input_and_grouping(np.eye(8, dtype=int), np.eye(8, dtype=int))
    shown = DisplayFormatter().format(figure)[0]
    assert Image.open(io.BytesIO(shown["image/png"])).size[0] > 300


def test_the_diagram_of_the_loop_shows_the_spikes_it_is_given():
    """Each pixel that fires in the first or the last cycle, in the colour of its object; and where spikes go."""
    groups = np.kron([[1, 0], [0, 2]], np.ones((2, 2), int))
    spikes = np.zeros((3, 5, 4, 4), bool)
    spikes[0, [0, 4], [0, 1], [0, 1]] = spikes[-1, 2, :2, :2] = spikes[-1, 3, 2:, 2:] = True
    spikes[1] = True  # in between, of which nothing is shown
    figure = loop_diagram((groups > 0).astype(np.uint8), groups, spikes)
    (diagram,) = figure.axes
    panels = {axes.get_title(): axes for axes in diagram.child_axes}
    assert list(panels) == ["image", "first cycle", "last cycle", "objects"]
    shown = {
        name: [len(panels[f"{name} cycle"].collections[part].get_segments()) for part in (0, 2)]
        for name in ("first", "last")
    }
    assert shown == {"first": [2, 0], "last": [1, 1]}  # lines: pixels beside each other that fire in one step are one
    words = {text.get_text() for text in diagram.texts}
    assert {"autoencoder", "pixels that spike", "spikes", "feedback,\none cycle\nlater"} <= words
