"""``python -m dasbe.train NAME…|all``: train networks and write them to ``tmp_net/``."""

import argparse
import csv
import math
from dataclasses import replace
from pathlib import Path

import torch
from tqdm import tqdm

from dasbe import checks
from dasbe.ann.files import load_network, save_network
from dasbe.cli import Parser, given_once, run_command
from dasbe.evaluation import HELD_OUT_IMAGES, HELD_OUT_MOST
from dasbe.paths import network_folder, readable, results_folder, writable
from dasbe.plotting.training import learning_curve
from dasbe.provenance import provenance
from dasbe.storage import atomic_path, one_at_a_time
from dasbe.train.denoising import TrainingState, train, training_images
from dasbe.train.judges import held_out_ami
from dasbe.train.recipes import RECIPES, Recipe, training_recipe


def main() -> None:
    parser = Parser("python -m dasbe.train", __doc__)
    parser.add_text("names", f"{', '.join(RECIPES)}, or all (all but moving)", nargs="+", metavar="NAME")
    parser.add_argument("--moving", action="store_true", help="the network for moving shapes as well")
    parser.add_whole_number("--epochs", None, "default: as in the recipe")
    parser.add_seed(None, "default: as in the recipe")
    parser.add_folder("--out", "default: tmp_net", network_folder())
    parser.add_argument("--force", action="store_true", help="train again what is there already")
    parser.add_whole_number(
        "--score-images",
        HELD_OUT_IMAGES,
        "for the held-out AMI; 0: none (default: %(default)s)",
        0,
        HELD_OUT_MOST,
    )
    parser.add_device()
    arguments = parser.parse_args()
    given_once("NAME", arguments.names)
    device = checks.device(arguments.device, "--device")
    names = _names(arguments.names, arguments.moving)
    recipes = {name: _recipe(name, arguments) for name in names}
    for name, recipe in recipes.items():
        path = arguments.out / f"{name}.pt"
        with one_at_a_time(path):
            if not arguments.force and path.is_file() and _recipe_of(path) == recipe:
                print(f"{name}: {readable(path)} was trained by this recipe; --force trains it again")
            else:
                _train(name, recipe, path, device, arguments.score_images)
    print(f"\n{'network':<14} {'AMI %':>6} {'± s.e.':>6} {'loss':>8} {'epochs':>6} {'s':>6}")
    for name in recipes:
        print(_summary(name, load_network(arguments.out / f"{name}.pt").description))


def _names(given: list[str], moving: bool) -> list[str]:
    """Names of the networks to train, each once."""
    names = [name for name in RECIPES if name != "moving"] if "all" in given else given
    return list(dict.fromkeys([*names, *(["moving"] if moving else [])]))


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


def _recipe(name: str, arguments: argparse.Namespace) -> Recipe:
    changes = {key: getattr(arguments, key) for key in ("epochs", "seed") if getattr(arguments, key) is not None}
    return replace(training_recipe(name), **changes)


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


if __name__ == "__main__":
    run_command(main)
