"""The table of a suite's verdicts: one row a test, below it what failed and why to doubt the figures."""

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

from swell.metrics.snapshot import CounterValue, Snapshot, ThresholdResult, TrendValue
from swell.report.ansi import BOLD, FAINT, GREEN, RED, YELLOW, Painter, cell_width, ellipsised, pad, printable
from swell.report.metriclines import LineStyle, is_left_open, show_threshold_value
from swell.report.numbers import short_count, short_time
from swell.report.values import trend_stat

_HEADERS = ("test", "result", "requests", "p95", "objectives", "invariants", "trust")
_LEVELS = {"trusted": GREEN, "degraded": YELLOW, "invalid": RED}
_INDENT = "      "
# Who else may have had the processors: whoever the suite has not started.
OTHERS = "other programs"
# So many reasons to doubt the measurement stand below a test that failed; below one that passed, one.
_REASONS = 2


@dataclass(frozen=True, slots=True, order=True)
class Others:
    """How many ``cores`` of the machine's ``count`` programs kept busy that are no part of a suite."""

    cores: float
    count: int

    def __str__(self) -> str:
        return f"{self.cores:.1f} of {self.count} core{'s' if self.count > 1 else ''}"


@dataclass(frozen=True, slots=True)
class TestResult:
    """What came of one test; without a snapshot nothing was measured, and ``reason`` says why.

    ``others`` is set where other programs left too little of the machine.
    """

    # Not a test, whatever its name says to pytest.
    __test__ = False

    name: str
    exit_code: int
    snapshot: Snapshot | None = None
    reason: str = ""
    others: Others | None = None

    @property
    def failures(self) -> tuple[str, ...]:
        """The objectives and invariants that failed, as ``metric expression`` and ``invariant: name``."""
        if self.snapshot is None:
            return ()
        objectives = [objective_name(one) for one in self.snapshot.thresholds if not one.ok]
        invariants = [f"invariant: {one.name}" for one in self.snapshot.invariants if one.status != "held"]
        return (*objectives, *invariants)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Of those, the objectives that failed because there were no data."""
        thresholds = self.snapshot.thresholds if self.snapshot else ()
        return tuple(objective_name(one) for one in thresholds if one.no_data and not one.ok)


def suite_table(
    results: Sequence[TestResult], *, paint: Painter, width: int = 100, others: str = OTHERS
) -> list[str]:
    """The table with what failed below each row, at most ``width`` cells wide where that can be.

    ``others`` are those who may have kept the machine from the suite.
    """
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
        *(paint(line, YELLOW) for line in _machine(results, width, others)),
    ]


def _notes(result: TestResult, width: int) -> list[str]:
    """What failed, and why the measurement may be at fault, also that of a test that passed.

    Where the test could not do its work the reason comes first, and of the rest stands only what has data.
    """
    snapshot = result.snapshot
    reason = _wrapped(printable(result.reason), width)
    if snapshot is None:
        return reason
    style = LineStyle.of(snapshot, Painter(colour=False))
    failed = [
        f"{objective_name(one)}: {'no data' if one.no_data else show_threshold_value(snapshot, one, style)}"
        for one in snapshot.thresholds
        if not one.ok and not (reason and one.observed is None)
    ]
    failed += [f"invariant: {one.name}" for one in snapshot.invariants if one.status != "held"]
    lines = [*reason, *(ellipsised(f"{_INDENT}{printable(one)}", width) for one in failed)]
    if not reason and snapshot.verdict:
        # The gravest first; all of them stand in what the test printed.
        grave = sorted(snapshot.verdict.reasons, key=lambda one: one.level != "invalid")
        for one in grave[: _REASONS if result.failures else 1]:
            lines += _wrapped(f"measurement {one.level}: {printable(one.message)}", width)
    return lines


def _machine(results: Sequence[TestResult], width: int, others: str) -> list[str]:
    """Whether failed tests were short of processors, and what to do then."""
    failed = [result for result in results if result.failures and not result.reason]
    busy = [result.others for result in failed if result.others is not None]
    if not busy:
        return []
    ran = "the failed test ran" if len(failed) == 1 else f"{len(busy)} of {len(failed)} failed tests ran"
    text = (
        f"While {ran}, {others} kept up to {max(busy)} busy: what was slow may have been slow for that."
        " Run it again when the machine is idle."
    )
    return _wrapped(text, width, indent="  ")


def _wrapped(text: str, width: int, indent: str = _INDENT) -> list[str]:
    wrapped = textwrap.wrap(
        text, max(20, width - len(indent)), break_on_hyphens=False, break_long_words=False
    )
    return [f"{indent}{line}" for line in wrapped]


def objective_name(threshold: ThresholdResult) -> str:
    """An objective as tables and ``faults.toml`` name it: ``metric expression``."""
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
    met = sum(one.ok and not is_left_open(snapshot, one) for one in snapshot.thresholds)
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
