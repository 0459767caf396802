"""The store of a sweep: one small JSON file a unit, written atomically, checked when read."""

from pathlib import Path

from dasbe.evaluation.sweep_units import Unit
from dasbe.support.errors import FileContentError
from dasbe.support.paths import readable
from dasbe.support.storage import load_record, save_record


class Store:
    """Results of units in a folder.

    Parameters
    ----------
    folder : path
        Files lie at ``SYSTEM/DATASET/SEED/START-STOP.json`` under it.
    """

    def __init__(self, folder: Path | str):
        self.folder = Path(folder)

    def path(self, unit: Unit) -> Path:
        """File of `unit`."""
        name = f"{unit.start:05d}-{unit.stop:05d}.json"
        return self.folder / unit.system / unit.dataset / str(unit.seed) / name

    def read(self, unit: Unit) -> tuple[dict | None, str | None]:
        """The result of `unit`, and what is wrong with its file.

        Returns
        -------
        result : dict or None
            With ``identity``, ``scores``, ``made``; None if there is no sound one.
        fault : str or None
            One line about a file that is there but cannot be used.
        """
        path = self.path(unit)
        if not path.exists():
            return None, None
        try:
            result = load_record(path)
            identity, n_scores = result["identity"], len(result["scores"])
        except (FileContentError, KeyError, TypeError):
            return None, f"{readable(path)} is damaged"
        if n_scores != unit.stop - unit.start:
            return None, f"{readable(path)} is damaged"
        if differences := _differences(identity, unit.identity()):
            return None, f"{readable(path)} was made with {differences}"
        return result, None

    def write(self, unit: Unit, result: dict) -> None:
        """Keep what :func:`dasbe.evaluation.sweep_units.score_unit` returned."""
        save_record(self.path(unit), result)


def _differences(stored: dict, wanted: dict) -> str:
    """What differs between two identities, in words; empty if nothing does."""
    fields = sorted(key for key in {*stored, *wanted} if stored.get(key) != wanted.get(key))
    if fields == ["network"]:
        return f"another network ({str(stored['network'])[:8]}…, not {str(wanted['network'])[:8]}…)"
    return "; ".join(f"{key} {_in_short(stored.get(key))}, not {_in_short(wanted.get(key))}" for key in fields)


def _in_short(value: object) -> object:
    return f"{value[:8]}…" if isinstance(value, str) and len(value) == 64 else value  # a SHA-256
