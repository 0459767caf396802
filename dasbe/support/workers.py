"""Threads, processes and clusters that work for this process."""

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from multiprocessing import parent_process
from threading import Lock
from typing import Any

from tqdm import tqdm

from dasbe.support import checks
from dasbe.support.errors import InputError, in_short


def _compute_alone() -> None:
    """Let PyTorch compute on one thread in this child of a fork: the threads of its parent are not there to help.

    OpenMP does not notice, and would wait for them for ever.
    """
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_compute_alone)


@contextmanager
def interrupts_are_ours() -> Iterator[None]:
    """Workers started in this block never notice Ctrl-C, not even while they start; here it has to wait for the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a new process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Ctrl-C within this block comes at its end, so that what is begun is done."""
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield  # Python interrupts the main thread alone
        return
    came: list[Any] = []
    before = signal.signal(signal.SIGINT, lambda *arguments: came.append(arguments))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if came and callable(before):
            before(*came[0])


def end_with_parent() -> None:
    """Let this worker end when its parent does, however that ends; and leave nothing behind when it is stopped."""
    tqdm.set_lock(threading.RLock())  # its own, which processes can share, would be left behind

    def wait_for_parent() -> None:
        parent = parent_process()
        assert parent is not None  # workers are started by a process
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_parent, daemon=True).start()


class SharedSetting:
    """A setting of the whole process, for as long as anybody needs it: the first in sets it, the last out restores.

    `setting` returns the context manager that does so; what it yields, all users get.
    """

    def __init__(self, setting: Callable[[], AbstractContextManager[Any]]):
        self._setting, self._lock, self._users = setting, Lock(), 0
        self._stack = ExitStack()
        self._value: Any = None

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        entered = False
        try:
            with uninterrupted(), self._lock:
                if not self._users:
                    self._value = self._stack.enter_context(self._setting())
                self._users += 1
                entered = True
            yield self._value
        finally:
            with uninterrupted(), self._lock:
                self._users -= entered
                if not self._users:
                    self._stack.close()


RETRIES = 5  # of a task whose worker was lost


def n_threads(client: Any) -> int:
    """How many tasks the workers of `client` compute at once; InputError unless it is a client with workers."""
    try:
        from distributed import Client
    except ImportError:
        raise InputError("client needs dask.distributed; install it with: pip install distributed") from None
    checks.instance("client", client, Client, "a dask.distributed.Client(…)")
    if client.status != "running" or client.asynchronous:
        how = "asynchronous" if client.asynchronous else "closed"
        raise InputError(f"client is {how}; give one that is connected and blocks, as distributed.Client(ADDRESS) does")
    try:
        found = sum(client.nthreads().values())
    except OSError:
        raise InputError("client has lost its scheduler; start that again, with: dask scheduler") from None
    if not found:
        raise InputError("client has no workers; start some with: dask worker ADDRESS")
    return found


def computed_on(
    client: Any, function: Callable, tasks: Sequence[Any], if_lost: str = "client was lost; start its cluster again"
) -> Iterator[tuple[int, Any]]:
    """Numbers and results of `function` of each of `tasks`, as they come; those of a lost worker are computed again.

    InputError with the words `if_lost` if the cluster does not go on.
    """
    from distributed import CancelledError, KilledWorker, as_completed
    from distributed.protocol.pickle import dumps, loads

    try:
        packed = dumps((function, tasks[:1]))
    except Exception as error:  # pickling fails in many ways
        raise InputError(f"network or system cannot be sent to workers ({in_short(error)}); leave client out") from None
    try:
        lacking = client.submit(loads, packed, pure=False).exception()
        if lacking is not None and not isinstance(lacking, (CancelledError, KilledWorker)):
            raise InputError(f"network or system cannot be made by workers ({in_short(lacking)}); give them its files")
        futures = client.map(function, tasks, pure=False, retries=RETRIES)
        numbers = {future.key: number for number, future in enumerate(futures)}
        for future in as_completed(futures):
            yield numbers[future.key], future.result()
            future.release()
    except InputError:  # of a task; one kind of it is an OSError
        raise
    except KilledWorker:
        raise InputError(
            "workers of the cluster died of the same images again and again (KilledWorker), as they do for want of "
            "memory: give each more (dask worker --memory-limit), or compute smaller or fewer images"
        ) from None
    except (CancelledError, OSError) as error:
        raise InputError(f"{if_lost} ({type(error).__name__})") from None
