"""Reasons of a verdict, provoked in real runs: real workers, a real server, a real kernel."""

import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from own_network import late_target

from swell.base.errors import ExitCode
from swell.metrics.snapshot import Snapshot, TrendValue, Verdict
from swell.metrics.verdict import LIMITS
from swell.testing.cli import CLIResult

Run = Callable[..., CLIResult]

LATE = """
import time
from swell import env, http

options = {"scenarios": {
    "burning": {"executor": "constant-arrival-rate", "rate": 40, "duration": "1s", "preAllocatedVUs": 60},
    "short": {"executor": "constant-arrival-rate", "rate": 20, "duration": "1s", "preAllocatedVUs": 1,
              "exec": "slow"},
}}
spent = []

def burn():
    # Longer than a shared machine takes its processor away for.
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        pass

def default():
    http.get(f"{env.TARGET}/get", name="/get")
    if not spent:
        spent.append(1)
        burn()

def slow():
    time.sleep(0.3)
"""

EXHAUSTED = """
import gc
import resource
import time
from swell import env, http
import swell.net.transport
from swell.base.clock import CLOCK_OFFSET

options = {"no_connection_reuse": True}

def default():
    for _ in range(8):
        http.get(f"{env.TARGET}/bytes/4000000", name="large")
    # A platform without stamps, and a hub that is late.
    swell.net.transport.HAS_KERNEL_STAMPS = False
    for _ in range(6):
        http.get(f"{env.TARGET}/get", name="unstamped")
    kept = [[[]] for _ in range(800_000)]
    gc.collect()
    del kept
    # Somebody sets the clock back.
    wall = CLOCK_OFFSET._wall
    CLOCK_OFFSET._wall = lambda: wall() - 5_000_000_000
    time.sleep(0.2)
    CLOCK_OFFSET._wall = wall
    time.sleep(0.2)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (4, before[1]))
    http.get(f"{env.TARGET}/get", name="no descriptor")
    resource.setrlimit(resource.RLIMIT_NOFILE, before)
"""

OVERFLOWING = """
from swell import env, http

options = {"batch": 20}

def default():
    for number in range(1_010):
        http.get(f"{env.TARGET}/get", name=f"/items/{number}")
"""

WAITING = """
import time
from swell import env, http

options = {"vus": 40, "iterations": 120}

def default():
    http.get(f"{env.TARGET}/get", name="/get")
    until = time.monotonic() + 0.005
    while time.monotonic() < until:
        pass
"""


def verdict_of(folder: Path) -> Verdict:
    """The verdict of the only run saved below ``folder``."""
    verdict = snapshot_of(folder).verdict
    assert verdict is not None
    return verdict


def snapshot_of(folder: Path) -> Snapshot:
    """The only run saved below ``folder``."""
    (path,) = folder.glob("swell-results/*/snapshot.json")
    return msgspec.json.decode(path.read_bytes(), type=Snapshot)


def percentile(snapshot: Snapshot, name: str, percent: float) -> float:
    """A percentile of a trend in milliseconds."""
    state = snapshot.metric(name)
    assert state is not None
    assert isinstance(state.value, TrendValue)
    return state.value.histogram.percentile(percent)


def test_a_script_that_burns_makes_the_load_late(run: Run, tmp_path: Path) -> None:
    """Start lag, hub lag with the frame to blame, and dropped iterations; with --require-trust 111."""
    result = run(LATE, "-q", "--require-trust")
    assert result.exit_code == ExitCode.UNTRUSTED
    reasons = {reason.slug: reason for reason in verdict_of(tmp_path).reasons}
    assert {"start-lag", "hub-lag", "dropped-iterations"} <= set(reasons)
    assert "script.py:" in reasons["hub-lag"].message
    assert "in burn" in reasons["hub-lag"].message
    assert "start-lag" in result.stdout
    # What the wait was for the users stands beside what the target did.
    snapshot = snapshot_of(tmp_path)
    lag = percentile(snapshot, "iteration_start_lag", 99)
    assert percentile(snapshot, "http_req_response_time", 99) >= lag * 0.9
    assert percentile(snapshot, "http_req_response_time", 99) > percentile(snapshot, "http_req_duration", 99)


def test_what_the_machine_and_the_kernel_did_is_seen(run: Run, tmp_path: Path) -> None:
    """Large bodies, no stamps, garbage, a clock that is set, no descriptor."""
    result = run(EXHAUSTED, "-q")
    assert result.exit_code == ExitCode.OK, result.stderr
    slugs = {reason.slug for reason in verdict_of(tmp_path).reasons}
    assert {
        "window-limited-receives",
        "unstamped-receives",
        "gc-pauses",
        "clock-steps",
        "local-exhaustion",
    } <= slugs


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux's")
def test_connections_dropped_by_a_full_queue_are_seen(run: Run, tmp_path: Path) -> None:
    """A target on this machine that does not accept: whoever came too many waited, and why is said."""
    source = """
    from swell import env, http
    def default():
        http.get(env.BUSY, name="/")
    """
    with late_target() as url:
        run(source, "-q", "--vus", "8", "-i", "8", "-e", f"BUSY={url}")
    reasons = {reason.slug: reason for reason in verdict_of(tmp_path).reasons}
    assert reasons["listen-drops"].measured >= 1


def test_names_without_end_overflow_a_table(run: Run, tmp_path: Path) -> None:
    """More request names than the table has rows."""
    run(OVERFLOWING, "-q")
    assert "overflowed-rows" in {reason.slug for reason in verdict_of(tmp_path).reasons}


def test_answers_that_wait_for_their_vu_are_a_gap(run: Run, tmp_path: Path) -> None:
    """Forty VUs of 5 ms each on a target that takes less: answers wait in the kernel, which is measured."""
    run(WAITING, "-q")
    verdict = verdict_of(tmp_path)
    gap_ms, limit_ms = verdict.measured["receive-gap"], LIMITS["receive-gap"].degraded
    assert gap_ms > 20
    # The stamps hold all the same, so it is no reason before it is longer than they were tried for.
    assert limit_ms is not None
    assert ("receive-gap" in {reason.slug for reason in verdict.reasons}) == (gap_ms > limit_ms)
    assert percentile(snapshot_of(tmp_path), "http_req_duration", 50) < gap_ms


def test_a_worker_that_is_killed_is_lost(run: Run, tmp_path: Path) -> None:
    """What it measured in its last second is missing, and the run is invalid."""
    result = run("import os\ndef default():\n    os.kill(os.getpid(), 9)\n", "-q")
    assert result.exit_code == ExitCode.WORKER_LOST
    verdict = verdict_of(tmp_path)
    assert verdict.level == "invalid"
    assert "lost-workers" in {reason.slug for reason in verdict.reasons}


@pytest.mark.parametrize("key", ["level", "reasons", "measured"])
def test_handle_summary_and_the_export_hear_the_verdict(run: Run, tmp_path: Path, key: str) -> None:
    """The script's own report and --summary-export can tell whether the run was worth anything."""
    source = """
    import json
    def default():
        pass
    def handle_summary(data):
        return {"heard.json": json.dumps(data["verdict"])}
    """
    run(source, "-q", "--no-save", "--summary-export", "export.json")
    heard = msgspec.json.decode((tmp_path / "heard.json").read_bytes())
    exported = msgspec.json.decode((tmp_path / "export.json").read_bytes())["verdict"]
    assert heard[key] == exported[key]
