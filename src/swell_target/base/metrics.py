"""Prometheus metrics of the platform, over all its processes.

prometheus_client keeps the counters of each process in memory-mapped files when ``PROMETHEUS_MULTIPROC_DIR``
is set (the supervisor sets it): a scrape sums over the processes, whichever answers it, and a crashed
process's counts stay. Every series has the label ``service``; a service shows its own.
"""

import os
from collections.abc import Iterable

import psutil
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import Metric
from prometheus_client.multiprocess import MultiProcessCollector

REGISTRY = CollectorRegistry()
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 1, 2.5, 5, 10, 30)

REQUESTS = Histogram(
    "http_request_duration_seconds",
    "Time from the request's start to the end of its answer; the count is the number of requests",
    ["service", "method", "route", "status"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
IN_FLIGHT = Gauge(
    "http_requests_in_flight",
    "Requests being answered",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
DB_TIME = Histogram(
    "db_query_duration_seconds",
    "Time of one unit of database work, waiting for a connection not included",
    ["service", "kind"],
    buckets=BUCKETS,
    registry=REGISTRY,
)
POOL_USED = Gauge(
    "db_pool_in_use",
    "Database connections in use",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_SIZE = Gauge(
    "db_pool_size",
    "Database connections there are",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_WAITING = Gauge(
    "db_pool_waiting",
    "Requests waiting for a connection",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
POOL_TIMEOUTS = Counter(
    "db_pool_timeouts", "Requests that got no connection in time", ["service"], registry=REGISTRY
)
CACHE = Counter("cache_requests", "Look-ups in the cache", ["service", "result"], registry=REGISTRY)
QUEUE = Gauge(
    "queue_length",
    "Jobs waiting and active",
    ["service", "queue", "state"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SOCKETS = Gauge(
    "websocket_connections",
    "Open WebSockets",
    ["service"],
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
SOCKET_MESSAGES = Counter(
    "websocket_messages", "WebSocket messages", ["service", "direction"], registry=REGISTRY
)
SOCKET_DROPS = Counter(
    "websocket_messages_dropped",
    "Messages that a slow reader's full outbox dropped",
    ["service"],
    registry=REGISTRY,
)
MEMORY = Gauge(
    "process_resident_memory_bytes",
    "Resident memory of all processes",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CPU = Gauge(
    "process_cpu_seconds",
    "Processor time used by the processes that live",
    registry=REGISTRY,
    multiprocess_mode="livesum",
)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class _OfService:
    """A collector that shows one service's series, and those of the process."""

    def __init__(self, registry: CollectorRegistry, service: str) -> None:
        self.registry = registry
        self.service = service

    def collect(self) -> Iterable[Metric]:
        """The registry's metrics without the other services' samples."""
        for metric in self.registry.collect():
            metric.samples = [
                sample
                for sample in metric.samples
                if sample.labels.get("service", self.service) == self.service
            ]
            yield metric


class ServiceMetrics:
    """The metrics of one service; observing costs about 2 µs."""

    def __init__(self, service: str) -> None:
        self.service = service
        self._requests: dict[tuple[str, str, int], Histogram] = {}
        self.in_flight = IN_FLIGHT.labels(service)
        self.read_time = DB_TIME.labels(service, "read")
        self.write_time = DB_TIME.labels(service, "write")
        self.pool_used = POOL_USED.labels(service)
        self.pool_size = POOL_SIZE.labels(service)
        self.pool_waiting = POOL_WAITING.labels(service)
        self.pool_timeouts = POOL_TIMEOUTS.labels(service)
        self.cache_hits = CACHE.labels(service, "hit")
        self.cache_misses = CACHE.labels(service, "miss")
        self.sockets = SOCKETS.labels(service)
        self.messages_in = SOCKET_MESSAGES.labels(service, "in")
        self.messages_out = SOCKET_MESSAGES.labels(service, "out")
        self.messages_dropped = SOCKET_DROPS.labels(service)

    def observe_request(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request of a route (its template, so that series are few)."""
        series = self._requests.get((method, route, status))
        if series is None:
            series = REQUESTS.labels(self.service, method, route, str(status))
            self._requests[method, route, status] = series
        series.observe(seconds)

    def gauge_queue(self, queue: str, waiting: int, active: int) -> None:
        """Show the lengths of a queue as this process knows them."""
        QUEUE.labels(self.service, queue, "wait").set(waiting)
        QUEUE.labels(self.service, queue, "active").set(active)

    def render(self) -> bytes:
        """The text for a scrape."""
        sample_process()
        source = REGISTRY
        if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
            source = CollectorRegistry()
            MultiProcessCollector(source)  # type: ignore[no-untyped-call]
        page = CollectorRegistry()
        page.register(_OfService(source, self.service))
        return generate_latest(page)


def sample_process() -> None:
    """Bring this process's memory and processor time up to date; each process does it once a second."""
    process = psutil.Process()
    with process.oneshot():
        times = process.cpu_times()
        CPU.set(times.user + times.system)
        MEMORY.set(process.memory_info().rss)
