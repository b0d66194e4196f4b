"""Runs a test from loading to its result: one thread, one selector, any number of worker processes.

What to do is decided by ``Conductor``; here is what it cannot do itself: descriptors, processes and time. The
coordinator generates no load, loads no script and is never monkey-patched. However ``run`` ends, no worker is
left.
"""

import selectors
import signal
import socket
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from swell.base.clock import NS_PER_MS, NS_PER_SECOND, monotonic_ns
from swell.base.errors import ExitCode, SwellError
from swell.engine import frames
from swell.engine.channel import FrameError, PeerChannel
from swell.engine.conductor import Conductor
from swell.engine.lifecycle import Cause
from swell.engine.processes import WorkerProcess, describe_exit, spawn_worker
from swell.engine.request import RunListener, RunRequest
from swell.metrics.snapshot import Snapshot

if TYPE_CHECKING:
    from collections.abc import Callable

# The live view redraws, deadlines are checked and dead processes are reaped ten times a second.
TICK_NS = 100 * NS_PER_MS
# Between the end of a worker's connection and the end of its process.
REAP_NS = NS_PER_SECOND
# Windows has no SIGHUP; a closed terminal ends a run as Ctrl-C does.
SIGNAL_NAMES = {signal.SIGINT: "interrupt", signal.SIGTERM: "terminated"}


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run has come to; ``summary_files`` is what handle_summary returned, None for the default."""

    snapshot: Snapshot
    exit_code: ExitCode
    cause: Cause | None = None
    summary_files: dict[str, bytes] | None = None


@dataclass(slots=True)
class _Peer:
    """One worker process with its channels."""

    process: WorkerProcess
    control: PeerChannel[frames.Up]
    beat: PeerChannel[frames.Heartbeat]
    output_rest: bytes = b""
    closed_ns: int | None = None
    # Why its connection was given up, where the fault was in what it said.
    fault: str = ""
    is_gone: bool = False


class Coordinator:
    """One run. ``interrupt`` may be called from a signal handler or another thread, all else not."""

    def __init__(
        self,
        request: RunRequest,
        listener: RunListener | None = None,
        *,
        first_worker: WorkerProcess | None = None,
        worker_command: tuple[str, ...] | None = None,
    ) -> None:
        self._request = request
        self._listener = listener or RunListener()
        self._command = worker_command
        self._first_worker = first_worker
        self._selector = selectors.DefaultSelector()
        self._peers: dict[int, _Peer] = {}
        self._signals: deque[int] = deque()
        self._wake_read, self._wake_write = socket.socketpair()
        self._wake_read.setblocking(False)
        self._wake_write.setblocking(False)

    def __repr__(self) -> str:
        return f"<Coordinator {self._request.path!r} workers={sorted(self._peers)}>"

    def interrupt(self, number: int = signal.SIGINT) -> None:
        """A stop signal has come: the first ends the run in order, the second at once."""
        self._signals.append(number)
        try:
            self._wake_write.send(b"\0")
        except OSError:
            return  # full: the loop is awake already

    def run(self) -> RunResult:
        """Run the test and return its result; no worker is left, however it ends.

        Raises:
            ConfigError: from the request's ``resolve``.
            ScriptError: the script raised while it was loaded or its VUs were made.
            SwellError: there is no run to speak of for another reason: a signal, a lost worker, a time-out.
        """
        try:
            conductor = Conductor(self._request, self, self._listener, monotonic_ns())
            self._register(self._first_worker or self._spawn(0))
            self._selector.register(self._wake_read, selectors.EVENT_READ, self._on_wake)
            conductor.start(monotonic_ns())
            while not conductor.is_over:
                self._turn(conductor)
        finally:
            self._close()
        if conductor.plan is None or not conductor.results.has_started:
            cause = conductor.cause
            raise cause.as_error() if cause else SwellError("the run ended before it began")
        snapshot = conductor.snapshot()
        code = conductor.cause.code if conductor.cause else ExitCode.OK
        return RunResult(snapshot, code, conductor.cause, conductor.summary_files)

    # What the conductor may do (conductor.Port).

    def send(self, worker: int, frame: frames.Down) -> None:
        """Send ``frame`` to a worker."""
        peer = self._peers[worker]
        peer.control.send(frame)
        if peer.control.wants_write:
            self._watch(peer)

    def spawn(self, worker: int) -> None:
        """Start one more worker."""
        self._register(self._spawn(worker))

    def kill(self, worker: int) -> None:
        """End a worker process at once; its end is noticed like any other."""
        self._peers[worker].process.kill()

    # The loop.

    def _turn(self, conductor: Conductor) -> None:
        for key, events in self._selector.select(TICK_NS / NS_PER_SECOND):
            handle: Callable[[Conductor, int], None] = key.data
            handle(conductor, events)
        now_ns = monotonic_ns()
        for index, peer in self._peers.items():
            self._reap(conductor, index, peer, now_ns)
        conductor.time(monotonic_ns())

    def _on_wake(self, conductor: Conductor, _events: int) -> None:
        while True:
            try:
                if not self._wake_read.recv(4096):
                    break
            except BlockingIOError:
                break
        while self._signals:
            number = self._signals.popleft()
            conductor.signal(SIGNAL_NAMES.get(signal.Signals(number), str(number)), monotonic_ns())

    def _on_control(self, index: int, conductor: Conductor, events: int) -> None:
        peer = self._peers[index]
        if events & selectors.EVENT_WRITE:
            peer.control.write()
        if events & selectors.EVENT_READ:
            try:
                for frame in peer.control.read():
                    conductor.frame(index, frame, monotonic_ns())
            except FrameError as error:
                peer.fault = f"sent what is no frame: {error}"
                peer.control.is_closed = True
        if peer.control.is_closed:
            self._selector.unregister(peer.control)
            peer.closed_ns = monotonic_ns()
        else:
            self._watch(peer)

    def _on_beat(self, index: int, conductor: Conductor, _events: int) -> None:
        peer = self._peers[index]
        try:
            for frame in peer.beat.read():
                conductor.frame(index, frame, monotonic_ns())
        except FrameError:
            peer.beat.is_closed = True
        if peer.beat.is_closed:
            # The process is ending, or will be missed for its silence.
            self._selector.unregister(peer.beat)

    def _on_output(self, index: int, _conductor: Conductor, _events: int) -> None:
        peer = self._peers[index]
        if self._read_output(index, peer) is None:
            self._selector.unregister(peer.process.output_fd)

    def _read_output(self, index: int, peer: _Peer) -> bytes | None:
        data = peer.process.read_output()
        *lines, rest = (peer.output_rest + (data or b"")).split(b"\n")
        peer.output_rest = rest[-65536:]
        for line in lines:
            text = line.decode(errors="replace")
            self._listener.on_log(frames.LogLine("info", text, {"source": "output"}), index)
        return data

    def _reap(self, conductor: Conductor, index: int, peer: _Peer, now_ns: int) -> None:
        """Tell the conductor of a process that has ended, after the last frame it sent."""
        if peer.is_gone or peer.closed_ns is None:
            return
        returncode = peer.process.process.poll()
        if returncode is None:
            if peer.fault or now_ns - peer.closed_ns > REAP_NS:
                peer.process.kill()
            return
        peer.is_gone = True
        while self._read_output(index, peer):
            pass
        how = peer.fault or describe_exit(returncode)
        conductor.worker_ended(index, how, peer.process.last_words(), monotonic_ns())

    # Processes.

    def _spawn(self, index: int) -> WorkerProcess:
        try:
            return spawn_worker(index, self._command)
        except OSError as error:
            raise SwellError(
                f"worker {index} cannot be started: {error}",
                hint="is there a limit on processes or memory?",
                slug="worker-start",
            ) from error

    def _register(self, process: WorkerProcess) -> None:
        index = process.index
        peer = _Peer(
            process,
            PeerChannel(process.control),
            PeerChannel(process.beat, frames.Heartbeat),
        )
        self._peers[index] = peer
        self._selector.register(peer.control, selectors.EVENT_READ, partial(self._on_control, index))
        self._selector.register(peer.beat, selectors.EVENT_READ, partial(self._on_beat, index))
        self._selector.register(process.output_fd, selectors.EVENT_READ, partial(self._on_output, index))

    def _watch(self, peer: _Peer) -> None:
        """Ask the selector for what the channel waits for."""
        if peer.control.is_closed:
            return
        events = selectors.EVENT_READ | (selectors.EVENT_WRITE if peer.control.wants_write else 0)
        key = self._selector.get_key(peer.control)
        if key.events != events:
            self._selector.modify(peer.control, events, key.data)

    def _close(self) -> None:
        for peer in self._peers.values():
            peer.process.kill()
        for peer in self._peers.values():
            peer.process.close()
        if self._first_worker is not None and not self._peers:
            self._first_worker.close()
        self._selector.close()
        self._wake_read.close()
        self._wake_write.close()
