"""Client connections on the gevent hub: the only module with sockets, TLS input and output, and stamps.

All instants are nanoseconds on the monotonic clock. Linux stamps each received segment on the real-time clock
(``SO_TIMESTAMPNS``); the stamps are moved to the monotonic clock by ``CLOCK_OFFSET``, which the worker's tick
keeps up to date, so that a step of the wall clock bends the latencies of one tick at most, and is reported.

A connection keeps one read watcher for its whole life, because a watcher per wait costs more than the system
call. The watcher's callback reads and parses in the hub and wakes the waiting greenlet only when the response
is complete; on an idle connection it marks the connection dead and stops, else a sleeping VU would be woken
by mistake, or the hub would spin.
"""

import errno
import socket as socket_module
import ssl
import struct
import sys
from collections.abc import Iterator
from contextlib import suppress
from time import monotonic_ns
from typing import Any, Final

from gevent import get_hub, getcurrent, monkey
from greenlet import greenlet

from swell.base.clock import CLOCK_OFFSET
from swell.net.channel import Channel
from swell.net.failure import DialTimeoutError, ExchangeTimeoutError
from swell.net.http1 import DONE, ResponseParser
from swell.net.local_ips import bind
from swell.net.resolver import Endpoint
from swell.net.tls import handshake_facts
from swell.net.upload import next_piece
from swell.net.waiter import wait_for_socket

SO_TIMESTAMPNS: Final = 35
HAS_KERNEL_STAMPS: Final = sys.platform == "linux"
READ_BYTES: Final = 65536
ANCILLARY_BYTES: Final = 64
# One wake-up that found this much to read means that the reader was late and the window may have been full.
WINDOW_LIMIT_BYTES: Final = 60_000

# No server ends a kept connection so soon; asking the kernel costs a system call.
BRIEFLY_IDLE_NS: Final = 100_000_000

READ, WRITE = 1, 2
NO_DEADLINE: Final = 0
_unpack_timespec = struct.Struct("qq").unpack
_socket_class: Any = monkey.get_original("socket", "socket")
_IN_PROGRESS = (0, errno.EINPROGRESS, errno.EWOULDBLOCK)


class Connection:
    """One TCP or TLS connection with a response parser; used by one greenlet at a time."""

    __slots__ = (
        "_armed_until_ns",
        "_error",
        "_hub",
        "_incoming",
        "_outgoing",
        "_recvmsg",
        "_send",
        "_socket",
        "_switch_to_hub",
        "_timer",
        "_tls",
        "_waiter",
        "_watcher",
        "address",
        "arrived_ns",
        "begun_ns",
        "busy",
        "connecting_ns",
        "deadline_ns",
        "exchanges",
        "first_byte_ns",
        "is_dead",
        "last_byte_ns",
        "parser",
        "received_bytes",
        "sent_bytes",
        "sent_cookies",
        "sent_ns",
        "stamped",
        "tls_cipher",
        "tls_ns",
        "tls_version",
        "window_limited",
    )

    def __init__(self, address: Endpoint, source_ip: str | None = None) -> None:
        self.address = address
        self._hub: Any = get_hub()
        # The hub's own switch() looks for a ``switch_out`` of the caller first, which VUs do not have.
        self._switch_to_hub = greenlet.switch.__get__(self._hub)
        self.parser = ResponseParser()
        self.is_dead = False
        self.busy = False
        self.exchanges = 0
        self.connecting_ns = self.tls_ns = 0
        self.tls_version = self.tls_cipher = ""
        self.begun_ns = self.sent_ns = self.first_byte_ns = self.last_byte_ns = self.arrived_ns = 0
        self.sent_bytes = self.received_bytes = 0
        # The Cookie header of the current request, for those who look on.
        self.sent_cookies = ""
        self.stamped = self.window_limited = False
        self.deadline_ns = 0
        self._error: BaseException | None = None
        self._waiter: Any = None
        self._tls: ssl.SSLObject | None = None
        self._incoming: ssl.MemoryBIO | None = None
        self._outgoing: ssl.MemoryBIO | None = None
        self._timer: Any = None
        self._armed_until_ns = 0
        sock = _socket_class(address.family, socket_module.SOCK_STREAM)
        self._socket = sock
        self._send = sock.send
        self._recvmsg = sock.recvmsg
        self._watcher: Any = None
        try:
            sock.setblocking(False)
            sock.setsockopt(socket_module.IPPROTO_TCP, socket_module.TCP_NODELAY, 1)
            if HAS_KERNEL_STAMPS:
                sock.setsockopt(socket_module.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            if source_ip is not None:
                bind(sock, source_ip)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        state = "dead" if self.is_dead else "busy" if self.busy else "idle"
        scheme = "tls" if self._tls is not None else "tcp"
        return (
            f"<Connection {scheme} {self.address.ip}:{self.address.port} {state} exchanges={self.exchanges}>"
        )

    # Opening

    def connect(self, deadline_ns: int) -> None:
        """Connect; ``connecting_ns`` is set.

        Raises ``OSError`` as the system reports it, or ``DialTimeoutError``.
        """
        started = monotonic_ns()
        code = self._socket.connect_ex(self.address.sockaddr)
        if code not in _IN_PROGRESS:
            raise OSError(code, "connect failed")
        if code != 0:
            self._wait_once(WRITE, deadline_ns, DialTimeoutError)
            code = self._socket.getsockopt(socket_module.SOL_SOCKET, socket_module.SO_ERROR)
            if code != 0:
                raise OSError(code, "connect failed")
        if self._socket.getsockname()[:2] == self.address.sockaddr:
            # Nothing listens, and the kernel gave us that very port to call from: TCP meets itself (Go).
            raise OSError(errno.ECONNREFUSED, "connected to itself")
        self.connecting_ns = monotonic_ns() - started

    def start_tls(self, context: ssl.SSLContext, server_name: str, deadline_ns: int) -> None:
        """Do the TLS handshake; ``tls_ns``, ``tls_version`` and ``tls_cipher`` are set.

        Raises ``ssl.SSLError``, ``OSError``, ``ExchangeTimeoutError`` or ``EOFError``.
        """
        started = monotonic_ns()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                data = self.talk(self._outgoing.read(), deadline_ns)
                if not data:
                    raise EOFError("the server closed the connection during the TLS handshake") from None
                self._incoming.write(data)
            except ssl.SSLError:
                # The alert that tells the server why.
                with suppress(OSError):
                    self._socket.send(self._outgoing.read())
                raise
        if self._outgoing.pending:
            self._send_plain(self._outgoing.read(), deadline_ns)
        self._tls = tls
        self.tls_version, self.tls_cipher, _protocol = handshake_facts(tls)
        self.tls_ns = monotonic_ns() - started

    def talk(self, data: bytes, deadline_ns: int) -> bytes:
        """Send ``data`` and wait for what comes back, before there is any exchange; empty at the end.

        Raises ``OSError`` or ``ExchangeTimeoutError``.
        """
        self._send_plain(data, deadline_ns)
        while True:
            self._wait_once(READ, deadline_ns, ExchangeTimeoutError)
            try:
                received: bytes = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                continue
            self.received_bytes += len(received)
            return received

    def _wait_once(self, events: int, deadline_ns: int, timeout_error: type[Exception]) -> None:
        """Park the greenlet until the socket is ready; not for the hot path."""
        if not wait_for_socket(self._socket.fileno(), events, deadline_ns):
            raise timeout_error

    @property
    def channel(self) -> Channel:
        """For another protocol, which reads and writes itself from now on; ``close`` still ends it all."""
        return Channel(self._socket, self._tls, self._incoming, self._outgoing)

    def has_ended(self) -> bool:
        """Whether the server ended it while it was idle; ``is_dead`` says so only after the hub's turn."""
        return monotonic_ns() - self.arrived_ns > BRIEFLY_IDLE_NS and self.channel.has_ended()

    # One exchange

    def exchange(
        self,
        request: bytes,
        body: Iterator[bytes] | None,
        deadline_ns: int,
        *,
        is_head_request: bool,
        discard: bool,
        max_body: int,
    ) -> None:
        """Send ``request`` (then ``body``) and receive the response into ``parser``; the stamps are set.

        Raises what the system or the parser reports, or ``ExchangeTimeoutError``; the connection is dead
        then.
        """
        self.parser.start(is_head_request=is_head_request, discard=discard, max_body=max_body)
        try:
            self._send_request(request, body, deadline_ns)
            if self.parser.state != DONE and self._error is None:
                if self._armed_until_ns == 0 or deadline_ns < self._armed_until_ns:
                    self._arm_timer(deadline_ns)
                self._waiter = getcurrent()
                self._switch_to_hub()
        except BaseException:
            self.close()
            raise
        finally:
            self._waiter = None
            self.busy = False
        if self._error is not None:
            self.close()
            raise self._error
        if not self.parser.can_reuse:
            self.close()

    def _send_request(self, request: bytes, body: Iterator[bytes] | None, deadline_ns: int) -> None:
        """Begin an exchange: send what is to be sent, and from now on read what comes."""
        self.first_byte_ns = 0
        self.window_limited = False
        self.stamped = True
        self._error = None
        self.deadline_ns = deadline_ns
        self.exchanges += 1
        self.busy = True
        if self._watcher is None:
            self._watcher = self._hub.loop.io(self._socket.fileno(), READ)
            self._watcher.start(self._on_readable)
        if self._tls is not None:
            self._tls.write(request)
            request = self._outgoing.read()  # type: ignore[union-attr]
        # Only now: what it took to get here, encrypting too, is the generator's time and not the target's.
        self.begun_ns = monotonic_ns()
        try:
            sent = self._send(request)
        except BlockingIOError:
            sent = 0
        self.sent_bytes += sent
        if sent != len(request):
            self._send_rest(memoryview(request)[sent:], deadline_ns)
        if body is not None:
            self._send_body(body, deadline_ns)
        self.sent_ns = monotonic_ns()

    # A streamed exchange: the parser is one whose ``feed`` says True whenever its reader has something to do.

    def start_stream(
        self, parser: ResponseParser, request: bytes, body: Iterator[bytes] | None, deadline_ns: int
    ) -> None:
        """Send ``request`` (then ``body``); what comes back goes to ``parser``, which the caller has started.

        Raises as ``exchange`` does. After it the connection stays busy until ``end_stream``.
        """
        self.parser = parser
        try:
            self._send_request(request, body, deadline_ns)
        except BaseException:
            self.close()
            raise

    def wait_for_more(self, deadline_ns: int) -> None:
        """Park until the parser's ``feed`` says True; the caller has seen to it that it did not already.

        Raises what ended the exchange, or ``ExchangeTimeoutError``; the connection is dead then.
        """
        if self._error is None:
            self.deadline_ns = deadline_ns
            if self._armed_until_ns == 0 or deadline_ns < self._armed_until_ns:
                self._arm_timer(deadline_ns)
            self._waiter = getcurrent()
            try:
                self._hub.switch()
            except BaseException:
                self.close()
                raise
            finally:
                self._waiter = None
                # While the reader works on what it has, time does not run against the server.
                self.deadline_ns = NO_DEADLINE
        if self._error is not None:
            self.close()
            raise self._error

    def pause_reading(self) -> None:
        """Leave what arrives in the kernel, which in turn slows the server down."""
        self.window_limited = True
        if self._watcher is not None:
            self._watcher.stop()

    def resume_reading(self) -> None:
        """Read again after ``pause_reading``."""
        if self._watcher is not None and self._error is None:
            self._watcher.start(self._on_readable)

    def end_stream(self) -> None:
        """The exchange is over; the connection is closed unless its parser says that it can be used again."""
        can_reuse = self.parser.can_reuse and self._error is None
        self.parser = ResponseParser()
        self.busy = False
        if not can_reuse:
            self.close()

    @property
    def has_failed(self) -> bool:
        """Whether reading ended in an error that nobody was told of yet."""
        return self._error is not None

    def poll(self, deadline_ns: int) -> None:
        """Wait for something to arrive while a request is being sent, and parse it.

        Raises ``ExchangeTimeoutError``; faults of what arrives come out when the request is sent.
        """
        self._wait_once(READ, deadline_ns, ExchangeTimeoutError)
        if self._error is None and self._watcher is not None:
            # The watcher may have read it already; then there is nothing left, which is fine.
            self._on_readable()

    def _send_plain(self, data: bytes, deadline_ns: int) -> None:
        try:
            sent = self._send(data)
        except BlockingIOError:
            sent = 0
        self.sent_bytes += sent
        if sent != len(data):
            self._send_rest(memoryview(data)[sent:], deadline_ns)

    def _send_rest(self, data: memoryview, deadline_ns: int) -> None:
        """Send what the socket did not take at once; stops early when the response is already there."""
        while data:
            # The response may come while the server reads no more: then there is nothing to wait for.
            self._waiter = getcurrent() if self.busy else None
            try:
                self._wait_once(WRITE, deadline_ns, ExchangeTimeoutError)
            finally:
                self._waiter = None
            if self.busy and (self.parser.state == DONE or self._error is not None):
                self.parser.can_reuse = False
                return
            try:
                sent = self._send(data)
            except BlockingIOError:
                continue
            self.sent_bytes += sent
            data = data[sent:]

    def _send_body(self, body: Iterator[bytes], deadline_ns: int) -> None:
        while (piece := next_piece(body)) is not None:
            if self.parser.state == DONE or self._error is not None:
                # The server answered before it had everything: it does not want the rest.
                self.parser.can_reuse = False
                return
            if self._tls is not None:
                self._tls.write(piece)
                piece = self._outgoing.read()  # type: ignore[union-attr]
            self._send_plain(piece, deadline_ns)

    def _on_readable(self) -> None:
        """Runs in the hub whenever there is something to read; never raises."""
        if not self.busy:
            # The server closed an idle connection, or sent what nobody asked for. The descriptor goes at
            # once: nobody may ever ask for this host again.
            self.close()
            return
        try:
            data, ancillary, _flags, _address = self._recvmsg(READ_BYTES, ANCILLARY_BYTES)
            arrived = monotonic_ns()
            if ancillary:
                seconds, nanoseconds = _unpack_timespec(ancillary[0][2])
                stamp = seconds * 1_000_000_000 + nanoseconds - CLOCK_OFFSET.ns
                if stamp > arrived:  # noqa: PLR1730  # min() is a call
                    stamp = arrived
            else:
                stamp = arrived
                if data:
                    self.stamped = False
            self.arrived_ns = arrived
            if data:
                self.last_byte_ns = stamp
                if self.first_byte_ns == 0:
                    self.first_byte_ns = stamp
                self.received_bytes += len(data)
                if len(data) >= WINDOW_LIMIT_BYTES:
                    self.window_limited = True
                complete = self.parser.feed(data) if self._tls is None else self._feed_tls(data)
            else:
                self._watcher.stop()
                # TLS says when it ends: close_notify, which comes out of _feed_tls.
                complete = self.parser.feed_eof(is_clean=self._tls is None)
            if not complete:
                return
        except BlockingIOError:
            return
        except Exception as error:  # noqa: BLE001  # every failure becomes the exchange's
            self._error = error
            self._watcher.stop()
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            waiter.switch()

    def _feed_tls(self, data: bytes) -> bool:
        """Decrypt ``data`` and feed the parser."""
        incoming, tls, parser = self._incoming, self._tls, self.parser
        incoming.write(data)  # type: ignore[union-attr]
        complete = False
        while True:
            try:
                plain = tls.read(READ_BYTES)  # type: ignore[union-attr]
            except ssl.SSLWantReadError:
                return complete
            except ssl.SSLZeroReturnError:
                return parser.feed_eof()
            except ssl.SSLError:
                if parser.state != DONE:
                    raise
                # A whole answer stands, whatever comes behind it.
                parser.can_reuse = False
                return True
            if not plain:
                return parser.feed_eof()
            complete = parser.feed(plain)
            if complete and not incoming.pending:  # type: ignore[union-attr]
                return True

    # Time out

    def _arm_timer(self, deadline_ns: int) -> None:
        """One timer per connection, moved only when it fires: most exchanges are over long before."""
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
        self._timer = self._hub.loop.timer(max((deadline_ns - monotonic_ns()) / 1e9, 0.0))
        self._timer.start(self._on_timer)
        self._armed_until_ns = deadline_ns

    def _on_timer(self) -> None:
        self._armed_until_ns = 0
        if not self.busy or self.deadline_ns == NO_DEADLINE:
            return
        if self.deadline_ns - monotonic_ns() > 0:
            self._arm_timer(self.deadline_ns)
            return
        self._error = ExchangeTimeoutError()
        waiter = self._waiter
        if waiter is not None:
            self._waiter = None
            waiter.switch()

    # Closing

    def close(self) -> None:
        """Close the socket and the watchers; closing twice is fine."""
        self.is_dead = True
        if self._watcher is not None:
            self._watcher.stop()
            self._watcher.close()
            self._watcher = None
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None
        self._socket.close()
