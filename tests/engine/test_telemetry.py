"""Tests of engine/telemetry.py on the virtual clock: what is measured, and what is not while it is paused."""

from typing import Any

import pytest

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.engine.frames import Progress
from swell.engine.telemetry import Telemetry
from swell.engine.watchdog import HubPulse
from swell.metrics.aggregate import series_rules
from swell.metrics.samples import ErrorTable, Recorder
from swell.metrics.tags import TagRegistry
from swell.metrics.worker_aggregate import WorkerAggregator
from swell.testing import VirtualClock


class Sent(list[Progress]):
    """A channel that keeps what is sent."""

    is_backlogged = False
    send = list.append


def measured(act: Any) -> tuple[Sent, Recorder]:
    """What goes up over some seconds in which ``act(clock, telemetry, recorder, errors, number)`` acts."""
    clock, sent, recorder, errors = VirtualClock(NS_PER_SECOND), Sent(), Recorder(), ErrorTable()
    registry = TagRegistry()
    aggregator = WorkerAggregator(registry, series_rules((), ()), clock.now_ns())
    recorder.on_full = aggregator.consume
    telemetry = Telemetry(sent, clock, HubPulse(), registry, recorder, errors, aggregator, tuple)

    def main() -> None:
        telemetry.begin()
        clock.sleep_until_ns(1_200 * NS_PER_MS)
        act(clock, telemetry, recorder, errors, registry.series("checks", registry.empty))
        clock.sleep_until_ns(clock.now_ns() + 2 * NS_PER_SECOND)
        telemetry.send_rest()

    clock.run(main)
    return sent, recorder


def test_lag_is_measured() -> None:
    """A hub that does not turn for five seconds has that lag."""
    sent, _ = measured(lambda clock, *_: clock.stall_ns(5 * NS_PER_SECOND))
    assert max(progress.health.hub_lag_max_ns for progress in sent) > 4_900 * NS_PER_MS


def test_nothing_is_measured_while_paused() -> None:
    """Between pause and resume neither samples nor errors nor the hub's lag count; afterwards all do."""

    def act(
        clock: VirtualClock, telemetry: Telemetry, recorder: Recorder, errors: ErrorTable, series: int
    ) -> None:
        recorder.sample(series, clock.now_ns(), 1.0)
        telemetry.pause()
        telemetry.pause()
        clock.stall_ns(5 * NS_PER_SECOND)
        recorder.sample(series, clock.now_ns(), 1.0)
        errors.note(0, "unseen", "GET", "/")
        clock.sleep_until_ns(clock.now_ns() + 3 * NS_PER_SECOND)
        clock.stall_ns(5 * NS_PER_SECOND)
        telemetry.resume()
        recorder.sample(series, clock.now_ns(), 1.0)

    sent, _ = measured(act)
    assert max(progress.health.hub_lag_max_ns for progress in sent) == 0
    assert [error for progress in sent for error in progress.delta.errors] == []
    assert sum(value.total for progress in sent for value in progress.delta.values.values()) == 2


def test_a_report_that_cannot_be_made_ends_the_worker() -> None:
    """Whatever goes wrong while a second is reported, the worker fails instead of going on in silence."""

    class Broken(Sent):
        def send(self, _frame: Progress) -> None:  # type: ignore[override]
            raise ValueError("no frame")

    clock = VirtualClock(NS_PER_SECOND)
    registry = TagRegistry()
    aggregator = WorkerAggregator(registry, series_rules((), ()), clock.now_ns())
    telemetry = Telemetry(Broken(), clock, HubPulse(), registry, Recorder(), ErrorTable(), aggregator, tuple)

    def serve() -> None:
        telemetry.begin()
        clock.sleep_until_ns(60 * NS_PER_SECOND)

    with pytest.raises(ValueError, match="no frame"):
        clock.run(serve)
