"""Trials: candidates for a network are trained, scored by binding, and written in a table.

A candidate is the recipe of `RECIPES` with a few changes (`CANDIDATES`). Scores are AMI
on images of ``test``, which neither Table 1 nor the held-out figures use. A candidate
that has been scored is not trained again.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("select")

from dataclasses import replace
from pathlib import Path

import torch

from dasbe.evaluation.segment import ami_of, mean_and_error
from dasbe.evaluation.sweep import scores_on_dataset
from dasbe.support import checks
from dasbe.support.commands import resumable
from dasbe.support.errors import InputError
from dasbe.support.paths import displayed
from dasbe.support.storage import atomic_path, load_record, one_at_a_time, save_record
from dasbe.systems import SYSTEMS
from dasbe.train.denoising import train, training_images
from dasbe.train.recipes import RECIPES, Recipe

COLUMNS = {"candidate", "ami", "standard_error", "validation_loss", "training_seconds"}
SPLIT, SEED = "test", 1

# what the trials of a network had in common, where its recipe has changed since
_MNIST_SHAPE = {"latent": 1000, "epochs": 30}
_SPIKING = {"latent": 1000, "epochs": 15, "latent_silence": 0.9, "output_shift": 0.0, "half_precision": False}
_WIDE = {**_SPIKING, "latent": 1300, "epochs": 40, "latent_silence": 0.5}
_EARLIER = {"epochs": 20, "walkback": 0, "corruption": (0.7, 0.9)}
_DETERMINISTIC = {**_SPIKING, "spiking": False, "latent_activation": "sigmoid", "latent_silence": 0.0}

CANDIDATES: dict[str, list[dict]] = {
    "bars": [
        {},
        {"corruption": (0.5, 0.7)},
        {"latent": 100},
    ],
    "corners": [
        {},
        {"ink_weight": 1.0},
        {"ink_weight": 5.0},
        {"ink_weight": 2.5, "corruption": (0.5, 0.7)},
        {"ink_weight": 1.0, "corruption": (0.4, 0.6)},
        {"ink_weight": 1.0, "corruption": (0.5, 0.7)},
        {"ink_weight": 0.3, "corruption": (0.5, 0.7)},
        {"ink_weight": 1.0, "corruption": (0.5, 0.7), "latent": 512},
        {"ink_weight": 1.0, "corruption": (0.4, 0.6), "occlusion": 0.5},
        {"walkback": 1},
    ],
    "shapes": [
        {},
        {"occlusion": 0.0, "corruption": (0.4, 0.6)},
        {"occlusion": 1.0, "corruption": (0.2, 0.5)},
        {"corruption": (0.4, 0.6)},
        {"ink_weight": 2.5},
        {"latent": 800, "occlusion": 0.0, "corruption": (0.4, 0.6)},
        {"walkback": 1},
    ],
    "mnist_shape": [
        {},
        {**_MNIST_SHAPE},
        {**_MNIST_SHAPE, "epochs": 60},
        {**_MNIST_SHAPE, "latent": 500},
        {**_MNIST_SHAPE, "ink_weight": 2.0},
        {**_MNIST_SHAPE, "walkback": 3},
        {**_MNIST_SHAPE, "walkback": 3, "corruption": (0.5, 0.8)},
        {**_MNIST_SHAPE, "walkback": 1},
        {**_MNIST_SHAPE, "walkback": 0},
        {**_MNIST_SHAPE, "walkback": 0, "learning_rate": 2e-2},
        {**_MNIST_SHAPE, "walkback": 0, "learning_rate": 3e-3, "epochs": 50},
        {**_MNIST_SHAPE, "walkback": 0, "learning_rate": 1e-3, "epochs": 80, "corruption": (0.7, 0.9)},
        {**_MNIST_SHAPE, "walkback": 0, "epochs": 60},
        {**_MNIST_SHAPE, "walkback": 0, "latent": 500},
        {**_MNIST_SHAPE, "walkback": 0, "latent": 2000},
        {**_MNIST_SHAPE, "walkback": 0, "corruption": (0.7, 0.95)},
        {**_MNIST_SHAPE, "walkback": 0, "ink_weight": 0.5},
        {**_MNIST_SHAPE, "walkback": 0, "latent_silence": 0.5},
        {
            **_MNIST_SHAPE,
            "walkback": 0,
            "learning_rate": 3e-3,
            "epochs": 50,
            "corruption": (0.4, 0.8),
            "occlusion": 0.5,
        },
        {"walkback": 0, "learning_rate": 3e-3, "epochs": 50, "latent": 500, "ink_weight": 2.5},
        {"walkback": 0, "learning_rate": 1e-3, "epochs": 50, "latent": 500, "hidden": (500,), "occlusion": 0.5},
    ],
    "multi_mnist": [
        {},
        {"epochs": 70},
        {"epochs": 80, "batch": 128},
        {"epochs": 15, "latent": 700},
        {"output_shift": 0.0},
        {"output_shift": 0.7},
        {"output_shift": 1.1},
        {"output_shift": 2.0},
        {**_WIDE},
        {**_WIDE, "output_shift": 1.1},
        {**_WIDE, "ink_weight": 2.5},
        {**_SPIKING, "latent_silence": 0.6},
        {**_SPIKING, "latent_silence": 0.4},
        {**_SPIKING},
        {**_SPIKING, "epochs": 40},
        {**_SPIKING, "walkback": 3},
        {**_SPIKING, "latent": 2000},
        {**_SPIKING, "epochs": 30, "walkback": 1},
        {**_SPIKING, **_EARLIER, "latent_activation": "sigmoid"},
        {**_SPIKING, **_EARLIER, "latent_activation": "sigmoid", "latent_silence": 0.0},
        {**_DETERMINISTIC},
        {**_DETERMINISTIC, **_EARLIER, "walkback": 1},
        {**_DETERMINISTIC, **_EARLIER},
        {**_DETERMINISTIC, **_EARLIER, "learning_rate": 2e-2},
        {**_DETERMINISTIC, **_EARLIER, "epochs": 50, "learning_rate": 1e-3},
        {
            **_DETERMINISTIC,
            **_EARLIER,
            "epochs": 40,
            "corruption": (0.8, 0.95),
            "learning_rate": 3e-3,
            "latent": 500,
        },
    ],
    "hierarchical": [
        {},
        {"latent_activation": "sigmoid", "latent_silence": 0.8},
        {
            "latent_activation": "sigmoid",
            "latent_silence": 0.0,
            "contrast": 1.0,
            "corruption": (0.4, 0.7),
            "learning_rate": 1e-3,
        },
    ],
}


def try_candidates(*, name: str, images: int, folder: Path, device: str = "cpu") -> None:
    """Score the candidates for the network called `name` on so many images, and write their table beside `folder`."""
    if name not in CANDIDATES:
        raise InputError(f"there are no candidates for '{name}'; choose one of {', '.join(CANDIDATES)}")
    chosen, candidates, rows = checks.device(device, "--device"), CANDIDATES[name], []
    with resumable(), one_at_a_time(folder):
        for number, changes in enumerate(candidates, start=1):
            rows.append(_scored(replace(RECIPES[name], **changes), changes, folder, images, chosen))
            print(f"{number}/{len(candidates)}  {'  '.join(_cells(rows[-1]))}", flush=True)
    table = folder.with_suffix(".md")
    with atomic_path(table) as temporary:
        header = "| candidate | AMI % | ± s.e. | validation loss | training s |\n|---|---|---|---|---|\n"
        best_first = sorted(rows, key=lambda row: -row["ami"])
        lines = "".join(f"| {' | '.join(_cells(row))} |\n" for row in best_first)
        temporary.write_text(header + lines, encoding="utf-8")
    print(f"written: {displayed(table)}")


def _scored(recipe: Recipe, changes: dict, folder: Path, n_images: int, device: torch.device) -> dict:
    """Train and score one candidate, or read its score."""
    for path in sorted(folder.glob("*.json")):
        try:
            row = load_record(path)
            if Recipe.from_dict(row["recipe"]) == recipe and row["images"] == n_images and COLUMNS <= row.keys():
                return row
        except (InputError, KeyError, TypeError, AttributeError):
            print(f"{displayed(path)} is damaged: its candidate is trained again")
    number = 1 + max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), default=0)
    images, classes = training_images(recipe)
    network, state = train(recipe, images, classes, checkpoint=folder / "checkpoint", device=device)
    systems = [SYSTEMS[recipe.judge]]
    scores = scores_on_dataset(
        systems, network, recipe.dataset, 0, n_images, seed=SEED, score=ami_of, split=SPLIT, device=device
    )
    mean, error = mean_and_error(scores[recipe.judge])
    row = {
        "recipe": recipe.as_dict(),
        "images": n_images,
        "candidate": ", ".join(f"{key} {value}" for key, value in changes.items()) or "the recipe itself",
        "ami": 100 * mean,
        "standard_error": 100 * error,
        "validation_loss": state.lowest_loss,
        "training_seconds": state.seconds,
    }
    save_record(folder / f"{number:03d}.json", row)
    (folder / "checkpoint").unlink(missing_ok=True)
    return row


def _cells(row: dict) -> list[str]:
    """A candidate's row of the table."""
    numbers = (f"{row['ami']:.2f}", f"{row['standard_error']:.2f}", f"{row['validation_loss']:.5f}")
    return [row["candidate"], *numbers, f"{row['training_seconds']:.0f}"]
