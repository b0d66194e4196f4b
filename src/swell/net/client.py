"""The HTTP client of a VU: connections, cookies, redirects, and one record per exchange.

``HTTPShared`` holds what the VUs of one worker have in common, ``HTTPClient`` what one VU has for itself. A
request never raises for what the target or the network does: it gives a response that carries the error.
"""

from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING, Final, Protocol, Unpack

from swell.metrics.samples import ERROR, FAILED, JUDGED, NEW_CONNECTION, STAMPED, WINDOW_LIMITED
from swell.net.cookies import CookieJar
from swell.net.failure import Failure, FailureError, Phase, failure_from, status_code
from swell.net.local_ips import LocalIPs
from swell.net.prepared import PreparedRequest, RequestFactory, RequestOptions
from swell.net.resolver import Endpoint, Resolver
from swell.net.response import Request, RequestError, Response
from swell.net.tls import TlsContexts
from swell.net.transport import Connection
from swell.net.url import UrlCache, join

if TYPE_CHECKING:
    from swell.config.options import Options
    from swell.metrics.samples import ErrorTable, Recorder
    from swell.metrics.tags import TagRegistry, TagSet
    from swell.net.http1 import ResponseHead

# Go's default for connecting; the request's own timeout may end it earlier.
DIAL_TIMEOUT_NS: Final = 30 * 1_000_000_000
REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
# What a client may send again by itself when a kept connection turns out to be closed (RFC 9110, 9.2.2).
IDEMPOTENT: Final = frozenset({"GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE"})

Origin = tuple[str, str, int]
Phases = tuple[int, int, int, int, int, int]
NO_PHASES: Final[Phases] = (0, 0, 0, 0, 0, 0)


class TagHolder(Protocol):
    """The part of a VU that the client reads."""

    id: int
    tags: "TagSet"


class HTTPShared:
    """What all clients of one worker share: prepared requests, names, TLS, the recorder."""

    def __init__(
        self,
        options: "Options",
        registry: "TagRegistry",
        recorder: "Recorder",
        errors: "ErrorTable",
        log: Callable[[str, str], None],
        *,
        worker_count: int = 1,
    ) -> None:
        self.options = options
        self.registry = registry
        self.recorder = recorder
        self.errors = errors
        self.log = log
        self.factory = RequestFactory(
            registry,
            user_agent=options.user_agent,
            system_tags=options.system_tags,
            max_redirects=options.max_redirects,
            discard=options.discard_response_bodies,
            keep_alive=not options.no_connection_reuse,
        )
        self.resolver = Resolver(options)
        self.tls = TlsContexts(options)
        # Makes a connection to an address: the seam where tests put a scripted transport.
        self.connect: Callable[[Endpoint, str | None], Connection] = Connection
        self.urls = UrlCache()
        self.local_ips = LocalIPs(options.local_ips)
        # Called with each response (redirects included) where something wants to see them: debugging.
        self.observers: list[Callable[[Response], None]] = []
        self.max_body = options.max_response_body_bytes
        self._logged: set[tuple[int, str, str]] = set()
        self._interval_ns = 1_000_000_000 * worker_count // options.rps if options.rps > 0 else 0
        self._next_ns = 0

    def wait_for_turn(self) -> None:
        """Hold the caller back so that all requests together keep to the option ``rps``."""
        import gevent  # noqa: PLC0415  # not wanted where this module is only read for its types

        if self._interval_ns == 0:
            return
        now = monotonic_ns()
        turn = max(self._next_ns, now)
        self._next_ns = turn + self._interval_ns
        if turn > now:
            gevent.sleep((turn - now) / 1e9)

    def note_failure(self, failure: Failure, method: str, name: str, url: str) -> None:
        """Count a failed exchange, and log the first of its kind."""
        self.errors.note(failure.code, failure.message, method, name, url)
        key = (failure.code, method, name)
        if key not in self._logged and len(self._logged) < 100:  # noqa: PLR2004  # enough to read
            self._logged.add(key)
            self.log("warning", f"Request Failed: {method} {url}: {failure.message} (code {failure.code})")


class HTTPClient:
    """The HTTP client of one VU; several of its greenlets may use it at once (``batch``)."""

    __slots__ = ("_idle", "_jar", "_shared", "_source", "_vu")

    def __init__(self, shared: HTTPShared, vu: TagHolder) -> None:
        self._shared = shared
        self._vu = vu
        self._idle: dict[Origin, list[Connection]] = {}
        self._jar: CookieJar | None = None
        self._source = shared.local_ips.of(vu.id)

    def __repr__(self) -> str:
        idle = sum(len(connections) for connections in self._idle.values())
        return f"<HTTPClient idle={idle}>"

    @property
    def jar(self) -> CookieJar:
        """The VU's cookies; emptied after each iteration unless ``no_cookies_reset`` is on."""
        if self._jar is None:
            self._jar = CookieJar()
        return self._jar

    def request(self, method: str, url: str, **options: Unpack[RequestOptions]) -> Response:
        """Send one request, follow its redirects, and give the last response.

        Raises ``TypeError`` or ``ValueError`` for options that make no sense, and ``RequestError`` for a
        failed request where the option ``throw`` is on.
        """
        shared = self._shared
        try:
            if options:
                prepared = shared.factory.prepare(method, url, options)
            else:
                prepared = shared.factory.plain.get((method, url)) or shared.factory.prepare(method, url)
        except FailureError as error:
            return self._refused(method, url, error.failure)
        response = self._send(prepared)
        if response.status_code in REDIRECTS and prepared.max_redirects > 0:
            response = self._follow(prepared, response)
        if shared.options.throw and response.error:
            raise RequestError(f"{method} {response.url}: {response.error}", response)
        return response

    def end_iteration(self) -> None:
        """Forget what lives for one iteration: cookies, and connections where they are not to be reused."""
        options = self._shared.options
        if self._jar is not None and not options.no_cookies_reset:
            self._jar = None
        if options.no_vu_connection_reuse:
            self.close()

    def close(self) -> None:
        """Close all idle connections."""
        for connections in self._idle.values():
            for connection in connections:
                connection.close()
        self._idle.clear()

    # For other protocols that begin with a request

    @property
    def shared(self) -> HTTPShared:
        """What all clients of the worker share."""
        return self._shared

    @property
    def context_tags(self) -> "TagSet":
        """The VU's tags now."""
        return self._vu.tags

    def dial(self, prepared: PreparedRequest, deadline_ns: int) -> Connection:
        """A new connection outside the pool, for the caller to close; raises ``FailureError``."""
        return self._open(prepared, deadline_ns)

    # One exchange

    def _send(self, prepared: PreparedRequest) -> Response:
        shared = self._shared
        if shared.options.rps:
            shared.wait_for_turn()
        started = monotonic_ns()
        deadline = started + prepared.timeout_ns
        connection, is_new = self._take(prepared.origin), False
        while True:
            if connection is None:
                is_new = True
                try:
                    connection = self._open(prepared, deadline)
                except FailureError as error:
                    return self._failed(prepared, None, error.failure, started, monotonic_ns())
            acquired = monotonic_ns()
            try:
                connection.exchange(
                    prepared.wire
                    if self._jar is None and not prepared.cookies and prepared.jar is None
                    else self.wire(prepared),
                    prepared.body_stream,
                    deadline,
                    is_head_request=prepared.is_head,
                    discard=prepared.discard,
                    max_body=shared.max_body,
                )
            except Exception as error:  # noqa: BLE001  # every failure becomes a value
                if not is_new and self._may_retry(prepared, connection, error):
                    connection = None
                    continue
                failure = failure_from(error, "read")
                return self._failed(prepared, connection, failure, started, acquired)
            except BaseException:
                self._count_interrupted(connection)
                raise
            return self._succeeded(prepared, connection, started, acquired, is_new)

    def _take(self, origin: Origin) -> Connection | None:
        """An idle connection to ``origin`` that is alive, the one used last first."""
        idle = self._idle.get(origin)
        while idle:
            connection = idle.pop()
            if not connection.is_dead:
                return connection
            connection.close()
        return None

    def wire(self, prepared: PreparedRequest) -> bytes:
        """The request's bytes with the cookies that go with it now."""
        jar = prepared.jar if prepared.jar is not None else self._jar
        url = prepared.url
        kept = jar.header_for(url.scheme, url.host, url.path) if jar is not None else None
        cookies = "; ".join(text for text in (kept, prepared.cookies) if text)
        return prepared.with_cookies(cookies) if cookies else prepared.wire

    def _may_retry(self, prepared: PreparedRequest, connection: Connection, error: Exception) -> bool:
        """Whether the server had just closed a kept connection: then the request is sent on a new one."""
        return (
            connection.first_byte_ns == 0
            and prepared.body_stream is None
            and prepared.method in IDEMPOTENT
            and not isinstance(error, TimeoutError)
        )

    def _open(self, prepared: PreparedRequest, deadline_ns: int) -> Connection:
        """A new connection; raises ``FailureError`` when no address of the host takes it."""
        shared = self._shared
        scheme, host, port = prepared.origin
        phase: Phase = "resolve"
        failure: Failure | None = None
        connection: Connection | None = None
        dial_deadline = min(deadline_ns, monotonic_ns() + DIAL_TIMEOUT_NS)
        try:
            addresses = shared.resolver.resolve(host, port)
        except Exception as error:
            raise FailureError(failure_from(error, phase)) from error
        for address in addresses:
            connection = None
            try:
                phase = "connect"
                connection = shared.connect(address, self._source)
                connection.connect(dial_deadline)
                if scheme == "https":
                    phase = "tls"
                    connection.start_tls(shared.tls.context_for(host), host, deadline_ns)
            except Exception as error:  # noqa: BLE001
                if connection is not None:
                    connection.close()
                failure = failure_from(error, phase)
                if phase == "tls" or isinstance(error, TimeoutError):
                    break
            except BaseException:
                if connection is not None:
                    connection.close()
                raise
            else:
                return connection
        raise FailureError(failure or Failure(1101, "lookup: no such host"))

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
            first = max(first, sent)
            last = max(last, sent)
        flags = JUDGED | STAMPED if connection.stamped else JUDGED
        if connection.window_limited:
            flags |= WINDOW_LIMITED
        connecting = tls = 0
        if is_new:
            flags |= NEW_CONNECTION
            connecting, tls = connection.connecting_ns, connection.tls_ns
        expected = failure is None and prepared.expected(status)
        if not expected:
            flags |= FAILED
        context = self._vu.tags
        template = prepared.template
        number = template.numbers.get(context.number << 11 | status << 1 | expected)
        if number is None or failure is not None:
            number = self._number(prepared, context, status, connection, failure, expected)
        shared.recorder.http(
            number,
            connection.arrived_ns,
            acquired - started,
            connecting,
            tls,
            sent - acquired,
            first - sent,
            last - first,
            connection.sent_bytes,
            connection.received_bytes,
            connection.arrived_ns - last,
            flags,
        )
        connection.sent_bytes = connection.received_bytes = 0
        if not connection.is_dead:
            idle = self._idle.get(prepared.origin)
            if idle is None:
                self._idle[prepared.origin] = [connection]
            else:
                idle.append(connection)
        phases = (acquired - started, connecting, tls, sent - acquired, first - sent, last - first)
        response = Response(status, prepared, head, content, phases, connection)
        if flags & FAILED or status >= 400 or head.has_cookies or shared.observers:  # type: ignore[union-attr]  # noqa: PLR2004
            self._take_notice(prepared, head, response, failure)  # type: ignore[arg-type]
        return response

    def _take_notice(
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
            values = [value.decode("latin-1") for value in head.values(b"set-cookie")]
            jar.store(url.scheme, url.host, url.path, values)
        for observer in shared.observers:
            observer(response)

    def _number(
        self,
        prepared: PreparedRequest,
        context: "TagSet",
        status: int,
        connection: Connection | None,
        failure: Failure | None,
        expected: bool,
    ) -> int:
        """The number of the exchange's tag set, remembered where it is of a kind that comes again."""
        facts: dict[str, str] = {}
        if connection is not None:
            head = connection.parser.head
            facts["proto"] = f"HTTP/{head.http_version}" if head is not None else ""
            facts["tls_version"] = connection.tls_version
            facts["ip"] = connection.address.ip
        if failure is not None:
            facts["error"], facts["error_code"] = failure.message, str(failure.code)
        elif status >= 400:  # noqa: PLR2004
            facts["error_code"] = str(status_code(status))
        number = prepared.template.number(context, status, expected=expected, facts=facts)
        if failure is None:
            prepared.template.numbers[context.number << 11 | status << 1 | expected] = number
        return number

    # Failures

    def _failed(
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
        flags = JUDGED | FAILED | ERROR | STAMPED
        if connection is not None:
            connection.close()
            sent_bytes, received_bytes = connection.sent_bytes, connection.received_bytes
            if connection.exchanges == 1:
                connecting, tls = connection.connecting_ns, connection.tls_ns
                flags |= NEW_CONNECTION
            sent = max(connection.sent_ns, acquired)
            first = max(connection.first_byte_ns, sent) if connection.first_byte_ns else now
            sending, waiting, receiving = sent - acquired, first - sent, now - first
        context = self._vu.tags
        number = self._number(prepared, context, 0, connection, failure, expected=False)
        phases = (acquired - started, connecting, tls, sending, waiting, receiving)
        shared.recorder.http(number, now, *phases, sent_bytes, received_bytes, 0, flags)
        shared.note_failure(failure, prepared.method, prepared.template.name, prepared.text)
        response = Response(0, prepared, None, b"", phases, connection)
        response.error, response.error_code = failure.message, failure.code
        for observer in shared.observers:
            observer(response)
        return response

    def _refused(self, method: str, url: str, failure: Failure) -> Response:
        """A request that could not even be made; as in k6 it emits no samples but is logged and counted."""
        shared = self._shared
        shared.note_failure(failure, method, "", url)
        response = Response(0, Request(method, url, {}, b""), None, b"", NO_PHASES, None)
        response.error, response.error_code = failure.message, failure.code
        if shared.options.throw:
            raise RequestError(f"{method} {url}: {failure.message}", response)
        return response

    def _count_interrupted(self, connection: Connection) -> None:
        """An interrupted exchange emits nothing but the bytes it has moved (k6)."""
        shared, tags = self._shared, self._vu.tags
        now = monotonic_ns()
        for metric, size in (
            ("data_sent", connection.sent_bytes),
            ("data_received", connection.received_bytes),
        ):
            if size:
                shared.recorder.sample(shared.registry.series(metric, tags), now, size)

    # Redirects and batches

    def _follow(self, prepared: PreparedRequest, response: Response) -> Response:
        """Follow redirects as Go's client does: 301 to 303 become GET without body, 307 and 308 keep both."""
        shared = self._shared
        history: list[Response] = []
        left = prepared.max_redirects
        while response.status_code in REDIRECTS:
            location = response.headers.get("location")
            if not location or left == 0:
                break
            left -= 1
            keep = response.status_code in (307, 308)
            method = prepared.method
            if not keep and method not in ("GET", "HEAD"):
                method = "GET"
            try:
                url = shared.urls[join(prepared.url, location)]
            except FailureError as error:
                history.append(response)
                response = self._failed(prepared, None, error.failure, monotonic_ns(), monotonic_ns())
                break
            following = shared.factory.redirected(prepared, url, method, keep_body=keep)
            if following is None:
                break
            history.append(response)
            prepared = following
            response = self._send(prepared)
        response.history = tuple(history)
        return response

    def batch(self, requests: Sequence["BatchItem"]) -> list[Response]:
        """Send several requests at once within ``batch`` and ``batch_per_host``; responses in their order."""
        from swell.net.batch import send_batch  # noqa: PLC0415  # imports gevent's pool, rarely needed

        return send_batch(self, requests, self._shared.options)


def _decoded(content: bytes, encoding: bytes, limit: int) -> tuple[bytes, Failure | None]:
    from swell.net.decode import decode  # noqa: PLC0415  # two more libraries, for servers that compress

    decoded = decode(content, encoding, limit)
    return (b"", decoded) if isinstance(decoded, Failure) else (decoded, None)


BatchItem = str | tuple[str, str] | tuple[str, str, RequestOptions]
