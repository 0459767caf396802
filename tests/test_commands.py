"""The commands as a user runs them: what they write and print, and how they fail."""

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from browser import data_of
from PIL import Image

import dasbe
from dasbe.ann.weights import save_network
from dasbe.datasets import ensure_dataset
from dasbe.datasets.images import load_image
from dasbe.support.commands import main
from dasbe.support.storage import one_at_a_time

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture
def home(tmp_path, trained):
    """A DASBE_HOME with nothing but a shapes network."""
    folder = tmp_path / "home"
    save_network(folder / "tmp_net" / "shapes.pt", trained, {"recipe": {}})
    return folder


def run(home, *arguments, cwd=None, bind=None, **variables):
    environment = {**os.environ, "DASBE_HOME": str(home), "PYTHONPATH": str(ROOT), **variables}
    command = [sys.executable, *map(str, arguments)]
    place = {"env": environment, "cwd": cwd or home, "preexec_fn": bind}
    return subprocess.run(command, **place, capture_output=True, text=True, timeout=300)


@pytest.fixture
def printed(home, monkeypatch, capsys):
    """`printed(name, *options)`: what a command prints that is run in this process."""

    def run_main(name, *options):
        monkeypatch.setenv("DASBE_HOME", str(home))
        monkeypatch.setattr(sys, "argv", [name, *map(str, options)])
        capsys.readouterr()
        main(name)
        return capsys.readouterr().out

    return run_main


EXAMPLE = ROOT / "dasbe_example.py"


def test_example_binds_an_image_of_the_users_own(home, tmp_path, shapes):
    Image.fromarray(255 * (1 - shapes[0][0])).convert("RGB").save(tmp_path / "mine.png")  # dark on white
    result = run(home, EXAMPLE, "--image", tmp_path / "mine.png", "--cycles", 12, "--out", tmp_path / "out")
    assert result.returncode == 0, result.stderr
    assert re.match(r"found ([2-5] objects|1 object)\n", result.stdout) and "time:" in result.stdout
    names = ["binding.gif", "decoded.png", "grouping.png", "raster.png"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == names
    for name in names:
        assert name in result.stdout
        with Image.open(tmp_path / "out" / name) as picture:
            assert len(np.unique(np.asarray(picture.convert("L")))) > 5  # not empty
            if name.endswith("gif"):
                assert picture.n_frames > 32 * 5 and picture.info["loop"] == 0


def test_example_writes_a_page_with_feedback_if_told(printed, home, tmp_path, shapes):
    Image.fromarray(255 * shapes[0][0]).save(tmp_path / "mine.png")
    options = ("--image", tmp_path / "mine.png", "--cycles", 2, "--groups", 2, "--html", "--out", tmp_path / "out")
    assert "binding.html" in printed("bind", *options)
    assert len(data_of(tmp_path / "out" / "binding.html")["feedback"]) == 2


def test_example_draws_the_same_in_any_environment(home, tmp_path, shapes):
    Image.fromarray(255 * shapes[0][0]).save(tmp_path / "mine.png")
    (tmp_path / "matplotlibrc").write_text("text.usetex: True\nfont.size: 20\nsavefig.transparent: True\n")
    folders = ("HOME", "XDG_CONFIG_HOME", "XDG_CACHE_HOME", "MPLCONFIGDIR", "NUMBA_CACHE_DIR", "TMPDIR")
    odd = dict.fromkeys(folders, str(tmp_path / "mine.png" / "folder"))  # which cannot be made
    odd |= {"MPLBACKEND": "none", "MATPLOTLIBRC": str(tmp_path), "PYTHONSAFEPATH": "1", "LC_ALL": "C"}
    for name, variables in (("usual", {}), ("odd", odd)):
        options = ("--image", tmp_path / "mine.png", "--cycles", 2, "--groups", 2, "--out", tmp_path / name)
        result = run(home, EXAMPLE, *options, **variables)
        assert result.returncode == 0 and result.stderr == "", (name, result.stderr)
        assert result.stdout.startswith("grouped into 1 object (number given)\n")
    for picture in (tmp_path / "usual").iterdir():
        assert (tmp_path / "odd" / picture.name).read_bytes() == picture.read_bytes(), picture.name


def test_example_refuses_bad_input(refused, home, tmp_path):
    Image.new("L", (20, 20), 255).save(tmp_path / "small.png")
    Image.new("L", (28, 28), 0).save(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("no image")
    (tmp_path / "net.pt").write_text("no network")
    assert "dataset 'circles' is unknown; choose one of bars" in refused(home, "bind", "--dataset", "circles")
    assert "network 'circles' is not there" in refused(home, "bind", "--network", "circles")
    assert "net.pt was not loaded" in refused(home, "bind", "--network", tmp_path / "net.pt")
    assert "is not there; give the path" in refused(home, "bind", "--image", tmp_path / "none.png")
    assert "is 20×20 pixels, but the network takes 28×28" in refused(home, "bind", "--image", tmp_path / "small.png")
    assert "has no ink" in refused(home, "bind", "--image", tmp_path / "empty.png")
    assert "not an image that can be read" in refused(home, "bind", "--image", tmp_path / "text.png")
    assert "--device 'tpu' is unknown" in refused(home, "bind", "--device", "tpu")
    assert not (home / "results").exists() and not (home / "tmp_data").exists()


def test_example_refuses_bad_numbers(refused, home, tmp_path, shapes):
    Image.fromarray(255 * shapes[0][0]).save(tmp_path / "mine.png")
    for option, value, line in (
        ("--delay", 0, "delay is 0; it must be a whole number of at least 1"),
        ("--refractory", -1, "--refractory is -1; it must be a whole number of at least 0"),
        ("--cycles", 0, "cycles is 0"),
        ("--groups", 999, "n_groups is"),
        ("--groups", 0, "--groups is 0; it must be a whole number of at least 1"),
    ):
        assert line in refused(home, "bind", "--image", tmp_path / "mine.png", option, value)


def test_a_damaged_dataset_is_named_and_made_again(refused, printed, home):
    (home / "tmp_data").mkdir()
    file = home / "tmp_data" / "bars.h5"
    file.write_bytes(b"\x89HDF\r\n\x1a\n half a file")
    line = refused(home, "datasets", "bars", "--verify")
    assert "bars.h5" in line and "damaged" in line and "python -m dasbe.datasets bars" in line
    assert "bars.h5" in refused(home, "train", "bars")
    result = run(home, "-m", "dasbe.datasets", "bars")
    assert result.returncode == 0 and "written" in result.stdout
    assert "complete, nothing to do" in printed("datasets", "bars")
    printed("datasets", "bars", "--verify")


def test_a_refusal_ends_with_status_2_and_one_line(home):
    result = run(home, EXAMPLE, "--delay", 0)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == "error: --delay is 0; it must be a whole number of at least 1\n"


TRAIN, HELDOUT, TABLE = "train", "heldout", "table1"
REFUSED = {
    ("bind", "--delay", 4294967296): "--delay is 4294967296; it must be a whole number of at most",
    ("bind", "--cycles", 10**26): "it must be a whole number of at most",
    ("bind", "--image", ""): "--image is empty; give it a value, or leave it out",
    ("bind", "--network", " "): "--network is empty",
    ("bind", "--image", "x.png", "--index", 5): "--image and --index are given together",
    ("bind", "--out", __file__): "is a file; name a folder",
    ("bind", "--dela", 3): "unrecognized arguments: --dela",
    ("bind", "--seed", "one"): "--seed is 'one'; it must be a whole number",
    (TRAIN, "bars", "--seed", 2**64): "--seed is 18446744073709551616; it must be a whole number of at most",
    (TRAIN, "bars", "--score-images", -1): "--score-images is -1; it must be a whole number of at least 0",
    (TRAIN, "bars", "bars"): "NAME names bars twice",
    (TRAIN, "bars", "--jobs", 0): "--jobs is 0; it must be a whole number",
    (TRAIN, "bars", "--latent", 5): "--latent is given without --data",
    (TRAIN, "bars", "--out", "net.pt"): "--out is net.pt; networks that are named are written to a folder",
    (TRAIN,): "NAME is missing, or --data",
    (TRAIN, "--data", "x.npz"): "--out is missing; with --data it is the file of the network, which ends in .pt",
    (TRAIN, "--data", "x.npz", "--out", "nets"): "--out is nets; with --data it is the file",
    (TRAIN, "bars", "--data", "x.npz", "--out", "net.pt"): "NAME and --data are given together",
    (TRAIN, "--data", "x.npz", "--out", "net.pt", "--jobs", 2): "--data and --jobs are given together",
    (
        TRAIN,
        "--data",
        "x.npz",
        "--out",
        "net.pt",
        "--corruption",
        0.5,
        1.5,
    ): "--corruption is 1.5; it must be a",
    (TRAIN, "--data", "x.npz", "--out", "net.pt", "--corruption", 0.8, 0.3): "corruption is (0.8, 0.3); it must be",
    (TRAIN, "--data", "x.npz", "--out", "net.pt", "--latent", 0): "--latent is 0; it must be a whole number",
    (HELDOUT, "--images", 60000): "--images is 60000; it must be a whole number of at most 54000",
    ("select", "bars", "--images", 0): "--images is 0",
    ("figure3", "--palette", "red"): "--palette 'red' is unknown; choose one of published",
    ("figure2", "--draw-only", "--seed", 3): "--draw-only and --seed are given together",
    (TABLE, "--quick", "--images", 2): "--quick and --images are given together",
    (TABLE, "--draw-only", "--images", 2): "--draw-only and --images are given together",
    (TABLE, "--seeds", 1, 1): "--seeds names 1 twice",
    (TABLE, "--images"): "--images: expected one argument",
    (TABLE, "--workers", 0): "--workers is 0; it must be a whole number",
    (TABLE, "--device", "cpu:5"): "--device 'cpu:5' is unknown; use cpu, cuda or cuda:N",
}


@pytest.mark.parametrize("line", REFUSED, ids=lambda line: " ".join(map(str, line))[:60])
def test_options_are_checked_before_any_work(refused, home, line):
    assert REFUSED[line] in refused(home, *line)
    assert not (home / "results").exists() and not (home / "tmp_data").exists()


@pytest.mark.parametrize("reserve", [np.empty, torch.empty], ids=["NumPy", "PyTorch"])
def test_want_of_memory_is_one_line(refused, home, monkeypatch, reserve):
    monkeypatch.setattr("dasbe.experiments.options.datasets", lambda program: reserve(10**15))
    assert "there is not enough memory" in refused(home, "datasets")


def test_other_commands_refuse_bad_input(refused, home):
    assert "dataset 'circles' is unknown" in refused(home, "datasets", "circles")
    assert "no dataset named" in refused(home, "datasets")
    assert "network 'circles' has no recipe" in refused(home, "train", "circles")
    assert "--epochs is 0; it must be a whole number of at least 1" in refused(home, "train", "bars", "--epochs", "0")
    assert "network 'circles' has no recipe" in refused(home, "heldout", "circles")


def test_a_folder_that_cannot_be_written_to_is_named_before_any_work(refused, home, monkeypatch, tmp_path):
    (home / "tmp_data").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    for line, folder, remedy in (
        (("bind",), "results/example", "--out DIR or DASBE_HOME"),
        (("bind", "--out", tmp_path / "own"), "own", "--out DIR"),
        (("figure3",), "results/figure3", "--out DIR or DASBE_HOME"),
        (("figure2", "--quick"), "results/figure2_quick", "--out DIR or DASBE_HOME"),
        ((TABLE, "--quick"), "results/table1_quick", "--out DIR or DASBE_HOME"),
        ((HELDOUT, "shapes"), "results/heldout", "DASBE_HOME"),
        (("select", "shapes"), "results/select/shapes", "DASBE_HOME"),
        ((TRAIN, "shapes", "--force"), "tmp_net", "--out DIR or DASBE_HOME"),
        (("datasets", "bars"), "tmp_data", "DASBE_HOME"),
    ):
        end = f"{folder} cannot be written to; name another one with {remedy}"
        assert refused(home, *line).endswith(end), line
    with one_at_a_time(home / "tmp_data" / "bars.h5"):  # it may be there, and complete
        pass
    assert not (home / "results").exists() and not list((home / "tmp_data").iterdir())


def test_a_read_only_home_is_named(home, bound_by_permissions):
    home.chmod(0o555)
    result = run(home, EXAMPLE, bind=bound_by_permissions)
    home.chmod(0o755)
    assert result.returncode == 2 and result.stdout == ""
    assert result.stderr == "error: folder results/example cannot be written to; name another one with " + (
        "--out DIR or DASBE_HOME\n"
    )


def test_import_from_any_directory(tmp_path, home):
    result = run(home, "-c", "import dasbe; print(dasbe.load_network('shapes').architecture)", cwd=tmp_path)
    assert result.returncode == 0 and "784–128" in result.stdout


def test_own_image_may_be_dark_on_light_or_light_on_dark(tmp_path, shapes):
    ink = shapes[0][1]
    for name, picture in (("light.png", 255 * ink), ("dark.png", 255 - 255 * ink)):
        Image.fromarray(picture.astype(np.uint8)).save(tmp_path / name)
        np.testing.assert_array_equal(load_image(tmp_path / name, (28, 28)), ink)
    transparent = np.zeros((28, 28, 4), np.uint8)
    transparent[ink == 1] = (0, 0, 0, 255)  # black ink on nothing
    Image.fromarray(transparent).save(tmp_path / "transparent.png")
    np.testing.assert_array_equal(load_image(tmp_path / "transparent.png", (28, 28)), ink)


@pytest.mark.slow
def test_held_out_binding_of_the_shipped_networks():
    """AMI of the first 200 held-out images, as the README's table has it for 1000."""
    from dasbe.evaluation.sweep import held_out_scores

    for name, least in (("bars", 0.985), ("corners", 0.87), ("shapes", 0.88)):
        network = dasbe.load_network(name)
        ensure_dataset(name)
        scores = held_out_scores([dasbe.systems.SYSTEMS["dasbe"]], network, name, 200)["dasbe"]
        assert scores[:, 0].mean() > least, name
