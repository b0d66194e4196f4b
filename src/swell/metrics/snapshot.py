"""The immutable, mergeable, versioned state of a run that every report is a pure function of.

A snapshot is taken while a run goes on (the live view, thresholds) and at its end; the last one is saved as
JSON and every report can be made again from it.
"""

import os
from pathlib import Path
from typing import Final, Literal

import msgspec

from swell.base.errors import ExitCode, SwellError
from swell.metrics.histogram import Histogram
from swell.metrics.invariants import InvariantState, LedgerState
from swell.metrics.model import Metric

SNAPSHOT_VERSION = 1


class CounterValue(msgspec.Struct, frozen=True, tag="counter"):
    """The sum of a counter."""

    count: float = 0.0


class GaugeValue(msgspec.Struct, frozen=True, tag="gauge"):
    """Last, smallest and largest value of a gauge; ``samples`` 0 means none was seen."""

    value: float = 0.0
    min: float = 0.0
    max: float = 0.0
    samples: int = 0


class RateValue(msgspec.Struct, frozen=True, tag="rate"):
    """How many of the samples were not zero."""

    trues: int = 0
    total: int = 0


class TrendValue(msgspec.Struct, frozen=True, tag="trend"):
    """The distribution of a trend."""

    histogram: Histogram


SinkValue = CounterValue | GaugeValue | RateValue | TrendValue


class MetricState(msgspec.Struct, frozen=True):
    """A metric, or a submetric (then ``tags`` is not empty), and what was measured of it."""

    metric: Metric
    value: SinkValue
    tags: tuple[tuple[str, str], ...] = ()
    # How the thresholds write it; empty where none names it.
    written: str = ""

    @property
    def key(self) -> str:
        """``name`` or ``name{tag:value,...}``, as thresholds name it."""
        if self.written or not self.tags:
            return self.written or self.metric.name
        return f"{self.metric.name}{{{','.join(f'{name}:{value}' for name, value in self.tags)}}}"


class CheckState(msgspec.Struct, frozen=True):
    """One check in one group; ``group`` is the path ``::a::b``, empty at the root."""

    name: str
    group: str
    scenario: str
    passes: int
    fails: int


class RequestRow(msgspec.Struct, frozen=True):
    """One line of the table per request name and method."""

    name: str
    method: str
    count: int
    failures: int
    durations: Histogram
    statuses: dict[str, int] = {}


# The method of rows about WebSockets, which are no requests.
WEBSOCKET: Final = "WS"


class ErrorRow(msgspec.Struct, frozen=True):
    """Failures of one kind, with the first example seen."""

    code: int
    message: str
    method: str
    name: str
    count: int
    example: str = ""


class ThresholdResult(msgspec.Struct, frozen=True):
    """One judged threshold expression; ``observed`` is None where no sample was seen.

    ``no_data`` is set at the end only: with ``ok`` false the threshold failed for want of samples, with
    ``ok`` true it passed without any, as in k6, or the run was ended before there were any. ``aborted`` means
    that this result ends the run.
    """

    metric: str
    source: str
    ok: bool
    observed: float | None
    aborted: bool = False
    no_data: bool = False


class ScenarioState(msgspec.Struct, frozen=True):
    """How far one scenario is."""

    name: str
    executor: str
    description: str
    status: Literal["waiting", "running", "stopping", "done", "interrupted"]
    start_time_ns: int = 0
    duration_ns: int = 0
    elapsed_ns: int = 0
    progress: float = 0.0
    vus: int = 0
    max_vus: int = 0
    iterations_started: int = 0
    iterations: int = 0
    interrupted: int = 0
    dropped: int = 0
    # Iterations in all for the executors that count them, else None.
    iterations_total: int | None = None
    # Iterations a second that the plan asks for now; open-model executors only.
    planned_rate: float | None = None


class Section(msgspec.Struct, frozen=True):
    """The metrics of one scenario or group, for the full summary."""

    scenario: str
    group: str
    metrics: tuple[MetricState, ...]


class Second(msgspec.Struct, frozen=True):
    """One second of the run, all scenarios together."""

    at_ns: int
    requests: int
    failures: int
    iterations: int
    vus: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    bytes_sent: int
    bytes_received: int


class Reason(msgspec.Struct, frozen=True):
    """Why a verdict is not ``trusted``: what was measured against which published limit."""

    slug: str
    question: Literal["load", "latency", "data"]
    level: Literal["degraded", "invalid"]
    message: str
    measured: float
    limit: float


class Verdict(msgspec.Struct, frozen=True):
    """Whether the measurement can be trusted."""

    level: Literal["trusted", "degraded", "invalid"]
    reasons: tuple[Reason, ...] = ()
    # By slug, whatever was measured and could be a reason, crossed limits or not.
    measured: dict[str, float] = {}


class RunInfo(msgspec.Struct, frozen=True):
    """What ran."""

    run_id: str
    script: str
    started_at: str
    duration_ns: int
    swell_version: str
    workers: int
    seed: int
    status: Literal["running", "finished", "aborted", "failed"] = "running"
    abort_reason: str = ""
    exit_code: int = 0
    summary_trend_stats: tuple[str, ...] = ("avg", "min", "med", "max", "p(90)", "p(95)")
    summary_time_unit: str = ""
    scenarios_max_vus: int = 0
    # The longest that the scenarios may take, graceful stops of the last ones left out.
    planned_ns: int = 0
    # The script's language: reports on a k6 script list k6's metrics only.
    language: str = "native"


class Snapshot(msgspec.Struct, frozen=True):
    """Everything known of a run at one moment."""

    run: RunInfo
    metrics: tuple[MetricState, ...]
    checks: tuple[CheckState, ...] = ()
    groups: tuple[str, ...] = ()
    requests: tuple[RequestRow, ...] = ()
    errors: tuple[ErrorRow, ...] = ()
    thresholds: tuple[ThresholdResult, ...] = ()
    scenarios: tuple[ScenarioState, ...] = ()
    sections: tuple[Section, ...] = ()
    timeline: tuple[Second, ...] = ()
    invariants: tuple[InvariantState, ...] = ()
    ledgers: tuple[LedgerState, ...] = ()
    verdict: Verdict | None = None
    warnings: tuple[str, ...] = ()
    setup_data: msgspec.Raw = msgspec.Raw(b"null")
    version: int = SNAPSHOT_VERSION

    def metric(self, key: str) -> MetricState | None:
        """The metric or submetric with this key, or None."""
        for state in self.metrics:
            if state.key == key:
                return state
        return None


class SnapshotError(SwellError):
    """A saved snapshot cannot be read."""

    exit_code = ExitCode.INVALID_CONFIG
    slug = "invalid-snapshot"


class _Versioned(msgspec.Struct):
    version: int


def save_snapshot(snapshot: Snapshot, path: Path) -> None:
    """Write ``snapshot`` as JSON; readers see the old file or the whole new one. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with temporary.open("wb") as file:
            file.write(msgspec.json.encode(snapshot))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def load_snapshot(path: Path) -> Snapshot:
    """Read what ``save_snapshot`` wrote; ``SnapshotError`` where it is missing, broken or another version."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SnapshotError(f"cannot read {path}: {error.strerror}") from error
    try:
        version = msgspec.json.decode(content, type=_Versioned).version
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        hint = "it must be the JSON file that a run saved, whole and unchanged"
        raise SnapshotError(f"{path} is no saved snapshot: {error}", hint=hint) from error
    if version != SNAPSHOT_VERSION:
        hint = "use the version of swell that saved it, or run the test again"
        message = f"{path} has snapshot version {version}; this swell reads version {SNAPSHOT_VERSION}"
        raise SnapshotError(message, hint=hint)
    try:
        return msgspec.json.decode(content, type=Snapshot)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise SnapshotError(
            f"{path} is damaged: {error}", hint="run the test again to save a new one"
        ) from error
