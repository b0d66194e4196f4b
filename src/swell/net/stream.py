"""A byte stream over an open connection, for protocols that are no request and response.

Everything runs in the hub and nothing blocks: what arrives is handed to the owner with its receive stamp, and
what the socket does not take at once waits in a buffer until it does. The owner bounds that buffer by looking
at ``pending_bytes``, and what it has received itself by ``pause`` and ``resume``.
"""

import socket as socket_module
import ssl
from collections.abc import Callable
from contextlib import suppress
from time import monotonic_ns
from typing import Any, Final

from gevent import get_hub

from swell.base.clock import CLOCK_OFFSET
from swell.net.transport import ANCILLARY_BYTES, READ, READ_BYTES, WRITE, Connection, _unpack_timespec

# The owner is told of room when no more than this is left to be sent.
LOW_WATER_BYTES: Final = 64 * 1024

# May give what is to be called when the stream is done with the data: the switch to a greenlet that waits.
OnData = Callable[[bytes, int, int], Callable[[], object] | None]
OnEnd = Callable[[BaseException | None], None]


class Stream:
    """Bytes in both directions over ``connection``, which it closes in the end.

    ``on_data(data, stamp_ns, arrived_ns)`` gets what arrives: when the kernel received it, and when we read
    it; what it returns is called, so that it may switch to a greenlet. ``on_end(error)`` is called once, from
    the hub or from within ``write``: None means that the peer ended the stream properly. ``on_room()`` is
    called when the send buffer has emptied.
    """

    __slots__ = (
        "_buffer",
        "_connection",
        "_hub",
        "_incoming",
        "_is_closed",
        "_outgoing",
        "_recvmsg",
        "_send",
        "_socket",
        "_tls",
        "_watcher",
        "_writer",
        "is_paused",
        "on_data",
        "on_end",
        "on_room",
        "received_bytes",
        "sent_bytes",
    )

    def __init__(self, connection: Connection, on_data: OnData, on_end: OnEnd) -> None:
        self._connection = connection
        self._socket, self._tls, self._incoming, self._outgoing = connection.channel
        self._send = self._socket.send
        self._recvmsg = self._socket.recvmsg
        self._hub: Any = get_hub()
        self.on_data = on_data
        self.on_end = on_end
        self.on_room: Callable[[], None] | None = None
        self._buffer: bytearray | None = None
        self._writer: Any = None
        self._is_closed = False
        # True between ``pause`` and ``resume``.
        self.is_paused = False
        # What dialling and the TLS handshake have moved counts too.
        self.sent_bytes, self.received_bytes = connection.sent_bytes, connection.received_bytes
        self._watcher: Any = self._hub.loop.io(self._socket.fileno(), READ)
        self._watcher.start(self._on_readable)

    def __repr__(self) -> str:
        state = "closed" if self._is_closed else "paused" if self.is_paused else "open"
        return f"<Stream {state} pending={self.pending_bytes}>"

    @property
    def pending_bytes(self) -> int:
        """How much waits for the socket to take it."""
        return len(self._buffer) if self._buffer is not None else 0

    # Reading

    def pause(self) -> None:
        """Read nothing more: the peer is held back as soon as the socket's own buffer is full."""
        if not self.is_paused and not self._is_closed:
            self.is_paused = True
            self._watcher.stop()

    def resume(self) -> None:
        """Go on after ``pause``."""
        if self.is_paused and not self._is_closed:
            self.is_paused = False
            self._watcher.start(self._on_readable)

    def _on_readable(self) -> None:
        """Runs in the hub whenever there is something to read; never raises."""
        try:
            data, ancillary, _flags, _address = self._recvmsg(READ_BYTES, ANCILLARY_BYTES)
            arrived = stamp = monotonic_ns()
            if ancillary:
                seconds, nanoseconds = _unpack_timespec(ancillary[0][2])
                stamp = seconds * 1_000_000_000 + nanoseconds - CLOCK_OFFSET.ns
                if stamp > arrived:  # noqa: PLR1730  # min() is a call
                    stamp = arrived
            if not data:
                self._finish(None)
                return
            self.received_bytes += len(data)
            if self._tls is not None:
                data = self._decrypt(data)
                if not data:
                    return
            wake = self.on_data(data, stamp, arrived)
        except BlockingIOError:
            return
        except ssl.SSLZeroReturnError:
            self._finish(None)
            return
        except Exception as error:  # noqa: BLE001  # every failure becomes the stream's
            self._finish(error)
            return
        # Outside: what the greenlet raises is not the stream's.
        if wake is not None:
            wake()

    def _decrypt(self, data: bytes) -> bytes:
        """What ``data`` says; raises ``ssl.SSLZeroReturnError`` where it says no more than the end."""
        incoming, outgoing, tls = self._incoming, self._outgoing, self._tls
        assert incoming is not None  # noqa: S101  # there are buffers where there is TLS
        assert outgoing is not None  # noqa: S101
        assert tls is not None  # noqa: S101
        incoming.write(data)
        pieces: list[bytes] = []
        try:
            while piece := tls.read(READ_BYTES):
                pieces.append(piece)
                # To ask once more than there is to read would cost an exception.
                if not incoming.pending and not tls.pending():
                    break
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            if not pieces:
                raise
        if outgoing.pending:
            # TLS answers by itself at times: a new key was asked for.
            self._write_plain(outgoing.read())
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    # Writing

    def write(self, data: bytes) -> int:
        """Send ``data``, now or as soon as the socket takes it, and say how many bytes wait for that.

        After the end it does nothing.
        """
        if self._is_closed:
            return 0
        try:
            if self._tls is not None:
                self._tls.write(data)
                data = self._outgoing.read()  # type: ignore[union-attr]  # there where TLS is
            return self._write_plain(data)
        except (OSError, ValueError) as error:
            self._finish(error)
            return 0

    def _write_plain(self, data: bytes) -> int:
        if self._buffer is not None:
            self._buffer += data
            return len(self._buffer)
        try:
            sent: int = self._send(data)
        except BlockingIOError:
            sent = 0
        self.sent_bytes += sent
        if sent == len(data):
            return 0
        self._buffer = bytearray(memoryview(data)[sent:])
        self._writer = self._hub.loop.io(self._socket.fileno(), WRITE)
        self._writer.start(self._on_writable)
        return len(self._buffer)

    def _on_writable(self) -> None:
        """Runs in the hub while there is something left to send; never raises."""
        buffer = self._buffer
        assert buffer is not None  # noqa: S101  # the watcher lives as long as the buffer
        try:
            sent = self._send(buffer)
        except BlockingIOError:
            return
        except OSError as error:
            self._finish(error)
            return
        self.sent_bytes += sent
        del buffer[:sent]
        if not buffer:
            self._buffer = None
            self._stop_writer()
        if len(buffer) <= LOW_WATER_BYTES and self.on_room is not None:
            self.on_room()

    def _stop_writer(self) -> None:
        if self._writer is not None:
            self._writer.stop()
            self._writer.close()
            self._writer = None

    # The end

    def _finish(self, error: BaseException | None) -> None:
        if not self._is_closed:
            self.close()
            self.on_end(error)

    def close(self) -> None:
        """Close at once, saying goodbye where TLS is; ``on_end`` is not called. Twice is fine."""
        if self._is_closed:
            return
        self._is_closed = True
        self._watcher.stop()
        self._watcher.close()
        self._stop_writer()
        if self._tls is not None and self._buffer is None:
            self._say_goodbye()
        self._buffer = None
        self._connection.close()

    def _say_goodbye(self) -> None:
        """Send TLS's close_notify, as far as the socket takes it: without it the end looks like a cut."""
        assert self._tls is not None  # noqa: S101
        with suppress(ssl.SSLError, ValueError):  # it wants the peer's answer, which nobody waits for
            self._tls.unwrap()
        try:
            self._socket.send(self._outgoing.read())  # type: ignore[union-attr]
            self._socket.shutdown(socket_module.SHUT_WR)
        except OSError:
            return
