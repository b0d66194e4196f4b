"""The worker's end of the connection to the coordinator: sending never blocks a VU or the hub.

What is held for a slow coordinator is bounded: beyond ``BACKLOG_BYTES`` the channel ``is_backlogged``; then
deltas wait in the aggregator, where they merge, and log lines are dropped and counted.
"""

import os
import socket
from collections import deque
from collections.abc import Iterator
from typing import Self

import gevent
import gevent.event

from swell.engine.channel import READ_BYTES, FrameDecoder, encode_frame
from swell.engine.frames import Down, Up

BACKLOG_BYTES = 4 * 1024 * 1024


class WorkerChannel:
    """The worker's end: ``send`` never blocks, iterating waits cooperatively for the next frame down."""

    def __init__(self, connection: socket.socket, backlog_bytes: int = BACKLOG_BYTES) -> None:
        self._socket = connection
        self._limit = backlog_bytes
        self._queue: deque[bytes] = deque()
        self._queued_bytes = 0
        self._wake = gevent.event.Event()
        self._drained = gevent.event.Event()
        self._drained.set()
        self._closed = False
        self._is_writing = False
        self._writer = gevent.spawn(self._write)

    @classmethod
    def from_fd(cls, fd: int) -> Self:
        """The channel on an inherited descriptor of a stream socket."""
        return cls(socket.socket(fileno=fd))

    def __repr__(self) -> str:
        return f"<WorkerChannel {self._queued_bytes} bytes queued{', closed' if self._closed else ''}>"

    @property
    def is_backlogged(self) -> bool:
        """Whether the coordinator is behind: what can wait, or can be dropped, should."""
        return self._queued_bytes > self._limit

    @property
    def is_closed(self) -> bool:
        """Whether the coordinator is gone."""
        return self._closed

    def send(self, frame: Up) -> None:
        """Queue ``frame``; returns at once, and drops it where the coordinator is gone."""
        if self._closed:
            return
        data = encode_frame(frame)
        if not self._queue and not self._is_writing:
            # At once, where the socket takes it: what is said last before a crash or a hang must get out.
            data = data[self._write_now(data) :]
            if not data:
                return
        self._queue.append(data)
        self._queued_bytes += len(data)
        self._drained.clear()
        self._wake.set()

    def flush(self, timeout_s: float) -> bool:
        """Wait until everything is written; False where ``timeout_s`` seconds were not enough."""
        return self._drained.wait(timeout_s) and not self._closed

    def __iter__(self) -> Iterator[Down]:
        """The frames from the coordinator until it closes its end; raises ``FrameError``."""
        decoder: FrameDecoder[Down] = FrameDecoder(Down)
        while data := self._read():
            decoder.feed(data)
            yield from decoder.frames()
        self._close()

    def _read(self) -> bytes:
        try:
            return self._socket.recv(READ_BYTES)
        except OSError:
            return b""

    def _write_now(self, data: bytes) -> int:
        """How many bytes the socket takes without waiting; gevent has made it non-blocking."""
        try:
            return os.write(self._socket.fileno(), data)
        except OSError:
            return 0  # full, or gone: the writer finds out

    def _write(self) -> None:
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            while self._queue:
                data = self._queue.popleft()
                self._is_writing = True
                try:
                    self._socket.sendall(data)
                except OSError:
                    self._close()
                    return
                finally:
                    self._is_writing = False
                self._queued_bytes -= len(data)
            self._drained.set()

    def _close(self) -> None:
        self._closed = True
        self._queue.clear()
        self._queued_bytes = 0
        self._wake.set()
        self._drained.set()
