"""The HTTP client of a VU: connections, cookies, redirects, and one record per exchange.

``HTTPShared`` (``swell.net.shared``) holds what the VUs of one worker have in common, ``HTTPClient`` what one
VU has for itself. A request never raises for what the target or the network does: it gives a response that
carries the error.
"""

from collections.abc import Iterator, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Protocol, Unpack

from swell.metrics.samples import ERROR, FAILED, HTTP, JUDGED, NEW_CONNECTION, STAMPED, WINDOW_LIMITED
from swell.net.dialing import DialError, open_connection
from swell.net.failure import Failure, FailureError, failure_from, status_code
from swell.net.places import CROWDED, Places
from swell.net.prepared import PoolKey, PreparedRequest
from swell.net.requestoptions import RequestOptions, timeout_ns
from swell.net.response import Request, RequestError, Response
from swell.net.responsetime import note_response_time
from swell.net.rounds import MAY_GO_ON, authorized, follow
from swell.net.sentcookies import cookie_header
from swell.net.tagging import UNJUDGED, tag_set_number, unjudged
from swell.net.transport import Connection
from swell.net.upload import ContinueBody, RequestBodyError
from swell.net.url import clean

if TYPE_CHECKING:
    from weakref import WeakSet

    from swell.metrics.tags import TagSet
    from swell.net.auth import Challenge
    from swell.net.cookies import CookieJar
    from swell.net.events import EventStream
    from swell.net.http1 import ResponseHead
    from swell.net.shared import HTTPShared
    from swell.net.streaming import StreamedResponse

# Set-Cookie headers of one response that are looked at: a jar keeps 50 for a domain.
MAX_SET_COOKIES: Final = 200
# Hosts of one VU whose connections are kept; Go's client keeps 100 connections.
MAX_IDLE_ORIGINS: Final = 100
_pack = HTTP.pack
NO_PHASES: Final = (0, 0, 0, 0, 0, 0)


class TagHolder(Protocol):
    """The part of a VU that the client reads."""

    id: int
    tags: "TagSet"
    # How late the iteration started, until its first request; -1 in the closed model.
    start_lag_ns: int


class HTTPClient:
    """The HTTP client of one VU; several of its greenlets may use it at once (``batch``)."""

    __slots__ = (
        "_idle",
        "_jar",
        "_keep_record",
        "_shared",
        "_source",
        "_throws",
        "_vu",
        "challenges",
        "places",
        "streams",
    )

    def __init__(self, shared: "HTTPShared", vu: TagHolder) -> None:
        self._shared = shared
        self._vu = vu
        self._idle: dict[PoolKey, list[Connection]] = {}
        self.places = Places(shared)
        # The last digest challenge of each origin, and the streams that are open.
        self.challenges: dict[tuple[str, str, int], Challenge] = {}
        self.streams: WeakSet[StreamedResponse] | None = None
        self._jar: CookieJar | None = None
        self._source = shared.local_ips.of(vu.id)
        self._keep_record = shared.recorder.keep_http
        self._throws = shared.options.throw

    def __repr__(self) -> str:
        idle = sum(len(connections) for connections in self._idle.values())
        return f"<HTTPClient idle={idle}>"

    @property
    def jar(self) -> "CookieJar":
        """The VU's cookies; emptied after each iteration unless ``no_cookies_reset`` is on."""
        if self._jar is None:
            self._jar = self._shared.new_jar()
        return self._jar

    def request(self, method: str, url: str, **options: Unpack[RequestOptions]) -> Response:
        """Send one request, follow its redirects, and give the last response.

        Raises ``TypeError`` or ``ValueError`` for options that make no sense, and ``RequestError`` for a
        failed request where the option ``throw`` is on.
        """
        if not options:
            return self.plain_request(method, url)
        try:
            prepared = self.prepare(method, url, options)
        except FailureError as error:
            return self.refused(method, url, error.failure)
        return self._answer(prepared)

    def plain_request(self, method: str, url: str) -> Response:
        """``request`` without options: the hot path."""
        factory = self._shared.factory
        try:
            prepared = factory.plain.get((method, url)) or factory.prepare(method, url)
        except FailureError as error:
            return self.refused(method, url, error.failure)
        return self._answer(prepared)

    def _answer(self, prepared: PreparedRequest) -> Response:
        """The last response of ``prepared`` and of what follows from it."""
        response = self.send(prepared)
        if response.status_code in MAY_GO_ON:
            response = follow(self, prepared, response)
        if self._throws and response.error:
            raise RequestError(f"{prepared.method} {response.url}: {response.error}", response)
        return response

    def prepare(self, method: str, url: str, options: RequestOptions) -> PreparedRequest:
        """A request made ready, with the answer to a challenge where the server gave one before."""
        prepared = self._shared.factory.prepare(method, url, options)
        return prepared if prepared.answers is None else authorized(self, prepared)

    def end_iteration(self) -> None:
        """Forget what lives for one iteration: cookies, challenges, open streams, connections if asked to."""
        options = self._shared.options
        if self._jar is not None and not options.no_cookies_reset:
            self._jar = None
        if self.challenges and not options.no_cookies_reset:
            # The next iteration is another user's, who has to ask first.
            self.challenges.clear()
        if self.streams:
            self.close_streams()
        if options.no_vu_connection_reuse:
            self.close()

    def close_streams(self) -> None:
        """Close the streams that a script left open."""
        for stream in list(self.streams or ()):
            stream.close()

    def close(self) -> None:
        """Close all streams and idle connections."""
        self.close_streams()
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    def note_response_time(
        self, number: int, ended_ns: int, phases: tuple[int, int, int, int, int, int]
    ) -> None:
        """Record the response time where the VU works for an open-model scenario."""
        shared = self._shared
        if self._vu.start_lag_ns >= 0:
            note_response_time(shared.registry, shared.recorder, self._vu, number, ended_ns, phases)

    # For other protocols that begin with a request

    @property
    def shared(self) -> "HTTPShared":
        """What all clients of the worker share."""
        return self._shared

    @property
    def context_tags(self) -> "TagSet":
        """The VU's tags now."""
        return self._vu.tags

    def dial(self, prepared: PreparedRequest, deadline_ns: int) -> Connection:
        """A new connection outside the pool, for the caller to close; raises ``FailureError``."""
        return open_connection(self._shared, prepared, self._source, deadline_ns)

    # One exchange

    def send(self, prepared: PreparedRequest, started: int = 0) -> Response:
        """One exchange, recorded; ``started`` is when it began to wait for a connection, 0 for now."""
        shared = self._shared
        if not started:
            if shared.is_limited:
                return self._send_within_limits(prepared)
            started = monotonic_ns()
        deadline = started + prepared.timeout_ns
        connection, is_new = self.take(prepared), False
        while True:
            if connection is None:
                is_new = True
                try:
                    connection = self.dial(prepared, deadline)
                except DialError as error:
                    return self.failed(prepared, error.connection, error.failure, started, monotonic_ns())
            acquired = monotonic_ns()
            body = prepared.body_stream
            if prepared.expects_continue:
                body = self.withheld_body(prepared, connection, deadline)
            try:
                connection.exchange(
                    prepared.wire
                    if self._jar is None and not prepared.cookies and prepared.jar is None
                    else self.wire(prepared, connection),
                    body,
                    deadline,
                    is_head_request=prepared.is_head,
                    discard=prepared.discard,
                    max_body=shared.max_body,
                )
            except Exception as error:  # noqa: BLE001  # every failure becomes a value
                if not is_new and self.may_retry(prepared, connection, error):
                    connection = None
                    continue
                if isinstance(error, RequestBodyError):
                    self.count_interrupted(connection)
                    raise error.cause from None
                failure = failure_from(error, "read")
                return self.failed(prepared, connection, failure, started, acquired)
            except BaseException:
                self.count_interrupted(connection)
                raise
            if prepared.expects_continue and body.is_withheld:  # type: ignore[union-attr]
                # The server may still wait for the body, and would take the next request for it.
                connection.close()
            return self._succeeded(prepared, connection, started, connection.begun_ns, is_new)

    def _send_within_limits(self, prepared: PreparedRequest) -> Response:
        started = self.places.enter(prepared)
        if started < 0:
            return self.failed(prepared, None, CROWDED, -started, monotonic_ns())
        try:
            return self.send(prepared, started)
        finally:
            self.places.leave(prepared)

    def withheld_body(
        self, prepared: PreparedRequest, connection: Connection, deadline_ns: int
    ) -> ContinueBody:
        """The body of a request with ``Expect: 100-continue``."""
        pieces: Iterator[bytes] = prepared.body_stream or iter((prepared.body,))
        return ContinueBody(connection, pieces, deadline_ns)

    def take(self, prepared: PreparedRequest) -> Connection | None:
        """An idle connection for ``prepared`` that is alive, the one used last first."""
        idle = self._idle.get(prepared.origin)
        while idle:
            connection = idle.pop()
            # What cannot be repeated must not meet an end that the hub has not seen yet.
            if not connection.is_dead and (prepared.may_repeat or not connection.has_ended()):
                return connection
            connection.close()
        return None

    def keep(self, origin: PoolKey, connection: Connection) -> None:
        """Put a connection aside for the next request."""
        idle = self._idle.get(origin)
        if idle is None:
            if len(self._idle) >= MAX_IDLE_ORIGINS:
                # A server may redirect to ever new hosts: the one met first is left behind.
                for left in self._idle.pop(next(iter(self._idle))):
                    left.close()
            idle = self._idle[origin] = []
        idle.append(connection)

    def wire(self, prepared: PreparedRequest, connection: Connection | None = None) -> bytes:
        """The request's bytes with the cookies that go with it now, noted on ``connection`` for observers."""
        jar = prepared.jar if prepared.jar is not None else self._jar
        url = prepared.url
        kept = jar.header_for(url.scheme, url.host, url.path) if jar is not None else None
        cookies = cookie_header(kept, prepared.cookies)
        if not cookies:
            return prepared.wire
        if connection is not None:
            connection.sent_cookies = cookies
        return prepared.with_cookies(cookies)

    def may_retry(self, prepared: PreparedRequest, connection: Connection, error: Exception) -> bool:
        """Whether the server had just closed a kept connection: then the request is sent on a new one."""
        return connection.first_byte_ns == 0 and prepared.may_repeat and not isinstance(error, TimeoutError)

    def _succeeded(
        self, prepared: PreparedRequest, connection: Connection, started: int, acquired: int, is_new: bool
    ) -> Response:
        shared = self._shared
        parser = connection.parser
        head = parser.head
        content = parser.body
        parser.body = b""
        status = head.status  # type: ignore[union-attr]  # a complete response has one
        failure: Failure | None = None
        if head.encoding and content:  # type: ignore[union-attr]
            content, failure = _decoded(content, head.encoding, shared.max_body)  # type: ignore[union-attr]
        sent, first, last = connection.sent_ns, connection.first_byte_ns, connection.last_byte_ns
        if first < sent:
            # The answer was stamped before send() returned: that is when sending ended.
            sent = first if first > acquired else acquired  # noqa: FURB136  # max() is a call
            first, last = max(first, sent), max(last, sent)
        flags = (STAMPED if connection.stamped else 0) | (WINDOW_LIMITED if connection.window_limited else 0)
        connecting = tls = 0
        if is_new:
            flags |= NEW_CONNECTION
            connecting, tls = connection.connecting_ns, connection.tls_ns
        context = self._vu.tags
        if prepared.seen_status == status and prepared.seen_context is context and failure is None:
            number = prepared.seen_number
            flags |= JUDGED
        else:
            expected = failure is None and prepared.expected(status)
            if expected != UNJUDGED:
                flags |= JUDGED if expected else JUDGED | FAILED
            number = tag_set_number(prepared, context, status, connection, failure, expected)
        blocked, sending, waiting, receiving = acquired - started, sent - acquired, first - sent, last - first
        arrived = connection.arrived_ns
        self._keep_record(
            _pack(
                *(number, arrived, blocked, connecting, tls, sending, waiting, receiving),
                *(connection.sent_bytes, connection.received_bytes, arrived - last, flags),
            )
        )
        connection.sent_bytes = connection.received_bytes = 0
        if not connection.is_dead:
            idle = self._idle.get(prepared.origin)
            if idle is not None:
                idle.append(connection)
            else:
                self.keep(prepared.origin, connection)
        phases = (blocked, connecting, tls, sending, waiting, receiving)
        if self._vu.start_lag_ns >= 0:
            note_response_time(shared.registry, shared.recorder, self._vu, number, last, phases)
        response = Response(status, prepared, head, content, phases, connection)
        if connection.sent_cookies:
            response.sent_cookies, connection.sent_cookies = connection.sent_cookies, ""
        if flags & FAILED or status >= 400 or head.has_cookies or shared.observers:  # type: ignore[union-attr]  # noqa: PLR2004
            self.take_notice(prepared, head, response, failure)  # type: ignore[arg-type]
        return response

    def take_notice(
        self, prepared: PreparedRequest, head: "ResponseHead", response: Response, failure: Failure | None
    ) -> None:
        """What most responses do not need: errors, cookies, observers."""
        shared = self._shared
        status, name = response.status_code, prepared.template.name
        if failure is not None:
            response.error, response.error_code = failure.message, failure.code
            shared.note_failure(failure, prepared.method, name, prepared.text)
        else:
            response.error_code = status_code(status)
            if not prepared.expected(status):
                code = response.error_code
                shared.errors.note(code, f"status {status}", prepared.method, name, prepared.text)
        if head.has_cookies:
            jar = prepared.jar if prepared.jar is not None else self.jar
            url = prepared.url
            # Of more than these the jar would keep the last ones only.
            values = [value.decode("latin-1") for value in head.values(b"set-cookie")[-MAX_SET_COOKIES:]]
            jar.store(url.scheme, url.host, url.path, values)
        if shared.observers:
            self.show(response)

    def show(self, response: Response) -> None:
        """Let the observers see ``response``."""
        for observer in self._shared.observers:
            observer(response)

    # Failures

    def failed(
        self,
        prepared: PreparedRequest,
        connection: Connection | None,
        failure: Failure,
        started: int,
        acquired: int,
    ) -> Response:
        """Record an exchange without a response and give the response that says so."""
        shared = self._shared
        now = monotonic_ns()
        sending = waiting = receiving = connecting = tls = sent_bytes = received_bytes = 0
        cause = failure.message
        if shared.retell is not None:
            failure = shared.retell(failure, prepared)
        is_judged = prepared.expected is not unjudged
        flags = JUDGED | FAILED | ERROR | STAMPED if is_judged else ERROR | STAMPED
        if connection is not None:
            connection.close()
            sent_bytes, received_bytes = connection.sent_bytes, connection.received_bytes
            if connection.exchanges == 1:
                connecting, tls = connection.connecting_ns, connection.tls_ns
                flags |= NEW_CONNECTION
            if connection.exchanges:
                sent = max(connection.sent_ns, acquired)
                first = max(connection.first_byte_ns, sent) if connection.first_byte_ns else now
                sending, waiting, receiving = sent - acquired, first - sent, now - first
        context = self._vu.tags
        number = tag_set_number(prepared, context, 0, connection, failure, 0 if is_judged else UNJUDGED)
        phases = (acquired - started, connecting, tls, sending, waiting, receiving)
        shared.recorder.http(number, now, *phases, sent_bytes, received_bytes, 0, flags)
        self.note_response_time(number, now, phases)
        shared.note_failure(failure, prepared.method, prepared.template.name, prepared.text)
        response = Response(0, prepared, None, b"", phases, connection)
        response.error, response.error_code = failure.message, failure.code
        if failure.message != cause:
            response.cause = cause
        if connection is not None and connection.sent_cookies:
            response.sent_cookies, connection.sent_cookies = connection.sent_cookies, ""
        if shared.observers:
            self.show(response)
        return response

    def refused(self, method: str, url: str, failure: Failure) -> Response:
        """A request that could not even be made; as in k6 it emits no samples but is logged and counted."""
        shared = self._shared
        url = clean(url)
        shared.note_failure(failure, method, "", url)
        response = Response(0, Request(method, url, {}, b""), None, b"", NO_PHASES, None)
        response.error, response.error_code = failure.message, failure.code
        if shared.options.throw:
            raise RequestError(f"{method} {url}: {failure.message}", response)
        return response

    def count_interrupted(self, connection: Connection) -> None:
        """An interrupted exchange emits nothing but the bytes it has moved (k6)."""
        shared, tags = self._shared, self._vu.tags
        now = monotonic_ns()
        for metric, size in (
            ("data_sent", connection.sent_bytes),
            ("data_received", connection.received_bytes),
        ):
            if size:
                shared.recorder.sample(shared.registry.series(metric, tags), now, size)

    # Streams, and several at once

    def stream(
        self,
        method: str,
        url: str,
        *,
        chunk_timeout: float | str | None = None,
        **options: Unpack[RequestOptions],
    ) -> "StreamedResponse":
        """Send one request and give its response as soon as the head is there; its body is read in parts.

        ``chunk_timeout`` (seconds, or text with a unit) is the longest wait for each part, the request's
        ``timeout`` where it is None. Raises as ``request`` does.
        """
        from swell.net.streaming import open_stream  # noqa: PLC0415  # rarely needed

        limit = None if chunk_timeout is None else timeout_ns(chunk_timeout, "chunk_timeout")
        return open_stream(self, method, url, options, limit)

    def events(
        self,
        method: str,
        url: str,
        *,
        chunk_timeout: float | str | None = None,
        last_event_id: str = "",
        **options: Unpack[RequestOptions],
    ) -> "EventStream":
        """Ask for server-sent events; the rest is as in ``stream``."""
        from swell.net.events import open_events  # noqa: PLC0415  # rarely needed

        limit = None if chunk_timeout is None else timeout_ns(chunk_timeout, "chunk_timeout")
        return open_events(self, method, url, options, limit, last_event_id)

    def batch(self, requests: Sequence["BatchItem"]) -> list[Response]:
        """Send several requests at once within ``batch`` and ``batch_per_host``; responses in their order."""
        from swell.net.batch import send_batch  # noqa: PLC0415  # imports gevent's pool, rarely needed

        return send_batch(self, requests, self._shared.options)


def _decoded(content: bytes, encoding: bytes, limit: int) -> tuple[bytes, Failure | None]:
    from swell.net.decode import decode_fairly  # noqa: PLC0415  # two more libraries, for servers that compress

    decoded = decode_fairly(content, encoding, limit)
    return (b"", decoded) if isinstance(decoded, Failure) else (decoded, None)


BatchItem = str | tuple[str, str] | tuple[str, str, RequestOptions]
