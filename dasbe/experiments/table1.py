"""Table 1: its scores, computed unit by unit, and the tables and pictures made of them.

Systems × five datasets × five seeds × 6000 images, in units of 100 images. Every
unit is stored as soon as it is done: stop the command at any moment and start it again.
"""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("table1")

import json
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from dasbe.datasets import TABLE_DATASETS, ensure_datasets, load_dataset, settings_of
from dasbe.evaluation.segment import ami_of, system_settings
from dasbe.evaluation.sweep import SPLIT, Task, announce, cells_of, sweep, tasks_on_dataset
from dasbe.evaluation.tables import cell, latex, markdown, mean_and_deviation, show, write_all
from dasbe.plotting.table import score_distributions, score_table
from dasbe.support import checks
from dasbe.support.commands import resumable, typed
from dasbe.support.errors import InputError
from dasbe.support.paths import PACKAGE, displayed, home, results_folder
from dasbe.support.published import IMAGES_TABLE, SEEDS_TABLE, table1_ami
from dasbe.support.storage import load_arrays, provenance, save_arrays
from dasbe.systems import SYSTEMS, TABLE_SYSTEMS, system_of

UNIT_IMAGES = 100
OF_THE_PAPER = ("dasbe", "pure_ann", "pure_snn", "rc_own")
PRINTED = (*OF_THE_PAPER, *(name for name in SYSTEMS if name not in OF_THE_PAPER))

Scores = dict[tuple[str, str], np.ndarray]
Values = dict[tuple[str, str], tuple[float, float | None]]


def make_table(
    *,
    out: Path,
    datasets: Sequence[str] = TABLE_DATASETS,
    systems: Sequence[str] = TABLE_SYSTEMS,
    seeds: Sequence[int] = SEEDS_TABLE,
    images: int = IMAGES_TABLE,
    workers: int | None = None,
    scheduler: str | None = None,
    strict: bool = False,
    draw_only: bool = False,
    device: str = "cpu",
) -> None:
    """Compute what is missing of the table, and write it as text and pictures.

    Parameters
    ----------
    out : Path
        Folder of the table, and in ``units/`` of the results of its units.
    datasets, systems : sequence of str
    seeds : sequence of int
    images : int
        Of each dataset, from the first on.
    workers, scheduler
        As for :func:`dasbe.evaluation.sweep.sweep`.
    strict : bool
        Whether stored results that are damaged or were made otherwise are refused; else they are computed again.
    draw_only : bool
        Whether only scores that are there already are used.
    device : str
    """
    checks.device(device, "--device")
    path = out / "scores.npz"
    if not draw_only:
        tasks = tasks_of_table(datasets, systems, seeds, images)
        with resumable():
            results = sweep(
                tasks,
                store=out / "units",
                on_faults=_refuse if strict else announce,
                workers=workers,
                scheduler=scheduler,
                device=device,
                smoothing=0.05,
                desc="table 1",
            )
        cells = {f"{system}/{dataset}": found for (system, dataset), found in cells_of(results).items()}
        made = provenance(
            seeds=list(seeds),
            seconds={name: found.seconds for name, found in cells.items()},
            networks={name: found.network for name, found in cells.items()},
        )
        save_arrays(path, {name: found.scores.astype(np.float32) for name, found in cells.items()}, made)
    if not path.is_file() and out == results_folder() / "table1" and shipped_scores().is_file():
        path = shipped_scores()
        print(f"scores: {displayed(path)}, of our own run")
    scores, about = load_scores(path)
    show(write_tables(out, scores, about["seconds"]), narrow_table(scores))


def tasks_of_table(datasets: Sequence[str], systems: Sequence[str], seeds: Sequence[int], n_images: int) -> list[Task]:
    """All tasks of a table, ordered so that all cells grow together; InputError if a dataset has not so many images."""
    of_datasets = []
    ensure_datasets(datasets)
    for dataset in datasets:
        load_dataset(dataset, SPLIT, n_images - 1, n_images)
        grouped = [(system_of(name), system_settings(system_of(name), dataset)) for name in systems]
        of_datasets.append(list(tasks_on_dataset(grouped, dataset, seeds, 0, n_images, score=ami_of, size=UNIT_IMAGES)))
    return [task for of_all in zip(*of_datasets) for task in of_all]


def _refuse(faults: list[str]) -> None:
    raise InputError(f"{faults[0]} ({len(faults)} such files); without --strict they are computed again")


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
    systems, datasets, ours, published = _parts(scores)
    table = table_of(scores, SYSTEMS)
    texts = {
        "table1.csv": _csv(ours, published, scores, seconds),
        "table1.md": markdown(_with_costs(table, scores, seconds)),
        "table1.tex": latex(table),
    }
    titles = {s: SYSTEMS[s].title for s in systems}
    figures = {
        "table1": score_table(titles, datasets, ours, published),
        "distributions": score_distributions(titles, datasets, scores, published=published),
    }
    return write_all(folder, texts, figures)


def table_of(scores: Scores, order: Iterable[str]) -> pd.DataFrame:
    """A row of cells for each system, in this `order`, and below it for what is published about it."""
    systems, datasets, ours, published = _parts(scores)
    return _rows([name for name in order if name in systems], datasets, ours, published)


def narrow_table(scores: Scores) -> pd.DataFrame:
    """The table as it is printed: the paper's systems first, and narrow enough for a terminal."""
    return table_of(scores, PRINTED).map(lambda text: text.replace(" ± ", "±"))


def _parts(scores: Scores) -> tuple[list[str], list[str], Values, Values]:
    """Systems and datasets of `scores`, and our values and the published ones."""
    systems = [s for s in SYSTEMS if any(s == system for system, _ in scores)]
    datasets = [d for d in TABLE_DATASETS if any(d == dataset for _, dataset in scores)]
    ours: Values = {cell: mean_and_deviation(values) for cell, values in scores.items()}
    published: Values = {(s, d): value for s in systems for d in datasets if (value := table1_ami(s, d)) is not None}
    return systems, datasets, ours, published


def _csv(ours: Values, published: Values, scores: Scores, seconds: dict[str, float]) -> str:
    rows = [
        {
            "system": system,
            "dataset": dataset,
            "ami": f"{mean:.3f}",
            "deviation_over_seeds": f"{deviation:.3f}",
            "seeds": scores[system, dataset].shape[0],
            "images": scores[system, dataset].shape[1],
            "published_ami": published.get((system, dataset), (None, None))[0],
            "published_deviation": published.get((system, dataset), (None, None))[1],
            "seconds": f"{seconds[f'{system}/{dataset}']:.1f}",
        }
        for (system, dataset), (mean, deviation) in ours.items()
    ]
    return pd.DataFrame(rows).to_csv(index=False, float_format="%g", lineterminator="\n")


def _rows(systems: Sequence[str], datasets: Sequence[str], ours: Values, published: Values) -> pd.DataFrame:
    """A row of cells for each system and, below it, for what is published about it."""
    rows = {}
    for name in systems:
        title = SYSTEMS[name].title
        rows[title] = [cell(ours.get((name, dataset))) for dataset in datasets]
        if any(system == name for system, _ in published):
            rows[f"{title} (published)"] = [cell(published.get((name, dataset))) for dataset in datasets]
    return pd.DataFrame.from_dict(rows, "index", columns=pd.Index(datasets, name="AMI %"))


def _with_costs(table: pd.DataFrame, scores: Scores, seconds: dict[str, float]) -> pd.DataFrame:
    """The rows of the table, with what each system knows and what it costs."""
    about = pd.DataFrame(
        "", table.index, ["trained on", "given", "network sees", "evaluations per image", "ms per image"]
    )
    for name in {name for name, _ in scores}:
        system, done = SYSTEMS[name], [dataset for dataset in table.columns if (name, dataset) in scores]
        ms = [1000 * seconds[f"{name}/{dataset}"] / scores[name, dataset].size for dataset in done]
        costs = _from_to([_evaluations(name, dataset) for dataset in done]), _from_to(ms)
        about.loc[system.title] = [system.trained_on, system.told, system.sees, *costs]
    return pd.concat([about.iloc[:, :3], table, about.iloc[:, 3:]], axis=1).rename_axis(columns="AMI %")


def _evaluations(system: str, dataset: str) -> int:
    """How often `system` evaluates its network for an image of `dataset`."""
    count = SYSTEMS[system].evaluations
    return count(system_settings(SYSTEMS[system], dataset), settings_of(dataset).objects) if count else 0


def _from_to(values: Sequence[float]) -> str:
    """The least and the largest value, or the one that there is; nothing if all are 0."""
    least, largest = (f"{value:.{0 if value >= 10 or value == 0 else 1}f}" for value in (min(values), max(values)))
    return "" if not any(values) else least if least == largest else f"{least}–{largest}"
