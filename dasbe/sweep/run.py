"""Where units are computed: in processes on this machine, or on a Dask cluster."""

from collections.abc import Generator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing
from multiprocessing import active_children, get_context

from dasbe.errors import InputError
from dasbe.processes import end_with_parent, interrupts_are_ours
from dasbe.sweep.store import Store
from dasbe.sweep.units import Unit, score_unit

DASK_RETRIES = 5  # of a unit whose worker was lost


def pending_units(units: Sequence[Unit], store: Store) -> tuple[list[Unit], list[str]]:
    """The units that the store has no sound result of, and one line about each file that cannot be used."""
    pending, faults = [], []
    for unit in units:
        result, fault = store.read(unit)
        if result is None:
            pending.append(unit)
        if fault:
            faults.append(fault)
    return pending, faults


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
    if not units:
        return
    results = _on_dask(units, scheduler, device) if scheduler else _in_processes(units, workers, device)
    with closing(results):
        for unit, result in results:
            store.write(unit, result)
            yield unit


def _in_processes(units: Sequence[Unit], workers: int, device: str) -> Generator[tuple[Unit, dict], None, None]:
    pool = ProcessPoolExecutor(min(workers, len(units)), get_context("spawn"), initializer=end_with_parent)
    others, futures = set(active_children()), {}
    try:
        with interrupts_are_ours():
            futures = {pool.submit(score_unit, unit, device): unit for unit in units}
        for future in as_completed(futures):
            yield futures.pop(future), future.result()
    except BrokenProcessPool:
        raise InputError(
            "a worker process died, perhaps for want of memory; what is done is stored: "
            "run the same command again, with fewer --workers if it happens again"
        ) from None
    finally:
        if futures:  # after Ctrl-C, workers would finish their units first
            for worker in set(active_children()) - others:
                worker.terminate()
        pool.shutdown(cancel_futures=True)


def _on_dask(units: Sequence[Unit], scheduler: str, device: str) -> Generator[tuple[Unit, dict], None, None]:
    try:
        from distributed import CancelledError, Client, KilledWorker
        from distributed import as_completed as completed
    except ImportError:
        raise InputError("--scheduler needs dask.distributed; install it with: pip install distributed") from None
    try:
        client = Client(scheduler, timeout=10)
    except (OSError, ValueError, TypeError) as error:  # TypeError: of tls:// without certificates
        reason = " ".join(f"{error}".split())[:150]
        raise InputError(
            f"--scheduler '{scheduler}' does not answer ({reason}); start it with: dask scheduler"
        ) from None
    with client:
        futures = client.map(score_unit, units, device=device, pure=False, retries=DASK_RETRIES)
        unit_of = {future.key: unit for future, unit in zip(futures, units)}
        try:
            for future in completed(futures):
                yield unit_of[future.key], future.result()
                future.release()
        except (CancelledError, KilledWorker, OSError) as error:
            raise InputError(
                f"--scheduler '{scheduler}' was lost ({type(error).__name__}); what is done is stored: "
                "start it again, and run the same command again"
            ) from None
