"""What a service's handlers work with, in one process."""

import asyncio
import contextlib
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from swell_target.base.bus import Bus
from swell_target.base.cache import Cache, ColdableCache, LocalCache, RedisCache
from swell_target.base.clock import new_id
from swell_target.base.database import Backend, Database
from swell_target.base.faults import Faults
from swell_target.base.limits import Limiter
from swell_target.base.metrics import ServiceMetrics
from swell_target.base.operator import tell
from swell_target.base.pool import Pool
from swell_target.base.queue import LocalQueue, Queue, RedisQueue
from swell_target.base.settings import Settings


class Tasks:
    """Background work that must outlive the request that began it; all is cancelled at shutdown."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Run ``work``; its failure is a line for the operator."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._end)

    def _end(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            tell(f"{self._service}: background work failed: {type(error).__name__}: {error}")

    async def stop(self) -> None:
        """Cancel everything, and wait for it to end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*tasks, return_exceptions=True)


class Runtime:
    """One service in one process: its database, cache, bus, queues, faults and metrics."""

    def __init__(
        self, service: str, settings: Settings, backend: Backend, bus: Bus, shared: Path, redis: Any = None
    ) -> None:
        self.service = service
        # No other process of the platform has it, nor one that replaces this one.
        self.boot_id = new_id()
        self.settings = settings
        self.bus = bus
        self.faults = Faults(service, settings.seed)
        self.metrics = ServiceMetrics(service)
        pool = Pool(settings.pool_size, settings.pool_timeout_ms, self.metrics, self.faults)
        self.db = Database(backend, pool, self.metrics, self.faults)
        cache = RedisCache(redis, service, self.metrics) if redis else LocalCache(self.metrics)
        self.cache: Cache = ColdableCache(cache, self.faults, self.metrics)
        self.limiter = Limiter(shared / "limits", service, active=settings.limits)
        self.tasks = Tasks(service)
        self._redis = redis
        self._queues: dict[str, Queue] = {}

    def __repr__(self) -> str:
        return f"<Runtime {self.service}>"

    def queue(self, name: str) -> Queue:
        """The queue of that name."""
        if name not in self._queues:
            self._queues[name] = (
                RedisQueue(name, self._redis, self.metrics) if self._redis else LocalQueue(name, self.metrics)
            )
        return self._queues[name]
