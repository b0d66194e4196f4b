"""Tests of report/suitelive.py: how the running tests of a suite are shown."""

import msgspec
import pytest
from report_snapshots import busy

from swell.report.ansi import Painter, cell_width, strip_ansi
from swell.report.suitelive import RunningTest, TestState, live_lines, plain_line, state_of

S = 1_000_000_000
HALF = TestState(
    has_begun=True,
    share=0.5,
    elapsed_ns=150 * S,
    planned_ns=300 * S,
    vus=40,
    max_vus=100,
    iterations=10,
    requests=12_345,
    failures=6,
)
TESTS = (
    RunningTest("shop/buy", HALF),
    RunningTest("shop/look"),
    RunningTest("shop/sell", TestState(phase="setup()")),
    RunningTest("shop/end", msgspec.structs.replace(HALF, elapsed_ns=300 * S, share=1.0, phase="invariants")),
)


def picture(width: int, *, colour: bool = False) -> list[str]:
    """The lines of the four tests above, of nine."""
    return live_lines(
        TESTS, done=2, total=9, running=4, elapsed_s=65, width=width, paint=Painter(colour=colour)
    )


def test_the_state_of_a_run_is_what_its_snapshot_says() -> None:
    """Requests, failures, VUs and times are the sums of the snapshot; the phase is passed through."""
    snapshot = busy()
    state = state_of(snapshot, "stopping")
    failed = snapshot.metric("http_req_failed")
    assert failed is not None
    assert state.failures == getattr(failed.value, "trues", None)
    assert state.vus == sum(one.vus for one in snapshot.scenarios)
    assert state.iterations == sum(one.iterations for one in snapshot.scenarios)
    assert state.elapsed_ns == snapshot.run.duration_ns
    assert state.phase == "stopping"


@pytest.mark.parametrize("width", [80, 120])
def test_each_test_has_its_line(width: int) -> None:
    """Name, bar, share, time, VUs, requests and failures, in columns; how far all is stands below."""
    buy, look, sell, end, all_of_it = picture(width)
    assert buy.split()[0] == "shop/buy"
    assert buy.split()[-8:] == ["50%", "2m30s/5m00s", "40/100", "VUs", "12,345", "req", "6", "failed"]
    assert look.split()[-2:] == ["0%", "starting"]
    assert sell.split()[-2:] == ["0%", "setup()"]
    assert end.split()[-8:-6] == ["100%", "invariants"]
    assert len({line.index("%") for line in (buy, look, sell, end)}) == 1
    assert all_of_it == "  2 of 9 done, 4 running, 3 to go, 1m05s"
    assert "━" in buy


@pytest.mark.parametrize("width", [20, 40, 60, 80, 120, 200])
def test_no_line_is_wider_than_the_terminal(width: int) -> None:
    """Where there is no room the bar goes first, then the middle of the line."""
    assert max(map(cell_width, picture(width))) <= width
    assert picture(width)[0].startswith("  shop/b")
    assert picture(width)[0].endswith("6 failed")


def test_colour_changes_no_letter() -> None:
    """With colour the same text stands there."""
    assert [strip_ansi(line) for line in picture(100, colour=True)] == picture(100)
    assert picture(100, colour=True) != picture(100)


def test_planned_iterations_are_counted_not_timed() -> None:
    """The time that they may take at most is no plan: the share is that of the iterations, time has no end."""
    snapshot = busy()
    first = snapshot.scenarios[0]
    counted = msgspec.structs.replace(
        first, iterations_total=8, iterations=2, progress=0.25, duration_ns=900 * S
    )
    timed = msgspec.structs.replace(first, iterations_total=None, start_time_ns=0, duration_ns=4 * S)
    run = msgspec.structs.replace(snapshot.run, duration_ns=2 * S)
    alone = msgspec.structs.replace(snapshot, run=run, scenarios=(counted,))
    both = msgspec.structs.replace(snapshot, run=run, scenarios=(counted, timed))
    assert state_of(alone).share == state_of(both).share == 0.25
    assert plain_line(RunningTest("a", state_of(alone))).startswith("a: 2s, ")
    assert plain_line(RunningTest("a", state_of(both))).startswith("a: 2s/4s, ")


def test_a_line_for_a_log() -> None:
    """The same in words, without a bar."""
    lines = [plain_line(test) for test in TESTS]
    assert lines[0] == "shop/buy: 2m30s/5m00s, 40/100 VUs, 12,345 requests, 6 failed"
    assert lines[1:3] == ["shop/look: starting", "shop/sell: setup()"]


def test_long_times_are_short() -> None:
    """An hour and more is told without seconds; a time past the plan is the plan's."""
    long = msgspec.structs.replace(HALF, elapsed_ns=4000 * S, planned_ns=3900 * S)
    assert plain_line(RunningTest("a", long)).startswith("a: 1h05m/1h05m, ")
