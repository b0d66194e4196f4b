"""The processes that a suite starts: each in a session of its own, none left behind however the suite ends.

A terminal sends its Ctrl-C to the whole foreground group: in sessions of their own the children hear of it
from us only, once, and in order. Each holds one end of a connection whose other end is ours alone: should we
be killed, the kernel closes it, and the children end themselves. On it a run tells how it goes.
"""

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import psutil

# From a polite end to a kill: swell itself needs up to 3 s for interrupting and 2 s for leaving.
GRACE_S = 15.0
# How long what a child had started may take to notice that the child is gone.
ORPHAN_S = 5.0
POLL_S = 0.05
READ_BYTES = 65_536


class Stopped(Exception):  # noqa: N818 - it is the event, not a fault
    """A signal came: nothing more is started."""


class Child:
    """A process that was started, and our end of the connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], line: socket.socket) -> None:
        self.process = process
        self._line = line
        self._unread = b""
        self._is_swept = False

    def __repr__(self) -> str:
        return f"<Child {self.process.pid}, status {self.process.returncode}>"

    @property
    def pid(self) -> int:
        """The number of the process, and of its group."""
        return self.process.pid

    def poll(self) -> int | None:
        """Its status once it has ended; what it left behind in its group ends with it."""
        status = self.process.poll()
        if status is not None and not self._is_swept:
            # Now and not later: with its last member the group's number is free for others.
            self._is_swept = True
            self._kill_group()
        return status

    def told(self) -> list[bytes]:
        """The lines that it has written on the connection since the last call."""
        with contextlib.suppress(OSError):
            while piece := self._line.recv(READ_BYTES):
                self._unread += piece
        *lines, self._unread = self._unread.split(b"\n")
        return lines

    def kill(self) -> None:
        """Kill it with its group, where it still runs, and wait for it."""
        if self.poll() is None:
            self._kill_group()
            self.process.wait()
            self._is_swept = True

    def close(self) -> None:
        """Close the connection."""
        self._line.close()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, signal.SIGKILL)


class Children:
    """All processes of one suite; leaving the context ends them."""

    def __init__(self) -> None:
        self._all: list[Child] = []
        self._temporary: list[Path] = []
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
        for folder in self._temporary:
            # Only where its owner was killed is it still there.
            shutil.rmtree(folder, ignore_errors=True)

    def temporary(self, prefix: str) -> str:
        """The name of a folder that a child may make, and removes: nothing of it outlives the children."""
        folder = Path(tempfile.gettempdir(), f"{prefix}{secrets.token_hex(8)}")
        self._temporary.append(folder)
        return str(folder)

    def on_signal(self, _number: int) -> None:
        """Only note it: the loops that wait look at it a moment later."""
        self.signals += 1

    def start(
        self, command: Callable[[int], Sequence[str]], *, cwd: Path, env: Mapping[str, str], out: IO[bytes]
    ) -> Child:
        """Start a process with both outputs to ``out``; ``command`` gets the descriptor of its connection.

        Raises:
            Stopped: a signal came before.
            OSError: the process cannot be started.
        """
        if self.signals:
            raise Stopped
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = subprocess.Popen(  # noqa: S603 - our own programs
                    command(theirs.fileno()),
                    cwd=cwd,
                    env=dict(env),
                    stdin=subprocess.DEVNULL,
                    stdout=out,
                    stderr=subprocess.STDOUT,
                    pass_fds=[theirs.fileno()],
                    start_new_session=True,
                )
            except OSError:
                ours.close()
                raise
        ours.setblocking(False)
        child = Child(process, ours)
        self._all.append(child)
        return child

    def pause(self) -> None:
        """Wait a moment. Raises ``Stopped`` after a signal."""
        time.sleep(POLL_S)
        if self.signals:
            raise Stopped

    def end(self, children: Iterable[Child]) -> None:
        """End ``children``: politely, then (after a while, or another signal) with all of their group.

        What they have started themselves, in whatever group, ends with them.
        """
        children = list(children)
        running = [child for child in children if child.poll() is None]
        orphans = [one for child in running for one in _descendants(child.pid)]
        for child in running:
            child.process.send_signal(signal.SIGINT)
        seen = self.signals
        deadline = time.monotonic() + GRACE_S
        while any(child.poll() is None for child in running):
            if time.monotonic() > deadline or self.signals > max(seen, 1):
                break
            time.sleep(POLL_S)
        for child in running:
            child.kill()
        # They look after themselves, unless they hang.
        hanging = psutil.wait_procs(orphans, timeout=ORPHAN_S)[1]
        for orphan in hanging:
            with contextlib.suppress(psutil.NoSuchProcess):
                orphan.kill()
        psutil.wait_procs(hanging, timeout=ORPHAN_S)
        for child in children:
            child.close()


def _descendants(pid: int) -> list[psutil.Process]:
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []
