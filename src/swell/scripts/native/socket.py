"""The socket that a native script holds: messages taken by ``recv``, by iteration, or by callbacks."""

from collections.abc import Callable, Iterator
from time import monotonic_ns
from typing import TYPE_CHECKING, Any

from swell.base.clock import NS_PER_MS
from swell.base.units import parse_duration_ns
from swell.net.websocket import WebSocket
from swell.net.websocket_session import CLOSE, CLOSED, ERROR, MESSAGE, PING, PONG, Event

if TYPE_CHECKING:
    from swell.scripts.native.latency import Latency, Tracker

DEFAULT_PING_TIMEOUT = "10s"
DEFAULT_CLOSE_TIMEOUT = "5s"
EVENTS = (MESSAGE, PING, PONG, ERROR, CLOSE)

Callback = Callable[..., object]


class Socket(WebSocket):
    """An open WebSocket, or the failure to get one.

    Attributes: ``is_open``, ``error`` and ``error_code`` (why it ended, or was never there), ``close_code``
    and ``close_reason``, ``subprotocol``, ``response`` (the server's answer to the upgrade: ``status_code``,
    ``headers``, ``timings``), ``received_ns`` (the kernel's receive stamp of the last message, on the
    monotonic clock).
    """

    __slots__ = ("_callbacks", "registered", "trackers")

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self._callbacks: dict[str, list[Callback]] = {}
        self.trackers: dict[Latency, Tracker] = {}
        # The set of the VU's open sockets, which this one leaves when it is over.
        self.registered: set[Socket] | None = None

    # Taking messages

    def recv(self, timeout: float | str | None = None) -> str | bytes | None:
        """The next message, waiting for it: text or bytes.

        None when ``timeout`` (seconds, or text with a unit) is over, or the connection: see ``is_open``.
        """
        return self.receive(_duration_ns(timeout))

    def messages(self, seconds: float | str | None = None) -> Iterator[str | bytes]:
        """The messages of the next ``seconds``, or until the end of the connection."""
        limit = _duration_ns(seconds)
        deadline = monotonic_ns() + limit if limit is not None else None
        while True:
            left = max(0, deadline - monotonic_ns()) if deadline is not None else None
            message = self.receive(left)
            if message is None:
                return
            yield message
            if deadline is not None and monotonic_ns() >= deadline:
                return

    def listen(self, seconds: float | str | None = None) -> None:
        """Give what comes in to the callbacks for ``seconds``, or until the end of the connection."""
        for _ in self.messages(seconds):
            pass

    def on(self, event: str, callback: Callback | None = None) -> Any:
        """Call ``callback`` with each event of a kind, inside ``listen``, ``recv`` or whatever takes events.

        They get: ``message`` the message, ``ping`` and ``pong`` the payload, ``error`` the text, ``close``
        code and reason. Several callbacks of a kind are called in their order. Without ``callback`` it is a
        decorator. What a callback raises comes out of ``listen`` or ``recv``.
        """
        if event not in EVENTS:
            raise ValueError(f"there is no event {event!r}: use one of {', '.join(EVENTS)}")
        if callback is None:
            return lambda function: self.on(event, function)
        self._callbacks.setdefault(event, []).append(callback)
        self.is_watched = True
        self.wanted |= {event}
        return callback

    def track(self, latency: "Latency", tracker: "Tracker") -> None:
        """Have ``tracker`` see each message from now on, for ``latency``."""
        self.trackers[latency] = tracker
        self.is_watched = True

    def taken(self, event: Event) -> None:
        """Match it with what was sent, and call back."""
        kind = event.kind
        if kind == MESSAGE and self.trackers:
            for tracker in self.trackers.values():
                tracker.see(event.data, event.at_ns)
        if self._callbacks:
            for callback in self._callbacks.get(kind, ()):
                if kind == CLOSE:
                    callback(event.code, event.data)
                else:
                    callback(event.data)

    # Pings, and the end

    def ping(self, timeout: float | str = DEFAULT_PING_TIMEOUT) -> float | None:
        """Send a ping and wait for its pong; the round trip in milliseconds, None where none came in time."""
        round_trip_ns = self.wait_for_pong(_duration_ns(timeout) or 0)
        return round_trip_ns / NS_PER_MS if round_trip_ns is not None else None

    def close(self, code: int = 1000, reason: str = "", timeout: float | str = DEFAULT_CLOSE_TIMEOUT) -> None:
        """Close, and wait for the server's answer for ``timeout`` at most. Twice is fine."""
        self.finish(code, reason, _duration_ns(timeout) or 0)

    def finish(self, code: int, reason: str, timeout_ns: int) -> None:
        """Close, wait, and judge what was sent and has not come back."""
        super().finish(code, reason, timeout_ns)
        self.settle(was_cut_short=False)

    def abandon(self, code: int = 1001) -> None:
        """Close at once, waiting for nothing."""
        # Where the connection was over before, nothing could have come any more.
        was_open = self.state != CLOSED
        super().abandon(code)
        self.settle(was_cut_short=was_open)

    def settle(self, *, was_cut_short: bool) -> None:
        """Judge what was sent and has not come back; messages that nobody took count."""
        if self.trackers:
            for event in self._events:
                if event.kind == MESSAGE:
                    for tracker in self.trackers.values():
                        tracker.see(event.data, event.at_ns)
            for tracker in self.trackers.values():
                tracker.settle(was_cut_short=was_cut_short)
        if self.registered is not None:
            self.registered.discard(self)


def _duration_ns(value: float | str | None) -> int | None:
    if value is None:
        return None
    return parse_duration_ns(value) if isinstance(value, str) else int(value * 1_000_000_000)
