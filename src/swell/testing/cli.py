"""Runs a whole swell command inside the calling process, with the outside replaced: for tests of the command.

Workers are real processes all the same; what is replaced is the command's own arguments, environment,
directory, streams and signals.
"""

import contextlib
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from swell.base.errors import ExitCode
from swell.cli.main import main
from swell.cli.system import SignalHandler, System


@dataclass(frozen=True, slots=True)
class CLIResult:
    """How a command ended and what it wrote."""

    exit_code: ExitCode
    stdout: str
    stderr: str


@dataclass(slots=True)
class SignalSource:
    """Stands in for the signals of a process: a test sends one while the command runs."""

    _handlers: list[SignalHandler] = field(default_factory=list)

    @contextlib.contextmanager
    def handled(self, handler: SignalHandler) -> Iterator[None]:
        """What the command enters where the real one would install signal handlers."""
        self._handlers.append(handler)
        try:
            yield
        finally:
            self._handlers.remove(handler)

    def send(self, number: int) -> bool:
        """Deliver signal ``number``; False where the command has no handler (not yet, or not any more)."""
        if not self._handlers:
            return False
        self._handlers[-1](number)
        return True


def run_cli(
    *arguments: str,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stdin: str = "",
    tty: bool = False,
    signals: SignalSource | None = None,
) -> CLIResult:
    """Run ``swell ARGUMENTS`` and return its exit code and output.

    ``env`` is the whole environment that the command sees (default: empty), ``cwd`` its directory (default:
    the process's), ``tty`` whether its output streams claim to be a terminal.
    """
    stdout, stderr = io.StringIO(), io.StringIO()
    system = System(
        env=dict(env or {}),
        cwd=cwd or Path.cwd(),
        stdin=io.StringIO(stdin),
        stdout=stdout,
        stderr=stderr,
        stdout_is_tty=tty,
        stderr_is_tty=tty,
        signals=(signals or SignalSource()).handled,
    )
    # click writes --help and --version to the process's own streams.
    with contextlib.redirect_stdout(stdout), contextlib.redirect_stderr(stderr):
        code = main(arguments, system)
    return CLIResult(code, stdout.getvalue(), stderr.getvalue())
