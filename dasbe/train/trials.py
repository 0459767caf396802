"""Trials: candidates for a network are trained, scored by binding, and written in a table.

A candidate is the recipe of `RECIPES` with a few changes (`CANDIDATES`). Scores are AMI
on images of ``test``, which neither Table 1 nor the held-out figures use. A candidate
that has been scored is not trained again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dasbe.evaluation.segment import chunked_scores, mean_and_error
from dasbe.support import checks
from dasbe.support.cli import resumable
from dasbe.support.errors import InputError
from dasbe.support.paths import readable, results_folder, writable
from dasbe.support.storage import atomic_path, load_record, one_at_a_time, save_record
from dasbe.train.denoising import train, training_images
from dasbe.train.recipe import Recipe
from dasbe.train.recipes import training_recipe

COLUMNS = {"candidate", "ami", "standard_error", "validation_loss", "training_seconds"}
SPLIT, SEED = "test", 1


def try_candidates(name: str, candidates: list[dict], n_images: int, device: str) -> None:
    """Score candidates for the network called `name` on `n_images` images, and write their table."""
    chosen = checks.device(device, "--device")
    folder = writable(results_folder() / "select" / name)
    rows = []
    with resumable(), one_at_a_time(folder):
        for number, changes in enumerate(candidates, start=1):
            rows.append(_scored(replace(training_recipe(name), **changes), changes, folder, n_images, chosen))
            print(f"{number}/{len(candidates)}  {'  '.join(_cells(rows[-1]))}", flush=True)
    table = folder.with_suffix(".md")
    with atomic_path(table) as temporary:
        header = "| candidate | AMI % | ± s.e. | validation loss | training s |\n|---|---|---|---|---|\n"
        best_first = sorted(rows, key=lambda row: -row["ami"])
        lines = "".join(f"| {' | '.join(_cells(row))} |\n" for row in best_first)
        temporary.write_text(header + lines, encoding="utf-8")
    print(f"written: {readable(table)}")


def _scored(recipe: Recipe, changes: dict, folder: Path, n_images: int, device: torch.device) -> dict:
    """Train and score one candidate, or read its score."""
    for path in sorted(folder.glob("*.json")):
        try:
            row = load_record(path)
            if Recipe.from_dict(row["recipe"]) == recipe and row["images"] == n_images and COLUMNS <= row.keys():
                return row
        except (InputError, KeyError, TypeError, AttributeError):
            print(f"{readable(path)} is damaged: its candidate is trained again")
    number = 1 + max((int(path.stem) for path in folder.glob("*.json") if path.stem.isdigit()), default=0)
    images, classes = training_images(recipe)
    network, state = train(recipe, images, classes, checkpoint=folder / "checkpoint", device=device)
    chunks = chunked_scores(recipe.judge, network, recipe.dataset, SPLIT, 0, n_images, seed=SEED, device=device)
    scores = np.concatenate(list(chunks))
    mean, error = mean_and_error(scores)
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
