"""The places for database work: one for each connection; the others wait their turn, and not for ever."""

import asyncio
from collections import deque

from swell_target.base.errors import Problem
from swell_target.base.faults import Faults, PoolDry
from swell_target.base.metrics import ServiceMetrics


class Pool:
    """A fair semaphore with a time limit, gauges, and the fault that lets it run dry.

    The free case takes no turn of the event loop.
    """

    def __init__(self, size: int, timeout_ms: float, metrics: ServiceMetrics, faults: Faults) -> None:
        self.full_size = size
        self.timeout_ms = timeout_ms
        self.used = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._metrics = metrics
        self._faults = faults
        metrics.pool_size.set(size)

    def __repr__(self) -> str:
        return f"<Pool {self.used} of {self.full_size} used, {len(self._waiting)} waiting>"

    def _limits(self) -> tuple[int, float]:
        dry = self._faults.find(PoolDry) if self._faults.active else None
        return (dry.size, dry.timeout_ms) if dry else (self.full_size, self.timeout_ms)

    async def acquire(self) -> None:
        """Take a place; Problem 503 when none becomes free in time."""
        size, timeout_ms = self._limits()
        if self.used >= size or self._waiting:
            await self._wait(timeout_ms)
        else:
            self.used += 1
        self._metrics.pool_used.set(self.used)

    async def _wait(self, timeout_ms: float) -> None:
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(place)
        self._metrics.pool_waiting.set(len(self._waiting))
        try:
            await asyncio.wait_for(asyncio.shield(place), timeout_ms / 1000)
        except (TimeoutError, asyncio.CancelledError) as error:
            if place.done() and not place.cancelled():
                # The place came together with the end of patience: it goes to the next.
                self._leave()
            else:
                place.cancel()
                self._waiting.remove(place)
            if isinstance(error, TimeoutError):
                self._metrics.pool_timeouts.inc()
                raise Problem(503, "no database connection became free in time") from None
            raise
        finally:
            self._metrics.pool_waiting.set(len(self._waiting))

    def release(self) -> None:
        """Give the place back (later, under the fault)."""
        if self._faults.active:
            dry = self._faults.find(PoolDry)
            if dry is not None:
                asyncio.get_running_loop().call_later(dry.hold_ms / 1000, self._leave)
                return
        self._leave()

    def _leave(self) -> None:
        self.used -= 1
        size, _ = self._limits()
        while self._waiting and self.used < size:
            place = self._waiting.popleft()
            if not place.done():
                self.used += 1
                place.set_result(None)
        self._metrics.pool_used.set(self.used)
