"""The table per request name and method, and the errors grouped by kind."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from swell.metrics.histogram import Histogram
from swell.metrics.snapshot import ErrorRow, RequestRow, Snapshot
from swell.report.ansi import (
    BOLD,
    CYAN,
    FAINT,
    RED,
    Painter,
    cell_width,
    ellipsised,
    pad,
    pad_left,
    printable,
)
from swell.report.numbers import short_count, short_rate, short_share, short_time
from swell.report.values import per_second, share

_ORIGIN = re.compile(r"[a-z]+://[^/?#]+")
# A frame of a Python traceback: file, line, function.
_STACK_FRAME = re.compile(r'^ *File "(.+)", line (\d+), in (.+)$', re.MULTILINE)
_HEADERS = ("count", "failed", "p50", "p95", "p99", "max", "req/s")
# More rows than this are no longer read in a terminal; all of them are in the saved run.
MAX_ROWS = 40
MAX_ERRORS = 12
# A width that no line reaches: in a file or pipe messages stand in full.
UNLIMITED = 1 << 20
_MIN_NAME_WIDTH = 12
_NO_VALUES = "-"


@dataclass(frozen=True, slots=True)
class _Row:
    method: str
    name: str
    cells: tuple[str, ...]
    has_failures: bool
    statuses: str = ""


def request_table(snapshot: Snapshot, *, width: int = 80, paint: Painter) -> list[str]:
    """The table with a totals row, at most ``width`` cells wide; nothing where no request was made."""
    if not snapshot.requests:
        return []
    rows = sorted(snapshot.requests, key=lambda row: (-row.count, row.name, row.method))
    origin = common_origin([row.name for row in rows])
    rows = [msgspec.structs.replace(row, name=row.name.removeprefix(origin) or "/") for row in rows]
    shown = [_row(snapshot, row) for row in rows[:MAX_ROWS]]
    total = _row(snapshot, _total(rows))
    widths = [
        max(len(header), *(len(row.cells[index]) for row in (*shown, total)))
        for index, header in enumerate(_HEADERS)
    ]
    methods = max(len("total"), *(cell_width(row.method) for row in shown))
    names = max(cell_width(row.name) for row in (*shown, total))
    grid = _Grid.fitted(methods, names, widths, width)
    title = ellipsised(f"  REQUESTS to {origin}", width) if origin else ""
    lines = [paint(title, BOLD)] if title else []
    lines.append(paint(grid.text("" if title else "REQUESTS", "", _HEADERS, joined=True), BOLD))
    lines += [line for row in shown for line in _lines(row, grid, paint)]
    if len(rows) > MAX_ROWS:
        lines.append(paint(f"  … and {len(rows) - MAX_ROWS} more, in the saved run", FAINT))
    if len(rows) > 1:
        lines.append(paint("  " + "─" * (grid.width - 2), FAINT))
        lines += _lines(total, grid, paint)
    return lines


def common_origin(names: Sequence[str]) -> str:
    """The scheme and host with which all names begin that are URLs; empty where there is not exactly one."""
    origins = {match[0] for name in names if (match := _ORIGIN.match(name))}
    return origins.pop() if len(origins) == 1 else ""


def _total(rows: list[RequestRow]) -> RequestRow:
    return RequestRow(
        name="",
        method="total",
        count=sum(row.count for row in rows),
        failures=sum(row.failures for row in rows),
        durations=Histogram.merged([row.durations for row in rows]),
    )


def _row(snapshot: Snapshot, row: RequestRow) -> _Row:
    times = [_NO_VALUES] * 4
    # A connection that never came about took no time: nought would read as very fast.
    if row.durations.max > 0:
        percentiles = row.durations.percentiles((50.0, 95.0, 99.0))
        times = [short_time(value) for value in (*percentiles, row.durations.max)]
    failed = f"{short_count(row.failures)} {short_share(share(row.failures, row.count))}"
    cells = (
        short_count(row.count),
        failed if row.failures else "0",
        *times,
        short_rate(per_second(row.count, snapshot.run)),
    )
    return _Row(printable(row.method), printable(row.name), cells, row.failures > 0, _statuses(row))


def _statuses(row: RequestRow) -> str:
    """What came back, most frequent first, shown only where something failed; 0 means no answer."""
    if not row.failures or not row.statuses:
        return ""
    ordered = sorted(row.statuses.items(), key=lambda item: (-item[1], item[0]))
    named = [
        f"{'no answer' if status in {'0', ''} else printable(status)} × {short_count(count)}"  # noqa: RUF001
        for status, count in ordered
    ]
    return ", ".join(named)


@dataclass(frozen=True, slots=True)
class _Grid:
    """The widths of the columns, in cells."""

    methods: int
    names: int
    cells: list[int]
    gap: int

    @classmethod
    def fitted(cls, methods: int, names: int, cells: list[int], width: int) -> "_Grid":
        """As wide as the names need; in a narrow terminal the gaps give way first, then the names."""
        gap = 2
        fixed = 2 + methods + 2 + sum(cells)
        if fixed + names + gap * len(cells) > width:
            gap = 1
        left = width - fixed - gap * len(cells)
        return cls(methods, max(_MIN_NAME_WIDTH, min(names, left)), cells, gap)

    @property
    def width(self) -> int:
        """Of the whole table, its indent included."""
        return 2 + self.methods + 2 + self.names + sum(self.cells) + self.gap * len(self.cells)

    def text(self, method: str, name: str, cells: Sequence[str], *, joined: bool = False) -> str:
        """One line; ``joined`` lets the first column reach over the second."""
        left = (
            pad(method, self.methods + 2 + self.names)
            if joined
            else f"{pad(method, self.methods)}  {pad(ellipsised(name, self.names), self.names)}"
        )
        gap = " " * self.gap
        padded = (pad_left(cell, size) for cell, size in zip(cells, self.cells, strict=True))
        return f"  {left}{gap}{gap.join(padded)}"


def _lines(row: _Row, grid: _Grid, paint: Painter) -> list[str]:
    count, failed, *times, rate = row.cells
    cells = [count, paint(failed, RED) if row.has_failures else failed]
    cells += [paint(cell, CYAN) for cell in times]
    lines = [grid.text(row.method, row.name, [*cells, rate])]
    if row.statuses:
        detail = ellipsised(f"↳ {row.statuses}", max(_MIN_NAME_WIDTH, grid.width - grid.methods - 4))
        lines.append(f"{' ' * (grid.methods + 4)}{paint(detail, RED)}")
    return lines


def error_table(errors: tuple[ErrorRow, ...], *, width: int = 80, paint: Painter) -> list[str]:
    """Failures grouped by kind, the most frequent first, each with one example; ``UNLIMITED`` cuts none."""
    if not errors:
        return []
    ordered = sorted(errors, key=lambda row: (-row.count, row.code, row.name))
    counts = [f"{short_count(row.count)} ×" for row in ordered[:MAX_ERRORS]]  # noqa: RUF001
    widest = max(map(cell_width, counts))
    room = max(_MIN_NAME_WIDTH, width - 4 - widest)
    lines = [paint("  ERRORS", BOLD)]
    for count, row in zip(counts, ordered, strict=False):
        code = f" [{row.code}]" if row.code else ""
        lines.append(f"  {paint(pad_left(count, widest), RED)}  {ellipsised(row.message + code, room)}")
        lines += [" " * (widest + 4) + paint(part, FAINT) for part in _details(row, room)]
    if len(ordered) > MAX_ERRORS:
        rest = sum(row.count for row in ordered[MAX_ERRORS:])
        kinds = len(ordered) - MAX_ERRORS
        lines.append(paint(f"  … and {kinds} more kinds, {short_count(rest)} times", FAINT))
    return lines


def _details(row: ErrorRow, room: int) -> list[str]:
    """Where it happened and one example, on one line if that holds both."""
    where = " ".join(part for part in (row.method, row.name) if part)
    details = [where] if where else []
    if row.example and row.example not in f"{row.message} {where}":
        details.append(f"e.g. {_example(row.example)}")
    both = "  ".join(details)
    if cell_width(printable(both)) <= room:
        return [printable(both)] if both else []
    return [ellipsised(detail, room) for detail in details]


def _example(text: str) -> str:
    """An example on one line: of a stack, which was logged when it came, the place where it was raised."""
    frames = _STACK_FRAME.findall(text)
    if not frames:
        return text
    file, line, function = frames[-1]
    return f"{file}:{line} in {function}"
