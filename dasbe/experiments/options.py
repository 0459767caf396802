"""The options of all commands, each read by the function of the command's name, which returns what the work takes.

It is imported before anything slow, so it imports tables alone: datasets, systems, networks, figures.
"""

import argparse
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from dasbe.datasets.catalogue import (
    BENCHMARK_DATASETS,
    DATASETS,
    PAPER_DATASETS,
    TABLE_DATASETS,
    dataset_of,
    settings_of,
)
from dasbe.support import checks
from dasbe.support.checks import one_of, shown
from dasbe.support.errors import InputError
from dasbe.support.parser import Parser, given_apart, given_with
from dasbe.support.paths import check_writable, displayed, network_folder, network_path, results_folder
from dasbe.support.published import (
    CYCLES_TABLE,
    HELD_OUT_IMAGES,
    HELD_OUT_MOST,
    HELD_OUT_SEED,
    IMAGES_TABLE,
    PALETTES,
    SEEDS_TABLE,
)
from dasbe.systems import SYSTEMS, TABLE_SYSTEMS
from dasbe.train.recipes import MOST, RECIPES, SCENE_RECIPES, Recipe, SceneRecipe, training_recipe

Options = dict[str, Any]

EXAMPLE_INDEX = 1109  # the image of the paper's Figure 4
QUICK_TABLE = {"images": 200, "seeds": SEEDS_TABLE[:2]}
IMAGES_MULTI, IMAGES_TEST = (DATASETS["shapes"].sizes[part] for part in ("multi", "test"))  # as in all of Table 1
VARIED_DATASETS = tuple(name for name in TABLE_DATASETS if name != "bars")  # whose objects are of one kind
VARIED_SYSTEMS = ("dasbe", "dasbe_counting", "rc", "rc_own", "competing_phases", "competing_phases_counting")
VARIED_IMAGES, QUICK_VARIED_IMAGES, VARIED_SEED = 200, 10, 111
MOST_JOBS = 1000


def datasets(program: str) -> Options:
    """Options of the command that makes dataset files."""
    parser = Parser(program, "Make dataset files, or compare them with the published ones.")
    known = f"{', '.join(PAPER_DATASETS)}, or all of these; {', '.join(BENCHMARK_DATASETS)}, or benchmarks for these"
    parser.add_text("names", known, nargs="*", metavar="NAME")
    parser.add_folder("--out", "folder of the files (default: tmp_data)")
    parser.add_folder("--mnist", "folder of the four MNIST files (default: see docs/reproduction.md)")
    parser.add_flag("--verify", "compare the files with the published SHA-256 sums")
    options = parser.parse_args()
    if not options.names and not options.verify:
        raise InputError(f"no dataset named; give some of {', '.join(PAPER_DATASETS)}, or all")
    checks.each_once("NAME", options.names)
    sets = {"all": PAPER_DATASETS, "benchmarks": BENCHMARK_DATASETS}
    chosen = [name for given in options.names or ["all"] for name in sets.get(given, (given,))]
    options.names = list(dict.fromkeys(chosen))
    for name in options.names:
        dataset_of(name)
    return {
        "names": options.names,
        "folder": options.out,
        "mnist": options.mnist,
        "only_verify": options.verify,
    }


def train(program: str) -> Options:
    """Options of the command that trains networks; ``recipes`` of those that are named, or ``recipe`` for --data."""
    parser = Parser(program, "Train networks, and write them to tmp_net/; or, with --data, one on images of your own.")
    known = [*RECIPES, *SCENE_RECIPES]
    parser.add_text("names", f"{', '.join(known)}, or all (all but moving)", nargs="*", metavar="NAME")
    parser.add_flag("--moving", "the network for moving shapes as well")
    parser.add_whole_number(
        "--jobs", None, "networks trained at once, each by a process of one thread (default: 1)", 1, MOST_JOBS
    )
    parser.add_whole_number(
        "--score-images", None, f"for the held-out AMI; 0: none (default: {HELD_OUT_IMAGES})", 0, HELD_OUT_MOST
    )
    parser.add_text(
        "--data", "images of single objects (--scenes: of several), as dasbe.load_dataset reads them", metavar="FILE"
    )
    parser.add_flag("--scenes", "of --data: they are scenes of several objects, from which the network learns")
    parser.add_whole_number("--phases", None, "of --scenes: more than a scene has objects (default: 8)", 2, MOST)
    parser.add_whole_number("--rounds", None, "of --scenes: of grouping and learning (default: 8)", 0, MOST)
    parser.add_text("--split", "of --data, if it has several")
    parser.add_whole_number(
        "--hidden", None, "of --data: units of the layers before the latent one", 1, MOST, nargs="+"
    )
    parser.add_whole_number(
        "--latent", None, "of --data: units of the latent layer (default: half the pixels)", 1, MOST
    )
    parser.add_probability(
        "--corruption", "of --data: which part of the pixels is switched off", nargs=2, metavar=("LOW", "HIGH")
    )
    parser.add_whole_number("--epochs", None, "default: as in the recipe", 1, MOST)
    parser.add_seed(None, "default: as in the recipe")
    parser.add_folder("--out", "a folder (default: tmp_net); with --data, the file of the network", suffix=".pt")
    parser.add_flag("--force", "train again what is there already")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--data", "--moving", "--jobs", "--score-images")
    given_with(options, "--data", "--split", "--hidden", "--latent", "--corruption", "--scenes")
    given_with(options, "--scenes", "--phases", "--rounds")
    given_apart(options, "--scenes", "--epochs")
    return _train_named(options, program) if options.data is None else _train_on_own_images(options)


def _train_named(options: argparse.Namespace, program: str) -> Options:
    if not options.names and not options.moving:
        raise InputError(f"NAME is missing, or --data; see: {program} --help")
    checks.each_once("NAME", options.names)
    folder = network_folder() if options.out is None else options.out
    if folder.suffix == ".pt":
        raise InputError(f"--out is {displayed(folder)}; networks that are named are written to a folder")
    known = [name for name in (*RECIPES, *SCENE_RECIPES) if name != "moving"]
    names = known if "all" in options.names else options.names
    names = dict.fromkeys([*names, *(["moving"] if options.moving else [])])
    changes = _given(options, "epochs", "seed")
    recipes = {name: training_recipe(name) for name in names}
    if options.epochs and any(name in SCENE_RECIPES for name in recipes):
        raise InputError(f"--epochs is {options.epochs}, but networks learn from scenes in rounds; name others")
    recipes = {name: replace(recipe, **changes) for name, recipe in recipes.items()}
    return {"recipes": recipes, "folder": folder} | _given(options, "force", "score_images", "device", "jobs")


def _train_on_own_images(options: argparse.Namespace) -> Options:
    if options.names:
        raise InputError("NAME and --data are given together; leave one of them out")
    if options.out is None or options.out.suffix != ".pt":
        given = "missing" if options.out is None else displayed(options.out)
        raise InputError(f"--out is {given}; with --data it is the file of the network, which ends in .pt")
    fields = _given(options, "hidden", "latent", "corruption", "epochs", "seed", "rounds")
    fields |= {name: tuple(value) for name, value in fields.items() if isinstance(value, list)}
    fields |= {"n_phases": options.phases} if options.phases else {}
    recipe = SceneRecipe(**fields) if options.scenes else Recipe(**fields)
    return {"data": options.data, "recipe": recipe, "path": options.out} | _given(options, "split", "force", "device")


def _given(options: argparse.Namespace, *names: str) -> Options:
    """Those of the options called `names` that have a value."""
    return {name: value for name in names if (value := getattr(options, name)) is not None}


def bind(program: str) -> Options:
    """Options of the command that binds one image."""
    parser = Parser(program, "Bind one image: which of its pixels belong together?")
    parser.add_text("--dataset", f"{', '.join(TABLE_DATASETS)} (default: %(default)s)", "shapes")
    parser.add_whole_number("--index", None, f"image of train_multi (default: {EXAMPLE_INDEX})", 0)
    parser.add_file("--image", "an image file of your own, in place of --index")
    parser.add_flag("--colour", "take the picture as it is, grey or in colour, and bind it by competing phases")
    parser.add_whole_number("--groups", None, "objects + background (default: the ground truth's; with --image, found)")
    parser.add_text("--network", "default: the network of the dataset", metavar="NAME|FILE")
    parser.add_seed(111)
    parser.add_whole_number("--cycles", 30, "default: %(default)s")
    parser.add_whole_number("--delay", None, "steps in a cycle (default: as published for the dataset)")
    parser.add_whole_number("--refractory", None, "silent steps after a spike (default: as published)", 0, 127)
    parser.add_folder("--out", "default: results/example", results_folder() / "example")
    parser.add_flag("--html", "also write a web page that plays the spikes")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--image", "--index")
    given_with(options, "--image", "--colour")
    given_apart(options, "--colour", "--html")
    check_writable(options.out, "--out DIR")
    published = settings_of(options.dataset)
    defaults = {"index": EXAMPLE_INDEX, "network": options.dataset}
    return _filled(options, defaults | {"delay": published.delay, "refractory": published.refractory})


def live(program: str) -> Options:
    """Options of the command that writes the page of the live loop."""
    parser = Parser(program, "Write a web page in which the loop runs live: draw, and watch it bind.")
    parser.add_text("--network", "default: %(default)s", "shapes", metavar="NAME|FILE")
    parser.add_text("--dataset", f"whose objects it has: {', '.join(TABLE_DATASETS)} (default: the network's)")
    parser.add_text("--data", "images of single objects of your own, as dasbe.load_dataset reads them", metavar="FILE")
    parser.add_whole_number("--delay", None, "steps in a cycle (default: as published for the dataset, or 32)")
    parser.add_whole_number("--refractory", None, "silent steps after a spike (default: as published, or 9)", 0, 127)
    parser.add_folder("--out", "default: results/live.html", results_folder() / "live.html", suffix=".html")
    options = parser.parse_args()
    given_apart(options, "--dataset", "--data")
    if options.out.suffix != ".html":
        raise InputError(f"--out is {displayed(options.out)}; it must be a file that ends in .html")
    if options.dataset is not None:
        settings_of(options.dataset)
    check_writable(options.out.parent, "--out FILE")
    return vars(options)


@dataclass(frozen=True)
class Figure:
    """A figure, and what it shows unless it is told otherwise."""

    description: str
    shown: str = ""  # an image or a sequence, if there is one to choose
    count: int = 0  # how many there are to choose from
    index: int = 0  # the one that is shown
    seed: int = 111


FIGURES = {
    "figure2": Figure(
        "One image in detail (paper, Figure 2), and how robust binding is.",
        "image of shapes/train_multi",
        count=IMAGES_TABLE,
        index=14,
    ),
    "figure3": Figure("Synchrony, rate and clustering scores on all datasets (paper, Figure 3)."),
    "figure4": Figure(
        "High-level neurons for shape and for position (paper, Figure 4).",
        "image of shapes/train_multi",
        count=IMAGES_TABLE,
        index=EXAMPLE_INDEX,
        seed=444,  # AMI of this image 91.9 %; seeds 1 to 10 give 37 to 94 %
    ),
    "figure5": Figure(
        "Binding objects that move (paper, Figure 5).",
        "sequence of moving_shapes_3/train_multi",
        count=DATASETS["moving_shapes_3"].sizes["multi"],
        index=267,
    ),
}


def _figure(name: str, program: str) -> Options:
    """Options of a figure: what :func:`dasbe.experiments.figures.run_figure` takes."""
    defaults = FIGURES[name]
    parser, last = Parser(program, defaults.description), defaults.count - 1
    parser.add_seed(None, f"default: {defaults.seed}")
    if defaults.shown:
        parser.add_whole_number("--index", None, f"{defaults.shown}, 0 to {last} (default: {defaults.index})", 0, last)
    parser.add_flag("--quick", "less of everything, for a first look")
    parser.add_flag("--draw-only", "draw again from the saved arrays")
    parser.add_argument("--palette", choices=PALETTES, default="published", help="default: %(default)s")
    parser.add_folder("--out", f"default: results/{name} (with --quick: {name}_quick)")
    parser.add_device()
    options = parser.parse_args()
    of_work = {"seed": defaults.seed} | ({"index": defaults.index} if defaults.shown else {})
    given_apart(options, "--draw-only", *(f"--{option}" for option in of_work))
    return {"name": name} | _filled(options, of_work | {"out": _results(name, options.quick)})


figure2, figure3, figure4, figure5 = (partial(_figure, name) for name in FIGURES)


def table1(program: str) -> Options:
    """Options of Table 1."""
    parser = Parser(
        program, "Table 1 of the paper, beside baselines, Reconstruction Clustering (RC) and competing phases."
    )
    parser.add_text("--datasets", f"default: {' '.join(TABLE_DATASETS)}", nargs="+")
    parser.add_text("--systems", f"default: {' '.join(TABLE_SYSTEMS)}", nargs="+")
    parser.add_seed(None, f"default: {' '.join(map(str, SEEDS_TABLE))}", "--seeds", nargs="+")
    parser.add_whole_number("--images", None, f"of each dataset (default: {IMAGES_TABLE})", 1, IMAGES_MULTI)
    parser.add_flag("--quick", "200 images and 2 seeds")
    parser.add_workers(None, f"processes on this machine (default: {_cores()})")
    parser.add_text("--scheduler", "of a Dask cluster, in place of processes here", metavar="tcp://HOST:PORT")
    parser.add_flag("--strict", "refuse stored results made otherwise or damaged")
    parser.add_flag("--draw-only", "tables and pictures from the stored scores")
    parser.add_folder("--out", "default: results/table1 (with --quick: table1_quick)")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--quick", "--images", "--seeds")
    given_apart(options, "--draw-only", "--datasets", "--systems", "--seeds", "--images", "--workers", "--scheduler")
    given_apart(options, "--draw-only", "--strict")
    given_apart(options, "--scheduler", "--workers")
    if options.scheduler and not re.fullmatch(r"\w+://[^\s/]+:\d+", options.scheduler):
        raise InputError(f"--scheduler is {shown(options.scheduler)}; it must be an address, tcp://HOST:PORT")
    defaults = {"datasets": TABLE_DATASETS, "systems": TABLE_SYSTEMS, "seeds": SEEDS_TABLE, "images": IMAGES_TABLE}
    defaults |= {"workers": 1 if options.device.startswith("cuda") else _cores()}
    defaults |= {"out": _results("table1", options.quick)} | (QUICK_TABLE if options.quick else {})
    filled = _filled(options, defaults)
    _check_names(filled, systems=SYSTEMS, datasets=TABLE_DATASETS)
    del filled["quick"]
    return filled


def evaluate(program: str) -> Options:
    """Options of the command that scores systems on the images of a file."""
    parser = Parser(program, "Scores of systems on the images of a file, and tables of them.")
    parser.add_text("--data", "file with images and groups, or name of a dataset", required=True)
    parser.add_text("--split", "group of the file (default: train_multi)")
    parser.add_whole_number("--images", None, "only so many, from the first on")
    parser.add_text("--network", "file, or name of one that is there; pure_snn needs none")
    parser.add_text("--systems", f"of {' '.join(SYSTEMS)} (default: dasbe)", ["dasbe"], nargs="+")
    parser.add_text("--settings", "those published for a dataset, such as shapes; the next three replace some of them")
    parser.add_whole_number("--delay", None, "steps in a cycle")
    parser.add_whole_number("--refractory", None, "silent steps after a spike", 0, 127)
    parser.add_whole_number("--cycles", None, f"default: {CYCLES_TABLE}")
    parser.add_seed([SEEDS_TABLE[0]], f"default: {SEEDS_TABLE[0]}", "--seeds", nargs="+")
    parser.add_flag("--count", "do not tell the systems how many objects there are")
    parser.add_workers(1, "processes (default: one, with all its threads)")
    parser.add_folder("--out", "default: results/evaluate", results_folder() / "evaluate")
    parser.add_device()
    options = parser.parse_args()
    _check_names(vars(options), systems=SYSTEMS)
    if options.settings is not None:
        settings_of(options.settings)
    check_writable(options.out, "--out DIR")
    return vars(options)


def heldout(program: str) -> Options:
    """Options of the command that scores networks on held-out images."""
    parser = Parser(program, "AMI of the shipped networks on images that Table 1 does not use.")
    shipped = [name for name, recipe in RECIPES.items() if recipe.judge == "dasbe" and network_path(name).is_file()]
    parser.add_text("networks", f"default: {', '.join(shipped)}", shipped, nargs="*")
    parser.add_whole_number("--images", HELD_OUT_IMAGES, "default: %(default)s", 1, HELD_OUT_MOST)
    parser.add_seed(HELD_OUT_SEED)
    parser.add_device()
    options = parser.parse_args()
    checks.each_once("networks", options.networks)
    options.networks = {name: training_recipe(name).dataset for name in options.networks}
    return vars(options) | {"out": check_writable(results_folder() / "heldout")}


COMPARISONS = {
    "ablation": "Competing phases less one ingredient after another, down to Reconstruction Clustering (RC) and DASBE.",
    "compute": "AMI against compute: more cycles, runs or steps of every system.",
}


def _comparison(name: str, program: str) -> Options:
    """Options of a comparison of many systems, by its name."""
    parser = Parser(program, COMPARISONS[name])
    parser.add_text("--datasets", f"default: {' '.join(TABLE_DATASETS)}", list(TABLE_DATASETS), nargs="+")
    parser.add_whole_number("--start", 5000, "first image, of test (default: %(default)s)", 0)
    parser.add_whole_number("--images", 250, "of each dataset (default: %(default)s)")
    parser.add_seed(111)
    parser.add_workers(1, "processes (default: one, with all its threads)")
    parser.add_folder("--out", f"default: results/{name}", results_folder() / name)
    parser.add_device()
    options = parser.parse_args()
    _check_names(vars(options), datasets=TABLE_DATASETS)
    check_writable(options.out, "--out DIR")
    return vars(options)


ablation, compute = (partial(_comparison, name) for name in COMPARISONS)


def benchmarks(program: str) -> Options:
    """Options of the command that compares on the sets of others."""
    parser = Parser(
        program, "Systems and baselines on the sets on which others have measured, and on shapes in colour."
    )
    parser.add_text("--sets", f"default: {' '.join(BENCHMARK_DATASETS)}", list(BENCHMARK_DATASETS), nargs="+")
    parser.add_whole_number("--images", 1000, "of the test images of each set (default: %(default)s)", 1, 1000)
    parser.add_seed([1, 2, 3], "of the networks that are trained (default: 1 2 3)", "--seeds", nargs="+")
    parser.add_workers(1, "processes (default: one, with all its threads)")
    parser.add_folder("--out", "default: results/benchmarks", results_folder() / "benchmarks")
    parser.add_device()
    options = parser.parse_args()
    _check_names(vars(options), sets=BENCHMARK_DATASETS)
    check_writable(options.out, "--out DIR")
    return vars(options)


def generalisation(program: str) -> Options:
    """Options of the command that shows where binding breaks."""
    parser = Parser(program, "Where binding breaks: more objects, a wrong number given, clutter, overlap.")
    parser.add_text("--systems", f"of {' '.join(SYSTEMS)} (default: {' '.join(VARIED_SYSTEMS)})", nargs="+")
    parser.add_text("--datasets", f"default: {' '.join(VARIED_DATASETS)}", nargs="+")
    parser.add_whole_number("--images", None, f"of each point (default: {VARIED_IMAGES})", 1, 5000)
    parser.add_seed(None, f"of scenes, clutter and systems (default: {VARIED_SEED})")
    parser.add_flag("--quick", f"{QUICK_VARIED_IMAGES} images")
    parser.add_flag("--draw-only", "draw again from the saved arrays")
    parser.add_folder("--out", "default: results/generalisation (with --quick: generalisation_quick)")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--quick", "--images")
    given_apart(options, "--draw-only", "--systems", "--datasets", "--images", "--seed")
    defaults = {"systems": VARIED_SYSTEMS, "datasets": VARIED_DATASETS, "seed": VARIED_SEED}
    defaults |= {"images": QUICK_VARIED_IMAGES if options.quick else VARIED_IMAGES}
    filled = _filled(options, defaults | {"out": _results("generalisation", options.quick)})
    _check_names(filled, systems=SYSTEMS, datasets=VARIED_DATASETS)
    del filled["quick"]
    return filled


def select(program: str) -> Options:
    """Options of the tool that trains candidates for a network."""
    parser = Parser(program, "Train candidates for a network, score each by binding, and write their table.")
    parser.add_text("name", ", ".join(RECIPES))
    parser.add_whole_number("--images", 1000, "of the test split (default: %(default)s)", 1, IMAGES_TEST)
    parser.add_device()
    options = parser.parse_args()
    training_recipe(options.name)
    return vars(options) | {"folder": check_writable(results_folder() / "select" / options.name)}


def card(program: str) -> Options:
    """Options of the tool that writes the model card."""
    parser = Parser(program, "Write the model card of all networks in tmp_net/ from their descriptions.")
    parser.add_folder("--folder", "default: tmp_net", network_folder())
    parser.add_text(
        "--seeds", "folders of the same networks trained from other seeds, to be listed", metavar="FOLDER", nargs="+"
    )
    options = parser.parse_args()
    return {"folder": options.folder, "others": [Path(folder) for folder in options.seeds or ()]}


def benchmark(program: str) -> Options:
    """Options of the benchmark."""
    shipped = [name for name in TABLE_DATASETS if network_path(name).is_file()]
    parser = Parser(
        program, "Time everything against its literal form and against what the machine allows, in one run."
    )
    parser.add_text("datasets", f"default: {', '.join(shipped)}", shipped, nargs="*")
    parser.add_whole_number("--images", 200, "for the batched forms (default: %(default)s)", 1, HELD_OUT_MOST)
    parser.add_whole_number("--literal-images", 3, "for the literal forms (default: %(default)s)")
    parser.add_whole_number("--cycles", CYCLES_TABLE, "default: %(default)s")
    parser.add_flag("--growth", "growth with batch, image, latent layer and cycles as well")
    options = parser.parse_args()
    _check_names(vars(options), datasets=TABLE_DATASETS)
    return vars(options) | {"folder": check_writable(results_folder() / "benchmark")}


def _results(name: str, quick: bool) -> Path:
    """Where a command writes unless it is told where."""
    return results_folder() / (f"{name}_quick" if quick else name)


def _filled(options: argparse.Namespace, defaults: Options) -> Options:
    """The options, those that are not given from `defaults`; ``out`` can be written to."""
    filled: Options = {name: defaults.get(name) if value is None else value for name, value in vars(options).items()}
    check_writable(filled["out"], "--out DIR")
    return filled


def _check_names(options: Options, **known: Iterable[str]) -> None:
    """InputError if lists of names (``systems``, ``datasets``) or seeds hold one twice, or one that is not `known`."""
    for name in (*known, *({"seeds"} & options.keys())):
        checks.each_once(f"--{name}", options[name])
        for value in options[name] if name in known else ():
            one_of(name.removesuffix("s"), value, known[name])


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
