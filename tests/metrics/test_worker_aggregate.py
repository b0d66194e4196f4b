"""What a worker makes of its records."""

import math
from collections import Counter
from dataclasses import dataclass

import msgspec
import pytest
from aggregation import MS, SECOND, Bench
from hypothesis import given, settings
from hypothesis import strategies as st

from swell.metrics.aggregate import Delta, SeriesRules, series_rules
from swell.metrics.histogram import Histogram
from swell.metrics.model import HTTP_PHASES, Contains, Metric, MetricType
from swell.metrics.samples import ERROR, FAILED, JUDGED, STAMPED, WINDOW_LIMITED, ErrorSeen
from swell.metrics.snapshot import CheckState, CounterValue, GaugeValue, RateValue, TrendValue
from swell.metrics.tags import OVERFLOW


def trend(delta: Delta, key: str) -> Histogram:
    """The histogram of a trend."""
    value = delta.values[key]
    assert isinstance(value, TrendValue)
    return value.histogram


def test_one_exchange_stands_for_ten_metrics() -> None:
    """Counters, rate and every phase come from one record; duration is sending + waiting + receiving."""
    bench = Bench()
    bench.exchange(phases_ms=(1, 2, 3, 4, 50, 6), sent=120, received=340)
    delta = bench.delta()
    assert delta.values["http_reqs"] == CounterValue(1)
    assert delta.values["http_req_failed"] == RateValue(0, 1)
    assert delta.values["data_sent"] == CounterValue(120)
    assert delta.values["data_received"] == CounterValue(340)
    for phase, expected in zip((*HTTP_PHASES, "http_req_duration"), (1, 2, 3, 4, 50, 6, 60), strict=True):
        assert trend(delta, phase) == Histogram.of([float(expected)])
    assert trend(delta, "http_req_duration{expected_response:true}").count == 1


def test_an_exchange_that_is_not_judged_has_no_failure_rate() -> None:
    """With the response callback off there is no http_req_failed, yet an error still counts in the table."""
    bench = Bench()
    bench.exchange(flags=STAMPED, status="500")
    bench.exchange(flags=STAMPED | ERROR, status="0")
    delta = bench.delta()
    assert "http_req_failed" not in delta.values
    assert "http_req_duration{expected_response:true}" not in delta.values
    (row,) = delta.requests
    assert (row.count, row.failures, row.statuses) == (2, 1, {"500": 1, "0": 1})


def test_the_request_table_has_a_row_per_name_and_method() -> None:
    """Statuses and failures stand beside the durations."""
    bench = Bench()
    bench.exchange(name="/a", phases_ms=(0, 0, 0, 0, 5, 0))
    bench.exchange(name="/a", status="500", flags=JUDGED | FAILED, phases_ms=(0, 0, 0, 0, 7, 0))
    bench.exchange(name="/a", method="POST")
    bench.exchange(name="/b")
    rows = {(row.name, row.method): row for row in bench.delta().requests}
    assert list(rows) == [("/a", "GET"), ("/a", "POST"), ("/b", "GET")]
    first = rows["/a", "GET"]
    assert (first.count, first.failures, first.statuses) == (2, 1, {"200": 1, "500": 1})
    assert first.durations == Histogram.of([5.0, 7.0])


def test_a_full_request_table_puts_the_rest_in_one_row() -> None:
    """Ever new names cannot fill the memory; totals stay right and the overflow is told."""
    bench = Bench(SeriesRules(request_rows=3))
    for number in range(10):
        bench.exchange(name=f"/{number}")
    delta = bench.delta()
    assert [(row.name, row.count) for row in delta.requests] == [
        ("/0", 1),
        ("/1", 1),
        ("/2", 1),
        (OVERFLOW, 7),
    ]
    assert delta.overflowed_rows == 7
    assert delta.values["http_reqs"] == CounterValue(10)


def test_a_registry_that_is_full_is_told() -> None:
    """The delta carries how many tag sets were put together."""
    bench = Bench(limit=4)
    for number in range(10):
        bench.exchange(name=f"/{number}")
    assert bench.delta().overflowed_tag_sets > 0


def test_submetrics_match_when_the_tags_contain_all_pairs() -> None:
    """Each submetric gets what matches, however many match one sample."""
    rules = series_rules(
        (),
        [
            ("http_req_waiting", (("kind", "x"),)),
            ("http_reqs", (("kind", "x"), ("status", "200"))),
            ("http_reqs", (("status", "200"),)),
            ("http_req_duration", ()),
        ],
    )
    bench = Bench(rules)
    bench.exchange(kind="x", phases_ms=(0, 0, 0, 0, 3, 0))
    bench.exchange(kind="x", status="404", flags=JUDGED | FAILED, phases_ms=(0, 0, 0, 0, 4, 0))
    bench.exchange(kind="y", phases_ms=(0, 0, 0, 0, 5, 0))
    delta = bench.delta()
    assert trend(delta, "http_req_waiting{kind:x}") == Histogram.of([3.0, 4.0])
    assert delta.values["http_reqs{kind:x,status:200}"] == CounterValue(1)
    assert delta.values["http_reqs{status:200}"] == CounterValue(2)
    assert trend(delta, "http_req_duration{expected_response:true}") == Histogram.of([3.0, 5.0])


def test_checks_are_counted_by_scenario_group_and_name() -> None:
    """In the order first seen, and in the rate of all checks."""
    bench = Bench()
    bench.sample("checks", 1, check="b", scenario="s", group="")
    bench.sample("checks", 0, check="a", scenario="s", group="::g")
    bench.sample("checks", 1, check="b", scenario="s", group="")
    delta = bench.delta()
    assert delta.checks == (CheckState("b", "", "s", 2, 0), CheckState("a", "::g", "s", 0, 1))
    assert delta.values["checks"] == RateValue(2, 3)
    assert bench.delta().checks == ()


def test_ever_new_checks_share_a_row() -> None:
    """A check name with an id in it cannot fill the memory."""
    bench = Bench(SeriesRules(check_rows=2))
    for number in range(5):
        bench.sample("checks", 1, check=f"c{number}")
    delta = bench.delta()
    assert [(check.name, check.passes) for check in delta.checks] == [("c0", 1), ("c1", 1), (OVERFLOW, 3)]
    assert delta.overflowed_rows == 3


def test_iterations_are_counted_by_their_durations() -> None:
    """One iteration_duration sample is one iteration, in submetrics and seconds too."""
    rules = series_rules((), [("iterations", (("scenario", "s"),))])
    bench = Bench(rules)
    bench.sample("iteration_duration", 5.0, scenario="s", at_ns=100)
    bench.sample("iteration_duration", 0.0, scenario="t", at_ns=SECOND + 100)
    delta = bench.delta()
    assert delta.values["iterations"] == CounterValue(2)
    assert delta.values["iterations{scenario:s}"] == CounterValue(1)
    assert trend(delta, "iteration_duration") == Histogram.of([5.0, 0.0])
    assert [(second.at_ns, second.iterations) for second in delta.seconds] == [(0, 1), (SECOND, 1)]


def test_custom_metrics_are_put_together_by_their_type() -> None:
    """Counters sum, gauges keep last, min and max, rates count what is not zero, trends keep all."""
    rules = series_rules(
        [
            Metric("orders", MetricType.COUNTER),
            Metric("queue", MetricType.GAUGE),
            Metric("good", MetricType.RATE),
            Metric("size", MetricType.TREND, Contains.DATA),
        ],
        [("queue", (("host", "a"),))],
    )
    bench = Bench(rules)
    for value in (3.0, -1.5, 2.0):
        bench.sample("orders", value)
        bench.sample("queue", value, host="a")
        bench.sample("good", value)
        bench.sample("size", value)
    bench.sample("good", 0.0)
    bench.sample("queue", 9.0, host="b")
    delta = bench.delta()
    assert delta.values["orders"] == CounterValue(3.5)
    assert delta.values["queue"] == GaugeValue(9.0, -1.5, 9.0, 4)
    assert delta.values["queue{host:a}"] == GaugeValue(2.0, -1.5, 3.0, 3)
    assert delta.values["good"] == RateValue(3, 4)
    assert trend(delta, "size") == Histogram.of([3.0, -1.5, 2.0])


def test_a_metric_made_while_the_run_goes_on_is_announced_once() -> None:
    """Its definition travels with the first delta that has it; a name that nobody defined is a trend."""
    bench = Bench()
    bench.aggregator.register(Metric("late", MetricType.COUNTER))
    bench.sample("late", 2)
    bench.sample("unknown", 2)
    first = bench.delta()
    assert first.metrics == (Metric("late", MetricType.COUNTER), Metric("unknown", MetricType.TREND))
    assert first.values["late"] == CounterValue(2)
    bench.sample("late", 1)
    assert bench.delta().metrics == ()


def test_numbers_that_are_none_are_refused_and_counted() -> None:
    """NaN and infinities spoil nothing."""
    bench = Bench()
    for value in (math.nan, 1.0, math.inf):
        bench.sample("iteration_duration", value)
    delta = bench.delta()
    assert (delta.refused, delta.values["iterations"]) == (2, CounterValue(1))
    bench.sample("group_duration", math.nan)
    assert bench.delta().refused == 1


def test_sections_hold_the_metrics_of_scenario_and_group() -> None:
    """Only in the full summary; setup and teardown have none."""
    bench = Bench(SeriesRules(sections=True))
    bench.exchange(scenario="s", group="::g")
    bench.exchange(scenario="s", group="")
    bench.exchange(group="::setup")
    bench.sample("checks", 1, scenario="s", group="::g", check="c")
    sections = {(section.scenario, section.group): section for section in bench.delta().sections}
    assert list(sections) == [("s", "::g"), ("s", "")]
    states = {state.key: state.value for state in sections["s", "::g"].metrics}
    assert states["http_reqs"] == CounterValue(1)
    assert states["checks"] == RateValue(1, 1)
    assert states["http_req_duration"] == TrendValue(Histogram.of([13.0]))
    assert bench.delta().sections == ()


def test_ever_new_sections_share_one() -> None:
    """Groups with an id in their name cannot fill the memory."""
    bench = Bench(SeriesRules(sections=True, section_rows=2))
    for number in range(4):
        bench.sample("group_duration", 1.0, scenario="default", group=f"::{number}")
    delta = bench.delta()
    assert [section.group for section in delta.sections] == ["::0", "::1", ""]
    assert delta.sections[2].scenario == OVERFLOW


def test_a_scenario_has_what_its_groups_did() -> None:
    """Once in the group and once in the scenario; what went over the wire stands in no group."""
    bench = Bench(SeriesRules(sections=True))
    bench.sample("group_duration", 1.0, scenario="s", group="::a")
    bench.sample("data_sent", 1.0, scenario="s", group="::a")
    sections = {
        (section.scenario, section.group): [state.key for state in section.metrics]
        for section in bench.delta().sections
    }
    assert sections == {("s", "::a"): ["group_duration"], ("s", ""): ["group_duration", "data_sent"]}


def test_groups_are_listed_once_outer_before_inner() -> None:
    """In the order first seen; a group that only holds groups is listed too."""
    bench = Bench()
    bench.sample("group_duration", 1.0, group="::a::b")
    bench.sample("group_duration", 1.0, group="::c")
    bench.sample("data_sent", 1.0, group="::setup")
    assert bench.delta().groups == ("::a", "::a::b", "::c")
    bench.sample("group_duration", 1.0, group="::a::d")
    assert bench.delta().groups == ("::a::d",)


def test_seconds_follow_the_ends_of_exchanges() -> None:
    """Each exchange is in the second it ended in, from the aligned start, whenever it is taken."""
    bench = Bench()
    bench.aggregator.start_at(500 * MS)
    bench.exchange(at_ns=600 * MS)
    bench.exchange(at_ns=1_499 * MS, phases_ms=(0, 0, 0, 0, 100, 0), flags=JUDGED | FAILED)
    bench.exchange(at_ns=1_500 * MS, sent=1, received=2)
    bench.sample("data_received", 1000, at_ns=1_600 * MS)
    bench.sample("data_sent", 50, at_ns=600 * MS)
    first, second = bench.delta().seconds
    assert (first.at_ns, first.requests, first.failures, first.bytes_sent) == (500 * MS, 2, 1, 250)
    assert first.durations == Histogram.of([13.0, 100.0]).coarsened()
    assert (second.at_ns, second.requests, second.bytes_received) == (1_500 * MS, 1, 1002)


def test_stamps_windows_and_gaps_are_kept_for_the_verdict() -> None:
    """Gaps of stamped receives only."""
    bench = Bench()
    bench.exchange(gap_ms=3)
    bench.exchange(gap_ms=0, flags=JUDGED)
    bench.exchange(gap_ms=5, flags=JUDGED | STAMPED | WINDOW_LIMITED)
    delta = bench.delta()
    assert (delta.http_records, delta.unstamped, delta.window_limited) == (3, 1, 1)
    assert delta.gaps == Histogram.of([3.0, 5.0])
    assert bench.delta().http_records == 0


def test_a_delta_is_emptied_by_taking_it_and_survives_the_wire() -> None:
    """What was sent is not sent again; errors travel along."""
    bench = Bench()
    bench.exchange()
    bench.sample("checks", 1, check="c")
    seen = ErrorSeen(1212, "refused", "GET", "/", 2, "connect")
    bench.recorder.flush()
    delta = bench.aggregator.take_delta(5, 6, [seen])
    assert (delta.from_ns, delta.to_ns, delta.errors) == (5, 6, (seen,))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(delta), type=Delta) == delta
    assert bench.delta(7, 8) == Delta(7, 8)


@dataclass(frozen=True)
class Exchange:
    """One generated exchange."""

    name: str
    status: str
    kind: str
    at_ns: int
    phases: tuple[float, float, float, float, float, float]
    flags: int


exchanges = st.builds(
    Exchange,
    name=st.sampled_from(("/a", "/b", "/c", "/d")),
    status=st.sampled_from(("200", "500")),
    kind=st.sampled_from(("x", "y")),
    at_ns=st.integers(0, 3 * SECOND),
    phases=st.tuples(*[st.integers(0, 10**12).map(lambda ns: ns / MS) for _ in range(6)]),
    flags=st.integers(0, 63),
)


@settings(max_examples=60)
@given(st.lists(st.lists(exchanges, max_size=40), min_size=1, max_size=4), st.booleans())
def test_aggregation_equals_adding_up_by_hand(deltas: list[list[Exchange]], sections: bool) -> None:
    """Whatever is recorded, every delta is what a plain loop over the records gives."""
    rules = series_rules((), [("http_req_waiting", (("kind", "x"),))], sections=sections)
    bench = Bench(rules, records=16)
    for batch in deltas:
        for one in batch:
            bench.exchange(
                name=one.name,
                status=one.status,
                kind=one.kind,
                at_ns=one.at_ns,
                phases_ms=one.phases,
                flags=one.flags,
            )
        delta = bench.delta()
        assert delta.http_records == len(batch)
        assert sum(second.requests for second in delta.seconds) == len(batch)
        for row in delta.requests:
            mine = [one for one in batch if one.name == row.name]
            assert row.statuses == Counter(one.status for one in mine)
            assert_same(row.durations, [duration(one) for one in mine])
        assert sum(row.count for row in delta.requests) == len(batch)
        judged = [one for one in batch if one.flags & JUDGED]
        if judged:
            failed = sum(bool(one.flags & FAILED) for one in judged)
            assert delta.values["http_req_failed"] == RateValue(failed, len(judged))
        if batch:
            for place, phase in enumerate(HTTP_PHASES):
                assert_same(trend(delta, phase), [one.phases[place] for one in batch])
            assert_same(trend(delta, "http_req_duration"), [duration(one) for one in batch])
        if filtered := [one.phases[4] for one in batch if one.kind == "x"]:
            assert_same(trend(delta, "http_req_waiting{kind:x}"), filtered)


def duration(one: Exchange) -> float:
    """Sending + waiting + receiving, summed in nanoseconds as the worker does."""
    return sum(round(phase * MS) for phase in one.phases[3:]) / MS


def assert_same(found: Histogram, values: list[float]) -> None:
    """Equal but for the rounding of sums."""
    expected = Histogram.of(values)
    assert found.sum == pytest.approx(expected.sum)
    assert msgspec.structs.replace(found, sum=0.0) == msgspec.structs.replace(expected, sum=0.0)
