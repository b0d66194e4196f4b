"""From records to results: what a worker sums up each second, and how the run adds it up."""

import msgspec

from swell.metrics.histogram import Histogram
from swell.metrics.model import Metric
from swell.metrics.samples import ErrorSeen
from swell.metrics.snapshot import CheckState, RequestRow, Section, SinkValue

REQUEST_ROWS = 1_000


class SeriesRules(msgspec.Struct, frozen=True):
    """Which series are kept beyond the metrics' totals; the same in all workers."""

    # Custom metrics of the script; the built-in ones are always known.
    metrics: tuple[Metric, ...] = ()
    # (metric, ((tag, value), ...)): what thresholds name.
    submetrics: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()
    # Metrics per (scenario, group), for the full summary.
    sections: bool = False
    request_rows: int = REQUEST_ROWS


class SecondDelta(msgspec.Struct, frozen=True):
    """What ended within one second of the run; ``second`` counts from the start."""

    second: int
    requests: int = 0
    failures: int = 0
    iterations: int = 0
    bytes_sent: int = 0
    bytes_received: int = 0
    durations: Histogram = Histogram()


class Delta(msgspec.Struct, frozen=True):
    """What one worker measured from ``from_ns`` to ``to_ns``."""

    from_ns: int
    to_ns: int
    # Metrics and submetrics by key.
    values: dict[str, SinkValue] = {}
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
    # Since the start of the run, not of the delta.
    overflowed_tag_sets: int = 0
    overflowed_rows: int = 0
    refused: int = 0
