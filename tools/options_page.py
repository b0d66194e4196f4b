"""Writes docs/options.md from the option table; with --check it only says whether the page is up to date."""

import sys
from collections.abc import Iterable
from pathlib import Path

from swell.base.units import format_bytes, format_duration
from swell.config.row import Option
from swell.config.table import OPTIONS

PAGE = Path(__file__).parents[1] / "docs" / "options.md"
TITLES = {
    "execution": "What runs",
    "network": "HTTP and network",
    "results": "Metrics and results",
    "command": "The command itself",
}
INTRODUCTION = """\
# Options

*Made from the option table in `src/swell/config/table.py` by `tools/options_page.py`; a test compares them.*

Every option has one meaning wherever it is set. From low to high, a later place wins, option by option:

1. the defaults below;
2. the config file, a JSON object: `--config FILE`, else `~/.config/swell/config.json` where there is one;
3. `options` of the script, in k6's spelling (`maxRedirects`) or in snake case (`max_redirects`);
4. the profile that `--profile` names, from `profiles.toml` ([below](#profiles));
5. variables: `SWELL_` names, and `K6_` names for what k6 has too, of which `SWELL_` wins;
6. flags.

Three rules are k6's own. A place that sets any of `duration`, `iterations`, `stages` and `scenarios`
drops all four of the places below it. `tags` and `thresholds` are replaced as a whole, `dns` is merged
field by field.

Durations are text with units (`1m30s`, `500ms`, `1d`) or a number of milliseconds; on the command line
the unit must be there. A switch (a flag without a value) takes `=false` too: `--require-data=false`.
Options marked *swell* are not in k6.

| set | becomes one scenario named `default` |
|---|---|
| `iterations`, with or without `vus` and `duration` | `shared-iterations`; `duration` is the longest time |
| `duration`, with or without `vus` | `constant-vus` |
| `stages`, with or without `vus` | `ramping-vus`, starting with `vus` |
| `vus` alone | `shared-iterations`, one iteration for each VU |
| nothing | one VU, one iteration |

## Profiles

The sizes of a load are data, kept once beside the scripts instead of in each of them: `profiles.toml`, in the
script's folder or in one above it (the nearest counts).

```toml
[smoke]
about = "half a minute with few users, for every change"

[smoke.search]                                  # for search.py
scenarios.search = { rate = 10, duration = "30s" }

[smoke.pages]                                   # for pages.py
vus = 5
duration = "30s"
env = { THINK = "1" }
```

`swell run suites/wwmaa/search.py --profile smoke` takes the options of the table over those of the script.
The scenarios that it names are merged field by field into the script's; `false` leaves one out; one with
another `executor` keeps `exec`, `env`, `tags`, `start_time`, `after` and `graceful_stop` only. Every other
option replaces the script's. `env` are variables for the script, those of the process and of `-e` over
them; directly under the profile they are for all its scripts. A profile without a table for the script is a
fault, so that nothing runs at full size by mistake; the table may be empty. `swell inspect --profile smoke
SCRIPT` shows what it comes to.
"""


def page() -> str:
    """The whole page."""
    sections = [INTRODUCTION]
    for group, title in TITLES.items():
        rows = [row for row in OPTIONS if row.group == group]
        sections.append(f"## {title}\n\n" + "\n".join(table(rows)) + "\n")
    return "\n".join(sections)


def table(rows: Iterable[Option]) -> Iterable[str]:
    """The lines of one Markdown table."""
    yield "| option | flag | variable | default | meaning |"
    yield "|---|---|---|---|---|"
    for row in rows:
        key = f"`{row.key}`" if row.sources & {"script", "file"} else ""
        variable = f"`SWELL_{row.env}`" if row.env and "env" in row.sources else ""
        mark = " *swell*" if row.own else ""
        cells = (key or f"`{row.name}`", flags(row), variable, default(row), row.help + mark)
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def flags(row: Option) -> str:
    """The flags of one row with what stands behind them."""
    if not row.flags:
        return ""
    value = "" if row.is_switch else f"{'=' if row.implied else ' '}{row.metavar}"
    return f"`{', '.join(row.flags)}{value}`"


def default(row: Option) -> str:
    """The default as somebody would write it."""
    value = row.default
    if value in (None, "", (), {}):
        return ""
    if isinstance(value, bool):
        return "on" if value else ""
    if isinstance(value, int) and row.field.endswith("_ns"):
        return format_duration(value) if value else ""
    if isinstance(value, int) and row.field.endswith("_bytes"):
        return format_bytes(value) if value else ""
    if isinstance(value, tuple):
        return f"`{','.join(value)}`"
    return "" if value == 0 or not isinstance(value, str | int) else f"`{value}`"


def main(arguments: list[str]) -> int:
    """Write the page, or compare it with what is there."""
    if "--check" in arguments:
        return 0 if PAGE.read_text(encoding="utf-8") == page() else 1
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
