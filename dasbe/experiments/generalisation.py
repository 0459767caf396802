"""The command ``python -m dasbe.experiments.generalisation``."""

import argparse

from dasbe.datasets.catalogue import TABLE_DATASETS
from dasbe.support.checks import one_of
from dasbe.support.cli import Parser, given_apart, given_once, resumable, run_command
from dasbe.support.commands import called
from dasbe.support.paths import readable, results_folder, writable
from dasbe.systems import SYSTEMS

DATASETS = tuple(name for name in TABLE_DATASETS if name != "bars")  # whose objects are of one kind
DEFAULT_SYSTEMS = ("dasbe", "dasbe_counting", "rc", "rc_own", "competing_phases", "competing_phases_counting")
IMAGES, QUICK_IMAGES, SEED = 200, 10, 111


def main() -> None:
    options = _options()

    from dasbe.experiments.arrays.generalisation import compute
    from dasbe.experiments.figures import load_arrays, save_arrays
    from dasbe.plotting.generalisation import conditions_by_dataset
    from dasbe.plotting.style import save_figure
    from dasbe.support import checks
    from dasbe.support.provenance import provenance

    checks.device(options.device, "--device")
    path = options.out / "arrays.npz"
    if not options.draw_only:
        with resumable():
            arrays = compute(options)
        made = {name: getattr(options, name) for name in ("systems", "datasets", "images", "seed", "device")}
        save_arrays(path, arrays, provenance(**made))
        print(f"written: {readable(path)}")
    pictures = [options.out / f"generalisation.{suffix}" for suffix in ("png", "pdf")]
    save_figure(conditions_by_dataset(load_arrays(path, called("generalisation"))), *pictures)
    print(f"written: {readable(pictures[0])} and .pdf")


def _options() -> argparse.Namespace:
    parser = Parser(
        called("generalisation"), "Where binding breaks: more objects, a wrong number told, clutter, overlap."
    )
    parser.add_text("--systems", f"of {' '.join(SYSTEMS)} (default: {' '.join(DEFAULT_SYSTEMS)})", nargs="+")
    parser.add_text("--datasets", f"default: {' '.join(DATASETS)}", nargs="+")
    parser.add_whole_number("--images", None, f"of each point (default: {IMAGES})", 1, 5000)
    parser.add_seed(None, f"of scenes, clutter and systems (default: {SEED})")
    parser.add_argument("--quick", action="store_true", help=f"{QUICK_IMAGES} images")
    parser.add_argument("--draw-only", action="store_true", help="draw again from the saved arrays")
    parser.add_folder("--out", "default: results/generalisation (with --quick: generalisation_quick)")
    parser.add_device()
    options = parser.parse_args()
    given_apart(options, "--quick", "--images")
    given_apart(options, "--draw-only", "--systems", "--datasets", "--images", "--seed")
    defaults = {"systems": DEFAULT_SYSTEMS, "datasets": DATASETS, "seed": SEED}
    defaults |= {"images": QUICK_IMAGES if options.quick else IMAGES}
    vars(options).update({name: value for name, value in defaults.items() if getattr(options, name) is None})
    if options.out is None:
        options.out = results_folder() / ("generalisation_quick" if options.quick else "generalisation")
    writable(options.out, "--out DIR")
    for name, values in (("system", SYSTEMS), ("dataset", DATASETS)):
        given_once(f"--{name}s", getattr(options, f"{name}s"))
        for value in getattr(options, f"{name}s"):
            one_of(name, value, values)
    return options


if __name__ == "__main__":
    run_command(main)
