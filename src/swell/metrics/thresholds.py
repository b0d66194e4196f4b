"""Thresholds: the grammar of keys and expressions (k6's), their validation, and how they are judged.

    key         metric | metric{tag:value,tag:value}   spaces and quotes around tags and values are free
    expression  aggregation operator number            spaces are free
    operator    the first of <=  <  >=  >  ===  ==  !=  that occurs
    aggregation counter: count, rate · gauge: value · rate: rate · trend: avg, min, max, med, p(N), N 0 to 100

A counter's rate is its sum by the seconds of the whole run. While the run goes on a series without samples is
skipped; at the end it counts: where data is required it fails as "no data" (of a run that was ended early it
is left open), else it is judged as k6 does (a rate passes, everything else is 0). A counter that nothing was
added to did count, and counted 0, as long as the run did anything at all; so ``errors: count<10`` passes when
nothing failed.
"""

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple, Protocol

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.base.errors import Fault
from swell.metrics.delta import TagPairs, format_metric_key
from swell.metrics.model import Metric, MetricType
from swell.metrics.snapshot import (
    CounterValue,
    GaugeValue,
    RateValue,
    SinkValue,
    ThresholdResult,
    TrendValue,
)

# In the order in which they are looked for.
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    "<": operator.lt,
    ">=": operator.ge,
    ">": operator.gt,
    "===": operator.eq,
    "==": operator.eq,
    "!=": operator.ne,
}
_AGGREGATIONS: dict[MetricType, tuple[str, ...]] = {
    MetricType.COUNTER: ("count", "rate"),
    MetricType.GAUGE: ("value",),
    MetricType.RATE: ("rate",),
    MetricType.TREND: ("avg", "min", "max", "med", "p(N)"),
}
# Those of Go that float() reads as well.
_NUMBER = re.compile(r"[+-]?(\d+(_\d+)*(\.(\d+(_\d+)*)?)?|\.\d+)(e[+-]?\d+)?|[+-]?inf(inity)?", re.IGNORECASE)
_PERCENTILE = re.compile(r"p(?:\(([^()\s]*)\))?")


class ThresholdSource(Protocol):
    """A threshold as the options hold it; configuration is a neighbour that this package does not import."""

    @property
    def source(self) -> str:
        """The expression as written."""
        ...

    @property
    def abort_on_fail(self) -> bool:
        """Whether crossing it ends the run."""
        ...

    @property
    def delay_abort_eval_ns(self) -> int | None:
        """How long it does not end the run after the start; None for no time."""
        ...


class Threshold(msgspec.Struct, frozen=True):
    """A parsed expression; ``percent`` is None for what is no percentile."""

    source: str
    aggregation: str
    operator: str
    limit: float
    percent: float | None = None

    def fits(self, kind: MetricType) -> bool:
        """Whether a metric of this type can be aggregated so."""
        return ("p(N)" if self.percent is not None else self.aggregation) in _AGGREGATIONS[kind]

    def holds(self, observed: float) -> bool:
        """Whether the expression is true of ``observed``."""
        return _OPERATORS[self.operator](observed, self.limit)


def parse_threshold(source: str) -> Threshold:
    """Parse ``p(95)<300``; ValueError says what is wrong."""
    sign = next((sign for sign in _OPERATORS if sign in source), None)
    if sign is None:
        raise ValueError(f"has no operator; use one of {', '.join(_OPERATORS)}")
    left, right = (part.strip() for part in source.split(sign, 1))
    if not left:
        raise ValueError(f"has no aggregation before {sign}")
    if not _NUMBER.fullmatch(right):
        raise ValueError(f"needs a number after {sign}, not {right!r}")
    return Threshold(source, left, sign, float(right), _parse_percent(left))


def _parse_percent(aggregation: str) -> float | None:
    """N of ``p(N)``; a bare ``p`` is p(0), as in k6; None for a word that is no percentile."""
    if aggregation in {"count", "rate", "value", "avg", "min", "max", "med"}:
        return None
    match = _PERCENTILE.fullmatch(aggregation)
    if match is None:
        raise ValueError(
            f"knows no aggregation {aggregation!r}; use count, rate, value, avg, min, max, med or p(N)"
        )
    number = match.group(1)
    if number is None:
        return 0.0
    if not _NUMBER.fullmatch(number) or not 0 <= float(number) <= 100:  # noqa: PLR2004 - per cent
        raise ValueError(f"needs a percentile from 0 to 100, not {aggregation!r}")
    return float(number)


def parse_metric_key(key: str) -> tuple[str, TagPairs]:
    """``name{tag:value,...}`` as name and pairs in the order written; ValueError says what is wrong."""
    name, brace, rest = key.partition("{")
    if not name:
        raise ValueError("names no metric")
    if not brace:
        if "}" in key:
            raise ValueError("has a } without a {")
        return name, ()
    if not rest.endswith("}"):
        raise ValueError("does not end with }")
    pairs: dict[str, str] = {}
    for part in rest[:-1].split(","):
        tag, colon, value = part.partition(":")
        tag = _trimmed(tag)
        if not colon or not tag or not value:
            what = (
                "has empty braces"
                if not rest[:-1].strip()
                else f"has {part.strip()!r} where tag:value belongs"
            )
            raise ValueError(what)
        pairs[tag] = _trimmed(value)
    return name, tuple(pairs.items())


def _trimmed(text: str) -> str:
    return text.strip().strip("\"'").strip()


def validate_thresholds(
    thresholds: Mapping[str, Iterable[ThresholdSource]],
    known: Mapping[str, Metric],
    *,
    place: str = "thresholds",
) -> list[Fault]:
    """Every fault in ``thresholds``, none left out; ``known`` holds built-in and custom metrics by name."""
    faults = []
    for key, specs in thresholds.items():
        where = f"{place}[{key!r}]"
        metric = None
        try:
            name, _ = parse_metric_key(key)
        except ValueError as error:
            hint = "write metric or metric{tag:value}, for example http_req_duration{name:login}"
            faults.append(Fault(where, f"the key {error}", hint))
        else:
            metric = known.get(name)
            if metric is None:
                faults.append(Fault(where, f"there is no metric {name!r}", _suggest(name, known)))
        faults += [fault for spec in specs if (fault := _fault_in(spec.source, metric, where))]
    return faults


def _fault_in(source: str, metric: Metric | None, where: str) -> Fault | None:
    try:
        threshold = parse_threshold(source)
    except ValueError as error:
        return Fault(where, f"{source!r} {error}", "for example p(95)<300, avg<100, rate>0.99, count>1000")
    if metric is None or threshold.fits(metric.type):
        return None
    words = ", ".join(_AGGREGATIONS[metric.type])
    message = f"{source!r}: a {metric.type} has no {threshold.aggregation!r}"
    return Fault(where, message, f"{metric.name} is a {metric.type}; it has {words}")


def _suggest(name: str, known: Mapping[str, Metric]) -> str:
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return "a custom metric must be made in the script's top level before a threshold can name it"


def written_metric_key(key: str) -> str:
    """``key`` as k6 shows it: as it was written, but for spaces inside the ends of the braces."""
    name, brace, rest = key.partition("{")
    return f"{name}{{{rest.rstrip().removesuffix('}').strip()}}}" if brace else name


class _Rule(NamedTuple):
    key: str
    written: str
    name: str
    tags: TagPairs
    threshold: Threshold
    abort_on_fail: bool
    delay_abort_eval_ns: int


class Judge:
    """Holds the parsed thresholds of a run (valid ones only) and judges them against what was measured."""

    def __init__(
        self, thresholds: Mapping[str, Iterable[ThresholdSource]], *, require_data: bool = True
    ) -> None:
        self._require_data = require_data
        self._rules: list[_Rule] = []
        # The series that the thresholds name, those without an expression too, and how each is written.
        self.written: dict[tuple[str, TagPairs], str] = {}
        for key, specs in thresholds.items():
            name, tags = parse_metric_key(key)
            written = self.written.setdefault((name, tags), written_metric_key(key))
            self._rules += [
                _Rule(
                    format_metric_key(name, tags),
                    written,
                    name,
                    tags,
                    parse_threshold(spec.source),
                    spec.abort_on_fail,
                    spec.delay_abort_eval_ns or 0,
                )
                for spec in specs
            ]

    def judge(
        self,
        values: Mapping[str, SinkValue],
        known: Mapping[str, Metric],
        elapsed_ns: int,
        *,
        final: bool,
        whole: bool = True,
    ) -> tuple[ThresholdResult, ...]:
        """One result per expression, in the order written.

        ``aborted`` marks those that failed, have abortOnFail and are past their delay: they end the run.
        Before the end a series without samples gives ``ok`` with ``observed`` None; at the end too where the
        run was not ``whole``: what it did not come to is no failure.
        """
        ran = any(isinstance(value, CounterValue) and value.count for value in values.values())
        return tuple(
            self._judge_one(rule, values.get(rule.key), known, elapsed_ns, ran, final, whole)
            for rule in self._rules
        )

    def _judge_one(
        self,
        rule: _Rule,
        value: SinkValue | None,
        known: Mapping[str, Metric],
        elapsed_ns: int,
        ran: bool,
        final: bool,
        whole: bool,
    ) -> ThresholdResult:
        source = rule.threshold.source
        if value is None or is_empty(value):
            return self._judge_empty(rule, known[rule.name].type, ran, final, whole)
        observed = observe(rule.threshold, value, elapsed_ns)
        ok = rule.threshold.holds(observed)
        late_enough = elapsed_ns > rule.delay_abort_eval_ns or not rule.delay_abort_eval_ns
        aborted = not ok and not final and rule.abort_on_fail and late_enough
        return ThresholdResult(rule.written, source, ok, observed, aborted)

    def _judge_empty(
        self, rule: _Rule, kind: MetricType, ran: bool, final: bool, whole: bool
    ) -> ThresholdResult:
        source = rule.threshold.source
        if not final:
            return ThresholdResult(rule.written, source, ok=True, observed=None)
        if kind is MetricType.COUNTER and ran:
            return ThresholdResult(rule.written, source, rule.threshold.holds(0.0), 0.0)
        if self._require_data:
            return ThresholdResult(rule.written, source, ok=not whole, observed=None, no_data=True)
        ok = kind is MetricType.RATE or rule.threshold.holds(0.0)
        return ThresholdResult(rule.written, source, ok, observed=None, no_data=True)

    def silent(self, values: Mapping[str, SinkValue]) -> tuple[str, ...]:
        """The keys of series that saw no sample, for a warning; not of what the engine itself counts."""
        written = {rule.key: rule.written for rule in self._rules if rule.name != "dropped_iterations"}
        silent = (key for key in written if (value := values.get(key)) is None or is_empty(value))
        return tuple(map(written.__getitem__, silent))


def is_empty(value: SinkValue) -> bool:
    """Whether no sample was seen."""
    match value:
        case CounterValue():
            # A counter does not keep how often it was added to; it is made by its first sample.
            return False
        case GaugeValue():
            return not value.samples
        case RateValue():
            return not value.total
        case TrendValue():
            return not value.histogram.count


def observe(threshold: Threshold, value: SinkValue, elapsed_ns: int) -> float:
    """The number that an expression speaks of; the run has lasted ``elapsed_ns``."""
    match value:
        case CounterValue():
            if threshold.aggregation == "count":
                return value.count
            return value.count * NS_PER_SECOND / elapsed_ns if elapsed_ns > 0 else 0.0
        case GaugeValue():
            return value.value
        case RateValue():
            return value.trues / value.total if value.total else 0.0
        case TrendValue():
            return _observe_trend(threshold, value)


def _observe_trend(threshold: Threshold, value: TrendValue) -> float:
    histogram = value.histogram
    match threshold.aggregation:
        case "avg":
            return histogram.mean
        case "min":
            return histogram.min
        case "max":
            return histogram.max
        case "med":
            return histogram.percentile(50)
        case _:
            return histogram.percentile(threshold.percent or 0.0)
