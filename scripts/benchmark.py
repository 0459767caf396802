"""Time the batched binding loop against its literal step-by-step form, image by image, in one run.

    python scripts/benchmark.py [DATASET ...] [--images 200] [--cycles 50]

The literal form is the oracle of the tests (``tests/stepwise.py``). Only the loop is
timed: no readout, no loading. Ratios carry over to other machines, times do not.
"""

import argparse
import json
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from stepwise import FreshNoise, bind_step_by_step  # noqa: E402

import dasbe  # noqa: E402
from dasbe.ann.files import network_path  # noqa: E402
from dasbe.cli import run_command  # noqa: E402
from dasbe.datasets import ensure_dataset  # noqa: E402
from dasbe.errors import InputError  # noqa: E402
from dasbe.parameters import CYCLES_TABLE, PARAMETERS, parameters_of  # noqa: E402
from dasbe.paths import readable, results_folder  # noqa: E402
from dasbe.provenance import provenance  # noqa: E402
from dasbe.storage import atomic_path  # noqa: E402


def main() -> None:
    shipped = [name for name in PARAMETERS if network_path(name).is_file()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=shipped, help=f"default: {', '.join(shipped)}")
    parser.add_argument("--images", type=int, default=200, help="for the batched form (default: %(default)s)")
    parser.add_argument("--literal-images", type=int, default=4, help="for the literal form (default: %(default)s)")
    parser.add_argument("--cycles", type=int, default=CYCLES_TABLE, help="default: %(default)s")
    options = parser.parse_args()
    if min(options.images, options.literal_images, options.cycles) < 1:
        raise InputError("--images, --literal-images and --cycles must be at least 1")

    rows = {}
    print(f"{'dataset':<12} {'literal':>12} {'batched':>12} {'ratio':>7}   (ms an image, {options.cycles} cycles)")
    for dataset in options.datasets:
        rows[dataset] = measure(dataset, options.images, options.literal_images, options.cycles)
        literal, batched = rows[dataset]["literal_ms"], rows[dataset]["batched_ms"]
        print(f"{dataset:<12} {literal:12.1f} {batched:12.2f} {literal / batched:7.1f}", flush=True)
    path = results_folder() / "benchmark" / "loop.json"
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps({"rows": rows, "made": provenance(**vars(options))}, indent=2))
    print(f"written: {readable(path)}")


def measure(dataset: str, n_images: int, n_literal: int, cycles: int) -> dict[str, float]:
    """Milliseconds an image of both forms, with the shipped network of `dataset`."""
    parameters, network = parameters_of(dataset), dasbe.load_network(dataset)
    ensure_dataset(dataset)
    images, _ = dasbe.load_dataset(dataset, "train_multi", 6000, 6000 + n_images)
    options = {"delay": parameters.delay, "refractory": parameters.refractory, "cycles": cycles}

    dasbe.bind(images[:20], network, **{**options, "cycles": 2})  # warm up
    batched = []
    for seed in range(3):
        started = time.perf_counter()
        dasbe.bind(images, network, last=min(10, cycles), seed=seed, **options)
        batched.append((time.perf_counter() - started) / n_images)

    started = time.perf_counter()
    for i, image in enumerate(images[:n_literal]):
        noise = FreshNoise(parameters.delay, image.size, seed=i)
        bind_step_by_step(image, network, noise=noise, **options)
    literal = (time.perf_counter() - started) / min(n_literal, n_images)
    return {"literal_ms": 1000 * literal, "batched_ms": 1000 * sorted(batched)[1]}


if __name__ == "__main__":
    run_command(main)
