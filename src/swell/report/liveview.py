"""The picture of a running test as lines of styled text: a pure function of a snapshot and a size.

From top to bottom: the run, one bar per scenario, the numbers of the last second and of the whole run, their
history, thresholds, errors. Where lines are few, the lower and longer parts give way first; the order never
changes, so that the eye finds each part in its place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from rich.text import Text

from swell.base.clock import NS_PER_SECOND
from swell.metrics.snapshot import (
    RateValue,
    ScenarioState,
    Second,
    Snapshot,
    ThresholdResult,
    TrendValue,
)
from swell.report.ansi import Painter, cell_width, ellipsised, pad, printable
from swell.report.metriclines import LineStyle, show_threshold_value
from swell.report.numbers import (
    format_elapsed,
    short_count,
    short_rate,
    short_share,
    short_time,
    to_fixed,
)
from swell.report.progress import longest_run_ns, waiting_text
from swell.report.values import share

_BLOCKS = " ▁▂▃▄▅▆▇█"
_BAR_FULL, _BAR_HALF, _BAR_REST = "━", "╸", "─"
_STATUS = {
    "waiting": ("•", "dim"),
    "running": ("▸", "cyan"),
    "stopping": ("↓", "yellow"),
    "interrupted": ("✗", "red"),
    "done": ("✓", "green"),
}
_FAILED_SHARE_ALARM = 0.01
_NAME_WIDTH = 20
_MIN_BAR_WIDTH = 8
_MAX_BAR_WIDTH = 40
_ERRORS_SHOWN = 3
# From this height on the history is drawn with several lines.
_TALL = 32
_TALL_CHART_ROWS = 3
# From this width on a scenario tells its dropped iterations itself; the first line always has their sum.
_WIDE = 100


@dataclass(frozen=True, slots=True)
class Frame:
    """What the picture depends on besides the snapshot."""

    width: int = 80
    height: int = 24
    phase: str = ""
    # Iterations started per second, measured between updates; open-model scenarios show it against the plan.
    rates: Mapping[str, float] = field(default_factory=dict)


def draw(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """The lines of the picture; at most ``frame.height`` of them, each at most ``frame.width`` cells wide."""
    head = [_head(snapshot, frame), *_scenarios(snapshot, frame)]
    numbers = _numbers(snapshot)
    history = _history(snapshot, frame)
    room = frame.height - len(head)
    blocks = [head]
    for block in (numbers, history):
        if block and len(block) + 1 <= room:
            blocks.append(block)
            room -= len(block) + 1
    errors = _errors(snapshot, frame)
    thresholds = _thresholds(snapshot, frame, max(1, room - (len(errors) + 1 if errors else 0) - 1))
    for block in (thresholds, errors):
        if block and len(block) + 1 <= room:
            blocks.append(block)
            room -= len(block) + 1
    lines: list[Text] = []
    for block in blocks:
        lines += [*([Text()] if lines else []), *block]
    for line in lines:
        line.truncate(frame.width, overflow="ellipsis")
    return lines[: frame.height]


# The run and its scenarios.


def _head(snapshot: Snapshot, frame: Frame) -> Text:
    run = snapshot.run
    longest_ns = longest_run_ns(snapshot)
    elapsed = format_elapsed(run.duration_ns, longest_ns)
    total = format_elapsed(longest_ns, longest_ns)
    vus = sum(state.vus for state in snapshot.scenarios)
    done = sum(state.iterations for state in snapshot.scenarios)
    interrupted = sum(state.interrupted for state in snapshot.scenarios)
    dropped = sum(state.dropped for state in snapshot.scenarios)
    right = Text()
    right.append(frame.phase or "running", "bold cyan")
    right.append(f"  {elapsed[:-3]}s / {total[:-3]}s" if longest_ns else f"  {elapsed}")
    right.append(f"  {short_count(vus)} VUs  {short_count(done)} iterations")
    if dropped:
        right.append(f"  {short_count(dropped)} dropped", "yellow")
    if interrupted:
        right.append(f"  {short_count(interrupted)} interrupted", "yellow")
    name = ellipsised(run.script.rpartition("/")[2], max(8, frame.width - right.cell_len - 4))
    gap = max(2, frame.width - right.cell_len - cell_width(name) - 1)
    return Text.assemble((f" {name}", "bold"), " " * gap, right)


def _scenarios(snapshot: Snapshot, frame: Frame) -> list[Text]:
    """Those that run come first when there is no room for all."""
    most = max(2, frame.height // 3)
    states = list(snapshot.scenarios)
    hidden = 0
    if len(states) > most:
        order = ("running", "stopping", "waiting", "interrupted", "done")
        keep = sorted(states, key=lambda state: order.index(state.status))[: most - 1]
        hidden = len(states) - len(keep)
        states = [state for state in states if state in keep]
    names = [ellipsised(state.name, _NAME_WIDTH) for state in states]
    widest = max(map(cell_width, names), default=0)
    columns = [_columns(state, snapshot, frame) for state in states]
    widths = [max(cell_width(row[index]) for row in columns) for index in range(3)] if columns else []
    room = frame.width - widest - sum(widths) - 2 * len(widths) - 11
    bar_width = min(_MAX_BAR_WIDTH, max(_MIN_BAR_WIDTH, room))
    lines = [
        _scenario(pad(name, widest), state, bar_width, row, widths)
        for name, state, row in zip(names, states, columns, strict=True)
    ]
    if hidden:
        lines.append(Text(f"   … and {hidden} more scenarios", "dim"))
    return lines


def _scenario(
    name: str, state: ScenarioState, bar_width: int, columns: Sequence[str], widths: Sequence[int]
) -> Text:
    rune, style = _STATUS[state.status]
    progress = min(1.0, max(0.0, state.progress))
    line = Text.assemble(" ", (rune, style), " ", name, " ")
    filled = progress * bar_width
    full = int(filled)
    half = filled - full >= 0.5  # noqa: PLR2004 - half a cell
    line.append(_BAR_FULL * full, style)
    if half:
        line.append(_BAR_HALF, style)
    line.append(_BAR_REST * (bar_width - full - half), "bright_black")
    line.append(f" {int(progress * 100):3d}%")
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        line.append(f"  {pad(column, width)}", "" if index else "cyan")
    line.rstrip()
    return line


def _columns(state: ScenarioState, snapshot: Snapshot, frame: Frame) -> tuple[str, str, str]:
    """VUs, what was done (for the open model: actual against planned rate), and what is left of the time."""
    if state.status == "waiting":
        return ("", "", waiting_text(state, snapshot.run.duration_ns))
    digits = len(str(state.max_vus))
    vus = f"{state.vus:{digits}d}/{state.max_vus} VUs"
    if state.planned_rate is not None and state.status == "running":
        planned = to_fixed(state.planned_rate, 1)
        actual = to_fixed(frame.rates[state.name], 1) if state.name in frame.rates else "-"
        done = f"{actual:>{len(planned)}}/{planned} iters/s"
    elif state.iterations_total is not None:
        done = f"{short_count(state.iterations)}/{short_count(state.iterations_total)} iters"
    else:
        done = f"{short_count(state.iterations)} iters"
    if state.dropped and frame.width >= _WIDE:
        done += f", {short_count(state.dropped)} dropped"
    left_ns = max(0, state.duration_ns - state.elapsed_ns)
    ended = state.status in {"done", "interrupted"}
    left = state.status if ended else f"{format_elapsed(left_ns, state.duration_ns)[:-3]}s left"
    return (vus, done, left)


# Numbers and history.


def _numbers(snapshot: Snapshot) -> list[Text]:
    header = Text(
        f" {'':4}{'req/s':>10}{'p50':>10}{'p95':>10}{'p99':>10}{'failed':>10}{'requests':>12}", "dim"
    )
    durations = snapshot.metric("http_req_duration")
    failed = snapshot.metric("http_req_failed")
    total = failures = 0
    if failed is not None and isinstance(failed.value, RateValue):
        failures, total = failed.value.trues, failed.value.total
    run = [0.0, 0.0, 0.0]
    if durations is not None and isinstance(durations.value, TrendValue):
        total = max(total, durations.value.histogram.count)
        run = durations.value.histogram.percentiles((50.0, 95.0, 99.0))
    seconds = complete_seconds(snapshot)
    lines = [header]
    if seconds:
        last = seconds[-1]
        times = [last.p50_ms, last.p95_ms, last.p99_ms]
        lines.append(_number_line("now", last.requests, times, last.failures, last.requests))
    else:
        lines.append(_number_line("now", None, run, 0, 0))
    elapsed_s = len(seconds) or snapshot.run.duration_ns / NS_PER_SECOND
    counted = sum(second.requests for second in seconds) if seconds else total
    mean_rate = counted / elapsed_s if elapsed_s else 0.0
    line = _number_line("run", mean_rate, run, failures, total)
    line.append(f"{short_count(total):>12}", "bold")
    return [*lines, line]


def _number_line(label: str, rate: float | None, times: Sequence[float], failures: int, count: int) -> Text:
    line = Text.assemble((f" {label:<4}", "dim"))
    line.append(f"{short_rate(rate) if rate is not None else '-':>10}", "bold")
    for time in times:
        line.append(f"{short_time(time) if count else '-':>10}", "cyan")
    failed = share(failures, count)
    style = "red" if failed > _FAILED_SHARE_ALARM else "yellow" if failures else "green"
    line.append(f"{short_share(failed) if count else '-':>10}", style if count else "dim")
    return line


def complete_seconds(snapshot: Snapshot) -> tuple[Second, ...]:
    """The timeline without its last row while the run goes on: that second is still being filled."""
    return snapshot.timeline[:-1] if snapshot.run.status == "running" else snapshot.timeline


def _history(snapshot: Snapshot, frame: Frame) -> list[Text]:
    seconds = complete_seconds(snapshot)
    if len(seconds) < 2:  # noqa: PLR2004 - one point is no history
        return []
    width = max(10, frame.width - 24)
    rows = _TALL_CHART_ROWS if frame.height >= _TALL else 1
    rates = squeezed([float(second.requests) for second in seconds], width, peak=False)
    tails = squeezed([second.p95_ms for second in seconds], width, peak=True)
    return [
        *_chart("rate", rates, rows, "cyan", f"peak {short_rate(max(rates))}/s"),
        *([Text()] if rows > 1 else []),
        *_chart("p95", tails, rows, "magenta", f"peak {short_time(max(tails))}"),
    ]


def _chart(label: str, values: Sequence[float], rows: int, style: str, note: str) -> list[Text]:
    drawn = blocks(values, rows)
    lines = []
    for index, row in enumerate(drawn):
        is_last = index == rows - 1
        lines.append(
            Text.assemble((f" {label if is_last else '':<5}", "dim"), (row, style), ("  " + note, "dim"))
            if index == 0 and rows == 1
            else Text.assemble(
                (f" {label if is_last else '':<5}", "dim"),
                (row, style),
                ("  " + note if index == 0 else "", "dim"),
            )
        )
    return lines


def blocks(values: Sequence[float], rows: int = 1) -> list[str]:
    """``values`` as columns of eighth blocks, the largest as high as ``rows``; only nought shows nothing."""
    top = max(values, default=0.0)
    heights = [
        max(1 if value > 0 else 0, round(value / top * rows * 8)) if top > 0 else 0 for value in values
    ]
    return [
        "".join(_BLOCKS[min(8, max(0, height - 8 * (rows - 1 - row)))] for height in heights)
        for row in range(rows)
    ]


def squeezed(values: Sequence[float], width: int, *, peak: bool) -> list[float]:
    """``values`` in at most ``width`` columns of equally many each, by their largest or their mean."""
    per_column = -(-len(values) // width) if values else 1
    parts = [values[start : start + per_column] for start in range(0, len(values), per_column)]
    return [max(part) if peak else sum(part) / len(part) for part in parts]


# Thresholds and errors.


def _thresholds(snapshot: Snapshot, frame: Frame, most: int) -> list[Text]:
    """Crossed ones first; two beside each other where the width allows."""
    style = LineStyle.of(snapshot, Painter(colour=False))
    ordered = sorted(snapshot.thresholds, key=lambda result: (result.ok or result.no_data, result.no_data))
    cells = [_threshold(snapshot, result, style) for result in ordered]
    widest = max((cell.cell_len for cell in cells), default=0)
    per_line = 2 if len(cells) > 1 and 2 * widest + 4 <= frame.width else 1
    lines = []
    for start in range(0, len(cells), per_line):
        line = Text(" ")
        for cell in cells[start : start + per_line]:
            line.append_text(cell)
            line.append(" " * (widest - cell.cell_len + 2))
        line.rstrip()
        lines.append(line)
    if len(lines) > most:
        hidden = len(cells) - (most - 1) * per_line
        lines = [*lines[: most - 1], Text(f"   … and {hidden} more thresholds", "dim")]
    return lines


def _threshold(snapshot: Snapshot, result: ThresholdResult, style: LineStyle) -> Text:
    unjudged = result.no_data or result.observed is None
    mark, colour = ("·", "dim") if unjudged else ("✓", "green") if result.ok else ("✗", "bold red")
    cell = Text.assemble(
        (mark, colour), f" {printable(result.metric)} ", (printable(result.source.strip()), "dim")
    )
    value = "no data yet" if unjudged else show_threshold_value(snapshot, result, style)
    return cell.append(f"  {value}", colour)


def _errors(snapshot: Snapshot, frame: Frame) -> list[Text]:
    ordered = sorted(snapshot.errors, key=lambda row: -row.count)[:_ERRORS_SHOWN]
    counts = [short_count(row.count) for row in ordered]
    widest = max(map(len, counts), default=0)
    lines = []
    for count, row in zip(counts, ordered, strict=True):
        where = " ".join(part for part in (row.method, row.name) if part)
        message = ellipsised(row.message, max(20, (frame.width - widest) * 3 // 5))
        line = Text.assemble((f" {count:>{widest}} ×", "red"), f" {message}")  # noqa: RUF001
        if where:
            line.append(f"  {ellipsised(where, max(10, frame.width - line.cell_len - 2))}", "dim")
        lines.append(line)
    return lines
