"""A cache of bytes with a time to live: in process, or in Redis."""

import contextlib
import time
from collections import OrderedDict
from typing import Any, Protocol

from swell_target.base.faults import ColdCache, Faults
from swell_target.base.metrics import ServiceMetrics
from swell_target.base.operator import tell

MAX_ENTRIES = 10_000
MAX_BYTES = 32 * 1024 * 1024


class Cache(Protocol):
    """What a service sees of it."""

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is not there or too old."""

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep ``value`` for ``seconds``."""

    async def drop(self, key: str) -> None:
        """Forget a value."""


class ColdableCache:
    """A cache that finds nothing while the fault says so."""

    def __init__(self, cache: Cache, faults: Faults, metrics: ServiceMetrics) -> None:
        self._cache = cache
        self._faults = faults
        self._metrics = metrics
        self.put = cache.put
        self.drop = cache.drop

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is not there, too old, or lost to the fault."""
        if self._faults.active and self._faults.strikes(ColdCache) is not None:
            self._metrics.cache_misses.inc()
            return None
        return await self._cache.get(key)


class LocalCache:
    """Per process: others' changes are seen when the time is over; the longest unused entry leaves first."""

    def __init__(self, metrics: ServiceMetrics) -> None:
        self._entries: OrderedDict[str, tuple[float, bytes]] = OrderedDict()
        self._bytes = 0
        self._metrics = metrics

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is not there or too old."""
        entry = self._entries.get(key)
        if entry is None or entry[0] < time.monotonic():
            self._metrics.cache_misses.inc()
            return None
        self._entries.move_to_end(key)
        self._metrics.cache_hits.inc()
        return entry[1]

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep ``value`` for ``seconds``."""
        await self.drop(key)
        self._entries[key] = (time.monotonic() + seconds, value)
        self._bytes += len(value)
        while len(self._entries) > MAX_ENTRIES or self._bytes > MAX_BYTES:
            _, (_, oldest) = self._entries.popitem(last=False)
            self._bytes -= len(oldest)

    async def drop(self, key: str) -> None:
        """Forget a value."""
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= len(entry[1])


class RedisCache:
    """Shared by all processes; while Redis is away nothing is found, and nothing fails."""

    def __init__(self, client: Any, service: str, metrics: ServiceMetrics) -> None:
        from redis import RedisError  # noqa: PLC0415 - an extra, and only where it is used

        self._client = client
        self._prefix = f"swell-target:{service}:"
        self._metrics = metrics
        self._errors = (RedisError, OSError)

    async def get(self, key: str) -> bytes | None:
        """The value, or None when it is not there or too old."""
        value: bytes | None = None
        try:
            value = await self._client.get(self._prefix + key)
        except self._errors as error:
            tell(f"Redis does not answer: {error}")
        (self._metrics.cache_misses if value is None else self._metrics.cache_hits).inc()
        return value

    async def put(self, key: str, value: bytes, seconds: float) -> None:
        """Keep ``value`` for ``seconds``."""
        with contextlib.suppress(*self._errors):
            await self._client.set(self._prefix + key, value, px=max(1, int(seconds * 1000)))

    async def drop(self, key: str) -> None:
        """Forget a value."""
        with contextlib.suppress(*self._errors):
            await self._client.delete(self._prefix + key)
