"""Child processes, however they are started: they compute what their parent does, and none hangs."""

import multiprocessing
from functools import cache
from queue import Empty

import numpy as np
import pytest
import torch
from torch import nn

import dasbe


def _half(x):
    return 0.5 * x


def _convolution():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 26 * 26, 30))
        decoder = nn.Sequential(nn.Linear(30, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
        return dasbe.as_network(encoder, decoder, image_shape=(28, 28))


def _boxes():
    boxes = np.zeros((80, 28, 28), np.uint8)
    for number, box in enumerate(boxes):
        box[number % 20 : number % 20 + 8, number // 4 : number // 4 + 8] = 1
    return boxes


def _bound(network, n_images=40):
    return dasbe.bind(_boxes()[:n_images], network, delay=14, refractory=3, cycles=4, seed=1)


def _trained():
    images = np.repeat(_boxes(), 2, axis=0)
    return (
        dasbe.train_network(images, dasbe.Recipe(epochs=1, latent=200), progress=False)
        .state_dict()["encoder.0.bias"]
        .numpy()
    )


def _drawn():
    labels = _boxes()[:2].astype(np.int64)
    return dasbe.plot_grouping(_bound(_half, 2), labels, image=1)._repr_png_()[:4]


WORK = {
    "load": lambda: dasbe.load_network("multi_mnist").state_dict()["encoder.0.bias"].numpy(),
    "bind, linear layers": lambda: _bound(dasbe.load_network("shapes")).trains.values,
    "bind, convolution": lambda: _bound(_convolution()).trains.values,
    "bind, function": lambda: _bound(_half).trains.values,
    "group": lambda: dasbe.group(np.random.default_rng(0).random((8, 10, 30, 20, 20)) < 0.1, 3, seed=1),
    "segment": lambda: dasbe.segment(_boxes(), dasbe.load_network("shapes"), "rc", settings="shapes", n_objects=1),
    "train": _trained,
    "draw": _drawn,
}


@cache
def _expected():
    return {name: work() for name, work in WORK.items()}


def _work(queue):
    for name, work in WORK.items():
        queue.put((name, work()))


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_a_child_computes_the_same_whatever_its_parent_has_done(method):
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    context = multiprocessing.get_context(method)
    queue = context.Queue()
    child = context.Process(target=_work, args=(queue,))
    try:
        expected = _expected()
        torch.rand(10**6).exp_()  # by threads that a forked child does not have
        child.start()
        for name in WORK:
            try:
                done, result = queue.get(timeout=90)
            except Empty:
                pytest.fail(f"{name} hangs")
            assert done == name
            if name == "train":  # sums by one thread, and by two
                np.testing.assert_allclose(result, expected[name], atol=1e-4)
            else:
                np.testing.assert_array_equal(result, expected[name])
    finally:
        torch.set_num_threads(before)
        if child.pid:
            child.kill()
            child.join()
