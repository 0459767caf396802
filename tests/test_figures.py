"""The figures on small data: what each command leaves, and that the notebooks run on it."""

import io
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import numpy as np
import pytest
from matplotlib.text import Text
from nbclient import NotebookClient
from PIL import Image

import dasbe
from dasbe.datasets import make_dataset
from dasbe.evaluation import sweep
from dasbe.experiments import figure2, figure3, figure4, figure5, table1
from dasbe.experiments.figures import load_figure
from dasbe.plotting.raster import Row, draw_rows, step_by_step
from dasbe.plotting.style import in_our_style, new_figure, save_figure
from dasbe.plotting.table import score_table
from dasbe.support.commands import main

ROOT = Path(__file__).resolve().parent.parent
MULTI = {"multi": 7100, "test": 30, "single": 100}
TABLE1 = ("--images", 100, "--seeds", 1, 2, "--datasets", "bars", "corners", "--systems", "dasbe", "rc")
MOVING = {"multi": 268, "test": 4, "single": 1, "frames": 60}


@pytest.fixture(scope="module")
def home(tmp_path_factory, missing_digits):
    """A DASBE_HOME with small datasets and the networks of the repository."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tmp_net").symlink_to(ROOT / "tmp_net")
    names = ["bars", "corners", "shapes", *([] if missing_digits else ["mnist_shape", "multi_mnist"])]
    for name in names:
        make_dataset(name, folder / "tmp_data", MULTI, progress=False)
    make_dataset("shapes_with_pos", folder / "tmp_data", {"single": 600}, progress=False)
    make_dataset("moving_shapes_3", folder / "tmp_data", MOVING, progress=False)
    return folder


@pytest.fixture
def run(home, missing_digits, monkeypatch):
    """Run a command, given by its module, with some arguments on the small data."""
    monkeypatch.setenv("DASBE_HOME", str(home))
    monkeypatch.chdir(home)
    for function in (sweep.network_hash, sweep.shipped_network):
        function.cache_clear()
    if missing_digits:
        without = tuple(name for name in figure3.TABLE_DATASETS if "mnist" not in name)
        monkeypatch.setattr(figure3, "TABLE_DATASETS", without)

    def run_main(module, *arguments):
        for name in ("ensure_dataset", "ensure_datasets"):
            monkeypatch.setattr(module, name, lambda *names: None, raising=False)
        monkeypatch.setattr(sys, "argv", [module.__name__, *map(str, arguments)])
        main(module.__name__.rpartition(".")[2])

    return run_main


@pytest.fixture(scope="module")
def kernel(tmp_path_factory):
    """A Jupyter kernel of a ``.venv`` as the set-up leaves it, with the packages of ours: its name and environment."""
    folder = tmp_path_factory.mktemp("kernel")
    root, python = folder / "checkout", folder / "bin" / "python3"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    script = root / "scripts" / "setup.sh"
    script.write_text(re.sub('setup_modules="[^"]*"', 'setup_modules="json"', script.read_text(), count=1))
    (root / "dasbe").symlink_to(ROOT / "dasbe")
    (root / "requirements.txt").touch()  # nothing is to be installed
    python.parent.mkdir()
    python.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    python.chmod(0o755)
    hidden = ("PYTHONPATH", "PYTHON", "VIRTUAL_ENV", "CONDA_PREFIX")
    plain = {key: value for key, value in os.environ.items() if key not in hidden}
    searched = {"PATH": f"{python.parent}{os.pathsep}{os.environ['PATH']}"}
    subprocess.run(["bash", "-c", ". scripts/setup.sh"], cwd=root, env=plain | searched, check=True)
    (packages,) = (root / ".venv").glob("lib/python*/site-packages")
    ours = [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    (packages / "packages-of-ours.pth").write_text("\n".join(ours))
    described = folder / "jupyter" / "kernels" / "of-the-set-up"
    described.mkdir(parents=True)
    command = [str(root / ".venv" / "bin" / "python"), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    (described / "kernel.json").write_text(json.dumps({"argv": command, "display_name": "x", "language": "python"}))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JUPYTER_PATH", str(folder / "jupyter"))
        yield described.name, plain


def execute(path, folder, kernel, home, smaller=None):
    """Run a notebook from top to bottom, with `folder` as working directory, as Jupyter does; `smaller` constants.

    What comes out, cell by cell, is text or a picture where the notebook has it in the repository.
    """
    name, plain = kernel
    book, committed = (nbformat.read(path, as_version=4) for _ in range(2))
    if smaller:
        whole, source = smaller
        (constants,) = [cell for cell in book.cells if cell.source == whole]
        constants.source = source
    NotebookClient(book, timeout=120, kernel_name=name).execute(cwd=str(folder), env=plain | {"DASBE_HOME": str(home)})
    fresh, kept = ([cell for cell in b.cells if cell.cell_type == "code"] for b in (book, committed))
    for new, old in zip(fresh, kept, strict=True):
        assert kinds_of(new) == kinds_of(old), f"{path.name}: run it again, since its outputs are of another version"
    assert any("image/png" in kinds_of(cell) for cell in fresh)
    return [text_of(cell) for cell in fresh], [text_of(cell) for cell in kept]


def kinds_of(cell):
    """What a cell gives: "stdout" and MIME types; warnings depend on the data."""
    outputs = [output for output in cell.outputs if output.get("name") != "stderr"]
    return {kind for output in outputs for kind in output.get("data", [output.get("name")])}


def text_of(cell):
    return "".join(output.text for output in cell.outputs if output.get("name") == "stdout")


NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


def check_texts(fresh, committed):
    """The same words, and numbers that differ by what another processor's rounding does to single spikes."""
    for new, old in zip(fresh, committed, strict=True):
        assert NUMBER.sub("0", new).split() == NUMBER.sub("0", old).split()
        found, wanted = ([float(number) for number in NUMBER.findall(text)] for text in (new, old))
        np.testing.assert_allclose(found, wanted, rtol=0.05, atol=10)


def check_composed(home, module, letters):
    """The figure as one picture at journal width, with its letters; what its caption says."""
    name = module.__name__.rpartition(".")[2]
    folder = home / "results" / f"{name}_quick"
    with Image.open(folder / f"{name}.png") as picture:
        assert picture.width == 7 * 300
    assert (folder / f"{name}.pdf").stat().st_size > 5000
    figure = module.draw(load_figure(name))[name]
    texts = [text.get_text() for text in figure.findobj(Text)]
    assert sorted(text for text in texts if re.fullmatch(r"\([a-z]\)", text)) == [f"({letter})" for letter in letters]
    said = (folder / f"{name}.md").read_text(encoding="utf-8")
    assert said.startswith(f"**Figure {name[-1]}.") and "\nPublished: " in said and "nan" not in said
    assert all(f"({letter})" in said for letter in letters)
    return said


def pixels_of(figure, dpi):
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=dpi)
    return np.asarray(Image.open(file).convert("L"))


@pytest.mark.parametrize("dpi", [20, 47, 100, 311])
def test_a_column_in_which_all_fire_has_no_gap_at_any_size(dpi):
    def column(trains):
        """The pixels, from top to bottom, of the step in which neurons fire."""
        figure = new_figure(3, 2)
        figure.set_layout_engine("none")
        axes = figure.add_axes((0, 0, 1, 1))
        draw_rows(axes, np.arange(32), [Row("", np.zeros(3), trains)], 32, linewidth=4)
        picture = pixels_of(figure, dpi)
        inside = slice(len(picture) // 10, -len(picture) // 10)
        return picture[inside, round((8 + 1) / 33 * picture.shape[1])]

    trains = np.zeros((32, 37), bool)
    trains[8] = True
    whole = column(trains)
    first = np.flatnonzero(whole < 100)[0]
    assert (whole[first:] < 100).all() and first < 0.2 * len(whole)
    if dpi > 100:
        trains[8, 20] = False
        assert (column(trains)[first:] > 200).any()  # one that is silent is seen


@pytest.mark.parametrize(("cycles", "jumps"), [((0, 1, 2), 0), ((0, 1, 7, 8, 20), 2), (("grouping", "input"), 0)])
def test_where_cycles_jump_a_line_says_so(cycles, jumps):
    axes = new_figure(3, 3).add_subplot()
    step_by_step(axes, np.zeros((len(cycles), 4, 8, 8, 3)), cycles)
    assert len(axes.lines) == jumps and [text.get_text() for text in axes.get_yticklabels()] == [*map(str, cycles)]


def test_letters_are_of_the_typeface_that_comes_along(tmp_path):
    @in_our_style
    def draw():
        figure = new_figure(3, 3)
        figure.add_subplot(title="Title", xlabel="P$_1$ ± 0.5")
        return figure

    figure = draw()
    save_figure(figure, tmp_path / "x.pdf")
    fonts = {re.sub(rb"^/FontName /[A-Z]{6}\+", b"", name) for name in fonts_of(tmp_path / "x.pdf")}
    assert fonts == {b"Inter-Regular"}


def fonts_of(path):
    return re.findall(rb"/FontName /[A-Z]{6}\+[\w-]+", path.read_bytes())


def test_numbers_that_are_printed_alike_are_bold_alike_and_no_title_touches_one():
    titles = {"a": "A system with a very long name, and with more to say", "b": "B"}
    ours = {("a", "bars"): (98.96, 0.01), ("b", "bars"): (99.04, 0.02)}
    figure = score_table(titles, ["bars"], ours, {})
    figure.draw_without_rendering()
    texts = {text.get_text(): text for text in figure.axes[0].texts}
    assert {texts["99.0 ± 0.01"].get_weight(), texts["99.0 ± 0.02"].get_weight()} == {"bold"}
    assert texts[titles["a"]].get_window_extent().x1 < texts["99.0 ± 0.01"].get_window_extent().x0


def test_figure2(run, home):
    run(figure2, "--quick")
    a = load_figure("figure2")
    assert a["synchrony"].shape == (2, 30) and a["synchrony"][:, -5:].mean() > 0.6 > 0.4 > a["synchrony"][:, 0].mean()
    order = np.sort(a["groups"][a["groups"] > 0])
    same = np.equal.outer(order, order)
    assert a["synchrony_matrix"][same].mean() > 20 * a["synchrony_matrix"][~same].mean()
    assert a["loss_ami"].shape == a["spread_ami"].shape == (6, 10)
    assert a["loss_synchrony"][0].mean() > a["loss_synchrony"][-1].mean() + 0.1
    names = {path.name for path in (home / "results" / "figure2_quick").iterdir()}
    assert {"raster.png", "raster.pdf", "robustness.png", "synchrony_matrix.png", "phases.png"} <= names
    said = check_composed(home, figure2, "abcdefghi")
    assert f"AMI {100 * a['ami'][0]:.1f} %" in said and f"{a['synchrony'][:, -1].mean():.2f} ± " in said
    (home / "results" / "figure2_quick" / "raster.png").unlink()
    run(figure2, "--quick", "--draw-only", "--palette", "colour-blind-safe")
    assert (home / "results" / "figure2_quick" / "raster.png").is_file()
    assert (home / "results" / "figure2_quick" / "figure2.md").read_text() == said


def test_figure3(run, home):
    run(figure3, "--quick")
    a = load_figure("figure3")
    for dataset, least in (("bars", 0.9), ("shapes", 0.6), ("corners", 0.6)):
        assert a[f"{dataset}_synchrony"].shape == (5, 30)
        assert np.nanmean(a[f"{dataset}_synchrony"][:, -1]) > least > np.nanmean(a[f"{dataset}_synchrony"][:, 0])
    said = check_composed(home, figure3, "abcd")
    assert f"corners {np.nanmean(a['corners_rate'][:, -1]):.2f} (published 0.05)".replace("-", "−") in said


def test_figure4(run, home):
    run(figure4, "--quick")
    a = load_figure("figure4")
    same, different = a["similarity"]
    assert same > 3 * different
    assert np.nanmean(a["held_out_ami"]) > 0.7
    assert a["shapes"].tolist() == [2, 0, 1]
    assert (a["shape_neurons"].sum(1) > 3).all()
    assert f"AMI {100 * a['ami'][0]:.1f} %" in check_composed(home, figure4, "abcd")


def test_figure5(run, home):
    run(figure5, "--quick")
    a = load_figure("figure5")
    assert a["labels"].shape == (60, 28, 28) and a["test_ami"].shape == (4, 60)
    assert np.isnan(a["test_ami"][:, :15]).all()
    late = np.nanmean(a["test_ami"][:, 40:])
    assert late > 0.3 and abs(np.nanmean(a["chance_ami"])) < 0.05 and abs(np.nanmean(a["one_cycle_ami"])) < 0.05
    assert (home / "results" / "figure5_quick" / "moving.gif").stat().st_size > 10000
    assert f"{100 * np.nanmean(a['test_ami'][:, 40:]):.1f} %" in check_composed(home, figure5, "")


def test_table1(run, home):
    run(table1, *TABLE1)
    assert table1.load_scores(home / "results" / "table1" / "scores.npz")[0]["rc", "corners"].shape == (2, 100)


# the command whose arrays a notebook draws from
MADE_BY = {
    "draw_figure2.ipynb": (figure2, "--quick"),
    "draw_figure3.ipynb": (figure3, "--quick"),
    "draw_figure4.ipynb": (figure4, "--quick"),
    "draw_figure5.ipynb": (figure5, "--quick"),
    "table1.ipynb": (table1, *TABLE1),
}

# of a notebook that computes: its cell of constants, and smaller ones
SMALLER = {
    "own_images.ipynb": (
        "n_single, n_multi, n_test, n_for_timing, epochs = 6000, 1500, 500, 100, 60\n"
        "n_rounds, n_steps = 6, 600  # of learning from scenes",
        "n_single, n_multi, n_test, n_for_timing, epochs = 200, 20, 3, 2, 1\nn_rounds, n_steps = 1, 2",
    ),
    "learning_from_scenes.ipynb": (
        "n_scenes, first_steps, rounds, steps = 10000, 500, 6, 600",
        "n_scenes, first_steps, rounds, steps = 200, 20, 2, 10",
    ),
}


def draw_from(name, run, home):
    """Make what a notebook draws from, unless it is there."""
    command, *options = MADE_BY.get(name, (None,))
    figure = command and command.__name__.rpartition(".")[2]
    if command and not {path.name for path in (home / "results").glob("*")} & {figure, f"{figure}_quick"}:
        run(command, *options)


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "notebooks").glob("*.ipynb")))
def test_notebooks_run_in_the_kernel_of_the_set_up(name, run, home, kernel, missing_digits):
    if name == "draw_figure3.ipynb" and missing_digits:
        pytest.skip("it draws all five datasets, and two need MNIST")
    draw_from(name, run, home)
    fresh, committed = execute(ROOT / "notebooks" / name, ROOT / "notebooks", kernel, home, SMALLER.get(name))
    if name not in SMALLER and name not in MADE_BY:
        check_texts(fresh, committed)


def test_a_notebook_runs_from_any_folder(run, home, kernel):
    draw_from("table1.ipynb", run, home)
    execute(ROOT / "notebooks" / "table1.ipynb", home, kernel, home)


def test_bad_input(run, home, capsys):
    for module, arguments, message in (
        (figure2, ("--index", 6000), "--index is 6000; it must be a whole number of at most 5999"),
        (figure4, ("--index", -1), "--index is -1; it must be a whole number of at least 0"),
        (figure5, ("--index", 600), "--index is 600; it must be a whole number of at most 599"),
        (figure3, ("--draw-only", "--out", home / "none"), "is not there; make it with: ./figure3.sh"),
        (figure2, ("--seed", -1), "--seed is -1"),
    ):
        with pytest.raises(dasbe.InputError, match=message):
            run(module, *arguments)
    (home / "bad").mkdir()
    (home / "bad" / "arrays.npz").write_bytes(b"PK nonsense")
    with pytest.raises(dasbe.FileContentError, match="is damaged; make it again with: ./figure2.sh"):
        run(figure2, "--draw-only", "--out", home / "bad")
