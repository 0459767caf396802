"""The model card: all networks of a folder, from their descriptions."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("card")

import csv
import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network
from dasbe.support.commands import typed
from dasbe.support.errors import InputError, MissingFileError
from dasbe.support.paths import displayed
from dasbe.support.published import table1_ami
from dasbe.support.storage import atomic_path
from dasbe.train.recipes import RECIPES, SCENE_RECIPES, Recipe, SceneRecipe

HEAD = """# Networks

Written by `python scripts/model_card.py` from the descriptions beside the weights (`NAME.json`). All were trained
here by the recipes of `dasbe/train/recipes.py`, on images of single objects only; but `scenes_…` learnt from scenes
of several objects, and no labels. `python -m dasbe.train NAME --force` trains one again, with the same weights on
the same kind of machine. Weights are float32, rounded to half precision where the recipe says so;
`dasbe.load_network(NAME)` reads them without running any code. They come under the licence of the repository;
`docs/licences.md` says what holds for those trained on digits.

AMI is on held-out images, which neither training nor Table 1 has used: `train_multi` 6000 to 6999, 50 cycles, the
published d and r, seed 111; for `rc_…` by Reconstruction Clustering on the same images; for `moving` the mean over
cycles 40 to 59 of the 60 `test` sequences of moving_shapes_3. It is normalised by the mean of the entropies, as in
Table 1; where the larger entropy was used as well, its AMI stands beside. Published values are the DASBE column of
Table 1; for `rc_…` they are those of Greff et al. 2015, on 1000 images of `test` and by the larger entropy. The
published networks of Figures 4 and 5 have none. Training times are on one core, beside other work. "Other seeds" has
the AMI of the same network trained from other seeds, on the same images.

"""
SEEDS = "training_seeds.csv"  # in the folder of the networks: AMI of those that were trained from other seeds


def list_seeds(names: Sequence[str], folder: Path, others: Sequence[Path]) -> Path:
    """Write the held-out AMI of the networks called `names` in the folders `others` to a file; returns its path.

    Raises
    ------
    InputError
        A network there was trained by another recipe, has the same seed as another, or has no score; or a folder has
        none of the networks.
    """
    rows = []
    for name in names:
        recipe = recipe_of(name, load_network(folder / f"{name}.pt").description)
        seeds = {recipe.seed}
        for path in (other / f"{name}.pt" for other in others):
            if not path.is_file():
                continue
            about = load_network(path).description
            of_other = recipe_of(name, about)
            if replace(of_other, seed=recipe.seed) != recipe or of_other.seed in seeds:
                raise InputError(f"{displayed(path)} was not trained by the recipe of {name} from a seed of its own")
            if "held_out_ami" not in about:
                raise InputError(f"{displayed(path)} has no score; train it without --score-images 0")
            seeds.add(of_other.seed)
            score = about["held_out_ami"]
            rows.append((name, of_other.seed, score["mean"], score["standard_error"]))
    for other in others:
        if not any((other / f"{name}.pt").is_file() for name in names):
            raise InputError(f"--seeds names {displayed(other)}, where there is none of the networks")
    with atomic_path(folder / SEEDS) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["network", "seed", "ami", "standard_error"])
        writer.writerows(rows)
    return folder / SEEDS


def write_card(names: list[str], folder: Path) -> Path:
    """Write the model card of the networks called `names` in `folder`; returns its path."""
    networks = {name: load_network(folder / f"{name}.pt") for name in names}
    path = folder / "README.md"
    with atomic_path(path) as temporary:
        temporary.write_text(card(networks, folder), encoding="utf-8")
    return path


def card(networks: dict[str, Autoencoder], folder: Path) -> str:
    """Text of the model card."""
    lines = [
        "| network | layers | latent code | parameters | MB | AMI % | other seeds | by larger entropy | published "
        "| training (s) |",
        "|---" * 10 + "|",
    ]
    of_seeds = _of_seeds(folder)
    for name, network in networks.items():
        about = network.description
        recipe = recipe_of(name, about)
        score = about.get("held_out_ami", {"mean": math.nan, "standard_error": math.nan})
        cells = [
            name,
            str(network.architecture),
            latent_kind(network.architecture),
            f"{sum(p.numel() for p in network.parameters()):,}",
            f"{(folder / f'{name}.pt').stat().st_size / 1e6:.1f}",
            f"{100 * score['mean']:.2f} ± {100 * score['standard_error']:.2f}",
            ", ".join(of_seeds.get(name, ())) or "–",
            f"{100 * score['mean_by_larger_entropy']:.2f}" if "mean_by_larger_entropy" in score else "–",
            _published(name, recipe),
            str(about["training_seconds"]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += [
        "",
        "## Recipes",
        "",
        "Fields that are not named have their default (`Recipe` and `SceneRecipe` in `dasbe/train/recipes.py`).",
        "",
    ]
    for name, network in networks.items():
        about = network.description
        recipe = recipe_of(name, about)
        defaults = type(recipe)().as_dict()
        changed = {key: value for key, value in recipe.as_dict().items() if key in ALWAYS or value != defaults[key]}
        text = ", ".join(f"{key} {json.dumps(value)}" for key, value in changed.items())
        if isinstance(recipe, SceneRecipe):
            result = f"{about['history']['groups'][-1]:.3g} groups in a scene at the end"
        else:
            loss = f"validation loss {about['validation_loss']:.4f} after epoch {about['best_epoch']}"
            result = f"{loss} of {about['epochs_trained']}"
        lines.append(f"- **{name}**: {text}; seed {recipe.seed}; {result}.")
    return HEAD + "\n".join(lines) + "\n"


def _of_seeds(folder: Path) -> dict[str, list[str]]:
    """AMI, per cent, from other seeds, by network."""
    cells: dict[str, list[str]] = {}
    if (folder / SEEDS).is_file():
        with open(folder / SEEDS, newline="", encoding="utf-8") as file:
            for row in csv.DictReader(file):
                cells.setdefault(row["network"], []).append(f"{100 * float(row['ami']):.2f}")
    return cells


def recipe_of(name: str, about: dict) -> Any:
    """The recipe in the description `about` of network `name`."""
    return (SceneRecipe if name in SCENE_RECIPES else Recipe).from_dict(about["recipe"])


ALWAYS = ("dataset", "latent", "corruption", "epochs")  # fields that are named though they may have their default


def latent_kind(architecture: Architecture) -> str:
    """The latent code in words."""
    if architecture.recurrent:
        return "recurrent"
    return (
        f"spiking ({architecture.latent_activation} drive)" if architecture.spiking else architecture.latent_activation
    )


def _published(name: str, recipe: Any) -> str:
    if name == "hierarchical":
        return "–"
    published = table1_ami(getattr(recipe, "judge", "dasbe"), recipe.dataset)
    return "–" if published is None else f"{published[0]:.1f}"


def write_cards(*, folder: Path, others: Sequence[Path] = ()) -> None:
    """Write the model card of all networks in `folder`, and list those in the folders `others`."""
    present = [name for name in (*RECIPES, *SCENE_RECIPES) if (folder / f"{name}.pt").is_file()]
    if not present:
        raise MissingFileError(
            f"there are no networks in {displayed(folder)}; train them with: {typed('train', 'all')}"
        )
    if others:
        print(f"written: {displayed(list_seeds(present, folder, others))}")
    print(f"written: {displayed(write_card(present, folder))}")
