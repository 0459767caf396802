"""Any system scored on images of one's own."""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from dasbe.ann.network import Network, has_functions
from dasbe.ann.weights import weights_hash
from dasbe.evaluation.segment import (
    SCORES,
    check_numbering,
    chosen_settings,
    numbers_of_objects,
    scores_of,
    warn_of_one_group,
)
from dasbe.evaluation.sweep import cells_of, sweep, tasks_on_images
from dasbe.evaluation.tables import aligned, cell, latex, markdown, mean_and_deviation, write_all
from dasbe.plotting.style import Figure
from dasbe.plotting.table import score_distributions
from dasbe.support import checks
from dasbe.support.errors import InputError
from dasbe.support.storage import atomic_path, provenance, save_arrays
from dasbe.systems import System, system_of

COLUMNS = {name: title for name, title in SCORES.items() if name != "found"} | {"right": "number right"}
"""Of the tables: what `Evaluation.summary` gives."""


@dataclass(frozen=True, repr=False)
class Evaluation:
    """Scores of systems on N images, what :func:`evaluate` returns; its text is the table of means.

    Attributes
    ----------
    titles : dict of str
        Title of each system, by name.
    seeds : tuple of int
    scores : dict of dict of (seeds, N) float
        ``scores["dasbe"]["ami"]``, and so ``"ari"`` (FG-ARI), ``"mbo"`` and ``"found"``, the
        number of groups found; NaN where an image has no object.
    n_objects : (N,) int64
        Objects that each image has.
    told : tuple of str
        Names of the systems that were told so; the table does not say how often they are right.
    made : dict
        How the scores were made.
    """

    titles: dict[str, str]
    seeds: tuple[int, ...]
    scores: dict[str, dict[str, np.ndarray]]
    n_objects: np.ndarray
    told: tuple[str, ...]
    made: dict

    def summary(self, system: str, score: str) -> tuple[float, float]:
        """Mean of a score, and its standard deviation over the seeds (NaN for one), per cent.

        Parameters
        ----------
        system : str
            Its name.
        score : str
            ``"ami"``, ``"ari"``, ``"mbo"``, or ``"right"``: images with the right number of groups.
        """
        score = checks.one_of("score", score, COLUMNS)
        scores = self.scores[checks.one_of("system", system, self.titles)]
        return mean_and_deviation(scores["found"] == self.n_objects if score == "right" else scores[score])

    def __repr__(self) -> str:
        seeds = f"{len(self.seeds)} seeds" if len(self.seeds) > 1 else "one seed"
        return f"{len(self.n_objects)} images, {seeds}\n" + aligned(self._means())

    def _repr_markdown_(self) -> str:
        return self.to_markdown()

    def _means(self) -> pd.DataFrame:
        """The table of means, as text."""

        def written(system: str, score: str) -> str:
            return "–" if score == "right" and system in self.told else cell(self.summary(system, score))

        rows = [[written(name, score) for score in COLUMNS] for name in self.titles]
        return pd.DataFrame(rows, [*self.titles.values()], pd.Index(COLUMNS.values(), name="%"))

    def to_markdown(self) -> str:
        """The table of means in Markdown."""
        return markdown(self._means())

    def to_latex(self) -> str:
        """The table of means in LaTeX, with the rules of booktabs."""
        return latex(self._means())

    def to_frame(self) -> pd.DataFrame:
        """The scores of every image.

        Returns
        -------
        pandas.DataFrame
            A row for each system, seed and image: columns ``system``, ``seed``, ``image``,
            ``objects``, the number of objects that the image has, and the scores, as in `scores`.
        """
        parts = []
        for system, scores in self.scores.items():
            for row, seed in enumerate(self.seeds):
                about = {"system": system, "seed": seed, "image": np.arange(len(self.n_objects))}
                of_seed = {name: values[row] for name, values in scores.items()}
                parts.append(pd.DataFrame(about | {"objects": self.n_objects} | of_seed))
        return pd.concat(parts, ignore_index=True)

    def to_csv(self, path: Path | str) -> None:
        """Write the scores of every image, the rows of :meth:`to_frame`."""
        with atomic_path(checks.path("path", path)) as temporary:
            self.to_frame().to_csv(temporary, index=False, float_format="%.6g", na_rep="nan", lineterminator="\n")

    def distributions(self) -> Figure:
        """How the scores of the images are distributed: a panel for each score, a histogram for each system."""
        panels = {title: name for name, title in SCORES.items() if name != "found"}
        scores = {(s, title): values[name] for s, values in self.scores.items() for title, name in panels.items()}
        return score_distributions(self.titles, list(panels), scores, "per cent")

    def save(self, folder: Path | str) -> list[Path]:
        """Write ``scores.csv``, ``scores.npz``, ``table.md``, ``table.tex`` and the picture; returns the paths."""
        folder = checks.folder("folder", folder)
        self.to_csv(folder / "scores.csv")
        arrays = {f"{s}/{name}": values for s, scores in self.scores.items() for name, values in scores.items()}
        save_arrays(folder / "scores.npz", {"n_objects": self.n_objects, **arrays}, self.made)
        texts = {"table.md": self.to_markdown(), "table.tex": self.to_latex()}
        written = write_all(folder, texts, {"distributions": self.distributions()})
        return [folder / "scores.csv", folder / "scores.npz", *written]


def evaluate(
    images: np.ndarray,
    groups: np.ndarray,
    network: Network | None = None,
    systems: str | System | Sequence[str | System] = ("dasbe",),
    *,
    seeds: int | Sequence[int] = (111,),
    settings: Any = None,
    delay: int | None = None,
    refractory: int | None = None,
    cycles: int | None = None,
    n_phases: int | None = None,
    n_objects: str | int | None = "true",
    device: torch.device | str = "cpu",
    workers: int = 1,
    store: Path | str | None = None,
    progress: bool = False,
) -> Evaluation:
    """Score systems on images whose objects are known, each with several seeds.

    Parameters
    ----------
    images : (N, H, W) array of 0 and 1
        Or grey, or (N, 3, H, W) in colour, for systems that take them (:func:`dasbe.segment`); all
        their pixels count in mBO.
    groups : (N, H, W) int
        Ground truth: 0 = background or overlap of objects; the objects are numbered from 1
        on, so that the largest label of an image is how many it has.
    network : nn.Module or callable, optional
        Of all systems that need one, as for :func:`dasbe.bind`.
    systems : str or System, or several
        As for :func:`dasbe.segment`.
    seeds : int, or several
    settings, delay, refractory, cycles, n_phases
        As for :func:`dasbe.segment`; each system takes those that it has.
    n_objects : "true", int or None
        What the systems are given: the true number of objects, this number for every image
        (right or wrong), or nothing, so that they find it by themselves.
    device : torch.device or str
    workers : int
        Processes of one thread each; with 1, all threads of this one. A script that asks
        for more has to begin with ``if __name__ == "__main__":``, as for all processes, and
        the classes of network and system have to lie in a file, not in a notebook.
    store : path, optional
        Folder that keeps what is done: the same call goes on from there after an
        interruption, with more images, seeds or systems as well. What was made
        with other images, settings or another network is computed again.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Evaluation

    Raises
    ------
    InputError
        An argument is wrong; the message names it, its value and the remedy.

    Examples
    --------
    >>> import dasbe
    >>> images, groups = dasbe.load_dataset("shapes", stop=20)
    >>> network = dasbe.load_network("shapes")
    >>> evaluation = dasbe.evaluate(images, groups, network, ("dasbe", "rc"), delay=32, refractory=9, seeds=1)
    >>> print(evaluation)
    20 images, one seed
    %                      AMI    FG-ARI   mBO    number right
    DASBE                  9...
    RC, DASBE's networks   9...
    """
    stack = checks.image_stack("images", images)
    images, groups = checks.pictures(stack), checks.labels(groups, "groups", 3)
    checks.same_shape(images=images if images.ndim == 3 else images[:, 0], groups=groups)
    n_numbers = len(np.unique(groups[groups > 0]))
    if not 0 < n_numbers == groups.max():
        raise InputError(f"groups hold {n_numbers} numbers from 0 to {groups.max()}; number objects from 1 on")
    n_objects = _told(n_objects, groups[0].size)
    if n_objects == "true":
        check_numbering(groups)
    device, progress = checks.device(device), checks.progress(progress)
    workers = checks.whole_number("workers", workers, 1, checks.MOST_WORKERS)
    chosen = [system_of(system) for system in _several("systems", systems, (str, System))]
    seeds = tuple(checks.seed(seed) for seed in _several("seeds", seeds, (int, np.integer)))
    checks.each_once("systems", [system.name for system in chosen])
    checks.each_once("seeds", seeds)
    given = {"delay": delay, "refractory": refractory, "cycles": cycles, "n_phases": n_phases}
    for system in chosen:
        system.check_given(network, n_objects)
        system.check_images(stack)
    grouped = [(system, _plain(chosen_settings(system, settings, **given))) for system in chosen]
    for name, value in given.items():
        if value is not None and not any(name in own for _, own in grouped):
            raise InputError(f"{name} is {checks.shown(value)}, but no system has such a setting; leave it out")
    identity = _identity(network)
    if store is not None and identity is None and any(system.network for system in chosen):
        raise InputError("store: whether it is the same network can be told of a module alone; leave store out")

    tasks = tasks_on_images(
        grouped, images, groups, seeds, score=scores_of, network=network, identity=identity, told=n_objects
    )
    results = sweep(
        tasks,
        store=None if store is None else checks.folder("store", store),
        on_faults=_warn_of_faults,
        workers=None if workers == 1 else workers,
        device=str(device),
        disable=not progress,
    )
    cells = {system: cell for (system, _), cell in cells_of(results).items()}
    scores = {name: dict(zip(SCORES, np.moveaxis(cell.scores, 2, 0))) for name, cell in cells.items()}
    made = provenance(
        images=len(images),
        seeds=seeds,
        settings={system.name: own for system, own in grouped},
        told=n_objects,
        network=identity,
        seconds=round(sum(cell.seconds for cell in cells.values()), 3),
    )
    titles = {system.name: system.title for system in chosen}
    for system in chosen:
        if system.network and (n_objects is None or system.never_told):
            found = scores[system.name]["found"].mean(0)
            warn_of_one_group(found, numbers_of_objects(groups) > 1, system.title)
    told = tuple(system.name for system in chosen if n_objects is not None and not system.never_told)
    return Evaluation(titles, seeds, scores, numbers_of_objects(groups), told, made)


def _told(n_objects: Any, most: int) -> str | int | None:
    """What the systems are told, checked."""
    if n_objects is None or (isinstance(n_objects, str) and n_objects == "true"):
        return n_objects
    try:
        return checks.whole_number("n_objects", n_objects, 1, most)
    except InputError:
        choices = f"'true' (each image's own), a whole number from 1 to {most}, or None"
        raise InputError(f"n_objects is {checks.shown(n_objects)}; it must be {choices}") from None


def _identity(network: Network | None) -> str | None:
    """SHA-256 of a network; None where nobody could tell later whether it is the same."""
    if not isinstance(network, nn.Module) or has_functions(network):
        return None
    try:
        return weights_hash(network)
    except Exception:  # parameters without data, of which `bind` will speak
        return None


def _several(name: str, values: Any, kinds: tuple[type, ...]) -> list:
    """`values`, or the one value of `kinds`, as a list."""
    values = values.tolist() if isinstance(values, np.ndarray) else values
    if isinstance(values, kinds):
        values = [values]
    if not isinstance(values, Sequence) or isinstance(values, (str, bytes)) or len(values) == 0:
        raise InputError(f"{name} is {checks.shown(values)}; it must be a list of one or several")
    return list(values)


def _plain(settings: Any) -> dict[str, Any]:
    """Settings as values that JSON can hold."""
    own = {name: value.item() if isinstance(value, np.generic) else value for name, value in settings._asdict().items()}
    for name, value in own.items():
        if not isinstance(value, (int, float, str, type(None))):
            raise InputError(f"{name} is {checks.shown(value)}; it must be one number, or a word")
    return own


def _warn_of_faults(faults: list[str]) -> None:
    """A warning for the caller of :func:`evaluate`."""
    warnings.warn(f"{faults[0]}: computed again ({len(faults)} such files)", stacklevel=4)
