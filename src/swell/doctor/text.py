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
    return "\n".join(parts)


def _grouped(rows: Iterable[Row]) -> dict[tuple[str, str], list[Row]]:
    groups: dict[tuple[str, str], list[Row]] = {}
    for row in rows:
        groups.setdefault((row.setting.scheme, row.setting.state), []).append(row)
    return groups


def _cells(row: Row) -> tuple[str, ...]:
    what = f"{row.generator}: {PROFILES[row.setting.profile].title}"
    if row.quantity != "duration":
        what += f", {row.quantity}"
    pairs = zip(row.injected, row.reported, strict=True)
    return (
        what,
        *(f"{did:.2f} -> {said:.2f}" for did, said in pairs),
        f"{row.requests:,}",
        f"{row.cpu_share:.0%}",
        "ok" if row.is_true else "joined" if row.is_phase else "OFF",
    )
