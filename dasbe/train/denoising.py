"""Training of a denoising autoencoder, which goes on where it was stopped.

Every epoch draws from a random stream of its own, and the learning rate is a function
of the epoch alone; so a run that was killed and resumed from its last checkpoint ends
with the same weights as an undisturbed one.
"""

import math
import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy

from dasbe.ann.autoencoder import Autoencoder
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.errors import FileContentError
from dasbe.paths import readable
from dasbe.storage import load_tensors, save_tensors
from dasbe.train.corruption import draw_rates, occlude, switch_off, walk_back
from dasbe.train.prediction import prediction_loss
from dasbe.train.recipes import BATCHES_PER_EPOCH, Recipe

VALIDATION_IMAGES = 2000
WALKBACK_CORRUPTION = 0.4  # of p: in a round of the loop the network's own doubts take away pixels too


@dataclass
class TrainingState:
    """All that a checkpoint holds.

    Attributes
    ----------
    epoch : int
        Epochs done.
    weights, best_weights : dict
        Of the network now, and at the lowest validation loss.
    optimiser : dict
    history : list of (epoch, training loss, validation loss, learning rate)
        Losses are weighted binary cross-entropies in nats per pixel.
    seconds : float
        Time that the epochs took, also those before an interruption.
    """

    epoch: int
    weights: dict
    best_weights: dict
    optimiser: dict
    history: list[tuple[int, float, float, float]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def lowest_loss(self) -> float:
        """Lowest validation loss so far; infinite before the first epoch."""
        return min((row[2] for row in self.history), default=math.inf)

    @property
    def best_epoch(self) -> int:
        """Epochs done at the lowest validation loss."""
        return min(self.history, key=lambda row: row[2])[0] if self.history else 0


def corrupt(images: Tensor, recipe: Recipe, generator: torch.Generator, network: Autoencoder) -> Tensor:
    """What the network is shown of clean `images` (M, H·W), by the recipe."""
    p = draw_rates(images, *recipe.corruption, generator)
    corrupted = switch_off(images, p, generator)
    if recipe.occlusion:
        corrupted = occlude(corrupted, images, network.architecture.image_shape, recipe.occlusion, generator)
    for _ in range(recipe.walkback):
        with torch.no_grad():
            restored, _ = network(corrupted, generator, recipe.latent_silence)
        corrupted = walk_back(images, restored, WALKBACK_CORRUPTION * p, generator)
    return corrupted


def training_images(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W), or sequences (N, window, H, W), of all splits of the recipe, and the split of each, (N,)."""
    ensure_dataset(recipe.dataset)
    parts = [load_dataset(recipe.dataset, split)[0] for split in recipe.splits]
    if recipe.window:
        parts = [part[:, : part.shape[1] // recipe.window * recipe.window] for part in parts]
        parts = [part.reshape(-1, recipe.window, *part.shape[2:]) for part in parts]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def train(
    recipe: Recipe,
    images: np.ndarray,
    classes: np.ndarray | None = None,
    *,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[TrainingState], None] = lambda state: None,
) -> tuple[Autoencoder, TrainingState]:
    """Train the network of `recipe`.

    Parameters
    ----------
    recipe : Recipe
    images : (N, H, W) of 0 and 1
        Single objects; (N, window, H, W) for a recipe that predicts.
    classes : (N,) int, optional
        Which kind of object each is, for a recipe with contrast.
    checkpoint : Path, optional
        File that is written after every epoch and read at the start. One of another
        recipe is replaced, a damaged one set aside.
    device : torch.device or str
    report : callable
        Called with the state after every epoch, and at the start.

    Returns
    -------
    network : Autoencoder
        With the weights of the lowest validation loss, shifted and rounded as the recipe says.
    state : TrainingState
    """
    classes = np.zeros(len(images), np.int64) if classes is None else classes
    training, validation = _split(images, classes, recipe.seed, device)
    network = _initial_network(recipe, (images.shape[-2], images.shape[-1])).to(device)
    optimiser = torch.optim.Adam(network.parameters(), recipe.learning_rate)
    state = _resume(checkpoint, recipe, network, optimiser)
    if state is None:
        state = TrainingState(0, network.state_dict(), _copy(network), optimiser.state_dict())

    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)  # sums do not depend on the number of cores, and other networks can be trained beside
    try:
        report(state)
        while state.epoch < recipe.epochs and state.epoch - state.best_epoch < recipe.patience:
            started = time.perf_counter()
            rate = recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * state.epoch / recipe.epochs))
            training_loss = _train_epoch(network, optimiser, training, recipe, state.epoch, rate)
            validation_loss = _validate(network, validation, recipe)
            if validation_loss < state.lowest_loss:
                state.best_weights = _copy(network)
            state.epoch += 1
            state.history.append((state.epoch, training_loss, validation_loss, rate))
            state.weights, state.optimiser = network.state_dict(), optimiser.state_dict()
            state.seconds += time.perf_counter() - started
            if checkpoint is not None:
                save_tensors(checkpoint, {"recipe": recipe.as_dict(), **vars(state)})
            report(state)
    finally:
        torch.set_num_threads(n_threads)
    network.load_state_dict(state.best_weights)
    _finish(network, recipe)
    return network.eval(), state


def contrast_loss(latent: Tensor, classes: Tensor) -> Tensor:
    """Mean over all pairs of (2 cos − [same class])², cos = cosine similarity of the latent codes.

    Parameters
    ----------
    latent : (M, L) float
    classes : (M,) int
    """
    directions = latent / latent.norm(dim=1, keepdim=True).clamp(min=1e-6)
    same = (classes[:, None] == classes).to(latent.dtype)
    return (2 * directions @ directions.T - same).square().mean()


@torch.no_grad()
def _finish(network: Autoencoder, recipe: Recipe) -> None:
    """What the recipe does to the trained weights."""
    output = network.decoder[-2]
    assert isinstance(output, nn.Linear)  # the sigmoid follows it
    output.bias.add_(recipe.output_shift)
    if recipe.half_precision:
        for weights in network.parameters():
            weights.copy_(weights.half())


def _train_epoch(
    network: Autoencoder,
    optimiser: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    recipe: Recipe,
    epoch: int,
    rate: float,
) -> float:
    """One epoch; the mean loss over its batches."""
    images, classes = data
    generator = torch.Generator(images.device).manual_seed(_seed(recipe.seed, epoch))
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    total = 0.0
    for _ in range(BATCHES_PER_EPOCH):
        chosen = torch.randint(len(images), (recipe.batch,), generator=generator, device=images.device)
        loss = _loss(network, images[chosen].float(), classes[chosen], recipe, generator)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        total += loss.item()
    return total / BATCHES_PER_EPOCH


@torch.no_grad()
def _validate(network: Autoencoder, data: tuple[Tensor, Tensor], recipe: Recipe) -> float:
    """Loss on the validation images, corrupted in the same way every time."""
    images, classes = data
    generator = torch.Generator(images.device).manual_seed(_seed(recipe.seed, -1))
    network.eval()
    return _loss(network, images.float(), classes, recipe, generator).item()


def _loss(network: Autoencoder, clean: Tensor, classes: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Binary cross-entropy of the clean images, pixels of the object weighted, and contrast if the recipe has it."""
    if recipe.window:
        return prediction_loss(network, clean, recipe, generator)
    reconstruction, latent = network(corrupt(clean, recipe, generator, network), generator, recipe.latent_silence)
    loss = binary_cross_entropy(reconstruction, clean, 1 + (recipe.ink_weight - 1) * clean)
    return loss + recipe.contrast * contrast_loss(latent, classes) if recipe.contrast else loss


def _split(
    images: np.ndarray, classes: np.ndarray, seed: int, device: torch.device | str
) -> tuple[tuple[Tensor, Tensor], ...]:
    """90 % for training; of the others, at most `VALIDATION_IMAGES` for validation; (images, classes) of each."""
    order = np.random.default_rng([seed, 0]).permutation(len(images))
    flat = torch.from_numpy(np.ascontiguousarray(images)).flatten(-2).to(device)
    kinds = torch.from_numpy(classes).to(device)
    n_training = max(1, int(0.9 * len(images)))
    validation = order[n_training:][:VALIDATION_IMAGES]
    parts = order[:n_training], validation if len(validation) else order[:1]
    return tuple((flat[part], kinds[part]) for part in parts)


def _initial_network(recipe: Recipe, image_shape: tuple[int, int]) -> Autoencoder:
    """A network with PyTorch's standard initial weights, drawn from the recipe's seed alone."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        return Autoencoder(recipe.architecture(image_shape))


def _seed(seed: int, epoch: int) -> int:
    """Seed of an epoch's random stream (of validation for epoch −1)."""
    return int(np.random.SeedSequence([seed, epoch + 2]).generate_state(1, np.uint64)[0] >> 1)


def _copy(network: Autoencoder) -> dict:
    return {key: value.detach().clone() for key, value in network.state_dict().items()}


def _resume(
    path: Path | None, recipe: Recipe, network: Autoencoder, optimiser: torch.optim.Optimizer
) -> TrainingState | None:
    """State of an interrupted run of the same recipe, which `network` and `optimiser` take over; None if there is none.

    A file that is damaged or no checkpoint is set aside, with a line that says so.
    """
    if path is None or not path.is_file():
        return None
    shapes = {key: value.shape for key, value in network.state_dict().items()}
    try:
        content = load_tensors(path, next(network.parameters()).device)
        if content.pop("recipe") != recipe.as_dict():
            print(f"{readable(path)} is of another recipe: training starts anew", file=sys.stderr)
            return None
        state = TrainingState(**content)
        for weights in (state.weights, state.best_weights):
            sound = {key: value.shape for key, value in weights.items() if value.isfinite().all()}
            if sound != shapes:
                raise FileContentError("weights of another network, or not finite")
        optimiser.load_state_dict(state.optimiser)
    except (FileContentError, KeyError, TypeError, ValueError, AttributeError):
        aside = path.with_name(f"{path.name}.damaged")
        os.replace(path, aside)
        print(f"{readable(path)} is damaged; it is now {aside.name}, and training starts anew", file=sys.stderr)
        return None
    network.load_state_dict(state.weights)
    return state
