"""The flags of ``run``, ``debug`` and ``inspect``, made from the option table.

Click only splits the command line: every value stays the text that was typed and becomes part of the command
line's option layer, so that a wrong one is reported together with all other faults, with its place.
"""

from collections.abc import Iterable, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

import click

from swell.cli.k6_flags import translate_k6_flags
from swell.cli.system import System
from swell.config.layers import Layer
from swell.config.row import Option
from swell.config.table import OPTIONS

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

# Values that are paths, as help shows them, and the kind of path that a shell offers.
_PATHS: Final = {"FILE": "file", "DIR": "dir"}
# What a flag that stands alone means.
TRUE: Final = "true"


def flag_options(rows: Iterable[Option] = OPTIONS) -> tuple[Option, ...]:
    """The rows of the table that have a flag."""
    return tuple(row for row in rows if row.flags)


def implied_value(row: Option) -> str:
    """The value of ``row``'s flag when it is given without one; empty where it needs a value."""
    return TRUE if row.is_switch else row.implied


def complete_flags(arguments: Iterable[str], rows: Iterable[Option]) -> list[str]:
    """Give each flag that stands alone its value: ``--throw`` becomes ``--throw=true``, ``-qv`` two of them.

    k6's rule (pflag's): such a flag takes a value only after ``=``, so ``--throw script.py`` leaves the
    script an argument. Click would take the next word; hence nothing is left for it to guess.
    """
    long = {flag: row for row in rows for flag in row.flags}
    completed: list[str] = []
    words = iter(arguments)
    for word in words:
        if word == "--":
            return [*completed, word, *words]
        rest = word
        # A cluster of short flags: those that stand alone are split off its front.
        while rest[:1] == "-" and rest[:2] in long and len(rest) > len("-q"):
            row = long[rest[:2]]
            if not implied_value(row) or rest[2] == "=":
                break
            completed.append(f"{row.flags[-1]}={implied_value(row)}")
            rest = f"-{rest[2:]}"
        known = long.get(rest)
        if known is None:
            completed.append(rest)
        elif implied_value(known):
            completed.append(f"{known.flags[-1]}={implied_value(known)}")
        else:
            # The next word is this flag's value, whatever it looks like.
            completed.append(rest)
            completed.extend(islice(words, 1))
    return completed


class OptionCommand(click.Command):
    """A command that takes the table's flags; ``--help`` lists them by the table's groups."""

    def __init__(self, *args: Any, rows: tuple[Option, ...] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.rows = rows
        self.params.extend(make_parameter(row) for row in rows)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse ``args`` after each flag that stands alone was given its value."""
        return super().parse_args(ctx, complete_flags(translate_k6_flags(args), self.rows))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the flags under the headings of their groups, then the command's own."""
        groups = list(dict.fromkeys(row.group for row in self.rows))
        records: dict[str, list[tuple[str, str]]] = {group: [] for group in groups}
        of_row = {row.name: row for row in self.rows}
        others = []
        for parameter in self.get_params(ctx):
            row = of_row.get(parameter.name or "")
            if row is not None:
                records[row.group].append((flag_text(row), row.help))
            elif isinstance(parameter, click.Option) and (record := parameter.get_help_record(ctx)):
                others.append(record)
        for group in groups:
            with formatter.section(group.capitalize()):
                formatter.write_dl(records[group])
        with formatter.section("Other"):
            formatter.write_dl(others)


def make_parameter(row: Option) -> click.Option:
    """Make the click option of one row."""

    def suggest(_context: click.Context, _parameter: click.Parameter, begun: str) -> list["CompletionItem"]:
        if row.metavar in _PATHS:
            return suggest_paths(begun, _PATHS[row.metavar])
        return suggest_values(begun, row.type.choices)

    return click.Option(
        [*row.flags, row.name],
        help=row.help,
        multiple=row.repeat,
        metavar=row.metavar or None,
        shell_complete=suggest,
    )


def suggest_script(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list["CompletionItem"]:
    """What a shell offers for the argument SCRIPT: files."""
    return suggest_paths(begun, "file")


def suggest_folder(
    _context: click.Context, _parameter: click.Parameter, begun: str
) -> list["CompletionItem"]:
    """What a shell offers for the argument DIR: folders."""
    return suggest_paths(begun, "dir")


def suggest_paths(begun: str, kind: str) -> list["CompletionItem"]:
    """Have the shell offer what it finds itself; ``kind`` is ``file`` or ``dir``."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only while completing

    return [CompletionItem(begun, type=kind)]


def suggest_values(begun: str, values: Iterable[str]) -> list["CompletionItem"]:
    """Offer those of ``values`` that go on from ``begun``."""
    from click.shell_completion import CompletionItem  # noqa: PLC0415 - only while completing

    return [CompletionItem(value) for value in values if value and value.startswith(begun)]


def flag_text(row: Option) -> str:
    """A row's flags as help shows them: ``-d, --duration DURATION``."""
    names = ", ".join(row.flags)
    if row.is_switch:
        return names
    return f"{names}{'=' if row.implied else ' '}{row.metavar}"


def command_line_layer(values: Mapping[str, Any], rows: Iterable[Option], system: System) -> Layer:
    """The option layer of the flags that were given; relative files start at the system's directory."""
    given: dict[str, object] = {}
    for row in rows:
        value = values[row.name]
        # None and the empty tuple: not given. An empty text was given.
        if value is not None and value != ():
            given[row.name] = list(value) if row.repeat else value
    places = {row.name: row.flags[-1] for row in rows if row.name in given}
    return Layer("cli", "command line", given, places, system.cwd)
