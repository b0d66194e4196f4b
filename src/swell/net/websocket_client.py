"""Opens WebSockets: the dial of the VU's HTTP client, the upgrade, its measures, and how it can fail.

Proxies, DNS, ``hosts``, client certificates, cookies and header rules are the HTTP client's, because the
handshake is a request like any other until the answer comes.
"""

import logging
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final, TypedDict, TypeVar, Unpack, cast

from websockets.client import ClientProtocol
from websockets.extensions.permessage_deflate import ClientPerMessageDeflateFactory
from websockets.http11 import Response as Answer
from websockets.protocol import State
from websockets.uri import WebSocketURI

from swell.base.units import parse_duration_ns
from swell.metrics.snapshot import WEBSOCKET
from swell.net.failure import INVALID_URL, TIMED_OUT, Failure, FailureError, failure_from
from swell.net.http1 import ResponseHead
from swell.net.response import Request, RequestError, Response
from swell.net.stream import Stream
from swell.net.url import clean
from swell.net.waiter import Waiter
from swell.net.websocket import WebSocket
from swell.net.websocket_failure import handshake_failure
from swell.net.websocket_frames import Frames
from swell.net.websocket_meter import NATIVE, Accounting, SessionFacts, SessionMeter, session_tags
from swell.net.websocket_session import DEFAULT_SEND_TIMEOUT_NS

if TYPE_CHECKING:
    from swell.metrics.tags import TagSet
    from swell.net.client import HTTPClient
    from swell.net.cookies import CookieJar
    from swell.net.prepared import PreparedRequest
    from swell.net.requestoptions import RequestOptions
    from swell.net.transport import Connection

# The protocol would log each failure; ours are counted, and a script's logging settings are not for them.
_SILENT: Final = logging.Logger("swell.websocket", level=logging.CRITICAL + 1)
# The protocol keeps the address and never looks at it: we have connected already.
_NOWHERE: Final = WebSocketURI(False, "", 0, "/", "", None, None)
HEAD_END: Final = b"\r\n\r\n"
_SCHEMES: Final = {"ws": "http", "wss": "https"}
# What the handshake itself says.
_OWN_HEADERS: Final = frozenset(
    {
        "connection",
        "upgrade",
        "sec-websocket-key",
        "sec-websocket-version",
        "sec-websocket-accept",
        "sec-websocket-extensions",
    }
)
_DEFLATE: Final = {
    True: ClientPerMessageDeflateFactory(client_max_window_bits=True),
    False: ClientPerMessageDeflateFactory(
        server_no_context_takeover=True, client_no_context_takeover=True, client_max_window_bits=None
    ),
}
_COMPRESSIONS: Final = (None, "", "deflate")

Duration = float | str
Kind = TypeVar("Kind", bound=WebSocket)


class WebSocketOptions(TypedDict, total=False):
    """What ``connect`` may be given besides the URL; those of a request mean what they mean there."""

    subprotocols: Sequence[str]
    headers: Mapping[str, str] | None
    cookies: Mapping[str, str] | None
    params: Any
    auth: Any
    jar: "CookieJar | None"
    name: str | None
    tags: Mapping[str, str] | None
    # For the whole opening: DNS, connect, TLS and the upgrade.
    timeout: Duration | None
    compression: str | None
    max_size: int | None
    send_timeout: Duration | None
    keepalive: Duration | None
    # Whether the compressor may remember earlier messages; k6 asks both sides to forget them.
    context_takeover: bool
    accounting: Accounting
    # The VU's tags where the opening was asked for, if that was before.
    context: "TagSet"


_OWN_OPTIONS: Final = frozenset(WebSocketOptions.__annotations__)
_REQUEST_OPTIONS: Final = frozenset(
    {"headers", "cookies", "params", "auth", "jar", "name", "tags", "timeout"}
)


def connect(client: "HTTPClient", url: str, kind: type[Kind], **options: Unpack[WebSocketOptions]) -> Kind:
    """Open a WebSocket for the client's VU and give it, open or failed: ``kind`` is its class.

    Raises ``TypeError`` or ``ValueError`` for options that make no sense, and ``RequestError`` for a failed
    connection where the option ``throw`` is on.
    """
    _check(options)
    sock = kind(url)
    opening = _Opening(client, url, options)
    failure = opening.run(sock)
    if failure is not None:
        sock.refused(failure)
    shared = client.shared
    if sock.response is not None:
        for observer in shared.observers:
            observer(sock.response)
    if failure is not None and shared.options.throw:
        raise RequestError(f"WebSocket {url}: {failure.message}", cast("Response", sock.response))
    return sock


def _check(options: WebSocketOptions) -> None:
    unknown = options.keys() - _OWN_OPTIONS
    if unknown:
        name = min(unknown)
        close = get_close_matches(name, _OWN_OPTIONS, n=1)
        raise TypeError(
            f"a WebSocket has no option {name!r}" + (f"; did you mean {close[0]!r}?" if close else "")
        )
    compression = options.get("compression")
    if compression not in _COMPRESSIONS:
        raise ValueError(f"compression must be 'deflate' or None, not {compression!r}")
    for name in options.get("headers") or ():
        if name.lower() in _OWN_HEADERS:
            raise ValueError(f"the header {name} is the handshake's own and cannot be given")
    size = options.get("max_size")
    if size is not None and size < 1:
        raise ValueError(f"max_size must be positive, not {size!r}")


def duration_ns(value: Duration | None, name: str, default_ns: int) -> int:
    """Seconds, or text with a unit, as nanoseconds. Raises ``ValueError`` unless it is positive."""
    if value is None:
        return default_ns
    result = parse_duration_ns(value) if isinstance(value, str) else int(value * 1_000_000_000)
    if result <= 0:
        raise ValueError(f"{name} must be positive, not {value!r}")
    return result


class _Opening(Waiter):
    """One attempt to open a WebSocket."""

    __slots__ = (
        "_answered_ns",
        "_client",
        "_context",
        "_error",
        "_options",
        "_protocol",
        "_rest",
        "_started_ns",
        "_tail",
        "_url",
    )

    def __init__(self, client: "HTTPClient", url: str, options: WebSocketOptions) -> None:
        super().__init__()
        self._client = client
        self._url = url
        self._options = options
        self._context = options.get("context", client.context_tags)
        self._started_ns = monotonic_ns()
        self._answered_ns = 0
        self._error: BaseException | None = None
        self._protocol: ClientProtocol | None = None
        # The last bytes of the answer's head so far, and the frames that came in one piece with its end.
        self._tail = self._rest = b""

    def __repr__(self) -> str:
        return f"<opening {self._url}>"

    @property
    def _max_size(self) -> int:
        return self._options.get("max_size") or self._client.shared.max_body

    @property
    def _is_k6(self) -> bool:
        return self._options.get("accounting", NATIVE).is_k6

    def run(self, sock: WebSocket) -> Failure | None:
        """Dial, shake hands, and hand everything over to ``sock``; the failure where that went wrong."""
        client = self._client
        keepalive = self._options.get("keepalive")
        keepalive_ns = duration_ns(keepalive, "keepalive", 0)
        send_timeout = self._options.get("send_timeout")
        sock.send_timeout_ns = duration_ns(send_timeout, "send_timeout", DEFAULT_SEND_TIMEOUT_NS)
        protocol = self._new_protocol()
        try:
            prepared = self._prepare(protocol)
        except FailureError as error:
            # As for a request that cannot even be made: no samples, but counted (k6).
            shared = client.shared
            note = shared.count_failure if self._is_k6 else shared.note_failure
            note(error.failure, WEBSOCKET, "", self._url)
            sock.response = self._response(None, None, None, 0, error.failure)
            return error.failure
        deadline = self._started_ns + prepared.timeout_ns
        sock.url = self._shown(prepared.text)
        try:
            connection = client.dial(prepared, deadline)
        except FailureError as error:
            return self._fail(sock, prepared, None, error.failure)
        stream: Stream | None = None
        try:
            stream = Stream(connection, self._received, self._ended)
            failure = self._shake_hands(stream, prepared, deadline)
            if failure is not None:
                stream.close()
                connection.sent_bytes, connection.received_bytes = stream.sent_bytes, stream.received_bytes
                return self._fail(sock, prepared, connection, failure)
            self._hand_over(sock, stream, prepared, connection)
        except BaseException:
            if stream is not None:
                stream.close()
            connection.close()
            raise
        finally:
            self._stop_timer()
        if keepalive_ns and sock.is_open:
            sock.keep_alive(keepalive_ns)
        return None

    # The request

    def _new_protocol(self) -> ClientProtocol:
        options = self._options
        protocols = list(options.get("subprotocols") or ())
        if isinstance(options.get("subprotocols"), str):
            raise TypeError("subprotocols is a list of names, not a text")
        for name, value in (options.get("headers") or {}).items():
            # The way of k6's scripts.
            if name.lower() == "sec-websocket-protocol":
                protocols += [part.strip() for part in str(value).split(",")]
        deflate = options.get("compression") == "deflate"
        protocol = ClientProtocol(
            _NOWHERE,
            extensions=[_DEFLATE[self._options.get("context_takeover", True)]] if deflate else None,
            subprotocols=protocols or None,  # type: ignore[arg-type]  # a NewType of str
            logger=_SILENT,
        )
        self._protocol = protocol
        return protocol

    def _prepare(self, protocol: ClientProtocol) -> "PreparedRequest":
        scheme, separator, rest = self._url.partition("://")
        known = _SCHEMES.get(scheme.lower())
        if known is None or not separator:
            text = f"invalid URL {self._url!r}: it must begin with ws:// or wss://"
            raise FailureError(Failure(INVALID_URL, text))
        headers = {
            name: value
            for name, value in (self._options.get("headers") or {}).items()
            if name.lower() != "sec-websocket-protocol"
        }
        handshake = protocol.connect().headers
        headers |= {name: value for name, value in handshake.raw_items() if name != "Host"}
        options: dict[str, Any] = {
            name: value for name, value in self._options.items() if name in _REQUEST_OPTIONS
        }
        options["headers"] = headers
        factory = self._client.shared.factory
        return factory.prepare("GET", f"{known}://{rest}", cast("RequestOptions", options))

    def _shake_hands(self, stream: Stream, prepared: "PreparedRequest", deadline_ns: int) -> Failure | None:
        if self._is_k6 and any(name.lower() == "cookie" for name in self._options.get("headers") or ()):
            # The script's own cookies are the only ones (k6).
            stream.write(prepared.wire)
        else:
            stream.write(self._client.wire(prepared))
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # made in run
        while protocol.state is State.CONNECTING and protocol.handshake_exc is None and self._error is None:
            if not self._wait(deadline_ns):
                return TIMED_OUT
        if protocol.handshake_exc is not None:
            return handshake_failure(protocol.handshake_exc)
        if self._error is not None:
            return failure_from(self._error, "read")
        return None

    def _received(self, data: bytes, stamp_ns: int, _arrived_ns: int) -> Any:
        """What arrives until the answer is whole, and with it; in the hub."""
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # made in run
        if protocol.eof_sent:
            return None
        self._answered_ns = stamp_ns
        if protocol.state is not State.CONNECTING:
            self._rest += data
            return None
        seen = self._tail + data
        end = seen.find(HEAD_END)
        head = len(data) if end < 0 else end + len(HEAD_END) - len(self._tail)
        self._tail = seen[1 - len(HEAD_END) :]
        protocol.receive_data(data[:head])
        if protocol.state is State.CONNECTING and head < len(data):
            # No 101: this is the answer's body.
            protocol.receive_data(data[head:])
        else:
            self._rest = data[head:]
        if protocol.state is State.CONNECTING and protocol.handshake_exc is None:
            return None
        return self._wake

    def _ended(self, error: BaseException | None) -> None:
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # made in run
        if error is None and protocol.state is State.CONNECTING:
            # The answer's body may end with the stream; else this is a failed handshake.
            protocol.receive_eof()
        self._error = error or EOFError()
        self._wake_later()

    # What comes of it

    def _hand_over(
        self, sock: WebSocket, stream: Stream, prepared: "PreparedRequest", connection: "Connection"
    ) -> None:
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # made in run
        answer = cast("Answer", protocol.events_received()[0])
        # Its generator and it hold each other.
        protocol.parser.close()
        sock.response = self._response(prepared, connection, answer, self._answered_ns)
        if "set-cookie" in answer.headers:
            self._store_cookies(prepared, answer)
        meter = self._meter(sock, prepared, connection)
        meter.connected(self._answered_ns, None)
        sock.subprotocol = protocol.subprotocol or ""
        frames = Frames(self._max_size, protocol.extensions)
        sock.opened(frames, stream, meter, self._rest, self._answered_ns)
        if self._error is not None:
            # The end came together with the answer.
            sock.lost(None if isinstance(self._error, EOFError) else self._error)

    def _fail(
        self, sock: WebSocket, prepared: "PreparedRequest", connection: "Connection | None", failure: Failure
    ) -> Failure:
        protocol = self._protocol
        assert protocol is not None  # noqa: S101  # made in run
        answer = next((event for event in protocol.events_received() if isinstance(event, Answer)), None)
        now = self._answered_ns if answer is not None else monotonic_ns()
        sock.response = self._response(prepared, connection, answer, now, failure)
        if answer is not None and "set-cookie" in answer.headers:
            self._store_cookies(prepared, answer)
        meter = self._meter(sock, prepared, connection, failure)
        meter.connected(now, failure)
        if connection is not None:
            meter.moved_in_vain(connection.sent_bytes, connection.received_bytes, now)
        return failure

    def _response(
        self,
        prepared: "PreparedRequest | None",
        connection: "Connection | None",
        answer: Answer | None,
        ended_ns: int,
        failure: Failure | None = None,
    ) -> Response:
        """The handshake's answer, as a response like any other."""
        head: ResponseHead | None = None
        if answer is not None:
            lines = answer.headers.serialize().removesuffix(b"\r\n")
            head = ResponseHead("1.1", answer.status_code, answer.reason_phrase, lines)
            head.has_cookies = "set-cookie" in answer.headers
        headers = prepared.headers if prepared is not None else {}
        url = self._shown(prepared.text) if prepared is not None else self._url
        request = Request("GET", url, headers, b"")
        connecting = connection.connecting_ns if connection is not None else 0
        tls = connection.tls_ns if connection is not None else 0
        waiting = max(0, ended_ns - self._started_ns - connecting - tls) if ended_ns else 0
        status = answer.status_code if answer is not None else 0
        content = bytes(answer.body) if answer is not None else b""
        phases = (connecting + tls, connecting, tls, 0, waiting, 0)
        response = Response(status, request, head, content, phases, connection)
        if failure is not None:
            response.error_code = failure.code
            # Another status than 101 speaks for itself.
            response.error = failure.message if status in (0, 101) else ""
        return response

    def _store_cookies(self, prepared: "PreparedRequest", answer: Answer) -> None:
        url = prepared.url
        jar = prepared.jar if prepared.jar is not None else self._client.jar
        jar.store(url.scheme, url.host, url.path, answer.headers.get_all("set-cookie"))

    def _meter(
        self,
        sock: WebSocket,
        prepared: "PreparedRequest",
        connection: "Connection | None",
        failure: Failure | None = None,
    ) -> SessionMeter:
        shared = self._client.shared
        template = prepared.template
        response = sock.response
        protocol = self._protocol
        accounting = self._options.get("accounting", NATIVE)
        facts = SessionFacts(
            # k6 shows a WebSocket's URL as the script has written it.
            url=clean(self._url) if accounting.is_k6 else self._shown(template.name),
            name=template.name if template.is_named else "",
            status=response.status_code if response is not None else 0,
            subprotocol=(protocol.subprotocol or "") if protocol is not None else "",
            ip=connection.address.ip if connection is not None else "",
            tls_version=connection.tls_version if connection is not None else "",
        )
        system = frozenset(shared.options.system_tags)
        tags = session_tags(
            shared.registry, self._context, system, facts, dict(template.extra), accounting, failure
        )
        return SessionMeter(
            shared.recorder,
            shared.registry,
            tags,
            self._started_ns,
            failures=shared,
            name=facts.name or facts.url,
            url=sock.url,
            accounting=accounting,
            context=self._context,
        )

    @staticmethod
    def _shown(text: str) -> str:
        """An http(s) URL with the WebSocket's scheme."""
        return "ws" + text.removeprefix("http")
