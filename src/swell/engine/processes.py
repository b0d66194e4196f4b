"""Starting and ending worker processes; imports nothing heavy, as worker 0 starts before all else."""

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from itertools import islice, takewhile

WORKER_MODULE = "swell.cli.worker"
# What of a worker's output is kept for the message about its death.
LAST_WORDS_BYTES = 4096
LAST_WORDS_LINES = 5
# How the report of Python's faulthandler begins, and in it the stack of the thread that crashed.
_CRASH = "Fatal Python error"
_CRASHED_THREAD = "Current thread"


@dataclass(slots=True)
class WorkerProcess:
    """One worker process and the coordinator's ends of its connections.

    ``control`` carries frames both ways, ``beat`` the watchdog's heartbeats, ``output`` what the process
    writes to its standard output and error beside them.
    """

    index: int
    process: subprocess.Popen[bytes]
    control: socket.socket
    beat: socket.socket
    output_fd: int
    output_tail: bytearray = field(default_factory=bytearray)
    is_closed: bool = False

    @property
    def pid(self) -> int:
        """The process id, which is its process group's too."""
        return self.process.pid

    def read_output(self) -> bytes | None:
        """What the process has written by now; None at the end of the stream."""
        try:
            data = os.read(self.output_fd, 65536)
        except BlockingIOError:
            return b""
        if not data:
            return None
        self.output_tail += data
        del self.output_tail[:-LAST_WORDS_BYTES]
        return data

    def last_words(self) -> str:
        """The last lines of the process's output, in one line."""
        text = self.output_tail.decode(errors="replace")
        lines = [line.strip() for line in text.split("\n") if line.strip()]
        crash = max((at for at, line in enumerate(lines) if line.startswith(_CRASH)), default=None)
        if crash is None:
            return " | ".join(lines[-LAST_WORDS_LINES:])
        # Python's own report: what happened, and where, the innermost frame first.
        current = next((at for at, line in enumerate(lines) if line.startswith(_CRASHED_THREAD)), crash)
        stack = takewhile(lambda line: line.startswith("File"), lines[current + 1 :])
        return " | ".join([lines[crash], *islice(stack, LAST_WORDS_LINES - 1)])

    def kill(self) -> None:
        """End the process and what it started, at once."""
        if self.process.poll() is not None:
            return
        try:
            os.killpg(self.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            self.process.kill()

    def close(self) -> None:
        """Kill the process where it still runs, reap it and close the connections; safe to call twice."""
        self.kill()
        self.process.wait()
        self.control.close()
        self.beat.close()
        if self.output_fd >= 0:
            os.close(self.output_fd)
            self.output_fd = -1


def default_command() -> tuple[str, ...]:
    """The command line of a worker, without its descriptors.

    ``-P`` keeps the current directory off the import path: a user's ``http.py`` must not shadow the
    library's.
    """
    return (sys.executable, "-P", "-m", WORKER_MODULE)


def worker_environment() -> dict[str, str]:
    """The environment of a worker.

    Compiled files halve the time to start, and numpy needs no threads for what a worker does with it.
    """
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    environment.setdefault("OPENBLAS_NUM_THREADS", "1")
    return environment


def spawn_worker(index: int, command: tuple[str, ...] | None = None) -> WorkerProcess:
    """Start a worker; it imports and patches while the caller goes on. Raises ``OSError``.

    It leads a process group of its own, so that a terminal's Ctrl-C reaches the coordinator only.
    """
    control, control_child = socket.socketpair()
    beat, beat_child = socket.socketpair()
    output_fd, output_child = os.pipe()
    os.set_blocking(output_fd, False)
    fds = (control_child.fileno(), beat_child.fileno())
    arguments = (*(command or default_command()), "--fd", str(fds[0]), "--watchdog-fd", str(fds[1]))
    try:
        process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=output_child,
            stderr=output_child,
            pass_fds=fds,
            env=worker_environment(),
            process_group=0,
        )
    except OSError:
        control.close()
        beat.close()
        os.close(output_fd)
        raise
    finally:
        control_child.close()
        beat_child.close()
        os.close(output_child)
    return WorkerProcess(index, process, control, beat, output_fd)


def describe_exit(returncode: int) -> str:
    """How a process ended, in words: ``exited with status 1``, ``was killed by SIGKILL``."""
    if returncode >= 0:
        return f"exited with status {returncode}"
    try:
        name = signal.Signals(-returncode).name
    except ValueError:
        name = f"signal {-returncode}"
    return f"was killed by {name}"
