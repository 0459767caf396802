"""The comparison on the sets of others: its scores, its baselines, and its tables."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import dasbe
from dasbe.datasets import DATASETS, generate, make_dataset
from dasbe.datasets.catalogue import BENCHMARK_DATASETS
from dasbe.evaluation.tables import markdown
from dasbe.experiments import benchmarks
from dasbe.experiments.benchmarks import (
    SCORES,
    SETS,
    TABLES,
    benchmark_scores,
    compare,
    load_set,
    network_of,
    settings_on,
    table_of,
)
from dasbe.support import checks
from dasbe.systems import SYSTEMS
from dasbe.train.recipes import SceneRecipe

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"multi": 40, "validation": 2, "test": 4, "single": 30}


def sizes_of(name):
    return {key: count for key, count in SIZES.items() if key in DATASETS[name].sizes}


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A DASBE_HOME in which datasets are small, and networks soon trained."""
    monkeypatch.setenv("DASBE_HOME", str(tmp_path))
    for name in ("tetrominoes", "akorn_shapes"):
        make_dataset(name, tmp_path / "tmp_data", sizes_of(name), progress=False)
    monkeypatch.setattr(benchmarks, "ensure_dataset", lambda name: None)
    monkeypatch.setattr(benchmarks, "SCENES", 40)
    monkeypatch.setattr(benchmarks, "RECIPE", replace(benchmarks.RECIPE, epochs=1, latent=8, batch=8))
    tiny = SceneRecipe(latent=8, first_steps=2, rounds=1, steps=2, scenes_a_round=20, least_pixels=1)
    monkeypatch.setattr(benchmarks, "SCENE_RECIPE", tiny)
    return tmp_path


def test_every_set_has_what_it_takes():
    assert tuple(SETS) == BENCHMARK_DATASETS
    for name, known in SETS.items():
        assert known.network in (None, "shapes", *SETS) and known.published == tuple(known.published)
        if known.network is None:
            assert "single" in DATASETS[name].sizes


def test_scores_leave_out_what_nobody_can_tell():
    groups = np.zeros((1, 4, 4), np.int64)
    groups[0, 0], groups[0, 1], groups[0, 2, 0] = 1, 2, -1
    labels = np.maximum(groups, 0)
    np.testing.assert_allclose(benchmark_scores(None, groups, labels), [[1, 1, 1, 1, 1]])
    labels[0, 2, 0] = 7  # of the pixel that is left out, so only the number is wrong
    np.testing.assert_allclose(benchmark_scores(None, groups, labels), [[1, 1, 1, 1, 0]])
    labels[0, 3] = 2  # ground that is given to an object costs no FG-ARI
    scores = dict(zip(SCORES, benchmark_scores(None, groups, labels)[0]))
    assert scores["FG-ARI"] == 1 and scores["ARI"] < 0.8 and scores["mBO"] < 0.8


@pytest.mark.parametrize(
    "name, system, least, most",
    [
        ("shapes_own_colours", "colours", 0.98, 1),
        ("shapes_one_colour", "colours", -0.1, 0.1),
        ("shapes_own_colours", "colour_components", 0.9, 1),
        ("shapes_one_colour", "colour_components", 0, 0.8),
        ("shapes_own_colours", "colours_and_coordinates", 0.9, 1),
    ],
)
def test_baselines_see_colour_where_there_is_any(name, system, least, most):
    arrays = dict(generate(name, sizes_of(name) | {"test": 12}))["test"]
    chosen, settings = SYSTEMS[system], settings_on(name, SYSTEMS[system])
    told = arrays["groups"].max((1, 2)).astype(int)
    labels = chosen.segment(arrays["default"], settings=settings, n_objects=told)
    score = np.nanmean(dasbe.ari(arrays["groups"], labels))
    assert least <= score <= most, score
    assert not labels[arrays["ground"] == 1].any()


@pytest.mark.parametrize("system", ["coordinates", "components"])
def test_baselines_without_colour_group_the_ink(system):
    arrays = dict(generate("shapes_on_colour", sizes_of("shapes_on_colour")))["test"]
    chosen, told = SYSTEMS[system], arrays["groups"].max((1, 2)).astype(int)
    in_colour = chosen.segment(arrays["default"], settings=chosen.settings(), n_objects=told)
    binary = chosen.segment(1 - arrays["ground"], settings=chosen.settings(), n_objects=told)
    np.testing.assert_array_equal(in_colour, binary)


def test_components_end_where_colours_are_no_longer_alike():
    image = np.zeros((1, 3, 4, 8), np.float32)
    image[0, 0, 1:3, 1:7] = [0.5, 0.56, 0.62, 0.74, 0.8, 0.86]  # steps of 0.06, and one of 0.12
    for likeness, expected in ((0.05, 6), (0.1, 2), (0.13, 1)):
        settings = SYSTEMS["colour_components"].settings(likeness=likeness, ground="none")
        assert dasbe.n_found(dasbe.segment(image, system="colour_components", settings=settings)) == expected


def test_networks_are_trained_once(home, monkeypatch, capsys):
    first = network_of("tetrominoes", "single objects", 1, home / "networks", "cpu")
    assert "trained on single objects" in capsys.readouterr().out
    monkeypatch.setattr(benchmarks, "train_network", None)
    again = network_of("tetrominoes", "single objects", 1, home / "networks", "cpu")
    assert capsys.readouterr().out == "" and dasbe.ann.weights.weights_hash(first) == dasbe.ann.weights.weights_hash(
        again
    )
    assert sorted(path.suffix for path in (home / "networks").glob("t*")) == [".json", ".pt"]


def test_tables_are_made_and_made_again(home, capsys):
    options = {"sets": ["akorn_shapes", "tetrominoes"], "images": 3, "seeds": [1, 2], "out": home / "out"}
    compare(**options)
    shown = capsys.readouterr()
    table = pd.read_csv(home / "out" / "benchmarks.csv")
    assert (table.images == 3).all() and set(table.trained_on) == {"nothing", "single objects", "scenes"}
    assert len(table) == (2 + 2 * 2 + 2) + (5 + 2 * 2)  # baselines, two systems and two networks, from scenes
    text = (home / "out" / "benchmarks.md").read_text(encoding="utf-8")
    assert text.count("|---") and "OrthoRF 83.3" in text and "±" in text and "k-means on colours" in shown.out
    compare(**options)
    again = pd.read_csv(home / "out" / "benchmarks.csv")
    pd.testing.assert_frame_equal(table, again)
    assert capsys.readouterr().err.count("are in") == 5 + 3  # all of it was taken from the store


def test_the_page_has_the_tables_of_its_csv():
    frame = pd.read_csv(ROOT / "docs" / "benchmarks.csv")
    text = (ROOT / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert set(frame["set"]) == {*SETS} and (frame["images"] == 1000).all()
    for score in TABLES:
        assert markdown(table_of(frame, score)) in text
    assert markdown(benchmarks.published_scores()) in text


def test_pixels_that_nobody_can_tell_are_marked(home):
    images, groups = load_set("akorn_shapes", "test", 4)
    assert images.shape == groups.shape == (4, 40, 40) and groups.min() == -1
    assert (images[groups == -1] == 255).all() and (images[groups == 0] < 255).all()
    assert checks.pictures(images).dtype == np.float32
