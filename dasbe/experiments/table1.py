"""The command ``python -m dasbe.experiments.table1``."""

import argparse
import os
import re

from dasbe.datasets.catalogue import TABLE_DATASETS, settings_of
from dasbe.support.checks import one_of, shown
from dasbe.support.cli import LARGEST_SEED, MOST_WORKERS, Parser, given_apart, given_once, run_command
from dasbe.support.commands import called
from dasbe.support.errors import InputError
from dasbe.support.paths import results_folder, writable
from dasbe.support.published import IMAGES_TABLE, SEEDS_TABLE
from dasbe.systems import SYSTEMS, TABLE_SYSTEMS

QUICK = {"images": 200, "seeds": SEEDS_TABLE[:2]}
MOST_IMAGES = 60000  # of train_multi


def main() -> None:
    options = _options()

    from dasbe.experiments.scores import make_table

    make_table(options)


def _options() -> argparse.Namespace:
    parser = Parser(
        called("table1"),
        "Table 1 of the paper, beside floors, Reconstruction Clustering (RC) and competing phases.",
    )
    parser.add_text("--datasets", f"default: {' '.join(TABLE_DATASETS)}", nargs="+")
    parser.add_text("--systems", f"default: {' '.join(TABLE_SYSTEMS)}", nargs="+")
    parser.add_whole_number("--seeds", None, f"default: {' '.join(map(str, SEEDS_TABLE))}", 0, LARGEST_SEED, nargs="+")
    parser.add_whole_number("--images", None, f"of each dataset (default: {IMAGES_TABLE})", 1, MOST_IMAGES)
    parser.add_argument("--quick", action="store_true", help="200 images and 2 seeds")
    parser.add_whole_number("--workers", None, f"processes on this machine (default: {_cores()})", 1, MOST_WORKERS)
    parser.add_text("--scheduler", "of a Dask cluster, in place of processes here", metavar="tcp://HOST:PORT")
    parser.add_argument("--strict", action="store_true", help="refuse stored results made otherwise or damaged")
    parser.add_argument("--draw-only", action="store_true", help="tables and pictures from the stored scores")
    parser.add_folder("--out", "default: results/table1 (with --quick: table1_quick)")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--quick", "--images", "--seeds")
    given_apart(options, "--draw-only", "--datasets", "--systems", "--seeds", "--images", "--workers", "--scheduler")
    given_apart(options, "--draw-only", "--strict")
    given_apart(options, "--scheduler", "--workers")
    if options.scheduler and not re.fullmatch(r"\w+://[^\s/]+:\d+", options.scheduler):
        raise InputError(f"--scheduler is {shown(options.scheduler)}; it must be an address, tcp://HOST:PORT")
    defaults = {"datasets": TABLE_DATASETS, "systems": TABLE_SYSTEMS, "seeds": SEEDS_TABLE, "images": IMAGES_TABLE}
    defaults |= {"workers": 1 if options.device.startswith("cuda") else _cores()} | (QUICK if options.quick else {})
    vars(options).update({name: value for name, value in defaults.items() if getattr(options, name) is None})
    if options.out is None:
        options.out = results_folder() / ("table1_quick" if options.quick else "table1")
    writable(options.out, "--out DIR")
    for name in ("datasets", "systems", "seeds"):
        given_once(f"--{name}", getattr(options, name))
    for system in options.systems:
        one_of("system", system, SYSTEMS)
    for dataset in options.datasets:
        settings_of(dataset)
    return options


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


if __name__ == "__main__":
    run_command(main)
