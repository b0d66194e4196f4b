"""The process boundary as one object: arguments, environment, directory, streams and signals.

Commands touch the outside only through a ``System``, so that a test runs a whole command inside its own
process with everything replaced (``swell.testing.cli.run_cli``).
"""

import os
import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, cast

from swell.base.streams import WrappedStream

if TYPE_CHECKING:
    from swell.report.progress import LogWriter, Progress

SignalHandler = Callable[[int], None]
# What ends a run: the terminal's Ctrl-C, and what supervisors and CI systems send.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

DEFAULT_WIDTH = 80


@contextmanager
def process_signals(handler: SignalHandler) -> Iterator[None]:
    """Send this process's stop signals to ``handler`` while the context is open; main thread only."""

    def call(number: int, _frame: object) -> None:
        handler(number)

    before = {number: signal.signal(number, call) for number in STOP_SIGNALS}
    try:
        yield
    finally:
        for number, previous in before.items():
            signal.signal(number, previous)


class PatientStream(WrappedStream):
    """A text stream that a full disk does not stop: what cannot be written is lost, and ``error`` says why.

    A run must not die of its own output. A reader that has gone away is another matter: ``BrokenPipeError``
    goes through, as nobody is there to run for.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self.error: OSError | None = None

    def write(self, text: str, /) -> int:
        """Write ``text``, or note why not."""
        try:
            return self._stream.write(text)
        except BrokenPipeError:
            raise
        except OSError as error:
            self.error = self.error or error
            return len(text)

    def flush(self) -> None:
        """Flush, or note why not."""
        try:
            self._stream.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            self.error = self.error or error


@dataclass(slots=True)
class System:
    """Everything of the process that a command may touch."""

    env: Mapping[str, str]
    cwd: Path
    stdin: TextIO
    stdout: TextIO
    stderr: TextIO
    stdout_is_tty: bool = False
    stderr_is_tty: bool = False
    # Enters a context in which stop signals go to the given handler.
    signals: Callable[[SignalHandler], AbstractContextManager[None]] = process_signals
    # Makes the progress of a run where no terminal is to be redrawn; None for lines.
    plain_progress: "Callable[[TextIO, LogWriter], Progress] | None" = None

    @property
    def color(self) -> bool:
        """Whether standard output takes colour: a terminal, not a dumb one, no-color.org's NO_COLOR unset."""
        env = self.env
        if "NO_COLOR" in env or env.get("SWELL_NO_COLOR") or env.get("K6_NO_COLOR"):
            return False
        return self.stdout_is_tty and env.get("TERM") != "dumb"

    @property
    def has_width(self) -> bool:
        """Whether output has a width that lines must keep: a terminal's, or COLUMNS."""
        return self.stdout_is_tty or self.env.get("COLUMNS", "").isdigit()

    @property
    def width(self) -> int:
        """Columns of the terminal, or 80 where there is none; COLUMNS wins, as everywhere."""
        if not self.has_width:
            return DEFAULT_WIDTH
        return shutil.get_terminal_size((DEFAULT_WIDTH, 24)).columns

    def path(self, text: str) -> Path:
        """``text`` as a path; relative ones start at this system's directory."""
        return self.cwd / Path(text).expanduser()


def open_missing_streams() -> None:
    """Give the process the standard streams that its caller closed (``>&-``).

    Otherwise the next file or socket would get their numbers, and be written to. What is written to a closed
    standard output is lost, and said at the end as with a full disk; what is written to a closed standard
    error is lost in silence.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            # Takes the smallest free number: this one. From 0 nothing can be read, to 1 nothing written.
            os.open(os.devnull, os.O_RDONLY if number == 1 else os.O_WRONLY)
    sys.stdin = sys.stdin or open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - a descriptor
    sys.stdout = sys.stdout or open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above
    sys.stderr = sys.stderr or open(2, "w", encoding="utf-8", closefd=False)  # noqa: SIM115 - as above


def real_system() -> System:
    """The system of this process."""
    open_missing_streams()
    return System(
        env=os.environ,
        cwd=Path.cwd(),
        stdin=sys.stdin,
        stdout=cast("TextIO", PatientStream(sys.stdout)),
        stderr=cast("TextIO", PatientStream(sys.stderr)),
        stdout_is_tty=sys.stdout.isatty(),
        stderr_is_tty=sys.stderr.isatty(),
    )
