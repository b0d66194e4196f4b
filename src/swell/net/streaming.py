"""Responses that are read piece by piece, while they arrive: ``http.stream``.

What has arrived and was not asked for yet is bounded (``swell.net.stream_parser``). Each piece carries the
instant at which the kernel received it, so a script that is late still sees when the server sent.
"""

import sys
from collections.abc import Callable, Iterator
from time import monotonic_ns
from types import TracebackType
from typing import TYPE_CHECKING, Final, Self
from weakref import WeakSet

from swell.metrics.samples import ERROR, FAILED, JUDGED, NEW_CONNECTION, STAMPED, WINDOW_LIMITED
from swell.net.dialing import DialError
from swell.net.failure import TOO_LARGE, Failure, FailureError, failure_from
from swell.net.http1 import DONE, ResponseParser
from swell.net.places import CROWDED
from swell.net.prepared import PreparedRequest
from swell.net.requestoptions import RequestOptions
from swell.net.response import NS_PER_MS, RequestError, Response, text_codec
from swell.net.rounds import MAY_GO_ON, Rounds
from swell.net.stream_parser import Piece, StreamParser
from swell.net.tagging import tag_set_number
from swell.net.upload import ContinueBody, RequestBodyError

if TYPE_CHECKING:
    from swell.net.client import HTTPClient
    from swell.net.stream_decode import StreamDecoder
    from swell.net.transport import Connection

# What of a redirect's body is read for the sake of its connection.
SKIPPED_BYTES: Final = 64 * 1024


class StreamedResponse(Response):
    """A response whose body is still arriving; use it in a ``with``, which closes it.

    Its sample is recorded when it ends: at the end of the body, when it is closed early (no failure: the
    connection is closed), or when it fails. A failure ends the iteration over the body and is then in
    ``error``; it raises only where the option ``throw`` is on.
    """

    def __init__(
        self,
        client: "HTTPClient",
        prepared: PreparedRequest,
        connection: "Connection | None",
        status: int,
        *,
        chunk_timeout_ns: int = 0,
        instants: tuple[int, int] = (0, 0),
        is_new: bool = False,
    ) -> None:
        """``instants`` are when it began to wait for a connection and when it had one."""
        head = connection.parser.head if connection is not None else None
        super().__init__(status, prepared, head, b"", (0, 0, 0, 0, 0, 0), connection)
        self._client = client
        self._prepared = prepared
        self._instants = instants
        self._is_new = is_new
        self._chunk_timeout_ns = chunk_timeout_ns
        self._first_piece_ns = 0
        self._is_open = connection is not None
        self._is_limited = False
        self._must_close = False
        self._decoder: StreamDecoder | None = None
        if connection is not None and head is not None:
            self._phases = self._measure(connection)
            if head.encoding:
                from swell.net import stream_decode  # noqa: PLC0415  # two more libraries, rarely needed

                self._decoder = stream_decode.StreamDecoder(head.encoding)

    def __repr__(self) -> str:
        state = "open" if self._is_open else "closed"
        return f"<StreamedResponse [{self.status_code}] {state}{' ' + self.error if self.error else ''}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None and not issubclass(kind, Exception):
            self.interrupt()
        else:
            self.close()

    # Reading

    @property
    def sent_ns(self) -> int:
        """When the request was sent (monotonic): what latencies are counted from."""
        started, acquired = self._instants
        return acquired + self._phases[3] if started else 0

    @property
    def time_to_first_chunk(self) -> float | None:
        """Milliseconds from the end of sending to the first byte of the body; None while there is none.

        ``timings.waiting`` is the same to the first byte of the head.
        """
        return (self._first_piece_ns - self.sent_ns) / NS_PER_MS if self._first_piece_ns else None

    def iter_bytes(self) -> Iterator[bytes]:
        """The body's parts as they arrive, decoded from their content encoding."""
        for piece in self.iter_pieces():
            yield piece.data

    def iter_lines(self) -> Iterator[str]:
        r"""The body's lines as they arrive, without their ends (``\n`` or ``\r\n``), as text.

        A line longer than the option ``max_response_body`` is failure 1232.
        """
        encoding = text_codec(self.encoding)
        rest = bytearray()
        for piece in self.iter_pieces():
            start = len(rest)
            rest += piece.data
            begin = 0
            while (end := rest.find(b"\n", max(begin, start))) >= 0:
                yield rest[begin:end].removesuffix(b"\r").decode(encoding, "replace")
                begin = end + 1
            del rest[:begin]
            if len(rest) > self._client.shared.max_body:
                self.fail(TOO_LARGE)
                return
        if rest and not self.error:
            yield rest.removesuffix(b"\r").decode(encoding, "replace")

    def read(self) -> bytes:
        """What is left of the body, all of it; ``text`` and ``json()`` work from then on.

        More than the option ``max_response_body`` is failure 1232.
        """
        parts: list[bytes] = []
        size = 0
        for piece in self.iter_pieces():
            parts.append(piece.data)
            size += len(piece.data)
            if size > self._client.shared.max_body:
                self.fail(TOO_LARGE)
                return b""
        self.content = b"".join(parts)
        return self.content

    def skip(self) -> None:
        """Read a short body into ``content``, for the sake of the connection, and give up a long one."""
        size = 0
        for data in self.iter_bytes():
            size += len(data)
            if size > SKIPPED_BYTES:
                break
            self.content += data
        self.close()

    def iter_pieces(self) -> Iterator[Piece]:
        """The body's parts with their receive stamps."""
        while (piece := self._next_piece()) is not None:
            if not self._first_piece_ns:
                self._first_piece_ns = piece.received_ns
            if self._decoder is None:
                yield piece
                continue
            try:
                for data in self._decoder.feed(piece.data):
                    yield Piece(data, piece.received_ns)
            except FailureError as error:
                self.fail(error.failure)
                return

    def each(self, handle: Callable[[Piece], object]) -> Self:
        """Call ``handle`` with each of the body's parts as it arrives, in the VU, in order; itself, closed.

        ``handle`` ends the stream by returning False. What it raises goes through.
        """
        with self:
            for piece in self.iter_pieces():
                if handle(piece) is False:
                    break
        return self

    def _next_piece(self) -> Piece | None:
        """The next piece, or None at the end; waits no longer than the chunk timeout."""
        connection = self._connection
        if not self._is_open or connection is None:
            return None
        parser = connection.parser
        assert isinstance(parser, StreamParser)  # noqa: S101  # it is until the stream is closed
        if not parser.pieces and parser.state != DONE:
            try:
                while not parser.has_news:
                    connection.wait_for_more(monotonic_ns() + self._chunk_timeout_ns)
            except Exception as error:  # noqa: BLE001  # every failure becomes a value
                self.fail(failure_from(error, "read"))
                return None
            except BaseException:
                self.interrupt()
                raise
        if parser.pieces:
            return parser.take()
        self._complete()
        return None

    # The end, in one of four ways

    def _complete(self) -> None:
        """The whole body is here: the connection may serve the next request."""
        connection = self._connection
        if connection is None or not self._is_open:
            return
        if self._decoder is not None:
            try:
                self._decoder.finish()
            except FailureError as error:
                self.fail(error.failure)
                return
        self._end()
        self._record(None)
        connection.end_stream()
        if self._must_close:
            connection.close()
        if not connection.is_dead:
            self._client.keep(self._prepared.origin, connection)

    def close(self) -> None:
        """End it here; what was not read is given up with its connection. Closing twice is fine."""
        connection = self._connection
        if not self._is_open or connection is None:
            return
        parser = connection.parser
        if parser.state == DONE and isinstance(parser, StreamParser) and not parser.pieces:
            self._complete()
            return
        self._end()
        connection.close()
        self._record(None)

    def fail(self, failure: Failure) -> None:
        """It is of no use: the sample is a failed one. Raises ``RequestError`` where ``throw`` is on."""
        connection = self._connection
        if not self._is_open or connection is None:
            return
        self._end()
        connection.close()
        self._record(failure)
        self.status_code = 0
        self.error, self.error_code = failure.message, failure.code
        shared, prepared = self._client.shared, self._prepared
        shared.note_failure(failure, prepared.method, prepared.template.name, prepared.text)
        self.raise_if_asked()

    def interrupt(self) -> None:
        """The iteration is over: nothing but the bytes is counted (k6)."""
        connection = self._connection
        if self._is_open and connection is not None:
            self._end()
            connection.close()
            self._client.count_interrupted(connection)

    def __del__(self) -> None:
        # A generator over the body that was dropped half-way; a closed one does nothing here.
        if getattr(self, "_is_open", False):
            self.close()

    def _end(self) -> None:
        self._is_open = False
        if self._is_limited:
            self._client.places.leave(self._prepared)
        if self._client.streams is not None:
            self._client.streams.discard(self)

    def raise_if_asked(self) -> None:
        """Raise ``RequestError`` for a failure where the option ``throw`` is on."""
        if self.error and self._client.shared.options.throw:
            raise RequestError(f"{self._prepared.method} {self.url}: {self.error}", self)

    # Measuring

    def _measure(self, connection: "Connection") -> tuple[int, int, int, int, int, int]:
        started, acquired = self._instants
        connecting, tls = (connection.connecting_ns, connection.tls_ns) if self._is_new else (0, 0)
        first, last = connection.first_byte_ns, connection.last_byte_ns
        # As for other responses: an answer stamped before send() returned ends the sending.
        sent = max(acquired, min(connection.sent_ns, first))
        first = max(first, sent)
        return (acquired - started, connecting, tls, sent - acquired, first - sent, max(0, last - first))

    def _record(self, failure: Failure | None) -> None:
        client, prepared, connection = self._client, self._prepared, self._connection
        assert connection is not None  # noqa: S101  # a stream that was open has one
        self._phases = self._measure(connection)
        status = 0 if failure is not None else self.status_code
        expected = failure is None and prepared.expected(status)
        flags = JUDGED | STAMPED if connection.stamped else JUDGED
        flags |= WINDOW_LIMITED if connection.window_limited else 0
        flags |= NEW_CONNECTION if self._is_new else 0
        flags |= 0 if expected else FAILED
        flags |= ERROR if failure is not None else 0
        number = tag_set_number(prepared, client.context_tags, status, connection, failure, expected)
        gap = connection.arrived_ns - connection.last_byte_ns
        moved = connection.sent_bytes, connection.received_bytes
        client.shared.recorder.http(number, monotonic_ns(), *self._phases, *moved, gap, flags)
        client.note_response_time(number, connection.last_byte_ns, self._phases)
        connection.sent_bytes = connection.received_bytes = 0
        if connection.is_dead:
            # The parser refers to its connection: without this only the garbage collector would end them.
            connection.parser = ResponseParser()


# Opening


def open_stream(
    client: "HTTPClient", method: str, url: str, options: RequestOptions, chunk_timeout_ns: int | None
) -> StreamedResponse:
    """Send a request, follow its redirects, and give the last response as soon as its head is there.

    The request's ``timeout`` is the time until then; ``chunk_timeout_ns`` the longest wait for each further
    part of the body, the same as the timeout where it is None. Raises as ``HTTPClient.request`` does.
    """
    try:
        prepared = client.prepare(method, url, options)
    except FailureError as error:
        return _without_answer(client, client.refused(method, url, error.failure))
    chunk_timeout_ns = prepared.timeout_ns if chunk_timeout_ns is None else chunk_timeout_ns
    rounds = Rounds(client, prepared.max_redirects)
    history: list[Response] = []
    response = _start(client, prepared, chunk_timeout_ns)
    while response.status_code in MAY_GO_ON:
        try:
            following = rounds.next(prepared, response)
        except FailureError as error:
            response.close()
            history.append(response)
            now = monotonic_ns()
            response = _without_answer(client, client.failed(prepared, None, error.failure, now, now))
            break
        if following is None:
            break
        response.skip()
        history.append(response)
        prepared = following
        response = _start(client, prepared, chunk_timeout_ns)
    response.history = tuple(history)
    response.raise_if_asked()
    return response


def _start(client: "HTTPClient", prepared: PreparedRequest, chunk_timeout_ns: int) -> StreamedResponse:
    """Send one request and wait for the head of its response."""
    started = client.places.enter(prepared)
    if started < 0:
        return _without_answer(client, client.failed(prepared, None, CROWDED, -started, monotonic_ns()))
    response: StreamedResponse | None = None
    try:
        response = _exchange(client, prepared, started, chunk_timeout_ns)
    finally:
        if response is None or not response._is_open:
            client.places.leave(prepared)
    if response._is_open:
        response._is_limited = client.shared.options.max_connections_per_host > 0
        if client.streams is None:
            client.streams = WeakSet()
        client.streams.add(response)
    return response


def _exchange(
    client: "HTTPClient", prepared: PreparedRequest, started: int, chunk_timeout_ns: int
) -> StreamedResponse:
    deadline = started + prepared.timeout_ns
    connection, is_new = client.take(prepared), False
    while True:
        if connection is None:
            is_new = True
            try:
                connection = client.dial(prepared, deadline)
            except DialError as error:
                failed = client.failed(prepared, error.connection, error.failure, started, monotonic_ns())
                return _without_answer(client, failed)
        acquired = monotonic_ns()
        try:
            body = _ask(client, prepared, connection, deadline)
        except Exception as error:  # noqa: BLE001  # every failure becomes a value
            if not is_new and client.may_retry(prepared, connection, error):
                connection = None
                continue
            if isinstance(error, RequestBodyError):
                client.count_interrupted(connection)
                raise error.cause from None
            failure = failure_from(error, "read")
            return _without_answer(client, client.failed(prepared, connection, failure, started, acquired))
        except BaseException:
            client.count_interrupted(connection)
            raise
        instants = (started, connection.begun_ns)
        return _with_head(client, prepared, connection, instants, chunk_timeout_ns, body, is_new)


def _ask(
    client: "HTTPClient", prepared: PreparedRequest, connection: "Connection", deadline: int
) -> Iterator[bytes] | None:
    """Send the request and wait for the head; the body that was sent."""
    parser = StreamParser(connection)
    connection.parser = parser
    # The body has no limit: it is not kept.
    parser.start(is_head_request=prepared.is_head, discard=False, max_body=sys.maxsize)
    body = prepared.body_stream
    if prepared.expects_continue:
        body = client.withheld_body(prepared, connection, deadline)
    connection.start_stream(parser, client.wire(prepared, connection), body, deadline)
    while parser.head is None:
        connection.wait_for_more(deadline)
    parser.is_head_taken = True
    return body


def _with_head(
    client: "HTTPClient",
    prepared: PreparedRequest,
    connection: "Connection",
    instants: tuple[int, int],
    chunk_timeout_ns: int,
    body: Iterator[bytes] | None,
    is_new: bool,
) -> StreamedResponse:
    head = connection.parser.head
    assert head is not None  # noqa: S101  # it was waited for
    response = StreamedResponse(
        client,
        prepared,
        connection,
        head.status,
        chunk_timeout_ns=chunk_timeout_ns,
        instants=instants,
        is_new=is_new,
    )
    # The server may still wait for a body that was withheld, and would take the next request for it.
    response._must_close = isinstance(body, ContinueBody) and body.is_withheld
    client.take_notice(prepared, head, response, None)
    return response


def _without_answer(client: "HTTPClient", failed: Response) -> StreamedResponse:
    """What ``failed`` says, in the form of a stream without a body."""
    request = failed.request
    response = StreamedResponse(client, request, None, 0)  # type: ignore[arg-type]  # never sent again
    response.error, response.error_code = failed.error, failed.error_code
    return response
