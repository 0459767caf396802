"""Numbers in prose are those of their sources: the stored scores, descriptions of networks, constants, and files."""

import ast
import csv
import inspect
import json
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from dasbe import Recipe, SceneRecipe, definition
from dasbe.binding import linkage, loop
from dasbe.datasets import settings_of
from dasbe.experiments.compute import GROWTHS
from dasbe.support import published
from dasbe.systems import SYSTEMS, TABLE_SYSTEMS

pytestmark = pytest.mark.quick

ROOT = Path(__file__).resolve().parent.parent
DATASETS = ("bars", "shapes", "corners", "multi_mnist", "mnist_shape")  # columns of Table 1
WORDS = dict(zip("one two three four five six seven eight nine ten twelve".split(), (*range(1, 11), 12)))
NUMBER = r"−?\d+(?:\.\d+)?|" + "|".join(WORDS)


def text_of(page):
    """A page as one line, without the asterisks of bold print."""
    return " ".join((ROOT / page).read_text(encoding="utf-8").replace("**", "").split())


def rows_of(path, corner):
    """Row → cells of the table with this corner on a page."""
    lines = iter((ROOT / path).read_text(encoding="utf-8").splitlines())
    next(line for line in lines if line.startswith(f"| {corner} |"))
    next(lines)
    rows: dict[str, list[str]] = {}
    for line in lines:
        if not line.startswith("|"):
            break
        name, *cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        rows[name] = cells
    return rows


with (ROOT / "notebooks" / "table1" / "table1.csv").open(encoding="utf-8") as file:
    STORED = {(row["system"], row["dataset"]): row for row in csv.DictReader(file)}
COMPUTE = rows_of("notebooks/table1/compute.md", "system")
ABLATION = rows_of("notebooks/table1/ablation.md", "variant")


def ami(system, dataset):
    return float(STORED[system, dataset]["ami"])


def above(system, other):
    """How far a system is above another, by dataset; `other` may be "published"."""
    if other == "published":
        return [ami(system, d) - float(STORED[system, d]["published_ami"]) for d in DATASETS]
    return [ami(system, d) - ami(other, d) for d in DATASETS]


def computed(row, dataset):
    """AMI of a row of compute.md."""
    return float(COMPUTE[row][DATASETS.index(dataset)].split()[0])


def costs(*variants, datasets=DATASETS):
    """The least and the most that is lost by `variants` on `datasets`, in points of ablation.md."""
    cells = [ABLATION[variant][DATASETS.index(dataset)] for variant in variants for dataset in datasets]
    lost = [-float(re.search(r"\(([+−][\d.]+)", cell)[1].replace("−", "-")) for cell in cells]
    return [min(lost), max(lost)]


def described(network, *keys):
    value = json.loads((ROOT / "tmp_net" / f"{network}.json").read_text(encoding="utf-8"))
    for key in keys:
        value = value[key]
    return value


def largest_error(dataset, n_images):
    """Largest standard error of the mean AMI of `n_images`, by the spread of one seed of the systems of compute.md."""
    systems = {growth.system for growth in GROWTHS.values()} - {"pure_ann"} | {"rc", "rc_own"}  # from one start
    with np.load(ROOT / "notebooks" / "table1" / "scores.npz") as scores:
        stored = [scores[f"{system}/{dataset}"][0] for system in systems if f"{system}/{dataset}" in scores]
    return 100 * max(np.nanstd(values) for values in stored) / n_images**0.5


def megabytes(*paths):
    return sum(path.stat().st_size for path in paths) / 1e6


def lines_of(function):
    """Lines of a function without its signature and docstring."""
    (tree,) = ast.parse(inspect.getsource(function)).body
    _, first, *_ = tree.body
    return tree.end_lineno - first.lineno + 1


RC_BEHIND = [-x for x in above("rc_own", "dasbe")]
GAIN = above("dasbe", "published")
BARS, SHAPES, CORNERS, MULTI, MNIST = range(5)
NETWORKS = sorted((ROOT / "tmp_net").glob("*.pt"))
DEFAULT = SceneRecipe()
# (page, words around the numbers, each of which is an N, what they are); rounded as they are written
FACTS = [
    ("README.md", "DASBE is above the published values by N to N points", [min(GAIN), max(GAIN)]),
    ("README.md", "k-means on pixel coordinates (N)", [ami("coordinates", "multi_mnist")]),
    ("README.md", "standard deviation over N seeds, first N images", [len(published.SEEDS_TABLE), 6000]),
    ("README.md", "starting from N phases more than a dataset has objects", [published.SURPLUS_PHASES]),
    (
        "docs/reproduction.md",
        "Table 1 uses N cycles, the figures N",
        [published.CYCLES_TABLE, published.CYCLES_FIGURES],
    ),
    (
        "docs/reproduction.md",
        "over N seeds, on the first N images",
        [len(published.SEEDS_TABLE), published.IMAGES_TABLE],
    ),
    ("docs/reproduction.md", "all N systems", [len(TABLE_SYSTEMS)]),
    ("docs/reproduction.md", "ahead on multi_mnist by N points", [above("rc_own", "dasbe")[MULTI]]),
    (
        "docs/reproduction.md",
        "behind on bars (N), corners (N) and mnist_shape (N)",
        [RC_BEHIND[BARS], RC_BEHIND[CORNERS], RC_BEHIND[MNIST]],
    ),
    ("docs/reproduction.md", "it has N on shapes", [ami("rc_restarts", "shapes")]),
    (
        "docs/reproduction.md",
        "counting competing phases are above DASBE, by N to N points, above the control, by N to N",
        [end(above("competing_phases_counting", other)) for other in ("dasbe", "sampled") for end in (min, max)],
    ),
    ("docs/reproduction.md", "not N. Our loop equals", [float(STORED["pure_ann", "bars"]["published_ami"])]),
    ("docs/reproduction.md", "AMI with three objects is N %", [100 * described("moving", "held_out_ami", "mean")]),
    ("docs/limits.md", "AMI is N % for three moving objects", [100 * described("moving", "held_out_ami", "mean")]),
    (
        "docs/limits.md",
        "The largest number tried is N (bars, d = N)",
        [settings_of("bars").objects, settings_of("bars").delay],
    ),
    ("docs/limits.md", "the mean over N images", [published.IMAGES_TABLE]),
    ("docs/competing_phases.md", "K₀: N more than a dataset has objects", [published.SURPLUS_PHASES]),
    (
        "docs/competing_phases.md",
        "give N to N points each on the digits",
        costs("· soft values for spikes", "· β 1", datasets=("multi_mnist", "mnist_shape")),
    ),
    (
        "docs/competing_phases.md",
        "Surplus phases give N to N points, but nothing certain on shapes",
        costs("· no surplus phases (D)", datasets=("bars", "corners", "multi_mnist", "mnist_shape")),
    ),
    (
        "docs/competing_phases.md",
        "RC from two starts with DASBE's networks has N",
        [computed("RC, DASBE's networks, starts 2", "shapes")],
    ),
    (
        "docs/competing_phases.md",
        "falls from N to N on shapes, and from N to N on mnist_shape",
        [
            computed(f"RC, its own networks, starts {starts}", dataset)
            for dataset in ("shapes", "mnist_shape")
            for starts in (1, 16)
        ],
    ),
    (
        "docs/competing_phases.md",
        "Competing phases of one step have N",
        [computed("Competing phases, steps 1", "corners")],
    ),
    (
        "docs/competing_phases.md",
        "at most N (bars), N (shapes), N (corners), N (multi_mnist) and N points (mnist_shape)",
        [largest_error(dataset, 250) for dataset in DATASETS],
    ),
    (
        "docs/competing_phases.md",
        "(`steps_per_phase`, N by default)",
        [SYSTEMS["competing_phases"].published(settings_of("shapes")).steps_per_phase],
    ),
    ("docs/usage.md", "in the spikes of the last N cycles", [linkage.CYCLES]),
    ("docs/usage.md", "the paper's readout, N cycles", [published.READOUT_CYCLES]),
    ("docs/usage.md", "start with r = N and d = N", [settings_of("shapes").refractory, settings_of("shapes").delay]),
    (
        "docs/competing_phases.md",
        "`train_multi` N to N, one seed",
        [published.HELD_OUT_START, published.HELD_OUT_START + published.HELD_OUT_IMAGES - 1],
    ),
    (
        "docs/training.md",
        "scores the networks, and RC, on images N to N",
        [published.HELD_OUT_START, published.HELD_OUT_START + published.HELD_OUT_IMAGES - 1],
    ),
    ("docs/installation.md", "of which the networks are N", [megabytes(*NETWORKS)]),
    ("docs/installation.md", "with its networks (N MB)", [megabytes(*NETWORKS)]),
    ("docs/live.md", "the network of shapes (N kB)", [round(1000 * megabytes(ROOT / "docs" / "live.html"), -1)]),
    ("docs/training.md", "(N epochs in place of N", [70, described("multi_mnist", "recipe", "epochs")]),
    ("docs/training.md", "but adding N to the drive", [described("multi_mnist", "recipe", "output_shift")]),
    ("docs/training.md", "A pixel of the object counts N times", [described("corners", "recipe", "ink_weight")]),
    ("CONTRIBUTING.md", "first N images of `train_multi`", [published.IMAGES_TABLE]),
]


def found_in(page, words):
    """The numbers where N stands in `words`, in the one place of `page` with these words, as they are written."""
    pattern = re.escape(words).replace("\\ ", " ")
    pattern = re.sub(r"\bN\b", lambda _: f"({NUMBER})", pattern)
    (match,) = re.finditer(pattern, text_of(page))
    return match.groups()


def agrees(written, value):
    """Whether a number as it is written is `value`, rounded as it is."""
    if written in WORDS:
        return WORDS[written] == value
    decimals = len(written.partition(".")[2])
    return abs(float(written.replace("−", "-")) - value) <= 0.5 * 10**-decimals + 1e-9


@pytest.mark.parametrize(("page", "words", "values"), FACTS, ids=[f"{page}: {words}" for page, words, _ in FACTS])
def test_numbers_in_prose_are_those_of_their_source(page, words, values):
    written = found_in(page, words)
    assert len(written) == len(values)
    for number, value in zip(written, values):
        assert agrees(number, value), f"{page}, '{words}': {number} is {value:.3f} at its source"


def test_the_settings_are_those_of_the_commands():
    sizes = {"multi_mnist": "48×48", "bars": "20×20"}
    for name, row in rows_of("docs/reproduction.md", "dataset").items():
        settings = settings_of(name)
        wanted = [settings.delay, settings.refractory, sizes.get(name, "28×28"), settings.objects]
        assert row == [str(value) for value in wanted], name


@pytest.mark.parametrize("kind", ["here", "published"])
def test_ends_of_figure_3(kind):
    """The published ones; and (a) of ours, which docs/limits.md repeats."""
    page = (ROOT / "docs" / "reproduction.md").read_text(encoding="utf-8")
    order = ("bars", "corners", "shapes", "multi_mnist", "mnist_shape")
    rows = re.findall(rf"^\|[^|]*\| {kind} \|([ \d.|−]+)\|$", page, re.MULTILINE)
    ends = [[float(cell.replace("−", "-")) for cell in row.split("|")] for row in rows]
    if kind == "published":
        wanted = [[published.FIGURE3_ENDS[score][name] for name in order] for score in ("synchrony", "rate")]
        assert ends == wanted
    else:
        digits = found_in("docs/limits.md", "synchrony ends at N and N, against N or more")
        assert [float(x) for x in digits] == [*ends[0][3:], min(ends[0][:3])]


def test_variants_are_those_that_were_measured():
    """The table in docs/competing_phases.md is a part of ablation.md, cell by cell, without the differences."""
    shown = rows_of("docs/competing_phases.md", "variant")
    assert 8 <= len(shown) < len(ABLATION)
    assert all([cell.split()[0] for cell in ABLATION[name]] == cells for name, cells in shown.items())


def test_networks_for_rc_are_those_of_their_descriptions():
    for name, (layer, *_) in rows_of("docs/training.md", "network").items():
        network = described(name, "architecture")
        latent, kind = layer.split()
        assert (int(latent), kind.lower()) == (network["latent"], network["latent_activation"])


def test_lengths_are_as_said():
    """Forty lines of the literal loop, and ten of the fast one."""
    assert 30 <= lines_of(definition.bind) <= 40 and lines_of(loop.binding_loop) <= 10


def test_the_picture_on_the_first_screen_is_small():
    path = ROOT / "notebooks" / "pictures" / "loop.png"
    with Image.open(path) as picture:
        assert picture.width <= 1600 and path.stat().st_size <= 60_000


def test_the_readme_stays_short():
    assert len((ROOT / "README.md").read_text(encoding="utf-8")) < 7000


def test_defaults_are_as_said():
    assert Recipe().epochs == 60 and DEFAULT.rounds == 8  # docs/own_images.md trains by default
