"""Memory of a long run: new URLs and tags for ever take none, a second takes a little."""

import gc
import tracemalloc
from collections.abc import Callable

from aggregation import SECOND, Bench

from swell.metrics.aggregate import SeriesRules
from swell.metrics.model import Metric, MetricType
from swell.metrics.run_aggregate import RunAggregate
from swell.metrics.snapshot import RunInfo
from swell.metrics.tags import OVERFLOW

LIMIT = 200
RULES = SeriesRules(metrics=(Metric("answer_ms", MetricType.TREND),), request_rows=50)
INFO = RunInfo("id", "script.py", "2026-01-01T00:00:00Z", 0, "0", workers=1, seed=1)


class Run:
    """One worker and the coordinator's side of it."""

    def __init__(self) -> None:
        self.worker = Bench(RULES, limit=LIMIT)
        self.aggregate = RunAggregate(RULES)
        self.numbers = iter(range(10**9))

    def second(self, at_ns: int) -> None:
        """A second with a hundred requests and samples, all with URLs and tags that were never seen."""
        for _ in range(100):
            number = next(self.numbers)
            self.worker.exchange(name=f"/page/{number}", at_ns=at_ns, page=str(number))
            self.worker.sample("answer_ms", number % 100, at_ns=at_ns, visit=str(number))
        self.aggregate.add(self.worker.delta(at_ns, at_ns + SECOND))
        assert self.aggregate.snapshot(INFO).requests


def grown(action: Callable[[], object]) -> int:
    """How many bytes more are in use after ``action``."""
    tracemalloc.start()
    try:
        gc.collect()
        before, _ = tracemalloc.get_traced_memory()
        action()
        gc.collect()
        return tracemalloc.get_traced_memory()[0] - before
    finally:
        tracemalloc.stop()


def test_ever_new_urls_and_tags_take_no_memory_once_the_tables_are_full() -> None:
    """Thousands, all within one second of the timeline; the overflow row and the warnings show them."""
    run = Run()
    for _ in range(10):
        run.second(0)

    def go_on() -> None:
        for _ in range(40):
            run.second(0)

    assert grown(go_on) < 50_000
    assert len(run.worker.registry) <= 2 * LIMIT + 1
    snapshot = run.aggregate.snapshot(INFO)
    assert len(snapshot.requests) == 51
    assert next(row for row in snapshot.requests if row.name == OVERFLOW).count > 4_000
    assert any("too many different tags" in warning for warning in snapshot.warnings)
    assert any(f"in the row '{OVERFLOW}'" in warning for warning in snapshot.warnings)


def test_a_second_of_the_timeline_takes_a_few_kilobytes() -> None:
    """An hour is a few megabytes of the coordinator, and none of the worker."""
    run = Run()
    for second in range(10):
        run.second(second * SECOND)

    def go_on() -> None:
        for second in range(10, 40):
            run.second(second * SECOND)

    assert grown(go_on) / 30 < 4_000
