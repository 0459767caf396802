"""Networks: trained by their recipes, scored on held-out images, and written with their learning curves."""

import math
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network, save_network
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.datasets.checksums import CHECKSUMS
from dasbe.evaluation.segment import MOVING_SEQUENCES, mean_and_error, moving_scores
from dasbe.evaluation.sweep import held_out_scores
from dasbe.plotting.style import Figure, in_our_style, new_figure, save_figure
from dasbe.support import checks
from dasbe.support.commands import resumable
from dasbe.support.errors import InputError
from dasbe.support.paths import check_writable, displayed, own_or_shipped, results_folder
from dasbe.support.published import HELD_OUT_IMAGES, HELD_OUT_SEED, HELD_OUT_SPLIT, HELD_OUT_START
from dasbe.support.storage import atomic_path, command, one_at_a_time, provenance
from dasbe.systems import system_of
from dasbe.train.denoising import HISTORY, Epoch, TrainingState, train, training_images
from dasbe.train.from_scenes import learn_from_scenes
from dasbe.train.own import epochs_bar, facts, results, train_network
from dasbe.train.recipes import Recipe, SceneRecipe
from dasbe.train.side_by_side import Task, train_side_by_side

SCENES_FOR_LEARNING = (10_000, 30_000)  # of `HELD_OUT_SPLIT`: neither those of Table 1 nor those held out
MOVING = "moving"  # judge of networks for films; that of all others is a system


def run_training(*, recipes: dict[str, Any] | None = None, data: str | None = None, **options: Any) -> None:
    """Train networks by their recipes, or one on the images of a file: the work of the command."""
    if data is None:
        assert recipes is not None  # the command passes one or the other
        train_networks(recipes, **options)
    else:
        train_on_file(data, **options)


def train_on_file(
    data: str,
    recipe: Recipe | SceneRecipe,
    path: Path,
    *,
    split: str | None = None,
    force: bool = False,
    device: str = "cpu",
) -> None:
    """Train a network on the images of `data`, a file or a folder, and write it to `path` (.pt).

    By a :class:`Recipe`, the images hold single objects, and where they have labels, this is
    checked; by a :class:`SceneRecipe`, they are scenes. The checkpoint lies beside the network;
    with `force`, an existing file is replaced.
    """
    checks.device(device, "--device")
    check_writable(path.parent, "--out FILE")
    images, groups = load_dataset(data, split=split)
    several = np.zeros(len(images), bool)
    if groups is not None and isinstance(recipe, Recipe):
        largest = groups.max((-2, -1), keepdims=True)
        several = ((groups > 0) & (groups < largest)).any((-2, -1))
    if several.any():
        raise InputError(
            f"--data {data} holds several objects in {several.sum()} images (number {np.argmax(several)} first); a "
            "network is trained on single ones: name the group of the file that has them with --split, or learn from "
            "scenes with --scenes"
        )
    with resumable(), one_at_a_time(path):
        if path.is_file() and not force:
            known = load_network(path).description
            if known.get("recipe") != recipe.as_dict() or known.get("images") != facts(images):
                raise InputError(
                    f"--out {displayed(path)} is there, and was not trained by this recipe on these images; --force "
                    "replaces it"
                )
            print(f"{displayed(path)} was trained by this recipe on these images; --force trains it again")
            return
        checkpoint = path.with_suffix(".checkpoint")
        if isinstance(recipe, SceneRecipe):
            network = learn_from_scenes(images, recipe, checkpoint=checkpoint, device=device)
        else:
            network = train_network(images, recipe, checkpoint=checkpoint, device=device)
        save_network(path, network)
        checkpoint.unlink(missing_ok=True)
    about = network.description
    if isinstance(recipe, SceneRecipe):
        effort, result = f"{recipe.rounds} rounds", f"{about['history']['groups'][-1]:.3g} groups in a scene"
    else:
        effort, result = f"{about['epochs_trained']} epochs", f"validation loss {about['validation_loss']:.4f}"
    print(f"{displayed(path)}: {network.architecture}, {effort} in {about['training_seconds']} s, {result}")


def train_networks(
    recipes: dict[str, Recipe | SceneRecipe],
    folder: Path,
    *,
    force: bool = False,
    score_images: int = HELD_OUT_IMAGES,
    device: str = "cpu",
    jobs: int = 1,
) -> None:
    """Train the networks of `recipes`, by name, that `folder` lacks, or all with `force`; write and describe them.

    The held-out AMI is taken over `score_images` images (0: left out). With `jobs`, so many
    networks are trained at once, each by a process of one thread, the longest trainings first.
    """
    checks.device(device, "--device")
    tasks = [Task(name, recipe, folder / f"{name}.pt") for name, recipe in recipes.items()]
    pending = [task for task in tasks if force or not was_trained_by(task.recipe, own_or_shipped(task.path))]
    for task in tasks:
        if task not in pending:
            path = displayed(own_or_shipped(task.path))
            print(f"{task.name}: {path} was trained by this recipe; --force trains it again")
    options: dict[str, Any] = {"force": force, "score_images": score_images, "device": device, "command": command()}
    if jobs > 1:
        for dataset in dict.fromkeys(name for task in pending for name in datasets_of(task.recipe)):
            ensure_dataset(dataset)
        longest_first = sorted(pending, key=lambda task: -effort(task.recipe))
        with nullcontext() if force else resumable():
            train_side_by_side(train_one, longest_first, jobs, **options)
    else:
        for number, task in enumerate(pending):
            goes_on = nullcontext() if force and number else resumable()  # with --force, those before are trained again
            with goes_on:
                lines = train_one(task, **options)
            print("\n".join(lines))
    print(f"\n{'network':<18} {'AMI %':>6} {'± s.e.':>6} {'loss':>8} {'epochs':>6} {'s':>6}")
    for task in tasks:
        print(_summary(task.name, load_network(own_or_shipped(task.path)).description))


def was_trained_by(recipe: Recipe | SceneRecipe, path: Path) -> bool:
    """Whether `path` is the file of a network trained by `recipe`."""
    if not path.is_file():
        return False
    description = load_network(path).description
    try:
        return type(recipe).from_dict(description["recipe"]) == recipe
    except (KeyError, TypeError, InputError):
        return False


def train_one(
    task: Task,
    *,
    force: bool,
    score_images: int,
    device: str,
    command: str,
    report: Callable[[TrainingState], None] | None = None,
    after_round: Callable[[int, nn.Module], None] = lambda stage, network: None,
    progress: bool = True,
) -> list[str]:
    """Train one of the networks of :func:`train_networks`, score it, and write it to `path` with its learning curve.

    `command` is named in its description as the command that made it; `report` is called as
    by :func:`~dasbe.train.denoising.train`, by default to draw a progress bar, and
    `after_round` as by :func:`dasbe.learn_from_scenes`. Returned are lines that say what was done.
    """
    name, recipe, path = task
    check_writable(path.parent, "--out DIR")
    curve = check_writable(results_folder() / "train") / f"{name}.csv"
    with one_at_a_time(path):
        if not force and was_trained_by(recipe, path):  # by another process meanwhile
            return [f"{name}: {displayed(path)} was trained by this recipe; --force trains it again"]
        checkpoint, lines = path.with_suffix(".checkpoint"), list[str]()
        if isinstance(recipe, SceneRecipe):
            ensure_dataset(recipe.dataset)
            scenes, _ = load_dataset(recipe.dataset, HELD_OUT_SPLIT, *SCENES_FOR_LEARNING)
            options: Any = {
                "checkpoint": checkpoint,
                "device": device,
                "after_round": after_round,
                "progress": progress,
            }
            network: Any = learn_from_scenes(scenes, recipe, **options)
            about, judge, state = network.description, "dasbe", None  # which has no learning curve
        else:
            images, classes = training_images(recipe)
            with epochs_bar(name, recipe.epochs, progress) as bar:
                options = {"checkpoint": checkpoint, "device": device, "report": report or bar}
                network, state = train(recipe, images, classes, **options)
            about, judge = {"recipe": recipe.as_dict(), **results(state)}, recipe.judge
        assert isinstance(network, Autoencoder)
        description: dict[str, Any] = {"name": name, **about}
        if score_images:
            score = held_out_ami(network, judge, recipe.dataset, score_images, device)
            description["held_out_ami"] = score
            lines.append(f"{name}: AMI {100 * score['mean']:.2f} % ({score['images']})")
        save_network(path, network, {**description, "made": provenance() | {"command": command}})
        if state is not None:
            with atomic_path(curve) as temporary:
                pd.DataFrame(state.history, columns=HISTORY).to_csv(temporary, index=False)
            save_figure(learning_curve(state.history, name), curve.with_suffix(".png"))
        checkpoint.unlink(missing_ok=True)
    if state is None:
        return [*lines, f"{name}: {displayed(path)} in {about['training_seconds']} s, {recipe.rounds} rounds"]
    effort = f"in {state.seconds:.0f} s, {state.epoch} epochs"
    return [*lines, f"{name}: {displayed(path)} {effort}; learning curve {displayed(curve)} and .png"]


def held_out_ami(network: nn.Module, judge: str, dataset: str, n_images: int, device: torch.device | str) -> dict:
    """Mean AMI, its standard error, the mean by the larger entropy (not for films) and the images, for descriptions."""
    others = {}
    if judge == MOVING:
        n_images = min(n_images, MOVING_SEQUENCES)
        scores, images = moving_scores(network, n_images, device=device), f"moving_shapes_3/test, {n_images} sequences"
    else:
        system = system_of(judge)
        scores, by_larger_entropy = held_out_scores([system], network, dataset, n_images, device=device)[judge].T
        others = {"mean_by_larger_entropy": round(mean_and_error(by_larger_entropy)[0], 4)}
        images = f"{system.title}, {HELD_OUT_SPLIT} from {HELD_OUT_START} on, {n_images} images"
    mean, error = mean_and_error(scores)
    return {
        "mean": round(mean, 4),
        "standard_error": round(error, 4),
        **others,
        "images": f"{images}, seed {HELD_OUT_SEED}",
    }


def datasets_of(recipe: Recipe | SceneRecipe) -> list[str]:
    """Datasets on which a network is trained and scored."""
    is_moving = isinstance(recipe, Recipe) and recipe.judge == MOVING
    return [recipe.dataset, *(["moving_shapes_3"] if is_moving else [])]


def effort(recipe: Recipe | SceneRecipe) -> float:
    """Approximate work of training by `recipe`, in products of a weight and a number."""
    split = HELD_OUT_SPLIT if isinstance(recipe, SceneRecipe) else recipe.splits[0]
    *_, height, width = CHECKSUMS[recipe.dataset][f"{split}/default"][0]
    widths = (height * width, *recipe.hidden, recipe.architecture((height, width)).latent)
    weights = sum(first * second for first, second in zip(widths, widths[1:]))
    passes = 3 + recipe.walkback  # forward, and twice as much back
    if isinstance(recipe, SceneRecipe):
        steps = sum(recipe.steps_of(stage) for stage in range(recipe.rounds + 1))
        return 2 * steps * recipe.batch * weights * passes  # grouping takes about as long as learning
    return recipe.epochs * recipe.batch * max(recipe.window, 1) * weights * passes


def _summary(name: str, description: dict) -> str:
    """A network in one line of the table."""
    score = description.get("held_out_ami", {"mean": math.nan, "standard_error": math.nan})
    losses = description["history"]["loss"] if "history" in description else []  # of rounds
    loss, epochs = (description.get(key) for key in ("validation_loss", "epochs_trained"))
    return (
        f"{name:<18} {100 * score['mean']:6.2f} {100 * score['standard_error']:6.2f} "
        f"{losses[-1] if losses else loss:8.4f} {len(losses) or epochs:6d} {description['training_seconds']:6d}"
    )


@in_our_style
def learning_curve(history: list[Epoch], name: str) -> Figure:
    """Training and validation loss of network `name` against the epoch; `history` has the columns `HISTORY`."""
    epoch, training, validation, _ = np.transpose(history)
    figure = new_figure(4.5, 3)
    axes = figure.subplots()
    axes.plot(epoch, training, label="training", color="royalblue")
    axes.plot(epoch, validation, label="validation", color="darkorange")
    axes.set(xlabel="epoch", ylabel="cross-entropy (nats per pixel)", yscale="log", title=f"{name}: learning curve")
    axes.legend(frameon=False)
    return figure
