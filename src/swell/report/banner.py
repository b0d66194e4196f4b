"""What stands above a run: swell's banner, and k6's description of what is about to happen."""

from collections.abc import Sequence
from typing import NamedTuple

from swell.base.units import format_duration
from swell.report.ansi import BOLD, CYAN, FAINT, Painter, printable

# A swell coming in, in eighth blocks.
_WAVE = "▁▂▃▅▆▇▆▅▃▂▁▁▂▃▅▆▇▆▅▃▂▁"
_LABEL_WIDTH = 14


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
) -> str:
    """k6's block: execution, script, output, then the scenarios by start time and name.

    ``max_duration_ns`` is the longest the run can take, graceful stops included.
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
    lines += ["", f"{'scenarios':>{_LABEL_WIDTH}}: {paint(summary, CYAN)}"]
    ordered = sorted(scenarios, key=lambda line: (line.start_time_ns, line.name))
    lines += [
        f"{'':{_LABEL_WIDTH}}* {printable(line.name)}: {paint(printable(line.description), CYAN)}"
        for line in ordered
    ]
    return "\n".join(lines) + "\n\n"
