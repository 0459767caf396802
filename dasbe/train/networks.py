"""Networks: trained by their recipes, scored on held-out images, and written with their learning curves."""

import csv
import math
from contextlib import nullcontext
from pathlib import Path

import torch
from tqdm import tqdm

from dasbe import checks
from dasbe.ann.files import load_network, save_network
from dasbe.cli import resumable
from dasbe.parameters import HELD_OUT_IMAGES
from dasbe.paths import readable, results_folder, writable
from dasbe.plotting.training import learning_curve
from dasbe.provenance import provenance
from dasbe.storage import atomic_path, one_at_a_time
from dasbe.train.denoising import TrainingState, train, training_images
from dasbe.train.judges import held_out_ami
from dasbe.train.recipes import Recipe


def train_networks(
    recipes: dict[str, Recipe], folder: Path, *, force: bool = False, score_images: int = HELD_OUT_IMAGES, device: str
) -> None:
    """Train networks that are not there yet, or all of them with `force`; write and describe them.

    Parameters
    ----------
    recipes : dict
        By the names of the networks.
    folder : Path
    force : bool
    score_images : int
        Images for the held-out AMI; 0: none.
    device : str
    """
    chosen = checks.device(device, "--device")
    for number, (name, recipe) in enumerate(recipes.items()):
        path = folder / f"{name}.pt"
        goes_on = nullcontext() if force and number else resumable()  # with --force, those before are trained again
        with goes_on, one_at_a_time(path):
            if not force and path.is_file() and _recipe_of(path) == recipe:
                print(f"{name}: {readable(path)} was trained by this recipe; --force trains it again")
            else:
                _train(name, recipe, path, chosen, score_images)
    print(f"\n{'network':<14} {'AMI %':>6} {'± s.e.':>6} {'loss':>8} {'epochs':>6} {'s':>6}")
    for name in recipes:
        print(_summary(name, load_network(folder / f"{name}.pt").description))


def _recipe_of(path: Path) -> Recipe | None:
    """The recipe that a network file was trained by; None if it does not say."""
    try:
        return Recipe.from_dict(load_network(path).description["recipe"])
    except (KeyError, TypeError):
        return None


def _summary(name: str, description: dict) -> str:
    """A network in one line of the table."""
    score = description.get("held_out_ami", {"mean": math.nan, "standard_error": math.nan})
    return (
        f"{name:<14} {100 * score['mean']:6.2f} {100 * score['standard_error']:6.2f} "
        f"{description['validation_loss']:8.4f} {description['epochs_trained']:6d} {description['training_seconds']:6d}"
    )


def _train(name: str, recipe: Recipe, path: Path, device: torch.device, score_images: int) -> None:
    """Train one network, score it on held-out images, and write network and learning curve."""
    writable(path.parent, "--out DIR")
    curve = writable(results_folder() / "train") / f"{name}.csv"
    images, classes = training_images(recipe)
    checkpoint = path.with_suffix(".checkpoint")
    with tqdm(total=recipe.epochs, desc=name, unit=" epochs") as bar:

        def report(state: TrainingState) -> None:
            bar.update(state.epoch - bar.n)
            if state.history:
                bar.set_postfix(loss=f"{state.history[-1][1]:.4f}", validation=f"{state.history[-1][2]:.4f}")

        network, state = train(recipe, images, classes, checkpoint=checkpoint, device=device, report=report)

    description = {"name": name, "recipe": recipe.as_dict(), "validation_loss": state.lowest_loss}
    description["epochs_trained"], description["best_epoch"] = state.epoch, state.best_epoch
    if score_images:
        score = held_out_ami(network, recipe.judge, recipe.dataset, score_images, device)
        description["held_out_ami"] = score
        print(f"{name}: AMI {100 * score['mean']:.2f} % ({score['images']})")
    save_network(path, network, {**description, "made": provenance(), "training_seconds": round(state.seconds)})
    _write_curve(curve, state)
    with atomic_path(curve.with_suffix(".png")) as temporary:
        learning_curve(state.history, name).savefig(temporary, dpi=150)
    checkpoint.unlink(missing_ok=True)
    effort = f"in {state.seconds:.0f} s, {state.epoch} epochs"
    print(f"{name}: {readable(path)} {effort}; learning curve {readable(curve)} and .png")


def _write_curve(path: Path, state: TrainingState) -> None:
    with atomic_path(path) as temporary, open(temporary, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "training_loss", "validation_loss", "learning_rate"])
        writer.writerows(state.history)
