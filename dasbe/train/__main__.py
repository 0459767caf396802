"""The command ``python -m dasbe.train``."""

import argparse
from dataclasses import replace
from typing import Any

from dasbe.support.cli import Parser, given_apart, given_once, given_with, run_command
from dasbe.support.commands import called
from dasbe.support.errors import InputError
from dasbe.support.paths import network_folder, readable
from dasbe.support.published import HELD_OUT_IMAGES, HELD_OUT_MOST
from dasbe.train.recipes import MOST, RECIPES, training_recipe

MOST_JOBS = 1000


def main() -> None:
    parser = Parser(
        called("train"),
        "Train networks, and write them to tmp_net/; or, with --data, one on images of your own.",
    )
    parser.add_text("names", f"{', '.join(RECIPES)}, or all (all but moving)", nargs="*", metavar="NAME")
    parser.add_argument("--moving", action="store_true", help="the network for moving shapes as well")
    parser.add_whole_number(
        "--jobs", None, "networks trained at once, each by a process of one thread (default: 1)", most=MOST_JOBS
    )
    parser.add_whole_number(
        "--score-images", None, f"for the held-out AMI; 0: none (default: {HELD_OUT_IMAGES})", 0, HELD_OUT_MOST
    )
    parser.add_text("--data", "images of single objects, as dasbe.load_dataset reads them", metavar="FILE")
    parser.add_text("--split", "of --data, if it has several")
    parser.add_whole_number(
        "--hidden", None, "of --data: units of the layers before the latent one", most=MOST, nargs="+"
    )
    parser.add_whole_number(
        "--latent", None, "of --data: units of the latent layer (default: half the pixels)", most=MOST
    )
    parser.add_probability(
        "--corruption", "of --data: which part of the pixels is switched off", nargs=2, metavar=("LOW", "HIGH")
    )
    parser.add_whole_number("--epochs", None, "default: as in the recipe", most=MOST)
    parser.add_seed(None, "default: as in the recipe")
    parser.add_folder_or_file("--out", ".pt", "a folder (default: tmp_net); with --data, the file of the network")
    parser.add_argument("--force", action="store_true", help="train again what is there already")
    parser.add_device()
    arguments = parser.parse_args()
    given_apart(arguments, "--data", "--moving", "--jobs", "--score-images")
    given_with(arguments, "--data", "--split", "--hidden", "--latent", "--corruption")
    if arguments.data is None:
        _train_named(arguments)
    else:
        _train_on_own_images(arguments)


def _train_named(arguments: argparse.Namespace) -> None:
    """Train the networks that are named."""
    if not arguments.names and not arguments.moving:
        raise InputError(f"NAME is missing, or --data; see: {called('train')} --help")
    given_once("NAME", arguments.names)
    folder = network_folder() if arguments.out is None else arguments.out
    if folder.suffix == ".pt":
        raise InputError(f"--out is {readable(folder)}; networks that are named are written to a folder")
    changes = _given(arguments, "epochs", "seed")
    recipes = {name: replace(training_recipe(name), **changes) for name in _names(arguments.names, arguments.moving)}

    from dasbe.train.networks import train_networks

    options = _given(arguments, "force", "score_images", "device", "jobs")
    train_networks(recipes, folder, **options)


def _train_on_own_images(arguments: argparse.Namespace) -> None:
    """Train a network on images of the user's own."""
    if arguments.names:
        raise InputError("NAME and --data are given together; leave one of them out")
    if arguments.out is None or arguments.out.suffix != ".pt":
        given = "missing" if arguments.out is None else readable(arguments.out)
        raise InputError(f"--out is {given}; with --data it is the file of the network, which ends in .pt")

    from dasbe.train.own import train_on_file
    from dasbe.train.recipe import Recipe

    fields = _given(arguments, "hidden", "latent", "corruption", "epochs", "seed")
    for name in {"hidden", "corruption"} & fields.keys():
        fields[name] = tuple(fields[name])
    recipe = Recipe(**fields)
    options = _given(arguments, "split", "force", "device")
    train_on_file(arguments.data, recipe, arguments.out, **options)


def _given(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Those of the options called `names` that have a value."""
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _names(given: list[str], moving: bool) -> list[str]:
    """Names of the networks to train, each once."""
    names = [name for name in RECIPES if name != "moving"] if "all" in given else given
    return list(dict.fromkeys([*names, *(["moving"] if moving else [])]))


if __name__ == "__main__":
    run_command(main)
