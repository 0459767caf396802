"""Work spread over a Dask cluster."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from dasbe import checks
from dasbe.errors import InputError

RETRIES = 5  # of a task whose worker was lost


def n_threads(client: Any) -> int:
    """How many tasks the workers of `client` compute at once; InputError unless it is a client with workers."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("client needs dask.distributed; install it with: pip install distributed") from None
    checks.instance("client", client, Client, "a dask.distributed.Client(…)")
    if not (found := sum(client.nthreads().values())):
        raise InputError("client has no workers; start some with: dask worker ADDRESS")
    return found


def computed_on(
    client: Any, function: Callable, tasks: Sequence[Any], if_lost: str = "client was lost; start its cluster again"
) -> Iterator[tuple[int, Any]]:
    """Numbers and results of `function` of each of `tasks`, as they come; those of a lost worker are computed again.

    Raises
    ------
    InputError
        With the words `if_lost`, if the cluster does not go on.
    """
    from distributed import CancelledError, KilledWorker, as_completed

    futures = client.map(function, tasks, pure=False, retries=RETRIES)
    numbers = {future.key: number for number, future in enumerate(futures)}
    try:
        for future in as_completed(futures):
            yield numbers[future.key], future.result()
            future.release()
    except InputError:  # of a task; one kind of it is an OSError
        raise
    except (CancelledError, KilledWorker, OSError) as error:
        raise InputError(f"{if_lost} ({type(error).__name__})") from None
