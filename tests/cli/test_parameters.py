"""The flags: each row of the option table has its click parameter, and values stay as they were typed."""

from pathlib import Path

import click
import pytest

from swell.cli.parameters import (
    OptionCommand,
    command_line_layer,
    complete_flags,
    flag_options,
    make_parameter,
)
from swell.config.table import OPTIONS
from swell.testing.cli import run_cli

ROWS = flag_options()


def parse(tmp_path: Path, *arguments: str) -> dict[str, object]:
    """The command line's layer after parsing ``arguments`` as a command with every flag would."""
    command = OptionCommand("run", rows=ROWS, params=[click.Argument(["script"])])
    context = command.make_context("run", list(arguments))
    from swell.cli.system import real_system  # noqa: PLC0415

    system = real_system()
    system.cwd = tmp_path
    return dict(command_line_layer(context.params, ROWS, system).values)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_flag_of_the_table_is_a_parameter_of_run(row: object) -> None:
    """``swell run --help`` shows every flag of the table."""
    help_text = run_cli("run", "--help").stdout
    assert all(f"{flag}" in help_text for flag in row.flags)  # type: ignore[attr-defined]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_parameter_carries_the_row_s_name_and_flags(row: object) -> None:
    """Click's parameter and the row agree."""
    parameter = make_parameter(row)  # type: ignore[arg-type]
    assert parameter.name == row.name  # type: ignore[attr-defined]
    assert tuple(parameter.opts) == row.flags  # type: ignore[attr-defined]


def test_no_two_rows_share_a_flag() -> None:
    """A flag means one option."""
    flags = [flag for row in OPTIONS for flag in row.flags]
    assert len(flags) == len(set(flags))


@pytest.mark.parametrize(
    ("typed", "completed"),
    [
        ("--throw s.py", "--throw=true s.py"),
        ("-w s.py", "--throw=true s.py"),
        ("-w=false", "-w=false"),
        ("--require-data=false", "--require-data=false"),
        ("-qv s.py", "--quiet=true --verbose=true s.py"),
        ("-qu 7 s.py", "--quiet=true -u 7 s.py"),
        ("-i5 s.py", "-i5 s.py"),
        ("--http-debug s.py", "--http-debug=headers s.py"),
        ("--http-debug=full s.py", "--http-debug=full s.py"),
        ("--user-agent -q s.py", "--user-agent -q s.py"),
        ("--vus", "--vus"),
        ("-- -q", "-- -q"),
    ],
)
def test_a_flag_that_stands_alone_takes_no_word(typed: str, completed: str) -> None:
    """Switches and --http-debug take a value after = only, as in k6."""
    assert complete_flags(typed.split(), ROWS) == completed.split()


def test_only_what_was_given_is_in_the_layer(tmp_path: Path) -> None:
    """The layer holds the typed texts, lists for flags that may be repeated, and nothing else."""
    layer = parse(tmp_path, "s.py", "-u", "x", "--tag", "a=1", "--tag", "b=2", "-q", "--user-agent", "")
    assert layer == {"vus": "x", "tags": ["a=1", "b=2"], "quiet": "true", "user_agent": ""}
