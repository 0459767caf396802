"""The comparison systems, against literal forms fed the same random numbers."""

import numpy as np
import pytest
import torch
from stepwise import ReplayedNoise, pulse_coupled_step_by_step, pure_ann_step_by_step

import dasbe
from dasbe.ann.attention import Foreground, ForegroundAttention
from dasbe.comparison import pure_ann, reconstruction_clustering
from dasbe.comparison.reconstruction_clustering import initial_assignments
from dasbe.snn.noise import NoiseStreams, uniform
from dasbe.snn.pulse_coupled import PulseCoupledParameters, run_pulse_coupled, run_with_tensors


def test_reconstruction_clustering_equals_its_literal_form(shapes, random_network):
    network = random_network(dtype=torch.float64)
    images, n_groups = shapes[0][:3], 3
    labels = reconstruction_clustering(images, network, n_groups, iterations=4, seed=5)
    for i, image in enumerate(images):
        x = image.ravel()
        gamma = initial_assignments(n_groups, x.size, 5, i).astype(float)
        for _ in range(4):
            y = [network(torch.from_numpy(x * gamma[k])[None])[0][0].detach().numpy() for k in range(n_groups)]
            for pixel in range(x.size):
                p = [y[k][pixel] if x[pixel] else 1 - y[k][pixel] for k in range(n_groups)]
                gamma[:, pixel] = np.array(p) / sum(p)
        expected = np.where(x == 1, gamma.argmax(0) + 1, 0).reshape(image.shape)
        np.testing.assert_array_equal(labels[i], expected)


def test_reconstruction_clustering_is_deterministic_with_a_network_that_spikes(shapes, random_network):
    network = random_network(spiking=True)
    first, again = (reconstruction_clustering(shapes[0][:3], network, 3, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_reconstruction_clustering_groups_objects(shapes, trained):
    images, groups = shapes[0][:20], shapes[1][:20]
    labels = reconstruction_clustering(images, trained, 3)
    assert labels.shape == images.shape and ((labels > 0) == (images > 0)).all()
    assert np.nanmean(dasbe.ami(groups, labels)) > 0.6


def test_an_image_is_grouped_alike_in_any_batch(shapes, trained):
    together = reconstruction_clustering(shapes[0][:6], trained.double(), 3, seed=1)
    alone = reconstruction_clustering(shapes[0][4:5], trained.double(), 3, seed=1, indices=[4])
    trained.float()
    np.testing.assert_array_equal(together[4:5], alone)


def test_bad_input(shapes, trained):
    with pytest.raises(dasbe.InputError, match="n_groups is 0 and iterations 10; both must be at least 1"):
        reconstruction_clustering(shapes[0][:1], trained, 0)
    with pytest.raises(dasbe.InputError, match="indices must be 2 numbers"):
        reconstruction_clustering(shapes[0][:2], trained, 3, indices=[1])


def test_pure_ann_equals_its_literal_form(shapes, random_network):
    network = random_network(dtype=torch.float64)
    images, delay, cycles, seed = shapes[0][:3], 7, 5, 3
    values = pure_ann(images, network, delay=delay, cycles=cycles, seed=seed)
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, delay, 60, False, seed, i, torch.float64, normalise=False)
        expected = pure_ann_step_by_step(image, network, delay, cycles, noise)
        np.testing.assert_allclose(values[i].reshape(cycles, delay, -1), expected.numpy(), atol=1e-6)
    np.testing.assert_array_equal(
        pure_ann(images, network, delay=delay, cycles=cycles, seed=seed, last=2), values[:, 3:]
    )
    assert values[:, -1].max() > 0.1  # there was something to compare


@pytest.mark.parametrize("last", [1, 12])
def test_images_at_rest_are_left_alone(monkeypatch, shapes, random_network, last):
    network = random_network(dtype=torch.float64)
    images, delay, cycles, seed = shapes[0], 5, 30, 3
    still_moving = []

    def keep(attention, order, original=ForegroundAttention.keep):
        still_moving.append(len(order))
        original(attention, order)

    monkeypatch.setattr(ForegroundAttention, "keep", keep)
    values = pure_ann(images, network, delay=delay, cycles=cycles, seed=seed, last=last)
    assert len(still_moving) > 1 and still_moving == sorted(still_moving, reverse=True)
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, delay, 60, False, seed, i, torch.float64, normalise=False)
        expected = pure_ann_step_by_step(image, network, delay, cycles, noise)[-last:]
        np.testing.assert_allclose(values[i].reshape(last, delay, -1), expected.numpy(), atol=1e-6)


def test_plain_functions_come_to_rest_too(shapes):
    images = shapes[0][:6]
    shown = pure_ann(images, lambda x: (x - 0.25).clamp(min=0), delay=3, cycles=20, seed=1)
    assert shown[:, 0].any() and not shown[:, -1].any()
    for cycle in range(1, 20):
        np.testing.assert_allclose(shown[:, cycle], np.maximum(shown[:, 0] - 0.25 * cycle, 0), atol=1e-5)


def test_pure_ann_takes_spiking_latents_and_plain_functions(shapes, random_network):
    images = shapes[0][:2]
    spiking = pure_ann(images, random_network(spiking=True), delay=5, cycles=3, seed=1)
    assert np.isin(spiking[:, 1:] > 0, images[:, None, None] > 0).all() and spiking[:, -1].any()
    doubled = pure_ann(images, lambda x: x * 0.5, delay=5, cycles=3, seed=1)
    np.testing.assert_allclose(doubled[:, 2], doubled[:, 1] / 2)


@pytest.mark.parametrize("v_theta, tau_theta, width", [(10.0, 6.0, 28), (6.0, 8.0, 28), (10.0, 6.0, 3), (6.0, 8.0, 1)])
def test_pulse_coupled_network_equals_its_literal_form(shapes, v_theta, tau_theta, width):
    images, steps, seed = np.ascontiguousarray(shapes[0][:2, :, :width]), 60, 4
    if width < 28:
        images |= np.arange(28, dtype=np.uint8)[:, None] % 3 > 0  # a corner of the images is mostly empty
    parameters = PulseCoupledParameters(v_theta, tau_theta)
    spikes = run_pulse_coupled(images, parameters, steps=steps, last=steps, seed=seed)
    counts = np.count_nonzero(images, axis=(1, 2)).tolist()
    foreground = Foreground.of(images)
    tensors = run_with_tensors(foreground, NoiseStreams(seed, range(2), counts), parameters, steps, steps)
    np.testing.assert_array_equal(spikes[:, 0], tensors)
    for i, image in enumerate(images):
        stream = NoiseStreams(seed, [i], [counts[i]])

        def uniforms(stream=stream, image=image):
            u = np.full(image.size, 0.99)
            while True:
                u[image.ravel() == 1] = uniform(stream.pixel_words(1), torch.float64)[0, 0]
                yield u

        expected = pulse_coupled_step_by_step(image, steps, uniforms(), v_theta, tau_theta)
        np.testing.assert_array_equal(spikes[i, 0].reshape(steps, -1), expected)
        assert expected.any(1).sum() > 5


def test_pulse_coupled_network_groups_better_than_chance(shapes):
    images, groups = shapes[0][:20], shapes[1][:20]
    spikes = run_pulse_coupled(images, PulseCoupledParameters(6.0, 8.0))
    assert np.nanmean(dasbe.ami(groups, dasbe.group(spikes, 4))) > 0.25


def test_bad_input_of_the_other_systems(shapes, trained):
    with pytest.raises(dasbe.InputError, match="last is 0 and steps 5"):
        run_pulse_coupled(shapes[0][:1], PulseCoupledParameters(10.0, 6.0), steps=5, last=0)
    with pytest.raises(dasbe.InputError, match="cycles 3 and last 4"):
        pure_ann(shapes[0][:1], trained, delay=4, cycles=3, last=4)


def test_values_of_the_foreground_alone_are_those_of_the_images(shapes, trained):
    images, options = shapes[0][:6], {"seed": 2, "foreground_only": True}
    values = pure_ann(images, trained, delay=8, cycles=14, last=12, seed=2)
    trains = pure_ann(images, trained, delay=8, cycles=14, last=12, **options)
    np.testing.assert_array_equal(trains.to_images(), values)
    np.testing.assert_array_equal(dasbe.group(trains, 4), dasbe.group(values, 4))
    parameters = PulseCoupledParameters(6.0, 8.0)
    spikes = run_pulse_coupled(images, parameters, seed=2)
    trains = run_pulse_coupled(images, parameters, **options)
    np.testing.assert_array_equal(trains.to_images(), spikes)
    np.testing.assert_array_equal(dasbe.group(trains, 4), dasbe.group(spikes, 4))
