"""What stands in the terminal when a run is over: k6's summary, then the parts that are swell's own.

Order: summary, request table, times of the open model, errors, invariants, warnings, the verdict on the
measurement, where the run was saved. The parts a person must not miss come last, next to the prompt.
"""

import textwrap

from swell.metrics.snapshot import Reason, Snapshot, Verdict
from swell.report.ansi import BOLD, FAINT, GREEN, RED, YELLOW, Painter, ellipsised, printable
from swell.report.invariants import invariant_lines
from swell.report.legacy import legacy_summary
from swell.report.numbers import significant
from swell.report.openmodel import open_model_table
from swell.report.requests import UNLIMITED, error_table, request_table
from swell.report.summary import SummaryStyle, k6_summary

DEFAULT_WIDTH = 80
# Below this nothing can be laid out; a narrower terminal wraps.
_MIN_WIDTH = 40
_COLOURS = {"trusted": GREEN, "degraded": YELLOW, "invalid": RED}
_MEANING = {
    "trusted": "the load was delivered as planned and the latencies are the target's",
    "degraded": "read the numbers with the reasons below in mind",
    "invalid": "the numbers do not describe the target",
}
_QUESTIONS = {
    "load": "load delivered as planned",
    "latency": "latencies are the target's",
    "data": "data complete",
}


def end_of_run(
    snapshot: Snapshot,
    *,
    mode: str = "compact",
    colour: bool = False,
    width: int = DEFAULT_WIDTH,
    cuts_errors: bool = True,
    saved_to: str = "",
) -> str:
    """Everything printed at the end of a run, line breaks around it included.

    ``mode`` is compact, full, legacy, or disabled (then nothing is printed, as in k6). In a file or pipe,
    where ``cuts_errors`` is False, messages of errors stand there in full length, whatever ``width`` is.
    """
    if mode == "disabled":
        return ""
    return f"\n{summary_text(snapshot, mode=mode, colour=colour)}\n\n" + own_parts(
        snapshot, colour=colour, width=width, cuts_errors=cuts_errors, saved_to=saved_to
    )


def summary_text(snapshot: Snapshot, *, mode: str = "compact", colour: bool = False) -> str:
    """The part in k6's layout alone."""
    if mode == "legacy":
        return legacy_summary(snapshot, colour=colour)
    return k6_summary(snapshot, SummaryStyle(mode, colour))


def own_parts(
    snapshot: Snapshot,
    *,
    colour: bool = False,
    width: int = DEFAULT_WIDTH,
    cuts_errors: bool = True,
    saved_to: str = "",
) -> str:
    """Request table, errors, invariants, warnings, verdict, where it was saved; an empty line after each."""
    paint = Painter(colour)
    width = max(_MIN_WIDTH, width)
    blocks = [
        request_table(snapshot, width=width, paint=paint),
        open_model_table(snapshot, width=width, paint=paint),
        error_table(snapshot.errors, width=width if cuts_errors else UNLIMITED, paint=paint),
        invariant_lines(snapshot.invariants, snapshot.ledgers, width=width, paint=paint),
        _warnings(snapshot.warnings, width, paint),
        _outcome(snapshot, width, paint),
        verdict_lines(snapshot.verdict, width=width, paint=paint),
        [f"  {paint('SAVED', BOLD)}    {printable(saved_to)}"] if saved_to else [],
    ]
    return "".join("\n".join(block) + "\n\n" for block in blocks if block)


def _warnings(warnings: tuple[str, ...], width: int, paint: Painter) -> list[str]:
    if not warnings:
        return []
    lines = [paint("  WARNINGS", BOLD)]
    for warning in warnings:
        lines += _bullet(printable(warning), "! ", width, paint, YELLOW)
    return lines


def _bullet(text: str, mark: str, width: int, paint: Painter, code: str) -> list[str]:
    first, *rest = textwrap.wrap(text, max(20, width - 4)) or [""]
    return [f"  {paint(mark, code)}{first}", *(f"    {line}" for line in rest)]


def _outcome(snapshot: Snapshot, width: int, paint: Painter) -> list[str]:
    """Why the run did not end by itself; nothing for one that did."""
    run = snapshot.run
    if run.status not in {"aborted", "failed"}:
        return []
    reason = printable(run.abort_reason) or f"the run was {run.status}"
    lines = textwrap.wrap(f"{reason} (exit code {run.exit_code})", width - 4)
    return [f"  {paint(line, RED)}" for line in lines]


def verdict_lines(verdict: Verdict | None, *, width: int = DEFAULT_WIDTH, paint: Painter) -> list[str]:
    """The verdict on the measurement with each reason: what was measured, against which limit."""
    if verdict is None:
        return []
    level = paint(verdict.level, f"{BOLD};{_COLOURS[verdict.level]}")
    meaning = textwrap.wrap(_MEANING[verdict.level], max(20, width - 13))
    head = [f"  {paint('VERDICT', BOLD)}  {level}", *(f"           {paint(line, FAINT)}" for line in meaning)]
    ordered = sorted(verdict.reasons, key=lambda reason: reason.level != "invalid")
    return head + [line for reason in ordered for line in _reason(reason, width, paint)]


def _reason(reason: Reason, width: int, paint: Painter) -> list[str]:
    question = f"{_QUESTIONS[reason.question]}: "
    lines = _bullet(question + printable(reason.message), "• ", width, paint, _COLOURS[reason.level])
    figures = f"measured {figure(reason.measured)}, limit {figure(reason.limit)}"
    detail = ellipsised(f"{reason.level}: {figures} ({reason.slug})", width - 4)
    return [*lines, f"    {paint(detail, FAINT)}"]


def figure(value: float) -> str:
    """A measured figure or a limit: whole numbers as they are, others to three digits."""
    if value == int(value):
        return f"{value:,.0f}"
    return f"{value:.3g}" if abs(value) < 1 else significant(value)
