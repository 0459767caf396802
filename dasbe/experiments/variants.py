"""Systems with other settings on the same images, and what each ingredient of competing phases is worth."""

import argparse
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from tqdm import tqdm

from dasbe.ann.files import load_network
from dasbe.datasets import ensure_dataset, load_dataset
from dasbe.evaluation.segment import mean_and_error, system_settings
from dasbe.evaluation.sweep_run import results_of, stored_results
from dasbe.evaluation.sweep_store import Store
from dasbe.evaluation.sweep_units import OwnUnit, make_own_units, network_hash
from dasbe.evaluation.tables import markdown, write_all
from dasbe.plotting.differences import score_differences
from dasbe.support import checks
from dasbe.support.cli import resumable
from dasbe.support.paths import readable
from dasbe.support.published import SURPLUS_PHASES
from dasbe.support.storage import one_at_a_time
from dasbe.systems import SYSTEMS, System

SPLIT = "test"


class Variant(NamedTuple):
    """A system of :data:`dasbe.systems.SYSTEMS` with some of its settings changed."""

    title: str
    system: str
    changes: dict[str, Any]


SOFT, FLAT, SURPLUS, FOUR = {"sampling": None}, {"sharpness": 1.0}, {"surplus": SURPLUS_PHASES}, {"restarts": 4}
VARIANTS = {
    "full": Variant("Competing phases, 4 steps", "sampled", SURPLUS),
    "soft": Variant("· soft values for spikes", "sampled", SURPLUS | SOFT),
    "flat": Variant("· β 1", "sampled", SURPLUS | FLAT),
    "soft_flat": Variant("· both", "sampled", SURPLUS | SOFT | FLAT),
    "full_from_dasbe": Variant("· from DASBE's groups", "dasbe_sampled", SURPLUS),
    "random": Variant("· no surplus phases (D)", "sampled", {}),
    "random_best": Variant("D, best of 4", "sampled", FOUR),
    "from_dasbe": Variant("D from DASBE's groups (C)", "dasbe_sampled", {}),
    "from_dasbe_best": Variant("C, best of 4", "dasbe_sampled", FOUR),
    "rc_from_dasbe": Variant("RC from DASBE's groups (B)", "dasbe_rc", {}),
    "rc": Variant("RC", "rc", {}),
    "rc_best": Variant("RC, best of 4 by its own ℓ", "rc_restarts", {}),
    "rc_best_union": Variant("RC, best of 4 by ℓ of the union", "sampled", SOFT | FLAT | FOUR | {"cycles": 10}),
    "rc_pooled": Variant("RC, 4 runs pooled", "rc_pooled", {}),
    "dasbe": Variant("DASBE", "dasbe", {}),
    "dasbe_pooled": Variant("DASBE, 4 runs pooled by timing", "dasbe_pooled", {}),
    "competing_1": Variant("DASBE, competing steps (A), m 1", "dasbe_competing", {"gain": 1.0}),
    "competing_2": Variant("A, m 2", "dasbe_competing", {"gain": 2.0}),
    "competing_4": Variant("A, m 4", "dasbe_competing", {"gain": 4.0}),
}
"""By name; the first is the one that all are compared with."""
REFERENCE = next(iter(VARIANTS))

Results = dict[tuple[str, str], dict]
"""By (variant, dataset): what the store has of it."""


def compare(
    variants: Mapping[str, Variant], options: argparse.Namespace, write: Callable[[Path, Results], list[Path]]
) -> None:
    """Score `variants` as a command's `options` want it, `write` what comes out, and show its table."""
    device = checks.device(options.device, "--device")
    where = (options.datasets, options.start, options.start + options.images)
    how = {"seed": options.seed, "workers": options.workers, "device": device, "folder": options.out}
    with resumable():
        results = score_variants(variants, *where, **how)
    paths = write(options.out, results)
    for path in paths:
        print(f"written: {readable(path)}")
    print("\n" + next(path for path in paths if path.suffix == ".md").read_text(encoding="utf-8"))


def score_variants(
    variants: Mapping[str, Variant],
    datasets: Sequence[str],
    start: int,
    stop: int,
    *,
    seed: int,
    workers: int,
    device: torch.device,
    folder: Path,
) -> Results:
    """Scores of `variants` on images `start` to `stop` of ``test``; what `folder` has is not computed again."""
    units: dict[OwnUnit, tuple[str, Store]] = {}
    for dataset in datasets:
        ensure_dataset(dataset)
        store = Store(folder / "units" / dataset)
        for unit in _units(variants, dataset, start, stop, seed):
            units[unit] = dataset, store
    results: dict[OwnUnit, dict] = {}
    with one_at_a_time(folder / "units"):
        for unit, (_, store) in units.items():
            stored, faults = stored_results([unit], store)
            results |= stored
            for fault in faults:
                tqdm.write(f"{fault}: computed again")
        pending = [unit for unit in units if unit not in results]
        with tqdm(total=len(units), initial=len(results), unit=" cells") as bar:
            if workers == 1:  # times are compared, so none has in it what is compiled and imported once
                for unit in pending:
                    _of_one_image(unit).scores(str(device))
            for unit, result in results_of(pending, workers=None if workers == 1 else workers, device=str(device)):
                units[unit][1].write(unit, result)
                results[unit] = result
                bar.update()
    cells: Results = {}
    for unit, (dataset, _) in units.items():  # a dataset of more images than a unit has comes in parts
        cell = cells.setdefault((unit.system, dataset), {"scores": [], "seconds": 0.0})
        cell["scores"] += results[unit]["scores"]
        cell["seconds"] += results[unit]["made"]["seconds"]
    return cells


def _of_one_image(unit: OwnUnit) -> OwnUnit:
    return replace(unit, stop=unit.start + 1, images=unit.images[:1], groups=unit.groups[:1])


def _units(variants: Mapping[str, Variant], dataset: str, start: int, stop: int, seed: int) -> list[OwnUnit]:
    images, groups = load_dataset(dataset, SPLIT, start, stop)
    by_network: dict[str | None, list[tuple[System, dict]]] = {}
    for name, (title, system, changes) in variants.items():
        of_variant: System = replace(SYSTEMS[system], name=name, title=title)
        settings = system_settings(of_variant, dataset, **changes)._asdict()
        by_network.setdefault(of_variant.network_name(dataset), []).append((of_variant, settings))
    units: list[OwnUnit] = []
    for network_name, systems in by_network.items():
        network = load_network(network_name) if network_name else None
        units += make_own_units(images, groups, network, network_hash(network_name), systems, [seed], told="true")
    return units


def write_variants(folder: Path, results: Results) -> list[Path]:
    """Write ``ablation.csv``, ``.md``, and the picture."""
    datasets = list(dict.fromkeys(dataset for _, dataset in results))
    scores = {cell: 100 * np.array(result["scores"], float)[:, 0] for cell, result in results.items()}  # AMI
    differences = {(v, d): mean_and_error(values - scores[REFERENCE, d]) for (v, d), values in scores.items()}
    lines = ["variant,dataset,ami,error,difference,error_of_difference,images,seconds"]
    for (name, dataset), values in scores.items():
        numbers = (*mean_and_error(values), *differences[name, dataset])
        of_cell = ",".join(f"{number:.3f}" for number in numbers)
        lines.append(f"{name},{dataset},{of_cell},{len(values)},{results[name, dataset]['seconds']:.1f}")
    rows = []
    for name, variant in VARIANTS.items():
        cells = []
        for dataset in datasets:
            mean, error = differences[name, dataset]
            beside = "" if name == REFERENCE else f" ({round(mean, 1) + 0.0:+.1f} ± {error:.1f})".replace("-", "−")
            cells.append(f"{mean_and_error(scores[name, dataset])[0]:.1f}{beside}")
        rows.append((variant.title, cells))
    texts = {"ablation.csv": "\n".join(lines) + "\n", "ablation.md": markdown("AMI %", datasets, rows)}
    titles = {name: variant.title for name, variant in VARIANTS.items()}
    return write_all(folder, texts, {"ablation": score_differences(titles, datasets, differences)})
