"""Learning from scenes: the rule is the literal one, goes on where it was, and finds objects that nobody showed it."""

import json
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
import torch
from torch import nn

import dasbe
from dasbe import definition
from dasbe.ann.network import answers
from dasbe.datasets import settings_of
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.support.errors import InputWarning
from dasbe.support.paths import network_folder
from dasbe.systems import System
from dasbe.train import from_scenes as learning
from dasbe.train.from_scenes import fragments, scene_loss
from dasbe.train.recipes import SCENE_RECIPES, SceneRecipe, training_recipe

BARS = [np.ones((1, 8)), np.ones((8, 1))]
QUIET = {"progress": False}
TINY = SceneRecipe(
    latent=24, n_phases=5, fragment=(1.0, 1.5), first_steps=20, rounds=3, steps=20, scenes_a_round=60, counting_from=2,
    batch=32,
)  # fmt: skip
LEARNS = replace(TINY, latent=48, first_steps=300, rounds=4, steps=250, scenes_a_round=400, batch=100, counting_from=3)
TOLD = {"settings": "bars", "seed": 5}


@pytest.fixture(scope="module")
def bars():
    """(scenes, groups) of two or three bars."""
    drawn = [dasbe.draw_scenes(BARS, (8, 8), count=300, objects=n, seed=n) for n in (2, 3)]
    return tuple(np.concatenate(parts) for parts in zip(*drawn))


def own_module(latent=24):
    with torch.random.fork_rng():
        torch.manual_seed(3)
        encoder, decoder = nn.Sequential(nn.Linear(64, latent), nn.Tanh()), nn.Linear(latent, 64)
        return dasbe.as_network(encoder, decoder, logits=True)


class Diverges(nn.Module):
    """A module whose gain turns negative in large steps, and its output into what is no number."""

    def __init__(self):
        super().__init__()
        self.layer, self.gain = nn.Linear(64, 64), nn.Parameter(torch.ones(()))

    def forward(self, x):
        return torch.sigmoid(self.layer(x) + torch.log(self.gain))


def weights(network):
    return torch.cat([value.flatten() for value in network.state_dict().values()])


@pytest.mark.parametrize("last", [False, True])
def test_loss_is_the_literal_one(bars, last):
    scenes, groups = (torch.from_numpy(part[:5].reshape(5, -1)) for part in bars)
    network, ink, own = own_module(), scenes.float(), (groups == 1).float()
    seen = own * (torch.rand(own.shape, generator=torch.Generator().manual_seed(1)) < 0.5)
    base = torch.linspace(0.01, 0.9, 64)
    expected = torch.stack([definition.scene_loss(network, *s, base, 0.3, last) for s in zip(seen, own, ink)])
    drive = network(seen)[0].logit()
    if last:
        losses = nn.functional.binary_cross_entropy_with_logits(drive, own, reduction="none")
    else:
        losses = scene_loss(drive, base.logit(), own, ink, 0.3)
    torch.testing.assert_close(losses.mean(1), expected)


def test_fragments_are_the_literal_ones(bars):
    scenes = torch.from_numpy(bars[0][:1].reshape(1, -1)).float().expand(4000, -1)
    own, shown = fragments(scenes, (8, 8), (1.2, 1.2), torch.Generator().manual_seed(1))
    rng, image = np.random.default_rng(2), bars[0][0]
    ink = np.argwhere(image)
    literal = [definition.fragment(image, tuple(rng.choice(ink)), 1.2, rng.random((8, 8))) for _ in range(4000)]
    np.testing.assert_allclose(own.mean(0).reshape(8, 8), np.mean(literal, 0), atol=0.03)
    assert ((shown <= own) & (own <= scenes)).all()
    np.testing.assert_allclose(shown.mean() / own.mean(), 0.6, atol=0.02)  # of 0 to 80 % that are not shown


def test_objects_are_found_that_nobody_has_shown(bars):
    scenes, groups = bars
    network = dasbe.learn_from_scenes(scenes[:500], LEARNS, **QUIET)
    held, truth = scenes[500:], groups[500:]
    labels = dasbe.segment(held, network, "competing_phases_counting", **TOLD)
    first = dasbe.learn_from_scenes(scenes[:500], replace(LEARNS, rounds=0), **QUIET)
    begun = dasbe.segment(held, first, "competing_phases_counting", **TOLD)
    scores = [np.nanmean(dasbe.ami(truth, found)) for found in (labels, begun)]
    assert scores[0] > 0.9 and scores[0] > scores[1] + 0.1, scores
    history = network.description["history"]
    assert [len(row) for row in history.values()] == 3 * [LEARNS.rounds + 1]
    assert 2 < history["groups"][-1] < 3.2 < history["groups"][0] and history["changed"][-1] < history["changed"][0]


@pytest.mark.parametrize("kind", ["ours", "a module"])
def test_resumed_learning_ends_as_an_undisturbed_one(bars, tmp_path, monkeypatch, kind):
    def learnt(**options):
        network = own_module() if kind == "a module" else None
        return weights(dasbe.learn_from_scenes(bars[0], TINY, network=network, **options, **QUIET))

    expected, checkpoint, save = learnt(), tmp_path / "checkpoint", learning.save_tensors
    for stop in range(1, TINY.rounds + 2):

        def save_and_stop(path, content, stop=stop):
            save(path, content)
            if content["rounds"] == stop:
                raise KeyboardInterrupt

        monkeypatch.setattr(learning, "save_tensors", save_and_stop)
        with pytest.raises(KeyboardInterrupt):
            learnt(checkpoint=checkpoint)
    monkeypatch.setattr(learning, "save_tensors", save)
    assert torch.equal(learnt(checkpoint=checkpoint), expected)


def test_a_checkpoint_of_another_grouping_is_replaced(bars, tmp_path, capsys):
    recipe, place = replace(TINY, rounds=1, steps=3, least_pixels=1), {"checkpoint": tmp_path / "checkpoint"}
    groupings = (
        {},
        {"n_objects": 2},
        {"n_objects": 3},
        {"system": "components"},
        {"system": "coordinates", "n_objects": 3},
    )
    for options in groupings:
        dasbe.learn_from_scenes(bars[0], recipe, **options, **place, **QUIET)
    assert capsys.readouterr().err.count("is of another recipe: training starts anew") == len(groupings) - 1


def test_types_that_the_caller_changes_automatically_change_nothing(bars):
    recipe = replace(TINY, rounds=1)
    expected = dasbe.learn_from_scenes(bars[0], recipe, **QUIET)
    with torch.autocast("cpu"):
        found = dasbe.learn_from_scenes(bars[0], recipe, **QUIET)
        answered = answers(expected, bars[0])
    assert torch.equal(weights(found), weights(expected)) and answered == answers(expected, bars[0])


def test_a_module_in_double_precision_learns(bars):
    network = dasbe.learn_from_scenes(bars[0], replace(TINY, rounds=1), network=own_module().double(), **QUIET)
    assert weights(network).dtype == torch.float64


@pytest.mark.parametrize("other", ["another recipe", "other images", "a network of other layers"])
def test_a_checkpoint_of_something_else_is_replaced(bars, tmp_path, capsys, other):
    recipe, checkpoint = replace(TINY, rounds=1, steps=3), tmp_path / "checkpoint"
    module = own_module(12) if "layers" in other else None
    images = bars[0][::-1] if "images" in other else bars[0]
    seed = 9 if "recipe" in other else 1
    dasbe.learn_from_scenes(images, recipe, network=module, seed=seed, checkpoint=checkpoint, **QUIET)
    again = dasbe.learn_from_scenes(bars[0], recipe, checkpoint=checkpoint, **QUIET)
    assert f"is of {other}: training starts anew" in capsys.readouterr().err
    assert torch.equal(weights(again), weights(dasbe.learn_from_scenes(bars[0], recipe, **QUIET)))


def test_weights_do_not_depend_on_threads(bars):
    found, before = [], torch.get_num_threads()
    for n_threads in (1, 2):
        torch.set_num_threads(n_threads)
        found.append(weights(dasbe.learn_from_scenes(bars[0], TINY, **QUIET)))
        assert torch.get_num_threads() == n_threads
    torch.set_num_threads(before)
    assert torch.equal(*found)


@pytest.mark.parametrize(
    "options",
    [
        {"n_objects": 3},
        {"n_objects": "each its own"},
        {"system": "dasbe", "settings": "bars", "n_objects": 3},
        {"system": "rc", "settings": "bars", "n_objects": 3},
        {"system": "dasbe_counting", "settings": "bars"},
    ],
)
def test_scenes_may_be_grouped_by_any_system(bars, options):
    scenes, groups = (part[::6] for part in bars)
    if options.get("n_objects") == "each its own":
        options = {"n_objects": groups.max((1, 2))}
    recipe = replace(TINY, rounds=1, steps=3, least_pixels=1)
    network = dasbe.learn_from_scenes(scenes, recipe, **options, **QUIET)
    groups = network.description["history"]["groups"]
    assert 1 < groups[-1] <= 3 and network.description["images"]["number"] == len(scenes)


def test_phases_fall_silent_before_scenes_are_counted(bars, monkeypatch):
    told, group = [], learning.segment

    def watched(chosen, network, system, *, n_objects, **options):
        told.append((system, None if n_objects is None else set(n_objects)))
        return group(chosen, network, system, n_objects=n_objects, **options)

    monkeypatch.setattr(learning, "segment", watched)
    recipe = replace(TINY, steps=3, last_steps=7, counting_from=3)
    for fewest, numbers in ((None, {5}), (2, {2, 3, 4, 5}), (5, {5})):
        told.clear()
        dasbe.learn_from_scenes(bars[0], replace(recipe, fewest_phases=fewest), **QUIET)
        before, counted = told[:-2], told[-2:]  # of each round, scenes to learn from, then those to look at
        assert before == 5 * [("competing_phases", numbers)]
        assert counted == 2 * [("competing_phases_counting", None)]


def test_each_round_has_its_steps_and_can_be_looked_at(bars, capsys):
    recipe, seen = replace(TINY, first_steps=4, steps=3, last_steps=7), []
    network = dasbe.learn_from_scenes(
        bars[0], recipe, after_round=lambda stage, network: seen.append((stage, weights(network).clone()))
    )
    assert [stage for stage, _ in seen] == [0, 1, 2, 3] and torch.equal(seen[-1][1], weights(network))
    assert not torch.equal(seen[0][1], seen[1][1]) and "17/17" in capsys.readouterr().err  # 4 + 3 + 3 + 7 steps


def test_groups_walk_back_from_the_second_round_on(bars, monkeypatch):
    corrupt, passes = learning.corrupt, []

    def watched(own, objects, generator, network):
        passes.append(objects.walkback)
        shown = corrupt(own, objects, generator, network)
        assert objects.corruption == TINY.corruption and (shown <= own).all() and 0 < shown.sum() < own.sum()
        return shown

    monkeypatch.setattr(learning, "corrupt", watched)
    dasbe.learn_from_scenes(bars[0], replace(TINY, steps=2, walkback=2), **QUIET)
    assert passes == [0, 0, 2, 2, 2, 2]  # as yet, the network knows no object in the first


def test_colour_leaves_the_ink_and_grey_is_said_aloud(bars):
    scenes = bars[0][:60]
    coloured = np.where(scenes[:, None] == 1, np.reshape([0.9, 0.2, 0.1], (3, 1, 1)), 0.4)
    expected = weights(dasbe.learn_from_scenes(scenes, TINY, **QUIET))
    assert torch.equal(weights(dasbe.learn_from_scenes(coloured, TINY, **QUIET)), expected)
    with pytest.warns(InputWarning, match="scenes are grey"):
        grey = dasbe.learn_from_scenes(0.4 + 0.6 * scenes, TINY, **QUIET)
    assert torch.equal(weights(grey), expected)


def test_a_scene_may_have_more_groups_than_a_byte_has_numbers():
    def label(images, *others, **streams):
        return np.arange(1, 401).reshape(1, 20, 20).repeat(len(images), 0)

    about = {"title": "pixels", "trained_on": "nothing", "told": "nothing", "sees": "nothing", "network": None}
    pixels = System("pixels", **about, settings=NamedTuple("Settings", []), label=label, can_count=True)
    grouping = learning._Grouping(TINY, pixels, pixels.settings(), None)
    groups = grouping(np.ones((3, 20, 20), np.uint8), np.arange(3), nn.Linear(400, 400), 1, 0)
    assert torch.equal(groups[2].flatten().long(), torch.arange(1, 401))


def test_single_objects_are_noticed(bars):
    images, _ = dasbe.draw_scenes(BARS, (8, 8), count=200, objects=1)
    with pytest.warns(UserWarning, match="groups were found in a scene: if these are images of single objects"):
        dasbe.learn_from_scenes(images, LEARNS, **QUIET)


def test_empty_scenes_are_left_out(bars):
    scenes = bars[0][:100].copy()
    scenes[::5] = 0
    recipe, told = replace(TINY, rounds=1, steps=2), np.arange(100) % 2 + 2
    network = dasbe.learn_from_scenes(scenes, recipe, n_objects=told, **QUIET)
    assert network.description["images"]["number"] == 100
    full = scenes.any((1, 2))
    same = dasbe.learn_from_scenes(scenes[full], recipe, n_objects=told[full], **QUIET)
    assert torch.equal(weights(network), weights(same))


@pytest.mark.parametrize("name", SCENE_RECIPES)
def test_every_recipe_describes_a_network(name):
    recipe = training_recipe(name)
    image_shape = CHECKSUMS[recipe.dataset]["train_multi/default"][0][-2:]
    assert SceneRecipe.from_dict(json.loads(json.dumps(recipe.as_dict()))) == recipe
    assert recipe.n_phases == settings_of(recipe.dataset).n_phases and recipe.half_precision
    if (network_folder() / f"{name}.pt").is_file():
        shipped = dasbe.load_network(name)
        assert SceneRecipe.from_dict(shipped.description["recipe"]) == recipe
        assert shipped.architecture == recipe.architecture(image_shape)


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({"scenes": np.zeros((50, 8, 8))}, "scenes hold ink in 0 of 50; give at least 20"),
        ({"scenes": np.ones((3, 8, 8))}, "scenes hold ink in 3 of 3; give at least 20"),
        ({"recipe": dasbe.Recipe()}, "recipe is .*; it must be a dasbe.SceneRecipe"),
        ({"n_objects": [1, 2]}, "n_objects"),
        ({"system": "nonesuch"}, "system 'nonesuch' is unknown"),
        ({"system": "dasbe"}, "needs it; give delay"),
        ({"network": lambda x: x}, "only a module has weights to train"),
        ({"network": nn.Linear(5, 5)}, "network does not take images of 8×8"),
        ({"recipe": replace(TINY, least_pixels=60)}, "no group has 60 pixels"),
        ({"network": Diverges(), "recipe": replace(TINY, learning_rate=5.0)}, "diverged; try a learning_rate below 5"),
    ],
)
def test_what_cannot_be_learnt_from_is_said_in_one_line(bars, arguments, message):
    with pytest.raises(dasbe.InputError, match=message) as caught:
        dasbe.learn_from_scenes(**{"scenes": bars[0], "recipe": TINY, **QUIET, **arguments})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "fields",
    [{"n_phases": 1}, {"fragment": (3, 1)}, {"fragment": 2.0}, {"corruption": (0, 2)}, {"foreign_ink": 2}]
    + [{"rounds": -1}, {"steps": 0}, {"learning_rate": 0}, {"latent": 0}, {"seed": -1}, {"counting_from": 0.5}]
    + [{"fewest_phases": 9}, {"fewest_phases": 0}, {"last_steps": 0}, {"walkback": -1}],
)
def test_a_wrong_field_of_the_recipe_is_named(fields):
    with pytest.raises(dasbe.InputError, match=f"^{next(iter(fields))} is "):
        SceneRecipe(**fields)
