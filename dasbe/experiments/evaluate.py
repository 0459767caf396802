"""The command ``python -m dasbe.experiments.evaluate``."""

import argparse

from dasbe.datasets.catalogue import settings_of
from dasbe.support.checks import one_of
from dasbe.support.cli import LARGEST_SEED, MOST_WORKERS, Parser, given_once, resumable, run_command
from dasbe.support.commands import called
from dasbe.support.paths import readable, results_folder, writable
from dasbe.systems import SYSTEMS

SEED = 111


def main() -> None:
    options = _options()

    from dasbe.ann.files import load_network
    from dasbe.datasets import load_dataset
    from dasbe.evaluation.evaluate import evaluate
    from dasbe.support import checks

    checks.device(options.device, "--device")
    split = {} if options.split is None else {"split": options.split}
    images, groups = load_dataset(options.data, stop=options.images, **split)
    with resumable():
        evaluation = evaluate(
            images,
            groups,
            None if options.network is None else load_network(options.network),
            options.systems,
            seeds=options.seeds,
            settings=options.settings,
            delay=options.delay,
            refractory=options.refractory,
            cycles=options.cycles,
            n_objects=None if options.count else "true",
            device=options.device,
            workers=options.workers,
            store=options.out / "units",
            progress=True,
        )
    for path in evaluation.save(options.out):
        print(f"written: {readable(path)}")
    print(f"\n{evaluation}")


def _options() -> argparse.Namespace:
    parser = Parser(called("evaluate"), "Scores of systems on the images of a file, and tables of them.")
    parser.add_text("--data", "file with images and groups, or name of a dataset", required=True)
    parser.add_text("--split", "group of the file (default: train_multi)")
    parser.add_whole_number("--images", None, "only so many, from the first on")
    parser.add_text("--network", "file, or name of one that is there; pure_snn needs none")
    parser.add_text("--systems", f"of {' '.join(SYSTEMS)} (default: dasbe)", ["dasbe"], nargs="+")
    parser.add_text("--settings", "those published for a dataset, such as shapes; the next three replace some of them")
    parser.add_whole_number("--delay", None, "steps in a cycle")
    parser.add_whole_number("--refractory", None, "silent steps after a spike", 0, 127)
    parser.add_whole_number("--cycles", None, "default: 50")
    parser.add_whole_number("--seeds", [SEED], f"default: {SEED}", 0, LARGEST_SEED, nargs="+")
    parser.add_argument("--count", action="store_true", help="do not tell the systems how many objects there are")
    parser.add_whole_number("--workers", 1, "processes (default: one, with all its threads)", 1, MOST_WORKERS)
    parser.add_folder("--out", "default: results/evaluate", results_folder() / "evaluate")
    parser.add_device()
    options = parser.parse_args()
    for name in ("systems", "seeds"):
        given_once(f"--{name}", getattr(options, name))
    for system in options.systems:
        one_of("system", system, SYSTEMS)
    if options.settings is not None:
        settings_of(options.settings)
    writable(options.out, "--out DIR")
    return options


if __name__ == "__main__":
    run_command(main)
