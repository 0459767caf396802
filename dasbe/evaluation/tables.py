"""What tables of scores share: means over seeds, cells, and tables as Markdown and LaTeX."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from dasbe.plotting.style import Figure, save_figure
from dasbe.support.storage import atomic_path

Row = tuple[str, Sequence[str]]
"""Its name, and its cells."""


def mean_and_deviation(scores: np.ndarray) -> tuple[float, float]:
    """Mean over seeds of the mean score over images, and its standard deviation over seeds, per cent.

    `scores` is (seeds, images); the deviation is NaN for a single seed.
    """
    means = 100 * np.nanmean(scores.astype(np.float64), axis=1)
    return float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else np.nan


def cell(value: tuple[float, float | None] | None, plus_minus: str = "±") -> str:
    """Mean ± deviation, the mean alone where there is no deviation, nothing where there is no value."""
    if value is None:
        return ""
    mean, deviation = value
    return f"{mean:.1f}" if deviation is None or np.isnan(deviation) else f"{mean:.1f} {plus_minus} {deviation:.2f}"


def latex_cell(value: tuple[float, float | None] | None) -> str:
    """:func:`cell` in LaTeX."""
    return f"${cell(value, chr(92) + 'pm')}$"


def aligned(corner: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table as plain text."""
    lines = [(corner, *columns), *((name, *cells) for name, cells in rows)]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join("   ".join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines)


def markdown(corner: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table in Markdown."""
    lines = [f"| {corner} | " + " | ".join(columns) + " |", "|---" * (len(columns) + 1) + "|"]
    lines += [f"| {name} | " + " | ".join(cells) + " |" for name, cells in rows]
    return "\n".join(lines) + "\n"


def latex(corner: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """A table in LaTeX, with the rules of booktabs."""
    lines = [r"\begin{tabular}{l" + "r" * len(columns) + "}", r"\toprule"]
    lines += [f"{corner} & " + " & ".join(columns) + r" \\", r"\midrule"]
    lines += [f"{name} & " + " & ".join(cells) + r" \\" for name, cells in rows]
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}", ""])


def write_all(folder: Path, texts: dict[str, str], figures: dict[str, Figure]) -> list[Path]:
    """Write texts by file name, and figures as PNG and PDF; returns the paths of the texts and of the PNGs."""
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png", folder / f"{name}.pdf")
    return [folder / name for name in (*texts, *(f"{name}.png" for name in figures))]
