"""``python -m dasbe.experiments.heldout``: AMI of the shipped networks on images that Table 1 does not use.

Beside DASBE, Reconstruction Clustering (RC) with the same networks.
"""

import argparse
import json
import time

import numpy as np
from tqdm import tqdm

from dasbe.ann.files import load_network
from dasbe.cli import add_device_option, device_of, run_command
from dasbe.datasets import ensure_dataset
from dasbe.errors import InputError
from dasbe.evaluation import (
    HELD_OUT_IMAGES,
    HELD_OUT_SEED,
    HELD_OUT_SPLIT,
    HELD_OUT_START,
    held_out_scores,
    held_out_scores_of_rc,
    mean_and_error,
)
from dasbe.parameters import CYCLES_TABLE, parameters_of
from dasbe.paths import network_folder, readable, results_folder
from dasbe.provenance import provenance
from dasbe.storage import atomic_path
from dasbe.train.recipes import RECIPES, training_recipe


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m dasbe.experiments.heldout", description=__doc__)
    known = [name for name, recipe in RECIPES.items() if recipe.judge == "dasbe"]
    shipped = [name for name in known if (network_folder() / f"{name}.pt").is_file()]
    parser.add_argument("networks", nargs="*", default=shipped, help=f"default: {', '.join(shipped)}")
    parser.add_argument("--images", type=int, default=HELD_OUT_IMAGES, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=HELD_OUT_SEED, help="default: %(default)s")
    add_device_option(parser)
    arguments = parser.parse_args()
    device = device_of(arguments.device)
    if arguments.images < 1 or arguments.seed < 0:
        raise InputError(f"--images is {arguments.images} and --seed {arguments.seed}; at least 1 and 0 are needed")

    scores, scores_of_rc = {}, {}
    print(f"{'network':<25} {'AMI %':>7} {'± s.e.':>7} {'published':>10} {'RC':>7} {'± s.e.':>7} {'s':>7}")
    for name in arguments.networks:
        dataset = training_recipe(name).dataset
        published = parameters_of(dataset).published_ami
        network = load_network(name, device)
        ensure_dataset(dataset)
        started = time.perf_counter()
        chunks = []
        with tqdm(total=arguments.images, desc=name, unit=" images", leave=False) as bar:
            for chunk in held_out_scores(network, dataset, arguments.images, arguments.seed, device):
                chunks.append(chunk)
                bar.update(len(chunk))
        scores[name] = np.concatenate(chunks)
        scores_of_rc[name] = held_out_scores_of_rc(network, dataset, arguments.images, arguments.seed, device)
        mean, error = (100 * value for value in mean_and_error(scores[name]))
        rc_mean, rc_error = (100 * value for value in mean_and_error(scores_of_rc[name]))
        seconds = time.perf_counter() - started
        print(
            f"{name:<25} {mean:7.2f} {error:7.2f} {published:10.1f} {rc_mean:7.2f} {rc_error:7.2f} {seconds:7.1f}",
            flush=True,
        )

    path = results_folder() / "heldout" / "ami.json"
    images = {"split": HELD_OUT_SPLIT, "start": HELD_OUT_START, "images": arguments.images}
    made = provenance(**images, seed=arguments.seed, cycles=CYCLES_TABLE)
    with atomic_path(path) as temporary:
        lists = [{name: values.tolist() for name, values in table.items()} for table in (scores, scores_of_rc)]
        temporary.write_text(json.dumps({"ami": lists[0], "ami_of_rc": lists[1], "made": made}))
    print(f"scores of every image: {readable(path)}")


if __name__ == "__main__":
    run_command(main)
