"""What stands above a run: swell's banner, and k6's description of what is about to happen."""

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from swell.base.units import format_duration
from swell.report.ansi import BOLD, CYAN, FAINT, Painter, printable

# A swell coming in, in eighth blocks.
_WAVE = "▁▂▃▅▆▇▆▅▃▂▁▁▂▃▅▆▇▆▅▃▂▁"
_LABEL_WIDTH = 14
_MIN_VALUE_WIDTH = 30


class ScenarioLine(NamedTuple):
    """One scenario as the description lists it."""

    name: str
    description: str
    start_time_ns: int = 0


def banner(version: str, *, colour: bool = False) -> str:
    """Two lines and an empty one."""
    paint = Painter(colour)
    return f"\n  {paint(_WAVE, CYAN)}  {paint('swell', BOLD)} {paint(version, FAINT)}\n\n"


def description_block(
    *,
    script: str,
    scenarios: Sequence[ScenarioLine],
    max_vus: int,
    max_duration_ns: int,
    outputs: Sequence[str] = (),
    dashboard: str = "",
    execution: str = "local",
    colour: bool = False,
    width: int = 0,
) -> str:
    """k6's block: execution, script, output, then the scenarios by start time and name.

    ``max_duration_ns`` is the longest the run can take, graceful stops included. With a ``width`` (in cells)
    long lines are folded below themselves; without one every line is k6's.
    """
    paint = Painter(colour)
    rows = [("execution", execution), ("script", script)]
    if dashboard:
        rows.append(("web dashboard", dashboard))
    rows.append(("output", ", ".join(outputs) or "-"))
    lines = [f"{label:>{_LABEL_WIDTH}}: {paint(printable(value), CYAN)}" for label, value in rows]
    noun = "scenario" if len(scenarios) == 1 else "scenarios"
    summary = (
        f"(100.00%) {len(scenarios)} {noun}, {max_vus} max VUs, "
        f"{format_duration(max_duration_ns)} max duration (incl. graceful stop):"
    )
    lines += ["", *_folded(f"{'scenarios':>{_LABEL_WIDTH}}: ", summary, width, paint)]
    ordered = sorted(scenarios, key=lambda line: (line.start_time_ns, line.name))
    for line in ordered:
        lines += _folded(f"{'':{_LABEL_WIDTH}}* {printable(line.name)}: ", line.description, width, paint)
    return "\n".join(lines) + "\n\n"


def _folded(label: str, value: str, width: int, paint: Painter) -> list[str]:
    text = printable(value)
    indent = " " * (_LABEL_WIDTH + 2)
    if width <= 0:
        return [f"{label}{paint(text, CYAN)}"]
    room = max(_MIN_VALUE_WIDTH, width - len(indent))
    first, *rest = textwrap.wrap(text, room, initial_indent="x" * (len(label) - len(indent)))
    first = first[len(label) - len(indent) :]
    return [f"{label}{paint(first, CYAN)}", *(f"{indent}{paint(line, CYAN)}" for line in rest)]
