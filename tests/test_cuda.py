"""Every path to its end on a GPU that is pretended: nothing mixes devices, and results are those of the CPU."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from pretended_cuda import GPU, is_on_gpu, pretended_gpu
from torch import nn

import dasbe
from dasbe.systems import SYSTEMS
from dasbe.train import denoising, from_scenes

LOOP = {"delay": 14, "refractory": 3, "cycles": 5, "seed": 1}
TRAINING = dasbe.Recipe(epochs=2, latent=20, seed=2)
TRAININGS = {
    "plain": {},
    "spiking": {"spiking": True, "latent_activation": "relu"},
    "contrast": {"contrast": 0.1},
    "walkback": {"walkback": 2},
    "prediction": {"recurrent": True, "window": 4},
}


def half(x):
    return 0.5 * x


def convolution():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        encoder = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4 * 26 * 26, 30))
        decoder = nn.Sequential(nn.Linear(30, 784), nn.Sigmoid(), nn.Unflatten(1, (1, 28, 28)))
        return dasbe.as_network(encoder, decoder, image_shape=(28, 28))


NETWORKS = {"function": lambda: half, "convolution": convolution}


def on_both(compute):
    """What `compute` makes of a device: of the CPU, and of the GPU, where something has to be made."""
    expected = compute("cpu")
    with pretended_gpu() as gpu:
        found = compute("cuda")
    assert gpu.results
    return expected, found


@pytest.mark.parametrize("network", ["shapes", "hierarchical", "moving", *NETWORKS])
def test_loop_and_readout(shapes, network):
    images = np.repeat(shapes[0][:2, None], 5, axis=1) if network == "moving" else shapes[0][:3]
    recorded = ("spikes", "feedback") if network == "function" else ("spikes", "feedback", "latents")

    def results(device):
        given = NETWORKS[network]() if network in NETWORKS else dasbe.load_network(network, device)
        run = dasbe.bind(images, given, **LOOP, record=recorded, device=device)
        labels = dasbe.group(run, 4, last=1 if network == "moving" else None, seed=1, device=device)
        return [*map(partial(getattr, run), recorded), labels]

    for expected, found in zip(*on_both(results)):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "system",
    ["coordinates", "dasbe_counting", "pure_ann", "pure_snn", "rc_own_restarts", "rc_pooled", "dasbe_competing"]
    + ["dasbe_sampled", "competing_phases", "competing_phases_counting"],
)
def test_systems(shapes, system):
    name = SYSTEMS[system].network_name("shapes")

    def labels(device):
        network = None if name is None else dasbe.load_network(name, device)
        return dasbe.segment(shapes[0][:1], network, system, settings="shapes", n_objects=3, device=device)

    with pretended_gpu() as gpu:
        found = labels("cuda")
    assert gpu.results or not name
    np.testing.assert_array_equal(found, labels("cpu"))


@pytest.mark.parametrize("kind", TRAININGS)
def test_training_and_going_on_with_it(single_shapes, kind, tmp_path, monkeypatch):
    monkeypatch.setattr(denoising, "BATCHES_PER_EPOCH", 3)
    recipe = replace(TRAINING, **TRAININGS[kind])
    images = single_shapes[:60]
    if kind == "prediction":
        images = np.repeat(images[:, None], 6, axis=1)
    options = {"progress": False} | ({"classes": np.arange(60) % 3} if kind == "contrast" else {})

    def weights(device):
        path = tmp_path / f"{device}.pt"
        dasbe.train_network(images, replace(recipe, epochs=1), checkpoint=path, device=device, **options)
        network = dasbe.train_network(images, recipe, device=device, **options)
        assert next(network.parameters()).device.type == device
        return network.state_dict()

    expected, found = on_both(weights)
    assert all(is_on_gpu(value) for value in found.values())
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-5)


def test_learning_from_scenes(shapes, tmp_path, monkeypatch):
    save = from_scenes.save_tensors
    recipe = dasbe.SceneRecipe(latent=20, n_phases=4, first_steps=3, rounds=2, steps=3, counting_from=2, least_pixels=1)

    def weights(device):
        options = {"checkpoint": tmp_path / f"{device}.pt", "device": device, "progress": False}

        def save_and_stop(path, content):
            save(path, content)
            raise KeyboardInterrupt

        for _ in range(2):
            monkeypatch.setattr(from_scenes, "save_tensors", save_and_stop)
            with pytest.raises(KeyboardInterrupt):
                dasbe.learn_from_scenes(shapes[0], recipe, **options)
        monkeypatch.setattr(from_scenes, "save_tensors", save)
        return dasbe.learn_from_scenes(shapes[0], recipe, **options).state_dict()

    expected, found = on_both(weights)
    assert all(is_on_gpu(value) for value in found.values())
    for name, value in expected.items():
        torch.testing.assert_close(found[name], value, rtol=0, atol=1e-4)


def test_scores_and_timing(shapes):
    def scores(device):
        options = {"delay": 14, "refractory": 3, "cycles": 5, "device": device}
        evaluation = dasbe.evaluate(shapes[0][:2], shapes[1][:2], dasbe.load_network("shapes", device), **options)
        return evaluation.scores["dasbe"]["ami"]

    np.testing.assert_array_equal(*on_both(scores))


MISTAKES = {
    "two devices": lambda there, here: there + here,
    "two devices in a layer": lambda there, here: nn.Linear(3, 2)(there),
    "an array": lambda there, here: np.asarray(there),
    "an array without gradient": lambda there, here: there.detach().numpy(),
    "a stream of the CPU": lambda there, here: torch.rand(3, device=GPU, generator=torch.Generator().manual_seed(1)),
    "a stream of the GPU": lambda there, here: here.uniform_(generator=torch.Generator(GPU).manual_seed(1)),
    "an index": lambda there, here: here[there.long()],
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_seen(mistake):
    with pretended_gpu(), pytest.raises((RuntimeError, TypeError), match="device|tensor to numpy"):
        MISTAKES[mistake](torch.ones(3, device=GPU), torch.ones(3))
