"""The clock that is passed in wherever time matters, so that tests can replace it.

Every instant inside swell is an integer of nanoseconds on the monotonic clock, which all processes of one
machine share; the wall clock serves only for what people read.
"""

import time
from typing import Protocol


class Clock(Protocol):
    """Reads the time and waits for it."""

    def now_ns(self) -> int:
        """Nanoseconds on the monotonic clock."""
        ...

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Block the caller (a greenlet) until ``deadline_ns``; return at once if it has passed."""
        ...


NS_PER_SECOND = 1_000_000_000
NS_PER_MS = 1_000_000

monotonic_ns = time.monotonic_ns
wall_ns = time.time_ns
