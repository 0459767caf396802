"""Settings of the whole process that several threads may need at the same time."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from threading import Lock
from typing import Any


class SharedSetting:
    """A setting of the whole process, for as long as anybody needs it: the first in sets it, the last out restores.

    Parameters
    ----------
    setting : callable
        Returns the context manager that sets and restores; what it yields, all users get.
    """

    def __init__(self, setting: Callable[[], AbstractContextManager[Any]]):
        self._setting, self._lock, self._users = setting, Lock(), 0
        self._stack = ExitStack()
        self._value: Any = None

    @contextmanager
    def __call__(self) -> Iterator[Any]:
        with self._lock:
            if not self._users:
                self._value = self._stack.enter_context(self._setting())
            self._users += 1
        try:
            yield self._value
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    self._stack.close()
