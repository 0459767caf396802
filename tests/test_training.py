"""Training: what it is shown, what it learns, and that a killed run ends as an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import fields, replace
from multiprocessing import active_children

import numpy as np
import pytest
import torch
from sklearn.svm import SVC
from torch import nn

import dasbe
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import save_network
from dasbe.datasets import generate, make_dataset
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.support import PROCEDURE
from dasbe.support.commands import main
from dasbe.support.paths import network_folder
from dasbe.train import denoising, networks, side_by_side
from dasbe.train.corruption import corrupt_frames, draw_rates, occlude, switch, walk_back
from dasbe.train.denoising import WALKBACK_CORRUPTION, contrast_loss, corrupt, train, training_images
from dasbe.train.recipes import RECIPES, Recipe, SceneRecipe, training_recipe
from scripts import model_card, try_candidates

TINY = Recipe("shapes", hidden=(20,), latent=10, corruption=(0.3, 0.6), epochs=4, occlusion=0.5, walkback=1, batch=16)
SHORT = replace(TINY, epochs=2)


def own_pair(latent=10):
    """An encoder and a decoder of a user's own."""
    with torch.random.fork_rng():
        torch.manual_seed(3)
        encoder, decoder = nn.Sequential(nn.Linear(784, latent), nn.Tanh()), nn.Linear(latent, 784)
        return dasbe.as_network(encoder, decoder, logits=True)


@pytest.fixture(scope="module")
def undisturbed(single_shapes):
    """The network of `TINY`, and the last state of its training."""
    return train(TINY, single_shapes)


@pytest.fixture(scope="module")
def shortly_trained(single_shapes):
    """The network of `SHORT`."""
    return train(SHORT, single_shapes)[0]


def _weights(network):
    return _ravelled(network.state_dict())


def _ravelled(weights):
    return torch.cat([values.detach().ravel() for values in weights.values()])


def test_pixels_are_only_switched_off_and_at_their_rate():
    images = (torch.rand(400, 1000) < 0.5).float()
    generator = torch.Generator().manual_seed(0)
    corrupted = switch(images, draw_rates(images, 0.2, 0.6, generator), generator)
    assert (corrupted <= images).all()
    kept = (corrupted.sum(1) / images.sum(1)).numpy()
    assert abs(kept.mean() - 0.6) < 0.02
    assert kept.min() < 0.45 and kept.max() > 0.75  # p is drawn per image


def test_salt_switches_pixels_on_wherever_they_lie(single_shapes):
    clean = torch.from_numpy(single_shapes[:400]).float()
    recipe = replace(TINY, corruption=(0.4, 0.4), salt=0.25, occlusion=0.0, walkback=0)
    shown = corrupt(clean, recipe, torch.Generator().manual_seed(0), nn.Identity())
    images = clean.flatten(1)
    assert abs(shown[images == 0].mean() - 0.1) < 0.005  # salt: 0.4 · 0.25
    assert abs(shown[images == 1].mean() - 0.7) < 0.02  # pepper: 0.4 · 0.75
    assert set(shown.unique().tolist()) == {0, 1}
    without = corrupt(clean, replace(recipe, salt=0.0), torch.Generator().manual_seed(0), nn.Identity())
    assert torch.equal(without, torch.minimum(without, images))  # without salt only ink goes
    assert (shown >= without).all()  # and from the same random numbers, the same pixels are kept


def test_gradient_descent_goes_down_the_loss_summed_over_pixels_at_a_constant_rate(single_shapes, monkeypatch):
    """The weights after two epochs of one batch each are those of two steps by hand."""
    recipe = replace(TINY, optimiser="sgd", learning_rate=0.02, epochs=2, hidden=(), occlusion=0.0, walkback=0)
    recipe = replace(recipe, corruption=(0.0, 0.0), batch=8)
    images = np.repeat(single_shapes[:1], 40, axis=0)  # whatever is drawn, the same image
    monkeypatch.setattr(denoising, "BATCHES_PER_EPOCH", 1)
    expected = denoising.initial_network(recipe, images.shape[1:])
    trained, state = denoising.train(recipe, images)
    target = torch.from_numpy(images[0]).float().reshape(1, -1)
    for _ in range(2):
        loss = nn.functional.binary_cross_entropy(expected(target)[0], target, reduction="sum")
        gradients = torch.autograd.grad(loss, [*expected.parameters()])
        with torch.no_grad():
            for weights, gradient in zip(expected.parameters(), gradients):
                weights -= 0.02 * gradient
    torch.testing.assert_close(_ravelled(dict(trained.state_dict())), _ravelled(dict(expected.state_dict())))
    assert {rate for *_, rate in state.history} == {0.02 * 784}


def test_walkback_fires_the_pixels_of_the_object_as_often_as_they_were_restored():
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand((4000, 50), generator=generator) < 0.5).float()
    restored = torch.linspace(0, 1, 50).expand(4000, 50)
    fired = walk_back(images, restored, torch.full((4000, 1), 0.25), generator)
    assert (fired <= images).all()
    rates = fired.sum(0) / images.sum(0)
    assert (rates - 0.75 * restored[0]).abs().max() < 0.06


@pytest.mark.parametrize("spiking", [False, True])
def test_training_shows_a_network_what_its_own_loop_would(single_shapes, random_network, spiking):
    """Corruption, and a round of the loop with the network itself, its latent neurons silenced, and spiking."""
    network, clean = random_network(spiking=spiking), torch.from_numpy(single_shapes[:20]).float()
    recipe = replace(TINY, walkback=1, occlusion=0.0, latent_silence=0.5)
    found = corrupt(clean, recipe, torch.Generator().manual_seed(0), network)
    images, generator = clean.flatten(1), torch.Generator().manual_seed(0)
    p = draw_rates(images, *recipe.corruption, generator)
    fired = network(switch(images, p, generator), generator, silence=0.5)[0]
    assert torch.equal(found, walk_back(images, fired, WALKBACK_CORRUPTION * p, generator))


def test_occlusion_erases_one_side_of_a_line_and_less_than_half(single_shapes):
    images = torch.from_numpy(single_shapes[:500]).float().flatten(1)
    occluded = occlude(images, images, (28, 28), 0.5, torch.Generator().manual_seed(0))
    untouched = (occluded == images).all(1)
    assert (occluded <= images).all() and 0.4 < untouched.float().mean() < 0.75
    for whole, rest in zip(images[~untouched], occluded[~untouched]):
        assert rest.sum() > 0.4 * whole.sum()
        where = np.argwhere(whole.reshape(28, 28).numpy())
        erased = rest.numpy()[where @ [28, 1]] == 0
        line = SVC(kernel="linear", C=1e4).fit(where, erased)  # kept and erased pixels can be told apart by a line
        assert line.score(where, erased) == 1


def test_training_learns_to_restore(trained, single_shapes):
    clean = torch.from_numpy(single_shapes[-200:]).float().flatten(1)
    corrupted = switch(clean, torch.full((len(clean), 1), 0.5), torch.Generator().manual_seed(0))
    with torch.no_grad():
        restored = trained(corrupted)[0]
    missed_pixels = [((x > 0.5) != (clean > 0.5)).float().mean() for x in (restored, corrupted)]
    assert missed_pixels[0] < 0.5 * missed_pixels[1]


def test_same_seed_same_weights_other_seed_others(single_shapes, undisturbed):
    first, again = (_weights(network) for network in (undisturbed[0], train(TINY, single_shapes)[0]))
    other = _weights(train(replace(TINY, seed=9), single_shapes)[0])
    assert torch.equal(first, again) and not torch.equal(first, other)


@pytest.mark.parametrize("spiking", [False, True])
def test_resumed_training_ends_as_an_undisturbed_one(tmp_path, single_shapes, spiking):
    recipe = replace(TINY, spiking=spiking, latent_activation="relu" if spiking else "sigmoid")
    undisturbed, state = train(recipe, single_shapes)
    checkpoint = tmp_path / "checkpoint.pt"

    class Killed(Exception):
        pass

    def stop_after_two(state):
        if state.epoch == 2:
            raise Killed

    with pytest.raises(Killed):
        train(recipe, single_shapes, checkpoint=checkpoint, report=stop_after_two)
    resumed, resumed_state = train(recipe, single_shapes, checkpoint=checkpoint)
    assert torch.equal(_weights(undisturbed), _weights(resumed))
    assert [tuple(row) for row in resumed_state.history] == [tuple(row) for row in state.history]


@pytest.mark.parametrize("other", ["another recipe", "other images", "a network of other layers"])
def test_checkpoint_of_something_else_is_replaced(tmp_path, single_shapes, shortly_trained, capsys, other):
    checkpoint, recipe = tmp_path / "checkpoint.pt", SHORT
    images = single_shapes[::-1] if other == "other images" else single_shapes
    module = own_pair(12) if other == "a network of other layers" else None
    train(replace(recipe, seed=5) if "recipe" in other else recipe, images, network=module, checkpoint=checkpoint)
    network, state = train(recipe, single_shapes, checkpoint=checkpoint)
    assert f"checkpoint.pt is of {other}: training starts anew" in capsys.readouterr().err
    assert state.epoch == recipe.epochs and torch.equal(_weights(network), _weights(shortly_trained))


def test_checkpoint_of_the_same_layers_that_compute_something_else_is_replaced(tmp_path, single_shapes, capsys):
    checkpoint, recipe = tmp_path / "checkpoint.pt", replace(TINY, epochs=2)

    def network(slope):
        module = own_pair(12)
        module.decoder.insert(0, nn.LeakyReLU(slope))
        return module

    train(recipe, single_shapes, network=network(0.1), checkpoint=checkpoint)
    train(replace(recipe, epochs=2), single_shapes, network=network(0.1), checkpoint=checkpoint)
    assert capsys.readouterr().err == ""
    expected, _ = train(recipe, single_shapes, network=network(0.9))
    other, _ = train(recipe, single_shapes, network=network(0.9), checkpoint=checkpoint)
    assert "is of a network that computes something else: training starts anew" in capsys.readouterr().err
    torch.testing.assert_close(other.state_dict(), expected.state_dict(), rtol=0, atol=0)


def test_checkpoint_of_another_procedure_is_replaced(tmp_path, single_shapes, capsys, monkeypatch):
    checkpoint = tmp_path / "checkpoint.pt"
    train(replace(TINY, epochs=1), single_shapes, checkpoint=checkpoint)
    monkeypatch.setattr("dasbe.train.denoising.PROCEDURE", PROCEDURE + 1)
    train(replace(TINY, epochs=1), single_shapes, checkpoint=checkpoint)
    assert "is of another version of dasbe: training starts anew" in capsys.readouterr().err


@pytest.mark.parametrize("fault", ["half", "foreign", "infinite", "other network", "other optimiser"])
def test_damaged_checkpoint_is_named_and_set_aside(tmp_path, single_shapes, undisturbed, capsys, fault):
    checkpoint = tmp_path / "checkpoint.pt"
    train(replace(TINY, epochs=1), single_shapes, checkpoint=checkpoint)
    content = torch.load(checkpoint, weights_only=True) | {"recipe": TINY.as_dict()}
    weights = content["best_weights"]
    if fault == "foreign":
        content = {key: content[key] for key in ("recipe", "images", "layers")} | {"state": 1}
    elif fault == "infinite":
        weights["encoder.0.weight"][0, 0] = torch.inf
    elif fault == "other network":
        content["weights"] = {key: value[:1] for key, value in weights.items()}
    elif fault == "other optimiser":
        content["optimiser"]["param_groups"] = []
    torch.save(content, checkpoint)
    if fault == "half":
        checkpoint.write_bytes(checkpoint.read_bytes()[:2000])
    damaged = checkpoint.read_bytes()
    network, state = train(TINY, single_shapes, checkpoint=checkpoint)
    assert state.epoch == TINY.epochs and torch.equal(_weights(network), _weights(undisturbed[0]))
    assert "is damaged; it is now checkpoint.pt.damaged, and training starts anew" in capsys.readouterr().err
    assert (tmp_path / "checkpoint.pt.damaged").read_bytes() == damaged


def test_seconds_add_up_over_interruptions(tmp_path, single_shapes):
    checkpoint = tmp_path / "checkpoint.pt"
    _, first = train(replace(TINY, patience=1, epochs=2), single_shapes, checkpoint=checkpoint)
    content = torch.load(checkpoint, weights_only=True) | {"recipe": TINY.as_dict(), "seconds": 1000.0}
    torch.save(content, checkpoint)
    _, state = train(TINY, single_shapes, checkpoint=checkpoint)
    assert 0 < first.seconds < 1000 < state.seconds


def test_early_stopping_keeps_the_best_weights(single_shapes):
    recipe = replace(TINY, epochs=200, patience=2, learning_rate=0.5)  # diverges at once
    weights_after = {}

    def report(state):
        weights_after[state.epoch] = _ravelled(state.weights)

    network, state = train(recipe, single_shapes, report=report)
    assert state.epoch < 200 and state.epoch == state.best_epoch + 2
    assert torch.equal(_weights(network), weights_after[state.best_epoch])
    losses = [row[2] for row in state.history]
    _, validation = denoising._split(single_shapes, np.zeros(len(single_shapes), np.int64), recipe.seed, "cpu")
    loss = denoising._validate(network, validation, recipe)
    assert loss == pytest.approx(min(losses), rel=1e-5) and losses[-1] > 1.001 * loss


def test_output_shift_raises_the_odds_of_every_pixel_and_nothing_else(single_shapes, undisturbed):
    plain, plain_state = undisturbed
    shifted, state = train(replace(TINY, output_shift=0.7), single_shapes)
    x = torch.from_numpy(single_shapes[:5]).float().flatten(1)
    with torch.no_grad():
        torch.testing.assert_close(shifted(x)[0].logit(), plain(x)[0].logit() + 0.7)
    assert state.history == plain_state.history


def test_half_precision_halves_the_file(tmp_path, single_shapes, undisturbed):
    sizes = {}
    for half, (network, _) in ((False, undisturbed), (True, train(replace(TINY, half_precision=True), single_shapes))):
        save_network(tmp_path / "net.pt", network, {})
        assert torch.equal(_weights(dasbe.load_network(tmp_path / "net.pt")), _weights(network))
        sizes[half] = (tmp_path / "net.pt").stat().st_size
    assert sizes[True] < 0.6 * sizes[False]


def test_contrast_is_least_for_codes_that_tell_the_classes_apart():
    classes = torch.tensor([0, 0, 1, 1])
    half_alike = torch.tensor([[1.0, 1, 0, 0, 0, 0], [1, 0, 1, 0, 0, 0], [0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 0, 1]])
    # within a class cos = ½, hence 0; with itself cos = 1, hence 1, for 4 of the 16 pairs
    assert contrast_loss(half_alike, classes) == pytest.approx(4 / 16)
    assert contrast_loss(half_alike, 1 - classes) == pytest.approx(4 / 16)
    assert contrast_loss(half_alike, torch.tensor([0, 1, 0, 1])) > 0.5
    assert contrast_loss(torch.ones(4, 6), classes) > contrast_loss(half_alike, classes)


def test_contrast_makes_codes_of_one_class_more_alike_than_others():
    blocks = dict(generate("shapes", {"multi": 1, "test": 1, "single": 400}))
    images = np.concatenate([blocks[f"train_single_{k}"]["default"] for k in range(3)])
    classes = np.repeat(np.arange(3), 400)

    def alikeness(contrast):
        """Similarity of the codes within a class over that between classes."""
        recipe = replace(TINY, hidden=(60,), latent=60, batch=60, epochs=6, contrast=contrast, learning_rate=3e-3)
        network, _ = train(recipe, images, classes)
        codes = network.encoder(torch.from_numpy(images[::10]).float().flatten(1)).detach().numpy()
        codes /= np.linalg.norm(codes, axis=1, keepdims=True)
        similarity, same = codes @ codes.T, np.equal.outer(classes[::10], classes[::10])
        return similarity[same].mean() / similarity[~same].mean()

    assert alikeness(contrast=1.0) > 1.15 > 1.05 > alikeness(contrast=0.0)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_describes_a_network(name):
    recipe = training_recipe(name)
    shapes_of_images = [CHECKSUMS[recipe.dataset][f"{split}/default"][0][-2:] for split in recipe.splits]
    network = Autoencoder(recipe.architecture(shapes_of_images[0]))
    widths = [layer.out_features for layer in network.encoder if isinstance(layer, torch.nn.Linear)]
    assert widths == [*recipe.hidden, recipe.latent] and len(set(shapes_of_images)) == 1
    assert network.spiking_latent == recipe.spiking and (network.recurrent is not None) == recipe.recurrent
    assert network.decoder[-2].out_features == np.prod(shapes_of_images[0])
    assert 0 <= recipe.corruption[0] <= recipe.corruption[1] <= 1
    if (network_folder() / f"{name}.pt").is_file():
        shipped = dasbe.load_network(name)
        assert Recipe.from_dict(shipped.description["recipe"]) == recipe
        assert shipped.architecture == recipe.architecture(shapes_of_images[0])


def test_a_recipe_comes_back_from_json_whole():
    values = {int: 7, float: 0.25, str: "other", bool: True}
    others = {"hidden": (20, 30), "latent": np.int64(10), "corruption": (0, np.float32(0.5)), "splits": ("a", "b")}
    others |= {"activation": "tanh", "latent_activation": "softmax", "optimiser": "sgd"}
    changed = {field.name: others.get(field.name, values.get(type(field.default))) for field in fields(Recipe)}
    films = {"recurrent", "window"}
    unset = {name: value for name, value in changed.items() if name not in films}
    still, moving = Recipe(**unset), Recipe(recurrent=True, window=7)
    for field in fields(Recipe):
        assert getattr(moving if field.name in films else still, field.name) != field.default
    for recipe in (still, moving, Recipe()):
        assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    early = {"dataset": "shapes", "hidden": [20], "latent": 10, "corruption": [0.3, 0.6], "epochs": 4}
    assert Recipe.from_dict(early) == Recipe("shapes", (20,), 10, (0.3, 0.6), 4)  # defaults for what it lacks


def test_unknown_recipe():
    with pytest.raises(dasbe.InputError, match="network 'circles' has no recipe"):
        training_recipe("circles")


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A DASBE_HOME with the bars dataset."""
    folder = tmp_path_factory.mktemp("home")
    make_dataset("bars", folder / "tmp_data", progress=False)
    return folder


def _options(out):
    """A small budget for `bars`."""
    return ["bars", "--epochs", "3", "--score-images", "0", "--out", str(out)]


def _command(home, out):
    """`python -m dasbe.train bars` with a small budget, in a process of its own."""
    environment = {**os.environ, "DASBE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "dasbe.train", *_options(out)]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_command_survives_sigkill(home, tmp_path, monkeypatch, capsys):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    monkeypatch.setenv("DASBE_HOME", str(home))
    monkeypatch.setattr(sys, "argv", ["train", *_options(undisturbed)])
    main("train")
    process = _command(home, killed)
    while not (killed / "bars.checkpoint").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "bars.pt").exists()
    process = _command(home, killed)
    output = process.communicate()[0].decode()
    assert process.returncode == 0 and "3 epochs" in output
    first, second = (dasbe.load_network(folder / "bars.pt") for folder in (undisturbed, killed))
    assert torch.equal(_weights(first), _weights(second))
    assert sorted(path.name for path in killed.iterdir()) == [".bars.pt.lock", "bars.json", "bars.pt"]
    curve = np.genfromtxt(home / "results" / "train" / "bars.csv", delimiter=",", names=True)
    assert curve["epoch"].tolist() == [1, 2, 3]

    monkeypatch.setattr(sys, "argv", ["train", *_options(killed)])
    main("train")
    assert "--force trains it again" in capsys.readouterr().out


def test_networks_trained_side_by_side_are_the_same_and_one_that_dies_is_named(home, tmp_path, monkeypatch, capsys):
    """`bars` is killed after an epoch, `rc_bars` ends undisturbed; then Ctrl-C ends `bars`."""
    monkeypatch.setenv("DASBE_HOME", str(home))
    recipes = {name: replace(RECIPES[name], epochs=2) for name in ("rc_bars", "bars")}

    def kill_bars(progress, bar):
        for process in active_children():
            if process.name == bar.desc.removesuffix(": ") == "bars":
                process.kill()

    monkeypatch.setattr(side_by_side, "_show", kill_bars)
    with pytest.raises(dasbe.InputError, match=r"^bars: its process died \(exit code -9\)"):
        networks.train_networks(recipes, tmp_path, score_images=0, jobs=2)
    assert "rc_bars.pt in" in capsys.readouterr().out
    alone, _ = train(recipes["rc_bars"], *training_images(recipes["rc_bars"]))
    assert torch.equal(_weights(dasbe.load_network(tmp_path / "rc_bars.pt")), _weights(alone))
    checkpoint = tmp_path / "bars.checkpoint"
    assert checkpoint.exists()

    def interrupt(progress, bar):
        raise KeyboardInterrupt

    monkeypatch.setattr(side_by_side, "_show", interrupt)
    with pytest.raises(KeyboardInterrupt, match="the same command goes on from here"):
        networks.train_networks({"bars": replace(RECIPES["bars"], epochs=10**6)}, tmp_path, jobs=2)
    assert not active_children() and checkpoint.exists() and not (tmp_path / "bars.pt").exists()


def test_networks_from_scenes_are_trained_side_by_side(home, tmp_path, monkeypatch, capfd):
    monkeypatch.setenv("DASBE_HOME", str(home))
    tiny = SceneRecipe("bars", latent=16, first_steps=3, rounds=1, steps=3, scenes_a_round=30, least_pixels=1)
    recipes = {"scenes_bars": tiny, "scenes_again": replace(tiny, seed=2)}
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder, jobs in zip(folders, (1, 2)):
        networks.train_networks(recipes, folder, score_images=0, jobs=jobs)
    assert "rounds]" in capfd.readouterr().err
    for name in recipes:
        first, second = (_weights(dasbe.load_network(folder / f"{name}.pt")) for folder in folders)
        assert torch.equal(first, second)


def test_the_longest_training_begins_first(tmp_path, monkeypatch):
    class Begun(Exception):
        pass

    def begin(train_one, tasks, jobs, **options):
        raise Begun([task.name for task in tasks])

    monkeypatch.setattr(networks, "train_side_by_side", begin)
    monkeypatch.setattr(networks, "ensure_dataset", lambda name: None)
    with pytest.raises(Begun) as begun:
        networks.train_networks({name: RECIPES[name] for name in ("bars", "hierarchical", "corners")}, tmp_path, jobs=2)
    assert begun.value.args[0] == ["hierarchical", "corners", "bars"]


def test_command_trains_on_a_file_of_ones_own(tmp_path, monkeypatch, capsys):
    data, out = tmp_path / "mine.npz", tmp_path / "nets" / "mine.pt"
    np.savez(data, images=bars(80))
    monkeypatch.setattr(networks, "load_dataset", lambda path, **options: (np.load(path)["images"], None))
    monkeypatch.setattr(denoising, "BATCHES_PER_EPOCH", 3)

    def run(*options):
        line = ["train", "--data", str(data), "--out", str(out), "--epochs", "2", "--hidden", "40", "30", *options]
        monkeypatch.setattr(sys, "argv", line)
        main("train")
        return capsys.readouterr().out.strip().splitlines()

    (line,) = run("--corruption", "0.2", "0.7", "--latent", "20", "--seed", "4")
    assert line.startswith(f"{out}: 144–40–30–20, 2 epochs in")
    recipe = dasbe.Recipe(hidden=(40, 30), latent=20, corruption=(0.2, 0.7), epochs=2, seed=4)
    saved = dasbe.load_network(out)
    assert Recipe.from_dict(saved.description["recipe"]) == recipe
    assert torch.equal(_weights(saved), _weights(dasbe.train_network(bars(80), recipe, **QUIET)))
    assert sorted(path.name for path in out.parent.iterdir()) == [".mine.pt.lock", "mine.json", "mine.pt"]
    assert (
        "was trained by this recipe on these images"
        in run("--corruption", "0.2", "0.7", "--latent", "20", "--seed", "4")[0]
    )
    with pytest.raises(dasbe.InputError, match="mine.pt is there, and was not trained by this recipe on these images"):
        run("--latent", "20")
    np.savez(data, images=bars(80, seed=1))
    with pytest.raises(dasbe.InputError, match="--force replaces it"):
        run("--corruption", "0.2", "0.7", "--latent", "20", "--seed", "4")
    groups = bars(80).astype(np.int64)
    groups[7, :6], groups[7, 6:] = 1, 2
    monkeypatch.setattr(networks, "load_dataset", lambda path, **options: (bars(80), groups))
    with pytest.raises(dasbe.InputError, match=r"several objects in 1 images \(number 7 first\)"):
        run("--latent", "25", "--force")
    groups[7, 6:] = 1
    run("--latent", "25", "--force")
    assert dasbe.load_network(out).architecture.latent == 25


def test_candidates_are_scored_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(tmp_path))
    monkeypatch.setattr(try_candidates, "CANDIDATES", {"bars": [{"epochs": 1}, {"epochs": 1, "latent": 20}]})
    options = {"name": "bars", "images": 4, "folder": tmp_path / "results" / "select" / "bars"}
    try_candidates.try_candidates(**options)
    table = (tmp_path / "results" / "select" / "bars.md").read_text().splitlines()
    assert len(table) == 4 and any(line.startswith("| epochs 1, latent 20 |") for line in table)
    monkeypatch.setattr(try_candidates, "train", lambda *arguments, **options: pytest.fail("trained again"))
    try_candidates.try_candidates(**options)
    assert (tmp_path / "results" / "select" / "bars.md").read_text().splitlines() == table
    with pytest.raises(dasbe.InputError, match="no candidates for 'circles'; choose one of bars"):
        try_candidates.try_candidates(**{**options, "name": "circles"})


def test_what_a_network_is_shown_of_a_sequence():
    generator = torch.Generator().manual_seed(0)
    frames = (torch.rand((50, 19, 300), generator=generator) < 0.5).float()
    shown = corrupt_frames(frames, 0.5, 0.5, generator)
    blank = (shown == 0).all(2)
    assert (blank.sum(1) == 4).all()  # 19 // 5 + 1
    seen = shown[~blank], frames[~blank]
    assert abs(seen[0][seen[1] == 0].mean() - 0.05) < 0.005
    assert abs(seen[0][seen[1] == 1].mean() - (0.5 + 0.5 * 0.05)) < 0.01


def test_recurrent_network_predicts_step_by_step_and_learns(random_network):
    network = random_network(recurrent=True, dtype=torch.float64)
    frames = (torch.rand(3, 6, 784) < 0.2).double()
    hidden, expected = torch.zeros(3, 60, dtype=torch.float64), []
    for t in range(6):
        latent = network.encoder(frames[:, t])
        expected.append(network.decoder(torch.sigmoid(network.recurrent(hidden) + latent)))
        hidden = latent
    torch.testing.assert_close(network.predict(frames), torch.stack(expected, 1))

    recipe = replace(training_recipe("moving"), hidden=(), latent=128, epochs=3, learning_rate=1e-2)
    sequences = dict(generate("moving_shapes_train", {"single": 120, "frames": 100}))["train_single"]["default"]
    _, state = train(recipe, sequences.reshape(-1, 20, 28, 28))
    assert state.lowest_loss < 0.93 * state.history[0][2]


def test_silence_keeps_latent_neurons_from_the_decoder_but_not_from_the_code():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Autoencoder(Architecture((4, 4), (), 30))
    x = torch.ones(500, 16)
    heard, code = network(x, torch.Generator().manual_seed(0), silence=0.9)
    plain, same_code = network(x)
    assert torch.equal(code, same_code)
    assert (heard - plain).abs().sum(1).gt(0).float().mean() > 0.9


def test_model_card_lists_every_network(trained, tmp_path, monkeypatch, capsys):
    recipe = {**RECIPES["shapes"].as_dict(), "seed": 3}
    facts = {"validation_loss": 0.5, "best_epoch": 2, "epochs_trained": 4, "training_seconds": 7}
    score = {"mean": 0.91234, "standard_error": 0.004, "mean_by_larger_entropy": 0.905, "images": "some"}
    save_network(tmp_path / "shapes.pt", trained, {"recipe": recipe, "held_out_ami": score, **facts})
    model_card.write_cards(folder=tmp_path)
    text = (tmp_path / "README.md").read_text()
    assert "| shapes | 784–128 | sigmoid | 201,616 |" in text and "| 91.23 ± 0.40 | – | 90.50 | 90.2 | 7 |" in text
    assert "seed 3; validation loss 0.5000 after epoch 2 of 4" in text

    others = []
    for seed, mean in ((4, 0.9), (5, 0.923)):
        others.append(tmp_path / str(seed))
        about = {"recipe": recipe | {"seed": seed}, "held_out_ami": score | {"mean": mean}, **facts}
        save_network(others[-1] / "shapes.pt", trained, about)
    model_card.write_cards(folder=tmp_path, others=others)
    assert "| 91.23 ± 0.40 | 90.00, 92.30 | 90.50 |" in (tmp_path / "README.md").read_text()
    for wrong in (others[:1] * 2, [tmp_path], [tmp_path / "none"]):
        with pytest.raises(dasbe.InputError, match="from a seed of its own|none of the networks"):
            model_card.write_cards(folder=tmp_path, others=wrong)


# images of one's own


def bars(n, seed=0):
    """(n, 12, 12) images of one bar each, of 3 pixels by 6."""
    rng = np.random.default_rng(seed)
    images = np.zeros((n, 12, 12), np.uint8)
    for image in images:
        row, column = rng.integers(0, 9), rng.integers(0, 6)
        image[row : row + 3, column : column + 6] = 1
        if rng.random() < 0.5:
            image[:] = image.T.copy()
    return images


FEW = dasbe.Recipe(epochs=3, batch=32)
QUIET = {"progress": False}


class Convolutions(nn.Module):
    """A module of a user's own without parts, with layers that draw random numbers and keep running averages."""

    def __init__(self):
        super().__init__()
        with torch.random.fork_rng():
            torch.manual_seed(4)
            layers = nn.Conv2d(1, 8, 5, padding=2), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.2)
            self.layers = nn.Sequential(*layers, nn.Conv2d(8, 1, 5, padding=2), nn.Sigmoid())

    def forward(self, x):
        return self.layers(x.view(-1, 1, 12, 12)).flatten(1), x.sum(1)


def test_a_few_hundred_images_of_any_type_are_enough():
    images, recipe = bars(200), replace(FEW, epochs=12)
    network = dasbe.train_network(images, recipe, **QUIET)
    about = network.description
    assert network.architecture == Architecture((12, 12), (), 72) and not network.training
    assert about["images"]["number"] == 200 and about["images"]["shape"] == [12, 12]
    history = about["history"]["validation_loss"]
    assert len(history) == len(about["history"]["learning_rate"]) == about["epochs_trained"] == 12
    assert min(history) == about["validation_loss"] == history[about["best_epoch"] - 1] < 0.5 * history[0]
    assert Recipe.from_dict(json.loads(json.dumps(about))["recipe"]) == recipe
    lists, tensor = images[:50].tolist(), torch.from_numpy(images[:50]).bool()
    first, again = (dasbe.train_network(given, FEW, seed=7, **QUIET) for given in (lists, tensor))
    assert torch.equal(_weights(first), _weights(again)) and first.description["recipe"]["seed"] == 7
    assert dasbe.train_network(images[:1], FEW, **QUIET).description["epochs_trained"] == 3


def test_nothing_but_images_need_be_given(monkeypatch):
    monkeypatch.setattr(denoising, "BATCHES_PER_EPOCH", 1)
    ours = dasbe.train_network(bars(50), **QUIET)
    assert Recipe.from_dict(ours.description["recipe"]) == dasbe.Recipe()
    module = dasbe.train_network(bars(50), network=Convolutions(), seed=5, **QUIET)
    assert Recipe.from_dict(module.description["recipe"]) == dasbe.Recipe(learning_rate=1e-3, seed=5)


def test_what_was_trained_is_saved_with_its_description(tmp_path):
    network = dasbe.train_network(bars(50), FEW, **QUIET)
    dasbe.save_network(tmp_path / "mine.pt", network)
    loaded = dasbe.load_network(tmp_path / "mine.pt")
    assert loaded.description["history"] == network.description["history"]
    assert torch.equal(_weights(loaded), _weights(network))
    dasbe.save_network(tmp_path / "own.pt", own_pair())
    with pytest.raises(dasbe.InputError, match="is a module .*give one like it, to be filled, with network="):
        dasbe.load_network(tmp_path / "own.pt")


def test_a_pair_of_ones_own_is_trained_as_ours_is(single_shapes):
    """Same layers, same first weights, every field that is not about layers: the same weights."""
    fields_of_training = {"walkback": 1, "occlusion": 0.5, "ink_weight": 2.0, "latent_silence": 0.3, "contrast": 0.2}
    recipe = Recipe(epochs=2, batch=16, output_shift=0.5, half_precision=True, **fields_of_training)
    classes = np.arange(len(single_shapes)) % 3
    ours = Autoencoder(Architecture((28, 28), (), 10, latent_activation="tanh"))
    pair = own_pair(10)
    ours.load_state_dict(pair.state_dict())
    trained_pair = dasbe.train_network(single_shapes, recipe, network=pair, classes=classes, **QUIET)
    dasbe.train_network(single_shapes, recipe, network=ours, classes=classes, **QUIET)
    assert trained_pair is pair and torch.equal(_weights(pair), _weights(ours)) and not pair.training


def test_any_module_is_trained_and_goes_on_where_it_was(tmp_path):
    """Dropout and batch normalisation too: a run that was stopped ends with the weights of an undisturbed one."""
    images, recipe, checkpoint = bars(300), replace(FEW, learning_rate=1e-3), tmp_path / "checkpoint"
    torch.manual_seed(1)
    undisturbed = dasbe.train_network(images, recipe, network=Convolutions(), **QUIET)
    assert np.diff(undisturbed.description["history"]["validation_loss"]).max() < 0

    def interrupt(state):
        if state.epoch == 2:
            raise KeyboardInterrupt

    torch.manual_seed(2)
    before = torch.get_rng_state()
    network = Convolutions()
    with pytest.raises(KeyboardInterrupt):
        train(recipe, images, network=network, checkpoint=checkpoint, report=interrupt)
    dasbe.train_network(images, recipe, network=network, checkpoint=checkpoint, **QUIET)
    assert torch.equal(_weights(network), _weights(undisturbed)) and torch.equal(torch.get_rng_state(), before)
    spikes = dasbe.bind(images[:2], network, delay=8, refractory=2, cycles=3).spikes
    assert spikes.shape == (2, 3, 8, 12, 12)


def test_films_are_cut_into_windows():
    films = np.stack([np.roll(bars(1, seed)[0], shift, 0) for seed in range(10) for shift in range(7)])
    films = films.reshape(10, 7, 12, 12)
    recipe = Recipe(window=3, recurrent=True, latent=16, epochs=1)
    network = dasbe.train_network(films, recipe, **QUIET)
    same, _ = train(recipe, films[:, :6].reshape(20, 3, 12, 12))
    assert torch.equal(_weights(network), _weights(same)) and network.recurrent is not None


class Detached(Convolutions):
    def forward(self, x):
        return super().forward(x)[0].detach()


def test_a_training_that_fails_ends_in_one_line():
    with pytest.raises(dasbe.InputError, match=r"network cannot be trained \(RuntimeError: .* does not require grad"):
        dasbe.train_network(bars(50), FEW, network=Detached(), **QUIET)
    with pytest.raises(dasbe.InputError, match="training diverged: .* not finite; try a learning_rate below 1e"):
        dasbe.train_network(bars(50), Recipe(epochs=3, hidden=(20, 20), learning_rate=1e30), **QUIET)


REFUSED = {
    "no ink": ({"images": np.zeros((5, 12, 12))}, "images hold no ink: all their pixels are 0"),
    "films": ({"images": bars(6).reshape(2, 3, 12, 12)}, "images have shape"),
    "stills to predict": (
        {"recipe": Recipe(window=3, recurrent=True)},
        "for a recipe with window 3 they must be films",
    ),
    "a name": ({"recipe": "shapes"}, "recipe is 'shapes'; it must be a dasbe.Recipe"),
    "no classes": ({"recipe": replace(FEW, contrast=0.5)}, "classes are missing"),
    "classes": ({"classes": np.zeros(60, int)}, "classes are given, but the recipe has no contrast"),
    "fewer classes": ({"recipe": replace(FEW, contrast=0.5), "classes": [1, 2]}, "classes are 2, and images 60"),
    "a folder": ({"checkpoint": "."}, "checkpoint is '.', a folder"),
    "a function": ({"network": torch.sigmoid}, "only a module has weights to train"),
    "no weights": ({"network": nn.Sigmoid()}, "network has no weights to train"),
    "half": ({"network": Convolutions().half()}, "train it in float32: network.float()"),
    "another size": ({"network": own_pair()}, "network does not take images of 12×12"),
    "logits": ({"network": nn.Linear(144, 144)}, "all its values must lie in"),
    "layers": (
        {"network": Convolutions(), "recipe": Recipe(latent=50)},
        "recipe has latent 50, but network has layers",
    ),
    "silence": ({"network": Convolutions(), "recipe": Recipe(latent_silence=0.5)}, "recipe has latent_silence, which"),
    "shift": ({"network": Convolutions(), "recipe": Recipe(output_shift=0.5)}, "recipe has output_shift, which needs"),
    "recurrent": (
        {"network": Autoencoder(Architecture((12, 12), (), 9, recurrent=True))},
        "network is recurrent; train it by a recipe with recurrent=True",
    ),
}


@pytest.mark.quick
@pytest.mark.parametrize("changed, line", REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_trained_is_refused_before_it_begins(changed, line, monkeypatch):
    monkeypatch.setattr("dasbe.train.own.train", lambda *arguments, **options: pytest.fail("training began"))
    with pytest.raises(dasbe.InputError, match=line):
        dasbe.train_network(**{"images": bars(60), "recipe": FEW, "progress": False, **changed})
