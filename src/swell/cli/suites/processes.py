"""The processes that a suite starts: each in a session of its own, none left behind however the suite ends.

A terminal sends its Ctrl-C to the whole foreground group: in sessions of their own the children hear of it
from us only, once, and in order.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

# From a polite end to a kill: swell itself needs up to 3 s for interrupting and 2 s for leaving.
GRACE_S = 15.0
POLL_S = 0.05


class Stopped(Exception):  # noqa: N818 - it is the event, not a fault
    """A signal came: nothing more is started."""


class Children:
    """All processes of one suite; leaving the context ends them."""

    def __init__(self) -> None:
        self._all: list[subprocess.Popen[bytes]] = []
        # Signals so far: after the first nothing is started, after the second nothing is waited for.
        self.signals = 0

    def __repr__(self) -> str:
        return f"<Children {len(self._all)} started, {self.signals} signals>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end(self._all)

    def on_signal(self, _number: int) -> None:
        """Only note it: the loops that wait look at it a moment later."""
        self.signals += 1

    def start(
        self, command: Sequence[str], *, cwd: Path, env: Mapping[str, str], out: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        """Start a process with both outputs to ``out``. Raises ``Stopped`` after a signal, and OSError."""
        if self.signals:
            raise Stopped
        process = subprocess.Popen(  # noqa: S603 - our own programs
            command,
            cwd=cwd,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._all.append(process)
        return process

    def pause(self) -> None:
        """Wait a moment. Raises ``Stopped`` after a signal."""
        time.sleep(POLL_S)
        if self.signals:
            raise Stopped

    def end(self, processes: Iterable[subprocess.Popen[bytes]]) -> None:
        """End ``processes``: politely, then (after a while, or another signal) with all of their group."""
        running = [process for process in processes if process.poll() is None]
        for process in running:
            send(process, signal.SIGINT)
        seen = self.signals
        deadline = time.monotonic() + GRACE_S
        while any(process.poll() is None for process in running):
            if time.monotonic() > deadline or self.signals > max(seen, 1):
                break
            time.sleep(POLL_S)
        for process in running:
            # The group, too, of one that has ended: whatever it left behind belongs to us.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def send(process: subprocess.Popen[bytes], number: int) -> None:
    """Send a signal to the process alone: it tells its own children."""
    if process.poll() is None:
        process.send_signal(number)
