"""Queues that wake workers; the truth about a job is its row, and a relay pushes again what was lost.

In Redis the lists are named as BullMQ names them (``bull:main:wait``, ``bull:main:active``), so that what
watches one there watches this one too.
"""

import asyncio
import contextlib
from typing import Any, Protocol

from swell_target.base.metrics import ServiceMetrics
from swell_target.base.operator import tell

TAKE_TIMEOUT_S = 1.0


class Queue(Protocol):
    """What a service sees of it."""

    async def push(self, job: str) -> None:
        """Put a job's id at the end."""

    async def take(self) -> str:
        """Wait for the next job; it is active until ``done``."""

    async def done(self, job: str) -> None:
        """The job is finished, well or not."""

    async def lengths(self) -> tuple[int, int]:
        """How many wait, and how many are active."""


class LocalQueue:
    """Within this process: jobs are worked off where their request arrived."""

    def __init__(self, name: str, metrics: ServiceMetrics) -> None:
        self.name = name
        self._metrics = metrics
        self._waiting: asyncio.Queue[str] = asyncio.Queue()
        self._known: set[str] = set()
        self._active: set[str] = set()

    def _show(self) -> None:
        self._metrics.gauge_queue(self.name, self._waiting.qsize(), len(self._active))

    async def push(self, job: str) -> None:
        """Put a job's id at the end, unless it waits or is active already."""
        if job not in self._known:
            self._known.add(job)
            self._waiting.put_nowait(job)
            self._show()

    async def take(self) -> str:
        """Wait for the next job; it is active until ``done``."""
        job = await self._waiting.get()
        self._active.add(job)
        self._show()
        return job

    async def done(self, job: str) -> None:
        """The job is finished, well or not."""
        self._active.discard(job)
        self._known.discard(job)
        self._show()

    async def lengths(self) -> tuple[int, int]:
        """How many wait, and how many are active."""
        return self._waiting.qsize(), len(self._active)


class RedisQueue:
    """Shared by all processes: a job moves from ``wait`` to ``active`` in one step.

    While Redis is away nothing is pushed and nothing taken; the relay makes up for it from the table.
    """

    def __init__(self, name: str, client: Any, metrics: ServiceMetrics) -> None:
        from redis import RedisError  # noqa: PLC0415 - an extra, and only where it is used

        self.name = name
        self._client = client
        self._metrics = metrics
        self._wait, self._active = f"bull:{name}:wait", f"bull:{name}:active"
        self._errors = (RedisError, OSError)

    async def push(self, job: str) -> None:
        """Put a job's id at the end."""
        with contextlib.suppress(*self._errors):
            await self._client.lpush(self._wait, job)
        await self.lengths()

    async def take(self) -> str:
        """Wait for the next job; it is active until ``done``."""
        while True:
            try:
                job = await self._client.blmove(self._wait, self._active, TAKE_TIMEOUT_S, "RIGHT", "LEFT")
            except self._errors as error:
                tell(f"Redis does not answer: {error}")
                await asyncio.sleep(TAKE_TIMEOUT_S)
                continue
            if job is not None:
                return bytes(job).decode()

    async def done(self, job: str) -> None:
        """The job is finished, well or not."""
        with contextlib.suppress(*self._errors):
            await self._client.lrem(self._active, 0, job)
        await self.lengths()

    async def lengths(self) -> tuple[int, int]:
        """How many wait, and how many are active; none while Redis is away."""
        waiting = active = 0
        with contextlib.suppress(*self._errors):
            waiting, active = (
                int(await self._client.llen(self._wait)),
                int(await self._client.llen(self._active)),
            )
        self._metrics.gauge_queue(self.name, waiting, active)
        return waiting, active
