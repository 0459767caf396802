"""Threads and memory: what one call does to the process and to other calls."""

import signal
import threading

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_limits
from torch import nn

import dasbe
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.network import usable
from dasbe.engine import parallel
from dasbe.engine.parallel import map_blocks
from dasbe.support import checks
from dasbe.support.workers import SharedSetting

pytestmark = pytest.mark.quick


@pytest.fixture
def spikes(rng):
    """Spikes of eight images of 20×20, wide enough for a matrix product that would be spread over threads."""
    return rng.random((8, 10, 30, 20, 20)) < 0.1


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_groups_do_not_depend_on_the_number_of_threads(spikes, n_threads):
    before = torch.get_num_threads()
    expected = dasbe.group(spikes, [3, 4, 3, 4, 5, 2, 3, 3], seed=1)
    torch.set_num_threads(n_threads)
    try:
        np.testing.assert_array_equal(dasbe.group(spikes, [3, 4, 3, 4, 5, 2, 3, 3], seed=1), expected)
        assert torch.get_num_threads() == n_threads
    finally:
        torch.set_num_threads(before)


def test_groups_by_scikit_learn_do_not_depend_on_the_number_of_threads():
    square, triangle = np.ones((7, 7)), np.tri(7)
    images, _ = dasbe.draw_scenes([square, triangle], (28, 28), count=400, objects=3)
    labels = []
    for n_threads in (1, 2):
        with threadpool_limits(n_threads, user_api="openmp"):
            labels.append(dasbe.segment(images, None, "coordinates", n_objects=3))
    np.testing.assert_array_equal(*labels)


def test_blocks_are_computed_without_gradients_and_by_one_thread_each():
    def state(block):
        return torch.is_inference_mode_enabled(), torch.is_autocast_enabled("cpu"), torch.get_num_threads()

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        with torch.autocast("cpu"):
            assert list(map_blocks(state, [0, 1, 2], "cpu")) == 3 * [(True, False, 1)]
    finally:
        torch.set_num_threads(before)


def test_an_error_in_a_block_leaves_the_process_as_it_was():
    def fails(block):
        raise KeyError(block)

    before = torch.get_num_threads()
    with pytest.raises(KeyError):
        list(map_blocks(fails, [0, 1], "cpu"))
    assert torch.get_num_threads() == before


def test_the_first_in_sets_and_the_last_out_restores():
    events = []

    class Setting:
        def __enter__(self):
            events.append("set")
            return len(events)

        def __exit__(self, *error):
            events.append("restored")

    shared = SharedSetting(Setting)
    inside, leave = threading.Barrier(3), [threading.Event(), threading.Event()]
    values = []

    def use(leaves):
        with shared() as value:
            values.append(value)
            inside.wait()
            leaves.wait()

    threads = [threading.Thread(target=use, args=(leaves,), daemon=True) for leaves in leave]
    for thread in threads:
        thread.start()
    inside.wait()
    for thread, leaves in zip(threads, leave):
        assert events == ["set"]
        leaves.set()
        thread.join()
    assert events == ["set", "restored"] and values == [1, 1]
    with shared():
        assert events[-1] == "set"
    assert events == ["set", "restored"] * 2


def test_what_does_not_fit_into_memory_is_said_before_the_first_cycle(monkeypatch):
    calls = []

    def network(x):
        calls.append(len(x))
        return 0.3 * x

    images, options = np.ones((50, 8, 8)), {"delay": 100, "refractory": 2, "cycles": 40}
    monkeypatch.setattr(checks, "available_bytes", lambda: 10**7)
    with pytest.raises(
        dasbe.InputError, match=r"run would take 12.8 MB, and 10.0 MB of memory are free; record fewer cycles \(last="
    ):
        dasbe.bind(images, network, **options)
    assert len(calls) == 4 and max(calls) == 3  # it was only tried
    run = dasbe.bind(images, network, last=1, **options)
    monkeypatch.setattr(checks, "available_bytes", lambda: 10**5)
    with pytest.raises(dasbe.InputError, match="spikes as images would take .* run.trains, which is smaller"):
        _ = run.spikes
    monkeypatch.setattr(checks, "available_bytes", lambda: None)  # the system does not say
    assert run.spikes.shape == (50, 1, 100, 8, 8)


def dim(x):
    return 0.3 * x


@pytest.mark.parametrize("told", [None, 3])
def test_a_readout_that_does_not_fit_into_memory_is_refused(monkeypatch, told):
    """Its tables have a row and a column for each pixel that fires."""
    spikes = np.ones((1, 2, 4, 60, 60), bool)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)  # of which one has nothing to do
    monkeypatch.setattr(checks, "available_bytes", lambda: 10**8)
    with pytest.raises(dasbe.InputError, match="grouping 3600 pixels that fire would take 0.2 GB, .*smaller"):
        dasbe.group(spikes, told)
    spikes[..., 30:] = False
    assert dasbe.group(spikes, told).max() == 1
    with pytest.raises(dasbe.InputError, match="likeness of all pairs of pixels would take .* smaller images"):
        dasbe.segment(np.ones((2, 60, 60)), dim, "rc_pooled", n_objects=2)


def test_another_default_device_changes_nothing():
    images, network = np.ones((2, 8, 8)), Autoencoder(Architecture((8, 8), (20,), 9, spiking=True))
    options = {"delay": 14, "refractory": 3, "cycles": 4, "record": ("spikes", "feedback")}
    recipe = dasbe.Recipe(hidden=(), latent=5, epochs=1, batch=4)
    expected, before = dasbe.bind(images, network, **options), torch.get_num_threads()
    trained = dasbe.train_network(images, recipe, progress=False).state_dict()
    torch.set_num_threads(1)  # threads of their own have a default device of their own
    parallel.onednn_is_exact.cache_clear()
    torch.set_default_device("meta")
    try:
        run = dasbe.bind(images, network, **options)
        labels = dasbe.group(run), dasbe.group(run, 2)
        again = dasbe.train_network(images, recipe, progress=False).state_dict()
    finally:
        torch.set_default_device(None)
        torch.set_num_threads(before)
    np.testing.assert_array_equal(run.spikes, expected.spikes)
    np.testing.assert_array_equal(labels, (dasbe.group(expected), dasbe.group(expected, 2)))
    assert all(torch.equal(again[key], trained[key]) for key in trained)


@pytest.mark.parametrize("late", [True, False])
def test_ctrl_c_leaves_no_network_half_restored(late):
    """It comes while evaluation mode is entered, or left; then the whole of that is done first."""

    class Layer(nn.Identity):
        def __setattr__(self, name, value):
            if name == "training" and value is late:
                signal.raise_signal(signal.SIGINT)
            super().__setattr__(name, value)

    network = nn.Sequential(Layer(), nn.Linear(4, 4), nn.BatchNorm1d(4), Layer())
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt), usable(network, "cpu"):
            pass
        assert all(module.training for module in network.modules())
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.parametrize("record, n_decoded", [(("spikes",), 3), (("spikes", "feedback"), 4)])
def test_nothing_is_decoded_after_the_last_cycle_and_nothing_twice(record, n_decoded):
    shown = []

    def network(x):
        shown.append(len(x))
        return 0.3 * x

    dasbe.bind(np.ones((2, 5, 5)), network, delay=7, refractory=2, cycles=4, record=record)
    assert shown[4:] == n_decoded * [14]  # after the four of the trial


def test_a_missing_record_is_named():
    run = dasbe.bind(np.ones((1, 5, 5)), lambda x: 0.3 * x, delay=7, refractory=2, cycles=2, record=())
    for name in ("spikes", "latents", "feedback"):
        with pytest.raises(dasbe.InputError, match=rf"{name} were not recorded .*record=\('{name}',\)"):
            getattr(run, name)
    with pytest.raises(dasbe.InputError, match="spikes were not recorded"):
        dasbe.group(run, 2)
