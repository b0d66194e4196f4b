"""The ``swell`` command: finds the command in a table, runs it, and turns every error into text.

Nothing heavy is imported here: ``swell --help`` must answer at once, so each command's module is imported
only when that command runs.
"""

import difflib
import importlib
import os
import sys
import traceback
from collections.abc import Sequence
from typing import NamedTuple

import click

import swell
from swell.base.errors import ConfigError, ExitCode, ScriptError, SwellError
from swell.cli.system import System, real_system

PROGRAM = "swell"
COMPLETION_VARIABLE = "_SWELL_COMPLETE"
CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class CommandRow(NamedTuple):
    """Where a command stands and the line that ``swell --help`` shows for it."""

    module: str
    summary: str


COMMANDS = {
    "run": CommandRow("swell.cli.run", "Run a load test."),
    "debug": CommandRow("swell.cli.debug", "Run one iteration in the foreground and show every request."),
    "inspect": CommandRow("swell.cli.inspect", "Print a script's options as JSON, without running it."),
    "archive": CommandRow("swell.cli.archive", "Pack a k6 script and all that it reads into one file."),
    "new": CommandRow("swell.cli.new", "Write a first script."),
    "suite": CommandRow("swell.cli.suite", "Run the tests of a suite, with one table of verdicts."),
    "demo": CommandRow("swell.cli.demo", "Run a load test against a target that comes with swell."),
    "doctor": CommandRow("swell.cli.doctor", "Check this machine, and swell's own figures on it."),
    "target": CommandRow("swell.cli.target", "Start the reference platform: five services to test against."),
    "version": CommandRow("swell.cli.version", "Print the version."),
    "completion": CommandRow("swell.cli.completion", "Print the completion script of a shell."),
}


class CommandTable(click.Group):
    """A group whose commands are the rows of ``COMMANDS``, imported when they are called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """The commands in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Import the command's module."""
        row = COMMANDS.get(cmd_name)
        if row is None:
            return None
        command: click.Command = importlib.import_module(row.module).command
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; an unknown one is an error that names the nearest known ones."""
        name = args[0]
        if name not in COMMANDS and not name.startswith("-"):
            near = difflib.get_close_matches(name, COMMANDS)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            if name.endswith((".py", ".js", ".ts")):
                hint = f" Did you mean 'run {name}'?"
            raise click.UsageError(f"No such command '{name}'.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands from the table alone, so that help imports none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, row.summary) for name, row in COMMANDS.items()])


@click.group(
    cls=CommandTable,
    name=PROGRAM,
    context_settings=CONTEXT_SETTINGS,
    no_args_is_help=False,
    invoke_without_command=True,
    epilog="'swell COMMAND --help' explains a command. Start with 'swell demo', then 'swell new'.",
)
@click.version_option(swell.__version__, "-V", "--version", prog_name=PROGRAM, message="%(prog)s %(version)s")
@click.pass_context
def cli(context: click.Context) -> ExitCode | None:
    """swell measures how a service behaves under load, and says whether the numbers can be trusted."""  # noqa: D403
    if context.invoked_subcommand is None:
        context.obj.stdout.write(context.get_help() + "\n")
    return ExitCode.OK


def main(argv: Sequence[str], system: System) -> ExitCode:
    """Run the command that ``argv`` (without the program's name) asks for.

    The only place where an error becomes text: a usage error with click's hint, our own errors with every
    fault, its place and the anchor in docs/messages.md, a script's exception with the script's own stack, and
    anything else with a traceback, as it is a bug in swell.
    """
    try:
        # Not cli.main(): that has endings of its own for errors, interrupts and closed pipes.
        with cli.make_context(PROGRAM, list(argv), obj=system) as context:
            value = cli.invoke(context)
    except click.exceptions.Exit as end:
        value = end.exit_code
    except SwellError as error:
        system.stderr.write(format_error(error))
        return error.exit_code
    except click.ClickException as error:
        system.stderr.write(format_usage_error(error))
        return ExitCode.OTHER
    except KeyboardInterrupt:
        system.stderr.write("stopped\n")
        return ExitCode.EXTERNAL_ABORT
    except BrokenPipeError:
        raise
    except Exception:  # noqa: BLE001 - the last resort: whatever is left is our bug and must say so
        system.stderr.write(traceback.format_exc() + format_bug())
        return ExitCode.INTERNAL_ERROR
    # --help and --version end with click's own status, a command with its ExitCode.
    return ExitCode(value or 0)


def format_error(error: SwellError) -> str:
    """``error`` as the user reads it: each fault or the script's stack, the hint, the place in the docs."""
    lines: list[str] = []
    if isinstance(error, ConfigError):
        count = len(error.faults)
        noun = "1 fault" if count == 1 else f"{count} faults"
        lines.append(f"error: {noun} in the configuration; nothing was started")
        for fault in error.faults:
            lines.append(f"  {fault.place}: {fault.message}")
            if fault.hint:
                lines.append(f"    hint: {fault.hint}")
        lines.extend(f"  warning: {warning}" for warning in error.warnings)
    elif not error.is_logged:
        lines.append(f"error: {error.message}")
    if isinstance(error, ScriptError) and error.stack and not error.is_logged:
        # JavaScript's stacks begin with the message, which stands above already.
        stack = error.stack.removeprefix(error.message).strip("\n")
        lines.extend(f"  {line}" for line in stack.splitlines())
    if error.hint:
        lines.append(f"  hint: {error.hint}")
    if error.slug:
        lines.append(f"  see docs/messages.md#{error.slug}")
    return "".join(f"{line}\n" for line in lines)


def format_usage_error(error: click.ClickException) -> str:
    """A wrong command line, with the command whose help explains it."""
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else PROGRAM
    return f"error: {error.format_message()}\n  hint: '{path} --help' lists what there is\n"


def format_bug() -> str:
    """What follows the traceback of an unexpected exception."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    return (
        f"error: this is a bug in swell {swell.__version__} (Python {version}); "
        "please report it with the traceback above and the command line\n"
        "  see docs/messages.md#bug\n"
    )


def entry(arguments: Sequence[str] | None = None, system: System | None = None) -> None:
    """The console script; ``arguments`` are the process's own, and ``system`` its own, unless given."""
    system = system or real_system()
    code: int
    try:
        if COMPLETION_VARIABLE in os.environ:
            from click.shell_completion import shell_complete  # noqa: PLC0415 - only while completing

            code = shell_complete(cli, {}, PROGRAM, COMPLETION_VARIABLE, os.environ[COMPLETION_VARIABLE])
        else:
            code = main(sys.argv[1:] if arguments is None else arguments, system)
        system.stdout.flush()
        lost = getattr(system.stdout, "error", None)
        if lost is not None:
            system.stderr.write(f"error: standard output was not written: {lost.strerror}\n")
            drop_output()
            code = code or ExitCode.OTHER
    except BrokenPipeError:
        # The reader of our output is gone (`swell --help | head -1`): end as if SIGPIPE had killed us.
        drop_output()
        code = 128 + 13
    sys.exit(code)


def drop_output() -> None:
    """Lead standard output nowhere, or the interpreter complains when it flushes the rest at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
