"""The invariants of a run and its ledgers as lines for the terminal, offending ids included."""

import textwrap
from collections.abc import Sequence

from swell.base.units import format_duration
from swell.metrics.invariants import Finding, InvariantState, LedgerState
from swell.report.ansi import BOLD, FAINT, GREEN, RED, YELLOW, Painter, printable

# Ids take at most this many lines below their finding; the snapshot has all that were kept.
ID_LINES = 3
_MARKS = {"held": ("✓", GREEN), "broken": ("✗", RED), "unchecked": ("?", YELLOW)}
_MS = 1_000_000


def invariant_lines(
    states: Sequence[InvariantState], ledgers: Sequence[LedgerState], *, width: int, paint: Painter
) -> list[str]:
    """The block INVARIANTS; nothing where the script has none."""
    if not states:
        return []
    lines = [paint("  INVARIANTS", BOLD)]
    for state in states:
        mark, code = _MARKS[state.status]
        lines.append(f"  {paint(f'{mark} {printable(state.name)}', code)}{paint(_effort(state), FAINT)}")
        lines += _wrapped(state.reason, width, paint, YELLOW)
        for finding in state.findings:
            lines += _finding(finding, width, paint)
    return lines + [paint(_ledger(ledger), FAINT) for ledger in ledgers]


def _effort(state: InvariantState) -> str:
    """How long it took where the target was not consistent at once."""
    if state.attempts < 2:  # noqa: PLR2004 - at the first look
        return ""
    took = format_duration(max(1, round(state.took_ns / _MS)) * _MS)
    return f"  ({state.attempts} looks in {took})"


def _finding(finding: Finding, width: int, paint: Painter) -> list[str]:
    count = f": {finding.count:,}" if finding.ids else ""
    lines = _wrapped(f"{finding.message}{count}", width, paint, RED)
    if finding.ids:
        shown = ", ".join(printable(one) for one in finding.ids)
        more = f" and {finding.count - len(finding.ids):,} more" if finding.count > len(finding.ids) else ""
        ids = textwrap.wrap(shown, max(20, width - 8), max_lines=ID_LINES, placeholder=" ...")
        lines += [f"      {paint(line, FAINT)}" for line in ids]
        lines[-1] += paint(more, FAINT)
    return lines


def _wrapped(text: str, width: int, paint: Painter, code: str) -> list[str]:
    return [f"    {paint(line, code)}" for line in textwrap.wrap(printable(text), max(20, width - 4))]


def _ledger(ledger: LedgerState) -> str:
    counts = f"{ledger.acknowledged:,} acknowledged, {ledger.refused:,} refused, {ledger.unknown:,} unknown"
    amount = f", sum {ledger.acknowledged_amount:,.15g}" if ledger.acknowledged_amount else ""
    return f"  ledger {printable(ledger.name)}: {counts}{amount}"
