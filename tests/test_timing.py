"""Delay and refractory time: what is suggested, and when a warning is given."""

import warnings

import numpy as np
import pytest

import dasbe
from dasbe.datasets import TABLE_DATASETS, settings_of
from dasbe.evaluation import timing

pytestmark = pytest.mark.quick


def dimmed(x):
    return 0.3 * x


def test_no_multiple_is_tried():
    pairs = timing.pairs()
    assert len(set(pairs)) == len(pairs) > 20
    assert [(d, r) for d, r in pairs if d % (r + 1) == 0] == []


@pytest.mark.filterwarnings("ignore::dasbe.TimingWarning")
@pytest.mark.parametrize("told", (False, True))
def test_a_delay_that_binds_badly_is_not_suggested(shapes, trained, monkeypatch, told):
    images, groups = shapes
    monkeypatch.setattr(timing, "pairs", lambda: [(12, 11), (32, 9)])  # one period, and as published
    monkeypatch.setattr(timing, "BEST", 1)
    found = dasbe.suggest_timing(images[:30], trained, groups=groups[:30] if told else None, seed=3)
    assert found[:2] == (32, 9)
    best, other = found.trials
    assert best[:2] == (32, 9) and other[:2] == (12, 11) and (best.images, other.images) == (30, 25)
    assert best.score > other.score + 2 * best.error
    again = dasbe.suggest_timing(images[:30], trained, groups=groups[:30] if told else None, seed=3)
    assert again == found


def test_with_a_single_object_there_is_nothing_to_agree_on(monkeypatch):
    images = np.zeros((3, 8, 8), int)
    images[:2, 2:5, 2:6] = 1  # and one without ink, which is left out
    monkeypatch.setattr(timing, "pairs", lambda: [(32, 9)])
    found = dasbe.suggest_timing(images, lambda x: x.any(1, keepdim=True).expand(-1, 64))
    assert found == (32, 9, (timing.Trial(32, 9, 0.0, 0.0, 2),))


@pytest.mark.parametrize("r", (3, 9, np.full((8, 8), 9)))
def test_a_delay_that_is_a_multiple_is_warned_of(r):
    images, delay = np.ones((2, 8, 8)), 3 * (int(np.max(r)) + 1)
    with pytest.warns(dasbe.TimingWarning) as caught:
        dasbe.bind(images, dimmed, delay=delay, refractory=r, cycles=1)
    (warning,) = caught
    assert str(warning.message).startswith(f"delay {delay} is a multiple of refractory + 1 = {delay // 3}, so")
    assert f"take {delay + 2}" in str(warning.message) and len(str(warning.message).splitlines()) == 1
    assert warning.filename == __file__


def test_other_delays_are_not_warned_of():
    images, mixed = np.ones((2, 8, 8)), np.full((8, 8), 9)
    mixed[0, 0] = 4
    published = [settings_of(name)[:2] for name in TABLE_DATASETS]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for d, r in [*published, (64, 12), (8, 1), (7, 0), (9, 2), (41, 9), (30, mixed)]:
            dasbe.bind(images, dimmed, delay=d, refractory=r, cycles=1)
