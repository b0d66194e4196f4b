"""What a k6 ``Response`` tells beside status and body, as JSON."""

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote

import msgspec

from swell.net.cookies import parse_date

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
    "status": "unknown",
}


def canonical(name: str) -> str:
    """A header's name as Go writes it: Content-Type, X-Request-Id."""
    return "-".join(part[:1].upper() + part[1:].lower() for part in name.split("-"))


def response_detail(response: "Response") -> bytes:
    """The JSON text of everything but status and body."""
    timings = response.timings
    reason = f"{response.status_code} {response.reason}" if response.status_code else ""
    headers: dict[str, str] = {}
    for name, value in response.headers.pairs:
        known = canonical(name)
        headers[known] = f"{headers[known]}, {value}" if known in headers else value
    return msgspec.json.encode(
        {
            "remote_ip": response.remote_ip,
            "remote_port": response.remote_port,
            "url": response.url,
            "status_text": reason.strip(),
            "proto": response.http_version,
            "headers": headers,
            "cookies": response_cookies(response),
            "timings": timings._asdict(),
            "tls_version": response.tls_version,
            "tls_cipher_suite": response.tls_cipher_suite,
            "ocsp": _NO_OCSP,
            "error": response.error,
            "error_code": response.error_code,
            "request": request_detail(response),
        }
    )


def request_detail(response: "Response") -> dict[str, Any]:
    """The request that ``response`` answers."""
    request = response.request
    headers: dict[str, list[str]] = {}
    for name, value in request.headers.items():
        if name.lower() != "host":
            headers.setdefault(canonical(name), []).append(value)
    cookies: dict[str, list[dict[str, Any]]] = {}
    for pair in filter(None, getattr(request, "cookies", "").split("; ")):
        name, _, value = pair.partition("=")
        cookies.setdefault(name, []).append({"name": name, "value": value, "replace": False})
    body = request.body or b""
    return {
        "method": request.method,
        "url": request.text,
        "headers": headers,
        "body": body.decode("utf-8", "replace"),
        "cookies": cookies,
    }


def response_cookies(response: "Response") -> dict[str, list[dict[str, Any]]]:
    """The cookies that ``response`` sets, by name."""
    found: dict[str, list[dict[str, Any]]] = {}
    for raw in response.header_bytes(b"set-cookie"):
        cookie = _cookie(raw.decode("latin-1"))
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
                cookie["domain"] = text.lstrip(".")
            case "path":
                cookie["path"] = unquote(text)
            case "httponly":
                cookie["http_only"] = True
            case "secure":
                cookie["secure"] = True
            case "max-age" if text.lstrip("-").isdecimal():
                cookie["max_age"] = max(int(text), -1) or -1
            case "expires":
                moment = parse_date(text)
                if moment is not None:
                    cookie["expires"] = int(moment * 1000)
    return cookie
