"""The pictures of one bound image, as ``dasbe_example.sh`` leaves them."""

from pathlib import Path

import numpy as np

from dasbe.ann.network import Network
from dasbe.binding.run import Binding
from dasbe.plotting.runs import animate, plot_decoded, plot_grouping, plot_raster
from dasbe.plotting.style import save_figure


def draw(
    folder: Path | str,
    run: Binding,
    labels: np.ndarray,
    network: Network,
    groups: np.ndarray | None = None,
    html: bool = False,
) -> list[Path]:
    """Draw grouping, raster, decoded groups and animation of the first image of a run.

    Parameters
    ----------
    folder : path
    run : Binding
        With the spikes.
    labels : (N, H, W) int
        Its grouping.
    network : nn.Module or callable
        As for the run.
    groups : (N, H, W) int, optional
        Ground truth.
    html : bool
        Whether to write the run as a web page, too.

    Returns
    -------
    list of Path
        The files written.
    """
    folder = Path(folder)
    figures = {"grouping.png": plot_grouping(run, labels, groups=groups)}
    has_objects = (labels if groups is None else groups)[0].any()
    if has_objects:
        figures["raster.png"] = plot_raster(run, labels, groups=groups)
    if labels[0].any():
        figures["decoded.png"] = plot_decoded(network, labels, groups=groups)
    for name, figure in figures.items():
        save_figure(figure, folder / name)
    written = [folder / name for name in figures]
    if has_objects:
        written.append(folder / "binding.gif")
        animate(written[-1], run, labels, groups=groups)
    if html:
        written.append(folder / "binding.html")
        run.to_html(written[-1], labels=labels, groups=groups)
    return written
