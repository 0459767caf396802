"""Training on images of the user's own: :func:`train_network`."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.network import FLOATS, check_kind, float_type, tried, usable
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.progress import progress_bar
from dasbe.support.storage import provenance
from dasbe.train.denoising import HISTORY, TrainingState, images_hash, output_bias, train, windows
from dasbe.train.recipes import OF_LAYERS, Recipe

if TYPE_CHECKING:
    from dasbe.ann.weights import Module

OWN_NETWORK = Recipe(learning_rate=1e-3)  # default for a module of the user's own


def train_network(
    images: Any,
    recipe: Recipe | None = None,
    *,
    network: "Module | None" = None,
    seed: int | None = None,
    classes: Any = None,
    checkpoint: Path | str | None = None,
    device: torch.device | str = "cpu",
    progress: bool = True,
) -> "Module":
    """Train a network on images of single objects, so that :func:`dasbe.bind` can bind images of several.

    The network learns to restore each object from a part of its pixels. Nine tenths of
    the images are for training, the others (at most 2000) for validation; the weights
    with the lowest validation loss are kept. The weights depend on the arguments alone:
    training takes one thread, on any number of cores.

    Parameters
    ----------
    images : (N, H, W) of 0 and 1
        One object each, wherever it may be in an image that is to be bound, and as large.
        A few hundred can be enough: the bars network has learnt from 200. For a recipe
        with `window`: films (N, T, H, W) of one moving object.
    recipe : Recipe, optional
        By default ``Recipe()``; for a `network` of your own, with a learning rate of 0.001.
    network : nn.Module, optional
        A module of your own, trained in place, from its present weights.
        It takes and returns (M, H·W) floats in [0, 1], as in :func:`dasbe.bind`: through
        its `encoder` and `decoder` if it has them (:func:`dasbe.as_network`), else it
        returns y or (y, …). If its own call does more than these two, that is trained;
        bind with ``lambda x: network(x)`` then. By default an
        :class:`~dasbe.ann.autoencoder.Autoencoder` with the layers of the recipe.
    seed : int, optional
        Seed in place of the recipe's. Layers that draw random numbers (dropout) follow it as well.
    classes : (N,) of whole numbers from 0, optional
        Kind of object in each image, for a recipe with `contrast`.
    checkpoint : path, optional
        File written after every epoch; the same call goes on from it, and ends with the same
        weights as an undisturbed one. The file stays when training is over.
    device : torch.device or str
        Device of the training and of the network that is returned.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    nn.Module
        The trained network, in evaluation mode. ``network.description`` says how it was
        made: ``"recipe"``, ``"images"`` (number, shape, SHA-256), ``"validation_loss"``
        (nats per pixel), ``"epochs_trained"``, ``"best_epoch"``, ``"training_seconds"``,
        and ``"history"``, of every epoch the ``"training_loss"``, ``"validation_loss"``
        and ``"learning_rate"``. :func:`dasbe.save_network` writes it to a file.

    Raises
    ------
    InputError
        An argument is wrong, the network cannot be trained by the recipe, or training diverged.

    Examples
    --------
    >>> import numpy as np, dasbe
    >>> bars = [np.ones((1, 8)), np.ones((8, 1))]
    >>> images, _ = dasbe.draw_scenes(bars, (8, 8), count=200, objects=1)
    >>> network = dasbe.train_network(images, dasbe.Recipe(epochs=1))  # a second; 60 epochs by default
    >>> scenes, groups = dasbe.draw_scenes(bars, (8, 8), count=3, objects=2)
    >>> run = dasbe.bind(scenes, network, delay=14, refractory=3, cycles=20)
    """
    recipe = _recipe(recipe, network, seed)
    images = _images(images, recipe)
    kinds = _classes(classes, len(images), recipe)
    place = None if checkpoint is None else checks.new_file("checkpoint", checkpoint)
    device, progress = checks.device(device), checks.progress(progress)
    called = None if network is None else checked_network(network, images, recipe, device)
    shown = windows(images, recipe.window) if recipe.window else images
    with epochs_bar("training", recipe.epochs, progress) as report:
        trained, state = train(recipe, shown, kinds, network=called, checkpoint=place, device=device, report=report)
    trained = trained if network is None else network
    _, *columns = zip(*state.history)
    trained.description = {  # type: ignore[assignment]
        "recipe": recipe.as_dict(),
        "images": facts(images),
        **results(state),
        "history": {name: list(column) for name, column in zip(HISTORY[1:], columns)},
        "made": provenance(),
    }
    return trained  # type: ignore[return-value]


def facts(images: np.ndarray) -> dict[str, Any]:
    """Number, shape and SHA-256 of `images`, for the description of a network."""
    return {"number": len(images), "shape": list(images.shape[1:]), "sha256": images_hash(images)}


@contextmanager
def epochs_bar(name: str, epochs: int, shown: bool = True) -> Iterator[Callable[[TrainingState], None]]:
    """A progress bar, drawn from the first report on, and the function by which `train` reports its state."""
    bar: tqdm | None = None

    def report(state: TrainingState) -> None:
        nonlocal bar
        if bar is None:
            bar = progress_bar(total=epochs, desc=name, unit=" epochs", disable=not shown)
        bar.update(state.epoch - bar.n)
        if state.history:
            bar.set_postfix(loss=f"{state.history[-1][1]:.4f}", validation=f"{state.history[-1][2]:.4f}")

    try:
        yield report
    finally:
        if bar is not None:
            bar.close()


def results(state: TrainingState) -> dict[str, Any]:
    """Results of a training for the description of its network."""
    return {
        "validation_loss": state.lowest_loss,
        "epochs_trained": state.epoch,
        "best_epoch": state.best_epoch,
        "training_seconds": round(state.seconds),
    }


def _recipe(recipe: Recipe | None, network: nn.Module | None, seed: int | None) -> Recipe:
    """The recipe to train by, with `seed` if it is given."""
    if recipe is None:
        recipe = Recipe() if network is None else OWN_NETWORK
    checks.instance("recipe", recipe, Recipe, "a dasbe.Recipe, such as dasbe.Recipe(epochs=20)")
    return recipe if seed is None else replace(recipe, seed=checks.seed(seed))


def _images(given: Any, recipe: Recipe) -> np.ndarray:
    """Images (N, H, W), or films (N, T, H, W) for a recipe that predicts, with some ink in them."""
    if recipe.window:
        images = checks.films(given, None)[0] if checks.are_films(given) else None
        if images is None or images.shape[1] < recipe.window:
            raise InputError(
                f"images are {checks.shown(given)}; for a recipe with window {recipe.window} they must be films "
                f"(N, T, H, W) of at least {recipe.window} frames"
            )
    else:
        images = checks.images(given)
    if not images.any():
        raise InputError(f"images hold no ink: all their pixels are 0, in each of {len(images)}")
    return images


def _classes(given: Any, n_images: int, recipe: Recipe) -> np.ndarray | None:
    """Class of each image, for a recipe with contrast."""
    if given is None and recipe.contrast:
        raise InputError(
            f"classes are missing, which a recipe with contrast {recipe.contrast:g} needs; give each image one"
        )
    if given is None:
        return None
    if not recipe.contrast:
        raise InputError("classes are given, but the recipe has no contrast; leave classes out, or give it one")
    classes = checks.labels(given, "classes", 1)
    if len(classes) != n_images:
        raise InputError(f"classes are {len(classes)}, and images {n_images}; give each image its class")
    return classes


def checked_network(network: nn.Module, images: np.ndarray, recipe: Recipe, device: torch.device) -> nn.Module:
    """What is to be trained, the user's own module or only its call; InputError unless the recipe can train it."""
    check_kind(network)
    if not isinstance(network, nn.Module):
        raise InputError(f"network is {checks.shown(network)}; only a module has weights to train")
    if not any(weights.requires_grad for weights in network.parameters()):
        raise InputError("network has no weights to train; give it layers, with requires_grad True")
    if float_type(network) not in FLOATS:
        raise InputError(f"network is of {float_type(network)}; train it in float32: network.float()")
    if not isinstance(getattr(network, "description", {}), dict):
        raise InputError("network has a description of its own, which training would replace; give that another name")
    defaults = {field.name: field.default for field in fields(Recipe)}
    layers = network.architecture if isinstance(network, Autoencoder) else None
    for field in OF_LAYERS:
        if getattr(recipe, field) not in (defaults[field], getattr(layers, field, defaults[field])):
            raise InputError(
                f"recipe has {field} {checks.shown(getattr(recipe, field))}, but network has layers of its own; "
                f"leave {field} out"
            )
    if layers and layers.recurrent != recipe.recurrent:
        raise InputError("network is recurrent; train it by a recipe with recurrent=True and window of at least 2")
    with usable(network, device) as parts:
        parts = tried(parts, images[:, 0] if recipe.window else images, device, own_call=True)
        for field in ("latent_silence", "contrast"):
            if getattr(recipe, field) and not parts.has_code:
                raise InputError(f"recipe has {field}, which needs a network with an encoder and a decoder")
    called = parts.given
    assert isinstance(called, nn.Module)  # as the network is
    if recipe.output_shift and output_bias(called) is None:
        raise InputError(
            "recipe has output_shift, which needs a network whose decoder, an nn.Sequential, ends in a layer with a "
            "bias and nn.Sigmoid()"
        )
    return called
