"""What the run makes of the workers' deltas."""

import msgspec
import pytest
from aggregation import SECOND, Bench

from swell.config.options import ThresholdSpec
from swell.metrics.aggregate import Delta, RunAggregate, SecondDelta, SeriesRules, series_rules
from swell.metrics.histogram import Histogram
from swell.metrics.model import Metric, MetricType
from swell.metrics.run_aggregate import merge_values
from swell.metrics.samples import ErrorSeen, ErrorTable
from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    ErrorRow,
    GaugeValue,
    MetricState,
    RateValue,
    RequestRow,
    RunInfo,
    Snapshot,
    TrendValue,
)
from swell.metrics.tags import OVERFLOW

RUN = RunInfo("id", "script.py", "2026-01-01T00:00:00Z", SECOND, "0", 1, 0)


def states(aggregate: RunAggregate) -> dict[str, MetricState]:
    """The metrics by key."""
    return {state.key: state for state in aggregate.metric_states()}


def test_two_workers_add_up_to_what_one_would_have_measured() -> None:
    """Splitting the same records over workers and deltas changes nothing but the rounding of sums."""
    rules = SeriesRules(sections=True)
    whole, parts = RunAggregate(rules), RunAggregate(rules)
    one, halves = Bench(rules), [Bench(rules), Bench(rules)]
    for number in range(200):
        for bench in (one, halves[number % 2]):
            bench.exchange(
                name=f"/{number % 3}",
                at_ns=number * SECOND // 20,
                phases_ms=(0, 0, 0, 1, number, 2),
                scenario="s",
            )
            bench.sample("checks", number % 5, check=f"c{number % 2}", scenario="s", at_ns=number)
        if number % 50 == 49:
            for worker, bench in enumerate(halves):
                parts.add(bench.delta(), worker)
    whole.add(one.delta())
    left, right = whole.snapshot(RUN), parts.snapshot(RUN)
    assert left.checks == right.checks
    assert left.timeline == right.timeline
    by_name = [sorted(snapshot.requests, key=lambda row: row.name) for snapshot in (left, right)]
    for mine, other in zip(*by_name, strict=True):
        assert (mine.name, mine.count, mine.statuses) == (other.name, other.count, other.statuses)
        assert mine.durations.counts == other.durations.counts
        assert mine.durations.sum == pytest.approx(other.durations.sum)
    assert {state.key for state in left.metrics} == {state.key for state in right.metrics}
    assert len(left.sections) == len(right.sections) == 1


def test_metrics_come_in_a_fixed_order_submetrics_after_their_metric() -> None:
    """Built-in metrics first; what saw nothing and has no threshold is left out."""
    thresholds = {
        "http_req_duration{kind:x}": (ThresholdSpec("p(95)<1"),),
        "mine": (ThresholdSpec("count>0"),),
    }
    rules = series_rules([Metric("mine", MetricType.COUNTER)], [("http_req_duration", (("kind", "x"),))])
    aggregate = RunAggregate(rules, thresholds)
    bench = Bench(rules)
    bench.exchange()
    bench.sample("iteration_duration", 1.0)
    aggregate.add(bench.delta())
    keys = list(states(aggregate))
    assert keys[:2] == ["iterations", "iteration_duration"]
    place = keys.index("http_req_duration")
    submetrics = ["http_req_duration{kind:x}", "http_req_duration{expected_response:true}"]
    assert keys[place + 1 : place + 3] == submetrics
    assert keys[-1] == "mine"
    assert "vus" not in keys
    assert states(aggregate)["mine"].value == CounterValue()


def test_gauges_of_the_coordinator_join_the_metrics_and_the_timeline() -> None:
    """The metric vus has last, min and max; a second shows the newest number within it."""
    aggregate = RunAggregate(SeriesRules(), started_ns=10 * SECOND)
    seconds = tuple(SecondDelta(at_ns=at * SECOND, requests=1) for at in (10, 11, 12))
    aggregate.gauge("vus", 5, 10 * SECOND + 1)
    aggregate.add(Delta(0, 1, seconds=seconds))
    assert [row.vus for row in aggregate.snapshot(RUN).timeline] == [5, 5, 5]
    aggregate.gauge("vus", 3, 12 * SECOND + 1)
    aggregate.gauge("vus", 4, 12 * SECOND + 2)
    snapshot = aggregate.snapshot(RUN)
    assert [row.vus for row in snapshot.timeline] == [5, 5, 4]
    assert [row.at_ns for row in snapshot.timeline] == [0, SECOND, 2 * SECOND]
    vus = snapshot.metric("vus")
    assert vus is not None
    assert vus.value == GaugeValue(4, 3, 5, 3)


def test_a_late_delta_changes_the_second_it_belongs_to() -> None:
    """Rows already shown are made anew when a slower worker reports, and stay in order."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, seconds=(SecondDelta(SECOND, 1, durations=Histogram.of([1.0]).coarsened()),)))
    assert [row.requests for row in aggregate.snapshot(RUN).timeline] == [1]
    late = (SecondDelta(0, 4), SecondDelta(SECOND, 2, 1, 3, 10, 20, Histogram.of([9.0]).coarsened()))
    aggregate.add(Delta(0, 1, seconds=late), worker=1)
    first, second = aggregate.snapshot(RUN).timeline
    assert (first.requests, second.requests, second.failures, second.iterations) == (4, 3, 1, 3)
    assert (second.bytes_sent, second.bytes_received) == (10, 20)
    assert second.p50_ms == pytest.approx(5.0, rel=0.02)
    assert second.p99_ms == pytest.approx(8.92, rel=0.02)


def test_tables_stay_bounded_over_many_workers() -> None:
    """Each worker keeps its own first rows; the run keeps no more than one worker may."""
    rules = SeriesRules(request_rows=2, check_rows=2, section_rows=2, sections=True)
    aggregate = RunAggregate(rules)
    for worker in range(3):
        bench = Bench(rules)
        for number in range(3):
            bench.exchange(name=f"/{worker}{number}", scenario=f"s{worker}{number}")
            bench.sample("checks", 1, check=f"{worker}{number}")
        aggregate.add(bench.delta(), worker)
    snapshot = aggregate.snapshot(RUN)
    assert [(row.name, row.count) for row in snapshot.requests] == [("/00", 1), ("/01", 1), (OVERFLOW, 7)]
    assert [check.name for check in snapshot.checks] == ["00", "01", OVERFLOW]
    assert sum(check.passes for check in snapshot.checks) == 9
    assert len(snapshot.sections) <= 3
    assert aggregate.overflowed_rows > 0
    assert any(OVERFLOW in warning for warning in snapshot.warnings)


def test_overflows_are_the_workers_latest_counts() -> None:
    """A worker reports its count since the start; deltas do not add up."""
    aggregate = RunAggregate(SeriesRules())
    for count in (1, 4):
        aggregate.add(Delta(0, 1, overflowed_tag_sets=count))
    aggregate.add(Delta(0, 1, overflowed_tag_sets=2), worker=1)
    assert aggregate.overflowed_tag_sets == 6
    assert "name=" in aggregate.warnings()[0]


def test_errors_are_merged_with_the_first_example() -> None:
    """The most frequent first; more kinds than the table keeps share a row."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, errors=(ErrorSeen(1212, "refused", "GET", "/", 2, "one"),)))
    aggregate.add(Delta(0, 1, errors=(ErrorSeen(1050, "timeout", "GET", "/", 9, "slow"),)))
    aggregate.add(Delta(0, 1, errors=(ErrorSeen(1212, "refused", "GET", "/", 3, "two"),)))
    assert aggregate.snapshot(RUN).errors == (
        ErrorRow(1050, "timeout", "GET", "/", 9, "slow"),
        ErrorRow(1212, "refused", "GET", "/", 5, "one"),
    )
    many = tuple(ErrorSeen(1, f"{number}", "GET", "/", 1) for number in range(ErrorTable.LIMIT + 5))
    aggregate.add(Delta(0, 1, errors=many))
    errors = aggregate.snapshot(RUN).errors
    assert len(errors) == ErrorTable.LIMIT + 1
    assert [row.count for row in errors if row.message == "more kinds of errors"] == [7]


def test_thresholds_are_judged_and_carried_by_the_snapshot() -> None:
    """The last judgement stands in every later snapshot; at the end silence is a warning."""
    thresholds = {
        "http_req_duration": (ThresholdSpec("max<5", abort_on_fail=True),),
        "checks": (ThresholdSpec("rate>0"),),
    }
    aggregate = RunAggregate(SeriesRules(), thresholds, require_data=False)
    bench = Bench()
    bench.exchange()
    aggregate.add(bench.delta())
    judged = aggregate.judge(SECOND)
    assert [(result.ok, result.observed, result.aborted) for result in judged] == [
        (False, 13.0, True),
        (True, None, False),
    ]
    assert aggregate.warnings() == ()
    final = aggregate.judge(SECOND, final=True)
    snapshot = aggregate.snapshot(RUN, warnings=["before"])
    assert snapshot.thresholds == final
    assert snapshot.warnings == ("before", "the threshold on 'checks' saw no samples")


def test_metrics_that_a_worker_announces_are_known() -> None:
    """A metric made while the run goes on is listed with its type."""
    aggregate = RunAggregate(SeriesRules())
    late = Metric("late", MetricType.RATE)
    aggregate.add(Delta(0, 1, values={"late": RateValue(1, 2)}, metrics=(late,)))
    assert states(aggregate)["late"] == MetricState(late, RateValue(1, 2))


def test_groups_keep_the_order_first_seen() -> None:
    """Over all workers."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, groups=("::b", "::a")))
    aggregate.add(Delta(0, 1, groups=("::a", "::c")), worker=1)
    assert aggregate.snapshot(RUN).groups == ("::b", "::a", "::c")


def test_percentile_answers_for_trends_only() -> None:
    """None where nothing was seen or the metric is no trend."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, values={"a": TrendValue(Histogram.of([1.0, 3.0])), "b": CounterValue(1)}))
    assert aggregate.percentile("a", 100) == 3.0
    assert aggregate.percentile("b", 50) is None
    assert aggregate.percentile("c", 50) is None


def test_a_snapshot_does_not_change_when_the_run_goes_on() -> None:
    """It shares nothing that is changed later."""
    aggregate = RunAggregate(SeriesRules())
    bench = Bench()
    bench.exchange()
    aggregate.add(bench.delta())
    before = aggregate.snapshot(RUN, setup_data=b'{"a":1}')
    copy = msgspec.json.decode(msgspec.json.encode(before), type=Snapshot)
    bench.exchange(at_ns=1)
    aggregate.add(bench.delta())
    aggregate.gauge("vus", 1)
    assert msgspec.json.encode(before) == msgspec.json.encode(copy)
    assert bytes(copy.setup_data) == b'{"a":1}'


def test_one_row_keeps_its_statuses_over_deltas() -> None:
    """Counts, failures and statuses add up; the first delta's row is not changed."""
    first = RequestRow("/", "GET", 1, 0, Histogram.of([1.0]), {"200": 1})
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, requests=(first,)))
    aggregate.add(
        Delta(0, 1, requests=(RequestRow("/", "GET", 2, 1, Histogram.of([2.0]), {"200": 1, "500": 1}),))
    )
    assert aggregate.snapshot(RUN).requests == (
        RequestRow("/", "GET", 3, 1, Histogram.of([1.0, 2.0]), {"200": 2, "500": 1}),
    )
    assert first.statuses == {"200": 1}


def test_checks_of_one_name_add_up() -> None:
    """Passes and fails, per scenario and group."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, checks=(CheckState("c", "", "s", 1, 2), CheckState("c", "::g", "s", 1, 0))))
    aggregate.add(Delta(0, 1, checks=(CheckState("c", "", "s", 3, 4),)))
    assert aggregate.snapshot(RUN).checks == (
        CheckState("c", "", "s", 4, 6),
        CheckState("c", "::g", "s", 1, 0),
    )


def test_values_of_different_types_do_not_merge() -> None:
    """That would be a fault of ours, and is told."""
    with pytest.raises(TypeError, match="cannot merge CounterValue with RateValue"):
        merge_values(CounterValue(1), RateValue(1, 1))


def test_a_gauge_without_samples_changes_nothing() -> None:
    """The other one is kept, from either side."""
    seen = GaugeValue(1, 1, 1, 1)
    assert merge_values(seen, GaugeValue()) == seen
    assert merge_values(GaugeValue(), seen) == seen
