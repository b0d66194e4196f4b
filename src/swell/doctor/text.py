"""The doctor's findings and comparisons as text for a terminal and as tables for the docs."""

from collections.abc import Iterable, Sequence
from typing import Final

from swell.doctor.accuracy import Row
from swell.doctor.machine import Finding
from swell.testing.profiles import PROFILES

JOINED: Final = (
    "joined: the generator came late to pieces of an answer, which the kernel had put together by then\n"
    "under the last one's stamp: the duration holds, its split into waiting and receiving does not"
)
_MARKS: Final = {"ok": "ok", "note": "note", "warn": "WARN"}
_HEADERS: Final = ("what", "p50 ms", "p95 ms", "p99 ms", "requests", "cpu", "")


def findings_text(findings: Sequence[Finding]) -> str:
    """One line a finding, its advice below."""
    width = max(len(finding.name) for finding in findings)
    lines = []
    for finding in findings:
        lines.append(f"  {_MARKS[finding.level]:<5} {finding.name:<{width}}  {finding.value}")
        if finding.advice:
            lines.append(f"        {'':<{width}}  {finding.advice}")
    return "\n".join(lines) + "\n"


def rows_text(rows: Sequence[Row]) -> str:
    """A block per scheme and state; each cell is what the server did, then what the generator said."""
    blocks = []
    for (scheme, state), members in _grouped(rows).items():
        setting = members[0].setting
        title = f"{scheme}, {state}: {setting.vus:,} VUs, {setting.seconds} s"
        title += f", median of {members[0].rounds} rounds" if members[0].rounds > 1 else ""
        table = [_HEADERS, *(_cells(row) for row in members)]
        widths = [max(len(line[column]) for line in table) for column in range(len(_HEADERS))]
        lines = [f"{title} (injected -> reported)"]
        for line in table:
            first, *rest = line
            cells = (f"{cell:>{width}}" for cell, width in zip(rest, widths[1:], strict=True))
            lines.append(f"  {first:<{widths[0]}}  {'  '.join(cells)}".rstrip())
        blocks.append("\n".join(lines) + "\n")
        if starved := _starved(members):
            blocks.append("\n".join(f"  {line}" for line in starved) + "\n")
    if any(row.is_phase and not row.is_true for row in rows):
        blocks.append(f"{JOINED}\n")
    return "\n".join(blocks)


def rows_markdown(rows: Sequence[Row]) -> str:
    """The same as Markdown tables, one per scheme and state."""
    parts = []
    for (scheme, state), members in _grouped(rows).items():
        rounds = members[0].rounds
        parts.append(
            f"**{scheme}, {state}** ({members[0].setting.vus:,} VUs, median of {rounds} "
            f"round{'' if rounds == 1 else 's'})\n"
        )
        parts.append("| " + " | ".join(header or "within limits" for header in _HEADERS) + " |")
        parts.append("|---" * len(_HEADERS) + "|")
        parts += ["| " + " | ".join(_cells(row)) + " |" for row in members]
        parts.append("")
        if starved := _starved(members):
            parts += [*(f"- {line}" for line in starved), ""]
    return "\n".join(parts)


def starved_text(rows: Sequence[Row], total: int) -> str:
    """What the starved rows among ``total`` are good for."""
    what = "All" if len(rows) == total else f"{len(rows)} of {total}"
    return (
        f"{what} of swell's rows are starved: something else held up server or generator. They hold for\n"
        "such a machine and say nothing of calm, or of a core of one's own: measure again when it is quiet"
    )


def _starved(rows: Iterable[Row]) -> list[str]:
    """A line for each reason of each starved measurement: what was measured against which limit."""
    return [f"{_what(row)}: starved: {reason}" for row in rows if not row.is_phase for reason in row.starved]


def _grouped(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.setting.scheme, row.setting.state), []).append(row)
    return groups


def _what(row: Row) -> str:
    phase = f", {row.quantity}" if row.is_phase else ""
    return f"{row.generator}: {PROFILES[row.setting.profile].title}{phase}"


def _cells(row: Row) -> tuple[str, ...]:
    pairs = zip(row.injected, row.reported, strict=True)
    return (
        _what(row),
        *(f"{did:.2f} -> {said:.2f}" for did, said in pairs),
        f"{row.requests:,}",
        f"{row.cpu_share:.0%}",
        _mark(row),
    )


def _mark(row: Row) -> str:
    """Whether the row is within the limits, and whether it is what its title says."""
    if not row.is_true:
        wrong = "joined" if row.is_phase else "OFF"
        return f"{wrong}, starved" if row.starved else wrong
    return "starved" if row.starved else "ok"
