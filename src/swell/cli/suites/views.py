"""How a suite's progress is shown: redrawn at the bottom of a terminal, or as lines of a log."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Protocol, TextIO

from swell.cli.system import System
from swell.report.ansi import Painter
from swell.report.live import Region, terminal_size
from swell.report.suitelive import RunningTest, live_lines, plain_line

# Where there is no terminal to redraw, each running test has a line as often as this.
PLAIN_S = 10.0
# Often enough to look alive.
REDRAW_S = 0.2


@dataclass(slots=True)
class Tally:
    """How far a suite is: ``total`` and ``done`` are tests, or cases of a proof."""

    total: int
    done: int = 0
    begun: float = field(default_factory=time.monotonic)


class View(Protocol):
    """What shows progress."""

    def show(self, tests: Sequence[RunningTest], tally: Tally) -> None:
        """Show how the running tests go, where it is time for that."""
        ...

    def note(self, line: str) -> None:
        """Write a line that stays; what comes from others must be printable already."""
        ...

    def close(self) -> None:
        """Leave the terminal as it was."""
        ...


class PlainView:
    """Lines, one after another."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        # By test: when its last line was written, and whether its load had begun by then.
        self._shown: dict[str, tuple[float, bool]] = {}

    def show(self, tests: Sequence[RunningTest], _tally: Tally) -> None:
        """Write a line for each test that is new, whose load has begun, or whose last line is old."""
        now = self._now()
        for test in tests:
            has_begun = test.state is not None and test.state.has_begun
            at, had_begun = self._shown.get(test.name, (float("-inf"), False))
            if has_begun > had_begun or now - at >= PLAIN_S:
                self._shown[test.name] = (now, has_begun)
                self.note(f"  {plain_line(test)}")
        names = {test.name for test in tests}
        self._shown = {name: seen for name, seen in self._shown.items() if name in names}

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self._stream.write(f"{line}\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is left to do."""


class TerminalView:
    """The running tests at the bottom of the terminal, what has ended above."""

    def __init__(self, stream: TextIO, paint: Painter, now: Callable[[], float] = time.monotonic) -> None:
        self._region = Region(stream, lambda: terminal_size(stream))
        self._paint = paint
        self._now = now
        self._drawn = float("-inf")
        self._names: list[str] = []

    def show(self, tests: Sequence[RunningTest], tally: Tally) -> None:
        """Redraw."""
        now, names = self._now(), [test.name for test in tests]
        if names == self._names and now - self._drawn < REDRAW_S:
            return
        self._drawn, self._names = now, names
        self._region.open()
        width, height = self._region.size()
        # What does not fit would scroll: two lines are for the cursor and how far all is.
        lines = live_lines(
            tests[: max(1, height - 2)],
            done=tally.done,
            total=tally.total,
            running=len(tests),
            elapsed_s=now - tally.begun,
            width=width,
            paint=self._paint,
        )
        self._region.paint(lines)

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self._region.write_above(line)

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._region.close()


def open_view(system: System) -> View:
    """The view that suits the output."""
    if system.stdout_is_tty and system.env.get("TERM") != "dumb":
        return TerminalView(system.stdout, Painter(system.color))
    return PlainView(system.stdout)


class SharedView:
    """One view for several that run tests beside each other, each in a thread of its own."""

    def __init__(self, view: View, tally: Tally) -> None:
        self._view = view
        self.tally = tally
        self._lock = Lock()
        self._parts: dict[int, Sequence[RunningTest]] = {}

    def show(self, part: int, tests: Sequence[RunningTest]) -> None:
        """Show ``tests`` as what runs in one of the parts."""
        with self._lock:
            self._parts[part] = tests
            everywhere = [test for number in sorted(self._parts) for test in self._parts[number]]
            self._view.show(everywhere, self.tally)

    def note(self, line: str) -> None:
        """Write a line that stays."""
        with self._lock:
            self._view.note(line)

    def count(self) -> None:
        """One more is done."""
        with self._lock:
            self.tally.done += 1

    def close(self) -> None:
        """Leave the terminal as it was."""
        with self._lock:
            self._view.close()
