"""The live view stands at the bottom of the terminal, adapts to it, and leaves it as it was."""

import io
from typing import Any

import msgspec
import pytest
from report_snapshots import busy, empty, run_info, scenario, timeline
from terminal import Terminal

from swell.base.clock import NS_PER_SECOND
from swell.metrics.snapshot import ErrorRow, Snapshot, ThresholdResult
from swell.report.live import LiveProgress, RateMeter, Region, rendered, terminal_size
from swell.report.liveview import Frame, blocks, complete_seconds, draw, squeezed
from swell.report.progress import LogWriter


class ManualClock:
    """Nanoseconds that only move when told to."""

    def __init__(self) -> None:
        self.now_ns = 0

    def __call__(self) -> int:
        return self.now_ns


def running(**changes: Any) -> Snapshot:
    """The busy run, half way through."""
    snapshot = busy()
    run = msgspec.structs.replace(snapshot.run, status="running", duration_ns=30_400_000_000)
    return msgspec.structs.replace(snapshot, **({"run": run, "timeline": snapshot.timeline[:31]} | changes))


def view(terminal: Terminal, clock: ManualClock, **log: Any) -> LiveProgress:
    """A view on this terminal whose log is there too."""
    writer = LogWriter(terminal, is_tty=True, now_ns=clock, **log)
    return LiveProgress(terminal, writer, now_ns=clock, size=terminal.size)


def drawn(snapshot: Snapshot, width: int = 80, height: int = 23, **frame: Any) -> list[str]:
    """The picture without styles."""
    return [line.plain.rstrip() for line in draw(snapshot, Frame(width, height, **frame))]


def test_the_picture_at_80_by_24() -> None:
    """Run, scenarios, numbers, history, thresholds, errors: all of it fits the smallest usual terminal."""
    lines = drawn(running(), rates={"buy": 16.2})
    assert lines[0] == " shop.py          running  00m30s / 01m00s  50 VUs  4,000 iterations  12 dropped"
    assert lines[1:3] == [
        " ▸ browse ━━━━━━━━━━──────────  50%  48/50 VUs  2,000 iters        00m30s left",
        " ▸ buy    ━━━━━━━━━━──────────  50%   2/10 VUs  16.2/16.7 iters/s  00m30s left",
    ]
    assert lines[4].split() == ["req/s", "p50", "p95", "p99", "failed", "requests"]
    assert [line.split()[0] for line in lines[5:7]] == ["now", "run"]
    assert lines[8].startswith(" rate ▁")
    assert lines[9].startswith(" p95 ")
    assert lines[11:13] == [
        " ✗ http_req_failed rate<0.01  1.25%     ✓ http_req_duration p(95)<300  7.42ms",
        " ✓ delivered rate>0.98  99.00%",
    ]
    assert lines[14:] == [
        " 30 × status 503  POST /api/customers/{id}/orders",
        " 12 × status 500  PUT /api/basket",
        "  8 × connection refused  POST /api/orders",
    ]


@pytest.mark.parametrize(("width", "height"), [(40, 10), (80, 24), (120, 30), (200, 60), (20, 3), (1, 1)])
def test_the_picture_never_exceeds_its_frame(width: int, height: int) -> None:
    """Whatever the snapshot holds."""
    many = running(
        scenarios=tuple(scenario(f"scenario {'短い' * n}", vus=n) for n in range(30)),
        thresholds=tuple(ThresholdResult(f"metric_{n}", "p(95)<1", n % 2 == 0, 1.0) for n in range(40)),
        errors=tuple(ErrorRow(n, "m" * 300, "GET", "/" + "x" * 200, n) for n in range(9)),
        timeline=timeline(4000),
    )
    for snapshot in (many, running(), msgspec.structs.replace(empty(), run=run_info(status="running"))):
        lines = draw(snapshot, Frame(width, height))
        assert len(lines) <= height
        assert max(line.cell_len for line in lines) <= width


def test_many_scenarios_leave_room_for_the_rest() -> None:
    """Those that run are shown, the others counted."""
    states = tuple(scenario(f"s{n}", status="running" if n > 20 else "done") for n in range(24))
    text = "\n".join(drawn(running(scenarios=states)))
    assert "s21" in text
    assert "… and 18 more scenarios" in text
    assert "req/s" in text


def test_a_wide_terminal_has_room_for_more() -> None:
    """Dropped iterations stand at their scenario; a tall one draws the history higher."""
    lines = drawn(running(), 140, 45)
    assert any("12 dropped" in line and "buy" in line for line in lines)
    assert sum("█" in line for line in lines) >= 4


def test_nothing_measured_yet() -> None:
    """The first picture shows dashes, not noughts, and thresholds without data are not judged."""
    snapshot = Snapshot(
        run=run_info(status="running"),
        metrics=(),
        scenarios=(scenario("later", status="waiting", start_time_ns=5 * NS_PER_SECOND),),
        thresholds=(ThresholdResult("checks", "rate>0.9", True, None, no_data=True),),
    )
    lines = drawn(snapshot)
    assert any("waiting 00m03.8s" in line for line in lines)
    assert any("checks rate>0.9  no data yet" in line for line in lines)
    assert any(line.split() == ["run", "0", "-", "-", "-", "-", "0"] for line in lines)


def test_the_second_being_filled_is_not_shown() -> None:
    """It would look like a dip at the end of every history; a finished run shows all."""
    assert len(complete_seconds(running())) == 30
    assert len(complete_seconds(busy())) == 60


def test_blocks_scale_to_the_largest() -> None:
    """Nought is blank, anything else shows; rows stack."""
    assert blocks([0, 0.001, 4, 8]) == [" ▁▄█"]
    assert blocks([0, 4, 8], rows=2) == ["  █", " ██"]
    assert blocks([]) == [""]
    assert blocks([0, 0]) == ["  "]


def test_long_histories_are_squeezed() -> None:
    """Rates by their mean, latencies by their peak, equally many seconds to a column."""
    values = [1.0, 3.0, 5.0, 100.0, 2.0]
    assert squeezed(values, 3, peak=False) == [2.0, 52.5, 2.0]
    assert squeezed(values, 3, peak=True) == [3.0, 100.0, 2.0]
    assert squeezed(values, 9, peak=True) == values


def test_the_view_redraws_in_place() -> None:
    """Many updates leave one picture, and unchanged lines are not written again."""
    terminal, clock = Terminal(), ManualClock()
    live = view(terminal, clock)
    live.start()
    live.phase("setup()")
    assert terminal.shown == [" setup()"]
    live.phase("")
    for _ in range(5):
        clock.now_ns += NS_PER_SECOND
        live.update(running())
    assert sum("running" in line for line in terminal.shown) == 1
    before = len(terminal.writes)
    clock.now_ns += NS_PER_SECOND
    live.update(running())
    assert len(terminal.writes) == before


def test_updates_are_throttled() -> None:
    """A coordinator that calls a thousand times a second costs ten pictures."""
    terminal, clock = Terminal(), ManualClock()
    live = view(terminal, clock)
    live.start()
    live.update(running())
    pictures = len(terminal.writes)
    later = running(errors=())
    live.update(later)
    assert len(terminal.writes) == pictures
    clock.now_ns += NS_PER_SECOND // 10
    live.update(later)
    assert len(terminal.writes) == pictures + 1


def test_log_lines_scroll_above_the_view() -> None:
    """In their order, with the whole picture below them."""
    terminal, clock = Terminal(), ManualClock()
    live = view(terminal, clock)
    live.start()
    live.update(running())
    height = len(terminal.shown)
    clock.now_ns = 12 * NS_PER_SECOND
    live.log("info", "first", {"source": "console"})
    live.log("warning", "second", {})
    live.log("debug", "never shown", {})
    assert terminal.shown[0].split() == ["INFO[0012]", "first", "source=console"]
    assert terminal.shown[1] == "WARN[0012] second"
    assert len(terminal.shown) == height + 2
    assert terminal.shown[2].startswith(" shop.py")


def test_a_log_in_a_file_stays_out_of_the_terminal() -> None:
    """With stderr elsewhere the view is not disturbed at all."""
    terminal, clock, file = Terminal(), ManualClock(), io.StringIO()
    live = LiveProgress(terminal, LogWriter(file, log_format="raw"), now_ns=clock, size=terminal.size)
    live.start()
    live.update(running())
    before = list(terminal.writes)
    live.log("error", "to the file", {})
    assert terminal.writes == before
    assert file.getvalue() == "to the file\n"


def test_the_end_leaves_plain_lines_and_the_cursor() -> None:
    """The picture goes, k6's lines stay; stopping twice does no harm."""
    terminal, clock = Terminal(width=100), ManualClock()
    live = view(terminal, clock)
    live.start()
    assert not terminal.cursor_is_shown
    live.update(running())
    live.stop()
    live.stop()
    assert terminal.cursor_is_shown
    assert (
        terminal.shown[0]
        == "running (00m30.4s), 50/50 VUs, 4000 complete and 0 interrupted iterations, 12 dropped"
    )
    assert terminal.shown[1].startswith("browse   [  50% ]")
    assert len(terminal.shown) == 3


def test_a_log_line_after_the_end_is_just_a_line() -> None:
    """And so is one before the start."""
    terminal, clock = Terminal(), ManualClock()
    live = view(terminal, clock)
    live.log("info", "before", {})
    live.start()
    live.stop()
    live.log("info", "after", {})
    assert terminal.shown == ["INFO[0000] before", "INFO[0000] after"]


def test_a_narrowed_terminal_gets_a_clean_picture() -> None:
    """The terminal has wrapped the old lines: all of them go."""
    terminal = Terminal(width=20)
    region = Region(terminal, terminal.size)
    region.open()
    region.paint(["x" * 20, "y" * 8])
    terminal.lines = ["x" * 10, "x" * 10, "y" * 8, ""]
    terminal.row, terminal.width = 3, 10
    region.paint(["z"])
    assert terminal.shown == ["z"]


def test_without_colour_there_are_no_styles() -> None:
    """NO_COLOR leaves text alone."""
    lines = rendered(draw(running(), Frame()), 80, colour=False)
    assert not any("\x1b" in line for line in lines)
    assert any("\x1b" in line for line in rendered(draw(running(), Frame()), 80))


def test_the_rate_is_measured_between_counts() -> None:
    """Repeated snapshots with the same count do not lower it; a stall does."""
    meter = RateMeter()

    def seen(at_s: float, started: int) -> None:
        state = scenario("a", elapsed_ns=int(at_s * NS_PER_SECOND), iterations_started=started)
        meter.add(msgspec.structs.replace(empty(), scenarios=(state,)))

    seen(0, 0)
    assert meter.rates() == {}
    seen(1, 100)
    seen(1.1, 100)
    seen(1.9, 100)
    assert meter.rates() == {"a": 100}
    for second in range(2, 8):
        seen(second, 100 * second)
    assert meter.rates() == {"a": 100}
    for second in range(8, 14):
        seen(second, 700)
    assert meter.rates() == {"a": 0}


def test_the_size_of_what_is_no_terminal() -> None:
    """80 by 24."""
    assert terminal_size(io.StringIO()) == (80, 24)
