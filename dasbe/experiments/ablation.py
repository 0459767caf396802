"""What each ingredient of competing phases is worth: the system less one after another, on the same images."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("ablation")

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dasbe.datasets import ensure_datasets
from dasbe.evaluation.segment import mean_and_error, scores_of, system_settings
from dasbe.evaluation.sweep import Cell, Task, announce, cells_of, sweep, tasks_on_dataset
from dasbe.evaluation.tables import markdown, show, write_all
from dasbe.plotting.style import PRINT_WIDTH, Figure, colour_of, in_print, new_figure
from dasbe.support import checks
from dasbe.support.commands import resumable
from dasbe.support.published import SURPLUS_PHASES
from dasbe.systems import SYSTEMS

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

Results = dict[tuple[str, str], Cell]
"""Scores (1, N, 4) by (variant, dataset)."""


def compare(*, out: Path, **options: Any) -> None:
    """Score all variants (:func:`score_variants`), and write tables and picture to the folder `out`."""
    show(write_variants(out, score_variants(VARIANTS, out, **options)))


def score_variants(
    variants: Mapping[str, Variant],
    folder: Path,
    *,
    datasets: Sequence[str],
    start: int,
    images: int,
    seed: int,
    workers: int = 1,
    device: str = "cpu",
) -> Results:
    """Scores of `variants` on so many images of ``test`` from `start` on; what `folder` has is not computed again."""
    checks.device(device, "--device")
    tasks: list[Task] = []
    ensure_datasets(datasets)
    for dataset in datasets:
        grouped = [
            (replace(SYSTEMS[system], name=name, title=title), system_settings(SYSTEMS[system], dataset, **changes))
            for name, (title, system, changes) in variants.items()
        ]
        tasks += tasks_on_dataset(grouped, dataset, [seed], start, start + images, score=scores_of, split=SPLIT)
    with resumable():
        results = sweep(
            tasks,
            store=folder / "units",
            on_faults=announce,
            workers=None if workers == 1 else workers,
            device=device,
            warm_up=workers == 1,
        )
    return cells_of(results)


def write_variants(folder: Path, results: Results) -> list[Path]:
    """Write ``ablation.csv``, ``.md``, and the picture; returns the paths."""
    datasets = list(dict.fromkeys(dataset for _, dataset in results))
    scores = {of: 100 * cell.scores[0, :, 0] for of, cell in results.items()}  # AMI
    differences = {(v, d): mean_and_error(values - scores[REFERENCE, d]) for (v, d), values in scores.items()}
    rows, shown = [], pd.DataFrame("", [variant.title for variant in VARIANTS.values()], datasets)
    for (name, dataset), values in scores.items():
        (mean, error), (difference, its_error) = mean_and_error(values), differences[name, dataset]
        about = {"variant": name, "dataset": dataset, "ami": mean, "error": error, "difference": difference}
        seconds = f"{results[name, dataset].seconds:.1f}"
        rows.append(about | {"error_of_difference": its_error, "images": len(values), "seconds": seconds})
        beside = f" ({round(difference, 1) + 0.0:+.1f} ± {its_error:.1f})".replace("-", "−")
        shown.loc[VARIANTS[name].title, dataset] = f"{mean:.1f}{'' if name == REFERENCE else beside}"
    csv = pd.DataFrame(rows).to_csv(index=False, float_format="%.3f", lineterminator="\n")
    texts = {"ablation.csv": csv, "ablation.md": markdown(shown.rename_axis(columns="AMI %"))}
    titles = {name: variant.title for name, variant in VARIANTS.items()}
    return write_all(folder, texts, {"ablation": draw(titles, datasets, differences)})


@in_print
def draw(titles: dict[str, str], datasets: list[str], differences: dict) -> Figure:
    """A panel for each dataset, and in it a point for each variant: mean difference of AMI and its standard error.

    `titles` are those of the variants, from top to bottom, that of the reference first;
    `differences` are (mean, error) by (variant, dataset), per cent. Points have the colour of the
    system that a variant belongs to: competing phases, RC or DASBE.
    """
    figure = new_figure(PRINT_WIDTH, 0.6 + 0.145 * len(titles))
    panels = figure.subplots(1, len(datasets), sharey=True, squeeze=False)[0]
    families = {"rc": "rc", "dasbe": "dasbe", "competing": "dasbe"}  # by the beginning of a variant's name
    colours = [colour_of(families.get(name.split("_")[0], "competing_phases")) for name in titles]
    for ax, dataset in zip(panels, datasets):
        ax.axvline(0, color="#888888", linewidth=0.6)
        for row, (name, colour) in enumerate(zip(titles, colours)):
            mean, error = differences[name, dataset]
            ax.errorbar(mean, row, xerr=error, fmt="o", color=colour, markersize=3)
            if row and colour != colours[row - 1]:
                ax.axhline(row - 0.5, color="#cccccc", linewidth=0.6)
        ax.set(title=dataset, ylim=(len(titles) - 0.5, -0.5))
        ax.grid(axis="x", color="#e6e6e6", linewidth=0.6)
        ax.set_axisbelow(True)
        ax.tick_params(axis="y", length=0)
        ax.spines["left"].set_visible(False)
        ax.locator_params(axis="x", nbins=4)
    panels[0].set_yticks(np.arange(len(titles)), list(titles.values()))
    reference = next(iter(titles.values())).lower()
    figure.supxlabel(f"difference of AMI from {reference} (points, mean ± standard error); scales differ", size=7)
    return figure
