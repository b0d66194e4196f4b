"""The grammar of thresholds, and how they are judged."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.errors import Fault
from swell.config.options import ThresholdSpec
from swell.metrics.delta import format_metric_key
from swell.metrics.histogram import Histogram
from swell.metrics.model import BUILTIN_METRICS, Metric, MetricType
from swell.metrics.snapshot import (
    CounterValue,
    GaugeValue,
    RateValue,
    SinkValue,
    ThresholdResult,
    TrendValue,
)
from swell.metrics.thresholds import (
    Judge,
    Threshold,
    parse_metric_key,
    parse_threshold,
    validate_thresholds,
)

KNOWN = {
    **BUILTIN_METRICS,
    "queue": Metric("queue", MetricType.GAUGE),
    "errors": Metric("errors", MetricType.COUNTER),
}
SECOND = 1_000_000_000


def judge_one(
    key: str,
    source: str,
    value: SinkValue | None = None,
    *,
    elapsed_ns: int = SECOND,
    final: bool = True,
    require_data: bool = True,
    ran: bool = True,
    abort_on_fail: bool = False,
    delay_ns: int = 0,
    whole: bool = True,
) -> ThresholdResult:
    """The result of a single threshold."""
    judge = Judge({key: (ThresholdSpec(source, abort_on_fail, delay_ns),)}, require_data=require_data)
    values: dict[str, SinkValue] = {"iterations": CounterValue(5)} if ran else {}
    if value is not None:
        values[format_metric_key(*parse_metric_key(key))] = value
    (result,) = judge.judge(values, KNOWN, elapsed_ns, final=final, whole=whole)
    return result


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("p(95)<300", Threshold("p(95)<300", "p(95)", "<", 300.0, 95.0)),
        ("  p(99.9)  <= 1e3 ", Threshold("  p(99.9)  <= 1e3 ", "p(99.9)", "<=", 1000.0, 99.9)),
        ("rate>0.99", Threshold("rate>0.99", "rate", ">", 0.99)),
        ("count >= 5", Threshold("count >= 5", "count", ">=", 5.0)),
        ("value==-1.5", Threshold("value==-1.5", "value", "==", -1.5)),
        ("med===.5", Threshold("med===.5", "med", "===", 0.5)),
        ("avg!=1.", Threshold("avg!=1.", "avg", "!=", 1.0)),
        ("p<1", Threshold("p<1", "p", "<", 1.0, 0.0)),
        ("avg<1_000.5", Threshold("avg<1_000.5", "avg", "<", 1000.5)),
        ("max<Inf", Threshold("max<Inf", "max", "<", float("inf"))),
    ],
)
def test_expressions(source: str, expected: Threshold) -> None:
    """Aggregation, operator and number are read with free spaces."""
    assert parse_threshold(source) == expected


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("p(95) 300", "has no operator"),
        ("p(95)=300", "has no operator"),
        ("<300", "has no aggregation before <"),
        ("p(95)<", "needs a number after <, not ''"),
        ("p(95)<300ms", "not '300ms'"),
        ("p(95)<nan", "not 'nan'"),
        ("p(95)<=>3", "not '>3'"),
        ("p(101)<3", "a percentile from 0 to 100"),
        ("p(-1)<3", "a percentile from 0 to 100"),
        ("p()<3", "a percentile from 0 to 100"),
        ("p(95 )<3", "knows no aggregation 'p(95 "),
        ("avg<1__0", "not '1__0'"),
        ("p(x)<3", "a percentile from 0 to 100"),
        ("p95<3", "no aggregation 'p95'"),
        ("mean<3", "no aggregation 'mean'"),
        ("", "has no operator"),
    ],
)
def test_bad_expressions_say_why(source: str, message: str) -> None:
    """Every malformed expression is refused with its reason."""
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        parse_threshold(source)


@given(st.text())
def test_any_text_parses_or_is_refused(source: str) -> None:
    """No text makes the parsers fail in another way than ValueError."""
    for parse in (parse_threshold, parse_metric_key):
        with contextlib.suppress(ValueError):
            assert parse(source)


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from(["<", "<=", ">", ">=", "==", "===", "!="]),
)
def test_any_number_and_operator_come_back(limit: float, sign: str) -> None:
    """The limit is the number as written."""
    threshold = parse_threshold(f"avg {sign} {limit!r}")
    assert (threshold.operator, threshold.limit) == (sign, limit)


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("checks", ("checks", ())),
        ("http_reqs{a:b}", ("http_reqs", (("a", "b"),))),
        ("http_reqs{ b : x , a:'y z' }", ("http_reqs", (("b", "x"), ("a", "y z")))),
        ('http_reqs{url:"http://h:80/p"}', ("http_reqs", (("url", "http://h:80/p"),))),
        ("http_reqs{group:::a::b}", ("http_reqs", (("group", "::a::b"),))),
        ("http_reqs{name:/{id}}", ("http_reqs", (("name", "/{id}"),))),
    ],
)
def test_metric_keys(key: str, expected: tuple[str, tuple[tuple[str, str], ...]]) -> None:
    """Split on commas, then at the first colon; quotes and spaces around are no part of it."""
    assert parse_metric_key(key) == expected


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("", "names no metric"),
        ("{a:b}", "names no metric"),
        ("checks{}", "empty braces"),
        ("checks{a:b", "does not end"),
        ("checks{a:b}x", "does not end"),
        ("checks}", "without a {"),
        ("checks{a}", "'a' where tag:value belongs"),
        ("checks{:b}", "':b' where tag:value belongs"),
        ("checks{a:}", "'a:' where tag:value belongs"),
        ("checks{a:b} ", "does not end"),
        ("checks{a:b,}", "'' where tag:value belongs"),
    ],
)
def test_bad_keys_say_why(key: str, message: str) -> None:
    """Every malformed key is refused with its reason."""
    with pytest.raises(ValueError, match=message):
        parse_metric_key(key)


def test_all_faults_are_listed_at_once() -> None:
    """Keys and expressions, with place and remedy; what is right is not mentioned."""
    faults = validate_thresholds(
        {
            "http_req_duration": (ThresholdSpec("p(95)<300"), ThresholdSpec("rate>1"), ThresholdSpec("fast")),
            "http_req_duraton{a:b}": (ThresholdSpec("p(95)<300"),),
            "checks{}": (ThresholdSpec("rate>0.9"), ThresholdSpec("rate>")),
            "queue": (ThresholdSpec("value<3"), ThresholdSpec("p(1)<3")),
            "zzzzzz": (),
        },
        KNOWN,
    )
    assert [(fault.place, fault.message) for fault in faults] == [
        ("thresholds['http_req_duration']", "'rate>1': a trend has no 'rate'"),
        (
            "thresholds['http_req_duration']",
            "'fast' has no operator; use one of <=, <, >=, >, ===, ==, !=",
        ),
        ("thresholds['http_req_duraton{a:b}']", "there is no metric 'http_req_duraton'"),
        ("thresholds['checks{}']", "the key has empty braces"),
        ("thresholds['checks{}']", "'rate>' needs a number after >, not ''"),
        ("thresholds['queue']", "'p(1)<3': a gauge has no 'p(1)'"),
        ("thresholds['zzzzzz']", "there is no metric 'zzzzzz'"),
    ]
    assert faults[2].hint == "did you mean 'http_req_duration'?"
    assert all(isinstance(fault, Fault) and fault.hint for fault in faults)


@pytest.mark.parametrize("metric", sorted({"checks", "iterations", "vus", "http_req_duration"}))
def test_each_type_takes_its_own_aggregations_only(metric: str) -> None:
    """Counter count and rate, gauge value, rate rate, trend the five."""
    allowed = {
        "iterations": {"count<1", "rate<1"},
        "vus": {"value<1"},
        "checks": {"rate<1"},
        "http_req_duration": {"avg<1", "min<1", "max<1", "med<1", "p(95)<1", "p<1"},
    }
    for source in set().union(*allowed.values()):
        faults = validate_thresholds({metric: (ThresholdSpec(source),)}, KNOWN)
        assert (not faults) == (source in allowed[metric])


TREND = TrendValue(Histogram.of([10.0, 20.0, 30.0, 40.0]))


@pytest.mark.parametrize(
    ("key", "source", "value", "observed"),
    [
        ("http_req_duration", "avg<100", TREND, 25.0),
        ("http_req_duration", "min<100", TREND, 10.0),
        ("http_req_duration", "max<100", TREND, 40.0),
        ("http_req_duration", "med<100", TREND, 25.0),
        ("http_req_duration", "p(100)<100", TREND, 40.0),
        ("http_req_duration", "p<100", TREND, 10.0),
        ("http_req_duration{b:x, a:y}", "p(50)<100", TREND, 25.0),
        ("http_reqs", "count<100", CounterValue(50), 50.0),
        ("http_reqs", "rate<100", CounterValue(50), 25.0),
        ("checks", "rate<100", RateValue(3, 4), 0.75),
        ("vus", "value<100", GaugeValue(7, 1, 9, 3), 7.0),
    ],
)
def test_what_each_aggregation_observes(key: str, source: str, value: SinkValue, observed: float) -> None:
    """A counter's rate is by the run's two seconds."""
    result = judge_one(key, source, value, elapsed_ns=2 * SECOND)
    assert (result.ok, result.observed, result.metric) == (True, observed, key)


def test_a_run_of_no_length_has_no_rate() -> None:
    """Zero seconds give 0, as in k6."""
    assert judge_one("http_reqs", "rate>0", CounterValue(5), elapsed_ns=0).observed == 0.0


def test_abort_on_fail_waits_for_its_delay() -> None:
    """Only a failure after the delay ends the run, and only before its end."""

    def aborted(elapsed_ns: int, delay_ns: int, *, final: bool = False, source: str = "rate>0.9") -> bool:
        return judge_one(
            "checks",
            source,
            RateValue(0, 1),
            elapsed_ns=elapsed_ns,
            final=final,
            abort_on_fail=True,
            delay_ns=delay_ns,
        ).aborted

    assert aborted(0, 0)
    assert not aborted(10 * SECOND, 10 * SECOND)
    assert aborted(10 * SECOND + 1, 10 * SECOND)
    assert not aborted(SECOND, 0, source="rate<0.9")
    assert not aborted(SECOND, 0, final=True)
    assert not judge_one("checks", "rate>0.9", RateValue(0, 1), final=False).aborted


def test_series_without_samples_are_skipped_while_the_run_goes_on() -> None:
    """They neither fail nor abort before the end."""
    for value in (None, TrendValue(Histogram())):
        result = judge_one("http_req_duration", "max>1", value, final=False, abort_on_fail=True)
        assert (result.ok, result.observed, result.aborted, result.no_data) == (True, None, False, False)


def test_no_data_fails_where_data_is_required() -> None:
    """Whatever the expression, for every type but counters."""
    for key, source in (("http_req_duration", "max<1"), ("checks", "rate<1"), ("queue", "value<1")):
        result = judge_one(key, source)
        assert (result.ok, result.observed, result.no_data) == (False, None, True)


def test_what_a_run_that_was_ended_did_not_come_to_is_no_failure() -> None:
    """Required data that are missing then leave the threshold open; what was seen is judged as ever."""
    result = judge_one("checks", "rate>0.99", whole=False)
    assert (result.ok, result.observed, result.no_data) == (True, None, True)
    assert not judge_one("checks", "rate>0.99", RateValue(1, 2), whole=False).ok


def test_no_data_is_judged_as_k6_does_where_it_is_not_required() -> None:
    """A rate passes anything, everything else is 0."""
    cases = {
        ("checks", "rate>0.99"): True,
        ("http_req_duration", "max<1"): True,
        ("http_req_duration", "max>1"): False,
        ("queue", "value==0"): True,
        ("errors", "count<1"): True,
        ("errors", "count>1"): False,
    }
    for (key, source), ok in cases.items():
        result = judge_one(key, source, require_data=False, ran=False)
        assert (result.ok, result.no_data) == (ok, True)


def test_a_counter_that_nothing_was_added_to_counted_nothing() -> None:
    """``errors: count<10`` passes in a run without errors, but not in one that did nothing."""
    assert judge_one("errors", "count<10") == ThresholdResult("errors", "count<10", ok=True, observed=0.0)
    assert not judge_one("errors", "count>10").ok
    assert judge_one("errors", "count<10", ran=False).no_data


def test_silent_series_are_named_for_a_warning() -> None:
    """Each once; dropped iterations are counted by the engine, where none means none."""
    specs = (ThresholdSpec("count<1"), ThresholdSpec("rate<1"))
    judge = Judge({"errors{a:b}": specs, "dropped_iterations": specs, "http_reqs": specs})
    assert judge.silent({"http_reqs": CounterValue(1)}) == ("errors{a:b}",)


def test_series_are_named_as_written() -> None:
    """Quotes and inner spaces stay; a series without an expression is named too; the first spelling holds."""
    judge = Judge(
        {"errors{ a:'b' , c:d }": [], "errors{a:b,c:d}": [ThresholdSpec("count<1")], "http_reqs": []}
    )
    tags = (("a", "b"), ("c", "d"))
    assert judge.written == {("errors", tags): "errors{a:'b' , c:d}", ("http_reqs", ()): "http_reqs"}
    (result,) = judge.judge({"errors{a:b,c:d}": CounterValue(2)}, KNOWN, SECOND, final=True)
    assert (result.metric, result.observed) == ("errors{a:'b' , c:d}", 2)
