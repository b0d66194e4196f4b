"""The command itself: the table, help, usage errors, and how errors become text and exit codes."""

import importlib
from pathlib import Path

import click
import pytest

from swell.base.errors import ConfigError, ExitCode, Fault, ScriptError, SwellError
from swell.cli import main as main_module
from swell.cli.main import COMMANDS, format_error
from swell.testing.cli import run_cli


def fail_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    """Make ``swell version`` raise ``error``."""

    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(importlib.import_module("swell.cli.version"), "command", command)


def test_without_arguments_it_prints_help() -> None:
    """``swell`` alone explains itself and succeeds."""
    result = run_cli()
    assert result.exit_code == ExitCode.OK
    assert all(f"  {name} " in result.stdout for name in COMMANDS)
    assert result.stderr == ""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(name: str) -> None:
    """Every row of the table names a module with a command whose help opens as the table's line does."""
    result = run_cli(name, "--help")
    assert result.exit_code == ExitCode.OK
    assert result.stdout.startswith(f"Usage: swell {name}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rnu"], "No such command 'rnu'. Did you mean 'run'?"),
        (["script.py"], "Did you mean 'run script.py'?"),
        (["xyzzy"], "No such command 'xyzzy'."),
        (["version", "--jsn"], "Did you mean '--json'?"),
        (["run"], "Missing argument"),
    ],
)
def test_a_wrong_command_line_is_explained(arguments: list[str], message: str) -> None:
    """A usage error names what is wrong and where to look, on stderr, and exits with 255 as k6 does."""
    result = run_cli(*arguments)
    assert result.exit_code == ExitCode.OTHER
    assert result.stdout == ""
    assert message in result.stderr
    assert "--help' lists what there is" in result.stderr


def test_every_fault_of_the_configuration_is_listed() -> None:
    """A ConfigError becomes one line for each fault, with its place and hint, and the place in the docs."""
    error = ConfigError(
        (Fault("script.py:3 options.vus", "must be positive"), Fault("--duration", "no unit", "write 10s"))
    )
    assert format_error(error) == (
        "error: 2 faults in the configuration; nothing was started\n"
        "  script.py:3 options.vus: must be positive\n"
        "  --duration: no unit\n"
        "    hint: write 10s\n"
        "  see docs/messages.md#invalid-configuration\n"
    )


def test_a_script_s_exception_shows_the_script_s_own_stack() -> None:
    """A ScriptError is its message and the stack as the front end made it."""
    error = ScriptError(
        "ZeroDivisionError: division by zero", stack='File "s.py", line 3, in setup\n    1 / 0\n'
    )
    assert format_error(error) == (
        "error: ZeroDivisionError: division by zero\n"
        '  File "s.py", line 3, in setup\n'
        "      1 / 0\n"
        "  see docs/messages.md#script-exception\n"
    )


def test_our_own_error_carries_its_exit_code(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error raised on purpose ends with its own code and no traceback."""
    fail_with(
        monkeypatch, SwellError("it broke", hint="mend it", exit_code=ExitCode.WORKER_LOST, slug="lost")
    )
    result = run_cli("version")
    assert result.exit_code == ExitCode.WORKER_LOST
    assert result.stderr == "error: it broke\n  hint: mend it\n  see docs/messages.md#lost\n"


def test_an_unexpected_exception_is_our_bug(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything else ends with a traceback, says that swell is to blame, and exits with 109."""
    fail_with(monkeypatch, RuntimeError("unforeseen"))
    result = run_cli("version")
    assert result.exit_code == ExitCode.INTERNAL_ERROR
    assert "Traceback" in result.stderr
    assert "RuntimeError: unforeseen" in result.stderr
    assert "this is a bug in swell" in result.stderr


def test_an_interrupt_outside_a_run_ends_it_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C where no run is there to stop exits with 105 and no traceback."""
    fail_with(monkeypatch, KeyboardInterrupt())
    result = run_cli("version")
    assert (result.exit_code, result.stderr) == (ExitCode.EXTERNAL_ABORT, "stopped\n")


def test_every_command_stands_in_its_own_file() -> None:
    """The table names one existing module a command, and no module twice."""
    modules = [row.module for row in COMMANDS.values()]
    assert len(set(modules)) == len(modules)
    folder = Path(main_module.__file__).parent
    assert all((folder / f"{module.rpartition('.')[2]}.py").exists() for module in modules)
