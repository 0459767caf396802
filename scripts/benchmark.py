"""The benchmark: everything is timed against its literal form and against what the machine allows, in one run.

Literal forms take one image and one step at a time (:mod:`dasbe.definition`). The dense
bound of the engine is the time for the arithmetic of all foreground pixels, at the rate
of this machine's matrix product, plus one random number for each foreground pixel and
step, at the cost of the fastest generator; both are measured in the same run. The loop
can be faster, since it does without some of that arithmetic. Competing phases, told the
number of objects, have a bound of the same kind. Everything about a dataset is timed in
turn, several times over, and the medians are compared. Ratios carry over to other
machines better than times. The last line is of the times of all datasets, summed.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("benchmark")

import json
import math
import resource
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dasbe import definition
from dasbe.ann.architecture import Architecture
from dasbe.ann.autoencoder import Autoencoder
from dasbe.ann.weights import load_network
from dasbe.binding.loop import bind
from dasbe.binding.readout import group
from dasbe.datasets import ensure_dataset, generate, load_dataset, settings_of
from dasbe.engine.foreground import ForegroundTrains
from dasbe.engine.parallel import widest_arithmetic
from dasbe.evaluation.segment import numbers_of_objects
from dasbe.metrics import ami
from dasbe.plotting.style import INK, Figure, in_our_style, new_figure, save_figure
from dasbe.support.paths import displayed
from dasbe.support.published import IMAGES_TABLE, READOUT_CYCLES, SEEDS_TABLE
from dasbe.support.storage import atomic_path, provenance
from dasbe.systems import competing_phases, pure_ann, pure_snn

REPEATS = 3
PORTION = 500  # images computed together; their results are held in memory
COLUMNS = {
    "literal_ms": "literal",
    "engine_ms": "engine",
    "engine_ratio": "ratio",
    "bound_ms": "bound",
    "of_bound": "× bound",
    "pipeline_ms": "pipeline",
    "pure_ann_ratio": "pure-ANN",
    "pure_snn_ratio": "PCNN",
    "phases_ms": "phases",
    "phases_of_bound": "× bound",
}


def run_benchmark(
    *, datasets: Sequence[str], images: int, literal_images: int, cycles: int, growth: bool, folder: Path
) -> None:
    """Time everything on so many images of each dataset, print the table, and write it to `folder`."""
    machine = {"gflops": matrix_product_rate() / 1e9, "random_ns": 1e9 * random_number_seconds()}
    print(f"matrix product {machine['gflops']:.0f} GFLOP/s, one random number {machine['random_ns']:.2f} ns")
    print(f"single image of shapes, loop and readout: {single_image_seconds():.2f} s")
    print(f"\nms per image, {cycles} cycles; ratios to the literal forms in the same run")
    print(f"{'dataset':<12}" + "".join(f"{title:>10}" for title in COLUMNS.values()))
    rows = {}
    for dataset in datasets:
        rows[dataset] = row = measure(dataset, images, literal_images, cycles, machine)
        print(f"{dataset:<12}" + "".join(f"{row[column]:10.2f}" for column in COLUMNS), flush=True)
    whole = ratios({time: sum(row[time] for row in rows.values()) for time in row if time.endswith("_ms")})
    print(f"{'all':<12}" + "".join(f"{whole[column]:10.2f}" for column in COLUMNS))
    cells = [row[f"{kind}_ms"] for row in rows.values() for kind in ("pipeline", "pure_ann", "pure_snn")]
    hours = len(SEEDS_TABLE) * IMAGES_TABLE * sum(cells) / 3.6e6
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"\nTable 1 of these datasets, projected: {hours:.2f} h; peak memory {peak:.1f} GiB")

    options = {"datasets": datasets, "images": images, "literal_images": literal_images, "cycles": cycles}
    result = {"rows": rows, "all": whole, "machine": machine, "projected_hours": hours, "peak_gib": peak}
    with atomic_path(folder / "benchmark.json") as temporary:
        temporary.write_text(json.dumps({**result, "made": provenance(**options)}, indent=2))
    print(f"written: {displayed(folder / 'benchmark.json')}")
    if growth:
        curves = seconds_as_it_grows(cycles)
        save_figure(growth_curves(curves), folder / "growth.png")
        print(f"written: {displayed(folder / 'growth.png')}")


def seconds(function: Callable[[], object]) -> float:
    """Median time of a few calls, after one that does not count."""
    return seconds_in_turn({"": function})[""]


def seconds_in_turn(functions: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """Median times of functions that are called in turn, so that a slow spell of the machine meets them all."""
    times: dict[str, list[float]] = {name: [] for name in functions}
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
    network, (images, _) = load_network("shapes"), load_dataset("shapes", stop=1)
    return seconds(lambda: group(bind(images, network, delay=32, refractory=9, last=10).spikes, 4))


def foreground_flops(images: np.ndarray, network: Autoencoder, steps: int) -> float:
    """Floating-point operations per image, first and last layer for its foreground alone."""
    layers = [m for m in (*network.encoder, *network.decoder) if isinstance(m, torch.nn.Linear)]
    between = sum(layer.weight.numel() for layer in layers[1:-1])
    per_pixel = layers[0].out_features + layers[-1].in_features
    return steps * 2 * (images.sum() / len(images) * per_pixel + between)


def measure(
    dataset: str, n_images: int, literal_images: int, cycles: int, machine: dict[str, float]
) -> dict[str, float]:
    """All times (ms per image) and ratios of one dataset, with its shipped network."""
    published, network = settings_of(dataset), load_network(dataset)
    ensure_dataset(dataset)
    images, groups = load_dataset(dataset, "train_multi", 6000, 6000 + n_images)
    portions = [slice(start, start + PORTION) for start in range(0, len(images), PORTION)]
    k, delay = numbers_of_objects(groups) + 1, published.delay
    n_objects, phases_settings = published.objects, competing_phases.SYSTEM.published(published)
    timing: dict[str, Any] = {"delay": delay, "refractory": published.refractory, "cycles": cycles}
    last, pulses_settings = min(READOUT_CYCLES, cycles), pure_snn.SYSTEM.published(published)
    device = torch.device("cpu")

    def engine(images: np.ndarray) -> ForegroundTrains:
        trains = bind(images, network, last=last, **timing).trains
        assert trains is not None  # spikes are recorded by default
        return trains

    def without_spikes(images: np.ndarray) -> ForegroundTrains:
        loop = pure_ann.Settings(delay, cycles)
        return pure_ann.record(images, network, loop, seed=0, indices=np.arange(len(images)), device=device)

    def pulses(images: np.ndarray) -> ForegroundTrains:
        return pure_snn.record(images, None, pulses_settings, seed=0, indices=np.arange(len(images)), device=device)

    def phases(images: np.ndarray) -> None:
        told, indices = np.full(len(images), n_objects), np.arange(len(images))
        competing_phases.label(images, network, told, phases_settings, seed=0, indices=indices, device=device)

    def loop(form: Callable) -> None:
        for portion in portions:
            form(images[portion])

    def loop_and_readout(form: Callable) -> None:
        for portion in portions:
            ami(groups[portion], group(form(images[portion]), k[portion]))

    def literal(image: np.ndarray, noise: definition.FreshNoise) -> None:
        definition.bind(image, network, noise=noise, **timing)

    def literal_pure_ann(image: np.ndarray, noise: definition.FreshNoise) -> None:
        definition.pure_ann(image, network, delay, cycles, noise)

    def literal_pure_snn(image: np.ndarray, noise: definition.FreshNoise) -> None:
        u = (rng.random(image.size) for _ in range(pure_snn.STEPS))
        jump, decay = published.threshold_jump, published.threshold_decay
        definition.pulse_coupled(image, pure_snn.STEPS, u, jump, decay)

    def image_by_image(form: Callable) -> None:
        for i, image in enumerate(chosen):
            form(image, definition.FreshNoise(delay, image.size, seed=i))

    chosen, rng = images[:literal_images], np.random.default_rng(0)
    batched = {"engine": engine, "pure_ann_loop": without_spikes, "pure_snn_loop": pulses, "phases": phases}
    scored = {"pipeline": engine, "pure_ann": without_spikes, "pure_snn": pulses}
    literally = {"literal": literal, "literal_pure_ann": literal_pure_ann, "literal_pure_snn": literal_pure_snn}
    calls = {name: partial(loop, form) for name, form in batched.items()}
    calls |= {name: partial(loop_and_readout, form) for name, form in scored.items()}
    calls |= {name: partial(image_by_image, form) for name, form in literally.items()}
    sizes = {name: len(chosen) if name in literally else len(images) for name in calls}
    ms = {f"{name}_ms": 1000 * taken / sizes[name] for name, taken in seconds_in_turn(calls).items()}

    def bound(evaluations: int, random_numbers: int) -> float:
        """Milliseconds per image, of so many evaluations and so many random numbers for each foreground pixel."""
        of_pixels = 1e-6 * machine["random_ns"] * random_numbers * images.sum() / len(images)
        return 1e-6 * foreground_flops(images, network, evaluations) / machine["gflops"] + of_pixels

    steps = cycles * delay
    n_phases, steps_per_phase, before, after, *_ = phases_settings
    shown = competing_phases.evaluations(phases_settings, n_objects)
    draws = steps_per_phase * (before + after * (n_phases - n_objects))
    ms |= {"bound_ms": bound(steps, steps), "phases_bound_ms": bound(shown, draws)}
    return ratios(ms | {"mflop": foreground_flops(images, network, steps) / 1e6})


def ratios(ms: dict[str, float]) -> dict[str, float]:
    """`ms` and the ratios that follow from it."""
    return ms | {
        "of_bound": ms["engine_ms"] / ms["bound_ms"],
        "phases_of_bound": ms["phases_ms"] / ms["phases_bound_ms"],
        "engine_ratio": ms["literal_ms"] / ms["engine_ms"],
        "pure_ann_ratio": ms["literal_pure_ann_ms"] / ms["pure_ann_loop_ms"],
        "pure_snn_ratio": ms["literal_pure_snn_ms"] / ms["pure_snn_loop_ms"],
    }


def seconds_as_it_grows(cycles: int) -> dict[str, tuple[list[int], list[float]]]:
    """Seconds of the engine as one quantity grows: its values and the times."""
    images = next(generate("shapes", {"multi": 400, "test": 1, "single": 1}))[1]["default"]

    def run(n_images: int = 100, pixels: int = 28**2, latent: int = 400, n_cycles: int = cycles) -> float:
        scale = math.isqrt(pixels // 28**2)
        chosen = images[:n_images].repeat(scale, 1).repeat(scale, 2)
        network = Autoencoder(Architecture(chosen.shape[1:], (), latent)).eval()
        return seconds(lambda: bind(chosen, network, delay=32, refractory=9, cycles=n_cycles, last=1))

    ranges = {
        "images": ("n_images", [1, 4, 16, 64, 256]),
        "pixels of an image": ("pixels", [28**2 * scale**2 for scale in (1, 2, 3, 4)]),
        "latent units": ("latent", [100, 200, 400, 800, 1600]),
        "cycles": ("n_cycles", [5, 10, 20, 40, 80]),
    }
    return {title: (values, [run(**{name: value}) for value in values]) for title, (name, values) in ranges.items()}


@in_our_style
def growth_curves(curves: dict[str, tuple[list[int], list[float]]]) -> Figure:
    """Seconds against one quantity in each panel, both logarithmic, with a line of proportional growth.

    Parameters
    ----------
    curves : dict
        Values and seconds of each quantity.
    """
    figure = new_figure(2.7 * len(curves), 2.6)
    for ax, (title, (values, times)) in zip(figure.subplots(1, len(curves), squeeze=False)[0], curves.items()):
        ax.loglog(values, times, marker="o", color=INK, label="measured")
        proportional = times[-1] * np.array(values) / values[-1]
        ax.loglog(values, proportional, color="#999999", linestyle="--", linewidth=1, label="proportional")
        ax.set(xlabel=title, xticks=values, xticklabels=[str(v) for v in values])
        ax.minorticks_off()
    figure.axes[0].set_ylabel("seconds")
    figure.axes[0].legend(frameon=False)
    return figure
