"""The binding loop: agreement with the literal form, and the properties of its spikes."""

import numpy as np
import pytest
import torch
from replay import ReplayedNoise

import dasbe
from dasbe import definition
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import generate
from dasbe.engine import attention
from dasbe.metrics import ami

pytestmark = pytest.mark.quick


@pytest.mark.parametrize("spiking", [False, True], ids=["deterministic latent", "spiking latent"])
@pytest.mark.parametrize("hidden", [(), (50,)], ids=["one layer", "two layers"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_spikes_equal_those_of_the_literal_form(shapes, random_network, spiking, hidden, dtype):
    images = shapes[0][:3]
    network = random_network(spiking, dtype, hidden=hidden)
    delay, refractory, cycles, seed = 13, 4, 6, 7
    options = {"delay": delay, "refractory": refractory, "cycles": cycles, "seed": seed}
    run = bind(images, network, record=("spikes", "latents", "feedback"), **options)
    for i, image in enumerate(images):
        noise = ReplayedNoise(image, delay, seed, i, dtype)
        spikes, latents, feedback = definition.bind(image, network, delay, refractory, cycles, noise)
        assert spikes.any(1).any(1).all(), "every cycle must have spikes for the comparison to mean anything"
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, delay, -1), spikes.numpy())
        np.testing.assert_allclose(run.latents[i], latents.numpy(), atol=1e-5)
        np.testing.assert_allclose(run.feedback[i].reshape(cycles, delay, -1), feedback.numpy(), atol=1e-5)


def test_the_literal_form_binds_with_noise_of_its_own(shapes, trained):
    images, groups = shapes[0][:4], shapes[1][:4]
    spikes = [definition.bind(x, trained, 32, 9, 25, definition.FreshNoise(32, x.size, seed=1))[0] for x in images]
    trains = torch.stack(spikes).unflatten(-1, images.shape[1:]).numpy()
    assert np.nanmean(ami(groups, group(trains, 4))) > 0.6


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_lazy_feedback_gives_the_spikes_of_the_literal_form(monkeypatch, shapes, random_network, dtype):
    """Images whose pixels are refractory most of the time, in one block with an image whose pixels never are."""
    images, refractory_times, network = shapes[0][:3], (9, 0, 6), random_network(dtype=dtype, hidden=())
    with torch.no_grad():
        network.decoder[-2].bias += 2.5  # many spikes
    monkeypatch.setattr(attention, "LAZY_MIN_UNITS", 1)
    decoded = []

    def decode_chosen(self, received, images, out, original=attention.ForegroundAttention.decode_chosen):
        decoded.append(images.copy())
        original(self, received, images, out)

    monkeypatch.setattr(attention.ForegroundAttention, "decode_chosen", decode_chosen)
    delay, cycles, seed = 13, 8, 7
    refractory = np.stack([np.full((28, 28), r) for r in refractory_times])
    run = bind(images, network, delay=delay, refractory=refractory, cycles=cycles, seed=seed)
    order = np.argsort(images.sum((1, 2)), kind="stable")  # in a block, images go by their size
    assert any((chosen == (order == 1)).all() for chosen in decoded), "feedback of two images must have become lazy"
    for i, (image, r) in enumerate(zip(images, refractory_times)):
        spikes, _, _ = definition.bind(image, network, delay, r, cycles, ReplayedNoise(image, delay, seed, i, dtype))
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, delay, -1), spikes.numpy())


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_spikes_of_films_equal_those_of_the_literal_form(random_network, dtype):
    films = dict(generate("moving_shapes_3", {"multi": 2, "test": 1, "single": 1, "frames": 36}))["train_multi"]
    frames = films["default"][:, 28:]  # the third object enters on the way
    network = random_network(dtype=dtype, recurrent=True)
    delay, refractory, cycles, seed = 11, 3, frames.shape[1], 4
    run = bind(frames, network, delay=delay, refractory=refractory, seed=seed, record=("spikes", "feedback"))
    for i, film in enumerate(frames):
        noise = ReplayedNoise(film.any(0), delay, seed, i, dtype)
        spikes, _, feedback = definition.bind(film, network, delay, refractory, cycles, noise)
        assert spikes.any(1).any(1).all()
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, delay, -1), spikes.numpy())
        np.testing.assert_allclose(run.feedback[i].reshape(cycles, delay, -1), feedback.numpy(), atol=1e-5)
    assert not run.spikes[np.broadcast_to(frames[:, :, None] == 0, run.spikes.shape)].any()


def test_a_film_that_stands_still_is_an_image(shapes, random_network):
    images = shapes[0][:3]
    options = {"delay": 9, "refractory": 3, "seed": 1}
    still = bind(np.repeat(images[:, None], 5, axis=1), random_network(), **options).spikes
    np.testing.assert_array_equal(still, bind(images, random_network(), cycles=5, **options).spikes)


def test_synchrony_within_objects_grows_from_chance(shapes, trained):
    """In the last cycles a small part of the steps holds nearly all spikes of an object."""
    images, groups = shapes[0][:10], shapes[1][:10]
    spikes = bind(images, trained, delay=32, refractory=9, cycles=20, seed=1).spikes
    peaks = np.zeros((2, 0))
    for image_spikes, truth in zip(spikes, groups):
        for k in range(1, truth.max() + 1):
            counts = image_spikes[..., truth == k].sum(-1)  # (n, d)
            share = np.sort(counts, axis=1)[:, -6:].sum(1) / np.maximum(counts.sum(1), 1)
            peaks = np.column_stack([peaks, [share[0], share[-5:].mean()]])
    assert peaks[1].mean() > 0.8 > 0.6 > peaks[0].mean()


def test_a_pixel_is_silent_for_r_steps_after_a_spike(shapes, trained):
    for refractory in (0, 1, 9):
        run = bind(shapes[0][:5], trained, delay=16, refractory=refractory, cycles=10, seed=3)
        trains = run.spikes.reshape(5, 160, -1)
        gaps = [np.diff(np.flatnonzero(train)) for image in trains for train in image.T]
        shortest = min(gap.min() for gap in gaps if len(gap))
        assert shortest == refractory + 1  # kept, and reached


def test_background_pixels_never_fire(shapes, trained):
    run = bind(shapes[0][:10], trained, delay=20, refractory=5, cycles=8, seed=0)
    background = np.broadcast_to(shapes[0][:10, None, None] == 0, run.spikes.shape)
    assert run.spikes.any() and not run.spikes[background].any()


def test_an_images_spikes_do_not_depend_on_its_batch(shapes, random_network):
    network = random_network(spiking=True, dtype=torch.float64)
    options = {"delay": 11, "refractory": 3, "cycles": 4, "seed": 5}
    together = bind(shapes[0][:12], network, **options)
    alone = bind(shapes[0][7:8], network, indices=[7], **options)
    np.testing.assert_array_equal(together.spikes[7:8], alone.spikes)


def test_same_seed_same_spikes_other_seed_others(shapes, random_network):
    options = {"delay": 9, "refractory": 2, "cycles": 3}
    first, again, other = (bind(shapes[0][:4], random_network(), seed=seed, **options).spikes for seed in (1, 1, 2))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_recording_does_not_change_the_run(shapes, random_network):
    options = {"delay": 9, "refractory": 2, "cycles": 5, "seed": 1}
    network = random_network(spiking=True)
    everything = bind(shapes[0][:4], network, record=("spikes", "latents", "feedback"), **options)
    end = bind(shapes[0][:4], network, last=2, **options)
    np.testing.assert_array_equal(everything.spikes[:, -2:], end.spikes)
    for name in ("latents", "feedback"):
        with pytest.raises(dasbe.InputError, match=rf"{name} were not recorded .*record=\('{name}',\)"):
            getattr(end, name)
    with pytest.raises(dasbe.InputError, match="spikes were not recorded"):
        _ = bind(shapes[0][:4], network, record=("latents",), **options).spikes
    assert everything.latents.shape == (4, 5, 9, 60) and set(np.unique(everything.latents)) <= {0.0, 1.0}
    assert everything.feedback.shape == (4, 5, 9, 28, 28)


def test_the_feedback_of_one_cycle_drives_the_next(shapes):
    """A callable that always returns 1 makes every pixel fire as often as it can; one of 0 silences all."""
    options = {"delay": 12, "refractory": 2, "cycles": 3, "seed": 0}
    always = bind(shapes[0][:2], torch.ones_like, **options).spikes
    fired = always[:, 1:].reshape(2, 24, -1).sum(1)
    assert (fired[shapes[0][:2].reshape(2, -1) == 1] >= 24 // 3 - 1).all()
    never = bind(shapes[0][:2], torch.zeros_like, **options).spikes
    assert never[:, 0].any() and not never[:, 1:].any()


def test_any_module_or_callable_will_do(shapes, random_network):
    network = random_network(dtype=torch.float64)
    options = {"delay": 9, "refractory": 2, "cycles": 4, "seed": 1}
    expected = bind(shapes[0][:3], network, **options).spikes

    class Foreign(torch.nn.Module):  # not built of Sequentials
        def __init__(self):
            super().__init__()
            self.inner = network

        def encoder(self, x):
            return self.inner.encoder(x)

        def decoder(self, h):
            return self.inner.decoder(h)

    np.testing.assert_array_equal(bind(shapes[0][:3], Foreign(), **options).spikes, expected)

    def reconstruct(x):
        return network(x.double())[0]

    assert bind(shapes[0][:3], reconstruct, **options).spikes.shape == expected.shape


def test_spike_train_of_a_pixel_without_feedback_is_empty():
    """V is above 1, so that u < 1 alone never reaches it."""
    run = bind(np.ones((1, 4, 4)), torch.zeros_like, delay=200, refractory=0, cycles=3, seed=0)
    assert not run.spikes[:, 1:].any()


def test_image_without_ink_stays_silent(random_network):
    images = np.zeros((2, 28, 28))
    images[1, 5, 5:9] = 1
    run = bind(images, random_network(), delay=8, refractory=1, cycles=3, seed=0)
    assert not run.spikes[0].any() and run.spikes[1].any()


def test_each_pixel_keeps_a_refractory_time_of_its_own(shapes, trained, rng):
    images = shapes[0][:3]
    refractory = rng.integers(3, 12, images.shape)
    spikes = bind(images, trained, delay=20, refractory=refractory, cycles=15, seed=2).spikes.reshape(3, 300, 28, 28)
    shortest = np.full(images.shape, 300)
    for place in zip(*np.nonzero(spikes.any(1))):
        gaps = np.diff(np.flatnonzero(spikes[place[0], :, place[1], place[2]]))
        shortest[place] = gaps.min(initial=300)
    assert (shortest > refractory).all() and (shortest == refractory + 1).sum() > 50
    same = bind(images, trained, delay=20, refractory=np.full((28, 28), 5), cycles=5, seed=2).spikes
    np.testing.assert_array_equal(same, bind(images, trained, delay=20, refractory=5, cycles=5, seed=2).spikes)


def test_lost_spikes_are_gone_but_their_neurons_are_refractory(shapes):
    """With a network that asks every pixel to fire, the expected rate falls by the part that is lost."""
    images = shapes[0][:8]
    options = {"delay": 10, "refractory": 4, "cycles": 40, "seed": 0, "last": 39}
    full, thinned, none = (
        bind(images, torch.ones_like, spike_loss=loss, **options).spikes.mean() for loss in (0.0, 0.3, 1.0)
    )
    assert none == 0 and abs(thinned / full - 0.7) < 0.02
    trains = bind(images, torch.ones_like, spike_loss=0.3, **options).spikes.reshape(8, 390, -1)
    gaps = np.concatenate([np.diff(np.flatnonzero(train)) for image in trains for train in image.T])
    assert gaps.min() == 5 and (gaps == 10).any()  # a lost spike leaves a gap of two periods


def test_spikes_of_the_foreground_alone_are_those_of_the_images(shapes, trained):
    images = shapes[0][:6]
    options = {"delay": 20, "refractory": 5, "cycles": 12, "seed": 3}
    run = bind(images, trained, **options)
    spikes, trains = run.spikes, run.trains
    assert spikes.shape == (6, 12, 20, 28, 28)
    assert trains.values.shape == (6, 12, 20, images.sum((1, 2)).max())
    np.testing.assert_array_equal(trains.to_images(), spikes)
    for i, image in enumerate(images):
        n = np.count_nonzero(image)
        np.testing.assert_array_equal(trains.values[i, ..., :n], spikes[i][..., image == 1])
        assert not trains.values[i, ..., n:].any()
    for same in (run, trains):
        np.testing.assert_array_equal(group(same, 4, seed=1), group(spikes, 4, seed=1))


@pytest.mark.parametrize("shape", [(2, 3, 8, 8), (2, 8, 8, 3), (2, 4, 8, 8)])
def test_colour_channels_do_not_become_time(shape):
    images = np.ones(shape)
    with pytest.raises(dasbe.InputError, match=r"images with colour channels; .* or give cycles=. for films"):
        dasbe.bind(images, lambda x: 0.3 * x, delay=7, refractory=2)
    run = dasbe.bind(images, lambda x: 0.3 * x, delay=7, refractory=2, cycles=shape[1])
    assert run.spikes.shape == (2, shape[1], 7, *shape[2:])


def test_a_mask_is_not_dropped():
    images = np.ma.masked_array(np.ones((2, 8, 8)), mask=np.eye(8, dtype=bool)[None].repeat(2, 0))
    with pytest.raises(
        dasbe.InputError, match=r"images is a masked array; say what masked values are, as in images.fi"
    ):
        dasbe.bind(images, lambda x: 0.3 * x, delay=7, refractory=2)
    dasbe.bind(np.ma.masked_array(np.ones((2, 8, 8))), lambda x: 0.3 * x, delay=7, refractory=2, cycles=2)


def test_where_nothing_binds_a_suggestion_comes_with_a_warning():
    with pytest.warns(dasbe.TimingWarning, match="nothing binds: the score of every pair is 0"):
        dasbe.suggest_timing(np.ones((2, 4, 4)), lambda x: 0 * x)
