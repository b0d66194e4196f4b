"""Draws the pictures of the README from saved snapshots: the live view, the summary, the request table.

    python tools/pictures.py live SNAPSHOT docs/images/live.svg
    python tools/pictures.py summary SNAPSHOT docs/images/summary.svg
    python tools/pictures.py requests SNAPSHOT docs/images/requests.svg

A snapshot for ``live`` is one taken while a test runs; for the others it is the ``snapshot.json`` of a
saved run.
"""

import argparse
import io
import sys
from collections.abc import Iterable
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import TerminalTheme
from rich.text import Text

from swell.metrics.snapshot import Snapshot, load_snapshot
from swell.report.endofrun import own_parts, summary_text
from swell.report.liveview import Frame, draw

_THEME = TerminalTheme(
    (17, 24, 32),
    (208, 216, 224),
    [
        (17, 24, 32),
        (240, 98, 98),
        (92, 200, 124),
        (232, 184, 88),
        (96, 160, 240),
        (200, 132, 224),
        (84, 196, 208),
        (208, 216, 224),
    ],
    [
        (72, 84, 98),
        (240, 98, 98),
        (92, 200, 124),
        (232, 184, 88),
        (96, 160, 240),
        (200, 132, 224),
        (84, 196, 208),
        (255, 255, 255),
    ],
)
# Rich's own template asks a server for its font; a picture in a README must stand alone.
_SVG = """<svg viewBox="0 0 @WIDTH @HEIGHT" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: "SFMono-Regular", Menlo, Consolas, "DejaVu Sans Mono", "Liberation Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; font-variant-east-asian: full-width;
}}
{styles}
</style>
<defs>{lines}</defs>
<rect width="@WIDTH" height="@HEIGHT" rx="8" fill="#111820"/>
<g transform="translate(@MARGIN, @MARGIN)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


# Rich draws characters of 12.2 by 24.4 points.
_CELL = (12.2, 24.4)
_MARGIN = 12


def main(argv: list[str]) -> int:
    """Draw one picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", choices=["live", "summary", "requests"])
    parser.add_argument("snapshot", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--width", type=int, default=0, help="columns; 0: what suits the picture")
    arguments = parser.parse_args(argv)
    snapshot = load_snapshot(arguments.snapshot)
    lines = list(_lines(arguments.picture, snapshot, arguments.width))
    arguments.target.parent.mkdir(parents=True, exist_ok=True)
    arguments.target.write_text(svg(lines, arguments.picture), encoding="utf-8")
    return 0


def _lines(picture: str, snapshot: Snapshot, width: int) -> Iterable[Text]:
    if picture == "live":
        return draw(snapshot, Frame(width or 96, 30, rates=_rates(snapshot)))
    if picture == "summary":
        text = summary_text(snapshot, colour=True)
    else:
        text = own_parts(
            snapshot, colour=True, width=width or 96, saved_to=f"swell-results/{snapshot.run.run_id}"
        )
    return Text.from_ansi(text.strip("\n")).split("\n", allow_blank=True)


def _rates(snapshot: Snapshot) -> dict[str, float]:
    """A single snapshot tells the mean rate since a scenario's start, which serves for a picture."""
    return {
        state.name: state.iterations_started * 1e9 / state.elapsed_ns
        for state in snapshot.scenarios
        if state.elapsed_ns
    }


def svg(lines: list[Text], identifier: str) -> str:
    """The lines as one picture of just their size."""
    for line in lines:
        line.rstrip()
    width = max(line.cell_len for line in lines) + 1
    console = Console(record=True, file=io.StringIO(), width=width, force_terminal=True, legacy_windows=False)
    for line in lines:
        console.print(line, no_wrap=True, overflow="ignore", crop=False, highlight=False)
    sizes = {"@WIDTH": width * _CELL[0], "@HEIGHT": len(lines) * _CELL[1]}
    template = _SVG.replace("@MARGIN", str(_MARGIN))
    for name, size in sizes.items():
        template = template.replace(name, str(round(size + 2 * _MARGIN)))
    drawn = console.export_svg(theme=_THEME, code_format=template, unique_id=identifier)
    return "\n".join(line.rstrip() for line in drawn.splitlines()) + "\n"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
