"""Time everything against its literal form and against what the machine allows, in one run.

    python scripts/benchmark.py [DATASET ...] [--images 200] [--cycles 50] [--growth]

Literal forms take one image and one step at a time (``tests/stepwise.py``, the oracles
of the tests). The limit of the engine is the time for the arithmetic that the foreground
pixels need, at the rate of this machine's matrix product, plus one random number for
each foreground pixel and step, at the cost of the fastest generator; both are measured
in the same run. Everything about a dataset is timed in turn, several times over, and
the medians are compared. Ratios carry over to other machines better than times. The last
line is of the times of all datasets, summed.
"""

import argparse
import json
import math
import resource
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import numpy as np  # noqa: E402
import torch  # noqa: E402
from stepwise import (  # noqa: E402
    FreshNoise,
    bind_step_by_step,
    pulse_coupled_step_by_step,
    pure_ann_step_by_step,
)

import dasbe  # noqa: E402
from dasbe.ann.autoencoder import Architecture, Autoencoder  # noqa: E402
from dasbe.ann.files import network_path  # noqa: E402
from dasbe.cli import run_command  # noqa: E402
from dasbe.comparison import pure_ann  # noqa: E402
from dasbe.datasets import ensure_dataset, generate  # noqa: E402
from dasbe.errors import InputError  # noqa: E402
from dasbe.evaluation import numbers_of_groups  # noqa: E402
from dasbe.foreground import ForegroundTrains  # noqa: E402
from dasbe.parameters import CYCLES_TABLE, IMAGES_TABLE, PARAMETERS, SEEDS_TABLE, parameters_of  # noqa: E402
from dasbe.paths import readable, results_folder  # noqa: E402
from dasbe.plotting.growth import growth_curves  # noqa: E402
from dasbe.products import widest_arithmetic  # noqa: E402
from dasbe.provenance import provenance  # noqa: E402
from dasbe.snn.pulse_coupled import run_pulse_coupled  # noqa: E402
from dasbe.storage import atomic_path  # noqa: E402

REPEATS = 3
PORTION = 500  # images computed together; their results are held in memory
PULSE_COUPLED_STEPS = 500
COLUMNS = {
    "literal_ms": "literal",
    "engine_ms": "engine",
    "engine_ratio": "ratio",
    "limit_ms": "limit",
    "of_limit": "× limit",
    "pipeline_ms": "pipeline",
    "pure_ann_ratio": "pure-ANN",
    "pure_snn_ratio": "PCNN",
}


def main() -> None:
    shipped = [name for name in PARAMETERS if network_path(name).is_file()]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("datasets", nargs="*", default=shipped, help=f"default: {', '.join(shipped)}")
    parser.add_argument("--images", type=int, default=200, help="for the batched forms (default: %(default)s)")
    parser.add_argument("--literal-images", type=int, default=3, help="for the literal forms (default: %(default)s)")
    parser.add_argument("--cycles", type=int, default=CYCLES_TABLE, help="default: %(default)s")
    parser.add_argument(
        "--growth", action="store_true", help="growth with batch, image, latent layer and cycles as well"
    )
    options = parser.parse_args()
    if min(options.images, options.literal_images, options.cycles) < 1:
        raise InputError("--images, --literal-images and --cycles must be at least 1")

    machine = {"gflops": matrix_product_rate() / 1e9, "random_ns": 1e9 * random_number_seconds()}
    print(f"matrix product {machine['gflops']:.0f} GFLOP/s, one random number {machine['random_ns']:.2f} ns")
    print(f"single image of shapes, loop and readout: {single_image_seconds():.2f} s")
    print(f"\nms an image, {options.cycles} cycles; ratios to the literal forms in the same run")
    print(f"{'dataset':<12}" + "".join(f"{title:>10}" for title in COLUMNS.values()))
    rows = {}
    for dataset in options.datasets:
        rows[dataset] = row = measure(dataset, options, machine)
        print(f"{dataset:<12}" + "".join(f"{row[column]:10.2f}" for column in COLUMNS), flush=True)
    whole = ratios({time: sum(row[time] for row in rows.values()) for time in row if time.endswith("_ms")})
    print(f"{'all':<12}" + "".join(f"{whole[column]:10.2f}" for column in COLUMNS))
    cells = [row[f"{kind}_ms"] for row in rows.values() for kind in ("pipeline", "pure_ann", "pure_snn")]
    hours = len(SEEDS_TABLE) * IMAGES_TABLE * sum(cells) / 3.6e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nTable 1 of these datasets, projected: {hours:.2f} h; peak memory {peak:.1f} GiB")

    folder = results_folder() / "benchmark"
    result = {"rows": rows, "all": whole, "machine": machine, "projected_hours": hours, "peak_gib": peak}
    with atomic_path(folder / "benchmark.json") as temporary:
        temporary.write_text(json.dumps({**result, "made": provenance(**vars(options))}, indent=2))
    print(f"written: {readable(folder / 'benchmark.json')}")
    if options.growth:
        curves = growth(options.cycles)
        with atomic_path(folder / "growth.png") as temporary:
            growth_curves(curves).savefig(temporary, dpi=150)
        print(f"written: {readable(folder / 'growth.png')}")


def seconds(function: Callable[[], object]) -> float:
    """Median time of a few calls, after one that does not count."""
    return seconds_in_turn({"": function})[""]


def seconds_in_turn(functions: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Median times of functions that are called in turn, so that a slow spell of the machine meets them all."""
    times = {name: [] for name in functions}
    for _ in range(1 + REPEATS):
        for name, function in functions.items():
            started = time.perf_counter()
            function()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(of_function[1:]) for name, of_function in times.items()}


def matrix_product_rate() -> float:
    """FLOP/s of the product of two large float32 matrices, by PyTorch or NumPy, whichever is faster."""
    a, b = torch.rand(2, 2048, 2048)
    with widest_arithmetic():
        fastest = min(seconds(lambda: a @ b), seconds(lambda: a.numpy() @ b.numpy()))
    return 2 * 2048**3 / fastest


def random_number_seconds() -> float:
    """Seconds for one 32-bit random number of the fastest generator, all cores drawing."""
    generator, n = np.random.SFC64(0), 1 << 20
    return seconds(lambda: generator.random_raw(n)) / (2 * n) / torch.get_num_threads()


def single_image_seconds() -> float:
    """Loop of 50 cycles and readout of one image of shapes."""
    ensure_dataset("shapes")
    network, (images, _) = dasbe.load_network("shapes"), dasbe.load_dataset("shapes", stop=1)
    return seconds(lambda: dasbe.group(dasbe.bind(images, network, delay=32, refractory=9, last=10).spikes, 4))


def foreground_flops(images: np.ndarray, network: torch.nn.Module, steps: int) -> float:
    """Floating-point operations an image, first and last layer for its foreground alone."""
    layers = [m for m in (*network.encoder, *network.decoder) if isinstance(m, torch.nn.Linear)]
    between = sum(layer.weight.numel() for layer in layers[1:-1])
    per_pixel = layers[0].out_features + layers[-1].in_features
    return steps * 2 * (images.sum() / len(images) * per_pixel + between)


def measure(dataset: str, options: argparse.Namespace, machine: dict[str, float]) -> dict[str, float]:
    """All times (ms an image) and ratios of one dataset, with its shipped network."""
    parameters, network = parameters_of(dataset), dasbe.load_network(dataset)
    ensure_dataset(dataset)
    images, groups = dasbe.load_dataset(dataset, "train_multi", 6000, 6000 + options.images)
    portions = [slice(start, start + PORTION) for start in range(0, len(images), PORTION)]
    k, cycles, delay = numbers_of_groups(groups), options.cycles, parameters.delay
    jump, decay = parameters.pulse_coupled.threshold_jump, parameters.pulse_coupled.threshold_decay
    timing = {"delay": delay, "refractory": parameters.refractory, "cycles": cycles}
    last = min(10, cycles)

    def engine(images: np.ndarray) -> ForegroundTrains:
        return dasbe.bind(images, network, last=last, foreground_only=True, **timing).spikes

    def without_spikes(images: np.ndarray) -> ForegroundTrains:
        return pure_ann(images, network, delay=delay, cycles=cycles, last=last, foreground_only=True)

    def pulses(images: np.ndarray) -> ForegroundTrains:
        return run_pulse_coupled(images, parameters.pulse_coupled, steps=PULSE_COUPLED_STEPS, foreground_only=True)

    def loop(form: Callable) -> None:
        for portion in portions:
            form(images[portion])

    def loop_and_readout(form: Callable) -> None:
        for portion in portions:
            dasbe.ami(groups[portion], dasbe.group(form(images[portion]), k[portion]))

    def literal(image: np.ndarray, noise: FreshNoise) -> None:
        bind_step_by_step(image, network, noise=noise, **timing)

    def literal_pure_ann(image: np.ndarray, noise: FreshNoise) -> None:
        pure_ann_step_by_step(image, network, delay, cycles, noise)

    def literal_pure_snn(image: np.ndarray, noise: FreshNoise) -> None:
        uniforms = (rng.random(image.size) for _ in range(PULSE_COUPLED_STEPS))
        pulse_coupled_step_by_step(image, PULSE_COUPLED_STEPS, uniforms, jump, decay)

    def image_by_image(form: Callable) -> None:
        for i, image in enumerate(chosen):
            form(image, FreshNoise(delay, image.size, seed=i))

    chosen, rng = images[: options.literal_images], np.random.default_rng(0)
    batched = {"engine": engine, "pure_ann_loop": without_spikes, "pure_snn_loop": pulses}
    scored = {"pipeline": engine, "pure_ann": without_spikes, "pure_snn": pulses}
    literally = {"literal": literal, "literal_pure_ann": literal_pure_ann, "literal_pure_snn": literal_pure_snn}
    calls = {name: partial(loop, form) for name, form in batched.items()}
    calls |= {name: partial(loop_and_readout, form) for name, form in scored.items()}
    calls |= {name: partial(image_by_image, form) for name, form in literally.items()}
    n_images = {name: len(chosen) if name in literally else len(images) for name in calls}
    ms = {f"{name}_ms": 1000 * taken / n_images[name] for name, taken in seconds_in_turn(calls).items()}

    steps = cycles * delay
    flops = foreground_flops(images, network, steps)
    limit = 1e-6 * flops / machine["gflops"] + 1e-6 * machine["random_ns"] * steps * images.sum() / len(images)
    return ratios(ms | {"mflop": flops / 1e6, "limit_ms": limit})


def ratios(ms: dict[str, float]) -> dict[str, float]:
    """`ms` and the ratios that follow from it."""
    return ms | {
        "of_limit": ms["engine_ms"] / ms["limit_ms"],
        "engine_ratio": ms["literal_ms"] / ms["engine_ms"],
        "pure_ann_ratio": ms["literal_pure_ann_ms"] / ms["pure_ann_loop_ms"],
        "pure_snn_ratio": ms["literal_pure_snn_ms"] / ms["pure_snn_loop_ms"],
    }


def growth(cycles: int) -> dict[str, tuple[list[int], list[float]]]:
    """Seconds of the engine as one quantity grows: its values and the times."""
    images = next(generate("shapes", {"multi": 400, "test": 1, "single": 1}))[1]["default"]

    def run(n_images: int = 100, pixels: int = 28**2, latent: int = 400, n_cycles: int = cycles) -> float:
        scale = math.isqrt(pixels // 28**2)
        chosen = images[:n_images].repeat(scale, 1).repeat(scale, 2)
        network = Autoencoder(Architecture(chosen.shape[1:], (), latent)).eval()
        options = {"delay": 32, "refractory": 9, "cycles": n_cycles, "last": 1}
        return seconds(lambda: dasbe.bind(chosen, network, **options))

    ranges = {
        "images": ("n_images", [1, 4, 16, 64, 256]),
        "pixels of an image": ("pixels", [28**2 * scale**2 for scale in (1, 2, 3, 4)]),
        "latent units": ("latent", [100, 200, 400, 800, 1600]),
        "cycles": ("n_cycles", [5, 10, 20, 40, 80]),
    }
    return {title: (values, [run(**{name: value}) for value in values]) for title, (name, values) in ranges.items()}


if __name__ == "__main__":
    run_command(main)
