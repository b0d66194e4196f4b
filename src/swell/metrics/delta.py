"""What travels from a worker to the coordinator once a second, and the rules for what is kept."""

from collections.abc import Iterable, Mapping

import msgspec

from swell.metrics.histogram import Histogram
from swell.metrics.model import BUILTIN_METRICS, Metric
from swell.metrics.samples import ErrorSeen
from swell.metrics.snapshot import CheckState, RequestRow, Section, SinkValue

TagPairs = tuple[tuple[str, str], ...]

REQUEST_ROWS = 1_000
CHECK_ROWS = 2_000
SECTIONS = 500
# k6 keeps this one always, so that failures do not blur the latency of answers.
EXPECTED_RESPONSE = ("http_req_duration", (("expected_response", "true"),))


class SeriesRules(msgspec.Struct, frozen=True):
    """Which series are kept beyond the metrics' totals; the same in all workers."""

    # Custom metrics of the script; the built-in ones are always known.
    metrics: tuple[Metric, ...] = ()
    # (metric, ((tag, value), ...)): what thresholds name, and ``EXPECTED_RESPONSE``.
    submetrics: tuple[tuple[str, TagPairs], ...] = (EXPECTED_RESPONSE,)
    # Metrics per (scenario, group), for the full summary.
    sections: bool = False
    # Rows kept of each table; what comes later shares the row "(other)".
    request_rows: int = REQUEST_ROWS
    check_rows: int = CHECK_ROWS
    section_rows: int = SECTIONS

    def known(self) -> dict[str, Metric]:
        """Every metric by name."""
        return {**BUILTIN_METRICS, **{metric.name: metric for metric in self.metrics}}


def series_rules(
    metrics: Iterable[Metric], keys: Iterable[tuple[str, TagPairs]], *, sections: bool = False
) -> SeriesRules:
    """Rules for custom ``metrics`` and the parsed ``keys`` of the thresholds (without tags: totals)."""
    submetrics = dict.fromkeys((EXPECTED_RESPONSE, *(key for key in keys if key[1])))
    return SeriesRules(metrics=tuple(metrics), submetrics=tuple(submetrics), sections=sections)


def format_metric_key(name: str, tags: TagPairs = ()) -> str:
    """``name`` or ``name{tag:value,...}``."""
    return f"{name}{{{','.join(f'{tag}:{value}' for tag, value in tags)}}}" if tags else name


class SecondDelta(msgspec.Struct, frozen=True):
    """What ended within the second that begins at ``at_ns`` (monotonic)."""

    at_ns: int
    requests: int = 0
    failures: int = 0
    iterations: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    durations: Histogram = Histogram()


class Delta(msgspec.Struct, frozen=True):
    """What one worker measured from ``from_ns`` to ``to_ns`` (monotonic)."""

    from_ns: int
    to_ns: int
    # Metrics and submetrics by key.
    values: Mapping[str, SinkValue] = {}
    # Metrics that the rules did not name, seen for the first time.
    metrics: tuple[Metric, ...] = ()
    checks: tuple[CheckState, ...] = ()
    groups: tuple[str, ...] = ()
    requests: tuple[RequestRow, ...] = ()
    sections: tuple[Section, ...] = ()
    seconds: tuple[SecondDelta, ...] = ()
    errors: tuple[ErrorSeen, ...] = ()
    http_records: int = 0
    unstamped: int = 0
    window_limited: int = 0
    # From the kernel's receive stamp to user space, in ms; stamped records only.
    gaps: Histogram = Histogram()
    # Values that were no numbers (NaN, infinite) and are left out.
    refused: int = 0
    # Since the start of the run, not of the delta: tag sets and rows that share the row "(other)".
    overflowed_tag_sets: int = 0
    overflowed_rows: int = 0
