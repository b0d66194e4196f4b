"""The owner's side of a WebSocket: the greenlet that sends, takes messages, and closes.

What runs in the hub stands in ``websocket_session``. Nothing the peer does raises here: it ends the
connection, ``error`` and ``error_code`` say why, and what waits for it gets None or False.
"""

from collections.abc import Iterable, Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Self

from swell.base.clock import NS_PER_SECOND
from swell.net.failure import Failure
from swell.net.websocket_failure import NO_GOODBYE, NOT_READING
from swell.net.websocket_frames import BINARY, CONTINUATION, FIN, TEXT
from swell.net.websocket_session import (
    CLOSED,
    CLOSING,
    EVENT_BYTES,
    MESSAGE,
    OPEN,
    QUEUE_LIMIT_BYTES,
    SEND_LIMIT_BYTES,
    Event,
    Session,
)

if TYPE_CHECKING:
    from types import TracebackType

DEFAULT_CLOSE_TIMEOUT_NS: Final = 5 * NS_PER_SECOND


class WebSocket(Session):
    """One connection, or the failure to get one: then it is closed from the start and ``error`` says why.

    It belongs to one greenlet: that one takes the events, sends and closes.
    """

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: "type[BaseException] | None",
        error: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        if kind is None:
            self.finish(1000, "", DEFAULT_CLOSE_TIMEOUT_NS)
        else:
            self.abandon()

    # Taking: in the owning greenlet

    def next_event(self, timeout_ns: int | None = None) -> Event | None:
        """The next event, waiting for it; None when time is up or nothing can come any more.

        Raises ``RuntimeError`` where another greenlet waits on this WebSocket already.
        """
        return self._next_event(monotonic_ns() + timeout_ns if timeout_ns is not None else 0)

    def _next_event(self, deadline_ns: int) -> Event | None:
        while not self._events:
            if self.state == CLOSED or not self._wait(deadline_ns):
                return None
        event = self._events.popleft()
        self._queued_bytes -= len(event.data) + EVENT_BYTES
        stream = self._stream
        if stream is not None and stream.is_paused and self._queued_bytes <= QUEUE_LIMIT_BYTES // 2:
            stream.resume()
        return event

    def receive(self, timeout_ns: int | None = None) -> str | bytes | None:
        """The next message; None when time is up (``is_open`` is true) or the connection is over."""
        deadline_ns = monotonic_ns() + timeout_ns if timeout_ns is not None else 0
        while (event := self._next_event(deadline_ns)) is not None:
            if self.is_watched:
                self.taken(event)
            if event.kind == MESSAGE:
                self.received_ns = event.at_ns
                return event.data
        return None

    def taken(self, event: Event) -> None:
        """Called with each event in the owning greenlet as it takes it, where ``is_watched`` is set."""

    def __iter__(self) -> Iterator[str | bytes]:
        while (message := self.receive()) is not None:
            yield message

    # Sending: in the owning greenlet

    def send(self, data: str | bytes | bytearray | memoryview | Iterable[str | bytes]) -> bool:
        """Send one message: text or bytes, or the fragments of one. False where the connection is over.

        Blocks while the peer does not read, for ``send_timeout_ns`` at most: then the connection ends.
        Raises ``TypeError`` for anything else.
        """
        if isinstance(data, str):
            return self._send_frame(TEXT, data.encode())
        if isinstance(data, bytes | bytearray):
            return self._send_frame(BINARY, data)
        if isinstance(data, memoryview):
            return self._send_frame(BINARY, bytes(data))
        if isinstance(data, Iterable):
            return self._send_fragments(data)
        raise TypeError(f"a message is text or bytes, not {type(data).__name__}")

    def _send_frame(self, first: int, payload: bytes | bytearray) -> bool:
        """Send a frame of a message, which begins with the byte ``first``; the last one counts."""
        if self.state != OPEN:
            return False
        if first & FIN:
            self._meter.sent(1)  # type: ignore[union-attr]  # an open connection has one, and all the rest
        pending = self._stream.write(self._frames.encode(first, payload))  # type: ignore[union-attr]
        if pending > SEND_LIMIT_BYTES:
            return self._wait_for_room()
        # Writing may have found that the connection is over.
        return self.is_open

    def _send_fragments(self, pieces: Iterable[str | bytes]) -> bool:
        """Each piece in a frame of its own; the last, empty one ends the message."""
        try:
            return self._send_pieces(pieces)
        except BaseException:
            # A message that was begun and never ends leaves nothing that could be sent after it.
            self.abandon(1011)
            raise

    def _send_pieces(self, pieces: Iterable[str | bytes]) -> bool:
        kind: type[str | bytes] | None = None
        for piece in pieces:
            if not isinstance(piece, str | bytes) or (kind is not None and not isinstance(piece, kind)):
                raise TypeError("the fragments of a message are all text or all bytes")
            first = CONTINUATION
            if kind is None:
                kind, first = (str, TEXT - FIN) if isinstance(piece, str) else (bytes, BINARY - FIN)
            if not self._send_frame(first, piece.encode() if isinstance(piece, str) else piece):
                return False
        if kind is None:
            raise ValueError("a message needs at least one fragment")
        return self._send_frame(FIN | CONTINUATION, b"")

    def _wait_for_room(self) -> bool:
        deadline = monotonic_ns() + self.send_timeout_ns
        while self.state == OPEN and self.buffered_amount > SEND_LIMIT_BYTES:
            if not self._wait(deadline):
                self._fail(Failure(NOT_READING, "write: the peer does not read what is sent to it"))
                return False
        return self.state == OPEN

    def wait_for_pong(self, timeout_ns: int) -> int | None:
        """Send a ping and wait for its answer: the round trip, or None where none came in time."""
        payload = self.send_ping()
        deadline = monotonic_ns() + timeout_ns
        while payload in self._pings:
            if self.state != OPEN or not self._wait(deadline):
                return None
        return self.round_trip_ns if self.state == OPEN else None

    # Closing

    def finish(self, code: int, reason: str, timeout_ns: int) -> None:
        """Send a close frame and wait for the peer's, for ``timeout_ns`` at most. Twice is fine.

        Raises ``ValueError`` for a code or reason that may not be sent (RFC 6455, 7.4; 123 bytes).
        """
        self.start_close(code, reason)
        deadline = monotonic_ns() + timeout_ns
        try:
            while self.state == CLOSING:
                if not self._wait(deadline):
                    self._fail(Failure(NO_GOODBYE, "close: the peer did not answer in time"))
        except BaseException:
            self.abandon(code)
            raise
