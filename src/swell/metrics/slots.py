"""Where a worker's rows lead: the results of one delta, each fed by one or more rows."""

from typing import Protocol

import numpy as np

from swell.metrics.delta import TagPairs, format_metric_key
from swell.metrics.histogram import Counts, Histogram, Keys, sum_keys
from swell.metrics.model import Metric, MetricType
from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    GaugeValue,
    MetricState,
    RateValue,
    RequestRow,
    SinkValue,
    TrendValue,
)

Buckets = tuple[Keys, Counts]
_ZERO_KEY = np.zeros(1, dtype=np.int64)


def zero_buckets(count: int) -> Buckets:
    """``count`` zeros."""
    return _ZERO_KEY, np.array([count], dtype=np.int64)


class RowTotals:
    """What one row holds at the end of a delta."""

    __slots__ = ("buckets", "count", "high", "last", "low", "total")

    def __init__(
        self, count: int, total: float, low: float, high: float, last: float, buckets: list[Buckets]
    ) -> None:
        self.count = count
        self.total = total
        self.low = low
        self.high = high
        self.last = last
        self.buckets = buckets


class Destination(Protocol):
    """Takes in what a row holds."""

    def collect(self, row: RowTotals) -> None:
        """Add one row."""
        ...


class Slot:
    """One metric, submetric, or a metric within a section."""

    __slots__ = ("_buckets", "_high", "_last", "_low", "count", "metric", "tags", "total")

    def __init__(self, metric: Metric, tags: TagPairs = ()) -> None:
        self.metric = metric
        self.tags = tags
        self.clear()

    @property
    def key(self) -> str:
        """As thresholds name it."""
        return format_metric_key(self.metric.name, self.tags)

    def clear(self) -> None:
        """Forget what was collected."""
        self.count = 0
        self.total = 0.0
        self._low = np.inf
        self._high = -np.inf
        self._last = 0.0
        self._buckets: list[Buckets] = []

    def collect(self, row: RowTotals) -> None:
        """Add one row."""
        self.count += row.count
        self.total += row.total
        self._low = min(self._low, row.low)
        self._high = max(self._high, row.high)
        self._last = row.last
        self._buckets.extend(row.buckets)

    def add(self, count: int, total: float) -> None:
        """Add values of which only count and sum matter."""
        self.count += count
        self.total += total

    def histogram(self) -> Histogram:
        """The distribution of a trend."""
        if not self.count:
            return Histogram()
        keys, counts = (
            self._buckets[0]
            if len(self._buckets) == 1
            else sum_keys([keys for keys, _ in self._buckets], [counts for _, counts in self._buckets])
        )
        return Histogram.packed(keys, counts, self.total, float(self._low), float(self._high))

    def value(self) -> SinkValue:
        """The result as a snapshot holds it."""
        match self.metric.type:
            case MetricType.COUNTER:
                return CounterValue(float(self.total))
            case MetricType.GAUGE:
                return GaugeValue(float(self._last), float(self._low), float(self._high), self.count)
            case MetricType.RATE:
                return RateValue(int(self.total), self.count)
            case MetricType.TREND:
                return TrendValue(self.histogram())

    def state(self) -> MetricState:
        """The result with its definition."""
        return MetricState(self.metric, self.value(), self.tags)


class CountOf:
    """Feeds a counter with the number of a row's values: the durations of iterations count the iterations."""

    __slots__ = ("_slot",)

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    def collect(self, row: RowTotals) -> None:
        """Add one row's count."""
        self._slot.add(row.count, row.count)


class CheckSlot:
    """One check in one group of one scenario."""

    __slots__ = ("group", "name", "passes", "scenario", "total")

    def __init__(self, scenario: str, group: str, name: str) -> None:
        self.scenario = scenario
        self.group = group
        self.name = name
        self.passes = self.total = 0

    def collect(self, row: RowTotals) -> None:
        """Add one row."""
        self.passes += int(row.total)
        self.total += row.count

    def take(self) -> CheckState:
        """The result; the slot starts anew."""
        state = CheckState(self.name, self.group, self.scenario, self.passes, self.total - self.passes)
        self.passes = self.total = 0
        return state


class RequestSlot:
    """One line of the table per name and method."""

    __slots__ = ("count", "durations", "failures", "method", "name", "statuses")

    def __init__(self, name: str, method: str, durations: Slot) -> None:
        self.name = name
        self.method = method
        self.durations = durations
        self.count = self.failures = 0
        self.statuses: dict[str, int] = {}

    def note(self, status: str, count: int, failures: int) -> None:
        """Add ``count`` answers of one status."""
        self.count += count
        self.failures += failures
        self.statuses[status] = self.statuses.get(status, 0) + count

    def take(self) -> RequestRow:
        """The result; the slot starts anew."""
        row = RequestRow(
            self.name, self.method, self.count, self.failures, self.durations.histogram(), self.statuses
        )
        self.count = self.failures = 0
        self.statuses = {}
        self.durations.clear()
        return row


class HttpClass:
    """What the exchanges of some tag sets feed alike, durations apart."""

    __slots__ = ("failed", "received", "request", "requests", "sent", "status")

    def __init__(
        self,
        requests: tuple[Slot, ...],
        failed: tuple[Slot, ...],
        sent: tuple[Slot, ...],
        received: tuple[Slot, ...],
        request: RequestSlot,
        status: str,
    ) -> None:
        self.requests = requests
        self.failed = failed
        self.sent = sent
        self.received = received
        self.request = request
        self.status = status

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for classes that feed the same."""
        return (self.requests, self.failed, self.sent, self.received, self.request, self.status)

    def collect(self, count: int, judged: int, failed: int, failures: int, sent: int, received: int) -> None:
        """Add the sums of a delta."""
        for slots, number, total in (
            (self.requests, count, count),
            (self.failed, judged, failed),
            (self.sent, count, sent),
            (self.received, count, received),
        ):
            if number:
                for slot in slots:
                    slot.add(number, total)
        self.request.note(self.status, count, failures)
