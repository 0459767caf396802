"""AMI against compute: what more cycles, runs or steps of each system are worth, in evaluations and in time."""

if __name__ == "__main__":  # before the imports below, which take a second: options are read first
    from dasbe.support.commands import run

    run("compute")

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from dasbe.datasets.catalogue import settings_of
from dasbe.evaluation.segment import mean_and_error, system_settings
from dasbe.evaluation.tables import markdown, show, write_all
from dasbe.experiments.ablation import Results, Variant, score_variants
from dasbe.plotting.style import PRINT_WIDTH, Figure, FixedLocator, NullLocator, colour_of, in_print, new_figure
from dasbe.systems import SYSTEMS

TICKS_OF_EVALUATIONS, TICKS_OF_MS = (10, 100, 1000, 10000), (1, 3, 10, 30)
POINTS: dict[str, Any] = {"marker": "o", "markersize": 2.8, "markeredgewidth": 0.8, "elinewidth": 0.7}


class Growth(NamedTuple):
    """A system, and a setting of it whose growth costs evaluations."""

    title: str
    system: str
    setting: str
    values: Sequence[int]


GROWTHS = {
    "dasbe": Growth("DASBE, cycles", "dasbe", "cycles", (10, 20, 50, 100)),
    "dasbe_pooled": Growth("DASBE, runs pooled", "dasbe_pooled", "runs", (1, 2, 4)),
    "pure_ann": Growth("pure-ANN, cycles", "pure_ann", "cycles", (10, 50)),
    "rc": Growth("RC, DASBE's networks, starts", "rc_restarts", "restarts", (1, 2, 4, 8, 16)),
    "rc_own": Growth("RC, its own networks, starts", "rc_own_restarts", "restarts", (1, 4, 16)),
    "rc_own_pooled": Growth("RC, its own networks, runs pooled", "rc_own_pooled", "runs", (4, 16)),
    "sampled": Growth("RC with samples and a sharper E-step, runs", "sampled", "restarts", (1, 2, 4)),
    "competing_phases": Growth("Competing phases, steps", "competing_phases", "steps_per_phase", (1, 2, 4, 8)),
    "competing_phases_counting": Growth(
        "Competing phases, counting, steps", "competing_phases_counting", "steps_per_phase", (1, 2, 4)
    ),
}
NOT_DRAWN = ("pure_ann",)  # so far below the others that their curves would lie on each other
VARIANTS = {
    f"{name}_{value}": Variant(f"{title} {value}", system, {setting: value})
    for name, (title, system, setting, values) in GROWTHS.items()
    for value in values
}
"""By name: every point of every curve."""


class Curve(NamedTuple):
    """Points of a system that is given more and more; (n,) each."""

    ami: np.ndarray
    error: np.ndarray
    evaluations: np.ndarray
    ms: np.ndarray


def compare(*, out: Path, **options: Any) -> None:
    """Score all points (:func:`~dasbe.experiments.ablation.score_variants`), and write tables and picture to `out`."""
    show(write_curves(out, score_variants(VARIANTS, out, **options)))


def write_curves(folder: Path, results: Results) -> list[Path]:
    """Write ``compute.csv``, ``.md``, and the picture; returns the paths."""
    datasets = list(dict.fromkeys(dataset for _, dataset in results))
    shown = pd.DataFrame("", [variant.title for variant in VARIANTS.values()], datasets)
    rows: list[dict] = []
    curves: dict[str, dict[str, Curve]] = {dataset: {} for dataset in datasets}
    for dataset in datasets:
        for name, (title, system_name, setting, values) in GROWTHS.items():
            points = []
            for value in values:
                result, system = results[f"{name}_{value}", dataset], SYSTEMS[system_name]
                scores = 100 * result.scores[0, :, 0]
                assert system.evaluations is not None  # systems without a network do not grow
                settings = system_settings(system, dataset, **{setting: value})
                evaluations = system.evaluations(settings, settings_of(dataset).objects)
                mean, error, ms = *mean_and_error(scores), 1000 * result.seconds / len(scores)
                points.append((mean, error, evaluations, ms))
                about = {"system": name, "setting": setting, "value": value, "dataset": dataset, "ami": f"{mean:.3f}"}
                about |= {"error": f"{error:.3f}", "evaluations": evaluations, "ms": f"{ms:.2f}"}
                rows.append(about | {"images": len(scores)})
                shown.loc[f"{title} {value}", dataset] = f"{mean:.1f} ({evaluations:.0f}; {ms:.1f})"
            curves[dataset][name] = Curve(*np.array(points).T)
    csv = pd.DataFrame(rows).to_csv(index=False, lineterminator="\n")
    texts = {"compute.csv": csv, "compute.md": markdown(shown.rename_axis(columns="AMI % (evaluations; ms)"))}
    titles = {name: growth.title for name, growth in GROWTHS.items() if name not in NOT_DRAWN}
    return write_all(folder, texts, {"compute": draw(titles, curves)})


@in_print
def draw(titles: dict[str, str], curves: dict[str, dict[str, Curve]]) -> Figure:
    """A column for each dataset; AMI ± standard error against evaluations per image above, milliseconds below.

    Curves of the same colour are of the same system; dashed where its runs are pooled, or where it counts.
    `titles` are by the name of a curve, that of a system with ``_pooled`` or ``_counting``
    behind; `curves` are by dataset, then by name, in per cent.
    """
    figure = new_figure(PRINT_WIDTH, 3.7)
    panels = figure.subplots(2, len(curves), sharey="col", squeeze=False)
    for column, (dataset, of_systems) in enumerate(curves.items()):
        for name, title in titles.items():
            curve, dashed = of_systems[name], name.endswith(("_counting", "_pooled"))
            style = {"linestyle": "--", "markerfacecolor": "white"} if dashed else {"linestyle": "-"}
            for ax, x in zip(panels[:, column], (curve.evaluations, curve.ms)):
                ax.errorbar(x, curve.ami, curve.error, label=title, color=colour_of(name), **POINTS, **style)
        for ax, ticks in zip(panels[:, column], (TICKS_OF_EVALUATIONS, TICKS_OF_MS)):
            ax.set_xscale("log")
            ax.xaxis.set(major_locator=FixedLocator(ticks), minor_locator=NullLocator(), major_formatter="{x:g}")
            ax.grid(color="#e6e6e6", linewidth=0.6)
            ax.set_axisbelow(True)
        panels[0, column].set_title(dataset)
    for row, quantity in zip(panels, ("evaluations per image", "milliseconds per image")):
        row[0].set_ylabel("AMI (%)")
        row[len(row) // 2].set_xlabel(quantity)
    handles, labels = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3, frameon=False, handlelength=3)
    return figure
