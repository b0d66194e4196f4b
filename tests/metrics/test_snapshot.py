"""Saving and loading of snapshots."""

from pathlib import Path

import msgspec
import pytest

from swell.metrics.histogram import Histogram
from swell.metrics.model import BUILTIN_METRICS, HTTP_PHASES
from swell.metrics.snapshot import (
    CounterValue,
    GaugeValue,
    MetricState,
    RateValue,
    Reason,
    RequestRow,
    RunInfo,
    Second,
    Snapshot,
    SnapshotError,
    TrendValue,
    Verdict,
    load_snapshot,
    save_snapshot,
)

FULL = Snapshot(
    run=RunInfo("id", "script.py", "2026-01-01T00:00:00Z", 5, "0", 1, 7),
    metrics=(
        MetricState(BUILTIN_METRICS["http_reqs"], CounterValue(3)),
        MetricState(BUILTIN_METRICS["vus"], GaugeValue(1, 1, 2, 3)),
        MetricState(BUILTIN_METRICS["checks"], RateValue(1, 2)),
        MetricState(
            BUILTIN_METRICS["http_req_duration"],
            TrendValue(Histogram.of([0.1, 5.0])),
            (("a", "b"), ("c", "d")),
        ),
    ),
    requests=(RequestRow("/", "GET", 1, 0, Histogram.of([1.0]), {"200": 1}),),
    timeline=(Second(0, 1, 0, 1, 1, 1.0, 2.0, 3.0, 4, 5),),
    verdict=Verdict("degraded", (Reason("hub-lag", "latency", "degraded", "late", 200.0, 100.0),)),
    setup_data=msgspec.Raw(b'{"token":"x"}'),
)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    """Every part comes back; missing folders are made, and nothing else is left in them."""
    path = tmp_path / "deep" / "run.json"
    save_snapshot(FULL, path)
    save_snapshot(FULL, path)
    loaded = load_snapshot(path)
    assert msgspec.structs.replace(loaded, setup_data=FULL.setup_data) == FULL
    assert bytes(loaded.setup_data) == b'{"token":"x"}'
    assert [entry.name for entry in path.parent.iterdir()] == ["run.json"]


def test_a_failed_save_leaves_the_old_file(tmp_path: Path) -> None:
    """Atomic: no half file, no litter."""
    path = tmp_path / "run.json"
    save_snapshot(FULL, path)
    broken = msgspec.structs.replace(FULL, warnings=(object(),))
    with pytest.raises(TypeError):
        save_snapshot(broken, path)
    assert load_snapshot(path).run == FULL.run
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot read"),
        (b"", "is no saved snapshot"),
        (b"\xff\xfe", "is no saved snapshot"),
        (b"[1]", "is no saved snapshot"),
        (b'{"a":1}', "is no saved snapshot"),
        (b'{"version":99}', "has snapshot version 99; this swell reads version 1"),
        (b'{"version":1,"run":{}}', "is damaged"),
    ],
)
def test_what_cannot_be_loaded_says_why(tmp_path: Path, content: bytes | None, message: str) -> None:
    """Missing, broken, of another version: one clear error with the path."""
    path = tmp_path / "run.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(SnapshotError, match=message) as caught:
        load_snapshot(path)
    assert str(path) in caught.value.message


def test_a_truncated_file_is_broken(tmp_path: Path) -> None:
    """Half of a good file is no snapshot."""
    path = tmp_path / "run.json"
    save_snapshot(FULL, path)
    path.write_bytes(path.read_bytes()[:200])
    with pytest.raises(SnapshotError):
        load_snapshot(path)


def test_metrics_are_found_by_their_key() -> None:
    """Submetrics under name{tag:value,...}."""
    found = FULL.metric("http_req_duration{a:b,c:d}")
    assert found is not None
    assert FULL.metric("http_req_duration") is None


def test_the_phases_are_built_in_metrics() -> None:
    """Each phase of a request is a trend of its own."""
    assert set(HTTP_PHASES) < set(BUILTIN_METRICS)
