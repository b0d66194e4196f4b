"""The Python half of ``k6/ws`` and ``k6/websockets``, on the engine's WebSocket client."""

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import gevent
import msgspec

from swell.base.clock import NS_PER_MS, monotonic_ns
from swell.engine.vu import current_vu
from swell.net.failure import INVALID_URL
from swell.net.response import RequestError
from swell.net.url import parse
from swell.net.websocket import WebSocket
from swell.net.websocket_client import WebSocketOptions, connect
from swell.net.websocket_failure import CLOSED_BY_PEER, CUT_OFF
from swell.net.websocket_meter import K6_WEBSOCKETS, K6_WS, Accounting
from swell.net.websocket_session import ERROR, MESSAGE, PING, PONG, Event
from swell.scripts.k6.hosts.http import Client, tag_text
from swell.scripts.k6.httpdetail import canonical
from swell.scripts.k6.httpfailure import whole_text
from swell.scripts.k6.values import HostError, HostFunction, raw

if TYPE_CHECKING:
    from swell.net.response import Response
    from swell.scripts.k6.loop import Operation
    from swell.scripts.k6.vuhost import VUHost

# What ``wait`` and ``take`` give beside messages; the JavaScript side knows these numbers.
NOTHING, PINGED, PONGED, ENDED = 0, 1, 2, 3
# k6 shows this much of the answer to a failed upgrade.
MAX_BODY: Final = 1024
# How k6's client names close codes in its errors.
CODE_NAMES: Final = {
    1002: "protocol error",
    1003: "unsupported data",
    1005: "no status",
    1006: "abnormal closure",
    1007: "invalid payload data",
    1008: "policy violation",
    1009: "message too big",
    1010: "mandatory extension missing",
    1011: "internal server error",
}

NORMAL, GOING_AWAY, ABNORMAL = 1000, 1001, 1006
# A peer that closes with these has said goodbye; any other code is an error, no code at all too.
GOODBYES: Final = frozenset({NORMAL, GOING_AWAY})
# Close codes that may be sent (RFC 6455, 7.4).
SENDABLE: Final = frozenset({1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014})
APPLICATION_CODES: Final = range(3000, 5000)
DEPRECATED: Final = (
    "k6/experimental/websockets is deprecated and will be removed in a future release. "
    "Please use k6/websockets instead."
)


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``ws.js`` and ``websockets.js`` need."""
    sockets = Sockets(vu)
    return {
        "connect": sockets.connect,
        "start": sockets.start,
        "checkAddress": check_address,
        "wait": raw(sockets.wait),
        "take": raw(sockets.take),
        "ended": sockets.ended,
        "stamp": raw(sockets.stamp),
        "send": raw(sockets.send),
        "ping": sockets.ping,
        "close": sockets.close,
        "leave": sockets.leave,
        "drop": sockets.drop,
        "buffered": sockets.buffered,
        "now": raw(lambda: monotonic_ns() / NS_PER_MS),
        "warn": lambda message: vu.log("warning", message),
        "deprecated": sockets.deprecated,
    }


class ScriptSocket(WebSocket):
    """A session whose events go to a script."""

    __slots__ = ("cut_code", "is_told", "operation")

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.wanted = frozenset({PING, PONG})
        self.operation: Operation | None = None
        # Whether the event loop knows that there are events.
        self.is_told = False
        # What the peer is told where the iteration ends without the script's closing.
        self.cut_code = GOING_AWAY

    def tell(self) -> None:
        """There are events to take; called in the hub."""
        if not self.is_told and self._events and self.operation is not None:
            self.is_told = True
            self.operation.emit()

    @property
    def has_events(self) -> bool:
        """Whether there is something to take."""
        return bool(self._events)

    @property
    def was_refused(self) -> bool:
        """Whether there never was a session."""
        return self.response is None or bool(self.response.error_code)


class Sockets:
    """The WebSockets of one VU, by the numbers of their operations."""

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu
        self._runtime = vu.context.runtime
        self._sockets: dict[int, ScriptSocket] = {}
        # The last event that was taken, and the error that came before it.
        self._event: Event | None = None
        self._error: Event | None = None

    # Opening

    def connect(self, url: str, params: str) -> str:
        """Open a socket for ``k6/ws`` and wait for it; JSON: number (0 where it failed) and response."""
        vu = self._vu
        self._forbid_init()
        options = self._options(params, K6_WS)
        try:
            sock = connect(vu.client, url, ScriptSocket, **options)
        except RequestError as error:
            self._count_refused(url, options, error.response)
            raise HostError(handshake_error(error.response)) from None
        except ValueError as error:
            return _encode({"number": 0, "response": {**_NO_RESPONSE, "error": str(error)}})
        if sock.was_refused:
            self._count_refused(url, options, sock.response)
            return _encode({"number": 0, "response": refused_response(sock.response)})
        operation = vu.loop.begin(lambda: self._cut(operation.id))
        sock.operation = operation
        self._sockets[operation.id] = sock
        return _encode({"number": operation.id, "response": _response(sock.response, url)})

    def start(self, url: str, params: str, protocols: str) -> int:
        """Open a socket for ``k6/websockets``; the id of its operation, whose first event tells how it went.

        That is JSON: protocol and extensions, or error. Later events say that ``take`` has something.
        """
        vu = self._vu
        self._forbid_init()
        options = self._options(params, K6_WEBSOCKETS)
        # The VU may have left its group when the greenlet runs.
        options["context"] = vu.client.context_tags
        options["subprotocols"] = [name.strip() for name in msgspec.json.decode(protocols)]
        engine_vu = vu.engine_vu

        def work() -> None:
            current_vu.set(engine_vu)
            told = self._opened(operation, url, options)
            if operation.is_over:
                # The iteration ended in the same turn of the hub: nobody would close it.
                self._cut(operation.id)
                return
            operation.emit(told)
            sock = self._sockets.get(operation.id)
            if sock is not None:
                sock.on_event = sock.tell
                sock.tell()

        def cancel() -> None:
            self._cut(operation.id)
            greenlet.kill(block=False)

        operation = vu.loop.begin(cancel)
        greenlet = gevent.spawn(work)
        return operation.id

    def _opened(self, operation: "Operation", url: str, options: WebSocketOptions) -> str:
        try:
            sock = connect(self._vu.client, url, ScriptSocket, **options)
        except RequestError as error:
            return _encode({"error": handshake_error(error.response)})
        except (ValueError, TypeError) as error:
            return _encode({"error": str(error)})
        if sock.was_refused:
            return _encode({"error": handshake_error(sock.response)})
        sock.operation = operation
        sock.cut_code = NORMAL
        self._sockets[operation.id] = sock
        extensions = [name.strip() for name in sock.extensions.split(",") if name]
        return _encode({"protocol": sock.subprotocol, "extensions": extensions})

    def _forbid_init(self) -> None:
        if self._vu.phase == "init":
            raise HostError("using websockets in the init context is not supported")

    def _options(self, params: str, accounting: Accounting) -> WebSocketOptions:
        given = msgspec.json.decode(params)
        options: WebSocketOptions = {"accounting": accounting, "context_takeover": False}
        if given.get("headers"):
            options["headers"] = {canonical(name): value for name, value in given["headers"].items()}
        if given.get("compression"):
            options["compression"] = given["compression"]
        if given.get("tags"):
            try:
                options["tags"] = {name: tag_text(name, value) for name, value in given["tags"].items()}
            except TypeError as error:
                raise HostError(f"invalid tags of a WebSocket: {error}") from None
        http: Client | None = self._vu.state.get("http")
        if given.get("jar") and http is not None:
            options["jar"] = http.jars.jar(given["jar"])
        return options

    def _count_refused(self, url: str, options: WebSocketOptions, response: "Response | None") -> None:
        """Sample an attempt that failed as its URL is none: k6 counts it like any other."""
        if response is None or response.error_code != INVALID_URL:
            return
        vu = self._vu
        runtime = vu.runtime
        known = {"url": url} if "url" in runtime.options.system_tags else {}
        tags = vu.worker.extend(vu.client.context_tags, {**(options.get("tags") or {}), **known})
        now_ns = runtime.clock.now_ns()
        for metric, value in (("ws_sessions", 1.0), ("ws_connecting", 0.0), ("ws_session_duration", 0.0)):
            runtime.recorder.sample(runtime.registry.series(metric, tags), now_ns, value)

    # Taking

    def wait(self, number: int, wait_ms: float) -> Any:
        """The next event of a socket, waiting ``wait_ms`` at most; below zero without end."""
        try:
            sock = self._sockets[number]
            inside = self._runtime.leave()
            try:
                event = sock.next_event(None if wait_ms < 0 else int(wait_ms * NS_PER_MS))
            finally:
                self._runtime.back(inside)
            return NOTHING if event is None else self._tell(sock, event)
        except BaseException as error:  # noqa: BLE001  # a raw function must not raise
            return self._vu.context.throw(error)

    def take(self, number: int) -> Any:
        """The next event of a socket that has told that there is one."""
        try:
            sock = self._sockets.get(number)
            # What has been there since it told: nothing is waited for.
            event = sock.next_event(0) if sock is not None and sock.has_events else None
            if sock is None or event is None:
                return NOTHING
            told = self._tell(sock, event)
            # Others have their turn between two events of one socket.
            sock.is_told = False
            sock.tell()
        except BaseException as error:  # noqa: BLE001
            return self._vu.context.throw(error)
        return told

    def _tell(self, sock: ScriptSocket, event: Event) -> Any:
        self._event, self._error = event, None
        if event.kind == MESSAGE:
            sock.received_ns = event.at_ns
            data = event.data
            return data if isinstance(data, str) else self._vu.context.buffer(data)
        if event.kind == ERROR:
            # The close comes with it.
            self._event, self._error = (sock.next_event(0) if sock.has_events else None) or event, event
            return ENDED
        return PINGED if event.kind == PING else PONGED if event.kind == PONG else ENDED

    def stamp(self) -> float:
        """When the last event came in: milliseconds of the wall clock, by the kernel's receive stamp."""
        at_ns = self._event.at_ns if self._event is not None else monotonic_ns()
        return (time.time_ns() - monotonic_ns() + at_ns) / NS_PER_MS

    def ended(self) -> str:
        """How the session of the last event ended, as JSON: error, code and text where they are known."""
        assert self._event is not None  # noqa: S101  # this was the last event taken
        return _encode(end_of(self._event, self._error))

    # Sending

    def send(self, number: int, data: Any) -> Any:
        """Send a message; False where the connection is over. Unusual text and bytes come as objects."""
        try:
            sock = self._sockets.get(number)
            inside = self._runtime.leave()
            try:
                if type(data) is not str:
                    data = self._vu.context.from_js(data)
                return sock is not None and sock.send(data)
            finally:
                self._runtime.back(inside)
        except BaseException as error:  # noqa: BLE001
            return self._vu.context.throw(error)

    def ping(self, number: int) -> bool:
        """Send a ping; False where the connection is over."""
        sock = self._sockets.get(int(number))
        if sock is None or not sock.is_open:
            return False
        sock.send_ping()
        return True

    def buffered(self, number: int) -> int:
        """Bytes that the socket has not taken yet."""
        sock = self._sockets.get(int(number))
        return sock.buffered_amount if sock is not None else 0

    # Ending

    def close(self, number: int, code: int, reason: str) -> None:
        """Send a close frame; the end is an event."""
        sock = self._sockets.get(int(number))
        if sock is not None:
            sock.start_close(int(code), reason)

    def leave(self, number: int, code: float) -> None:
        """The session is over for the script, at once."""
        sock = self._forget(number)
        if sock is not None:
            sock.leave(int(code) if code in SENDABLE or code in APPLICATION_CODES else None)

    def drop(self, number: int) -> None:
        """Forget a socket, and cut it where it is not over."""
        sock = self._forget(number)
        if sock is not None:
            sock.abandon()
        else:
            self._vu.loop.cancel(int(number))

    def _forget(self, number: float) -> ScriptSocket | None:
        sock = self._sockets.pop(int(number), None)
        if sock is not None and sock.operation is not None:
            sock.operation.close()
            sock.on_event = None
        return sock

    def _cut(self, number: int) -> None:
        """The iteration ends without the socket's end."""
        sock = self._sockets.pop(number, None)
        if sock is not None:
            sock.on_event = None
            sock.abandon(sock.cut_code)

    def deprecated(self) -> None:
        """Warn of the module's old name, once per worker."""
        kept = self._vu.shared.kept
        if "k6/experimental/websockets" not in kept:
            kept["k6/experimental/websockets"] = True
            self._vu.log("warning", DEPRECATED)


def check_address(url: str) -> None:
    """Raise ``HostError`` for what the constructor of a WebSocket refuses."""
    scheme, separator, rest = url.partition("://")
    if not separator or scheme.lower() not in {"ws", "wss"}:
        shown = scheme if separator else ""
        raise HostError(f'WebSocket requires url with scheme ws or wss, but got "{shown}"')
    _, has_fragment, fragment = rest.partition("#")
    if has_fragment:
        raise HostError(f'WebSocket requires no url fragment, but got "{fragment}"')
    try:
        parse(f"http://{rest}")
    except ValueError as error:
        raise HostError(f'WebSocket requires valid url, but got "{url}": {error}') from None


def close_error(code: int, text: str) -> str:
    """The error that a close frame with this code is to k6."""
    name = f" ({CODE_NAMES[code]})" if code in CODE_NAMES else ""
    return f"websocket: close {code}{name}" + (f": {text}" if text else "")


def end_of(event: Event, error: Event | None) -> dict[str, Any]:
    """Error, code and text of an end; no code where k6 knows none.

    An answer to the script's own close frame is judged like any other, by its code.
    """
    code, text = event.code, str(event.data)
    if error is not None and error.code not in {CLOSED_BY_PEER, CUT_OFF}:
        return {"error": str(error.data), "code": None, "text": ""}
    if code == ABNORMAL:
        text = "unexpected EOF"
    return {"error": "" if code in GOODBYES else close_error(code, text), "code": code, "text": text}


# Responses

_NO_RESPONSE: Final[dict[str, Any]] = {"url": "", "status": 0, "headers": {}, "body": "", "error": ""}


def handshake_error(response: "Response | None") -> str:
    """Why there is no session, in k6's words."""
    if response is None or response.status_code:
        return "websocket: bad handshake"
    if response.error_code == INVALID_URL:
        return "malformed ws or wss URL"
    return whole_text(response)


def refused_response(response: "Response | None") -> dict[str, Any]:
    """What ``ws.connect`` returns where there is no session."""
    if response is None or not response.status_code:
        return {**_NO_RESPONSE, "error": handshake_error(response)}
    return {**_response(response, ""), "body": response.content[:MAX_BODY].decode("utf-8", "replace")}


def _response(response: "Response | None", url: str) -> dict[str, Any]:
    assert response is not None  # noqa: S101  # there was an answer
    headers: dict[str, str] = {}
    for name, value in response.headers.pairs:
        known = canonical(name)
        headers[known] = f"{headers[known]}, {value}" if known in headers else value
    return {"url": url, "status": response.status_code, "headers": headers, "body": "", "error": ""}


def _encode(value: dict[str, Any]) -> str:
    return msgspec.json.encode(value).decode()
