"""Table 1: its scores, computed unit by unit, and the tables and pictures made of them.

Systems × five datasets × five seeds × 6000 images, in units of 100 images. Every
unit is stored as soon as it is done: stop the command at any moment and start it again.
"""

import argparse
import json
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np
from tqdm import tqdm

from dasbe.datasets import TABLE_DATASETS, ensure_dataset, settings_of
from dasbe.evaluation.sweep_run import pending_units, run_units
from dasbe.evaluation.sweep_store import Store
from dasbe.evaluation.sweep_units import Unit, check_datasets, make_units
from dasbe.evaluation.tables import cell, latex, latex_cell, markdown, mean_and_deviation, write_all
from dasbe.plotting.table import score_distributions, score_table
from dasbe.support import checks
from dasbe.support.cli import resumable
from dasbe.support.commands import typed
from dasbe.support.errors import FileContentError, InputError
from dasbe.support.paths import PACKAGE, home, readable, results_folder
from dasbe.support.provenance import provenance
from dasbe.support.published import table1_ami
from dasbe.support.storage import load_arrays, one_at_a_time, save_arrays
from dasbe.systems import SYSTEMS

Scores = dict[tuple[str, str], np.ndarray]


def make_table(options: argparse.Namespace) -> None:
    """What the command ``python -m dasbe.experiments.table1`` does."""
    checks.device(options.device, "--device")
    folder = options.out
    if not options.draw_only:
        with resumable(), one_at_a_time(folder / "units"):
            _sweep(options, Store(folder / "units"))
    path = folder / "scores.npz"
    if not path.is_file() and folder == results_folder() / "table1" and shipped_scores().is_file():
        path = shipped_scores()
        print(f"scores: {readable(path)}, of our own run")
    scores, made = load_scores(path)
    for path in write_tables(folder, scores, made["seconds"]):
        print(f"written: {readable(path)}")
    print("\n" + (folder / "table1.md").read_text(encoding="utf-8"))


def _sweep(options: argparse.Namespace, store: Store) -> None:
    """Compute what is missing, and gather all scores in one file."""
    for dataset in options.datasets:
        ensure_dataset(dataset)
    check_datasets(options.datasets, options.images)
    units = list(make_units(options.datasets, options.systems, options.seeds, options.images))
    pending, faults = pending_units(units, store)
    if faults and options.strict:
        raise InputError(f"{faults[0]} ({len(faults)} such files); without --strict they are computed again")
    for fault in faults:
        tqdm.write(f"{fault}: computed again")
    n_images = sum(unit.stop - unit.start for unit in units)
    missing = sum(unit.stop - unit.start for unit in pending)
    with tqdm(total=n_images, initial=n_images - missing, unit=" images", smoothing=0.05, desc="table 1") as bar:
        arguments = {"workers": options.workers, "scheduler": options.scheduler, "device": options.device}
        with closing(run_units(pending, store, **arguments)) as done:  # workers end with it
            for unit in done:
                bar.update(unit.stop - unit.start)
    _gather(units, store, options.out / "scores.npz")


def _gather(units: Sequence[Unit], store: Store, path: Path) -> None:
    """Write the scores of all units, (seeds, images) float32 for each system and dataset, and how they were made."""
    parts: dict[tuple[str, str], dict[int, list[float]]] = {}
    seconds: dict[str, float] = {}
    networks = {}
    for unit in units:  # ordered by images within each cell and seed
        result, fault = store.read(unit)
        if result is None:
            raise FileContentError(fault or f"the result of {unit} has gone; run the same command again")
        cell = unit.system, unit.dataset
        parts.setdefault(cell, {}).setdefault(unit.seed, []).extend(result["scores"])
        name = "/".join(cell)
        seconds[name] = round(seconds.get(name, 0) + result["made"]["seconds"], 3)
        networks[name] = unit.network
    arrays = {"/".join(cell): np.array([*seeds.values()], np.float32) for cell, seeds in parts.items()}
    made = provenance(seeds=[*next(iter(parts.values()))], seconds=seconds, networks=networks)
    save_arrays(path, arrays, made)


def load_scores(path: Path) -> tuple[Scores, dict]:
    """Scores (seeds, images) by (system, dataset), and how they were made, with seconds and networks of each cell.

    Raises
    ------
    MissingFileError, FileContentError
    """
    arrays = load_arrays(path, typed("table1"))
    made = json.loads(str(arrays.pop("made")))["parameters"]
    scores: Scores = {}
    for name, values in arrays.items():
        system, dataset = name.split("/")
        scores[system, dataset] = values
    return scores, made


def stored_scores() -> Path:
    """``scores.npz`` of the full run here, else that of :func:`shipped_scores`, else that of ``--quick``."""
    here, quick = (results_folder() / folder / "scores.npz" for folder in ("table1", "table1_quick"))
    return next((path for path in (here, shipped_scores(), quick) if path.is_file()), here)


def shipped_scores() -> Path:
    """``scores.npz`` of our own full run, which comes with a repository and with an installed package."""
    installed = PACKAGE / "experiments" / "table1_scores.npz"  # setup.py puts it there
    return installed if installed.is_file() else home() / "notebooks" / "table1" / "scores.npz"


def write_tables(folder: Path, scores: Scores, seconds: dict[str, float]) -> list[Path]:
    """Write ``table1.csv``, ``.md``, ``.tex``, the picture of the table, and that of the distributions."""
    systems = [s for s in SYSTEMS if any(s == system for system, _ in scores)]
    datasets = [d for d in TABLE_DATASETS if any(d == dataset for _, dataset in scores)]
    ours = {cell: mean_and_deviation(values) for cell, values in scores.items()}
    published = {(s, d): value for s in systems for d in datasets if (value := table1_ami(s, d)) is not None}
    ms = {(s, d): 1000 * seconds[f"{s}/{d}"] / values.size for (s, d), values in scores.items()}
    texts = {
        "table1.csv": _csv(ours, published, scores, seconds),
        "table1.md": _markdown(systems, datasets, ours, published, ms),
        "table1.tex": _latex(systems, datasets, ours, published),
    }
    titles = {s: SYSTEMS[s].title for s in systems}
    figures = {
        "table1": score_table(titles, datasets, ours, published),
        "distributions": score_distributions(titles, datasets, scores, published=published),
    }
    return write_all(folder, texts, figures)


def _csv(ours: dict, published: dict, scores: Scores, seconds: dict[str, float]) -> str:
    lines = ["system,dataset,ami,deviation_over_seeds,seeds,images,published_ami,published_deviation,seconds"]
    for (system, dataset), (mean, deviation) in ours.items():
        theirs = ["" if v is None else f"{v:g}" for v in published.get((system, dataset), (None, None))]
        size = map(str, scores[system, dataset].shape)
        cell_seconds = f"{seconds[f'{system}/{dataset}']:.1f}"
        lines.append(",".join([system, dataset, f"{mean:.3f}", f"{deviation:.3f}", *size, *theirs, cell_seconds]))
    return "\n".join(lines) + "\n"


def _markdown(systems: list, datasets: list, ours: dict, published: dict, ms: dict) -> str:
    columns = ["trained on", "told", "network sees", *datasets, "evaluations an image", "ms an image"]
    rows = []
    for name in systems:
        system = SYSTEMS[name]
        about = [system.trained_on, system.told, system.sees]
        evaluations = [_evaluations(name, dataset) for dataset in datasets if (name, dataset) in ours]
        cost = [_from_to(evaluations), _from_to([ms[name, d] for d in datasets if (name, d) in ms])]
        rows.append((system.title, [*about, *(cell(ours.get((name, dataset))) for dataset in datasets), *cost]))
        if any(system == name for system, _ in published):
            theirs = [cell(published.get((name, dataset))) for dataset in datasets]
            rows.append((f"{system.title} (published)", ["", "", "", *theirs, "", ""]))
    return markdown("AMI %", columns, rows)


def _evaluations(system: str, dataset: str) -> int:
    """How often `system` evaluates its network for an image of `dataset`."""
    count, settings = SYSTEMS[system].evaluations, settings_of(dataset)
    return count(SYSTEMS[system].published(settings), settings.objects) if count else 0


def _from_to(values: Sequence[float]) -> str:
    """The least and the largest value, or the one that there is; nothing if all are 0."""
    least, largest = (f"{value:.{0 if value >= 10 or value == 0 else 1}f}" for value in (min(values), max(values)))
    return "" if not any(values) else least if least == largest else f"{least}–{largest}"


def _latex(systems: list, datasets: list, ours: dict, published: dict) -> str:
    rows = []
    for system in systems:
        rows.append((SYSTEMS[system].title, [latex_cell(ours.get((system, dataset))) for dataset in datasets]))
        if any(s == system for s, _ in published):
            theirs = [published.get((system, dataset)) for dataset in datasets]
            rows.append((r"\quad published", [latex_cell(value) if value else "" for value in theirs]))
    return latex(r"AMI (\%)", [dataset.replace("_", r"\_") for dataset in datasets], rows)
