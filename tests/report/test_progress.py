"""Without a terminal the state is written as lines once a second; the log never mixes with them."""

import io
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from report_snapshots import busy, empty, run_info, scenario

from swell.base.clock import NS_PER_SECOND
from swell.metrics.snapshot import ScenarioState, Snapshot
from swell.report.live import LiveProgress
from swell.report.progress import (
    LogWriter,
    PlainProgress,
    QuietProgress,
    longest_run_ns,
    open_progress,
    progress_lines,
    scenario_columns,
)

MINUTE_NS = 60 * NS_PER_SECOND


class ManualClock:
    """Nanoseconds that only move when told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def snapshot(*states: ScenarioState, **run: Any) -> Snapshot:
    """A running test of these scenarios."""
    return msgspec.structs.replace(empty(), run=run_info(**({"status": "running"} | run)), scenarios=states)


def test_the_lines_are_k6s() -> None:
    """Elapsed time in the width of the longest, VUs filled with noughts, one line per scenario."""
    states = (
        scenario("default", executor="constant-vus", vus=4, max_vus=10, iterations=9, progress=0.0166),
        scenario("später", status="waiting", start_time_ns=10 * NS_PER_SECOND, vus=0, iterations=0),
    )
    assert progress_lines(snapshot(*states, duration_ns=NS_PER_SECOND, scenarios_max_vus=60)) == [
        "running (00m01.0s), 04/60 VUs, 9 complete and 0 interrupted iterations",
        "default   [   2% ] 10 VUs  00m30.0s/1m0s",
        "später  • [  50% ] waiting 00m09.0s",
    ]


def test_a_run_is_as_long_as_its_scenarios_in_turn() -> None:
    """One that follows another has no start of its own, so the plan tells the longest time."""
    states = (scenario("first"), scenario("second", status="waiting"))
    assert longest_run_ns(snapshot(*states)) == 60 * NS_PER_SECOND
    assert longest_run_ns(snapshot(*states, planned_ns=150 * NS_PER_SECOND)) == 150 * NS_PER_SECOND
    assert longest_run_ns(snapshot()) == 0


@pytest.mark.parametrize(
    ("changes", "columns"),
    [
        ({"executor": "constant-vus"}, ["50 VUs", "00m30.0s/1m0s"]),
        ({"executor": "ramping-vus", "vus": 5}, ["05/50 VUs", "00m30.0s/1m0s"]),
        (
            {"executor": "shared-iterations", "iterations": 9, "iterations_total": 200},
            ["50 VUs", "00m30.0s/1m0s", "009/200 shared iters"],
        ),
        (
            {"executor": "per-vu-iterations", "iterations": 9, "iterations_total": 200, "max_vus": 4},
            ["4 VUs", "00m30.0s/1m0s", "009/200 iters, 50 per VU"],
        ),
        (
            {"executor": "constant-arrival-rate", "vus": 3, "max_vus": 10, "planned_rate": 16.666},
            ["03/10 VUs", "00m30.0s/1m0s", "16.67 iters/s"],
        ),
    ],
)
def test_each_executor_has_its_columns(changes: dict[str, Any], columns: list[str]) -> None:
    """What counts differs from executor to executor."""
    assert scenario_columns(scenario("s", **changes)) == columns


def test_a_scenario_never_shows_more_time_than_it_has() -> None:
    """Its graceful stop is not counted."""
    assert scenario_columns(scenario("s", elapsed_ns=2 * MINUTE_NS))[1] == "01m00.0s/1m0s"


def test_lines_come_once_a_second_and_at_the_end() -> None:
    """However often the state changes; the last one is never missing, nor written twice."""
    stream, clock = io.StringIO(), ManualClock()
    progress = PlainProgress(stream, LogWriter(io.StringIO()), now_ns=clock)
    progress.start()
    for tenth in range(31):
        clock.now_ns = tenth * NS_PER_SECOND // 10
        progress.update(snapshot(duration_ns=clock.now_ns))
    assert [line for line in stream.getvalue().splitlines() if line] == [
        f"running (00m0{second}.0s), 0/0 VUs, 0 complete and 0 interrupted iterations" for second in (1, 2, 3)
    ]
    progress.stop()
    assert stream.getvalue().count("running") == 3
    progress.update(snapshot(duration_ns=clock.now_ns))
    progress.stop()
    assert stream.getvalue().count("running") == 4


def test_a_pause_is_not_made_up_for() -> None:
    """After a stall of ten seconds one block is written, not ten."""
    stream, clock = io.StringIO(), ManualClock()
    progress = PlainProgress(stream, LogWriter(io.StringIO()), now_ns=clock)
    progress.start()
    for clock.now_ns in (10 * NS_PER_SECOND, 10 * NS_PER_SECOND + 1):
        progress.update(snapshot())
    assert stream.getvalue().count("running") == 1


def test_phases_are_lines_of_their_own() -> None:
    """One for each change."""
    stream = io.StringIO()
    progress = PlainProgress(stream, LogWriter(io.StringIO()))
    for text in ("setup()", "setup()", "", "teardown()"):
        progress.phase(text)
    assert [line for line in stream.getvalue().splitlines() if line] == [
        "Init [   -  ] setup()",
        "Init [   -  ] teardown()",
    ]


def test_stopping_before_anything_was_seen() -> None:
    """Writes nothing."""
    stream = io.StringIO()
    progress = PlainProgress(stream, LogWriter(io.StringIO()))
    progress.start()
    progress.stop()
    assert stream.getvalue() == ""


def test_the_view_suits_the_output() -> None:
    """Quiet shows the log only, a pipe gets lines, a terminal the live view."""
    log = LogWriter(io.StringIO())
    quiet = open_progress(stdout=io.StringIO(), log=log, stdout_is_tty=True, quiet=True)
    assert type(quiet) is QuietProgress
    assert type(open_progress(stdout=io.StringIO(), log=log, stdout_is_tty=False)) is PlainProgress
    assert type(open_progress(stdout=io.StringIO(), log=log, stdout_is_tty=True)) is LiveProgress


def test_quiet_still_logs() -> None:
    """Errors must be seen."""
    stream = io.StringIO()
    now = datetime(2026, 11, 20, 11, 36, 15, tzinfo=UTC)
    progress = QuietProgress(LogWriter(stream, wall_clock=lambda: now))
    progress.start()
    progress.phase("setup()")
    progress.update(busy())
    progress.log("error", "went wrong", {"source": "stacktrace"})
    progress.stop()
    assert stream.getvalue() == 'time="2026-11-20T11:36:15Z" level=error msg="went wrong" source=stacktrace\n'
