"""What a k6 ``Response`` tells beside status and body, as JSON."""

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from swell.net.cookies import parse_date
from swell.net.decode import decode_fairly
from swell.net.failure import Failure
from swell.scripts.k6.gojar import plain_cookie
from swell.scripts.k6.httpurl import shown_url

if TYPE_CHECKING:
    from swell.net.response import Response

# Go's zero time in milliseconds, which k6 shows where a cookie names no date.
NO_DATE_MS: Final = -6795364578871
_NO_OCSP: Final = {
    "produced_at": 0,
    "this_update": 0,
    "next_update": 0,
    "revoked_at": 0,
    "revocation_reason": "",
    "status": "",
}
_NO_TIMINGS: Final = {
    "duration": 0,
    "blocked": 0,
    "looking_up": 0,
    "connecting": 0,
    "tls_handshaking": 0,
    "sending": 0,
    "waiting": 0,
    "receiving": 0,
}
# All that is told, of a request that was never made.
_EMPTY: Final[dict[str, object]] = {
    "remote_ip": "",
    "remote_port": 0,
    "url": "",
    "status_text": "",
    "proto": "",
    "headers": {},
    "cookies": {},
    "timings": _NO_TIMINGS,
    "tls_version": "",
    "tls_cipher_suite": "",
    "ocsp": _NO_OCSP,
    "error": "",
    "error_code": 0,
    "request": None,
}
_INTEGER: Final = re.compile(r"[+-]?[0-9]+")
_INT64_LENGTH: Final = 20
_ADDED: Final = frozenset({"Host", "Content-Length", "Transfer-Encoding"})
# A compressed body is shown as it was before.
MAX_SHOWN_BODY: Final = 1 << 28


def canonical(name: str) -> str:
    """A header's name as Go writes it: Content-Type, X-Request-Id."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


class RefusedResponse:
    """The response to a request that was never made: empty but for the error."""

    __slots__ = ("error", "error_code")

    content = b""
    status_code = 0
    request = None

    def __init__(self, error: str, error_code: int) -> None:
        self.error = error
        self.error_code = error_code


def response_detail(response: "Response | RefusedResponse") -> bytes:
    """The JSON text of everything but status and body."""
    if isinstance(response, RefusedResponse):
        return _detail(error=response.error, error_code=response.error_code, body=[])
    # Of an answer that could not be decompressed the script sees nothing, either.
    status, connection = 0 if response.error else response.status_code, response.connection
    headers: dict[str, str] = {}
    for name, value in response.headers.pairs if status else ():
        known = canonical(name)
        headers[known] = f"{headers[known]}, {value}" if known in headers else value
    # Where no connection was made, nothing is known of it.
    is_known = connection is not None and connection.exchanges > 0
    first = response.history[0] if response.history else response
    url = getattr(response.request, "url", None)
    return _detail(
        remote_ip=response.remote_ip if is_known else "",
        remote_port=response.remote_port if is_known else 0,
        url=shown_url(url) if url is not None else response.url,
        status_text=f"{status} {response.reason}".strip() if status else "",
        proto=response.http_version if status else "",
        headers=headers,
        cookies=response_cookies(response) if status else {},
        timings=_NO_TIMINGS | response.timings._asdict() if is_known else _NO_TIMINGS,
        tls_version=response.tls_version,
        tls_cipher_suite=response.tls_cipher_suite,
        ocsp=_NO_OCSP | {"status": "unknown"} if response.tls_version else _NO_OCSP,
        error=response.error,
        error_code=response.error_code,
        request=request_detail(first),
    )


def _detail(**known: object) -> bytes:
    return msgspec.json.encode(_EMPTY | known)


def request_detail(response: "Response") -> dict[str, Any]:
    """The request that ``response`` answers."""
    request = response.request
    url = getattr(request, "url", None)
    given = url.authorization if url is not None else None
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        # What the client adds by itself is not shown.
        is_own_host = name == "Host" and url is not None and value != url.host_header
        if is_own_host or (name not in _ADDED and not (name == "Authorization" and value == given)):
            headers.setdefault(canonical(name), []).append(
                value.encode("latin-1", "replace").decode("utf-8", "replace")
            )
    if response.sent_cookies:
        headers["Cookie"] = [response.sent_cookies]
    cookies: dict[str, list[dict[str, Any]]] = {}
    for pair in filter(None, response.sent_cookies.split("; ")):
        name, _, value = pair.partition("=")
        cookies.setdefault(name, []).append({"name": name, "value": value.strip('"'), "replace": False})
    body = request.body or b""
    encoding = request.headers.get("Content-Encoding", "")
    if body and encoding:
        decoded = decode_fairly(body, encoding.encode(), MAX_SHOWN_BODY)
        body = body if isinstance(decoded, Failure) else decoded
    shown = shown_url(url) if url is not None else request.text
    answers = getattr(request, "answers", None)
    if answers is not None and url is not None and url.username is None:
        # Its URL had them, as the script wrote it.
        shown = shown.replace("://", f"://{answers.userinfo}@", 1)
    return {
        "method": request.method,
        "url": shown,
        "headers": headers,
        "body": body.decode("utf-8", "replace"),
        "cookies": cookies,
    }


def response_cookies(response: "Response") -> dict[str, list[dict[str, Any]]]:
    """The cookies that ``response`` sets, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for raw in response.header_bytes(b"set-cookie"):
        cookie = _cookie(plain_cookie(raw.decode("latin-1")))
        if cookie is not None:
            found.setdefault(cookie["name"], []).append(cookie)
    return found


def _cookie(header: str) -> dict[str, Any] | None:
    pair, *attributes = header.split(";")
    name, separator, value = pair.partition("=")
    if not separator or not name.strip():
        return None
    cookie: dict[str, Any] = {
        "name": name.strip(),
        "value": value.strip().strip('"'),
        "domain": "",
        "path": "",
        "http_only": False,
        "secure": False,
        "max_age": 0,
        "expires": NO_DATE_MS,
    }
    for attribute in attributes:
        key, _, text = (part.strip() for part in attribute.partition("="))
        match key.lower():
            case "domain":
                cookie["domain"] = text
            case "path":
                cookie["path"] = unquote(text)
            case "httponly":
                cookie["http_only"] = True
            case "secure":
                cookie["secure"] = True
            case "max-age":
                cookie["max_age"] = _max_age(text)
            case "expires":
                moment = parse_date(text)
                if moment is not None:
                    cookie["expires"] = int(moment * 1000)
    return cookie


def _max_age(text: str) -> int:
    """Go's rule: seconds, -1 for none left, 0 for what has over 64 bits or begins with a nought."""
    # The length first: a number of thousands of digits is none at all.
    seconds = int(text) if len(text) <= _INT64_LENGTH and _INTEGER.fullmatch(text) else None
    if seconds is None or seconds >= 1 << 63 or (seconds and text[0] == "0"):
        return 0
    return seconds if seconds > 0 else -1
