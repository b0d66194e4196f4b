"""Writes the tables of docs/k6-compatibility.md from the code; with --check it only compares them.

What stands above the line of ``MARK`` is written by hand, what stands below it is made here.
"""

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from swell.cli.k6_flags import K6_FLAGS, K6Flag
from swell.config.scenario_values import EXECUTORS
from swell.config.table import IGNORED_KEYS, OPTIONS, REFUSED_KEYS, RUN_OPTIONS
from swell.scripts.k6 import builtins
from swell.testing.k6 import Trial

PAGE = Path(__file__).parents[1] / "docs" / "k6-compatibility.md"
MARK = "<!-- Below this line: made from the code by tools/k6_page.py; a test compares them. -->\n"


def page() -> str:
    """The whole page."""
    written, mark, _ = PAGE.read_text(encoding="utf-8").partition(MARK)
    if not mark:
        raise ValueError(f"{PAGE.name} has no line {MARK!r}")
    sections = (
        "## Modules\n",
        *rows(("module", "state", "exports"), modules()),
        "\n## Options\n",
        *rows(("option", "state", "details"), options()),
        "\n## Executors\n",
        *rows(("executor", "state"), ((f"`{name}`", "works") for name in sorted(EXECUTORS))),
        "\n## Flags\n",
        *rows(("flag", "state", "details"), flags()),
    )
    return written + MARK + "\n" + "\n".join(sections) + "\n"


def rows(head: tuple[str, ...], cells: Iterable[tuple[str, ...]]) -> Iterable[str]:
    """The lines of one Markdown table."""
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * len(head)
    for row in cells:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


def modules() -> Iterable[tuple[str, str, str]]:
    """Every module with what it exports, as a script that imports it sees it."""
    for name in builtins.names():
        source = f'import * as all from "{name}"; export default () => JSON.stringify(Object.keys(all));'
        exported = json.loads(Trial(source).run())
        yield f"`{name}`", "works", ", ".join(f"`{one}`" for one in sorted(exported) if one != "default")
    for name, reason in builtins.MISSING.items():
        yield f"`{name}`", "refused at the start", reason
    for name, real in builtins.ALIASES.items():
        yield f"`{name}`", "works", f"the same as `{real}`"
    yield "`k6/x/...`", "refused at the start", "extensions of k6 cannot be loaded"


def options() -> Iterable[tuple[str, str, str]]:
    """Every option of a script."""
    works = [row for row in RUN_OPTIONS if not row.own and "script" in row.sources]
    for row in sorted(works, key=lambda row: row.key.lower()):
        yield f"`{row.key}`", "works", row.help
    for key in sorted(IGNORED_KEYS):
        yield f"`{key}`", "passed over", "means nothing here and does no harm"
    for key, reason in sorted(REFUSED_KEYS.items()):
        yield f"`{key}`", "refused at the start", reason


def flags() -> Iterable[tuple[str, str, str]]:
    """Every flag of k6's ``run``."""
    for row in OPTIONS:
        if row.flags and not row.own:
            yield f"`{', '.join(row.flags)}`", "works", row.help
    for flag in K6_FLAGS:
        yield f"`{', '.join(flag.flags)}`", *becomes(flag)


def becomes(flag: K6Flag) -> tuple[str, str]:
    """State and details of a flag that is none of ours."""
    if flag.instead:
        return "works", f"{flag.about}; the same as `{flag.instead}`"
    if flag.refused:
        harmless = ", ".join(f"`{value}`" for value in sorted(flag.harmless) if value)
        return "refused at the start", flag.refused + (f" (passed over: {harmless})" if harmless else "")
    return "passed over", flag.about


def main(arguments: list[str]) -> int:
    """Write the page, or compare it with what is there."""
    if "--check" in arguments:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
