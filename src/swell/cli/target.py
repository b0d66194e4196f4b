"""``swell target``: starts the reference platform, or seeds its databases, in a process of its own."""

import importlib.util
import os
import signal
import subprocess
import sys

import click

from swell.base.errors import ExitCode, SwellError
from swell.cli.system import System


@click.command(context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def command(system: System, /, arguments: tuple[str, ...]) -> ExitCode:
    """Start the reference platform ('serve') or fill its databases ('seed').

    ARGUMENTS are those of the platform's own command: 'swell target serve --help' lists them.
    """
    # The platform imports nothing of swell, nor swell anything of it: it is another program that comes along.
    if importlib.util.find_spec("uvicorn") is None or importlib.util.find_spec("sqlalchemy") is None:
        raise SwellError(
            "the reference platform's libraries are not installed",
            hint="pip install 'swell[target]'",
            slug="target-not-installed",
        )
    # The platform ends when nobody holds the other end any more, however this process has ended.
    leash, held = os.pipe()
    arguments = (*arguments, "--leash", str(leash)) if "serve" in arguments[:1] else arguments
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "swell_target", *(arguments or ("--help",))],
        cwd=system.cwd,
        env=dict(system.env),
        pass_fds=[leash],
    )
    os.close(leash)

    def pass_on(number: int) -> None:
        # The terminal sends its Ctrl-C to both; a second one changes nothing there.
        process.send_signal(number)

    with system.signals(pass_on):
        status = process.wait()
    os.close(held)
    # Stopped as asked is fine; all faults are one line, already written.
    return ExitCode.OK if status in (0, -signal.SIGINT, -signal.SIGTERM) else ExitCode.OTHER
