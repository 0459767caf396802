"""Grey and colour images: the ground, phases that have a colour, and pixels that are switched."""

import base64
import copy

import browser
import numpy as np
import pytest
import torch
from PIL import Image
from replay import ReplayedNoise
from test_systems import PhasesNoise

import dasbe
from dasbe import definition
from dasbe.datasets.images import load_colours
from dasbe.datasets.variations import cluttered
from dasbe.engine.colours import Colours, distances, find_ground, separated
from dasbe.engine.feedback import all_at_once
from dasbe.engine.foreground import Foreground
from dasbe.engine.phases import phase_cycle
from dasbe.engine.streams import NoiseStreams
from dasbe.experiments.bind import bind_image
from dasbe.plotting import animation
from dasbe.support import checks
from dasbe.systems import competing_phases
from dasbe.systems.competing_phases import SAMPLES, Settings, fire, shares_of
from dasbe.systems.dasbe import ColourTerm

CYCLES, CYCLES_AFTER, SEED = 6, 3, 5
SHORT = {"cycles": CYCLES, "cycles_after_pruning": CYCLES_AFTER}
COLOURS = np.array([[0.2, 0.3, 0.4], [1, 0.2, 0.1], [0.1, 0.8, 0.3], [0.3, 0.2, 0.9]])  # of the ground, and of objects


def painted(groups, colours=COLOURS):
    """Images (N, 3, H, W) of objects (N, H, W) in `colours`; the ground has the first."""
    return np.moveaxis(np.asarray(colours, np.float32)[groups], 3, 1)


@pytest.fixture(scope="module")
def scenes(shapes):
    """Ink and objects (N, 28, 28) of shapes, without pixels in two objects."""
    groups = shapes[1][:12].astype(int)
    return (groups > 0).astype(np.uint8), groups


def phases(images, network, n_objects=None, *, seed=SEED, indices=None, n_phases=6, **settings):
    """Labels by competing phases, which count if they are not told the number."""
    system = "competing_phases_counting" if n_objects is None else "competing_phases"
    options = {"n_objects": n_objects, "settings": Settings(n_phases, **settings), "seed": seed, "indices": indices}
    return dasbe.segment(images, network, system, **options)


def draws(n_phases, steps, n_objects):
    """What :class:`PhasesNoise` is to draw."""
    drawn = []
    for n_left in range(n_phases, (n_objects or 1) - 1, -1):
        drawn += [(steps, n_left * steps)] * (CYCLES if n_left == n_phases else CYCLES_AFTER)
        drawn += [(SAMPLES, 0)] * (n_objects is None)
    return drawn


LITERAL = {
    "flat": ({}, {}),
    "planes": ({"ground": "plane", "colour": "plane"}, {"plane": True}),
    "grey": ({"sigma": 0.1}, {"sigma": 0.1}),
    "switched": ({"noise": 0.05}, {"switched": 0.05}),
    "all found": ({"noise": None, "sigma": None}, {"switched": None, "sigma": None}),
}


@pytest.mark.parametrize(
    "kind, n_objects, spiking",
    [
        *((kind, None, False) for kind in LITERAL),
        ("planes", 3, False),
        ("all found", 3, False),
        ("all found", None, True),
    ],
)
def test_phases_with_colours_equal_their_literal_form(scenes, trained, random_network, rng, kind, n_objects, spiking):
    network = random_network(spiking=True, dtype=torch.float64) if spiking else copy.deepcopy(trained).double()
    network.description["recipe"] = {"output_shift": 0.7}
    ours, literal = LITERAL[kind]
    images = painted(scenes[1][:3]) + 0.04 * rng.standard_normal((3, 3, 28, 28)).clip(-2, 2).astype(np.float32)
    images = images.clip(0, 1).astype(np.float32)
    images = images[:, 0] if kind == "grey" else images
    labels = phases(images, network, n_objects, n_phases=5, **SHORT, **ours)
    for i, image in enumerate(images):
        colours = torch.from_numpy(image).double().reshape(-1, 28, 28)
        ground, sigma = definition.find_ground(colours, literal.get("plane", False), literal.get("sigma", 0.2))
        ink = (~ground).numpy().astype(np.uint8)
        noise = PhasesNoise(ink, SEED, i, 5, draws(5, 2, n_objects))
        expected = definition.competing_phases(
            ink, network, noise, 5, 2, n_objects, **SHORT, shift=0.7, colours=colours, **{**literal, "sigma": sigma}
        )
        np.testing.assert_array_equal(labels[i], expected)
        assert next(noise.draws, None) is None
    assert labels.max() > 1


@pytest.mark.parametrize("n_objects", [3, None], ids=["told", "counting"])
@pytest.mark.parametrize("noise", [0.04, None])
def test_phases_with_switched_pixels_equal_their_literal_form(shapes, trained, n_objects, noise):
    network = copy.deepcopy(trained).double()
    images = cluttered(shapes[0][:3], shapes[1][:3], 0.04, 2)[0].astype(np.uint8)
    labels = phases(images, network, n_objects, n_phases=5, **SHORT, noise=noise)
    for i, image in enumerate(images):
        of_image = PhasesNoise(image, SEED, i, 5, draws(5, 2, n_objects))
        expected = definition.competing_phases(image, network, of_image, 5, 2, n_objects, **SHORT, switched=noise)
        np.testing.assert_array_equal(labels[i], expected)
    assert (labels[images == 1] == 0).any() and not np.array_equal(
        labels, phases(images, network, n_objects, n_phases=5, **SHORT)
    )


def test_one_colour_for_all_gives_the_labels_of_binary_images(shapes, trained):
    """In whatever form: where colours say nothing, what is grouped is the ink."""
    images, network = shapes[0][:10], copy.deepcopy(trained).double()
    expected = phases(images, network, seed=3)
    assert expected.max() > 2
    for given in (
        0.5 * images,
        (200 * images).astype(np.uint8),
        np.stack([images * 0.3, images * 0.5, images * 0.9], 1),
        0.8 - 0.5 * images,  # dark ink
    ):
        for colour in ("flat", "plane", "none"):
            np.testing.assert_array_equal(phases(given, network, seed=3, colour=colour), expected)
    of_known_ground = phases(0.8 - 0.5 * images, network, seed=3, ground=images == 0)
    np.testing.assert_array_equal(of_known_ground, expected)


def test_grey_is_grouped_as_its_three_equal_channels(scenes, trained):
    grey, network = painted(scenes[1])[:, 1], copy.deepcopy(trained).double()
    labels = phases(grey, network)
    np.testing.assert_array_equal(labels, phases(np.stack([grey] * 3, 1), network))
    assert not np.array_equal(labels, phases(scenes[0], network))


def test_colours_that_no_network_sees_help(scenes, trained):
    ink, groups = scenes
    binary, flat = phases(ink, trained, n_objects=3), phases(painted(groups), trained, n_objects=3)
    assert dasbe.ari(groups, flat).mean() > max(0.99, dasbe.ari(groups, binary).mean())
    np.testing.assert_array_equal(flat > 0, ink == 1)  # the ground is found


def test_the_labels_of_colours_do_not_depend_on_batch_or_settings_of_others(monkeypatch, scenes, trained):
    network, images = copy.deepcopy(trained).double(), painted(scenes[1])
    images[:, 1] += 0.02 * scenes[1]
    options = SHORT | {"sigma": None, "noise": None}
    together = phases(images, network, **options)
    monkeypatch.setattr(competing_phases, "VALUES_OF_A_BLOCK", 1 << 13)  # several blocks
    np.testing.assert_array_equal(phases(images, network, **options), together)
    np.testing.assert_array_equal(phases(images[7:8], network, indices=[7], **options)[0], together[7])
    ground = scenes[0] == 0
    given = phases(images, network, **options | {"ground": ground})
    np.testing.assert_array_equal(
        phases(images[7:8], network, indices=[7], **options | {"ground": ground[7:8]})[0], given[7]
    )


def test_ground_with_a_gradient_is_a_plane(scenes):
    ink, groups = scenes
    gradient = np.linspace(0.4, 1, 28)[:, None] * np.array([0.2, 0.9, 0.5])[:, None, None]
    images = np.where(ink[:, None], painted(groups, 1 - COLOURS), gradient).astype(np.float32)
    flat, plane = (separated(images, kind, "flat", 0.2)[0] for kind in ("flat", "plane"))
    np.testing.assert_array_equal(plane, ink)
    assert (flat != ink).mean() > 0.2


def test_the_deviation_is_that_of_the_ground(scenes, rng):
    ink, groups = scenes
    for true in (0.07, 0.12):
        images = painted(groups, [[0.5, 0.5, 0.5], [1, 0, 0], [0, 1, 0], [0, 0, 1]])
        images = (images + true * rng.standard_normal(images.shape)).clip(0, 1)
        found, sigma = find_ground(images.reshape(len(images), 3, -1), np.ones((1, 784)), None)
        np.testing.assert_allclose(sigma, true, rtol=0.15)
        assert (found.reshape(ink.shape) != (ink == 0)).mean() < 0.04
    assert separated(painted(groups), None, None, None)[1].sigma.max() == 0.15


@pytest.mark.parametrize("kind", ["flat", "plane"])
def test_compiled_distances_equal_the_tensors(scenes, rng, kind):
    images = rng.random((4, 3, 28, 28))
    ink = scenes[0][:4].copy()
    ink[2] = 0
    foreground = Foreground.of(ink)
    colours = Colours.of(images, kind, np.array([0.1, 0.2, 0.3, 0.4])).of_foreground(foreground, torch.float64)
    spikes = torch.from_numpy(rng.random((4, 6, foreground.valid.shape[1])) < 0.3) & foreground.valid[:, None]
    spikes[1, 4:] = False  # a phase without spikes
    expected = distances(colours, spikes.view(torch.uint8).unflatten(1, (3, 2)).sum(2), 0.5 / colours.sigma**2)
    valid = foreground.valid[:, None].expand(-1, 3, -1)
    found = colours.distances(spikes.view(torch.uint8), 3)
    np.testing.assert_allclose(found[valid], expected[valid], rtol=1e-9, atol=1e-12)
    pixels, own = foreground.pixels[0], foreground.valid[0]
    literal = torch.from_numpy(images[0])
    literal = literal - literal.flatten(1)[:, pixels[own]].mean(1)[:, None, None]
    fired = foreground.to_images(spikes[:, :2].sum(1).double())[0]
    squared = ((literal - definition.fitted_colour(fired, literal, kind == "plane")) ** 2).sum(0).flatten()
    np.testing.assert_allclose(expected[0, 0][own], squared[pixels[own]] / (2 * 0.1**2), rtol=1e-6)


@pytest.mark.parametrize("with_colours, with_switched", [(True, False), (False, True), (True, True)])
def test_the_compiled_cycle_with_colours_equals_the_tensors(rng, with_colours, with_switched):
    counts, n_phases, steps = np.array([9, 0, 6]), 4, 2
    feedback, likelihood, level = (rng.random((3, *shape)) for shape in ((8, 9), (4, 9), (9,)))
    likelihood, level = likelihood[: 3 * with_colours], level[: 3 * with_switched]
    y = torch.from_numpy(feedback).unflatten(1, (4, 2)).mean(2) * (torch.from_numpy(likelihood) if with_colours else 1)
    shares = shares_of(y, 2.0, torch.from_numpy(level) if with_switched else None)
    shares = shares * torch.from_numpy(np.arange(9) < counts[:, None])[:, None]
    assert (shares.sum(1)[0] < 0.99).all() == with_switched
    expected = fire(shares, NoiseStreams(1, range(3), counts).pixel_words(steps), 0.5)
    spikes, states = np.empty(feedback.shape, np.uint8), NoiseStreams(1, range(3), counts).states
    phase_cycle(all_at_once(feedback), states, counts, n_phases, 0.5, 2.0, likelihood, level, spikes)
    np.testing.assert_array_equal(spikes, expected)


def test_switched_pixels_are_found_and_left_out(shapes, trained):
    images, groups = shapes[0][:12], shapes[1][:12]
    noisy, left = cluttered(images, groups, 0.05, 1)
    noisy = noisy.astype(np.uint8)
    labels = phases(noisy, trained, noise=None)
    usual = phases(noisy, trained)
    assert (labels.max((1, 2)) == 3).mean() > 0.8 > 0.2 > (usual.max((1, 2)) == 3).mean()
    added = (noisy == 1) & (images == 0)
    assert (labels[added] == 0).mean() > 0.5 and (labels[left > 0][noisy[left > 0] == 1] == 0).mean() < 0.05
    assert (usual[noisy == 1] > 0).all()


@pytest.mark.parametrize("noise", [0.05, None])
def test_the_likelihood_of_switched_pixels_is_the_literal_one(scenes, trained, noise):
    """The largest of all f, where f is found."""
    ink = scenes[0][:4].copy()
    ink[:, :2, :2] = 1  # switched on
    options = {"with_likelihood": True, "seed": SEED, "indices": np.arange(4), "device": torch.device("cpu")}
    settings = Settings(6, noise=noise, **SHORT)
    found, likelihood = competing_phases.settle(ink, trained, np.full(4, 3), settings, **options)
    f = np.geomspace(1e-4, 0.3, 2000)[:, None] if noise is None else noise
    for image, labels, ell in zip(ink, found, likelihood):
        groups = np.stack([labels == k for k in range(1, labels.max() + 1)]).reshape(-1, image.size)
        with torch.no_grad():
            none = (1 - trained(torch.from_numpy(groups).float())[0].clamp(1e-6, 1 - 1e-6)).prod(0).numpy()
        some, on = (1 - 2 * f) * (1 - none) + f, image.ravel() == 1
        expected = np.log(some[..., on]).sum(-1) + np.log((1 - 2 * f) * none[~on] + f).sum(-1)
        np.testing.assert_allclose(ell, expected.max(), rtol=1e-4)


@pytest.mark.parametrize("of_gain", [0.4, "random"])
def test_grey_as_gain_of_the_loop_equals_its_literal_form(shapes, random_network, rng, of_gain):
    images, network, cycles = shapes[0][:3], random_network(dtype=torch.float64), 5
    gain = rng.random(images.shape) if of_gain == "random" else np.full(images.shape, of_gain)
    gain = gain.astype(np.float32)
    options = {"delay": 11, "refractory": 3, "cycles": cycles}
    run = dasbe.bind(images, network, **options, seed=7, gain=gain)
    for i, image in enumerate(images):
        expected, _, _ = definition.bind(
            image, network, **options, noise=ReplayedNoise(image, 11, 7, i, torch.float64), gain=gain[i]
        )
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, 11, -1), expected)
    plain = dasbe.bind(images, network, **options, seed=7)
    np.testing.assert_array_equal(
        dasbe.bind(images, network, **options, seed=7, gain=0 * gain + 1).spikes, plain.spikes
    )
    assert run.spikes.sum() < 0.9 * plain.spikes.sum() and "gain" not in plain.parameters


def test_the_colour_term_of_the_loop_equals_its_literal_form(scenes, random_network):
    (ink, groups), network, cycles = scenes, random_network(dtype=torch.float64), 5
    images, options = painted(groups), {"delay": 11, "refractory": 3, "cycles": cycles}
    run = dasbe.bind(ink[:3], network, **options, seed=7, modulate=ColourTerm(images[:3]))
    for i, image in enumerate(ink[:3]):
        colours, pixels = torch.from_numpy(images[i]).double().flatten(1), torch.from_numpy(image.ravel() == 1)

        def term(y, spikes, colours=colours, pixels=pixels):
            c = torch.zeros_like(y)
            c[:, pixels] = definition.colour_term(y[:, pixels], spikes[:, pixels].double(), colours[:, pixels])
            return c

        noise = ReplayedNoise(image, 11, 7, i, torch.float64)
        expected, _, _ = definition.bind(image, network, **options, noise=noise, modulate=term)
        np.testing.assert_array_equal(run.spikes[i].reshape(cycles, 11, -1), expected)
    assert not np.array_equal(run.spikes, dasbe.bind(ink[:3], network, **options, seed=7).spikes)


def test_runs_with_gain_are_saved(tmp_path, shapes, trained):
    run = dasbe.bind(shapes[0][:2], trained, delay=9, refractory=3, cycles=2, gain=np.full((2, 28, 28), 0.5))
    run.save(tmp_path / "run.npz")
    again = dasbe.load_run(tmp_path / "run.npz")
    assert again.parameters["gain"] == run.parameters["gain"] and len(run.parameters["gain"]) == 64


IMAGE = np.zeros((2, 28, 28), np.float32)


@pytest.mark.parametrize(
    "images, message",
    [
        (np.zeros((2, 28, 28, 3)), r"colours come first: images.transpose\(0, 3, 1, 2\)"),
        (np.zeros((2, 5, 28, 28)), r"they must be \(N, H, W\), or \(N, 3, H, W\) in colour"),
        (IMAGE + 1.5, r"images\[0, 0, 0\] is 1.5; give grey and colours as numbers from 0 to 1, or as uint8"),
        (IMAGE + np.nan, r"images\[0, 0, 0\] is nan"),
        (np.full((2, 28, 28), 7), r"images\[0, 0, 0\] is 7; give"),
        (np.zeros((2, 3, 0, 28)), r"none of it may be 0"),
    ],
)
def test_what_is_neither_grey_nor_colour_is_refused(trained, images, message):
    with pytest.raises(dasbe.InputError, match=message):
        phases(images, trained)


@pytest.mark.parametrize(
    "wrong, message",
    [
        ({"ground": "Flat"}, "ground 'Flat' is unknown; choose one of none, flat, plane"),
        ({"colour": "shaded"}, "colour 'shaded' is unknown"),
        ({"sigma": 0}, "sigma is 0; it must be a number"),
        ({"noise": 0.6}, "noise is 0.6; it must be a number from 0 to 0.5"),
        ({"ground": np.zeros((3, 28, 28))}, r"ground has shape \(3, 28, 28\), but there are 2 images"),
        ({"ground": np.zeros((2, 27, 28))}, r"ground \(2, 27, 28\) and images \(2, 28, 28\) must have the same shape"),
        ({"ground": np.full((2, 28, 28), 0.5)}, r"ground must be 0 or 1"),
    ],
)
def test_wrong_settings_of_colour_are_refused(trained, wrong, message):
    with pytest.raises(dasbe.InputError, match=message):
        phases(IMAGE + 0.5, trained, **wrong)


def test_systems_without_colour_say_what_to_do(trained):
    for images in (IMAGE + 0.5, np.zeros((2, 3, 28, 28))):
        with pytest.raises(dasbe.InputError, match="dasbe.binarise.*competing_phases"):
            dasbe.segment(images, trained, "rc", settings="shapes", n_objects=3)
    gain = np.ones((2, 28, 28))
    for wrong, message in (
        (gain[:1], "gain has shape"),
        (gain + 1, "gain holds 2.0"),
        (gain * np.nan, "gain holds nan"),
    ):
        with pytest.raises(dasbe.InputError, match=message):
            dasbe.bind(IMAGE, trained, delay=9, refractory=3, gain=wrong)
    with pytest.raises(dasbe.InputError, match="images are films"):
        dasbe.bind(np.zeros((2, 5, 28, 28)), trained, delay=9, refractory=3, cycles=5, gain=gain)
    with pytest.raises(dasbe.InputError, match="ColourTerm has images of shape"):
        dasbe.bind(np.ones((2, 28, 28)), trained, delay=9, refractory=3, cycles=2, modulate=ColourTerm(IMAGE[:1]))


def test_pictures_are_read_as_they_are(tmp_path, rng):
    colours = rng.integers(0, 256, (6, 5, 3), np.uint8)
    deep = rng.integers(0, 2**16, (6, 5), np.uint16)
    transparent = np.dstack([colours, np.full((6, 5), 255, np.uint8)])
    transparent[2, 3, 3] = 0
    for name, array in {"colours": colours, "grey": colours[..., 0], "deep": deep, "open": transparent}.items():
        Image.fromarray(array).save(tmp_path / f"{name}.png")
    read = {name: load_colours(tmp_path / f"{name}.png", (6, 5)) for name in ("colours", "grey", "deep", "open")}
    assert all(picture.shape == (3, 6, 5) and picture.dtype == np.float32 for picture in read.values())
    np.testing.assert_allclose(read["colours"], colours.transpose(2, 0, 1) / 255, rtol=1e-6)
    np.testing.assert_allclose(read["grey"], [colours[..., 0] / 255] * 3, rtol=1e-6)
    np.testing.assert_allclose(read["deep"], [deep / 65535] * 3, rtol=1e-6)
    assert (read["open"][:, 2, 3] == 1).all()
    with pytest.raises(dasbe.InputError, match="is 6×5 pixels, but the network takes 28×28"):
        load_colours(tmp_path / "grey.png", (28, 28))


def test_a_picture_in_colour_is_bound_by_one_command(tmp_path, scenes, trained, capsys):
    picture = (255 * painted(scenes[1][:1])[0]).round().astype(np.uint8).transpose(1, 2, 0)
    Image.fromarray(picture).save(tmp_path / "picture.png")
    dasbe.save_network(tmp_path / "net.pt", trained)
    options = {"dataset": "shapes", "index": 0, "network": str(tmp_path / "net.pt"), "out": tmp_path, "seed": SEED}
    bind_image(image=tmp_path / "picture.png", colour=True, **options)
    assert capsys.readouterr().out.startswith("found 3 objects")
    with Image.open(tmp_path / "grouping.png") as drawn:
        shown = np.asarray(drawn.convert("RGB"))[:, : drawn.width // 2]
    for colour in COLOURS:  # of the ground and of the objects, a pixel many times as large
        assert (np.abs(shown - 255 * colour).max(2) < 2).sum() > 1000


@pytest.fixture(scope="module", params=("grey", "colour"))
def run_of_pictures(request, scenes, trained):
    """A run of two images that are not black and white, and what they look like, (2, H, W, 3)."""
    (ink, groups), options = scenes, {"delay": 9, "refractory": 3, "cycles": 3}
    images = painted(groups[:2])
    if request.param == "colour":
        run = dasbe.bind(ink[:2], trained, **options, modulate=ColourTerm(images))
        return run, images.transpose(0, 2, 3, 1)
    return dasbe.bind(ink[:2], trained, **options, gain=images[:, 0]), np.stack([images[:, 0]] * 3, -1)


def test_plots_show_pictures_as_they_are(run_of_pictures, scenes):
    run, looks = run_of_pictures
    first, *_, last = dasbe.plot_grouping(run, scenes[1][:2], 1, groups=scenes[1][:2]).axes
    np.testing.assert_array_equal(first.images[0].get_array(), looks[1])
    assert last.get_title().startswith("grouping by spike timing")
    assert dasbe.bind(scenes[0][:1], lambda x: 0.2 * x, delay=9, refractory=3, cycles=2).picture_of(0) is None


def test_gifs_show_pictures_as_they_are_where_nothing_fires(run_of_pictures, scenes, monkeypatch, tmp_path):
    run, looks = run_of_pictures
    frames, original = [], animation._spike_frames
    monkeypatch.setattr(animation, "_spike_frames", lambda *of: frames.append(original(*of)) or frames[-1])
    dasbe.animate(tmp_path / "x.gif", run, scenes[1][:2], 1, cycles=[0])
    at_first = ~run.spikes[1, 0, 0]
    np.testing.assert_allclose(frames[0][0][at_first], animation.DIM * looks[1][at_first])
    assert not np.allclose(frames[0][0], animation.DIM * looks[1])


def test_pages_show_pictures_as_they_are(run_of_pictures, tmp_path):
    run, looks = run_of_pictures
    run.to_html(tmp_path / "run.html", 1)
    held = np.frombuffer(base64.b64decode(browser.data_of(tmp_path / "run.html")["picture"]), np.uint8)
    np.testing.assert_array_equal(held.reshape(28, 28, 3), np.round(255 * looks[1]))
    if browser.find() is None:
        return
    with browser.Page(calm=True) as shown:
        shown.open(tmp_path / "run.html")
        drawn = shown.value(
            "((copy, side) => (copy.drawImage($('input'), 0, 0),"
            " Array.from({ length: 784 }, (_, p) => [...copy.getImageData((p % 28 + 0.5) * side,"
            " (Math.floor(p / 28) + 0.5) * side, 1, 1).data].slice(0, 3))))(new OffscreenCanvas($('input').width,"
            " $('input').height).getContext('2d', { willReadFrequently: true }), $('input').width / 28)"
        )
        np.testing.assert_array_equal(np.ravel(drawn), held)
        assert shown.complaints == []


def test_pictures_are_saved_and_chosen_with_their_run(run_of_pictures, tmp_path):
    run, looks = run_of_pictures
    run.save(tmp_path / "run.npz")
    for again in (dasbe.load_run(tmp_path / "run.npz")[1], run[1]):
        np.testing.assert_array_equal(again.picture_of(0), looks[1])
    arrays = dict(np.load(tmp_path / "run.npz"))
    for wrong in (arrays["pictures"][:1], arrays["pictures"][..., 1:]):
        np.savez(tmp_path / "wrong.npz", **arrays | {"pictures": wrong})
        with pytest.raises(dasbe.FileContentError, match="its pictures have shape"):
            dasbe.load_run(tmp_path / "wrong.npz")


@pytest.mark.quick
def test_grey_images_with_a_channel_axis_are_taken_as_they_are():
    grey = np.zeros((2, 1, 8, 8), np.float32)
    grey[:, 0, 2:4, 1:7] = 0.6
    np.testing.assert_array_equal(checks.pictures(grey), grey[:, 0])
    np.testing.assert_array_equal(checks.pictures(torch.from_numpy(grey)), grey[:, 0])
    in_bytes = np.array([[[0, 51, 255]]], np.uint8)
    np.testing.assert_array_equal(checks.pictures(in_bytes), np.float32([[[0, 0.2, 1]]]))


def test_grey_and_colour_are_scored_by_systems_that_take_them(scenes, trained):
    images, groups = painted(scenes[1]), scenes[1]
    settings = Settings(6, ground="plane", sigma=None)
    evaluation = dasbe.evaluate(images, groups, trained, "competing_phases", settings=settings, seeds=SEED)
    found = dasbe.segment(images, trained, "competing_phases", n_objects=3, settings=settings, seed=SEED)
    assert np.array_equal(evaluation.scores["competing_phases"]["ami"][0], dasbe.ami(groups, found))
    assert np.array_equal(evaluation.scores["competing_phases"]["mbo"][0], dasbe.mbo(groups, found))
    with pytest.raises(dasbe.InputError, match="DASBE takes 0 and 1"):
        dasbe.evaluate(images, groups, trained, "dasbe", settings="shapes")
