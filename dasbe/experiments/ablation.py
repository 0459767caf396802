"""The command ``python -m dasbe.experiments.ablation``."""

import argparse

from dasbe.cli import MOST_WORKERS, Parser, given_once, resumable, run_command
from dasbe.commands import called
from dasbe.datasets.catalogue import TABLE_DATASETS, settings_of
from dasbe.paths import readable, results_folder, writable

SEED, START, IMAGES = 111, 5000, 250


def main() -> None:
    options = _options()

    from dasbe import checks
    from dasbe.experiments.variants import score_variants, write_variants

    device = checks.device(options.device, "--device")
    where = (options.datasets, options.start, options.start + options.images)
    with resumable():
        scores = score_variants(*where, seed=options.seed, workers=options.workers, device=device, folder=options.out)
    for path in write_variants(options.out, scores):
        print(f"written: {readable(path)}")
    print("\n" + (options.out / "ablation.md").read_text(encoding="utf-8"))


def _options() -> argparse.Namespace:
    parser = Parser(
        called("ablation"),
        "Competing phases less one ingredient after another, down to Reconstruction Clustering (RC) and DASBE.",
    )
    parser.add_text("--datasets", f"default: {' '.join(TABLE_DATASETS)}", list(TABLE_DATASETS), nargs="+")
    parser.add_whole_number("--start", START, "first image, of test (default: %(default)s)", 0)
    parser.add_whole_number("--images", IMAGES, "of each dataset (default: %(default)s)")
    parser.add_seed(SEED)
    parser.add_whole_number("--workers", 1, "processes (default: one, with all its threads)", 1, MOST_WORKERS)
    parser.add_folder("--out", "default: results/ablation", results_folder() / "ablation")
    parser.add_device()
    options = parser.parse_args()
    given_once("--datasets", options.datasets)
    for dataset in options.datasets:
        settings_of(dataset)
    writable(options.out, "--out DIR")
    return options


if __name__ == "__main__":
    run_command(main)
