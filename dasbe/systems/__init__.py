"""Systems that group pixels, one file each: the columns of Table 1, and what goes beyond it.

A new system is a file with a :class:`~dasbe.systems.base.System`, and its place here if commands are to know it.
"""

from collections.abc import Iterator, Mapping
from pkgutil import resolve_name
from typing import TYPE_CHECKING

from dasbe.support.checks import one_of
from dasbe.support.lazy import import_lazily

if TYPE_CHECKING:
    from dasbe.systems.base import System

__all__ = ["SYSTEMS", "TABLE_SYSTEMS", "System", "system_of"]
import_lazily(__name__, {"base": ("System",)})


class Systems(Mapping[str, "System"]):
    """Systems by name; each is imported when it is asked for, so that commands know the names at once.

    `places` are by the name of a system, in this folder: ``MODULE:NAME``.
    """

    def __init__(self, places: dict[str, str]):
        self._places = places

    def __getitem__(self, name: str) -> "System":
        return resolve_name(f"{__name__}.{self._places[name]}")

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)

    def __repr__(self) -> str:
        return f"<Systems {', '.join(self)}>"


SYSTEMS = Systems(
    {
        "coordinates": "baselines:COORDINATES",
        "components": "baselines:COMPONENTS",
        "colours": "baselines:COLOURS",
        "colours_and_coordinates": "baselines:COLOURS_AND_COORDINATES",
        "colour_components": "baselines:COLOUR_COMPONENTS",
        "dasbe": "dasbe:SYSTEM",
        "dasbe_counting": "dasbe:COUNTING",
        "pure_ann": "pure_ann:SYSTEM",
        "pure_snn": "pure_snn:SYSTEM",
        "rc": "reconstruction_clustering:SYSTEM",
        "rc_own": "reconstruction_clustering:WITH_OWN_NETWORKS",
        "rc_restarts": "reconstruction_clustering:WITH_RESTARTS",
        "rc_own_restarts": "reconstruction_clustering:WITH_OWN_NETWORKS_AND_RESTARTS",
        "dasbe_pooled": "pooled:SYSTEM",
        "rc_pooled": "pooled:OF_RC",
        "rc_own_pooled": "pooled:OF_RC_WITH_OWN_NETWORKS",
        "dasbe_competing": "dasbe:COMPETING",
        "dasbe_rc": "sampled:RC_FROM_DASBE",
        "dasbe_sampled": "sampled:FROM_DASBE",
        "sampled": "sampled:SYSTEM",
        "competing_phases": "competing_phases:SYSTEM",
        "competing_phases_counting": "competing_phases:COUNTING",
        "dasbe_scenes": "dasbe:FROM_SCENES",
        "competing_phases_scenes": "competing_phases:FROM_SCENES",
        "competing_phases_counting_scenes": "competing_phases:COUNTING_FROM_SCENES",
    }
)
TABLE_SYSTEMS = (  # the rows of Table 1: baselines, the paper's, and their neighbours
    "coordinates",
    "components",
    "dasbe",
    "pure_ann",
    "pure_snn",
    "rc",
    "rc_own",
    "rc_restarts",
    "rc_own_restarts",
    "sampled",
    "competing_phases",
    "competing_phases_counting",
)


def system_of(name: "str | System") -> "System":
    """The system called `name`, or a system itself; InputError if there is none of that name."""
    from dasbe.systems.base import System

    return name if isinstance(name, System) else SYSTEMS[one_of("system", name, SYSTEMS)]
