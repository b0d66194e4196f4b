"""Tests of cli/suites/leash.py: what a run tells its suite."""

import io
import socket
from collections.abc import Iterator

import msgspec
import pytest

from swell.cli.suites.leash import TELL_NS, ToldProgress
from swell.metrics.snapshot import RunInfo, ScenarioState, Snapshot
from swell.report.progress import LogWriter
from swell.report.suitelive import TestState

SECOND = 1_000_000_000


class Clock:
    """A clock that is set, in nanoseconds."""

    now = 0

    def __call__(self) -> int:
        """What time it is."""
        return self.now


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The suite's end of a connection, and the run's."""
    suite, run = socket.socketpair()
    with suite, run:
        suite.setblocking(False)
        yield suite, run


def told(suite: socket.socket) -> list[TestState]:
    """What has been told since the last call."""
    try:
        text = suite.recv(1 << 20)
    except BlockingIOError:
        return []
    return [msgspec.json.decode(line, type=TestState) for line in text.splitlines()]


def snapshot_at(seconds: int) -> Snapshot:
    """A run of ten seconds after so many."""
    scenario = ScenarioState("s", "constant-vus", "", "running", duration_ns=10 * SECOND, vus=3, max_vus=3)
    run = RunInfo("r", "shop.py", "2026-11-20T11:36:15Z", seconds * SECOND, "0.1.0", 1, 7)
    return Snapshot(run, (), scenarios=(scenario,))


def test_phases_and_states_are_told(pair: tuple[socket.socket, socket.socket]) -> None:
    """A phase at once, with the latest state; a state not more often than a suite can show."""
    suite, run = pair
    clock, stream = Clock(), io.StringIO()
    progress = ToldProgress(run, stream, LogWriter(io.StringIO()), clock)
    progress.start()
    progress.phase("setup()")
    assert told(suite) == [TestState(phase="setup()")]
    progress.phase("")
    progress.update(snapshot_at(1))
    progress.update(snapshot_at(2))
    first, second = told(suite)
    assert (first.has_begun, second.has_begun, second.elapsed_ns) == (False, True, SECOND)
    assert (second.share, second.vus, second.planned_ns) == (0.1, 3, 10 * SECOND)
    clock.now += TELL_NS
    progress.update(snapshot_at(3))
    progress.phase("invariants")
    assert [(one.elapsed_ns // SECOND, one.phase) for one in told(suite)] == [(3, ""), (3, "invariants")]


def test_the_lines_are_written_all_the_same(pair: tuple[socket.socket, socket.socket]) -> None:
    """The run's own output is that of any run without a terminal."""
    stream = io.StringIO()
    progress = ToldProgress(pair[1], stream, LogWriter(io.StringIO()), Clock())
    progress.start()
    progress.update(snapshot_at(2))
    progress.stop()
    assert "running (00m02.0s), 3/3 VUs" in stream.getvalue()


def test_a_suite_that_does_not_read_holds_nothing_up(pair: tuple[socket.socket, socket.socket]) -> None:
    """What does not fit into the connection is not told, and every line that arrives is whole."""
    suite, run = pair
    clock = Clock()
    progress = ToldProgress(run, io.StringIO(), LogWriter(io.StringIO()), clock)
    for seconds in range(5_000):
        clock.now += TELL_NS
        progress.update(snapshot_at(seconds))
    states = told(suite)
    assert 0 < len(states) < 5_000
    suite.close()
    clock.now += TELL_NS
    progress.update(snapshot_at(5_001))
