"""The command ``python -m dasbe.train``."""

import argparse
from dataclasses import replace

from dasbe.cli import Parser, given_once, run_command
from dasbe.parameters import HELD_OUT_IMAGES, HELD_OUT_MOST
from dasbe.paths import network_folder
from dasbe.train.recipes import RECIPES, Recipe, training_recipe


def main() -> None:
    parser = Parser("python -m dasbe.train", "Train networks, and write them to tmp_net/.")
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
    recipes = {name: _recipe(name, arguments) for name in _names(arguments.names, arguments.moving)}

    from dasbe.train.networks import train_networks

    options = {"force": arguments.force, "score_images": arguments.score_images, "device": arguments.device}
    train_networks(recipes, arguments.out, **options)


def _names(given: list[str], moving: bool) -> list[str]:
    """Names of the networks to train, each once."""
    names = [name for name in RECIPES if name != "moving"] if "all" in given else given
    return list(dict.fromkeys([*names, *(["moving"] if moving else [])]))


def _recipe(name: str, arguments: argparse.Namespace) -> Recipe:
    changes = {key: getattr(arguments, key) for key in ("epochs", "seed") if getattr(arguments, key) is not None}
    return replace(training_recipe(name), **changes)


if __name__ == "__main__":
    run_command(main)
