"""Scores of variants of competing phases, and what is written of them."""

import copy
import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch

import dasbe
from dasbe.ann.weights import weights_hash
from dasbe.evaluation import sweep as of_units
from dasbe.evaluation.sweep import Task
from dasbe.experiments import ablation
from dasbe.experiments.ablation import VARIANTS, Variant, score_variants, write_variants
from dasbe.systems import SYSTEMS, System, sampled


@pytest.fixture
def other(trained):
    """A network that gives less feedback than `trained`."""
    network = copy.deepcopy(trained)
    with torch.no_grad():
        network.decoder[-2].bias -= 0.5
    return network


@pytest.fixture
def scored(monkeypatch, shapes, trained, other, tmp_path):
    """`scored()`: four variants on 5 images, one of them with a network of its own."""
    few = {name: VARIANTS[name] for name in ("full", "random", "rc")} | {"rc_own": Variant("RC", "rc_own", {})}
    for name in ("full", "random"):
        few[name] = few[name]._replace(changes=few[name].changes | {"cycles": 4})
    monkeypatch.setattr(ablation, "VARIANTS", few)
    monkeypatch.setattr(ablation, "ensure_datasets", lambda names: None)
    monkeypatch.setattr(of_units, "load_dataset", lambda *where: tuple(part[slice(*where[2:])] for part in shapes))
    networks = {"shapes": trained, "rc_shapes": other}
    monkeypatch.setattr(of_units, "shipped_network", lambda name, device: networks[name])
    monkeypatch.setattr(of_units, "network_hash", lambda name: weights_hash(networks[name]))
    options = {"datasets": ["shapes"], "start": 0, "images": 5, "seed": 3, "workers": 1, "device": "cpu"}
    return lambda: score_variants(few, tmp_path, **options)


def test_variants_are_scored_as_the_systems_that_they_are(scored, shapes, trained, other):
    results, (images, groups) = scored(), (part[:5] for part in shapes)
    options = {"settings": sampled.Settings(4, surplus=3), "n_objects": groups.max((1, 2)).astype(int), "seed": 3}
    expected = dasbe.ami(groups, dasbe.segment(images, trained, "sampled", **options))
    np.testing.assert_array_equal(results["full", "shapes"].scores[0, :, 0], expected)
    rc = {"settings": "shapes", "n_objects": options["n_objects"], "seed": 3}
    by_network = [dasbe.ami(groups, dasbe.segment(images, network, "rc", **rc)) for network in (trained, other)]
    assert not np.array_equal(*by_network)
    for name, expected in zip(("rc", "rc_own"), by_network):
        np.testing.assert_array_equal(results[name, "shapes"].scores[0, :, 0], expected)


def test_what_is_scored_is_kept_and_compared_image_by_image(scored, monkeypatch, tmp_path):
    results = scored()
    monkeypatch.setattr(Task, "computed", lambda task, device: pytest.fail("computed again"))
    again = scored()
    assert again.keys() == results.keys() and all(again[of].seconds == cell.seconds for of, cell in results.items())
    assert all(np.array_equal(again[of].scores, cell.scores) for of, cell in results.items())
    paths = write_variants(tmp_path, results)
    assert all(path.is_file() for path in paths) and paths[-1].suffix == ".png"
    with open(tmp_path / "ablation.csv", encoding="utf-8") as file:
        rows = {row["variant"]: row for row in csv.DictReader(file)}
    full, rc = (100 * results[name, "shapes"].scores[0, :, 0] for name in ("full", "rc"))
    assert float(rows["full"]["difference"]) == float(rows["full"]["error_of_difference"]) == 0
    assert float(rows["rc"]["difference"]) == pytest.approx((rc - full).mean(), abs=1e-3)
    assert float(rows["rc"]["error_of_difference"]) == pytest.approx((rc - full).std() / 5**0.5, abs=1e-3)


def test_times_leave_out_what_happens_when_a_system_is_first_used(scored, monkeypatch):
    used, now, original = set(), [0.0], System.segment

    def slow_at_first(system, *arguments, **options):
        now[0] += 1.0 if system.name in used else 100.0
        used.add(system.name)
        return original(system, *arguments, **options)

    monkeypatch.setattr(System, "segment", slow_at_first)
    monkeypatch.setattr("dasbe.evaluation.sweep.time", SimpleNamespace(perf_counter=lambda: now[0]))
    assert [cell.seconds for cell in scored().values()] == [1.0] * 4


def test_every_variant_is_a_system_with_other_settings():
    for title, system, changes in VARIANTS.values():
        assert title and {*changes} <= {*SYSTEMS[system].settings._fields}
