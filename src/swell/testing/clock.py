"""A clock for tests that jumps to the next deadline when nothing else can run: exact, and quick."""

from collections.abc import Callable
from heapq import heappop, heappush
from itertools import count
from typing import TypeVar

import gevent
from gevent.hub import Waiter

Result = TypeVar("Result")


class VirtualClock:
    """Time that stands still while any greenlet can run, and then jumps to the earliest deadline.

    The code under test runs in ``run`` and must wait through this clock only (and for greenlets that do); all
    who wait for the same instant are woken in it, in the order in which they began to wait, before any later
    deadline. Equal runs give equal results, so tests compare times with ``==``. What does not wait for this
    clock, such as a socket, is not waited for: use the real clock there. An iteration that takes no time at
    all in a loop bounded by time never ends.
    """

    def __init__(self, start_ns: int = 0) -> None:
        self._now_ns = start_ns
        self._order = count()
        # (deadline, order); an order that is no longer in ``_waiters`` belongs to one that was killed.
        self._deadlines: list[tuple[int, int]] = []
        self._waiters: dict[int, Waiter[None]] = {}

    def __repr__(self) -> str:
        return f"<VirtualClock now_ns={self._now_ns} sleeping={len(self._waiters)}>"

    def now_ns(self) -> int:
        """The virtual instant, in nanoseconds."""
        return self._now_ns

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Block the calling greenlet until ``deadline_ns``; return at once if it has passed."""
        if deadline_ns <= self._now_ns:
            return
        order = next(self._order)
        waiter: Waiter[None] = Waiter()
        self._waiters[order] = waiter
        heappush(self._deadlines, (deadline_ns, order))
        try:
            waiter.get()
        finally:
            self._waiters.pop(order, None)

    def stall_ns(self, duration_ns: int) -> None:
        """Let time pass without letting anything else run, as code does that blocks the whole hub."""
        self._now_ns += duration_ns

    def run(self, main: Callable[[], Result]) -> Result:
        """Run ``main`` in a greenlet, let time pass for it, and give (or raise) what it gives.

        Raises ``RuntimeError`` when ``main`` waits for something that time does not bring.
        """
        running = gevent.spawn(main)
        try:
            while True:
                gevent.idle()
                if running.ready():
                    return running.get()
                if not self._jump():
                    raise RuntimeError(
                        f"nothing waits for the clock any more at {self._now_ns} ns: a deadlock"
                    )
        finally:
            running.kill(block=False)

    def _jump(self) -> bool:
        """Go to the earliest deadline that somebody waits for, and wake all whose deadline has come."""
        woken: list[Waiter[None]] = []
        while self._deadlines and (not woken or self._deadlines[0][0] <= self._now_ns):
            deadline_ns, order = heappop(self._deadlines)
            waiter = self._waiters.get(order)
            if waiter is not None:
                woken.append(waiter)
                # It may lie behind us, after a stall.
                self._now_ns = max(self._now_ns, deadline_ns)
        loop = gevent.get_hub().loop
        for waiter in woken:
            loop.run_callback(waiter.switch, None)
        return bool(woken)
