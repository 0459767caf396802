"""Curves of AMI against compute: their points, and what is written of them."""

import csv

import numpy as np
import pytest

from dasbe.datasets import TABLE_DATASETS
from dasbe.evaluation.segment import system_settings
from dasbe.evaluation.sweep import Cell
from dasbe.experiments.compute import GROWTHS, VARIANTS, Curve, draw, write_curves
from dasbe.systems import SYSTEMS


def test_every_point_is_a_system_with_one_setting_changed():
    assert len(VARIANTS) == sum(len(growth.values) for growth in GROWTHS.values())
    for title, system, changes in VARIANTS.values():
        assert title and len(changes) == 1 and {*changes} <= {*SYSTEMS[system].settings._fields}


def test_more_of_a_setting_costs_more_evaluations():
    for dataset in TABLE_DATASETS:
        for growth in GROWTHS.values():
            system = SYSTEMS[growth.system]
            grown = [system_settings(system, dataset, **{growth.setting: value}) for value in growth.values]
            assert np.all(np.diff([system.evaluations(settings, 3) for settings in grown]) > 0)


def test_curves_are_written_as_table_and_picture(tmp_path):
    results = {
        (name, dataset): Cell(
            np.array([[[0.01 * (number + d), 0, 0, 3]] * 2 + [[0.02 * (number + d), 0, 0, 3]] * 2]), 2.0 + number, None
        )
        for number, name in enumerate(VARIANTS)
        for d, dataset in enumerate(("shapes", "corners"))
    }
    paths = write_curves(tmp_path, results)
    assert [path.name for path in paths] == ["compute.csv", "compute.md", "compute.png"]
    assert all(path.is_file() for path in paths)
    with open(paths[0], encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len(results)
    row = next(row for row in rows if (row["system"], row["value"], row["dataset"]) == ("dasbe", "50", "corners"))
    number = list(VARIANTS).index("dasbe_50") + 1
    assert float(row["ami"]) == pytest.approx(1.5 * number)
    assert float(row["error"]) == pytest.approx(0.5 * number / 4**0.5)
    assert int(row["evaluations"]) == 50 * 28 and float(row["ms"]) == 1000 * (1 + number) / 4
    evaluations = {(row["system"], row["value"], row["dataset"]): int(row["evaluations"]) for row in rows}
    assert [evaluations["competing_phases", "2", dataset] for dataset in ("shapes", "corners")] == [975, 1381]
    of_point = {1600: 1.5 * (number - 1), 1400: 1.5 * number}  # AMI by evaluations, on shapes and corners
    cells = [f"{ami:.1f} ({shown}; {250 * (1 + number)}.0)" for shown, ami in of_point.items()]
    assert f"| DASBE, cycles 50 | {' | '.join(cells)} |" in paths[1].read_text(encoding="utf-8").splitlines()


def test_picture_has_a_curve_for_each_system_by_evaluations_and_by_time():
    curve = Curve(np.array([50.0, 60.0]), np.array([1.0, 2.0]), np.array([100, 200]), np.array([3.0, 7.0]))
    titles = {name: name.upper() for name in ("dasbe", "dasbe_pooled", "competing_phases_counting")}
    figure = draw(titles, {dataset: dict.fromkeys(titles, curve) for dataset in ("x", "y")})
    panels = np.array(figure.axes).reshape(2, 2)
    for row, x in zip(panels, (curve.evaluations, curve.ms)):
        for ax in row:
            lines = [container.lines[0] for container in ax.containers]
            assert [line.get_linestyle() for line in lines] == ["-", "--", "--"] and ax.get_xscale() == "log"
            assert lines[0].get_color() == lines[1].get_color() != lines[2].get_color()
            np.testing.assert_allclose(lines[2].get_xdata(), x)
            np.testing.assert_allclose(lines[2].get_ydata(), curve.ami)
    assert [text.get_text() for text in figure.legends[0].get_texts()] == list(titles.values())
