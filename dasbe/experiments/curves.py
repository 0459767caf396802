"""AMI against compute: what more cycles, runs or steps of each system are worth, in evaluations and in time."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from dasbe.datasets.catalogue import settings_of
from dasbe.evaluation.segment import mean_and_error, system_settings
from dasbe.evaluation.tables import markdown, write_all
from dasbe.experiments.variants import Results, Variant
from dasbe.plotting.compute import Curve, curves_by_dataset
from dasbe.systems import SYSTEMS


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


def write_curves(folder: Path, results: Results) -> list[Path]:
    """Write ``compute.csv``, ``.md``, and the picture."""
    datasets = list(dict.fromkeys(dataset for _, dataset in results))
    lines = ["system,setting,value,dataset,ami,error,evaluations,ms,images"]
    curves: dict[str, dict[str, Curve]] = {dataset: {} for dataset in datasets}
    for dataset in datasets:
        for name, (_, system_name, setting, values) in GROWTHS.items():
            points = []
            for value in values:
                result, system = results[f"{name}_{value}", dataset], SYSTEMS[system_name]
                scores = 100 * np.array(result["scores"], float)[:, 0]
                assert system.evaluations is not None  # systems without a network do not grow
                settings = system_settings(system, dataset, **{setting: value})
                evaluations = system.evaluations(settings, settings_of(dataset).objects)
                points.append((*mean_and_error(scores), evaluations, 1000 * result["seconds"] / len(scores)))
                mean, error, _, ms = points[-1]
                numbers = f"{mean:.3f},{error:.3f},{evaluations},{ms:.2f},{len(scores)}"
                lines.append(f"{name},{setting},{value},{dataset},{numbers}")
            curves[dataset][name] = Curve(*np.array(points).T)
    rows = []
    for name, (title, *_, values) in GROWTHS.items():
        for number, value in enumerate(values):
            cells = [[part[number] for part in curves[dataset][name]] for dataset in datasets]
            shown = [f"{ami:.1f} ({evaluations:.0f}; {ms:.1f})" for ami, _, evaluations, ms in cells]
            rows.append((f"{title} {value}", shown))
    table = markdown("AMI % (evaluations; ms)", datasets, rows)
    titles = {name: growth.title for name, growth in GROWTHS.items() if name not in NOT_DRAWN}
    texts = {"compute.csv": "\n".join(lines) + "\n", "compute.md": table}
    return write_all(folder, texts, {"compute": curves_by_dataset(titles, curves)})
