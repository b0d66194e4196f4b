"""The terminal view: ``liveview``'s picture at the bottom of the terminal, the log scrolling above it.

Nothing flickers: only lines that changed are written, in one write, which terminals that know synchronised
output (mode 2026) show at once. The cursor is hidden while the view stands and always comes back: in
``stop``, and at the exit of the interpreter should nobody have called it.
"""

import atexit
import io
import os
from collections import deque
from collections.abc import Callable, Mapping
from typing import TextIO

from rich.console import Console
from rich.text import Text

from swell.base.clock import NS_PER_SECOND, monotonic_ns
from swell.metrics.snapshot import Snapshot
from swell.report.ansi import cell_width, printable
from swell.report.liveview import Frame, draw
from swell.report.progress import LogWriter, progress_lines

# Ten pictures a second look steady and cost a few ms each.
REDRAW_NS = NS_PER_SECOND // 10
# The rate of an open-model scenario is taken over this window.
RATE_WINDOW_NS = 2 * NS_PER_SECOND

_HIDE_CURSOR, _SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"
_BEGIN_SYNC, _END_SYNC = "\x1b[?2026h", "\x1b[?2026l"
_ERASE_TO_LINE_END, _ERASE_BELOW = "\x1b[K", "\x1b[J"

Size = tuple[int, int]


class LiveProgress:
    """The view of a run on a terminal."""

    def __init__(
        self,
        stream: TextIO,
        log: LogWriter,
        *,
        colour: bool = True,
        now_ns: Callable[[], int] = monotonic_ns,
        size: Callable[[], Size] | None = None,
    ) -> None:
        self._log = log
        self._now_ns = now_ns
        self._region = Region(stream, size or (lambda: terminal_size(stream)))
        self._colour = colour
        self._latest: Snapshot | None = None
        self._phase = ""
        self._drawn_ns = -REDRAW_NS
        self._rates = RateMeter()

    def start(self) -> None:
        """Hide the cursor and make room."""
        self._region.open()

    def phase(self, text: str) -> None:
        """Show the phase at once."""
        if text != self._phase:
            self._phase = text
            self._draw()

    def update(self, snapshot: Snapshot) -> None:
        """Take the new state and redraw, at most every ``REDRAW_NS``."""
        self._latest = snapshot
        self._rates.add(snapshot)
        if self._now_ns() - self._drawn_ns >= REDRAW_NS:
            self._draw()

    def log(self, level: str, message: str, fields: Mapping[str, str]) -> None:
        """Write the line above the view if both are on this terminal, else where the log goes."""
        line = self._log.line(level, message, fields)
        if line is None:
            return
        if self._log.is_tty:
            self._region.write_above(line)
        else:
            self._log.stream.write(f"{line}\n")
            self._log.stream.flush()

    def stop(self) -> None:
        """Leave the last state as plain lines and give the terminal back."""
        if not self._region.is_open:
            return
        lines = progress_lines(self._latest) if self._latest is not None else []
        self._region.close([*lines, ""] if lines else [])

    def _draw(self) -> None:
        self._drawn_ns = self._now_ns()
        width, height = self._region.size()
        if self._latest is None:
            picture = [Text.assemble(" ", (printable(self._phase), "cyan"))]
        else:
            # One line stays free: the cursor stands there, and a full screen would scroll.
            frame = Frame(width, height - 1, printable(self._phase), self._rates.rates())
            picture = draw(self._latest, frame)
        self._region.paint(rendered(picture, width, colour=self._colour))


class RateMeter:
    """Iterations started per second and scenario, from the counts of successive snapshots."""

    def __init__(self) -> None:
        self._seen: dict[str, deque[tuple[int, int]]] = {}

    def add(self, snapshot: Snapshot) -> None:
        """Remember the counts of this snapshot, unless it is no newer than the last one."""
        for state in snapshot.scenarios:
            points = self._seen.setdefault(state.name, deque())
            # Counts come once a second but pictures more often: only a change is a new measurement,
            # and no change for a whole window is one too.
            is_stale = bool(points) and state.iterations_started == points[-1][1]
            if is_stale and state.elapsed_ns - points[-1][0] < RATE_WINDOW_NS:
                continue
            points.append((state.elapsed_ns, state.iterations_started))
            while len(points) > 2 and points[-1][0] - points[1][0] >= RATE_WINDOW_NS:  # noqa: PLR2004 - a pair
                points.popleft()

    def rates(self) -> dict[str, float]:
        """Rates of the scenarios of which two points are known."""
        found = {}
        for name, points in self._seen.items():
            elapsed_ns = points[-1][0] - points[0][0]
            if elapsed_ns > 0:
                found[name] = (points[-1][1] - points[0][1]) * NS_PER_SECOND / elapsed_ns
        return found


def rendered(lines: list[Text], width: int, *, colour: bool = True) -> list[str]:
    """``lines`` as text with escapes that suit the terminal."""
    console = Console(
        file=io.StringIO(),
        force_terminal=True,
        width=width,
        color_system="standard" if colour else None,
        no_color=not colour,
        legacy_windows=False,
    )
    texts = []
    for line in lines:
        with console.capture() as capture:
            console.print(line, end="", no_wrap=True, overflow="ellipsis", highlight=False, soft_wrap=True)
        texts.append(capture.get())
    return texts


def terminal_size(stream: TextIO) -> Size:
    """Columns and lines of the terminal behind ``stream``; 80 by 24 where that is not known."""
    try:
        size = os.get_terminal_size(stream.fileno())
    except (OSError, ValueError):
        return 80, 24
    return size.columns or 80, size.lines or 24


class Region:
    """The bottom lines of a terminal, which are overwritten in place.

    The cursor always stands at the start of the line below the region. Nothing else may write to the terminal
    between ``open`` and ``close`` but through ``write_above``.
    """

    def __init__(self, stream: TextIO, size: Callable[[], Size]) -> None:
        self._stream = stream
        self.size = size
        self._lines: list[str] = []
        self._width = 0
        self.is_open = False

    def open(self) -> None:
        """Hide the cursor."""
        if not self.is_open:
            self.is_open = True
            atexit.register(self.close)
            self._write(_HIDE_CURSOR)

    def paint(self, lines: list[str]) -> None:
        """Replace the region by ``lines``; those that stand there already are not written again."""
        if not self.is_open:
            return
        width, _ = self.size()
        if self._lines and width != self._width:
            # The terminal has re-wrapped what stood there: start from a clean slate.
            self._write(self._to_top() + _ERASE_BELOW)
            self._lines = []
        self._width = width
        old = self._lines
        parts = [self._to_top()]
        for index, line in enumerate(lines):
            is_new = index >= len(old) or old[index] != line
            parts.append(f"{line}{_ERASE_TO_LINE_END}\n" if is_new else "\n")
        # Also what the terminal itself has echoed below the region, such as ^C.
        parts.append(_ERASE_BELOW)
        self._lines = lines
        if lines != old:
            self._write("".join(parts))

    def write_above(self, text: str) -> None:
        """Write ``text`` where the region stands and the region below it."""
        if not self.is_open:
            self._write(f"{text}\n")
            return
        again = "".join(f"{line}\n" for line in self._lines)
        self._write(f"{self._to_top()}{_ERASE_BELOW}{text}\n{again}")

    def close(self, lines: list[str] | None = None) -> None:
        """Replace the region by ``lines``, which stay, and show the cursor again."""
        if not self.is_open:
            return
        self.is_open = False
        atexit.unregister(self.close)
        last = "".join(f"{line}\n" for line in lines or [])
        top = self._to_top() + _ERASE_BELOW if self._lines else ""
        self._lines = []
        self._write(f"{top}{last}{_SHOW_CURSOR}")

    def _to_top(self) -> str:
        """To the start of the region, counting lines that a narrowed terminal has wrapped."""
        width = max(1, self.size()[0])
        height = sum(max(1, -(-cell_width(line) // width)) for line in self._lines)
        return f"\r\x1b[{height}A" if height else "\r"

    def _write(self, text: str) -> None:
        self._stream.write(f"{_BEGIN_SYNC}{text}{_END_SYNC}")
        self._stream.flush()
