"""Server-sent events (``text/event-stream``, WHATWG HTML 9.2): bytes in, events with their instants out."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from swell.net.failure import BODY_TOO_LARGE, NOT_EVENTS, Failure, FailureError
from swell.net.response import NS_PER_MS
from swell.net.streaming import StreamedResponse, open_stream

if TYPE_CHECKING:
    from types import TracebackType
    from typing import Self

    from swell.net.client import HTTPClient
    from swell.net.requestoptions import RequestOptions

CONTENT_TYPE: Final = "text/event-stream"
_BOM: Final = b"\xef\xbb\xbf"


class Event:
    """One server-sent event.

    ``received_ns`` is when the kernel received its last byte (monotonic), ``latency`` the milliseconds from
    the end of sending the request until then, ``gap`` those from the event before (for the first the same as
    the latency). ``retry`` is the reconnection time in milliseconds if this event names one.
    """

    __slots__ = ("data", "event", "gap", "id", "latency", "received_ns", "retry")

    def __init__(self, event: str, data: str, last_id: str, retry: int | None, received_ns: int) -> None:
        self.event = event
        self.data = data
        self.id = last_id
        self.retry = retry
        self.received_ns = received_ns
        self.latency = 0.0
        self.gap = 0.0

    def __repr__(self) -> str:
        shown = self.data if len(self.data) <= 40 else self.data[:40] + "..."  # noqa: PLR2004  # one line
        return f"<Event {self.event} id={self.id!r} {shown!r} latency={self.latency:.2f}>"


class EventParser:
    """Takes the stream in pieces of any size; an event that is not finished at its end is none."""

    def __init__(self, max_bytes: int, last_id: str = "") -> None:
        self._max_bytes = max_bytes
        self._rest = bytearray()
        self._is_start = True
        self._ends_in_cr = False
        self._id = last_id
        self._type = ""
        self._data: list[str] = []
        self._size = 0
        self._retry: int | None = None

    def feed(self, data: bytes, received_ns: int) -> Iterator[Event]:
        """The events that ``data`` completes; raises ``FailureError`` 1232 for one that is too large."""
        if self._ends_in_cr and data.startswith(b"\n"):
            data = data[1:]
        if data:
            self._ends_in_cr = data.endswith(b"\r")
        self._rest += data
        if self._is_start:
            if len(self._rest) < len(_BOM) and _BOM.startswith(self._rest):
                return
            self._is_start = False
            if self._rest.startswith(_BOM):
                del self._rest[: len(_BOM)]
            data = bytes(self._rest)
        if b"\n" not in data and b"\r" not in data:
            self._check_size()
            return
        # Lines end in CRLF, LF or CR; splitlines would split at more.
        lines = self._rest.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            event = self._take(line, received_ns)
            if event is not None:
                yield event
        self._check_size()

    def _check_size(self) -> None:
        if self._size + len(self._rest) > self._max_bytes:
            raise FailureError(Failure(BODY_TOO_LARGE, "read: event larger than max_response_body_bytes"))

    def _take(self, line: bytearray, received_ns: int) -> Event | None:
        if not line:
            return self._dispatch(received_ns)
        name, _, value = line.decode("utf-8", "replace").partition(":")
        value = value.removeprefix(" ")
        match name:
            case "data":
                self._data.append(value)
                self._size += len(line)
            case "event":
                self._type = value
            case "id" if "\0" not in value:
                self._id = value
            case "retry" if value.isascii() and value.isdigit() and len(value) <= 15:  # noqa: PLR2004
                self._retry = int(value)
        return None

    def _dispatch(self, received_ns: int) -> Event | None:
        event = None
        if self._data:
            event = Event(self._type or "message", "\n".join(self._data), self._id, self._retry, received_ns)
            self._retry = None
        self._type = ""
        self._data.clear()
        self._size = 0
        return event


class EventStream:
    """The events of one response, to be iterated over once; ``response`` tells status, error and timings.

    It does not connect again by itself: a load test wants to know of it. ``with`` closes it for certain; a
    ``for`` that is left early closes it too.
    """

    def __init__(self, response: StreamedResponse, max_bytes: int, last_id: str) -> None:
        self.response = response
        # The iterator itself is not kept: it closes the stream as soon as the loop lets go of it.
        self._max_bytes = max_bytes
        self._last_id = last_id

    def __repr__(self) -> str:
        return f"<EventStream of {self.response!r}>"

    def __enter__(self) -> "Self":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        exc: BaseException | None,
        trace: "TracebackType | None",
    ) -> None:
        self.response.__exit__(kind, exc, trace)

    def close(self) -> None:
        """End it here; no failure."""
        self.response.close()

    def __iter__(self) -> Iterator[Event]:
        response = self.response
        if response.error or response.status_code != 200:  # noqa: PLR2004  # as for browsers: nothing else has events
            return
        parser = EventParser(self._max_bytes, self._last_id)
        before_ns = sent_ns = response.sent_ns
        try:
            for piece in response.iter_pieces():
                for event in parser.feed(piece.data, piece.received_ns):
                    event.latency = (event.received_ns - sent_ns) / NS_PER_MS
                    event.gap = (event.received_ns - before_ns) / NS_PER_MS
                    before_ns = event.received_ns
                    yield event
        except FailureError as error:
            response.fail(error.failure)
        finally:
            response.close()


def open_events(
    client: "HTTPClient",
    method: str,
    url: str,
    options: "RequestOptions",
    chunk_timeout_ns: int | None,
    last_id: str,
) -> EventStream:
    """Ask for events; an answer that is none is failure 1239, one with an error status has no events."""
    headers = dict(options.get("headers") or {})
    given = {name.lower() for name in headers}
    if "accept" not in given:
        headers["Accept"] = CONTENT_TYPE
    if "cache-control" not in given:
        headers["Cache-Control"] = "no-store"
    if last_id:
        headers["Last-Event-ID"] = last_id
    options = {**options, "headers": headers}
    response = open_stream(client, method, url, options, chunk_timeout_ns)
    if response.status_code == 200:  # noqa: PLR2004
        content_type = (response.headers.get("content-type") or "").partition(";")[0].strip().lower()
        if content_type != CONTENT_TYPE:
            response.fail(Failure(NOT_EVENTS, f"read: no event stream but {content_type or 'no type'}"))
    else:
        response.skip()
    return EventStream(response, client.shared.max_body, last_id)
