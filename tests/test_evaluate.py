"""Images of one's own: one call for many of them, and scores that go on where they were."""

import csv
import importlib
import os
import subprocess
import sys
import threading
import types
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import dasbe
from dasbe.ann.weights import save_network
from dasbe.datasets import make_dataset
from dasbe.evaluation import segment as evaluation
from dasbe.evaluation import sweep as of_units
from dasbe.support.published import HELD_OUT_START, DatasetSettings
from dasbe.support.workers import computed_on, n_threads
from dasbe.systems import SYSTEMS, base, reconstruction_clustering
from dasbe.train.networks import held_out_ami

ROOT = Path(__file__).resolve().parent.parent
TIMING = {"delay": 20, "refractory": 5, "cycles": 12}
ALL = {"settings": DatasetSettings(20, 5, 3), "cycles": 12}


@pytest.fixture
def chunks(monkeypatch):
    """`chunks(n)`: images are taken about n at a time."""

    def set_to(n_images):
        monkeypatch.setattr(base, "CHUNK_PIXELS", 130 * n_images // torch.get_num_threads())  # of about 130 an image

    return set_to


# one call for many images


def test_one_call_gives_what_bind_and_group_give(shapes, trained, chunks):
    images, n_objects = shapes[0][:12], shapes[1][:12].max((1, 2)).astype(int)
    run = dasbe.bind(images, trained, **TIMING, seed=3)
    expected = dasbe.group(run, n_objects + 1, seed=3)
    for n in (1, 5, 100):
        chunks(n)
        labels, spikes = dasbe.segment(images, trained, n_objects=n_objects, **TIMING, seed=3, spikes=True)
        np.testing.assert_array_equal(labels, expected)
        np.testing.assert_array_equal(spikes.to_images(), run.spikes[:, -20:])


@pytest.mark.parametrize("system", SYSTEMS)
def test_labels_of_all_systems_are_the_same_in_any_chunks(shapes, trained, chunks, system):
    images, options = shapes[0][:10], {"n_objects": [2, 3] * 5, "indices": range(5, 15), "seed": 3, **ALL}
    options["cycles"] = 12 if "cycles" in SYSTEMS[system].settings._fields else None
    expected = dasbe.segment(images, trained, system, **options)
    assert expected.any() and not expected[images == 0].any()
    chunks(3)
    np.testing.assert_array_equal(dasbe.segment(images, trained, SYSTEMS[system], **options), expected)


def test_only_a_chunk_is_held_in_memory(shapes, trained, chunks, monkeypatch):
    sizes = []

    def record(images, *arguments, original=SYSTEMS["dasbe"].record, **more):
        trains = original(images, *arguments, **more)
        sizes.append(trains.values.shape[:2])
        return trains

    chunks(4)
    system = replace(SYSTEMS["dasbe"], record=record)
    dasbe.segment(shapes[0], trained, system, n_objects=3, **TIMING)
    assert len(sizes) >= 10 and max(sizes) <= (6, 10) and sum(n for n, _ in sizes) == len(shapes[0])


def test_each_image_may_have_refractory_times_of_its_own(shapes, trained, chunks):
    images, times = shapes[0][:6], np.arange(6)[:, None, None] + np.full((6, 28, 28), 3)
    settings = SYSTEMS["dasbe"].settings(20, times, 12)
    chunks(2)
    labels = dasbe.segment(images, trained, n_objects=3, settings=settings, seed=1)
    run = dasbe.bind(images, trained, delay=20, refractory=times, cycles=12, seed=1)
    np.testing.assert_array_equal(labels, dasbe.group(run, 4, seed=1))
    with pytest.raises(dasbe.InputError, match=r"refractory has shape \(6, 28, 28\), but there are 5 images"):
        dasbe.segment(images[:5], trained, n_objects=3, settings=settings)


def test_settings_may_be_given_in_four_ways(shapes, trained):
    images, own = shapes[0][:2], SYSTEMS["dasbe"].settings
    expected = dasbe.segment(images, trained, n_objects=3, settings=own(32, 9, 12))
    for given in (
        {"delay": 32, "refractory": 9, "cycles": 12},
        {"settings": "shapes", "cycles": 12},
        {"settings": DatasetSettings(32, 9, 3), "cycles": 12},
        {"settings": own(31, 9), "delay": 32, "cycles": 12},
    ):
        np.testing.assert_array_equal(dasbe.segment(images, trained, n_objects=3, **given), expected)


def test_reconstruction_clustering_is_told_the_number_of_each_image(shapes, trained):
    labels = dasbe.segment(shapes[0][:4], trained, "rc", n_objects=[0, 1, 2, 3])
    assert dasbe.n_found(labels).tolist() == [1, 1, 2, 3]
    published = dasbe.segment(shapes[0][:4], trained, "rc", n_objects=[0, 1, 2, 3], settings="shapes")
    np.testing.assert_array_equal(published, dasbe.segment(shapes[0][:4], trained, "rc", n_objects=3))


def test_held_out_images_are_scored_by_both_normalisations(shapes, trained, monkeypatch):
    (images, groups), first = shapes, HELD_OUT_START

    def load_dataset(name, split, start, stop):
        return images[start - first : stop - first], groups[start - first : stop - first]

    computed = of_units.Task.computed
    sizes = []
    monkeypatch.setattr(of_units.Task, "computed", lambda task, device: sizes.append(len(task.unit)) or computed(task))
    monkeypatch.setattr(
        of_units.tasks_on_dataset, "__kwdefaults__", of_units.tasks_on_dataset.__kwdefaults__ | {"size": 5}
    )
    monkeypatch.setattr(of_units, "load_dataset", load_dataset)
    scores = of_units.held_out_scores([SYSTEMS["rc"]], trained, "shapes", 8, seed=3)["rc"]
    assert sizes == [5, 3]
    options = {"settings": "shapes", "n_objects": 3, "seed": 3, "indices": range(first, first + 8)}
    labels = dasbe.segment(images[:8], trained, "rc", **options)
    expected = np.stack([dasbe.ami(groups[:8], labels, by) for by in ("arithmetic", "max")], axis=1)
    np.testing.assert_array_equal(scores, expected)
    score = held_out_ami(trained, "rc", "shapes", 8, "cpu")
    assert score["mean_by_larger_entropy"] < score["mean"]


def test_who_is_not_told_the_number_counts(shapes, trained, monkeypatch):
    """The number of groups that the readout is asked for, and who has to be told."""
    asked = []

    def group(trains, n_groups, **_):
        asked.append(n_groups if n_groups is None else n_groups.tolist())
        return np.zeros(shapes[0][:2].shape, np.int64)

    monkeypatch.setattr(base, "group", group)
    for system in ("dasbe", "pure_snn"):
        dasbe.segment(shapes[0][:2], trained, system, settings="shapes")
        dasbe.segment(shapes[0][:2], trained, system, settings="shapes", n_objects=[2, 3])
    assert asked == 2 * [None, [3, 4]]
    for system in ("pure_ann", "rc", "rc_own"):
        with pytest.raises(dasbe.InputError, match="n_objects is None, but .* needs the number of objects"):
            dasbe.segment(shapes[0][:2], trained, system, settings="shapes")


def nowhere_else(monkeypatch):
    """A network whose class no other process can import, as one of a notebook."""
    notebook = types.ModuleType("of_a_notebook")
    exec("class Net:\n    def __call__(self, x): return 0.3 * x", notebook.__dict__)
    monkeypatch.setitem(sys.modules, "of_a_notebook", notebook)
    return notebook.Net()


def test_an_asynchronous_client_and_workers_that_die_are_named():
    distributed = pytest.importorskip("distributed")

    class Waiting(distributed.Client):
        status, asynchronous = "running", True

        def __init__(self):
            pass

        def __del__(self):
            pass

    with pytest.raises(dasbe.InputError, match="client is asynchronous; give one that"):
        n_threads(Waiting())

    class Dying:
        def submit(self, *_, **__):
            return types.SimpleNamespace(exception=lambda: None)

        def map(self, *_, **__):
            raise distributed.KilledWorker("task", None, 3)

    with pytest.raises(dasbe.InputError, match=r"\(KilledWorker\), as they do for want of memory: give each more"):
        next(computed_on(Dying(), len, [[1]]))
    with pytest.raises(dasbe.InputError, match="cannot be sent to workers .*lock.*; leave client out"):
        next(computed_on(Dying(), len, [threading.Lock()]))


def test_a_cluster_gives_the_same(shapes, trained, monkeypatch):
    distributed = pytest.importorskip("distributed")
    options = {"n_objects": 3, **TIMING, "seed": 1, "spikes": True}
    expected, spikes = dasbe.segment(shapes[0], trained, **options)
    with (
        distributed.LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
        distributed.Client(cluster) as client,
    ):
        labels, found = dasbe.segment(shapes[0], trained, **options, client=client)
        assert len(base.blocks_of(shapes[0], 1, int(shapes[0].sum()) // 8 + 1)) == 8  # there was something to spread
        with pytest.raises(dasbe.InputError, match="network does not take images of 20×20"):
            dasbe.segment(shapes[0][:, :20, :20], trained, **options, client=client)
        made_here = nowhere_else(monkeypatch)
        with pytest.raises(dasbe.InputError, match="made by workers .*No module named 'of_a_notebook'"):
            dasbe.segment(shapes[0], made_here, **options, client=client)
    with pytest.raises(dasbe.InputError, match="client is closed; give one that is connected"):
        dasbe.segment(shapes[0], trained, **options, client=client)
    np.testing.assert_array_equal(labels, expected)
    np.testing.assert_array_equal(found.values, spikes.values)


# scores


def test_scores_are_those_of_the_single_calls(shapes, trained):
    images, groups = shapes[0][:10], shapes[1][:10]
    scores = dasbe.evaluate(images, groups, trained, ("dasbe", "rc"), seeds=(1, 2), **TIMING)
    n_objects = groups.max((1, 2)).astype(int)
    for row, seed in enumerate((1, 2)):
        labels = dasbe.segment(images, trained, n_objects=n_objects, **TIMING, seed=seed)
        np.testing.assert_array_equal(scores.scores["dasbe"]["ami"][row], dasbe.ami(groups, labels))
        np.testing.assert_array_equal(scores.scores["dasbe"]["ari"][row], dasbe.ari(groups, labels))
        np.testing.assert_array_equal(scores.scores["dasbe"]["mbo"][row], dasbe.mbo(groups, labels, images))
        np.testing.assert_array_equal(scores.scores["dasbe"]["found"][row], dasbe.n_found(labels))
    means = 100 * scores.scores["rc"]["ami"].mean(1)
    assert scores.summary("rc", "ami") == pytest.approx((means.mean(), means.std(ddof=1)))
    exact = 100 * (scores.scores["rc"]["found"] == n_objects).mean(1)
    assert scores.summary("rc", "right") == pytest.approx((exact.mean(), exact.std(ddof=1)))


def test_systems_may_be_told_a_wrong_number(shapes, trained, tmp_path):
    images, groups, options = shapes[0][:6], shapes[1][:6], {"cycles": 12, "settings": DatasetSettings(20, 5, 3)}
    systems = {"dasbe": None, "rc": reconstruction_clustering.Settings()}
    found = {}
    for system, settings in systems.items():
        given = options if settings is None else {"settings": settings}
        for told in (1, 5, "true", None) if system == "dasbe" else (1, 5, "true"):
            scores = dasbe.evaluate(images, groups, trained, system, n_objects=told, store=tmp_path, **given)
            found[system, told] = scores.scores[system]["found"][0]
            n_objects = groups.max((1, 2)).astype(int) if told == "true" else told
            labels = dasbe.segment(images, trained, system, n_objects=n_objects, seed=111, **given)
            np.testing.assert_array_equal(found[system, told], dasbe.n_found(labels))
    assert (found["rc", 1] == 1).all() and (found["rc", 5] > 3).all() and (found["dasbe", 5] > 3).all()


def test_tables_and_files_hold_the_scores(shapes, trained, tmp_path):
    scores = dasbe.evaluate(shapes[0][:5], shapes[1][:5], trained, seeds=(1, 2), **TIMING)
    written = f"{scores.summary('dasbe', 'ami')[0]:.1f} ± {scores.summary('dasbe', 'ami')[1]:.2f}"
    assert written in repr(scores) and repr(scores).startswith("5 images, 2 seeds\n")
    assert f"| DASBE | {written} |" in scores.to_markdown() and written.replace("±", r"\pm") in scores.to_latex()
    assert all(path.is_file() for path in scores.save(tmp_path))
    with open(tmp_path / "scores.csv", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    assert [(line["system"], line["seed"], line["image"]) for line in lines] == [
        ("dasbe", str(seed), str(image)) for seed in (1, 2) for image in range(5)
    ]
    frame = scores.to_frame()
    assert [*frame] == ["system", "seed", "image", "objects", "ami", "ari", "mbo", "found"] and len(frame) == 10
    assert 100 * frame.groupby("seed")["ami"].mean().mean() == pytest.approx(scores.summary("dasbe", "ami")[0])
    for name in ("ami", "ari", "mbo", "found"):
        in_file = np.array([float(line[name]) for line in lines]).reshape(2, 5)
        np.testing.assert_allclose(in_file, scores.scores["dasbe"][name], rtol=1e-5)


def test_titles_are_escaped(shapes, trained):
    system = replace(SYSTEMS["dasbe"], name="own", title="a|b <i>_50 %")
    scores = dasbe.evaluate(shapes[0][:2], shapes[1][:2], trained, system, seeds=1, **TIMING)
    assert r"| a\|b &lt;i>_50 % |" in scores.to_markdown() and r"a|b <i>\_50 \% &" in scores.to_latex()


@pytest.mark.parametrize("name", ["../../x", "a/b", "", "a b", None])
def test_a_system_is_called_by_a_word(name):
    with pytest.raises(dasbe.InputError, match="name is .*; it must be one word, as it also names files"):
        replace(SYSTEMS["dasbe"], name=name)


@pytest.mark.parametrize("call", ["evaluate", "suggest_timing"])
def test_class_numbers_are_not_taken_for_numbers_of_objects(shapes, trained, call):
    images, groups = shapes[0][:8], shapes[1][:8].astype(int)
    classes = np.array([[1, 4, 7], [2, 5, 3], [6, 1, 8]])[np.arange(8) % 3]
    given = np.where(
        groups > 0, np.take_along_axis(classes, (groups.reshape(8, -1) - 1) % 3, 1).reshape(groups.shape), 0
    )
    options = {"settings": "shapes"} if call == "evaluate" else {}
    with pytest.raises(
        dasbe.InputError, match="groups skip numbers in .* of 8 images .image 0 has 1, 4, 7., as class num"
    ):
        getattr(dasbe, call)(images, network=trained, groups=given, **options)


def test_how_often_the_number_is_right_is_shown_of_those_who_find_it(shapes, trained):
    some = partial(dasbe.evaluate, shapes[0][:3], shapes[1][:3], trained, **ALL)
    scores = some(systems=("dasbe", "competing_phases", "competing_phases_counting"))
    assert scores.told == ("dasbe", "competing_phases")
    right = f"{scores.summary('competing_phases_counting', 'right')[0]:.1f}"
    for table in (repr(scores), scores.to_markdown(), scores.to_latex()):
        rows = [line for line in table.splitlines() if line.strip("| ").startswith(("DASBE", "Competing"))]
        assert [row.rstrip("| \\").split()[-1].strip("$") for row in rows] == ["–", "–", right]
    assert some(n_objects=None).told == () and "–" not in repr(some(n_objects=None))


@pytest.fixture
def computed(monkeypatch):
    """(system, seed, first image) of the units that are computed from now on; at most `computed.most` of them."""

    class Computed(list):
        most = 1000

    units = Computed()

    def compute(task, device, original=of_units.Task.computed):
        if len(units) == units.most:
            raise KeyboardInterrupt
        units.append((task.unit.system, task.unit.seed, task.unit.start))
        return original(task, device)

    monkeypatch.setattr(of_units.Task, "computed", compute)
    monkeypatch.setattr(of_units, "UNIT_IMAGES", 4)
    return units


def test_scores_go_on_where_they_were(shapes, trained, tmp_path, computed):
    images, groups, options = shapes[0][:10], shapes[1][:10], {**TIMING, "seeds": (1, 2)}
    expected = dasbe.evaluate(images, groups, trained, **options).scores["dasbe"]
    computed.clear()
    options["store"] = tmp_path / "store"
    computed.most = 4
    with pytest.raises(KeyboardInterrupt):
        dasbe.evaluate(images, groups, trained, **options)
    computed.most = 1000
    scores = dasbe.evaluate(images, groups, trained, **options).scores["dasbe"]
    assert len(computed) == len(set(computed)) == 6  # each once
    np.testing.assert_equal(scores, expected)
    computed.clear()
    dasbe.evaluate(shapes[0][:12], shapes[1][:12], trained, ("dasbe", "rc"), **{**options, "seeds": (2, 3)})
    assert [unit for unit in computed if unit[0] == "dasbe"] == [("dasbe", 3, 0), ("dasbe", 3, 4)] + [
        ("dasbe", 2, 8),
        ("dasbe", 3, 8),
    ]


def test_a_result_made_otherwise_is_computed_again(shapes, trained, random_network, tmp_path, computed):
    images, groups, options = shapes[0][:6].copy(), shapes[1][:6], {**TIMING, "store": tmp_path / "store"}
    dasbe.evaluate(images, groups, trained, **options)
    images[5, 0, 0] ^= 1
    for changed, words in (
        ({}, "was made with data .*…, not .*…: computed again .1 such"),
        ({"network": random_network()}, "was made with another network .*: computed again .2 such"),
        ({"refractory": 4}, "was made with network .*…, not .*…; settings .*'refractory': 5.*, not .*'refractory': 4"),
        ({"n_objects": "true", "groups": np.minimum(groups, 2)}, "was made with data"),
    ):
        with pytest.warns(UserWarning, match=words):
            dasbe.evaluate(**{"images": images, "groups": groups, "network": trained, **options, **changed})


class Scaled(nn.Module):
    """A network whose layers do not show how much of its input it takes."""

    def __init__(self, network, scale):
        super().__init__()
        self.network, self.scale = network, scale

    def forward(self, x):
        return self.scale * self.network(x)[0]


def test_weights_are_not_all_that_a_network_is(shapes, trained, tmp_path, capsys):
    images, groups, options = shapes[0][:6], shapes[1][:6], {**TIMING, "store": tmp_path / "store"}
    first = dasbe.evaluate(images, groups, Scaled(trained, 1.0), **options).scores["dasbe"]["ami"]
    assert "images are in" not in capsys.readouterr().err
    again = dasbe.evaluate(images, groups, Scaled(trained, 1.0), **options).scores["dasbe"]["ami"]
    assert f"6 of 6 images are in {tmp_path / 'store'} already (dasbe {dasbe.__version__})" in capsys.readouterr().err
    np.testing.assert_array_equal(first, again)
    other = Scaled(trained, 0.02)
    with pytest.warns(UserWarning, match="was made with a network of the same weights that computes something else: "):
        scores = dasbe.evaluate(images, groups, other, **options).scores["dasbe"]["ami"]
    np.testing.assert_array_equal(scores, dasbe.evaluate(images, groups, other, **TIMING).scores["dasbe"]["ami"])
    assert scores.mean() < first.mean() - 0.3


OWN_SYSTEM = """
import helper
from typing import NamedTuple
from dasbe.systems import System

class Settings(NamedTuple):
    shift: int = 0

FACTOR = 1

def label(images, network, n_objects, settings, **streams):
    return helper.cut(images * FACTOR)

SYSTEM = System("halves", "halves", "nothing", "nothing", "nothing", None, Settings, label=label, can_count=True)
"""
HELPER = """
def cut(images):
    return images.cumsum(1) // 3 % 2 * images + images
"""


def test_the_code_of_a_system_of_ones_own_is_part_of_what_is_stored(shapes, tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    images, groups = shapes[0][:4], shapes[1][:4]

    def evaluated(system=OWN_SYSTEM, helper=HELPER):
        (tmp_path / "halves.py").write_text(system)
        (tmp_path / "helper.py").write_text(helper)
        for name in ("halves", "helper"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        system = importlib.import_module("halves").SYSTEM
        return dasbe.evaluate(images, groups, systems=system, store=tmp_path / "store")

    evaluated()
    evaluated(OWN_SYSTEM.replace("def label", "# a remark\ndef label"))
    assert "4 of 4 images are in" in capsys.readouterr().err
    for changed in (
        {"system": OWN_SYSTEM.replace("FACTOR = 1", "FACTOR = 2")},
        {"helper": HELPER.replace("// 3", "// 4")},
        {"system": OWN_SYSTEM.replace("cut(images", "cut(2 * images")},
    ):
        with pytest.warns(UserWarning, match="was made with other code of this system: computed again"):
            evaluated(**changed)


OBJECT = """
from typing import NamedTuple
from dasbe.systems import System

class Settings(NamedTuple):
    shift: int = 0

class Cut:
    every = 3

    @property
    def height(self):
        return self.every + 0

    @staticmethod
    def turned(images):
        return images.cumsum(1)

    def __call__(self, images, network, n_objects, settings, **streams):
        assert isinstance(settings, Settings)
        return self.turned(images) // self.height % 2 * images + images

SYSTEM = System("cut", "cut", "nothing", "nothing", "nothing", None, Settings, label=Cut(), can_count=True)
"""


def test_the_code_of_an_object_and_of_its_class_is_followed(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def hash_of(text):
        (tmp_path / "cut_system.py").write_text(text)
        sys.modules.pop("cut_system", None)
        importlib.invalidate_caches()
        return base.code_hash(importlib.import_module("cut_system").SYSTEM)

    changes = (
        ("every = 3", "every = 4"),
        ("self.every + 0", "self.every + 1"),
        ("cumsum(1)", "cumsum(2)"),
        ("% 2", "% 3"),
    )
    hashes = {hash_of(OBJECT.replace(*change)) for change in changes}
    assert len(hashes | {hash_of(OBJECT)}) == len(changes) + 1
    assert hash_of(OBJECT) == hash_of(OBJECT.replace("class Cut", "# a remark\nclass Cut"))


def test_processes_give_the_same(shapes, trained, tmp_path):
    options = {**TIMING, "systems": ("dasbe", "pure_ann"), "seeds": (1, 2)}
    expected = dasbe.evaluate(shapes[0], shapes[1], trained, **options).scores
    scores = dasbe.evaluate(shapes[0], shapes[1], trained, **options, workers=2).scores
    np.testing.assert_equal(scores, expected)
    with pytest.raises(dasbe.InputError, match="cannot be sent to workers .*; use workers=1"):
        dasbe.evaluate(shapes[0], shapes[1], lambda x: 0.3 * x, **TIMING, workers=2)


def test_a_class_that_processes_cannot_import_is_named(shapes, monkeypatch, capfd):
    with pytest.raises(dasbe.InputError, match="made by workers .*'of_a_notebook'.*; put what a notebook"):
        dasbe.evaluate(shapes[0][:2], shapes[1][:2], nowhere_else(monkeypatch), **TIMING, workers=2)
    program = types.ModuleType("__main__")
    program.__spec__, program.__file__ = None, "<stdin>"
    monkeypatch.setitem(sys.modules, "__main__", program)
    with pytest.raises(dasbe.InputError, match="workers read the program anew, and <stdin> is no file"):
        dasbe.evaluate(shapes[0][:2], shapes[1][:2], nowhere_else(monkeypatch), **TIMING, workers=2)
    assert "Traceback" not in capfd.readouterr().err


def test_images_without_objects_do_not_count(shapes, trained):
    images, groups = np.copy(shapes[0][:3]), np.copy(shapes[1][:3])
    images[1] = groups[1] = 0
    scores = dasbe.evaluate(images, groups, trained, **TIMING)
    assert np.isnan(scores.scores["dasbe"]["mbo"]).tolist() == [[False, True, False]]
    assert scores.summary("dasbe", "ami")[0] == pytest.approx(100 * scores.scores["dasbe"]["ami"][0, ::2].mean())


# the command


@pytest.fixture
def home(tmp_path, trained):
    folder = tmp_path / "home"
    save_network(folder / "tmp_net" / "shapes.pt", trained, {})
    make_dataset("shapes", folder / "tmp_data", {"multi": 20, "test": 1, "single": 1}, progress=False)
    return folder


def command(home, *options):
    environment = {**os.environ, "DASBE_HOME": str(home), "PYTHONPATH": str(ROOT)}
    line = [sys.executable, "-m", "dasbe.experiments.evaluate", "--data", "shapes", *map(str, options)]
    return subprocess.run(line, env=environment, cwd=home, capture_output=True, text=True, timeout=300)


def test_command_gives_the_numbers_of_the_function(home, trained):
    result = command(
        home, "--network", "tmp_net/shapes.pt", "--images", 8, "--delay", 20, "--refractory", 5, "--cycles", 12,
        "--systems", "dasbe", "rc", "--seeds", 1, 2, "--workers", 2,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    images, groups = dasbe.load_dataset("shapes", stop=8, folder=home / "tmp_data")
    scores = dasbe.evaluate(images, groups, trained, ("dasbe", "rc"), seeds=(1, 2), **TIMING)
    assert result.stdout.endswith(f"\n\n{scores}\n")
    with np.load(home / "results" / "evaluate" / "scores.npz") as file:
        assert "python -m dasbe.experiments.evaluate --data shapes" in str(file["made"])
        np.testing.assert_array_equal(file["rc/ami"], scores.scores["rc"]["ami"])


def test_command_refuses_in_one_line(refused, home):
    options = "--data", "shapes", "--out", home / "out"
    for more, message in (
        ((), "network is None, but DASBE needs one"),
        (("--network", "shapes"), "needs it; give delay=…, or settings='shapes'; dasbe.suggest_timing finds"),
        (("--network", "missing"), "network 'missing' is not there"),
        (("--network", "shapes", "--settings", "circles"), "dataset 'circles' is unknown"),
        (("--network", "shapes", "--settings", "shapes", "--count", "--systems", "rc"), "needs the number of objects"),
        (("--systems", "pure_snn", "--delay", 20), "delay is 20, but no system has such a setting"),
        (("--systems", "pure_snn", "pure_snn"), "systems names pure_snn twice"),
        (("--systems", "pure_snn", "--seeds", 1, 1), "seeds names 1 twice"),
        (("--systems", "magic"), "system 'magic' is unknown"),
        (("--images", 21), "images 0 to 21 are outside shapes/train_multi"),
    ):
        assert message in refused(home, "evaluate", *options, *more)
    assert not (home / "out").exists()


def test_labels_of_anybodys_are_scored_as_those_of_the_systems(tmp_path, shapes, rng):
    images, groups = shapes[0][:6], shapes[1][:6]
    path = dasbe.save_dataset(tmp_path / "own.h5", images, groups)
    labels = rng.integers(0, 4, images.shape)[2:5]
    scores = dasbe.score_labels(labels, path, start=2)
    expected = evaluation.scores_of(images[2:5], groups[2:5], labels)
    np.testing.assert_array_equal(np.stack([*scores.values()], axis=1), expected)
    assert [*scores] == ["ami", "ari", "mbo", "found"] and dasbe.score_labels(groups, path)["ami"].min() == 1
    with pytest.raises(dasbe.InputError, match="^labels has shape .*; it must be"):
        dasbe.score_labels(labels[:, 1:], path)
    bare = dasbe.save_dataset(tmp_path / "bare.h5", images)
    with pytest.raises(dasbe.InputError, match="^dataset .* has no ground truth"):
        dasbe.score_labels(labels, bare)
