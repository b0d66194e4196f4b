"""The run's side: adds up the workers' deltas and gives the snapshots that everything else reads.

What is kept is immutable (a delta replaces a value by a merged one), so that a snapshot shares it and costs
next to nothing. Memory is bounded by the tables' rows and one row per second of the run.
"""

from bisect import bisect_right
from collections.abc import Iterable, Mapping

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.metrics.delta import Delta, SecondDelta, SeriesRules, format_metric_key
from swell.metrics.histogram import Histogram
from swell.metrics.model import MetricType
from swell.metrics.samples import ErrorTable
from swell.metrics.snapshot import (
    CheckState,
    CounterValue,
    ErrorRow,
    GaugeValue,
    MetricState,
    RateValue,
    RequestRow,
    RunInfo,
    ScenarioState,
    Second,
    Section,
    SinkValue,
    Snapshot,
    ThresholdResult,
    TrendValue,
    Verdict,
)
from swell.metrics.tags import OVERFLOW
from swell.metrics.thresholds import Judge, ThresholdSource

_MORE_ERRORS = (0, "more kinds of errors", "", "")


class RunAggregate:
    """Everything measured in a run so far, over all workers.

    ``started_ns`` (monotonic) is the start of the run, setup included: the timeline counts from it.
    """

    def __init__(
        self,
        rules: SeriesRules,
        thresholds: Mapping[str, Iterable[ThresholdSource]] | None = None,
        *,
        require_data: bool = True,
        started_ns: int = 0,
    ) -> None:
        self._rules = rules
        self._known = rules.known()
        self._judge = Judge(thresholds or {}, require_data=require_data)
        self._started_ns = started_ns
        self._latest_ns = started_ns
        self._values: dict[str, SinkValue] = {}
        self._checks: dict[tuple[str, str, str], CheckState] = {}
        self._groups: dict[str, None] = {}
        self._requests: dict[tuple[str, str], RequestRow] = {}
        self._errors: dict[tuple[int, str, str, str], ErrorRow] = {}
        self._sections: dict[tuple[str, str], dict[str, MetricState]] = {}
        self._timeline = Timeline()
        self._results: tuple[ThresholdResult, ...] = ()
        self._final = False
        self._overflows: dict[int, tuple[int, int]] = {}
        self.http_records = 0
        self.unstamped = 0
        self.window_limited = 0
        self.refused = 0
        self.gaps = Histogram()

    # In.

    def add(self, delta: Delta, worker: int = 0) -> None:
        """Add what ``worker`` sent."""
        for metric in delta.metrics:
            self._known.setdefault(metric.name, metric)
        for key, value in delta.values.items():
            self._values[key] = merge_values(self._values.get(key), value)
        self._add_checks(delta.checks)
        self._groups.update(dict.fromkeys(delta.groups))
        self._add_requests(delta.requests)
        self._add_sections(delta.sections)
        self._add_errors(delta)
        self._timeline.add(delta.seconds)
        self.http_records += delta.http_records
        self.unstamped += delta.unstamped
        self.window_limited += delta.window_limited
        self.refused += delta.refused
        self.gaps = self.gaps.merge(delta.gaps)
        self._overflows[worker] = (delta.overflowed_tag_sets, delta.overflowed_rows)
        self._latest_ns = max(self._latest_ns, delta.to_ns)

    def gauge(self, name: str, value: float, at_ns: int | None = None) -> None:
        """Sample a gauge that the coordinator itself knows (``vus``, ``vus_max``); ``at_ns`` is monotonic."""
        sample = GaugeValue(value, value, value, 1)
        self._values[name] = merge_values(self._values.get(name), sample)
        if name == "vus":
            self._timeline.vus(self._latest_ns if at_ns is None else at_ns, int(value))

    def _add_checks(self, checks: Iterable[CheckState]) -> None:
        for check in checks:
            key = (check.scenario, check.group, check.name)
            if key not in self._checks and len(self._checks) >= self._rules.check_rows:
                key = ("", "", OVERFLOW)
            old = self._checks.get(key)
            passes, fails = (old.passes, old.fails) if old else (0, 0)
            scenario, group, name = key
            self._checks[key] = CheckState(name, group, scenario, passes + check.passes, fails + check.fails)

    def _add_requests(self, rows: Iterable[RequestRow]) -> None:
        for row in rows:
            key = (row.name, row.method)
            if key not in self._requests and len(self._requests) >= self._rules.request_rows:
                key = (OVERFLOW, "")
            old = self._requests.get(key)
            if old is None:
                self._requests[key] = msgspec.structs.replace(row, name=key[0], method=key[1])
                continue
            statuses = dict(old.statuses)
            for status, count in row.statuses.items():
                statuses[status] = statuses.get(status, 0) + count
            self._requests[key] = RequestRow(
                *key,
                old.count + row.count,
                old.failures + row.failures,
                old.durations.merge(row.durations),
                statuses,
            )

    def _add_sections(self, sections: Iterable[Section]) -> None:
        for section in sections:
            key = (section.scenario, section.group)
            if key not in self._sections and len(self._sections) >= self._rules.section_rows:
                key = (OVERFLOW, "")
            states = self._sections.setdefault(key, {})
            for state in section.metrics:
                old = states.get(state.key)
                value = merge_values(old.value if old else None, state.value)
                states[state.key] = MetricState(state.metric, value, state.tags)

    def _add_errors(self, delta: Delta) -> None:
        for seen in delta.errors:
            key = (seen.code, seen.message, seen.method, seen.name)
            if key not in self._errors and len(self._errors) >= ErrorTable.LIMIT:
                key = _MORE_ERRORS
            old = self._errors.get(key)
            count, example = (old.count, old.example) if old else (0, "")
            self._errors[key] = ErrorRow(*key, count + seen.count, example or seen.example)

    # Out.

    @property
    def values(self) -> Mapping[str, SinkValue]:
        """What was measured, by the key of metric or submetric."""
        return self._values

    @property
    def overflowed_tag_sets(self) -> int:
        """How often a worker's registry of tag sets was full."""
        return sum(tag_sets for tag_sets, _ in self._overflows.values())

    @property
    def overflowed_rows(self) -> int:
        """How many series share the row "(other)" of a full table."""
        return sum(rows for _, rows in self._overflows.values())

    def percentile(self, key: str, percent: float) -> float | None:
        """A percentile of a trend, or None where nothing was seen."""
        value = self._values.get(key)
        if not isinstance(value, TrendValue) or not value.histogram.count:
            return None
        return value.histogram.percentile(percent)

    def judge(
        self, elapsed_ns: int, *, final: bool = False, whole: bool = True
    ) -> tuple[ThresholdResult, ...]:
        """Judge the thresholds, for the snapshots that follow too; ``final`` counts empty series.

        A run that is not ``whole`` was ended early.
        """
        self._results = self._judge.judge(self._values, self._known, elapsed_ns, final=final, whole=whole)
        self._final = final
        return self._results

    def metric_states(self) -> tuple[MetricState, ...]:
        """All metrics with samples or a threshold, built-in ones first, submetrics after their metric."""
        wanted: dict[str, dict[str, MetricState]] = {name: {} for name in self._known}
        written = self._judge.written
        for name, tags in (*((name, ()) for name in self._known), *written, *self._rules.submetrics):
            key = format_metric_key(name, tags)
            value = self._values.get(key)
            if value is None and (name, tags) in written:
                value = empty_value(self._known[name].type)
            if value is not None:
                wanted[name][key] = MetricState(self._known[name], value, tags, written.get((name, tags), ""))
        return tuple(state for states in wanted.values() for state in states.values())

    def warnings(self) -> tuple[str, ...]:
        """What a reader of the results should know about their completeness."""
        found = []
        if self.overflowed_tag_sets:
            found.append(
                f"too many different tags: {self.overflowed_tag_sets} sets were put together;"
                " group URLs with name="
            )
        if self.overflowed_rows:
            rules = self._rules
            found.append(
                f"{self.overflowed_rows} series are in the row {OVERFLOW!r}: the tables keep "
                f"{rules.request_rows}"
                f" requests, {rules.check_rows} checks and {rules.section_rows} sections; group with name="
            )
        if self.refused:
            found.append(f"{self.refused} values were no finite numbers and are left out")
        if self._final:
            found += [f"the threshold on {key!r} saw no samples" for key in self._judge.silent(self._values)]
        return tuple(found)

    def snapshot(
        self,
        run: RunInfo,
        scenarios: Iterable[ScenarioState] = (),
        *,
        verdict: Verdict | None = None,
        warnings: Iterable[str] = (),
        setup_data: bytes | None = None,
    ) -> Snapshot:
        """Everything known now; ``warnings`` stand before this object's own, ``setup_data`` is JSON."""
        return Snapshot(
            run=run,
            metrics=self.metric_states(),
            checks=tuple(self._checks.values()),
            groups=tuple(self._groups),
            requests=tuple(self._requests.values()),
            errors=tuple(sorted(self._errors.values(), key=lambda row: -row.count)),
            thresholds=self._results,
            scenarios=tuple(scenarios),
            sections=tuple(
                Section(scenario, group, tuple(states.values()))
                for (scenario, group), states in self._sections.items()
            ),
            timeline=self._timeline.rows(self._started_ns),
            verdict=verdict,
            warnings=(*warnings, *self.warnings()),
            setup_data=msgspec.Raw(setup_data if setup_data is not None else b"null"),
        )


class Timeline:
    """One row per second of the run, all workers together; only changed rows are made anew."""

    def __init__(self) -> None:
        self._seconds: dict[int, SecondDelta] = {}
        self._rows: dict[int, Second] = {}
        self._vus_at: list[int] = []
        self._vus: list[int] = []

    def add(self, seconds: Iterable[SecondDelta]) -> None:
        """Add what a worker saw."""
        for new in seconds:
            old = self._seconds.get(new.at_ns)
            self._rows.pop(new.at_ns, None)
            self._seconds[new.at_ns] = new if old is None else _merge_seconds(old, new)

    def vus(self, at_ns: int, vus: int) -> None:
        """Note how many VUs were active."""
        if self._vus_at and at_ns <= self._vus_at[-1]:
            self._vus[-1] = vus
        else:
            self._vus_at.append(at_ns)
            self._vus.append(vus)
        # The second that this instant lies in shows the newest number.
        for at in list(self._rows)[-2:]:
            if at <= at_ns < at + NS_PER_SECOND:
                del self._rows[at]

    def rows(self, started_ns: int) -> tuple[Second, ...]:
        """The seconds in order, counted from ``started_ns``."""
        fresh = [at_ns for at_ns in self._seconds if at_ns not in self._rows]
        for at_ns in fresh:
            self._rows[at_ns] = self._row(at_ns, started_ns)
        if fresh:
            self._rows = dict(sorted(self._rows.items()))
        return tuple(self._rows.values())

    def _row(self, at_ns: int, started_ns: int) -> Second:
        second = self._seconds[at_ns]
        p50, p95, p99 = second.durations.percentiles((50, 95, 99))
        place = bisect_right(self._vus_at, at_ns + NS_PER_SECOND - 1)
        return Second(
            at_ns=at_ns - started_ns,
            requests=second.requests,
            failures=second.failures,
            iterations=second.iterations,
            vus=self._vus[place - 1] if place else 0,
            p50_ms=p50,
            p95_ms=p95,
            p99_ms=p99,
            bytes_sent=second.bytes_sent,
            bytes_received=second.bytes_received,
        )


def _merge_seconds(old: SecondDelta, new: SecondDelta) -> SecondDelta:
    return SecondDelta(
        old.at_ns,
        old.requests + new.requests,
        old.failures + new.failures,
        old.iterations + new.iterations,
        old.bytes_sent + new.bytes_sent,
        old.bytes_received + new.bytes_received,
        old.durations.merge(new.durations),
    )


def merge_values(old: SinkValue | None, new: SinkValue) -> SinkValue:
    """Both together; of gauges, ``new`` is the later. TypeError where the types differ."""
    match old, new:
        case None, _:
            return new
        case CounterValue(), CounterValue():
            return CounterValue(old.count + new.count)
        case RateValue(), RateValue():
            return RateValue(old.trues + new.trues, old.total + new.total)
        case TrendValue(), TrendValue():
            return TrendValue(old.histogram.merge(new.histogram))
        case GaugeValue(), GaugeValue():
            if not (old.samples and new.samples):
                return new if new.samples else old
            low, high = min(old.min, new.min), max(old.max, new.max)
            return GaugeValue(new.value, low, high, old.samples + new.samples)
    raise TypeError(f"cannot merge {type(old).__name__} with {type(new).__name__}")


def empty_value(kind: MetricType) -> SinkValue:
    """The value of a metric that saw nothing."""
    match kind:
        case MetricType.COUNTER:
            return CounterValue()
        case MetricType.GAUGE:
            return GaugeValue()
        case MetricType.RATE:
            return RateValue()
        case MetricType.TREND:
            return TrendValue(Histogram())
