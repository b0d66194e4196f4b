"""Rate limits: so many per span and key, counted in each process, and only with ``serve --limits``.

Several processes let through several times as much, as each counts what it sees: a test that needs the exact
limit serves with one.
"""

import math
import time
from collections.abc import Callable

from swell_target.base.errors import Problem

# Windows that are over are thrown away when there are more than this.
MAX_KEYS = 10_000


class Limiter:
    """Fixed windows; ``active`` False lets everything through at once."""

    def __init__(self, *, active: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.active = active
        self._clock = clock
        # The window's end, and how many it still lets through.
        self._windows: dict[str, tuple[float, int]] = {}

    def take(self, key: str, limit: int, seconds: float) -> None:
        """Count one; Problem 429 with ``Retry-After`` beyond ``limit`` in ``seconds``."""
        if not self.active:
            return
        now = self._clock()
        end, left = self._windows.get(key, (0.0, 0))
        if end <= now:
            end, left = now + seconds, limit
        if left < 1:
            wait = max(1, math.ceil(end - now))
            raise Problem(
                429, f"too many requests: {limit} in {seconds:g} s", headers=(("retry-after", str(wait)),)
            )
        self._windows[key] = (end, left - 1)
        if len(self._windows) > MAX_KEYS:
            self._windows = {name: window for name, window in self._windows.items() if window[0] > now}
