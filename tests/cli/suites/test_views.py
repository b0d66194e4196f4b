"""Tests of cli/suites/views.py: lines for logs, redrawing for terminals, one view for several runners."""

import io

from swell.cli.suites.views import PLAIN_S, REDRAW_S, PlainView, SharedView, Tally, TerminalView
from swell.report.ansi import Painter, strip_ansi
from swell.report.suitelive import RunningTest, TestState

S = 1_000_000_000
RUNNING = TestState(has_begun=True, elapsed_ns=S, planned_ns=9 * S, vus=1, max_vus=2)
NEW, BEGUN = RunningTest("shop/buy"), RunningTest("shop/buy", RUNNING)


class Clock:
    """A clock that is set."""

    now = 100.0

    def __call__(self) -> float:
        """What time it is."""
        return self.now


def test_a_log_gets_few_lines() -> None:
    """One when a test is new, one when its load has begun, then one every ten seconds."""
    stream, clock = io.StringIO(), Clock()
    view = PlainView(stream, clock)
    for tests, seconds in (((NEW,), 0), ((NEW,), 1), ((BEGUN,), 1), ((BEGUN,), PLAIN_S - 1), ((BEGUN,), 1)):
        clock.now += seconds
        view.show(tests, Tally(3))
    line = "  shop/buy: 1s/9s, 1/2 VUs, 0 requests, 0 failed\n"
    assert stream.getvalue() == "  shop/buy: starting\n" + 2 * line


def test_a_test_that_runs_again_is_new_again() -> None:
    """Its name is forgotten once it is no longer shown."""
    stream = io.StringIO()
    view = PlainView(stream, Clock())
    for tests in ((NEW,), (), (NEW,)):
        view.show(tests, Tally(3))
    view.note("done")
    view.close()
    assert stream.getvalue() == "  shop/buy: starting\n  shop/buy: starting\ndone\n"


def test_a_terminal_is_redrawn_and_given_back() -> None:
    """The picture is drawn at most so often, notes stand above it, and the cursor comes back."""
    stream, clock = io.StringIO(), Clock()
    view = TerminalView(stream, Painter(colour=False), clock)
    tally = Tally(3, done=1, begun=clock.now - 5)
    view.show((NEW,), tally)
    drawn = stream.getvalue()
    assert "1 of 3 done, 1 running, 1 to go, 5s" in strip_ansi(drawn)
    view.show((BEGUN,), tally)
    assert stream.getvalue() == drawn
    clock.now += REDRAW_S
    view.show((BEGUN,), tally)
    assert "1s/9s" in stream.getvalue()
    view.note("shop/look passed")
    view.close()
    assert strip_ansi(stream.getvalue()).count("shop/look passed\n") == 1
    assert stream.getvalue().rindex("\x1b[?25h") > stream.getvalue().rindex("\x1b[?25l")


def test_runners_beside_each_other_share_a_view() -> None:
    """What each shows stands in its place; a part that is done shows nothing."""
    stream, clock = io.StringIO(), Clock()
    shared = SharedView(PlainView(stream, clock), Tally(2))
    shared.show(1, [RunningTest("shop/look")])
    shared.show(0, [NEW])
    shared.show(1, [])
    clock.now += PLAIN_S
    shared.show(0, [NEW])
    shared.note("end")
    shared.close()
    lines = stream.getvalue().splitlines()
    assert lines == ["  shop/look: starting", "  shop/buy: starting", "  shop/buy: starting", "end"]
