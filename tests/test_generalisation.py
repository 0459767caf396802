"""Where binding breaks: the scenes of each condition, what is scored, and the command."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

import dasbe
from dasbe.datasets import generate, make_dataset
from dasbe.datasets.variations import cluttered, overlap, scenes_of
from dasbe.experiments import generalisation
from dasbe.support.commands import main
from dasbe.support.storage import load_arrays

ROOT = Path(__file__).resolve().parent.parent


class TestScenes:
    @pytest.mark.parametrize("dataset, n_objects", [("shapes", 3), ("corners", 5)])
    def test_of_as_many_objects_they_are_those_of_the_dataset(self, dataset, n_objects):
        sizes = {"multi": 2000, "test": 1, "single": 7}
        published = next(generate(dataset, sizes))[1]
        images, groups = scenes_of(dataset, n_objects, 2000, seed=1)
        assert images.dtype == groups.dtype == np.uint8 and not groups[images == 0].any()
        assert np.abs(images.mean(0) - published["default"].mean(0)).max() < 4.5 * np.sqrt(2 * 0.25 / 2000)
        shares = [overlap(images, groups).mean(), overlap(*published.values()).mean()]
        assert shares[0] == pytest.approx(shares[1], abs=0.01)

    def test_the_first_object_of_corners_is_the_square(self):
        for n_objects in (1, 4):
            images, groups = scenes_of("corners", n_objects, 60, seed=0)
            alone = overlap(images, groups) == 0
            sizes = [np.bincount(g.ravel(), minlength=n_objects + 1)[1:].tolist() for g in groups[alone]]
            assert sizes and all(size == [64] + (n_objects - 1) * [16] for size in sizes)

    def test_they_depend_on_seed_and_number(self):
        first = scenes_of("shapes", 4, 9, seed=2)[1]
        np.testing.assert_array_equal(first, scenes_of("shapes", 4, 9, seed=2)[1])
        assert (first != scenes_of("shapes", 4, 9, seed=3)[1]).any() and first.max() == 4

    @pytest.mark.parametrize("dataset, pixels", [("multi_mnist", 48), ("mnist_shape", 28)])
    def test_digits(self, dataset, pixels):
        try:
            images, groups = scenes_of(dataset, 6, 5, seed=0)
        except dasbe.MissingFileError:
            pytest.skip("there are no digits")
        assert images.shape == (5, pixels, pixels) and groups.max() == 6

    def test_other_datasets_have_none(self):
        with pytest.raises(dasbe.InputError, match="dataset 'bars' is unknown; choose one of shapes"):
            scenes_of("bars", 3, 1, seed=0)


def test_clutter_switches_so_many_pixels_and_takes_them_out_of_the_score(shapes):
    images, groups = shapes
    np.testing.assert_array_equal(cluttered(images, groups, 0.0, seed=1), (images, groups))
    before = np.zeros(images.shape, bool)
    for part in (0.02, 0.1):
        noisy, scored = cluttered(images, groups, part, seed=1)
        switched = noisy != images
        assert switched.mean() == pytest.approx(part, abs=0.005) and (switched >= before).all()
        assert switched[images == 1].any() and switched[images == 0].any()
        np.testing.assert_array_equal(scored, np.where(switched, 0, groups))
        assert noisy[scored > 0].all()  # what is scored has ink
        before = switched


def test_overlap_is_a_share_of_the_ink():
    groups = np.array([[[1, 1, 0, 0], [0, 2, 2, 0]]])
    images = np.array([[[1, 1, 1, 0], [0, 1, 1, 0]]])
    assert overlap(images, groups).tolist() == [0.2]


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A DASBE_HOME with a small dataset and the networks of the repository."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "tmp_net").symlink_to(ROOT / "tmp_net")
    make_dataset("corners", folder / "tmp_data", {"multi": 1, "test": 60, "single": 7}, progress=False)
    return folder


@pytest.fixture
def run(home, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(home))
    monkeypatch.chdir(home)
    monkeypatch.setattr(generalisation, "ensure_datasets", lambda names: None)
    for name, values in (("NUMBERS", (1, 3)), ("NUMBERS_TOLD", (2, 5)), ("SWITCHED", (0.0, 0.1))):
        monkeypatch.setattr(generalisation, name, values)

    def run_main(*options):
        monkeypatch.setattr(sys, "argv", ["generalisation", *map(str, options)])
        main("generalisation")
        return load_arrays(home / "results" / "generalisation" / "arrays.npz", "")

    return run_main


SYSTEMS = ("dasbe", "dasbe_counting", "rc", "competing_phases", "competing_phases_counting")
OPTIONS = ("--datasets", "corners", "--images", 6, "--systems", *SYSTEMS)


def test_command_scores_every_condition_and_goes_on_where_it_was(run, home, monkeypatch):
    a = run(*OPTIONS)
    assert a["systems"].tolist() == [*SYSTEMS] and a["counts"].tolist() == [False, True, False, False, True]
    assert json.loads(str(a["made"]))["parameters"]["images"] == 6
    for condition, x in (("objects", [1, 3]), ("told", [2, 5]), ("clutter", [0, 0.1])):
        assert a[f"corners/{condition}/x"].tolist() == x
        assert a[f"corners/{condition}/ami"].shape == a[f"corners/{condition}/found"].shape == (5, 2, 6)
    ami, found = a["corners/told/ami"], a["corners/told/found"]
    assert (found[[2, 3], 0] == 2).all() and found[2, 1].max() == 5  # told two, and five
    np.testing.assert_array_equal(ami[[1, 4], 0], ami[[1, 4], 1])  # told nothing
    assert (ami[[0, 2, 3], 1].mean(1) > ami[[0, 2, 3], 0].mean(1) + 0.05).all()
    clean = a["corners/clutter/ami"]
    np.testing.assert_array_equal(clean[[0, 1, 2], 0], ami[[0, 1, 2], 1])  # the same images, told the right number
    assert (clean[:, 0].mean(1) > 0.8).all() and clean[:, 1].mean() < clean[:, 0].mean()
    assert (a["corners/objects/found"][4] == [[1], [3]]).mean() > 0.7
    share, ami = a["corners/overlap/overlap"], a["corners/overlap/ami"]
    np.testing.assert_allclose(np.nanmean(share, 1), a["corners/overlap/x"], rtol=1e-6)
    assert share[0].max() == 0 and 0 < np.nanmin(share[1]) and np.nanmax(share[1]) <= 0.05
    np.testing.assert_array_equal(np.isnan(ami[0]), np.isnan(share))  # some bins have fewer images

    picture = home / "results" / "generalisation" / "generalisation.png"
    picture.unlink()
    monkeypatch.setattr("dasbe.evaluation.sweep.Task.computed", lambda *arguments: pytest.fail("computed again"))
    for name, values in run(*OPTIONS).items():
        if name != "made":
            np.testing.assert_array_equal(values, a[name])
    assert picture.stat().st_size > 10000
    picture.unlink()
    run("--draw-only")
    assert picture.is_file()


def test_picture_has_a_row_for_each_condition(rng):
    systems = ["dasbe", "dasbe_counting", "floor"]
    a = {"systems": np.array(systems), "titles": np.array([name.upper() for name in systems])}
    a |= {"counts": np.array([False, True, False]), "datasets": np.array(["x", "y"]), "n_objects": np.array([3, 2])}
    for dataset in ("x", "y"):
        for condition, x in (("objects", [1, 2]), ("told", [2, 3]), ("clutter", [0, 0.1]), ("overlap", [0, 0.2])):
            a[f"{dataset}/{condition}/x"] = np.array(x)
            a[f"{dataset}/{condition}/ami"] = rng.random((3, 2, 7))
            a[f"{dataset}/{condition}/found"] = rng.integers(1, 4, (3, 2, 7)).astype(float)
    a["x/overlap/ami"][:, 1, 4:] = np.nan
    figure = generalisation.draw(a)
    panels = np.array(figure.axes).reshape(5, 2)
    curve = panels[4, 0].lines[2]
    np.testing.assert_allclose(curve.get_xdata(), [0, 20])
    np.testing.assert_allclose(curve.get_ydata(), 100 * np.nanmean(a["x/overlap/ami"][2], 1))
    counted = [line for line in panels[1, 1].lines if line.get_linestyle() == "--"]
    assert len(counted) == 1 and len(panels[0, 0].lines) == 3
    np.testing.assert_allclose(counted[0].get_ydata(), a["y/objects/found"][1].mean(1))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["DASBE", "DASBE_COUNTING", "FLOOR"]


def test_command_refuses_in_one_line(refused, home):
    for options, line in (
        (("--systems", "magic"), "system 'magic' is unknown; choose one of coordinates, components, colours"),
        (("--datasets", "bars"), "dataset 'bars' is unknown; choose one of shapes"),
        (("--systems", "rc", "rc"), "--systems names rc twice"),
        (("--quick", "--images", 3), "--quick and --images are given together"),
        (("--draw-only", "--seed", 3), "--draw-only and --seed are given together"),
        (("--draw-only", "--out", home / "none"), "make it with: python -m dasbe.experiments.generalisation"),
    ):
        assert line in refused(home, "generalisation", *options)
