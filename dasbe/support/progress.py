"""Progress bars: drawn in a terminal and in notebooks; in a log, a line now and then."""

import io
import sys
import time
from typing import Any

from tqdm import tqdm

SECONDS = 30  # between two lines of a log


def progress_bar(*given: Any, **options: Any) -> tqdm:
    """A bar of `tqdm`; where standard error is no terminal, a line every 30 seconds at most, and one at the end.

    The time left is estimated from the mean rate so far: units of work may differ a hundredfold.
    """
    options = {"smoothing": 0} | options
    drawn = "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
    return tqdm(*given, **options) if drawn else _Lines(*given, **options, file=io.StringIO(), ascii=True, ncols=100)


class _Lines(tqdm):
    """A bar whose states are lines of standard error; it draws nothing itself."""

    _shown = 0.0

    def display(self, msg: str | None = None, pos: int | None = None) -> bool:
        """A line, unless there was one in the last 30 seconds; the first comes after as many."""
        now = time.monotonic()
        if not self._shown:
            self._shown = now
        elif now - self._shown >= SECONDS:
            self._write(now)
        return True

    def close(self) -> None:
        """The last line."""
        if not self.disable:
            self._write(time.monotonic())
        super().close()

    def _write(self, now: float) -> None:
        self._shown = now
        print(str(self).rstrip(), file=sys.stderr, flush=True)
