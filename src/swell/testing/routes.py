"""What the echo server answers: one function per route, from a request to a reply; no sockets, no waiting.

``ROUTES`` maps the first segment of the path to its function; ``/status/404`` calls ``status`` with
``["404"]``.
"""

import base64
import hashlib
import random
import re
import zlib
from collections.abc import Callable, Iterator
from email.parser import BytesParser
from email.policy import HTTP
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, unquote

import msgspec

from swell.testing.request_parser import Head

MAX_BYTES: Final = 1 << 30
_PATTERN: Final = bytes(range(256)) * 256
_NONCE: Final = "d2F2ZQ=="
_PARAMETER: Final = re.compile(r'([a-z]+)="?([^",]*)"?')


class Request:
    """One request as the server read it; ``headers`` has lower-case names, ``pairs`` what was sent."""

    __slots__ = (
        "body",
        "client",
        "digest",
        "headers",
        "method",
        "origin",
        "pairs",
        "path",
        "query",
        "size",
        "tls",
    )

    def __init__(self, head: Head, origin: str) -> None:
        self.method = head.method
        self.path, _, self.query = head.target.partition("?")
        self.pairs = head.pairs
        self.headers = head.headers
        self.origin = origin
        self.body = b""
        self.size = 0
        self.digest = ""  # SHA-256 of a body that is not kept
        self.client = ""
        self.tls: dict[str, str] = {}

    @property
    def args(self) -> list[tuple[str, str]]:
        """The query's pairs."""
        return parse_qsl(self.query, keep_blank_values=True)

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies sent."""
        pairs = (each.partition("=") for each in self.headers.get("cookie", "").split("; ") if each)
        return {name: value for name, _, value in pairs}


class Reply(NamedTuple):
    """What to send: ``framing`` is ``length``, ``chunked``, ``close``, or one of the faults below."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    delay_s: float = 0.0
    framing: str = "length"
    pieces: Iterator[bytes] | None = None


# Faults: the server does this instead of answering in full.
TRUNCATE, RESET, DROP, HANG, INTERIM = "truncate", "reset", "drop", "hang", "interim"

Route = Callable[[Request, list[str]], Reply]
_encode = msgspec.json.Encoder().encode
_FIXED: Final = _encode({"status": "ok", "service": "swell-echo", "message": "hello, wave"})


def reply_to(request: Request) -> Reply:
    """The reply of the request's route; 404 for a path that has none, 400 for wrong arguments."""
    segments = [unquote(part) for part in request.path.split("/")[1:]]
    route = ROUTES.get(segments[0])
    if route is None:
        return _json({"error": f"there is no route {request.path}", "routes": sorted(ROUTES)}, 404)
    try:
        return route(request, segments[1:])
    except (ValueError, IndexError) as error:
        return _json({"error": f"{request.path}: {error}"}, 400)


def _json(value: Any, status: int = 200, *headers: tuple[str, str]) -> Reply:
    return Reply(status, _encode(value), "application/json", headers)


# Echoes


def _echo(request: Request, _: list[str]) -> Reply:
    form, files, data, parsed = _body_parts(request)
    return _json(
        {
            "method": request.method,
            "url": request.origin + request.path + ("?" + request.query if request.query else ""),
            "path": request.path,
            "args": _grouped(request.args),
            "headers": _grouped(request.pairs),
            "cookies": request.cookies,
            "origin": request.client,
            "data": data,
            "form": _grouped(form),
            "files": files,
            "json": parsed,
            "size": request.size,
        }
    )


def _grouped(pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """Name to value, or to a list of values where there are several."""
    grouped: dict[str, Any] = {}
    for name, value in pairs:
        if name not in grouped:
            grouped[name] = value
        elif isinstance(grouped[name], list):
            grouped[name].append(value)
        else:
            grouped[name] = [grouped[name], value]
    return grouped


def _body_parts(request: Request) -> tuple[list[tuple[str, str]], dict[str, Any], str, Any]:
    body = _uncompressed(request)
    content_type = request.headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        return *_multipart(content_type, body), "", None
    if content_type.startswith("application/x-www-form-urlencoded"):
        return parse_qsl(body.decode("utf-8", "replace"), keep_blank_values=True), {}, "", None
    text = body.decode("utf-8", "replace")
    try:
        return [], {}, text, msgspec.json.decode(body)
    except msgspec.DecodeError:
        return [], {}, text, None


def _uncompressed(request: Request) -> bytes:
    body = request.body
    for name in reversed([part.strip() for part in request.headers.get("content-encoding", "").split(",")]):
        if name == "gzip":
            body = zlib.decompress(body, 31)
        elif name == "deflate":
            body = zlib.decompress(body)
        elif name in ("br", "zstd"):
            body = _codec(name).decompress(body)
    return body


def _multipart(content_type: str, body: bytes) -> tuple[list[tuple[str, str]], dict[str, Any]]:
    head = b"Content-Type: " + content_type.encode("latin-1") + b"\r\n\r\n"
    form: list[tuple[str, str]] = []
    files: dict[str, Any] = {}
    for part in BytesParser(policy=HTTP).parsebytes(head + body).iter_parts():
        name = str(part.get_param("name", "", header="content-disposition"))
        content = part.get_payload(decode=True) or b""
        assert isinstance(content, bytes)  # noqa: S101  # decode=True gives bytes for a part that has no parts
        if part.get_filename() is None:
            form.append((name, content.decode("utf-8", "replace")))
        else:
            files[name] = {
                "filename": part.get_filename(),
                "content_type": part.get_content_type(),
                "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
    return form, files


def _upload(request: Request, _: list[str]) -> Reply:
    return _json({"size": request.size, "sha256": request.digest, "headers": _grouped(request.pairs)})


def _headers(request: Request, _: list[str]) -> Reply:
    """The request's headers; ``?Name=value`` are set on the response."""
    return _json({"headers": _grouped(request.pairs)}, 200, *request.args)


def _tls(request: Request, _: list[str]) -> Reply:
    return _json(request.tls)


# Fixed answers


def _fixed(_: Request, __: list[str]) -> Reply:
    return Reply(200, _FIXED)


def _html(_: Request, __: list[str]) -> Reply:
    page = (
        "<!doctype html><html><head><title>swell echo</title></head><body><h1>Echo</h1>"
        '<a href="/get?from=link">a link</a><form action="/post" method="post">'
        '<input name="name" value="Grace"><input type="submit" name="send" value="Go"></form></body></html>'
    )
    return Reply(200, page.encode(), "text/html; charset=utf-8")


def _text(_: Request, arguments: list[str]) -> Reply:
    """``/text/latin-1``: a text in the charset named."""
    charset = arguments[0] if arguments else "utf-8"
    try:
        body = "Grüße, naïve façade".encode(charset)
    except LookupError:
        raise ValueError(f"{charset!r} is no charset") from None
    return Reply(200, body, f"text/plain; charset={charset}")


def _status(_: Request, arguments: list[str]) -> Reply:
    code = int(arguments[0])
    if not 200 <= code <= 599:  # noqa: PLR2004
        raise ValueError("the status must be 200 to 599")
    headers = (("Location", "/get"),) if code in (301, 302, 303, 307, 308) else ()
    return _json({"status": code}, code, *headers)


def _no_content(_: Request, __: list[str]) -> Reply:
    return Reply(204)


def _etag(request: Request, arguments: list[str]) -> Reply:
    """``/etag/abc``: 304 when ``If-None-Match`` names the tag."""
    tag = f'"{arguments[0]}"'
    matches = request.headers.get("if-none-match") in (tag, "*")
    return Reply(304 if matches else 200, b"" if matches else _FIXED, headers=(("ETag", tag),))


# Redirects


def _redirect(request: Request, arguments: list[str]) -> Reply:
    """``/redirect/3?status=307``: an absolute location, three times, then /anything."""
    return _redirected(request, arguments, request.origin)


def _relative_redirect(request: Request, arguments: list[str]) -> Reply:
    return _redirected(request, arguments, "")


def _redirected(request: Request, arguments: list[str], origin: str) -> Reply:
    left = int(arguments[0])
    name = request.path.split("/")[1]
    location = f"{origin}/anything" if left <= 1 else f"{origin}/{name}/{left - 1}"
    if left > 1 and request.query:
        location += "?" + request.query
    return _json({"left": left}, int(dict(request.args).get("status", "302")), ("Location", location))


def _redirect_to(request: Request, _: list[str]) -> Reply:
    arguments = dict(request.args)
    location = arguments.get("url", "")
    if "\r" in location or "\n" in location:
        raise ValueError("the url holds a line break")
    return _json({}, int(arguments.get("status", "302")), ("Location", location))


# Cookies and authorisation


def _cookies(request: Request, arguments: list[str]) -> Reply:
    """``/cookies``; ``/cookies/set?a=1&b=2`` and ``/cookies/delete?a=`` go on to /cookies."""
    if not arguments:
        return _json({"cookies": request.cookies})
    if arguments[0] == "set":
        headers = [("Set-Cookie", f"{name}={value}; Path=/") for name, value in request.args]
    elif arguments[0] == "delete":
        headers = [("Set-Cookie", f"{name}=; Path=/; Max-Age=0") for name, _ in request.args]
    elif arguments[0] == "raw":
        headers = [("Set-Cookie", value) for _, value in request.args]
        return _json({}, 200, *headers)
    else:
        raise ValueError("use /cookies, /cookies/set, /cookies/delete or /cookies/raw")
    return _json({}, 302, ("Location", "/cookies"), *headers)


def _basic_auth(request: Request, arguments: list[str]) -> Reply:
    """``/basic-auth/user/password``."""
    wanted = "Basic " + base64.b64encode(f"{arguments[0]}:{arguments[1]}".encode()).decode()
    if request.headers.get("authorization") == wanted:
        return _json({"authenticated": True, "user": arguments[0]})
    return _json({"authenticated": False}, 401, ("WWW-Authenticate", 'Basic realm="echo"'))


def _bearer(request: Request, __: list[str]) -> Reply:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme == "Bearer" and token:
        return _json({"authenticated": True, "token": token})
    return _json({"authenticated": False}, 401, ("WWW-Authenticate", "Bearer"))


def _digest_auth(request: Request, arguments: list[str]) -> Reply:
    """``/digest-auth/user/password``: MD5 with qop=auth (RFC 7616); the nonce never grows stale."""
    user, password = arguments[:2]
    scheme, _, parameters = request.headers.get("authorization", "").partition(" ")
    given = dict(_PARAMETER.findall(parameters))
    target = request.path + ("?" + request.query if request.query else "")
    if scheme == "Digest" and given.get("uri") == target and given.get("nonce") == _NONCE:
        first, second = _md5(user, "echo", password), _md5(request.method, target)
        middle = (given.get(name, "") for name in ("nonce", "nc", "cnonce", "qop"))
        if given.get("response") == _md5(first, *middle, second):
            return _json({"authenticated": True, "user": user})
    challenge = f'Digest realm="echo", nonce="{_NONCE}", qop="auth", algorithm=MD5'
    return _json({"authenticated": False}, 401, ("WWW-Authenticate", challenge))


def _md5(*parts: str) -> str:
    return hashlib.md5(":".join(parts).encode(), usedforsecurity=False).hexdigest()


# Bodies: encodings, sizes, framings


def _compressed(request: Request, _: list[str]) -> Reply:
    """``/gzip``, ``/deflate``, ``/raw-deflate``, ``/br``, ``/zstd``."""
    name = request.path.split("/")[1]
    body = _encode({"encoding": name, "text": "swell " * 50, "headers": _grouped(request.pairs)})
    if name == "gzip":
        packed = _zlib(body, 31)
    elif name == "deflate":
        packed = _zlib(body, 15)
    elif name == "raw-deflate":
        packed = _zlib(body, -15)
    else:
        packed = _codec(name).compress(body)
    encoding = "deflate" if name == "raw-deflate" else name
    return Reply(200, packed, headers=(("Content-Encoding", encoding),))


def _zlib(body: bytes, window: int) -> bytes:
    compressor = zlib.compressobj(wbits=window)
    return compressor.compress(body) + compressor.flush()


def _codec(name: str) -> Any:
    if name == "br":
        import brotli  # type: ignore[import-untyped]  # noqa: PLC0415  # for one route

        return brotli
    import zstandard  # noqa: PLC0415  # for one route

    return zstandard


def _bomb(_: Request, arguments: list[str]) -> Reply:
    """``/bomb/100000000``: as many zero bytes, as gzip."""
    compressor = zlib.compressobj(wbits=31)
    packed = [compressor.compress(piece) for piece in _pieces(_size(arguments), bytes(len(_PATTERN)))]
    packed.append(compressor.flush())
    return Reply(200, b"".join(packed), "application/octet-stream", (("Content-Encoding", "gzip"),))


def _bytes(_: Request, arguments: list[str]) -> Reply:
    size = _size(arguments)
    if size <= len(_PATTERN):
        return Reply(200, _PATTERN[:size], "application/octet-stream")
    return Reply(
        200,
        content_type="application/octet-stream",
        headers=(("Content-Length", str(size)),),
        framing="pieces",
        pieces=_pieces(size, _PATTERN),
    )


def _pieces(size: int, pattern: bytes) -> Iterator[bytes]:
    while size > 0:
        yield pattern[:size]
        size -= len(pattern)


def _size(arguments: list[str]) -> int:
    size = int(arguments[0])
    if not 0 <= size <= MAX_BYTES:
        raise ValueError(f"the size must be 0 to {MAX_BYTES}")
    return size


def _stream(request: Request, arguments: list[str]) -> Reply:
    """``/stream/3``: as many JSON lines, each in a chunk of its own."""
    lines = (_encode({"line": number, "url": request.path}) + b"\n" for number in range(int(arguments[0])))
    return Reply(200, content_type="application/x-ndjson", framing="chunked", pieces=lines)


def _events(_: Request, arguments: list[str]) -> Reply:
    """``/events/3``: as many server-sent events, each in a chunk of its own."""
    events = (b"id: %d\ndata: event %d\n\n" % (number, number) for number in range(int(arguments[0])))
    return Reply(200, content_type="text/event-stream", framing="chunked", pieces=events)


def _close_delimited(_: Request, arguments: list[str]) -> Reply:
    """``/close-delimited/1000``: a body that only the end of the connection ends."""
    size = int(arguments[0]) if arguments else 1000
    return Reply(
        200, content_type="application/octet-stream", framing="close", pieces=_pieces(size, _PATTERN)
    )


# Time and chance


def _delay(_: Request, arguments: list[str]) -> Reply:
    return Reply(200, _FIXED, delay_s=_milliseconds(arguments[0]))


def _latency(request: Request, arguments: list[str]) -> Reply:
    """``/latency/fixed/20``, ``/latency/exponential/20``, ``/latency/bimodal?fast=5&slow=200&share=0.1``."""
    kind = arguments[0]
    if kind == "fixed":
        delay_s = _milliseconds(arguments[1])
    elif kind == "exponential":
        delay_s = min(60.0, random.expovariate(1 / max(1e-6, _milliseconds(arguments[1]))))
    elif kind == "bimodal":
        wanted = {"fast": "5", "slow": "200", "share": "0.1"} | dict(request.args)
        is_slow = random.random() < float(wanted["share"])  # noqa: S311
        delay_s = _milliseconds(wanted["slow" if is_slow else "fast"])
    else:
        raise ValueError("use fixed, exponential or bimodal")
    return Reply(200, _FIXED, delay_s=delay_s)


def _milliseconds(text: str) -> float:
    delay_s = float(text) / 1000
    if not 0 <= delay_s <= 600:  # noqa: PLR2004
        raise ValueError("the delay must be 0 to 600000 ms")
    return delay_s


def _errors(request: Request, arguments: list[str]) -> Reply:
    """``/errors/2.5?status=503``: that percentage of the answers is the error."""
    if random.random() * 100 < float(arguments[0]):  # noqa: S311
        return _json({"error": "injected"}, int(dict(request.args).get("status", "500")))
    return Reply(200, _FIXED)


# Faults


def _fault(request: Request, _: list[str]) -> Reply:
    return Reply(200, _FIXED, framing=request.path.split("/")[1])


ROUTES: Final[dict[str, Route]] = {
    **dict.fromkeys(("", "health", "json"), _fixed),
    **dict.fromkeys(("get", "post", "put", "patch", "delete", "head", "options", "anything"), _echo),
    **dict.fromkeys(("gzip", "deflate", "raw-deflate", "br", "zstd"), _compressed),
    **dict.fromkeys((TRUNCATE, RESET, DROP, HANG, INTERIM), _fault),
    "basic-auth": _basic_auth,
    "bearer": _bearer,
    "bomb": _bomb,
    "bytes": _bytes,
    "close-delimited": _close_delimited,
    "cookies": _cookies,
    "delay": _delay,
    "digest-auth": _digest_auth,
    "errors": _errors,
    "etag": _etag,
    "events": _events,
    "headers": _headers,
    "html": _html,
    "latency": _latency,
    "no-content": _no_content,
    "redirect": _redirect,
    "redirect-to": _redirect_to,
    "relative-redirect": _relative_redirect,
    "status": _status,
    "stream": _stream,
    "text": _text,
    "tls": _tls,
    "upload": _upload,
}
"""The first segment of a path to the function that answers it; ``/stats`` is the server's own."""
