"""The other systems of Table 1, against literal forms fed the same random numbers, and what all systems share."""

import copy
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch
from replay import ReplayedNoise

import dasbe
from dasbe import definition
from dasbe.binding.labels import numbered
from dasbe.datasets import TABLE_DATASETS, settings_of
from dasbe.engine import attention
from dasbe.engine.attention import ForegroundAttention, attention_of, ready
from dasbe.engine.feedback import FeedbackArrays, all_at_once
from dasbe.engine.foreground import Foreground, ForegroundTrains
from dasbe.engine.phases import phase_cycle
from dasbe.engine.streams import NoiseStreams
from dasbe.evaluation.segment import system_settings
from dasbe.experiments import options as command_options
from dasbe.snn.noise import REFINEMENT, seed_of_run, uniform
from dasbe.systems import SYSTEMS, competing_phases, pure_ann, pure_snn, reconstruction_clustering, sampled, system_of
from dasbe.systems.competing_phases import SAMPLES, Phases, fire, settle, shares_of
from dasbe.systems.dasbe import competition
from dasbe.systems.pooled import alike_by_timing, cut
from dasbe.systems.pure_snn import simulate_with_tensors
from dasbe.systems.reconstruction_clustering import initial_assignments


def by_rc(images, network, n_objects=3, **options):
    """Labels by RC."""
    return dasbe.segment(images, network, "rc", n_objects=n_objects, **options)


def without_spikes(images, network, seed=0, **settings):
    """What pure-ANN records, of as many cycles as are read."""
    streams = {"seed": seed, "indices": np.arange(len(images)), "device": torch.device("cpu")}
    return pure_ann.record(images, network, pure_ann.Settings(**settings), **streams)


def pulses(images, settings, seed=0):
    """What pure-SNN records, of as many steps as are read."""
    return pure_snn.record(
        images, None, settings, seed=seed, indices=np.arange(len(images)), device=torch.device("cpu")
    )


@pytest.mark.parametrize("spiking", [False, True], ids=["deterministic latent", "spiking latent"])
def test_reconstruction_clustering_equals_its_literal_form(monkeypatch, shapes, random_network, spiking):
    monkeypatch.setattr(reconstruction_clustering, "ITERATIONS", 4)
    network = random_network(spiking, dtype=torch.float64)
    images, n_groups = shapes[0][:3], 3
    labels = by_rc(images, network, n_groups, seed=5)
    for i, image in enumerate(images):
        gamma = initial_assignments(n_groups, image.size, 5, i)
        np.testing.assert_allclose(gamma.sum(0), 1, atol=1e-6)
        np.testing.assert_array_equal(labels[i], definition.reconstruction_clustering(image, network, gamma, 4))
        assert len(np.unique(labels[i])) == n_groups + 1


def test_reconstruction_clustering_equals_its_literal_form_where_it_finds_objects(monkeypatch, shapes, trained):
    monkeypatch.setattr(reconstruction_clustering, "ITERATIONS", 5)
    network = copy.deepcopy(trained).double()
    labels = by_rc(shapes[0][:4], network, seed=5)
    for i, image in enumerate(shapes[0][:4]):
        gamma = initial_assignments(3, image.size, 5, i)
        np.testing.assert_array_equal(labels[i], definition.reconstruction_clustering(image, network, gamma, 5))


def test_reconstruction_clustering_is_deterministic_with_a_network_that_spikes(shapes, random_network):
    network = random_network(spiking=True)
    first, again = (by_rc(shapes[0][:3], network, seed=1) for _ in range(2))
    np.testing.assert_array_equal(first, again)


def test_reconstruction_clustering_groups_objects(shapes, trained):
    images, groups = shapes[0][:20], shapes[1][:20]
    labels = by_rc(images, trained)
    assert labels.shape == images.shape and ((labels > 0) == (images > 0)).all()
    assert np.nanmean(dasbe.ami(groups, labels)) > 0.6


def test_an_image_is_grouped_alike_in_any_batch(shapes, trained):
    network = copy.deepcopy(trained).double()
    together = by_rc(shapes[0][:6], network, seed=1)
    alone = by_rc(shapes[0][4:5], network, seed=1, indices=[4])
    np.testing.assert_array_equal(together[4:5], alone)


def test_of_several_starts_the_likeliest_counts(monkeypatch, shapes, trained):
    """Image by image; the first start is that of a single one, the likelihood that of the mixture, over all pixels."""
    network, images = copy.deepcopy(trained).double(), shapes[0][:6]
    monkeypatch.setattr(reconstruction_clustering, "ITERATIONS", 3)
    runs = [by_rc(images, network, seed=seed_of_run(1, run)) for run in range(3)]
    settings = reconstruction_clustering.RestartSettings(restarts=3)
    best = dasbe.segment(images, network, "rc_restarts", n_objects=3, settings=settings, seed=1)
    likelihoods = np.empty((3, 6))
    for run in range(3):
        for i, image in enumerate(images):
            x, gamma = (
                torch.from_numpy(image.ravel()).double(),
                initial_assignments(3, image.size, seed_of_run(1, run), i),
            )
            g = torch.from_numpy(gamma).double()
            for _ in range(3):
                with torch.no_grad():
                    p = torch.where(x == 1, y := network(x * g)[0], 1 - y)
                g = p / p.sum(0)
            likelihoods[run, i] = p.mean(0).log().sum()
    chosen = likelihoods.argmax(0)
    assert len(set(chosen)) > 1
    for i, run in enumerate(chosen):
        np.testing.assert_array_equal(best[i], runs[run][i])


@pytest.mark.parametrize("spiking", [False, True], ids=["deterministic latent", "spiking latent"])
def test_pure_ann_equals_its_literal_form(monkeypatch, shapes, random_network, spiking):
    network = random_network(spiking, dtype=torch.float64)
    images, delay, cycles, seed = shapes[0][:3], 7, 5, 3
    trains = without_spikes(images, network, delay=delay, cycles=cycles, seed=seed)
    values = trains.to_images()
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, delay, seed, i, torch.float64, normalise=False)
        expected = definition.pure_ann(image, network, delay, cycles, noise)
        np.testing.assert_allclose(values[i].reshape(cycles, delay, -1), expected.numpy(), atol=1e-6)
    monkeypatch.setattr(pure_ann, "READOUT_CYCLES", 2)
    last = without_spikes(images, network, delay=delay, cycles=cycles, seed=seed)
    np.testing.assert_array_equal(last.values, trains.values[:, 3:])
    assert values[:, -1].max() > 0.1  # there was something to compare


@pytest.mark.parametrize("last", [1, 12])
def test_images_that_have_converged_are_left_alone(monkeypatch, shapes, random_network, last):
    network = random_network(dtype=torch.float64)
    images, delay, cycles, seed = shapes[0], 5, 30, 3
    still_computed = []

    def take(attention, order, original=ForegroundAttention.take):
        still_computed.append(len(order))
        original(attention, order)

    monkeypatch.setattr(ForegroundAttention, "take", take)
    monkeypatch.setattr(pure_ann, "READOUT_CYCLES", last)
    values = without_spikes(images, network, delay=delay, cycles=cycles, seed=seed).to_images()
    assert still_computed == sorted(still_computed, reverse=True) and 0 < still_computed[0] < len(images)
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, delay, seed, i, torch.float64, normalise=False)
        expected = definition.pure_ann(image, network, delay, cycles, noise)[-last:]
        np.testing.assert_allclose(values[i].reshape(last, delay, -1), expected.numpy(), atol=1e-6)


def test_plain_functions_converge_too(monkeypatch, shapes):
    monkeypatch.setattr(pure_ann, "READOUT_CYCLES", 20)
    images, options = shapes[0][:6], {"delay": 3, "cycles": 20, "seed": 1}
    shown = without_spikes(images, lambda x: (x - 0.25).clamp(0, 1), **options).to_images()
    assert shown[:, 0].max() > 1.5 and not shown[:, -1].any()  # |N(0, 1)| at first, probabilities from then on
    for cycle in range(1, 20):
        np.testing.assert_allclose(shown[:, cycle], np.clip(shown[:, cycle - 1] - 0.25, 0, 1), atol=1e-6)


def test_pure_ann_takes_spiking_latents_and_plain_functions(shapes, random_network):
    images, options = shapes[0][:2], {"delay": 5, "cycles": 3, "seed": 1}
    spiking = without_spikes(images, random_network(spiking=True), **options).to_images()
    outside_the_ink = np.broadcast_to(images[:, None, None] == 0, spiking.shape)
    assert spiking[:, -1].any() and not spiking[outside_the_ink].any()
    halved = without_spikes(images, lambda x: x.clamp(max=1) * 0.5, **options).to_images()
    np.testing.assert_allclose(halved[:, 2], halved[:, 1] / 2)


@pytest.mark.parametrize("v_theta, tau_theta, width", [(10.0, 6.0, 28), (6.0, 8.0, 28), (10.0, 6.0, 3), (6.0, 8.0, 1)])
def test_pulse_coupled_network_equals_its_literal_form(monkeypatch, shapes, v_theta, tau_theta, width):
    images, steps, seed = np.ascontiguousarray(shapes[0][:2, :, :width]), 60, 4
    if width < 28:
        images |= np.arange(28, dtype=np.uint8)[:, None] % 3 > 0  # a corner of the images is mostly empty
    settings = pure_snn.Settings(v_theta, tau_theta)
    monkeypatch.setattr(pure_snn, "STEPS", steps)
    monkeypatch.setattr(pure_snn, "READOUT_STEPS", steps)
    spikes = pulses(images, settings, seed).to_images()
    counts = np.count_nonzero(images, axis=(1, 2)).tolist()
    streams = NoiseStreams(seed, range(2), counts)
    tensors = simulate_with_tensors(Foreground.of(images), streams, settings)
    np.testing.assert_array_equal(spikes[:, 0], tensors)
    for i, image in enumerate(images):
        stream = NoiseStreams(seed, [i], [counts[i]])

        def uniforms(stream=stream, image=image):
            u = np.full(image.size, 0.99)
            while True:
                u[image.ravel() == 1] = uniform(stream.pixel_words(1), torch.float64)[0, 0]
                yield u

        expected = definition.pulse_coupled(image, steps, uniforms(), v_theta, tau_theta)
        np.testing.assert_array_equal(spikes[i, 0].reshape(steps, -1), expected)
        assert expected.any(1).sum() > 5


def test_pulse_coupled_network_groups_better_than_chance(shapes):
    images, groups = shapes[0][:20], shapes[1][:20]
    spikes = pulses(images, pure_snn.Settings(6.0, 8.0))
    assert np.nanmean(dasbe.ami(groups, dasbe.group(spikes, 4))) > 0.25


def test_values_of_the_foreground_alone_are_those_of_the_images(shapes, trained):
    images = shapes[0][:6]
    values = without_spikes(images, trained, delay=8, cycles=14, seed=2)
    spikes = pulses(images, pure_snn.Settings(6.0, 8.0), seed=2)
    for trains, shape, dtype in ((values, (10, 8), np.float32), (spikes, (1, 100), bool)):
        assert isinstance(trains, ForegroundTrains) and trains.values.any()
        as_images = trains.to_images()
        assert as_images.shape == (6, *shape, 28, 28) and as_images.dtype == trains.values.dtype == dtype
        for i, image in enumerate(images):
            n = np.count_nonzero(image)
            np.testing.assert_array_equal(trains.values[i, ..., :n], as_images[i][..., image == 1])
            assert not trains.values[i, ..., n:].any() and not as_images[i][..., image == 0].any()
        np.testing.assert_array_equal(dasbe.group(trains, 4), dasbe.group(as_images, 4))


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_groups_any_images_in_the_same_call(shapes, trained, name):
    """Labels are those of the foreground alone, better than chance, and the same for an image in any batch."""
    system, images, groups = system_of(name), shapes[0][:8], shapes[1][:8]
    options = {"settings": system_settings(system, "shapes"), "seed": 3}
    n_objects = groups.max((1, 2))
    network = copy.deepcopy(trained).double()
    labels = system.segment(images, network, n_objects=n_objects, **options)
    assert labels.shape == images.shape and labels.dtype == np.int64 and not labels[images == 0].any()
    assert np.nanmean(dasbe.ami(groups, labels)) > 0.2 or name == "colours"  # of which binary images have one
    alone = system.segment(images[5:6], network, n_objects=n_objects[5:6], indices=[5], **options)
    np.testing.assert_array_equal(labels[5:6], alone)


def test_every_system_has_settings_for_every_dataset_of_the_table():
    for name, system in SYSTEMS.items():
        assert system.name == name and system_of(name) is system_of(system) is system
        for dataset in TABLE_DATASETS:
            published = settings_of(dataset)
            settings = system_settings(system, dataset)._asdict()
            assert all(value == settings[key] for key, value in published._asdict().items() if key in settings)
            assert settings.get("n_phases", published.objects + 3) == published.n_phases == published.objects + 3
            assert system.network_name(dataset) in (None, dataset, f"rc_{dataset}", f"scenes_{dataset}")


def test_who_is_never_told_the_number_finds_it(shapes, trained):
    images, never_told = shapes[0][:6], [system for system in SYSTEMS.values() if system.never_told]
    for system in never_told:
        settings = system_settings(system, "shapes")
        told, not_told = (system.segment(images, trained, settings=settings, n_objects=n) for n in (1, None))
        np.testing.assert_array_equal(told, not_told)
        assert system.can_count and told.max() > 1
    counting = {"dasbe_counting", "competing_phases_counting", "competing_phases_counting_scenes"}
    assert {system.name for system in never_told} == {"components", "colour_components", *counting}
    expected = dasbe.segment(images, trained, settings="shapes")
    np.testing.assert_array_equal(dasbe.segment(images, trained, "dasbe_counting", settings="shapes"), expected)


COUNTED = ["rc", "rc_own_restarts", "rc_pooled"]  # the loop is not: feedback of the last cycle is never asked for


@pytest.mark.parametrize("name", [*COUNTED, "sampled", "competing_phases", "competing_phases_counting"])
def test_every_evaluation_of_the_network_is_counted(shapes, name):
    """Of a plain function, which is also called on a few images to see whether it can be used."""
    system, shown = system_of(name), []

    def network(x):
        shown.append(len(x))
        return 0.5 * x

    settings = system_settings(system, "shapes")
    for n_images in (8, 10):
        system.segment(shapes[0][:n_images], network, settings=settings, n_objects=3)
        shown.append(-1)
    first, then = (sum(part) for part in (shown[: shown.index(-1)], shown[shown.index(-1) + 1 : -1]))
    assert then - first == 2 * system.evaluations(settings, 3)


def test_baselines_know_coordinates_and_components(shapes):
    """Three bars of ink: the far ones are told apart by k-means, and all that do not touch by their components."""
    image = np.zeros((1, 9, 9), np.uint8)
    image[0, 0, :4] = image[0, 8, :4] = image[0, 1, 4] = 1  # the last touches at a corner only
    settings = {name: system_settings(system_of(name), "shapes") for name in ("coordinates", "components")}
    told = system_of("coordinates").segment(image, settings=settings["coordinates"], n_objects=2)
    assert len(set(told[0, :2][image[0, :2] == 1])) == len(set(told[0, 8, :4])) == 1 and told[0, 0, 0] != told[0, 8, 0]
    found = system_of("components").segment(image, settings=settings["components"])
    assert [len(set(found[0][part].tolist())) for part in ((0, slice(4)), (8, slice(4)))] == [1, 1]
    assert found.max() == 3 and found[0, 1, 4] not in (found[0, 0, 0], found[0, 8, 0])
    for name, own in settings.items():  # without ink, and with less ink than objects
        options = {"settings": own, "n_objects": 3}
        assert not system_of(name).segment(np.zeros((1, 4, 4)), **options).any()
        assert system_of(name).segment(np.eye(2)[None], **options).max() == 2


class PhasesNoise:
    """The numbers that competing phases draw for one image, for the literal form.

    `draws` lists (steps, steps of the latent neurons) in the order in which they are drawn: of each cycle m and K·m,
    of each grouping its samples and none.
    """

    def __init__(self, image, seed, index, n_phases, draws, dtype=torch.float64):
        self.ink = torch.from_numpy(np.flatnonzero(image))
        self.shape, self.dtype = (n_phases, image.size), dtype
        self.streams = NoiseStreams(seed, [index], [len(self.ink)])
        self.draws, self.pixel_words, self.latent_words = iter(draws), iter(()), iter(())

    def initial(self):
        c = torch.full(self.shape, 0.5)
        c[:, self.ink] = self.streams.initial_feedback(len(c), normalise=False)[0]
        return c

    def pixels(self):
        words = next(self.pixel_words, None)
        if words is None:
            n_steps, self.n_latent_steps = next(self.draws)
            self.pixel_words = iter(self.streams.pixel_words(n_steps)[0])
            words = next(self.pixel_words)
        u = torch.full(self.shape[1:], 0.01, dtype=self.dtype)  # a background pixel must be silent all the same
        u[self.ink] = uniform(words, self.dtype)
        return u, u, u

    def latent(self, n):
        words = next(self.latent_words, None)
        if words is None:
            self.latent_words = iter(self.streams.latent_words(self.n_latent_steps, n)[0])
            words = next(self.latent_words)
        return uniform(words, self.dtype)


CYCLES, CYCLES_AFTER = 6, 3


def by_phases(images, network, n_objects=None, *, seed=0, indices=None, **settings):
    """Labels by competing phases, which count if they are not told the number."""
    system = "competing_phases_counting" if n_objects is None else "competing_phases"
    options = {"n_objects": n_objects, "settings": competing_phases.Settings(**settings)}
    return dasbe.segment(images, network, system, **options, seed=seed, indices=indices)


@pytest.mark.parametrize("spiking", [False, True], ids=["deterministic latent", "spiking latent"])
@pytest.mark.parametrize("n_objects", [3, None], ids=["told", "counting"])
@pytest.mark.parametrize("steps", [1, 3])
@pytest.mark.parametrize("lazy", [False, True], ids=["feedback at once", "lazy feedback"])
def test_competing_phases_equal_their_literal_form(
    monkeypatch, shapes, trained, random_network, lazy, spiking, n_objects, steps
):
    monkeypatch.setattr(attention, "LAZY_MIN_UNITS", 1 if lazy else 10**6)
    network = random_network(spiking=True, dtype=torch.float64) if spiking else copy.deepcopy(trained).double()
    network.description["recipe"] = {"output_shift": 0.7}
    images, n_phases, fewest = shapes[0][:3], 5, n_objects or 1
    timing = {"cycles": CYCLES, "cycles_after_pruning": CYCLES_AFTER}
    options = {"n_phases": n_phases, "steps_per_phase": steps, "n_objects": n_objects}
    labels = by_phases(images, network, **options, **timing, seed=5)
    draws = []
    for n_left in range(n_phases, fewest - 1, -1):
        draws += [(steps, n_left * steps)] * (CYCLES if n_left == n_phases else CYCLES_AFTER)
        draws += [(SAMPLES, 0)] * (n_objects is None)
    for i, image in enumerate(images):
        noise = PhasesNoise(image, 5, i, n_phases, draws)
        expected = definition.competing_phases(image, network, noise, **options, **timing, shift=0.7)
        np.testing.assert_array_equal(labels[i], expected)
        assert next(noise.draws, None) is None
    assert n_objects is None or labels.max() > 1


@pytest.mark.parametrize("n_phases, steps, sharpness", [(1, 1, 2.0), (3, 1, 2.0), (4, 1, 2.0), (3, 4, 1.5)])
def test_the_compiled_cycle_of_phases_equals_the_tensors(n_phases, steps, sharpness, rng):
    """So it does where feedback is computed for the pixels that fire alone, into memory that held anything."""
    counts, width, n_units, q = np.array([9, 0, 6]), 9, 21, 0.5
    hidden = rng.random((3, n_phases * steps, n_units))
    weight, bias = rng.standard_normal((30, n_units)), rng.standard_normal(30)
    pixels = np.array([rng.permutation(30)[:width] for _ in counts], np.int32)
    feedback = 1 / (1 + np.exp(-(np.einsum("ntl,npl->ntp", hidden, weight[pixels]) + bias[pixels][:, None])))
    of_phases = torch.from_numpy(feedback).unflatten(1, (n_phases, steps)).mean(2)
    shares = shares_of(of_phases, sharpness) * torch.from_numpy(np.arange(width) < counts[:, None])[:, None]
    expected = fire(shares, NoiseStreams(1, range(3), counts).pixel_words(steps), q)
    assert expected.shape == (3, n_phases * steps, width) and expected.any()

    unknown = FeedbackArrays(np.full(feedback.shape, np.nan), np.ones(3, bool), hidden, weight, bias, pixels)
    for arrays in (all_at_once(feedback), unknown):
        spikes = np.empty(feedback.shape, np.uint8)
        none, streams = np.empty((0, 0, 0)), NoiseStreams(1, range(3), counts)
        phase_cycle(arrays, streams.states, counts, n_phases, q, sharpness, none, np.empty((0, 0)), spikes)
        np.testing.assert_array_equal(spikes, expected)
    fires = spikes.any(1)
    assert fires.any() and (steps > 1 or not fires[0].all())
    for i, n in enumerate(counts):
        computed = np.where(fires[i, :n], feedback[i, :, :n], 0)
        np.testing.assert_allclose(unknown.values[i, :, :n], computed)


def test_phases_share_every_pixel_and_fire_by_their_share(rng):
    feedback = torch.from_numpy(rng.random((1, 5, 8)) ** 4)
    feedback[0, 2] = 0  # a silent phase
    shares = shares_of(feedback, 2.0)
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(shares[0, 0] / shares[0, 1], (feedback[0, 0] / feedback[0, 1]) ** 2)
    words = torch.from_numpy(rng.integers(-(2**31), 2**31, (1, 20000, 8)).astype(np.int32))
    spikes = fire(shares, words, 0.25).unflatten(1, (5, -1))
    assert spikes.sum(1).max() == 1  # a pixel fires in one phase at most
    np.testing.assert_allclose(spikes.double().mean(2), 0.25 * shares, atol=0.015)


def test_phases_fall_silent_one_by_one_and_for_good(shapes, trained):
    """Those that stay keep their order, and what the network made of them; a pixel fires in one phase at most."""
    images, n_phases, steps = shapes[0][:4], 5, 2
    foreground = Foreground.of(images)
    with ready(trained, images, "cpu") as usable, torch.inference_mode():
        attention, noise = (
            attention_of(usable, needed=0.75)(foreground),
            NoiseStreams(2, range(4), foreground.counts),
        )
        phases = Phases(attention, usable, noise, n_phases, steps, 0.5, 2.0)
        for n_left in range(n_phases, 0, -1):
            for _ in range(3):
                spikes = phases.cycle().unflatten(1, (n_left, steps))
                assert spikes.shape == (4, n_left, steps, foreground.counts.max())
                assert spikes.sum(1).max() == 1 and spikes.any(1).any(1).any(1).all()
                assert not spikes.movedim(3, 1)[~foreground.valid].any()
            groups = phases.groups()
            assert ((groups >= 0) == foreground.valid).all() and groups.max() < n_left
            if n_left > 1:
                silent, before = (
                    np.arange(4) % n_left,
                    phases.feedback.of_pixels().unflatten(1, (n_left, steps)).mean(2),
                )
                phases.silence(torch.from_numpy(silent))
                for i, of_phases in enumerate(phases.feedback.of_pixels()):
                    np.testing.assert_array_equal(of_phases, np.delete(before[i].numpy(), silent[i], 0))


@pytest.mark.parametrize("n_objects", [[2, 4, 1, 3], None], ids=["told", "counting"])
def test_as_many_phases_are_left_as_there_are_objects(shapes, trained, n_objects):
    images, options = shapes[0][:4], {"n_phases": 5, "cycles": 4, "cycles_after_pruning": 3, "seed": 2}
    labels = by_phases(images, trained, n_objects, **options)
    assert ((labels > 0) == (images > 0)).all() and (labels.max((1, 2)) <= (n_objects or 5)).all()
    assert all(set(of_image.flat) == {*range(of_image.max() + 1)} for of_image in labels)


def test_phases_group_objects_and_count_them(shapes, trained):
    images, groups = shapes[0][:20], shapes[1][:20]
    told, counting = (by_phases(images, trained, n_objects, n_phases=6, seed=1) for n_objects in (3, None))
    assert min(np.nanmean(dasbe.ami(groups, labels)) for labels in (told, counting)) > 0.85
    assert (counting.max((1, 2)) == 3).mean() > 0.7


@pytest.mark.parametrize("n_threads", [1, 2])
def test_phases_do_not_depend_on_batch_or_threads(monkeypatch, shapes, trained, n_threads):
    network, before = copy.deepcopy(trained).double(), torch.get_num_threads()
    options = {"n_phases": 5, "cycles": 8, "cycles_after_pruning": 3, "seed": 4}
    together = by_phases(shapes[0][:10], network, **options)
    monkeypatch.setattr(competing_phases, "VALUES_OF_A_BLOCK", 1 << 13)  # several blocks
    torch.set_num_threads(n_threads)
    try:
        in_blocks = by_phases(shapes[0][:10], network, **options)
    finally:
        torch.set_num_threads(before)
    alone = by_phases(shapes[0][7:8], network, **options, indices=[7])
    np.testing.assert_array_equal(in_blocks, together)
    np.testing.assert_array_equal(alone[0], together[7])


def test_phases_take_any_network(shapes, random_network):
    """A plain function gives what the module gives; images without ink have no groups."""
    network = random_network(dtype=torch.float64)
    images = np.concatenate([shapes[0][:3], np.zeros_like(shapes[0][:1])])
    options = {"n_phases": 4, "cycles": 5, "cycles_after_pruning": 2, "seed": 3}
    labels = by_phases(images, network.float(), **options)
    of_function = by_phases(images, lambda x: network(x)[0], **options)
    assert (labels == of_function).mean() > 0.99  # sums of float32 in another order
    assert not labels[3].any() and labels[:3].max((1, 2)).min() >= 1


def test_sampled_phases_are_competing_phases_or_rc(shapes, trained, random_network):
    """From a random start, the first with samples, and the second with soft values; latent neurons may spike."""
    images, options = shapes[0][:4], {"n_objects": 3, "seed": 5, "indices": range(7, 11)}
    for network in (
        copy.deepcopy(trained).double(),
        random_network(spiking=True, dtype=torch.float64),
        random_network(spiking=True, dtype=torch.float64, hidden=()),  # its decoder is driven by spikes
    ):
        expected = by_phases(images, network, n_phases=5, cycles=6, **options)
        settings = sampled.Settings(cycles=6, steps_per_phase=2, surplus=2)
        np.testing.assert_array_equal(dasbe.segment(images, network, "sampled", settings=settings, **options), expected)

        soft = sampled.Settings(cycles=4, sampling=None, sharpness=1.0)
        labels = dasbe.segment(images, network, "sampled", settings=soft, **options)
        for i, image in enumerate(images):
            gamma = np.full((3, image.size), 1 / 3)
            drawn = NoiseStreams(5, [7 + i], [image.sum()]).initial_feedback(3)[0]
            gamma[:, image.ravel() == 1] = drawn
            groups = definition.reconstruction_clustering(image, network, gamma, 4)
            expected = numbered(groups.ravel() - 1).reshape(image.shape)
            np.testing.assert_array_equal(labels[i], expected)


def settled_literally(image, network, start, words, n_phases, steps):
    """Cycles of phases from the groups `start` (H, W), with random words for the ink of every cycle."""
    x = torch.from_numpy(image.ravel()).double()
    share = (torch.from_numpy(start.ravel()) == torch.arange(1, n_phases + 1)[:, None]).double()
    for of_cycle in words:
        ends = 0.5 * share.cumsum(0)
        y = torch.zeros_like(share)
        for of_step in of_cycle:
            u = torch.ones_like(x)
            u[x == 1] = uniform(of_step, torch.float64)
            for k in range(n_phases):
                sees = x * (u < ends[k]) * (u >= (ends[k - 1] if k else 0))
                y[k] += network(sees[None])[0][0] / steps
        share = y**2 / (y**2).sum(0)
    return numbered(np.where(image.ravel() == 1, y.argmax(0).numpy(), -1)).reshape(image.shape)


@torch.no_grad()
def test_phases_from_given_groups_equal_their_literal_form(shapes, trained):
    network, images, groups = copy.deepcopy(trained).double(), shapes[0][:3], shapes[1][:3].astype(int)
    start = np.where(groups == 3, 0, groups)  # pixels of the third are in none at first
    settings, streams = competing_phases.Settings(3, cycles=5), {"indices": np.arange(3), "device": torch.device("cpu")}
    labels, _ = settle(images, network, np.full(3, 3), settings, start=start, seed=4, **streams)
    for i, image in enumerate(images):
        noise = NoiseStreams(4, [i], [image.sum()], "cpu", REFINEMENT)
        noise.initial_feedback(3)
        words = [noise.pixel_words(2)[0] for _ in range(5)]
        expected = settled_literally(image, network, start[i], words, 3, 2)
        np.testing.assert_array_equal(labels[i], expected)
    assert not np.array_equal(labels, start)


def test_of_several_runs_of_phases_the_likeliest_counts(shapes, trained):
    network, images, n_objects = copy.deepcopy(trained).double(), shapes[0][:8], shapes[1][:8].max((1, 2)).astype(int)
    settings = sampled.Settings(cycles=5, restarts=3)
    best = dasbe.segment(images, network, "sampled", settings=settings, n_objects=n_objects, seed=2)
    of_run = competing_phases.Settings(n_objects, steps_per_phase=4, cycles=5)
    options = {"with_likelihood": True, "indices": np.arange(8), "device": torch.device("cpu")}
    runs = [settle(images, network, n_objects, of_run, seed=seed_of_run(2, run), **options) for run in range(3)]
    chosen = np.array([likelihood for _, likelihood in runs]).argmax(0)
    assert len(set(chosen)) > 1
    np.testing.assert_array_equal(best, np.array([labels for labels, _ in runs])[chosen, range(8)])


@pytest.mark.parametrize("lazy", [False, True], ids=["feedback at once", "lazy feedback"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_dasbe_with_competing_steps_equals_its_literal_form(monkeypatch, shapes, random_network, dtype, lazy):
    """Of networks whose feedback is lazy, too; what is recorded is the feedback before steps compete."""
    monkeypatch.setattr(attention, "LAZY_MIN_UNITS", 1 if lazy else 10**6)
    images, network, cycles, seed = shapes[0][:3], random_network(dtype=dtype, hidden=()), 6, 7
    options = {"delay": 13, "refractory": 4, "gain": 2.0, "sharpness": 1.5}
    run = dasbe.bind(
        images,
        network,
        delay=13,
        refractory=4,
        cycles=cycles,
        seed=seed,
        record=("spikes", "feedback"),
        modulate=competition(**options),
    )
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, 13, seed, i, dtype)
        compete = partial(definition.competition, **options)
        spikes, _, y = definition.bind(image, network, 13, 4, cycles, noise, lambda y, _, compete=compete: compete(y))
        plain, _, _ = definition.bind(image, network, 13, 4, cycles, ReplayedNoise(image, 13, seed, i, dtype))
        assert spikes.any(1).any(1).all() and not torch.equal(spikes, plain)
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, 13, -1), spikes.numpy())
        np.testing.assert_allclose(run.feedback[i].reshape(cycles, 13, -1), y.numpy(), atol=1e-5)


def test_steps_share_the_spikes_that_a_pixel_has_time_for(rng):
    y = torch.from_numpy(rng.random((2, 30, 5)))
    c = competition(30, 9, gain=1.0, sharpness=2.0)(y)
    assert c.sum(1).numpy() == pytest.approx(np.full((2, 5), 3))  # 30 / (9 + 1)
    np.testing.assert_array_equal(c.argsort(1), y.argsort(1))
    assert competition(30, 9, gain=100)(y).max() == 1


def test_pooled_runs_are_cut_where_pixels_are_alike(shapes, trained):
    """How alike they are is the mean over the runs; pixels that never fire have no group, all others have one."""
    images = shapes[0][:4]
    heard = (torch.arange(28 * 28) != np.flatnonzero(images[0])[5]).float()

    def network(x):  # one pixel has no feedback
        return heard * trained(x)[0]

    settings, streams = SYSTEMS["dasbe_pooled"].settings(32, 9, 12, runs=2), {"indices": np.arange(4), "device": "cpu"}
    labels = dasbe.segment(images, network, "dasbe_pooled", n_objects=3, settings=settings, seed=5)
    fired, alike = np.zeros(images.shape, bool), [0, 0, 0, 0]
    for run in range(2):
        spikes = dasbe.bind(
            images, network, delay=32, refractory=9, cycles=12, last=10, seed=seed_of_run(5, run)
        ).spikes
        fired |= spikes.any((1, 2))
        for i, image in enumerate(images):
            trains = dasbe.binding.readout.smooth(spikes[i].reshape(320, 28, 28)[:, image == 1])
            norms = np.linalg.norm(trains, axis=0)
            alike[i] = alike[i] + trains.T @ trains / np.maximum(np.outer(norms, norms), 1e-9)
    np.testing.assert_array_equal(labels > 0, fired)
    assert fired.any((1, 2)).all() and not fired[0][images[0] == 1].all()
    of_run = [
        list(alike_by_timing(images, network, 3, settings, seed=seed_of_run(5, run), **streams)) for run in range(2)
    ]
    for i, image in enumerate(images):
        np.testing.assert_allclose(sum(of[i] for of in of_run), alike[i], atol=1e-5)
        groups = cut(alike[i][np.ix_(fired[i][image == 1], fired[i][image == 1])] / 2, 3, 5, i)
        np.testing.assert_array_equal(labels[i][fired[i]], numbered(groups))


def test_pooled_runs_of_rc_are_cut_where_pixels_share_groups(shapes, trained):
    """One run pooled gives its own groups back; of several runs, most pixels have the group that most runs agree on."""
    images, groups, network = shapes[0][:8], shapes[1][:8], copy.deepcopy(trained).double()
    of_one = dasbe.segment(images, network, "rc", n_objects=3, settings="shapes", seed=2)
    settings = system_settings(SYSTEMS["rc_pooled"], "shapes")
    pooled = dasbe.segment(images, network, "rc_pooled", n_objects=3, settings=settings._replace(runs=1), seed=2)
    used = [len(np.unique(labels)) == 4 for labels in of_one]  # spectral clustering would split what RC has left whole
    np.testing.assert_allclose(dasbe.ami(of_one, pooled)[used], 1)
    several = dasbe.segment(images, network, "rc_pooled", n_objects=3, settings=settings, seed=2)
    assert dasbe.ami(groups, several).mean() > 0.6


def test_groups_are_numbered_in_the_order_in_which_they_appear():
    for groups, numbers in (
        ([3, 3, 1, 3, 0], [1, 1, 2, 1, 3]),
        ([2, 0, 2, -1, -1], [1, 2, 1, 0, 0]),
        ([-1], [0]),
        ([], []),
    ):
        assert numbered(np.array(groups)).tolist() == numbers
    assert numbered(np.array([2, 0, 1, 2]), none=2).tolist() == [0, 1, 2, 0]


def test_the_output_shift_of_a_network_counts_in_the_worth_alone(shapes, random_network):
    network, options = random_network(), {"n_phases": 4, "cycles": 5, "cycles_after_pruning": 2, "seed": 3}
    unshifted = by_phases(shapes[0][:4], network, 4, **options)
    network.description["recipe"] = {"output_shift": 1.5}
    assert network.output_shift == 1.5
    np.testing.assert_array_equal(by_phases(shapes[0][:4], network, 4, **options), unshifted)
    shown = torch.from_numpy(np.arange(2)[:, None] == np.arange(np.count_nonzero(shapes[0][0])) % 2)[None, None]

    def worth(network):
        foreground = Foreground.of(shapes[0][:1])
        with ready(network, shapes[0][:1], "cpu") as usable, torch.inference_mode():
            attention = attention_of(usable, needed=0.5)(foreground)
            return Phases(attention, usable, NoiseStreams(0, [0], foreground.counts), 2, 1, 0.5, 2.0).worth(shown)

    shifted = copy.deepcopy(network)
    with torch.no_grad():
        shifted.decoder[-2].bias += 1.5
    network.description["recipe"] = {}
    for of_shifted, expected in zip(worth(shifted), worth(network)):
        np.testing.assert_allclose(of_shifted, expected, rtol=1e-4)
    network.description["recipe"] = {"output_shift": "1.5"}
    with pytest.raises(dasbe.InputError, match="output_shift of network is '1.5'; it must be a number"):
        by_phases(shapes[0][:4], network, **options)


def test_the_table_has_the_systems_of_the_stored_one(monkeypatch, tmp_path):
    monkeypatch.setattr("sys.argv", ["table1", "--out", str(tmp_path / "table1")])
    stored = np.load(Path(__file__).parent.parent / "notebooks" / "table1" / "scores.npz")
    assert {*command_options.table1("table1")["systems"]} == {name.split("/")[0] for name in stored if "/" in name}


def test_bad_input(shapes, trained):
    images, pcnn = shapes[0][:2], pure_snn.Settings(10.0, 6.0)
    system = system_of("dasbe")

    def by_pcnn(settings):
        return SYSTEMS["pure_snn"].segment(images, settings=settings)

    for call, match in (
        (lambda: by_rc(images, trained, 785), "n_objects is 785; it must be a whole number of at most 784"),
        (lambda: by_rc(images, trained, settings=(3,)), r"settings is \(3,\); it must be the name of a dataset"),
        (lambda: by_rc(images, trained, indices=[1]), r"indices is \[1\]; indices must be 2 whole numbers"),
        (
            lambda: by_rc(images, trained, settings=reconstruction_clustering.Settings(785)),
            "objects is 785; it must be a whole number of at most 784",
        ),
        (lambda: by_pcnn((10.0, 6.0)), r"settings is \(10.0, 6.0\); it must be dasbe.systems.pure_snn"),
        (lambda: by_pcnn(pcnn._replace(dropout=2)), "dropout is 2; it must be a probability"),
        (lambda: by_pcnn(pcnn._replace(linking_decay=0)), "linking_decay is 0; it must be above 0"),
        (
            lambda: system_of("magic"),
            "system 'magic' is unknown; choose one of coordinates, components, colours",
        ),
        (
            lambda: system.segment(images, settings=system_settings(system, "bars"), n_objects=3),
            "network is None, but DASBE needs one; load it with dasbe.load_network",
        ),
    ):
        with pytest.raises(dasbe.InputError, match=match) as caught:
            call()
        assert "\n" not in str(caught.value)
