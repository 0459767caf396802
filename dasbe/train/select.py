"""``python -m dasbe.train.select NAME``: train candidates for a network, score each by binding, write the table.

A candidate is the recipe of `RECIPES` with a few changes (`CANDIDATES`). Scores are AMI
on images of ``test``, which neither Table 1 nor the held-out figures use. A candidate
that has been scored is not trained again.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from dasbe import checks
from dasbe.cli import Parser, run_command
from dasbe.errors import FileContentError, InputError
from dasbe.evaluation import chunked_scores, mean_and_error
from dasbe.paths import readable, results_folder, writable
from dasbe.storage import atomic_path, load_record, one_at_a_time, save_record
from dasbe.train.candidates import CANDIDATES
from dasbe.train.denoising import train, training_images
from dasbe.train.recipes import Recipe, training_recipe

COLUMNS = {"candidate", "ami", "standard_error", "validation_loss", "training_seconds"}
SPLIT, SEED, TEST_IMAGES = "test", 1, 10000


def main() -> None:
    parser = Parser("python -m dasbe.train.select", __doc__)
    parser.add_text("name", ", ".join(CANDIDATES))
    parser.add_whole_number("--images", 1000, "of the test split (default: %(default)s)", 1, TEST_IMAGES)
    parser.add_device()
    arguments = parser.parse_args()
    device = checks.device(arguments.device, "--device")
    if arguments.name not in CANDIDATES:
        raise InputError(f"there are no candidates for '{arguments.name}'; choose one of {', '.join(CANDIDATES)}")
    folder = writable(results_folder() / "select" / arguments.name)
    rows = []
    with one_at_a_time(folder):
        for number, changes in enumerate(CANDIDATES[arguments.name], start=1):
            recipe = replace(training_recipe(arguments.name), **changes)
            rows.append(_scored(recipe, changes, folder, arguments.images, device))
            print(f"{number}/{len(CANDIDATES[arguments.name])}  {'  '.join(_cells(rows[-1]))}", flush=True)
    table = folder.with_suffix(".md")
    with atomic_path(table) as temporary:
        header = "| candidate | AMI % | ± s.e. | validation loss | training s |\n|---|---|---|---|---|\n"
        best_first = sorted(rows, key=lambda row: -row["ami"])
        temporary.write_text(header + "".join(f"| {' | '.join(_cells(row))} |\n" for row in best_first))
    print(f"written: {readable(table)}")


def _scored(recipe: Recipe, changes: dict, folder: Path, n_images: int, device: torch.device) -> dict:
    """Train and score one candidate, or read its score."""
    for path in sorted(folder.glob("*.json")):
        try:
            row = load_record(path)
            if Recipe.from_dict(row["recipe"]) == recipe and row["images"] == n_images and COLUMNS <= row.keys():
                return row
        except (FileContentError, KeyError, TypeError, AttributeError):
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


if __name__ == "__main__":
    run_command(main)
