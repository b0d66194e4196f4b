"""The ASGI application of a service: finds the route, checks what comes in, makes everything an answer.

It is written down to the bare protocol, for the reasons of docs/decisions/target.md: trace context, metrics,
faults and limits are steps of one function here, not layers around each other.
"""

import inspect
import os
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from swell_target.base import faults as kinds
from swell_target.base.call import Call, Reply, Scope
from swell_target.base.clock import pause
from swell_target.base.database import CRASH_STATUS, crash_point, is_losing_writes
from swell_target.base.errors import Problem, where
from swell_target.base.multipart import MEDIA, parse_multipart
from swell_target.base.operator import tell
from swell_target.base.routing import Router
from swell_target.base.runtime import Runtime
from swell_target.base.service import Route, Service
from swell_target.base.socket import Socket
from swell_target.base.trace import continue_trace

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
RawHeaders = list[tuple[bytes, bytes]]
JSON_HEADER = (b"content-type", b"application/json")
ENCODER = msgspec.json.Encoder()
# How much of a body that is too large is read on for the sake of an answer that arrives.
DISCARDED_BYTES = 64 * 1024 * 1024
# No series for each path that somebody tries.
UNKNOWN_ROUTE = "unknown"
# PostgreSQL keeps no U+0000 in a text, SQLite would: it is refused before either sees it.
NUL_ESCAPE = b"\\u0000"
ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")
NO_NUL = "it holds the character U+0000"


class App:
    """One service in one process, as uvicorn calls it."""

    def __init__(self, service: Service, runtime: Runtime) -> None:
        self.service = service
        self.runtime = runtime
        self.router = Router(service.routes, service.sockets, preflight=service.cors is not None)
        self._decoders: dict[Route, msgspec.json.Decoder[Any]] = {
            route: msgspec.json.Decoder(route.body_type) for route in service.routes if route.body_type
        }
        self._open = 0
        self._cors = _cors_headers(service)

    def __repr__(self) -> str:
        return f"<App {self.service.name}>"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The ASGI interface; uvicorn's lifespan is not used."""
        if scope["type"] == "http":
            await self._http(scope, receive, send)
        elif scope["type"] == "websocket":
            await self._websocket(scope, receive, send)

    # --- HTTP ----------------------------------------------------------------------------------------------

    async def _http(self, scope: Scope, receive: Receive, send: Send) -> None:
        start = time.perf_counter()
        method: str = scope["method"]
        raw_headers = dict(scope["headers"])
        traceparent = raw_headers.get(b"traceparent")
        trace_id, answer_parent = continue_trace(traceparent.decode("latin-1") if traceparent else None)
        headers: RawHeaders = [(b"traceparent", answer_parent.encode()), *self._cors]
        if self.service.extra_headers is not None:
            named = {name.decode("latin-1"): value.decode("latin-1") for name, value in raw_headers.items()}
            headers += _raw(self.service.extra_headers(named))
        self._open += 1
        self.runtime.metrics.in_flight.inc()
        route: Route | None = None
        status = 500
        try:
            try:
                route, path_values = self._find(scope, method)
                reply = await self._answer(scope, receive, route, path_values, trace_id)
            except Problem as problem:
                reply = self._problem(problem, scope["path"])
            except ClientGoneError:
                status = 499
                return
            except Exception as error:  # noqa: BLE001 - whatever a handler did, the client gets JSON
                tell(f"{self.service.name} {method} {scope['path']}: {where(error)} (trace {trace_id})")
                reply = self._problem(Problem(500, "internal error", trace_id=trace_id), scope["path"])
            status = reply.status
            await _send_reply(send, reply, headers, head=method == "HEAD")
        finally:
            self._open -= 1
            self.runtime.metrics.in_flight.dec()
            name = route.path if route else UNKNOWN_ROUTE
            seconds = time.perf_counter() - start
            self.runtime.metrics.observe_request(method if route else "-", name, status, seconds)

    def _find(self, scope: Scope, method: str) -> tuple[Route, dict[str, str]]:
        if self.service.guard is not None:
            self.service.guard(Call(scope, self.runtime, self.router.any, ""))
        _check_path(scope)
        return self.router.find(method, scope["path"])

    async def _answer(
        self, scope: Scope, receive: Receive, route: Route, path_values: dict[str, str], trace_id: str
    ) -> Reply:
        call = Call(scope, self.runtime, route, trace_id)
        if self.runtime.faults.active:
            await self._strike(route)
        if route.auth is not None:
            identity = route.auth.check(call)
            call.identity = await identity if inspect.isawaitable(identity) else identity
        arguments: dict[str, Any] = path_values
        if route.path_types:
            arguments = self._convert_path(route, path_values)
        if route.query_type is not None:
            arguments = arguments | {"query": self._query(call, route)}
        if route.body_type is not None or route.takes_raw:
            call.raw_body = await _read_body(receive, route.max_body, call)
            if route.body_type is not None:
                arguments = arguments | {"body": self._decode(call, route)}
        value = await route.handler(call, **arguments)
        return value if isinstance(value, Reply) else Reply(value, route.status)

    def _decode(self, call: Call, route: Route) -> Any:
        media = call.headers.get("content-type", "")
        if route.form and media.startswith("application/x-www-form-urlencoded"):
            pairs = dict(parse_qsl(call.raw_body.decode("latin-1"), keep_blank_values=True))
            return self._convert(pairs, route.body_type, "body")
        if route.uploads and media.startswith(MEDIA):
            return self._convert(parse_multipart(media, call.raw_body), route.body_type, "body")
        if NUL_ESCAPE in call.raw_body and ESCAPED_NUL.search(call.raw_body):
            raise Problem(self.service.invalid_status, _sentence("body", NO_NUL))
        try:
            return self._decoders[route].decode(call.raw_body)
        except msgspec.ValidationError as error:
            raise Problem(self.service.invalid_status, _sentence("body", error)) from None
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise Problem(400, f"the body is not valid JSON: {error}") from None
        except RecursionError:
            raise Problem(400, "the body is nested too deeply") from None

    def _query(self, call: Call, route: Route) -> Any:
        return self._convert(dict(call.query_pairs), route.query_type, "query")

    def _convert(self, pairs: Mapping[str, Any], kind: Any, what: str) -> Any:
        if any(isinstance(value, str) and "\0" in value for value in pairs.values()):
            raise Problem(self.service.invalid_status, _sentence(what, NO_NUL))
        try:
            return msgspec.convert(pairs, kind, strict=False)
        except msgspec.ValidationError as error:
            raise Problem(self.service.invalid_status, _sentence(what, error)) from None

    def _convert_path(self, route: Route, values: dict[str, str]) -> dict[str, Any]:
        try:
            return {
                name: values[name] if kind is str else msgspec.convert(values[name], kind, strict=False)
                for name, kind in route.path_types.items()
            }
        except msgspec.ValidationError:
            # A number's place holds something else: there is no such thing.
            raise Problem(404, f"nothing at {route.path} with these values") from None

    async def _strike(self, route: Route) -> None:
        """Let the request meet the faults of its endpoint."""
        faults = self.runtime.faults
        if route.path.startswith("/admin/"):
            return
        crash = faults.due(kinds.Crash, route.name)
        if crash is not None:
            if crash.after_statements is None:
                os._exit(CRASH_STATUS)
            crash_point.set(crash)
        lost = faults.find(kinds.LoseWrites, route.name)
        is_losing_writes.set(lost is not None and faults.random.random() < lost.rate)
        faults.leak(route.name)
        # Decided when it comes: one that still waits when the faults are replaced is none of the next ones'.
        errors = faults.due(kinds.Errors, route.name)
        if errors is not None and faults.random.random() >= errors.rate:
            errors = None
        latency = faults.find(kinds.Latency, route.name)
        if latency is not None and faults.random.random() < latency.share:
            await pause(latency.distribution.draw(faults.random))
        capacity = faults.find(kinds.Capacity, route.name)
        if capacity is not None and self._open > capacity.limit:
            await pause(capacity.ms)
            if capacity.status:
                raise Problem(capacity.status, "over capacity")
        if errors is not None:
            raise Problem(errors.status, "fault on demand")

    def _problem(self, problem: Problem, path: str) -> Reply:
        if self.service.problem_body is not None:
            body = self.service.problem_body(problem.status, problem.error, problem.fields, path)
        else:
            body = {"error": problem.error} | problem.fields
        return Reply(body, problem.status, headers=problem.headers)

    # --- WebSockets ----------------------------------------------------------------------------------------

    async def _websocket(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_headers = dict(scope["headers"])
        traceparent = raw_headers.get(b"traceparent")
        trace_id, answer_parent = continue_trace(traceparent.decode("latin-1") if traceparent else None)
        headers: RawHeaders = [(b"traceparent", answer_parent.encode())]
        socket: Socket | None = None
        try:
            _check_path(scope)
            route, values = self.router.find_socket(scope["path"])
            call = Call(scope, self.runtime, route, trace_id)
            if self.runtime.faults.active:
                await self._strike(route)
            socket = Socket(call, receive, send, headers)
            await route.handler(socket, **self._convert_path(route, values))
            await socket.close()
        except Problem as problem:
            if socket is not None and socket.accepted:
                await socket.close(1008)
            else:
                await _refuse(send, self._problem(problem, scope["path"]), headers)
        except Exception as error:  # noqa: BLE001 - one connection's fault stays its own
            tell(f"{self.service.name} WebSocket {scope['path']}: {where(error)} (trace {trace_id})")
            if socket is not None and socket.accepted:
                await socket.close(1011)
            else:
                internal = Problem(500, "internal error", trace_id=trace_id)
                await _refuse(send, self._problem(internal, scope["path"]), headers)
        finally:
            if socket is not None:
                await socket.finish()


class ClientGoneError(Exception):
    """The client closed its connection before its request was whole."""


async def _read_body(receive: Receive, limit: int, call: Call) -> bytes:
    too_large = Problem(413, f"the body is larger than {limit} bytes", headers=(("connection", "close"),))
    declared = call.headers.get("content-length", "")
    if declared.isdigit() and int(declared) > limit:
        # Who asks first (Expect: 100-continue) has sent nothing yet, and is not told to.
        if "expect" not in call.headers:
            await _discard(receive)
        raise too_large
    event = await receive()
    if event["type"] == "http.request" and not event.get("more_body"):
        body: bytes = event["body"]
        if len(body) <= limit:
            return body
    chunks, size = [], 0
    while True:
        if event["type"] == "http.disconnect":
            raise ClientGoneError
        chunks.append(event["body"])
        size += len(event["body"])
        if size > limit:
            if event.get("more_body"):
                await _discard(receive)
            raise too_large
        if not event.get("more_body"):
            return b"".join(chunks)
        event = await receive()


async def _discard(receive: Receive) -> None:
    """Read what a client still sends: closed at once, it would find its connection reset, not the answer."""
    left = DISCARDED_BYTES
    while left > 0:
        event = await receive()
        if event["type"] == "http.disconnect" or not event.get("more_body"):
            return
        left -= len(event["body"])


async def _send_reply(send: Send, reply: Reply, headers: RawHeaders, *, head: bool) -> None:
    if reply.headers:
        headers = headers + _raw(reply.headers)
    if reply.stream is not None:
        headers = [(b"content-type", reply.media.encode()), *headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        if not head:
            async for piece in reply.stream:
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        await send({"type": "http.response.body", "body": b""})
        return
    content, media = reply.content, reply.media
    if content is None and reply.status in (204, 304):
        body, kind = b"", None
    elif isinstance(content, bytes) and media:
        body, kind = content, (b"content-type", media.encode())
    elif isinstance(content, str) and media != "application/json":
        body, kind = content.encode(), (b"content-type", f"{media}; charset=utf-8".encode())
    else:
        body, kind = ENCODER.encode(content), JSON_HEADER
    length = (b"content-length", str(len(body)).encode())
    headers = [kind, length, *headers] if kind else headers
    await send({"type": "http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else body})


async def _refuse(send: Send, reply: Reply, headers: RawHeaders) -> None:
    """Answer a handshake with HTTP (ASGI's websocket.http.response)."""
    body = ENCODER.encode(reply.content)
    headers = [JSON_HEADER, (b"content-length", str(len(body)).encode()), *headers]
    await send({"type": "websocket.http.response.start", "status": reply.status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body})


def _raw(headers: Any) -> RawHeaders:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers]


def _cors_headers(service: Service) -> RawHeaders:
    cors = service.cors
    if cors is None:
        return []
    # Without an origin here, the service's own extra headers name it.
    headers = [("access-control-allow-origin", cors.origin)] if cors.origin else []
    headers += [
        ("access-control-allow-methods", ", ".join(cors.methods)),
        ("access-control-allow-headers", ", ".join(cors.allow)),
    ]
    if cors.credentials:
        headers.append(("access-control-allow-credentials", "true"))
    if cors.expose:
        headers.append(("access-control-expose-headers", ", ".join(cors.expose)))
    return _raw(headers)


def _check_path(scope: Scope) -> None:
    if "\0" in scope["path"]:
        raise Problem(404, "nothing at a path with the character U+0000")


def _sentence(what: str, error: Exception | str) -> str:
    return f"the {what} is not valid: {error}"
