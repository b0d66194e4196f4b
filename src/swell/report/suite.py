"""The table of a suite's verdicts: one row a test, what failed below it."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from swell.metrics.snapshot import CounterValue, Snapshot, ThresholdResult, TrendValue
from swell.report.ansi import BOLD, FAINT, GREEN, RED, YELLOW, Painter, cell_width, ellipsised, pad, printable
from swell.report.numbers import short_count, short_time
from swell.report.values import trend_stat

_HEADERS = ("test", "result", "requests", "p95", "objectives", "invariants", "trust")
_LEVELS = {"trusted": GREEN, "degraded": YELLOW, "invalid": RED}


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test; without a snapshot nothing was measured, and ``reason`` says why."""

    # Not a test, whatever its name says to pytest.
    __test__ = False

    name: str
    exit_code: int
    snapshot: Snapshot | None = None
    reason: str = ""

    @property
    def failures(self) -> tuple[str, ...]:
        """The objectives and invariants that failed, as ``metric expression`` and ``invariant: name``."""
        if self.snapshot is None:
            return ()
        objectives = [_name(one) for one in self.snapshot.thresholds if not one.ok]
        invariants = [f"invariant: {one.name}" for one in self.snapshot.invariants if one.status != "held"]
        return (*objectives, *invariants)


def suite_table(results: Sequence[TestResult], *, paint: Painter, width: int = 100) -> list[str]:
    """The table with what failed below each row, at most ``width`` cells wide where that can be."""
    if not results:
        return []
    rows = [_cells(result) for result in results]
    widths = [max(cell_width(cell) for cell in column) for column in zip(_HEADERS, *rows, strict=True)]
    lines = [paint("  " + _row(_HEADERS, widths), BOLD)]
    for result, cells in zip(results, rows, strict=True):
        codes = ["", GREEN if result.exit_code == 0 else RED, "", "", "", "", ""]
        codes[6] = _LEVELS.get(cells[6], "")
        padded = [pad(cell, size) for cell, size in zip(cells, [*widths[:-1], 0], strict=True)]
        shown = [paint(cell, code) if code else cell for cell, code in zip(padded, codes, strict=True)]
        lines.append("  " + "  ".join(shown).rstrip())
        lines += [paint(line, FAINT) for line in _notes(result, width)]
    passed = sum(result.exit_code == 0 for result in results)
    return [
        *lines,
        "",
        paint(f"  {passed} of {len(results)} passed", GREEN if passed == len(results) else RED),
    ]


def _notes(result: TestResult, width: int) -> list[str]:
    """What failed; where the test could not do its work the reason, and of the rest only what has data."""
    indent = "      "
    reason = textwrap.wrap(
        printable(result.reason),
        max(20, width - len(indent)),
        break_on_hyphens=False,
        break_long_words=False,
    )
    names = result.failures
    if reason and result.snapshot is not None:
        unseen = {_name(one) for one in result.snapshot.thresholds if one.observed is None}
        names = tuple(name for name in names if name not in unseen)
    failed = [ellipsised(f"{indent}{printable(name)}", width) for name in names]
    return [*(f"{indent}{line}" for line in reason), *failed]


def _name(threshold: ThresholdResult) -> str:
    return f"{threshold.metric} {threshold.source.strip()}"


def _cells(result: TestResult) -> tuple[str, ...]:
    code = result.exit_code
    outcome = "passed" if code == 0 else f"failed {code}"
    snapshot = result.snapshot
    if snapshot is None:
        return (result.name, outcome, "-", "-", "-", "-", "-")
    requests, durations = snapshot.metric("http_reqs"), snapshot.metric("http_req_duration")
    count = requests.value.count if requests and isinstance(requests.value, CounterValue) else 0
    p95 = "-"
    if durations and isinstance(durations.value, TrendValue) and durations.value.histogram.count:
        p95 = short_time(trend_stat(durations.value.histogram, "p(95)"))
    held = sum(one.status == "held" for one in snapshot.invariants)
    met = sum(one.ok for one in snapshot.thresholds)
    return (
        result.name,
        outcome,
        short_count(count),
        p95,
        _share(met, len(snapshot.thresholds)),
        _share(held, len(snapshot.invariants)),
        snapshot.verdict.level if snapshot.verdict else "-",
    )


def _share(good: int, total: int) -> str:
    return f"{good} of {total}" if total else "-"


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(pad(cell, size) for cell, size in zip(cells, widths, strict=True)).rstrip()
