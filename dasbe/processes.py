"""Processes on this machine that work for another one."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import parent_process

from tqdm import tqdm


@contextmanager
def interrupts_are_ours() -> Iterator[None]:
    """Workers started in this block never notice Ctrl-C, not even while they start; here it has to wait for the end."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})  # which a new process inherits
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def end_with_parent() -> None:
    """Let this worker end when its parent does, however that ends; and leave nothing behind when it is stopped."""
    tqdm.set_lock(threading.RLock())  # its own, which processes can share, would be left behind

    def wait_for_parent() -> None:
        parent = parent_process()
        assert parent is not None  # workers are started by a process
        parent.join()
        os._exit(1)

    threading.Thread(target=wait_for_parent, daemon=True).start()
