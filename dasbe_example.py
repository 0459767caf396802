"""Bind one image: which of its pixels belong together? (./dasbe_example.sh sets everything up first.)"""

import argparse
import time
from pathlib import Path

import dasbe
from dasbe.cli import add_device_option, device_of, run_command
from dasbe.datasets import ensure_dataset
from dasbe.experiments.example import draw
from dasbe.parameters import PARAMETERS, parameters_of
from dasbe.paths import readable, results_folder


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dataset", default="shapes", help=f"{', '.join(PARAMETERS)} (default: %(default)s)")
    parser.add_argument("--index", type=int, default=1109, help="image of train_multi (default: %(default)s)")
    parser.add_argument("--image", metavar="FILE", help="an image file of your own, in place of --index")
    parser.add_argument("--groups", type=int, help="objects + background (default: as in the ground truth or dataset)")
    parser.add_argument("--network", metavar="NAME|FILE", help="default: the network of the dataset")
    parser.add_argument("--seed", type=int, default=111, help="default: %(default)s")
    parser.add_argument("--cycles", type=int, default=30, help="default: %(default)s")
    parser.add_argument("--delay", type=int, help="steps in a cycle (default: as published for the dataset)")
    parser.add_argument("--refractory", type=int, help="silent steps after a spike (default: as published)")
    parser.add_argument("--out", metavar="DIR", type=Path, default=results_folder() / "example", help="folder")
    add_device_option(parser)
    options = parser.parse_args()
    started = time.perf_counter()

    published, device = parameters_of(options.dataset), device_of(options.device)
    network = dasbe.load_network(options.network or options.dataset, device)
    groups, n_groups = None, published.objects + 1
    if options.image:
        images = dasbe.load_image(options.image, network.architecture.image_shape)[None]
    else:
        ensure_dataset(options.dataset)
        images, groups = dasbe.load_dataset(options.dataset, "train_multi", options.index, options.index + 1)
        n_groups = int(groups.max()) + 1

    delay = published.delay if options.delay is None else options.delay
    refractory = published.refractory if options.refractory is None else options.refractory
    timing = {"delay": delay, "refractory": refractory, "cycles": options.cycles}
    run = dasbe.bind(images, network, **timing, seed=options.seed, device=device)
    labels = dasbe.group(run.spikes, n_groups if options.groups is None else options.groups)
    truth, score = (None, None) if groups is None else (groups[0], dasbe.ami(groups, labels)[0])
    files = draw(options.out, images[0], run, labels[0], network, truth, score)

    print(f"grouped into {labels.max()} objects" if groups is None else f"AMI: {100 * score:.1f} %")
    print("written:", *map(readable, files), sep="\n  ")
    print(f"time: {time.perf_counter() - started:.1f} s")


if __name__ == "__main__":
    run_command(main)
