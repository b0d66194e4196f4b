"""Builds records the way a worker's VUs do, for the tests of aggregation."""

from swell.metrics.aggregate import Delta, SeriesRules, WorkerAggregator
from swell.metrics.samples import FAILED, JUDGED, STAMPED, Recorder
from swell.metrics.tags import TagRegistry

MS = 1_000_000
SECOND = 1_000_000_000


class Bench:
    """One worker's registry, recorder and aggregator."""

    def __init__(self, rules: SeriesRules | None = None, *, limit: int = 20_000, records: int = 64) -> None:
        self.registry = TagRegistry(limit)
        self.aggregator = WorkerAggregator(self.registry, rules or SeriesRules())
        self.recorder = Recorder(self.aggregator.consume, records)

    def exchange(
        self,
        *,
        name: str = "/",
        method: str = "GET",
        status: str = "200",
        at_ns: int = 0,
        phases_ms: tuple[float, float, float, float, float, float] = (0, 0, 0, 1, 10, 2),
        sent: int = 100,
        received: int = 200,
        gap_ms: float = 0.0,
        flags: int = JUDGED | STAMPED,
        **tags: str,
    ) -> None:
        """Record one exchange; ``expected_response`` follows ``flags``."""
        expected = {"expected_response": "false" if flags & FAILED else "true"} if flags & JUDGED else {}
        tag_set = self.registry.intern({"name": name, "method": method, "status": status, **expected, **tags})
        phases = [round(phase * MS) for phase in phases_ms]
        self.recorder.http(tag_set.number, at_ns, *phases, sent, received, round(gap_ms * MS), flags)

    def sample(self, metric: str, value: float, *, at_ns: int = 0, **tags: str) -> None:
        """Record one value of a series."""
        series = self.registry.series(metric, self.registry.intern(tags))
        self.recorder.sample(series, at_ns, value)

    def delta(self, from_ns: int = 0, to_ns: int = SECOND) -> Delta:
        """Everything recorded since the last call."""
        self.recorder.flush()
        return self.aggregator.take_delta(from_ns, to_ns)
