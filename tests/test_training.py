"""Training: what it is shown, what it learns, and that a killed run ends as an undisturbed one."""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import MISSING, fields, replace

import numpy as np
import pytest
import torch
from sklearn.svm import SVC

import dasbe
from dasbe.ann.autoencoder import Architecture, Autoencoder
from dasbe.ann.files import save_network
from dasbe.datasets import generate
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.paths import network_folder
from dasbe.train import card, denoising, select, trials
from dasbe.train.corruption import draw_rates, occlude, switch_off, walk_back
from dasbe.train.denoising import contrast_loss, train
from dasbe.train.prediction import corrupt_frames
from dasbe.train.recipes import RECIPES, Recipe, training_recipe

TINY = Recipe("shapes", hidden=(20,), latent=10, corruption=(0.3, 0.6), epochs=4, occlusion=0.5, walkback=1, batch=16)


def _weights(network):
    return _ravelled(network.state_dict())


def _ravelled(weights):
    return torch.cat([values.detach().ravel() for values in weights.values()])


def test_pixels_are_only_switched_off_and_at_their_rate():
    images = (torch.rand(400, 1000) < 0.5).float()
    generator = torch.Generator().manual_seed(0)
    corrupted = switch_off(images, draw_rates(images, 0.2, 0.6, generator), generator)
    assert (corrupted <= images).all()
    kept = (corrupted.sum(1) / images.sum(1)).numpy()
    assert abs(kept.mean() - 0.6) < 0.02
    assert kept.min() < 0.45 and kept.max() > 0.75  # p is drawn per image


def test_walkback_fires_the_pixels_of_the_object_as_often_as_they_were_restored():
    generator = torch.Generator().manual_seed(0)
    images = (torch.rand((4000, 50), generator=generator) < 0.5).float()
    restored = torch.linspace(0, 1, 50).expand(4000, 50)
    fired = walk_back(images, restored, torch.full((4000, 1), 0.25), generator)
    assert (fired <= images).all()
    rates = fired.sum(0) / images.sum(0)
    assert (rates - 0.75 * restored[0]).abs().max() < 0.06


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
    corrupted = switch_off(clean, torch.full((len(clean), 1), 0.5), torch.Generator().manual_seed(0))
    with torch.no_grad():
        restored = trained(corrupted)[0]
    missed_pixels = [((x > 0.5) != (clean > 0.5)).float().mean() for x in (restored, corrupted)]
    assert missed_pixels[0] < 0.5 * missed_pixels[1]


def test_same_seed_same_weights_other_seed_others(single_shapes):
    first, again = (_weights(train(TINY, single_shapes)[0]) for _ in range(2))
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


def test_checkpoint_of_another_recipe_is_replaced(tmp_path, single_shapes, capsys):
    checkpoint = tmp_path / "checkpoint.pt"
    train(replace(TINY, seed=5), single_shapes, checkpoint=checkpoint)
    network, state = train(TINY, single_shapes, checkpoint=checkpoint)
    assert "checkpoint.pt is of another recipe: training starts anew" in capsys.readouterr().err
    assert state.epoch == TINY.epochs and torch.equal(_weights(network), _weights(train(TINY, single_shapes)[0]))


@pytest.mark.parametrize("fault", ["half", "foreign", "infinite", "other network", "other optimiser"])
def test_damaged_checkpoint_is_named_and_set_aside(tmp_path, single_shapes, capsys, fault):
    checkpoint = tmp_path / "checkpoint.pt"
    train(replace(TINY, epochs=1), single_shapes, checkpoint=checkpoint)
    content = torch.load(checkpoint, weights_only=True) | {"recipe": TINY.as_dict()}
    weights = content["best_weights"]
    if fault == "foreign":
        content = {"recipe": TINY.as_dict(), "state": 1}
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
    assert state.epoch == TINY.epochs and torch.equal(_weights(network), _weights(train(TINY, single_shapes)[0]))
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


def test_output_shift_raises_the_odds_of_every_pixel_and_nothing_else(single_shapes):
    plain, plain_state = train(TINY, single_shapes)
    shifted, state = train(replace(TINY, output_shift=0.7), single_shapes)
    x = torch.from_numpy(single_shapes[:5]).float().flatten(1)
    with torch.no_grad():
        torch.testing.assert_close(shifted(x)[0].logit(), plain(x)[0].logit() + 0.7)
    assert state.history == plain_state.history


def test_half_precision_halves_the_file(tmp_path, single_shapes):
    sizes = {}
    for half in (False, True):
        network, _ = train(replace(TINY, half_precision=half), single_shapes)
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
    values = {int: 7, float: 0.25, str: "other", bool: True, tuple: ("a", "b")}
    changed = {field.name: values[type(field.default)] for field in fields(Recipe) if field.default is not MISSING}
    recipe = Recipe("shapes", hidden=(20, 30), latent=10, corruption=(0.3, 0.6), epochs=4, **changed)
    assert all(getattr(recipe, field.name) != field.default for field in fields(Recipe))
    assert Recipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    early = {"dataset": "shapes", "hidden": [20], "latent": 10, "corruption": [0.3, 0.6], "epochs": 4}
    assert Recipe.from_dict(early) == Recipe("shapes", (20,), 10, (0.3, 0.6), 4)  # defaults for what it lacks


def test_unknown_recipe():
    with pytest.raises(dasbe.InputError, match="network 'circles' has no recipe"):
        training_recipe("circles")


def _command(home, out, *options):
    """`python -m dasbe.train bars` with a small budget, in a process of its own."""
    command = [sys.executable, "-m", "dasbe.train", "bars", "--epochs", "6", "--score-images", "0", "--out", str(out)]
    environment = {**os.environ, "DASBE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    return subprocess.Popen([*command, *options], env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_command_survives_sigkill(tmp_path):
    undisturbed, killed = tmp_path / "undisturbed", tmp_path / "killed"
    assert _command(tmp_path, undisturbed).wait() == 0
    process = _command(tmp_path, killed)
    while not (killed / "bars.checkpoint").exists() and process.poll() is None:
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert not (killed / "bars.pt").exists()
    process = _command(tmp_path, killed)
    output = process.communicate()[0].decode()
    assert process.returncode == 0 and "6 epochs" in output
    first, second = (dasbe.load_network(folder / "bars.pt") for folder in (undisturbed, killed))
    assert torch.equal(_weights(first), _weights(second))
    assert sorted(path.name for path in killed.iterdir()) == [".bars.pt.lock", "bars.json", "bars.pt"]
    curve = np.genfromtxt(tmp_path / "results" / "train" / "bars.csv", delimiter=",", names=True)
    assert curve["epoch"].tolist() == [1, 2, 3, 4, 5, 6]

    again = _command(tmp_path, killed)
    assert "--force trains it again" in again.communicate()[0].decode()


def test_candidates_are_scored_once(tmp_path, monkeypatch):
    monkeypatch.setenv("DASBE_HOME", str(tmp_path))
    monkeypatch.setattr(select, "CANDIDATES", {"bars": [{"epochs": 1}, {"epochs": 1, "latent": 20}]})
    monkeypatch.setattr("sys.argv", ["select", "bars", "--images", "4"])
    select.main()
    table = (tmp_path / "results" / "select" / "bars.md").read_text().splitlines()
    assert len(table) == 4 and any(line.startswith("| epochs 1, latent 20 |") for line in table)
    monkeypatch.setattr(trials, "train", lambda *arguments, **options: pytest.fail("trained again"))
    select.main()
    assert (tmp_path / "results" / "select" / "bars.md").read_text().splitlines() == table
    monkeypatch.setattr("sys.argv", ["select", "circles"])
    with pytest.raises(dasbe.InputError, match="no candidates for 'circles'; choose one of bars"):
        select.main()


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
    score = {"mean": 0.91234, "standard_error": 0.004, "images": "some"}
    save_network(tmp_path / "shapes.pt", trained, {"recipe": recipe, "held_out_ami": score, **facts})
    monkeypatch.setattr(sys, "argv", ["card", "--folder", str(tmp_path)])
    card.main()
    text = (tmp_path / "README.md").read_text()
    assert "| shapes | 784–128 | sigmoid | 201,616 |" in text and "| 91.23 ± 0.40 | 90.2 | 7 |" in text
    assert "seed 3; validation loss 0.5000 after epoch 2 of 4" in text
