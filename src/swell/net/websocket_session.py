"""The hub's side of a WebSocket: frames in, events queued, answers out, and the end (RFC 6455).

The frames themselves are read and made by ``websocket_frames``; this adds the stream below, the queue above,
time-outs and measures. Whatever arrives is parsed in the hub's callback, so pings are answered while the VU
sleeps; messages wait in a queue until the owning greenlet takes them. Nothing the peer does raises: it ends
the connection with ``error`` and ``error_code``.

    CONNECTING -> OPEN -> CLOSING (our close frame was sent) -> CLOSED

A peer's close frame is answered at once, and the session is over then, for the script and for the metrics;
the socket lingers in the hub until the peer closes it (RFC 6455, 7.1.1: else every port would wait on our
side).
"""

from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

import msgspec
from websockets.exceptions import ProtocolError

from swell.base.clock import NS_PER_SECOND
from swell.net.failure import Failure, failure_from
from swell.net.waiter import Waiter
from swell.net.websocket_failure import REFUSALS, UNRESPONSIVE, close_failure, frame_failure
from swell.net.websocket_frames import CLOSE as CLOSE_FRAME
from swell.net.websocket_frames import MAX_CONTROL_BYTES, Control, Frames, close_payload
from swell.net.websocket_frames import PING as PING_FRAME
from swell.net.websocket_frames import PONG as PONG_FRAME

if TYPE_CHECKING:
    from swell.net.response import Response
    from swell.net.stream import Stream
    from swell.net.websocket_meter import SessionMeter

CONNECTING, OPEN, CLOSING, CLOSED = range(4)  # readyState of the browsers' API
_STATES: Final = ("connecting", "open", "closing", "closed")

# Kinds of events.
MESSAGE, PING, PONG, ERROR, CLOSE = "message", "ping", "pong", "error", "close"

# A VU that sends waits when more than this has not been taken by the peer.
SEND_LIMIT_BYTES: Final = 256 * 1024
# Reading pauses when more than this waits for the VU, and goes on below half of it.
QUEUE_LIMIT_BYTES: Final = 16 * 1024 * 1024
# What an event costs beside its data, so that a flood of empty messages is bounded too.
EVENT_BYTES: Final = 200
LINGER_NS: Final = NS_PER_SECOND
DEFAULT_SEND_TIMEOUT_NS: Final = 60 * NS_PER_SECOND
# Pings whose answer is still awaited; of more, the oldest are forgotten.
MAX_PINGS: Final = 100
# Stands for a close frame without a code (RFC 6455, 7.4.1).
NO_STATUS: Final = 1005

_NOTHING: Final[frozenset[str]] = frozenset()


class Event(msgspec.Struct, frozen=True, gc=False):
    """Something that happened; ``at_ns`` is the kernel's receive stamp on the monotonic clock.

    ``data``: the message, the payload of a ping or pong, the text of an error, the reason of a close.
    """

    kind: str
    data: str | bytes
    at_ns: int
    code: int = 0


class Session(Waiter):
    """One connection, or the failure to get one: then it is closed from the start and ``error`` says why.

    It belongs to one greenlet: that one takes the events. ``on_event`` is called in the hub after something
    was queued, for a front end with an event loop of its own. ``wanted`` names kinds of events beside
    messages, errors and closes that are to be queued.
    """

    __slots__ = (
        "__weakref__",
        "_close_sent",
        "_events",
        "_frames",
        "_has_news",
        "_keepalive",
        "_linger",
        "_meter",
        "_pings",
        "_queued_bytes",
        "_stream",
        "close_code",
        "close_reason",
        "error",
        "error_code",
        "is_watched",
        "on_event",
        "received_ns",
        "response",
        "round_trip_ns",
        "send_timeout_ns",
        "state",
        "subprotocol",
        "url",
        "wanted",
    )

    def __init__(self, url: str) -> None:
        super().__init__()
        self.url = url
        self.state = CONNECTING
        self.subprotocol = ""
        self.response: Response | None = None
        self.error = ""
        self.error_code = 0
        self.close_code = 0
        self.close_reason = ""
        self.received_ns = 0
        # Of the last ping that was answered.
        self.round_trip_ns = 0
        self.send_timeout_ns = DEFAULT_SEND_TIMEOUT_NS
        self.on_event: Callable[[], object] | None = None
        self.wanted = _NOTHING
        # Whether a front end wants to see what the owner takes.
        self.is_watched = False
        self._events: deque[Event] = deque()
        self._queued_bytes = 0
        # Something came that a greenlet may wait for and that is no event.
        self._has_news = False
        self._pings: dict[bytes, int] = {}
        # There until the end, and so are the stream and the meter from the opening on.
        self._frames: Frames | None = None
        self._stream: Stream | None = None
        self._meter: SessionMeter | None = None
        self._close_sent = False
        self._linger: Any = None
        self._keepalive: Any = None

    def __repr__(self) -> str:
        what = f" {self.error}" if self.error else f" {self.close_code}" if self.close_code else ""
        return f"<{type(self).__name__} {self.url} {_STATES[self.state]}{what}>"

    @property
    def is_open(self) -> bool:
        """True while messages can be sent."""
        return self.state == OPEN

    @property
    def buffered_amount(self) -> int:
        """Bytes handed over to be sent that the socket has not taken yet."""
        return self._stream.pending_bytes if self._stream is not None else 0

    @property
    def extensions(self) -> str:
        """The extensions in use, as the server named them."""
        headers = self.response.headers if self.response is not None else {}
        return headers.get("sec-websocket-extensions", "")

    # Opening: called by the client

    def opened(
        self, frames: Frames, stream: "Stream", meter: "SessionMeter", rest: bytes, at_ns: int
    ) -> None:
        """Take over after the handshake, with the bytes that came in one piece with its answer."""
        self._frames, self._stream, self._meter = frames, stream, meter
        self.state = OPEN
        stream.on_data, stream.on_end = self.received, self.lost
        stream.on_room = self._has_room
        self.received(rest, at_ns, at_ns)

    def refused(self, failure: Failure) -> None:
        """There is no connection."""
        self.state = CLOSED
        self.close_code = 1006
        self.error, self.error_code = failure.message, failure.code

    def keep_alive(self, interval_ns: int) -> None:
        """Ping every ``interval_ns``; a ping that found no answer by the next one ends the connection."""
        unanswered: list[bytes] = []

        def beat() -> None:
            stream = self._stream
            if stream is not None and stream.is_paused:
                # The answer may be there: it is we who do not read.
                return
            if any(payload in self._pings for payload in unanswered):
                self._fail(Failure(UNRESPONSIVE, "ping: no answer before the next one was due"))
                return
            if self.state == OPEN:
                unanswered[:] = [self.send_ping()]

        self._keepalive = self._hub.loop.timer(interval_ns / 1e9, interval_ns / 1e9)
        self._keepalive.start(beat)

    # Receiving: in the hub

    def received(self, data: bytes, stamp_ns: int, arrived_ns: int) -> Callable[[], object] | None:
        """Parse what arrived and queue it; the switch to the greenlet that waits for it."""
        frames, meter = self._frames, self._meter
        if frames is None or meter is None:
            # The session is over; the peer has not noticed yet.
            return None
        messages = 0
        for item in frames.feed(data):
            if isinstance(item, Control):
                self._take_control(item, stamp_ns)
                if self.state == CLOSED:
                    break
            else:
                messages += 1
                self._events.append(Event(MESSAGE, item, stamp_ns))
                self._queued_bytes += len(item) + EVENT_BYTES
        if messages:
            meter.received(messages, stamp_ns)
        if frames.error is not None:
            self._refuse(frame_failure(frames.error), stamp_ns)
        if self._queued_bytes > QUEUE_LIMIT_BYTES and self.state != CLOSED:
            self._stream.pause()  # type: ignore[union-attr]  # there is one until the end
        if arrived_ns >= meter.bytes_due_ns and self._stream is not None:
            meter.moved(self._stream, arrived_ns)
        if not self._events and not self._has_news:
            return None
        self._has_news = False
        if self.on_event is not None:
            self.on_event()
        waiter = self._waiter
        if waiter is None:
            return None
        self._waiter = None
        return waiter.switch  # type: ignore[no-any-return]

    def _has_room(self) -> None:
        self._wake_later()
        if self._queued_bytes <= QUEUE_LIMIT_BYTES // 2 and self._stream is not None:
            self._stream.resume()

    def _take_control(self, frame: Control, stamp_ns: int) -> None:
        if frame.kind == PING_FRAME:
            self._write(PONG_FRAME, frame.payload)
            if PING in self.wanted:
                self._queue(Event(PING, frame.payload, stamp_ns))
            if self.buffered_amount > SEND_LIMIT_BYTES:
                # It asks and does not listen: no more of it until it has read some of the answers.
                self._stream.pause()  # type: ignore[union-attr]
        elif frame.kind == PONG_FRAME:
            self._take_pong(frame.payload, stamp_ns)
        else:
            self._take_close(frame, stamp_ns)

    def _take_pong(self, payload: bytes, stamp_ns: int) -> None:
        """A pong that answers none of our pings is nothing (RFC 6455, 5.5.3)."""
        sent_ns = self._pings.pop(payload, 0)
        if sent_ns:
            self._has_news = True
            self.round_trip_ns = max(0, stamp_ns - sent_ns)
            self._meter.pong(stamp_ns, self.round_trip_ns)  # type: ignore[union-attr]
        if PONG in self.wanted:
            self._queue(Event(PONG, payload, stamp_ns))

    def _take_close(self, frame: Control, stamp_ns: int) -> None:
        self.close_code, self.close_reason = frame.code, frame.reason
        failure = None
        if not self._close_sent:
            # The answer to our own close frame is no news; the peer's own may be.
            failure = close_failure(frame.code)
            self._write(CLOSE_FRAME, frame.payload)
        self._end(failure, stamp_ns, linger=True)

    def _refuse(self, failure: Failure, at_ns: int) -> None:
        """Nothing more can be read: tell the peer why, and end."""
        if self.state == OPEN:
            reason = failure.message.removeprefix("read: ")
            self._write(CLOSE_FRAME, close_payload(REFUSALS[failure.code], reason))
        self._end(failure, at_ns)

    def _queue(self, event: Event) -> None:
        self._events.append(event)
        self._queued_bytes += len(event.data) + EVENT_BYTES

    def send_ping(self, payload: bytes = b"") -> bytes:
        """Send a ping without waiting; its payload, by default one of its own.

        The round trip is recorded when the answer comes. Raises ``ValueError`` for over 125 bytes.
        """
        if len(payload) > MAX_CONTROL_BYTES:
            raise ValueError(f"a ping carries {MAX_CONTROL_BYTES} bytes at most, not {len(payload)}")
        now = monotonic_ns()
        payload = payload or b"%x" % now
        if self.state == OPEN:
            if len(self._pings) >= MAX_PINGS:
                del self._pings[next(iter(self._pings))]
            self._pings[payload] = now
            self._meter.sent_control()  # type: ignore[union-attr]  # an open session has one
            self._write(PING_FRAME, payload)
        return payload

    def _write(self, first: int, payload: bytes | bytearray) -> None:
        """Send one frame, which begins with the byte ``first``."""
        frames, stream = self._frames, self._stream
        if frames is not None and stream is not None:
            stream.write(frames.encode(first, payload))

    # Closing

    def start_close(self, code: int | None = 1000, reason: str = "") -> None:
        """Send a close frame and go on; the ``close`` event comes when the peer has answered."""
        if self.state == OPEN:
            self._send_close(code, reason)
            self._meter.sent_control()  # type: ignore[union-attr]

    def _send_close(self, code: int | None, reason: str) -> None:
        if self.state != OPEN:
            return
        try:
            payload = close_payload(code, reason)
        except ProtocolError as error:
            raise ValueError(f"close({code}, {reason!r}): {error}") from None
        self._close_sent = True
        self.state = CLOSING
        self._write(CLOSE_FRAME, payload)

    def abandon(self, code: int = 1001) -> None:
        """Send a close frame and close at once, waiting for nothing: the iteration was cut short."""
        # No message of the script: it is not counted.
        self._send_close(code, "")
        if self.state != CLOSED:
            self.close_code = code
            self._end(None, monotonic_ns(), is_cut_short=True)

    def leave(self, code: int | None) -> None:
        """Send a close frame and be over; the peer's answer is waited for in the hub, not by the session."""
        self.start_close(code)
        if self.state != CLOSED:
            self.close_code = code or NO_STATUS
            self._end(None, monotonic_ns(), linger=True)

    # The end

    def lost(self, error: BaseException | None) -> None:
        """The stream has ended; called by it."""
        now = monotonic_ns()
        if self.state == CLOSED:
            self._stop_timers()
        elif self._close_sent:
            # We wanted the end; a peer that does not care for ceremony is no failure.
            self._end(None, now)
        elif error is None:
            self._end(frame_failure(EOFError()), now)
        else:
            self._end(failure_from(error, "read"), now)

    def _fail(self, failure: Failure) -> None:
        """End the connection for a reason of our own."""
        if self.state == OPEN:
            self.start_close(1011 if failure.code == UNRESPONSIVE else 1008)
        if self.state != CLOSED:
            self._end(failure, monotonic_ns())

    def _end(
        self, failure: Failure | None, at_ns: int, *, linger: bool = False, is_cut_short: bool = False
    ) -> None:
        """The session is over."""
        if self.state == CLOSED:
            return
        self.state = CLOSED
        self.close_code = self.close_code or 1006
        stream, meter = self._stream, self._meter
        if failure is not None:
            self.error, self.error_code = failure.message, failure.code
            self._queue(Event(ERROR, failure.message, at_ns, failure.code))
        self._queue(Event(CLOSE, self.close_reason, at_ns, self.close_code))
        self._pings.clear()
        self._frames = None
        if meter is not None and stream is not None:
            meter.ended(stream, at_ns, failure, is_cut_short=is_cut_short)
        self._stop_timers()
        if stream is not None:
            if linger:
                self._linger = self._hub.loop.timer(LINGER_NS / 1e9)
                self._linger.start(self._stop_lingering)
            else:
                stream.close()
        if self.on_event is not None:
            self.on_event()
        self._wake_later()

    def _stop_lingering(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stop_timers()

    def _stop_timers(self) -> None:
        self._stop_timer()
        for timer in (self._keepalive, self._linger):
            if timer is not None:
                timer.stop()
                timer.close()
        self._keepalive = self._linger = None
