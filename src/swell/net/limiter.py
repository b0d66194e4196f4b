"""The option ``rps``: turns at exact distances, over all workers of a run.

All processes of a machine share the monotonic clock, so several workers need not talk to each other: turn
number *n* of worker *w* out of *W* is at ``(n * W + w) / rps`` seconds of that clock. Two turns of the whole
run are never closer than ``1 / rps``, which is k6's limiter with a burst of one. A worker that is alone
counts from its first request instead, which then need not wait.
"""

from swell.base.clock import NS_PER_SECOND, Clock


class TurnLimiter:
    """Deals out the turns of one worker in the order in which they are asked for."""

    __slots__ = ("_clock", "_index", "_next", "_origin_ns", "_rps", "_workers")

    def __init__(self, rps: int, clock: Clock, *, worker_index: int = 0, worker_count: int = 1) -> None:
        if rps <= 0:
            raise ValueError(f"rps must be positive, not {rps}")
        self._rps = rps
        self._clock = clock
        self._workers = worker_count
        self._index = worker_index
        self._next = 0
        self._origin_ns = 0 if worker_count > 1 else -1

    def __repr__(self) -> str:
        return f"<TurnLimiter {self._rps}/s, worker {self._index} of {self._workers}>"

    def wait(self) -> None:
        """Hold the calling greenlet back until its turn; a turn that nobody took is lost, not saved up."""
        now_ns = self._clock.now_ns()
        if self._workers > 1:
            turn = max(self._next, self._first_from(now_ns))
        else:
            if self._origin_ns < 0 or self._at_ns(self._next) < now_ns:
                self._origin_ns = now_ns
                self._next = 0
            turn = self._next
        self._next = turn + 1
        self._clock.sleep_until_ns(self._at_ns(turn))

    def _at_ns(self, turn: int) -> int:
        """The instant of a turn, rounded up: never early."""
        return self._origin_ns - (-(turn * self._workers + self._index) * NS_PER_SECOND // self._rps)

    def _first_from(self, now_ns: int) -> int:
        """The number of the first turn that is not over at ``now_ns``."""
        passed = now_ns * self._rps - self._index * NS_PER_SECOND
        return -(-passed // (self._workers * NS_PER_SECOND))


class GeventClock:
    """The real clock, waited for on the hub; what net uses where it is given no other."""

    def now_ns(self) -> int:
        """Nanoseconds on the monotonic clock."""
        from time import monotonic_ns  # noqa: PLC0415  # as below

        return monotonic_ns()

    def sleep_until_ns(self, deadline_ns: int) -> None:
        """Block the calling greenlet until ``deadline_ns``."""
        import gevent  # noqa: PLC0415  # not wanted where this module is only read for its types

        while (left_ns := deadline_ns - self.now_ns()) > 0:
            gevent.sleep(left_ns / 1e9)
