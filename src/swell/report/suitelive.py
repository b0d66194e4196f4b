"""How a suite's tests go: a line for each that runs, as pure functions of what the runs tell."""

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from swell.base.clock import NS_PER_SECOND
from swell.metrics.snapshot import CounterValue, RateValue, Snapshot
from swell.report.ansi import CYAN, FAINT, GREEN, RED, YELLOW, Painter, cell_width, ellipsised, pad, pad_left
from swell.report.numbers import short_count

_BAR_FULL, _BAR_REST = "━", "─"
_MIN_BAR_WIDTH, _MAX_BAR_WIDTH = 6, 30
_NAME_WIDTH = 20
# Between two columns.
_GAP = 2
# Columns are at least as wide as these, so that little moves while numbers grow.
_WIDEST_USUAL = ("invariants", "99/99 VUs", "99,999 req", "0 failed")
_S_PER_MINUTE, _S_PER_HOUR = 60, 3600


class TestState(msgspec.Struct, frozen=True, kw_only=True):
    """How one test goes, as its run tells it; ``phase`` is what it does besides its scenarios, or empty.

    ``share`` is how much of the load is done, from 0 to 1; ``planned_ns`` is 0 where no time is planned, but
    iterations are. Before the first snapshot nothing but the phase is known.
    """

    # Not a test, whatever its name says to pytest.
    __test__ = False

    phase: str = ""
    has_begun: bool = False
    share: float = 0.0
    elapsed_ns: int = 0
    planned_ns: int = 0
    vus: int = 0
    max_vus: int = 0
    iterations: int = 0
    requests: int = 0
    failures: int = 0


@dataclass(frozen=True, slots=True)
class RunningTest:
    """A test that runs, and its latest state; None before it has said anything."""

    name: str
    state: TestState | None = None


def state_of(snapshot: Snapshot, phase: str = "") -> TestState:
    """What a suite shows of a run."""
    states = snapshot.scenarios
    requests, failed = snapshot.metric("http_reqs"), snapshot.metric("http_req_failed")
    # Where iterations are planned the duration is only the longest that they may take.
    timed = [state for state in states if state.iterations_total is None]
    counted = [state for state in states if state.iterations_total is not None]
    elapsed_ns = snapshot.run.duration_ns
    planned_ns = max((state.start_time_ns + state.duration_ns for state in timed), default=0)
    shares = [elapsed_ns / planned_ns] if planned_ns else []
    shares += [state.progress for state in counted]
    return TestState(
        phase=phase,
        has_begun=True,
        share=min(1.0, *shares) if shares else 0.0,
        elapsed_ns=elapsed_ns,
        planned_ns=planned_ns,
        vus=sum(state.vus for state in states),
        max_vus=max(snapshot.run.scenarios_max_vus, max((state.max_vus for state in states), default=0)),
        iterations=sum(state.iterations for state in states),
        requests=int(requests.value.count) if requests and isinstance(requests.value, CounterValue) else 0,
        failures=failed.value.trues if failed and isinstance(failed.value, RateValue) else 0,
    )


def plain_line(test: RunningTest) -> str:
    """One line for a log: ``shop/search: 12s/1m00s, 10/30 VUs, 1,234 requests, 0 failed``."""
    state = test.state
    if state is None:
        return f"{test.name}: starting"
    if not state.has_begun:
        return f"{test.name}: {state.phase or 'starting'}"
    counts = [f"{short_count(state.requests)} requests", f"{short_count(state.failures)} failed"]
    return f"{test.name}: {', '.join([_time(state), _vus(state), *counts])}"


def live_lines(
    tests: Sequence[RunningTest],
    *,
    done: int,
    total: int,
    running: int,
    elapsed_s: float,
    width: int,
    paint: Painter,
) -> list[str]:
    """The picture of the running tests, at most ``width`` cells wide: one line each, then how far all is.

    ``tests`` are those of the ``running`` ones for which there is room.
    """
    names = [ellipsised(test.name, _NAME_WIDTH) for test in tests]
    cells = [_cells(test.state) for test in tests]
    widths = [max(map(cell_width, column)) for column in zip(_WIDEST_USUAL, *cells, strict=True)]
    widest = max(map(cell_width, names), default=0)
    # Two in front, the name, the share with its gap, and the columns each with its own.
    room = width - 2 - widest - 6 - sum(size + _GAP for size in widths) - _GAP
    bar_width = min(_MAX_BAR_WIDTH, room) if room >= _MIN_BAR_WIDTH else 0
    lines = []
    for test, name, row in zip(tests, names, cells, strict=True):
        texts = [pad_left(cell, size) for cell, size in zip(row, widths, strict=True)]
        plain = f"  {pad(name, widest)}  {_bar(test.state, bar_width)}  {'  '.join(texts)}"
        if cell_width(plain) > width:
            lines.append(ellipsised(plain, width))
            continue
        state = test.state or TestState()
        *others, failed = texts
        code = RED if state.failures else GREEN if state.requests else FAINT
        bar = paint(_bar(test.state, bar_width), YELLOW if state.phase else CYAN)
        lines.append(f"  {pad(name, widest)}  {bar}  {'  '.join([*others, paint(failed, code)])}")
    left = total - done - running
    parts = [f"{done} of {total} done", f"{running} running", f"{left} to go", _seconds(int(elapsed_s))]
    return [*lines, paint(ellipsised(f"  {', '.join(parts)}", width), FAINT)]


def _cells(state: TestState | None) -> tuple[str, str, str, str]:
    """The columns of a test: its phase or time, VUs, requests, failures."""
    if state is None or not state.has_begun:
        return (
            (state.phase if state else "", "", "", "") if state and state.phase else ("starting", "", "", "")
        )
    requests, failures = short_count(state.requests), short_count(state.failures)
    return (state.phase or _time(state), _vus(state), f"{requests} req", f"{failures} failed")


def _bar(state: TestState | None, width: int) -> str:
    share = state.share if state else 0.0
    full = int(share * width)
    return f"{_BAR_FULL * full}{_BAR_REST * (width - full)} {int(share * 100):3d}%"


def _time(state: TestState) -> str:
    if not state.planned_ns:
        return _seconds(state.elapsed_ns // NS_PER_SECOND)
    planned_s = -(-state.planned_ns // NS_PER_SECOND)
    return f"{_seconds(min(state.elapsed_ns, state.planned_ns) // NS_PER_SECOND)}/{_seconds(planned_s)}"


def _vus(state: TestState) -> str:
    return f"{state.vus}/{state.max_vus} VUs"


def _seconds(seconds: int) -> str:
    """``12s``, ``4m05s``, ``1h02m``."""
    if seconds < _S_PER_MINUTE:
        return f"{seconds}s"
    if seconds < _S_PER_HOUR:
        return f"{seconds // _S_PER_MINUTE}m{seconds % _S_PER_MINUTE:02d}s"
    return f"{seconds // _S_PER_HOUR}h{seconds % _S_PER_HOUR // _S_PER_MINUTE:02d}m"
