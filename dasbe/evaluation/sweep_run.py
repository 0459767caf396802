"""Where units are computed: in this process, in others on this machine, or on a Dask cluster."""

from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from functools import partial
from multiprocessing import active_children, get_context
from typing import TypeVar

from dasbe.evaluation.sweep_store import Store
from dasbe.evaluation.sweep_units import Unit, score_unit, score_unit_by_one_thread
from dasbe.support.errors import InputError
from dasbe.support.workers import computed_on, end_with_parent, interrupts_are_ours

AnyUnit = TypeVar("AnyUnit", bound=Unit)


def stored_results(units: Sequence[AnyUnit], store: Store) -> tuple[dict[AnyUnit, dict], list[str]]:
    """The sound results that the store has, by unit, and one line about each file that cannot be used."""
    results, faults = {}, []
    for unit in units:
        result, fault = store.read(unit)
        if result is not None:
            results[unit] = result
        if fault:
            faults.append(fault)
    return results, faults


def pending_units(units: Sequence[AnyUnit], store: Store) -> tuple[list[AnyUnit], list[str]]:
    """The units that the store has no sound result of, and one line about each file that cannot be used."""
    results, faults = stored_results(units, store)
    return [unit for unit in units if unit not in results], faults


def run_units(
    units: Sequence[Unit], store: Store, *, workers: int = 1, scheduler: str | None = None, device: str = "cpu"
) -> Generator[Unit, None, None]:
    """Compute units and store each as it is done.

    Parameters
    ----------
    units : sequence of Unit
    store : Store
    workers : int
        Processes on this machine, of one thread each.
    scheduler : str, optional
        Address of a Dask scheduler, in place of local processes.
    device : str

    Yields
    ------
    Unit
        That has been stored.
    """
    with closing(results_of(units, workers=workers, scheduler=scheduler, device=device)) as results:
        for unit, result in results:
            store.write(unit, result)
            yield unit


def results_of(
    units: Sequence[AnyUnit], *, workers: int | None, scheduler: str | None = None, device: str = "cpu"
) -> Generator[tuple[AnyUnit, dict], None, None]:
    """Units and their results, as they come: by `workers`, or if that is None, by all threads of this process."""
    if not units:
        return
    if scheduler:
        yield from _on_dask(units, scheduler, device)
    elif workers is None:
        yield from ((unit, score_unit(unit, device)) for unit in units)
    else:
        yield from _in_processes(units, workers, device)


def _in_processes(units: Sequence[AnyUnit], workers: int, device: str) -> Generator[tuple[AnyUnit, dict], None, None]:
    pool = ProcessPoolExecutor(min(workers, len(units)), get_context("spawn"), initializer=end_with_parent)
    others, futures = set(active_children()), {}
    try:
        with interrupts_are_ours():
            futures = {pool.submit(score_unit_by_one_thread, unit, device): unit for unit in units}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process died, for want of memory, or because a script does not begin with if __name__ == "
            "'__main__': run the same again, with fewer workers if it happens again; what is stored is kept"
        ) from None
    finally:
        if futures:  # after Ctrl-C, workers would finish their units first
            for worker in set(active_children()) - others:
                worker.terminate()
        pool.shutdown(cancel_futures=True)


def _on_dask(units: Sequence[AnyUnit], scheduler: str, device: str) -> Generator[tuple[AnyUnit, dict], None, None]:
    try:
        from distributed import Client
    except ImportError:
        raise InputError("--scheduler needs dask.distributed; install it with: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TypeError) as error:  # TypeError: of tls:// without certificates
        reason = " ".join(f"{error}".split())[:150]
        raise InputError(
            f"--scheduler '{scheduler}' does not answer ({reason}); start it with: dask scheduler"
        ) from None
    lost = f"--scheduler '{scheduler}' was lost; what is done is stored: start it again, and run the same command again"
    with client:
        for number, result in computed_on(client, partial(score_unit_by_one_thread, device=device), units, lost):
            yield units[number], result
