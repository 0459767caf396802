"""Systems that group pixels, one file each: the columns of Table 1.

A new system is a file with a :class:`~dasbe.systems.base.System`, and its name here if commands are to know it.
"""

from dasbe import checks
from dasbe.systems import dasbe, pulse_coupled, pure_ann, reconstruction_clustering
from dasbe.systems.base import System

SYSTEMS: dict[str, System] = {
    system.name: system
    for system in (
        dasbe.SYSTEM,
        pure_ann.SYSTEM,
        pulse_coupled.SYSTEM,
        reconstruction_clustering.SYSTEM,
        reconstruction_clustering.WITH_OWN_NETWORKS,
    )
}


def system_of(name: str | System) -> System:
    """The system called `name`, or a system itself; InputError if there is none of that name."""
    return name if isinstance(name, System) else SYSTEMS[checks.one_of("system", name, SYSTEMS)]
