"""What tables of scores share: means over seeds, cells, and how a table of text is written and shown."""

from pathlib import Path

import numpy as np
import pandas as pd

from dasbe.plotting.style import Figure, save_figure
from dasbe.support.errors import for_terminal
from dasbe.support.paths import displayed
from dasbe.support.storage import atomic_path


def mean_and_deviation(scores: np.ndarray) -> tuple[float, float]:
    """Mean over seeds of the mean score over images, and its standard deviation over seeds, per cent.

    `scores` is (seeds, images); the deviation is NaN for a single seed.
    """
    means = 100 * np.nanmean(scores.astype(np.float64), axis=1)
    return float(means.mean()), float(means.std(ddof=1)) if len(means) > 1 else np.nan


def cell(value: tuple[float, float | None] | None) -> str:
    """Mean ± deviation, the mean alone where there is no deviation, nothing where there is no value."""
    if value is None:
        return ""
    mean, deviation = value
    return f"{mean:.1f}" if deviation is None or np.isnan(deviation) else f"{mean:.1f} ± {deviation:.2f}"


def aligned(table: pd.DataFrame, gap: int = 3) -> str:
    """A table of text for a terminal, `gap` spaces between columns; the name of its columns stands in the corner."""
    lines = [(table.columns.name, *table.columns), *table.itertuples(name=None)]
    lines = [tuple(map(for_terminal, line)) for line in lines]
    widths = [max(map(len, column)) for column in zip(*lines)]
    return "\n".join(
        (" " * gap).join(text.ljust(width) for text, width in zip(line, widths)).rstrip() for line in lines
    )


def markdown(table: pd.DataFrame) -> str:
    """A table of text in Markdown."""
    lines = [(table.columns.name, *table.columns), *table.itertuples(name=None)]
    escaped = [[text.replace("<", "&lt;").replace("|", r"\|") for text in line] for line in lines]
    head, *rows = ("| " + " | ".join(line) + " |" for line in escaped)
    return "\n".join([head, "|---" * len(lines[0]) + "|", *rows]) + "\n"


def latex(table: pd.DataFrame) -> str:
    """A table of text in LaTeX, with the rules of booktabs."""
    shown = table.map(lambda text: f"${text.replace('±', chr(92) + 'pm')}$" if text[:1].isdigit() else text)
    corner = str(table.columns.name).replace("%", r"\%")
    styled = shown.rename_axis(columns=corner).style
    for axis in ("index", "columns"):
        styled = styled.format_index(escape="latex", axis=axis)
    return styled.to_latex(hrules=True, column_format="l" + "r" * len(table.columns))


def write_all(folder: Path, texts: dict[str, str], figures: dict[str, Figure]) -> list[Path]:
    """Write texts by file name, and figures as PNG and PDF; returns the paths of the texts and of the PNGs."""
    for name, text in texts.items():
        with atomic_path(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")
    for name, figure in figures.items():
        save_figure(figure, folder / f"{name}.png", folder / f"{name}.pdf")
    return [folder / name for name in (*texts, *(f"{name}.png" for name in figures))]


def show(paths: list[Path], table: pd.DataFrame | None = None) -> None:
    """Name the files that were written, and print the `table`, aligned, or the one in Markdown among them."""
    for path in paths:
        print(f"written: {displayed(path)}")
    markdown_file = next(path for path in paths if path.suffix == ".md")
    print("\n" + (markdown_file.read_text(encoding="utf-8") if table is None else aligned(table, 2)))
