"""The clock that is passed in wherever time matters, so that tests can replace it.

Every instant inside swell is an integer of nanoseconds on the monotonic clock, which all processes of one
machine share; the wall clock serves only for what people read.
"""

import time
from collections.abc import Callable
from typing import Final, Protocol


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

# The wall clock is read between two reads of the monotonic one; further apart, the thread was interrupted in
# between and the offset means nothing.
MAX_READ_GAP_NS = NS_PER_MS // 5


class ClockOffset:
    """Wall clock minus monotonic clock, in nanoseconds.

    Slewing moves both clocks alike, so the offset changes only when the wall clock is set. The kernel stamps
    received segments on the wall clock; ``stamp - offset.ns`` is the same instant on the monotonic one.
    """

    __slots__ = ("_monotonic", "_wall", "ns")

    def __init__(
        self, monotonic: Callable[[], int] = monotonic_ns, wall: Callable[[], int] = wall_ns
    ) -> None:
        self._monotonic = monotonic
        self._wall = wall
        self.ns = 0
        self.measure()

    def measure(self) -> int:
        """Measure the offset again; by how much it has changed, 0 where no reading was good enough."""
        narrowest = MAX_READ_GAP_NS
        found = self.ns
        for _ in range(3):
            before = self._monotonic()
            wall = self._wall()
            gap = self._monotonic() - before
            if gap < narrowest:
                narrowest = gap
                found = wall - before - gap // 2
        # Without an earlier reading (all of the first were too wide) there is nothing to compare with.
        change = found - self.ns if self.ns else 0
        self.ns = found
        return change


# Shared by everything in a process that turns wall-clock stamps into instants.
CLOCK_OFFSET: Final = ClockOffset()
