"""The figures of a snapshot under the names that k6 gives them: statistics, rates, keys and their order."""

from swell.base.clock import NS_PER_SECOND
from swell.metrics.histogram import Histogram
from swell.metrics.model import BUILTIN_METRICS, Contains
from swell.metrics.snapshot import (
    CounterValue,
    GaugeValue,
    MetricState,
    RateValue,
    RunInfo,
    Snapshot,
    TrendValue,
)

# Metrics that k6 does not have.
OWN_METRICS = ("http_req_response_time", "iteration_start_lag", "iteration_response_time")


def run_seconds(run: RunInfo) -> float:
    """How long the run took, setup and teardown included, in seconds."""
    return run.duration_ns / NS_PER_SECOND


def per_second(count: float, run: RunInfo) -> float:
    """``count`` over the whole run; 0 for a run of no length, as k6 does since 2.2."""
    seconds = run_seconds(run)
    return count / seconds if seconds > 0 else 0.0


def share(part: float, whole: float) -> float:
    """``part`` of ``whole``, 0 where there is no whole."""
    return part / whole if whole else 0.0


def trend_stat(histogram: Histogram, stat: str) -> float:
    """The statistic ``stat``: avg, min, med, max, count or p(N); 0 for an empty trend, as in k6."""
    if histogram.count == 0:
        return 0.0
    if stat == "avg":
        return histogram.mean
    if stat == "min":
        return histogram.min
    if stat == "max":
        return histogram.max
    if stat == "med":
        return histogram.percentile(50.0)
    if stat == "count":
        return float(histogram.count)
    return histogram.percentile(float(stat.removeprefix("p(").removesuffix(")") or 0))


def has_samples(state: MetricState) -> bool:
    """Whether anything was measured; a built-in counter at nought was not, unless it counts bytes."""
    match state.value:
        case CounterValue(count=count):
            metric = state.metric
            return count != 0 or metric.contains is Contains.DATA or metric.name not in BUILTIN_METRICS
        case GaugeValue(samples=samples):
            return samples > 0
        case RateValue(total=total):
            return total > 0
        case TrendValue(histogram=histogram):
            return histogram.count > 0


def shown_metrics(snapshot: Snapshot) -> list[MetricState]:
    """The metrics and submetrics that reports list, sorted: those with samples or a threshold.

    A k6 script's own functions read them, which know k6's metrics only.
    """
    judged = {result.metric for result in snapshot.thresholds}
    judged |= {state.written for state in snapshot.metrics}
    is_k6 = snapshot.run.language == "k6"
    if is_k6:
        # A submetric's own metric stands above it, though it be empty.
        judged |= {split_key(key)[0] for key in judged}
    hidden = OWN_METRICS if is_k6 else ()
    shown = [
        state
        for state in (*snapshot.metrics, *(_empty_metrics(snapshot) if is_k6 else ()))
        if state.key in judged or (has_samples(state) and state.key not in hidden)
    ]
    return sorted(shown, key=lambda state: key_order(state.key))


def _empty_metrics(snapshot: Snapshot) -> list[MetricState]:
    """What k6 has without a sample of it: the metrics of submetrics, and the bytes of runs that sent none."""
    known = {state.key for state in snapshot.metrics}
    above = {state.metric.name: state for state in snapshot.metrics if state.metric.name not in known}
    return [MetricState(state.metric, state.value) for state in above.values()] + [
        MetricState(metric, CounterValue())
        for metric in BUILTIN_METRICS.values()
        if metric.contains is Contains.DATA and metric.name not in known
    ]


def parent_group(path: str) -> str:
    """The path of the group around ``path``; empty for one at the root."""
    return path.rpartition("::")[0]


def child_groups(snapshot: Snapshot, path: str) -> list[str]:
    """The groups right below ``path`` in the order first seen, also those that only hold further groups."""
    found: dict[str, None] = {}
    for seen in (*snapshot.groups, *(check.group for check in snapshot.checks)):
        group = seen
        while group and parent_group(group) != path:
            group = parent_group(group)
        if group:
            found[group] = None
    return list(found)


def split_key(key: str) -> tuple[str, str]:
    """``name{tags}`` as the name and ``{tags}``; the latter is empty for a whole metric."""
    name, brace, rest = key.partition("{")
    return name, brace + rest


def key_order(key: str) -> tuple[object, ...]:
    """The place of a metric in k6's lists: by parent, then by tags, each in the order of a dictionary."""
    name, tags = split_key(key)
    return (collation(name), collation(tags))


def collation(text: str) -> tuple[object, ...]:
    """A sort key near to k6's Unicode collation: marks, digits, letters; case decides ties only."""
    ranks = tuple((2 if char.isalpha() else 1 if char.isdigit() else 0, char) for char in text.casefold())
    return (ranks, text.swapcase())


# Histograms hold a value to half of this; a number of fewer digits within it says no more than is known.
_RELATIVE_ERROR = 0.0005


def without_false_digits(histogram: Histogram, value: float) -> float:
    """A percentile with as few decimals as its histogram's precision allows: 120 for 120.0586.

    The ends of a distribution are known exactly and stay as they are.
    """
    if value in {histogram.min, histogram.max}:
        return value
    for decimals in range(7):
        rounded = round(value, decimals)
        if abs(rounded - value) <= _RELATIVE_ERROR * abs(value):
            return rounded
    return value
