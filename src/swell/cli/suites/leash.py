"""How a suite starts its runs: ``python -P -m swell.cli.suites.leash FD run SCRIPT ...``.

FD is a connection to the suite. The run tells on it how it goes, a line of JSON at a time, and ends with the
suite: nobody is left to read what comes of it.
"""

import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from threading import Thread
from typing import TextIO

import msgspec

from swell.base.clock import NS_PER_MS, monotonic_ns
from swell.cli.main import entry
from swell.cli.system import real_system
from swell.engine.watchdog import end_process_group
from swell.metrics.snapshot import Snapshot
from swell.report.progress import LogWriter, PlainProgress
from swell.report.suitelive import TestState, state_of

# As often as the suite's view can show a difference.
TELL_NS = 200 * NS_PER_MS
# From the end of the suite to an end in order, from there to one at once, and to a kill.
PATIENCE_S = 5.0


class ToldProgress(PlainProgress):
    """Plain progress that also tells the suite."""

    def __init__(
        self,
        line: socket.socket,
        stream: TextIO,
        log: LogWriter,
        now_ns: Callable[[], int] = monotonic_ns,
    ) -> None:
        super().__init__(stream, log, now_ns=now_ns)
        self._line = line
        self._clock_ns = now_ns
        self._told_phase = ""
        self._unsent = b""
        self._due_ns = 0

    def phase(self, text: str) -> None:
        """Write the line, and tell it."""
        super().phase(text)
        self._told_phase = text
        self._tell()

    def update(self, snapshot: Snapshot) -> None:
        """Write the lines once a second, and tell the state some times as often."""
        super().update(snapshot)
        now_ns = self._clock_ns()
        if now_ns >= self._due_ns:
            self._due_ns = now_ns + TELL_NS
            self._tell()

    def _tell(self) -> None:
        """Write what the connection takes: a suite that does not read must not hold up a run."""
        if not self._unsent:
            phase = self._told_phase
            state = TestState(phase=phase) if self._latest is None else state_of(self._latest, phase)
            self._unsent = msgspec.json.encode(state) + b"\n"
        # Full, or nobody is there any more: the leash sees to that.
        with contextlib.suppress(OSError):
            self._unsent = self._unsent[self._line.send(self._unsent, socket.MSG_DONTWAIT) :]


def follow(line: socket.socket) -> None:
    """Wait until the suite's end of ``line`` closes, then end this process: in order, at once, by a kill."""
    with contextlib.suppress(OSError):
        while line.recv(1):
            continue
    for _ in range(2):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(PATIENCE_S)
    end_process_group()


def main(arguments: Sequence[str]) -> None:
    """Run the command of ``arguments`` after the first, which is the descriptor of the connection."""
    descriptor, *command = arguments
    line = socket.socket(fileno=int(descriptor))
    system = real_system()
    system.plain_progress = lambda stream, log: ToldProgress(line, stream, log)
    Thread(target=follow, args=(line,), daemon=True).start()
    entry(command, system)


if __name__ == "__main__":
    main(sys.argv[1:])
