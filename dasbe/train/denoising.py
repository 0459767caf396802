"""Training of a denoising autoencoder, which goes on where it was stopped.

Every epoch draws from a random stream of its own, and the learning rate is a function
of the epoch alone; so a run that was killed and resumed from its last checkpoint ends
with the same weights as an undisturbed one. Networks are called as the systems call them
(:class:`dasbe.ann.network.UsableNetwork`), so a module of the user's own is trained as ours are.
"""

import copy
import hashlib
import math
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy, mse_loss

from dasbe.ann.autoencoder import Autoencoder, transmitted
from dasbe.ann.network import answers, check_feedback, computing_on, described, float_type, made_on, same_answers
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.engine.parallel import one_thread
from dasbe.support import PROCEDURE
from dasbe.support.errors import FileContentError, InputError, in_short
from dasbe.support.paths import displayed
from dasbe.support.storage import load_tensors, save_tensors
from dasbe.train.corruption import corrupt_frames, draw_rates, occlude, switch, walk_back
from dasbe.train.recipes import BATCHES_PER_EPOCH, Recipe

VALIDATION_IMAGES = 2000
HISTORY = ("epoch", "training_loss", "validation_loss", "learning_rate")  # columns of the history of a training
Epoch = tuple[int, float, float, float]  # a row of it
State = TypeVar("State")
WALKBACK_CORRUPTION = 0.4  # share of p: in a round of the loop the network's own doubts take away pixels, too


@dataclass
class TrainingState:
    """Content of a checkpoint.

    Attributes
    ----------
    epoch : int
        Epochs done.
    weights, best_weights : dict
        Weights of the network now, and at the lowest validation loss.
    optimiser : dict
    history : list of rows with the columns `HISTORY`
        Losses are weighted binary cross-entropies in nats per pixel.
    seconds : float
        Duration of all epochs, including those before an interruption.
    """

    epoch: int
    weights: dict
    best_weights: dict
    optimiser: dict
    history: list[Epoch] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def lowest_loss(self) -> float:
        """Lowest validation loss so far; infinite before the first epoch."""
        return min((row[2] for row in self.history), default=math.inf)

    @property
    def best_epoch(self) -> int:
        """Epochs done at the lowest validation loss."""
        return min(self.history, key=lambda row: row[2])[0] if self.history else 0


def restored(network: nn.Module, shown: Tensor, recipe: Recipe, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Reconstruction (M, H·W) and latent code of what is `shown` (M, H·W), latent neurons silenced by the recipe."""
    parts = described(network, shown.dtype)
    latent, received = transmitted(parts.encode(shown), parts.spiking, generator, recipe.latent_silence)
    return parts.decode(received), latent


def corrupt(clean: Tensor, recipe: Recipe, generator: torch.Generator, network: nn.Module) -> Tensor:
    """`clean` images (M, H, W) as the recipe shows them to the network, (M, H·W)."""
    images = clean.flatten(1)
    p = draw_rates(images, *recipe.corruption, generator)
    corrupted = switch(images, p, generator, recipe.salt)
    if recipe.occlusion:
        corrupted = occlude(corrupted, images, (clean.shape[1], clean.shape[2]), recipe.occlusion, generator)
    for _ in range(recipe.walkback):
        with torch.no_grad():
            fired, _ = restored(network, corrupted, recipe, generator)
        corrupted = walk_back(images, fired, WALKBACK_CORRUPTION * p, generator)
    return corrupted


def training_images(recipe: Recipe) -> tuple[np.ndarray, np.ndarray]:
    """Images (N, H, W), or windows (N, window, H, W), of all splits of the recipe, and the split of each, (N,)."""
    ensure_dataset(recipe.dataset)
    parts = [load_dataset(recipe.dataset, split)[0] for split in recipe.splits]
    if recipe.window:
        parts = [windows(part, recipe.window) for part in parts]
    return np.concatenate(parts), np.repeat(np.arange(len(parts)), [len(part) for part in parts])


def windows(films: np.ndarray, window: int) -> np.ndarray:
    """`films` (N, T, H, W) cut into windows (M, window, H, W), without the frames left over at their ends."""
    whole = films[:, : films.shape[1] // window * window]
    return whole.reshape(-1, window, *films.shape[2:])


def train(
    recipe: Recipe,
    images: np.ndarray,
    classes: np.ndarray | None = None,
    *,
    network: nn.Module | None = None,
    checkpoint: Path | None = None,
    device: torch.device | str = "cpu",
    report: Callable[[TrainingState], None] = lambda state: None,
) -> tuple[nn.Module, TrainingState]:
    """Train the network of `recipe`, or another by it; arguments are checked by :func:`dasbe.train_network`.

    `images` are single objects (N, H, W), or windows (N, window, H, W) for a recipe that predicts;
    `classes` (N,) are the kinds of objects, for a recipe with contrast. A `network` is trained
    in place, from its present weights; by default one with the layers of the recipe is drawn
    from its seed. The file `checkpoint` is written after every epoch and read at the start:
    one of another recipe, of other images or of other layers is replaced, a damaged one set
    aside. `report` is called with the state at the start and after every epoch. Returned are
    the network with the weights of the lowest validation loss, shifted and rounded as the
    recipe says, and the last state.

    Raises
    ------
    InputError
        The loss is no longer finite, or a module of the user's own fails in training.
    """
    classes = np.zeros(len(images), np.int64) if classes is None else classes
    training, validation = _split(images, classes, recipe.seed, device)
    network = initial_network(recipe, (images.shape[-2], images.shape[-1])) if network is None else network
    network = network.to(device)
    kind = torch.optim.Adam if recipe.optimiser == "adam" else torch.optim.SGD
    optimiser = kind(network.parameters(), recipe.learning_rate)
    subject: dict[str, Any] = {"recipe": recipe.as_dict(), "layers": shapes_of(network.state_dict())}
    if checkpoint is not None:
        subject |= {"images": images_hash(images), "procedure": PROCEDURE}
    asked = images[:, 0] if recipe.window else images  # of the network, to tell it from others of the same layers
    take = partial(state_of, network=network, optimiser=optimiser, asked=asked)
    state = resumed(checkpoint, subject, device, take)
    if state is None:
        state = TrainingState(0, network.state_dict(), _copy(network), optimiser.state_dict())

    # by one thread, sums do not depend on the number of cores, and other networks can be trained beside
    with computing_on(device), one_thread():
        report(state)
        while state.epoch < recipe.epochs and state.epoch - state.best_epoch < recipe.patience:
            started = time.perf_counter()
            rate = _rate(recipe, state.epoch, math.prod(images.shape[-2:]))
            with failure_in_one_line(), torch.enable_grad():
                training_loss = _train_epoch(network, optimiser, training, recipe, state.epoch, rate)
                validation_loss = _validate(network, validation, recipe)
            if validation_loss < state.lowest_loss:
                state.best_weights = _copy(network)
            state.epoch += 1
            state.history.append((state.epoch, training_loss, validation_loss, rate))
            state.weights, state.optimiser = network.state_dict(), optimiser.state_dict()
            state.seconds += time.perf_counter() - started
            if checkpoint is not None:
                answered = {"answers": list(answers(network, asked, device))}
                save_tensors(checkpoint, {**subject, **answered, **vars(state)})
            report(state)
    network.load_state_dict(state.best_weights)
    finish(network, recipe)
    return network.eval(), state


def prediction_loss(network: Autoencoder, frames: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Mean squared error of the predicted next frames of clean `frames` (M, T, H·W)."""
    shown = corrupt_frames(frames[:, :-1], *recipe.corruption, generator)
    return mse_loss(network.predict(shown), frames[:, 1:])


def contrast_loss(latent: Tensor, classes: Tensor) -> Tensor:
    """Mean of (2 cos − [same class])² over all pairs of images, cos = cosine similarity of their `latent` codes."""
    directions = latent / latent.norm(dim=1, keepdim=True).clamp(min=1e-6)
    same = (classes[:, None] == classes).to(latent.dtype)
    return (2 * directions @ directions.T - same).square().mean()


def output_bias(network: nn.Module) -> Tensor | None:
    """Bias of the drive of every output, if `network` has a decoder that ends in a layer with one and a sigmoid."""
    decoder = getattr(network, "decoder", None)
    if not isinstance(decoder, nn.Sequential) or len(decoder) < 2 or not isinstance(decoder[-1], nn.Sigmoid):
        return None
    bias = getattr(decoder[-2], "bias", None)
    return bias if isinstance(bias, Tensor) else None


@torch.no_grad()
def finish(network: nn.Module, recipe: Recipe) -> None:
    """Shift and round the trained weights, as the recipe says."""
    if recipe.output_shift:
        bias = output_bias(network)
        assert bias is not None  # train_network refuses other networks
        bias.add_(recipe.output_shift)
    if recipe.half_precision:
        for weights in network.parameters():
            weights.copy_(weights.half())


def _rate(recipe: Recipe, epoch: int, n_pixels: int) -> float:
    """Learning rate of an epoch, for a loss that is the mean over the pixels."""
    if recipe.optimiser == "sgd":
        return recipe.learning_rate * n_pixels
    return recipe.learning_rate * 0.5 * (1 + math.cos(math.pi * epoch / recipe.epochs))


def _train_epoch(
    network: nn.Module,
    optimiser: torch.optim.Optimizer,
    data: tuple[Tensor, Tensor],
    recipe: Recipe,
    epoch: int,
    rate: float,
) -> float:
    """Train for an epoch; returned is the mean loss over its batches."""
    images, classes = data
    dtype = float_type(network)
    for group in optimiser.param_groups:
        group["lr"] = rate
    network.train()
    total = 0.0
    with random_numbers(recipe.seed, epoch, images.device) as generator:
        for _ in range(BATCHES_PER_EPOCH):
            chosen = torch.randint(len(images), (recipe.batch,), generator=generator, device=images.device)
            loss = _loss(network, images[chosen].to(dtype), classes[chosen], recipe, generator)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            total += loss.item()
    return total / BATCHES_PER_EPOCH


@torch.no_grad()
def _validate(network: nn.Module, data: tuple[Tensor, Tensor], recipe: Recipe) -> float:
    """Loss on the validation images, corrupted in the same way every time."""
    images, classes = data
    dtype = float_type(network)
    # an unknown network is given no more at once than in training, since its layers may be large
    at_once = len(images) if isinstance(network, Autoencoder) else recipe.batch
    network.eval()
    total = 0.0
    with random_numbers(recipe.seed, -1, images.device) as generator:
        for some, kinds in zip(images.split(at_once), classes.split(at_once)):
            total += len(some) / len(images) * _loss(network, some.to(dtype), kinds, recipe, generator).item()
    return total


def _loss(network: nn.Module, clean: Tensor, classes: Tensor, recipe: Recipe, generator: torch.Generator) -> Tensor:
    """Binary cross-entropy of the clean images, pixels of the object weighted, and contrast if the recipe has it."""
    if recipe.window:
        assert isinstance(network, Autoencoder)  # the only one that predicts
        return _finite(prediction_loss(network, clean.flatten(-2), recipe, generator), recipe)
    reconstruction, latent = restored(network, corrupt(clean, recipe, generator, network), recipe, generator)
    target = clean.flatten(1)
    check_feedback(_finite(reconstruction, recipe), tuple(target.shape))
    loss = binary_cross_entropy(reconstruction, target, 1 + (recipe.ink_weight - 1) * target)
    return loss + recipe.contrast * contrast_loss(latent, classes) if recipe.contrast else loss


def _finite(values: Tensor, recipe: Recipe) -> Tensor:
    """`values`, or InputError if some are not finite."""
    if not values.isfinite().all():
        raise InputError(
            f"training diverged: the network returns values that are not finite; try a learning_rate below "
            f"{recipe.learning_rate:g}"
        )
    return values


@contextmanager
def failure_in_one_line() -> Iterator[None]:
    """InputError in place of whatever a module of the user's own raises in training."""
    try:
        yield
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"network cannot be trained ({in_short(error)})") from error


@contextmanager
def random_numbers(seed: int, epoch: int, device: torch.device) -> Iterator[torch.Generator]:
    """The random stream of an epoch (of validation for epoch −1), also for layers that draw, such as dropout."""
    own = int(np.random.SeedSequence([seed, epoch + 2]).generate_state(1, np.uint64)[0] >> 1)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(own)
        yield torch.Generator(device).manual_seed(own)


def _split(
    images: np.ndarray, classes: np.ndarray, seed: int, device: torch.device | str
) -> tuple[tuple[Tensor, Tensor], ...]:
    """90 % for training; of the others, at most `VALIDATION_IMAGES` for validation; (images, classes) of each."""
    order = np.random.default_rng([seed, 0]).permutation(len(images))
    given = torch.from_numpy(np.ascontiguousarray(images)).to(device)
    kinds = torch.from_numpy(classes).to(device)
    n_training = max(1, int(0.9 * len(images)))
    validation = order[n_training:][:VALIDATION_IMAGES]
    parts = order[:n_training], validation if len(validation) else order[:1]
    return tuple((given[part], kinds[part]) for part in parts)


def initial_network(recipe: Recipe, image_shape: tuple[int, int]) -> Autoencoder:
    """A network with PyTorch's standard initial weights, drawn from the recipe's seed alone."""
    with torch.random.fork_rng(devices=[]), made_on("cpu"):
        torch.manual_seed(recipe.seed)
        return Autoencoder(recipe.architecture(image_shape))


def _copy(network: nn.Module) -> dict:
    return copy.deepcopy(dict(network.state_dict()))


def shapes_of(weights: dict) -> dict[str, list[int]]:
    """Shape of each tensor of a state_dict."""
    return {key: list(value.shape) for key, value in weights.items() if isinstance(value, Tensor)}


def images_hash(images: np.ndarray) -> str:
    """SHA-256 of images of 0 and 1 and their shape."""
    digest = hashlib.sha256(repr(images.shape).encode())
    digest.update(np.ascontiguousarray(images, np.uint8).data)
    return digest.hexdigest()


def resumed(
    path: Path | None, subject: dict, device: torch.device | str, take: Callable[[dict], State | None]
) -> State | None:
    """What `take` makes of the checkpoint of an interrupted run on the same `subject`; None if there is none.

    `take` is given what the file holds besides the subject. It returns None if the network
    with these weights does not answer as it did, and raises an error if the content is not
    what it should be. A file of something else is left to be replaced, a damaged one set
    aside; a line says so.
    """
    if path is None or not path.is_file():
        return None
    try:
        content = {"procedure": 1} | load_tensors(path, device)
        others = {"recipe": "another recipe", "images": "other images", "layers": "a network of other layers"}
        others["procedure"] = "another version of dasbe"
        different = [other for key, other in others.items() if content.pop(key) != subject[key]]
        state = None if different else take(content)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        if isinstance(error, InputError) and not isinstance(error, FileContentError):  # it may not be read, …
            raise
        aside = path.with_name(f"{path.name}.damaged")
        os.replace(path, aside)
        print(f"{displayed(path)} is damaged; it is now {aside.name}, and training starts anew", file=sys.stderr)
        return None
    if state is None:
        other = (different or ["a network that computes something else"])[0]
        print(f"{displayed(path)} is of {other}: training starts anew", file=sys.stderr)
    return state


def state_of(
    content: dict, network: nn.Module, optimiser: torch.optim.Optimizer, asked: np.ndarray
) -> TrainingState | None:
    """State in the `content` of a checkpoint, taken over by `network` and `optimiser`; None as of :func:`resumed`."""
    answered, fresh = content.pop("answers", ()), copy.deepcopy(optimiser.state_dict())
    state = TrainingState(**content)
    check_weights(network, state.weights, state.best_weights)
    _ = state.epoch + state.seconds + state.lowest_loss + state.best_epoch  # raises if they are no numbers
    optimiser.load_state_dict(state.optimiser)
    if taken_over(state.weights, answered, network, asked):
        return state
    optimiser.load_state_dict(fresh)
    return None


def check_weights(network: nn.Module, *of_file: dict) -> None:
    """FileContentError unless all weights `of_file` are finite, and of the shapes of those of `network`."""
    for weights in of_file:
        tensors = [value for value in weights.values() if isinstance(value, Tensor)]
        if shapes_of(weights) != shapes_of(network.state_dict()) or not all(
            value.isfinite().all() for value in tensors
        ):
            raise FileContentError("weights of another network, or not finite")


def taken_over(weights: dict, answered: Sequence[float], network: nn.Module, asked: np.ndarray) -> bool:
    """Whether `network` with `weights` answers to the images `asked` (N, H, W) as was `answered`; it has them then."""
    own = _copy(network)
    network.load_state_dict(weights)
    if same_answers(answered, answers(network, asked, next(network.parameters()).device)):
        return True
    network.load_state_dict(own)
    return False
