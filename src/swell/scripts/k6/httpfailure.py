"""Failures of requests as k6 tells them: its codes, its texts, and the line that it logs."""

import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from swell.net import failure as failures
from swell.net.dialing import DIAL_TIMEOUT_NS
from swell.net.failure import GENERIC, Failure
from swell.scripts.k6.httpurl import shown_url

if TYPE_CHECKING:
    from swell.net.prepared import PreparedRequest
    from swell.net.response import Response

# What k6 has no code for, and what it says then.
_TOLD: Final = {
    failures.CLOSED: Failure(GENERIC, "EOF"),
    failures.TRUNCATED_BODY: Failure(GENERIC, "unexpected EOF"),
    failures.BLACKLISTED_IP: Failure(failures.BLACKLISTED_IP, "ip is blacklisted"),
    failures.BLOCKED_HOSTNAME: Failure(failures.BLOCKED_HOSTNAME, "hostname is blocked"),
    failures.UNKNOWN_AUTHORITY: Failure(failures.UNKNOWN_AUTHORITY, "x509: unknown certificate authority"),
    failures.HOSTNAME_MISMATCH: Failure(
        failures.HOSTNAME_MISMATCH, "x509: certificate doesn't match hostname"
    ),
    failures.INVALID_URL: Failure(GENERIC, "failed to parse Location header"),
}
# Labels of a name that a server is asked for.
_DOMAIN: Final = re.compile(r"\.|(?:(?!-)[A-Za-z0-9_-]{1,63}(?<!-)(?:\.(?!$)|\.?$))+")
_NUMBERS: Final = re.compile(r"[0-9.]+")
_OWN_CODES: Final = frozenset(range(failures.MALFORMED_RESPONSE, failures.PROXY + 1))
# The whole of what Go says where its text is longer than the tag's.
_LOGGED: Final = {
    "dial: connection refused": "dial tcp {address}: connect: connection refused",
    "dial: i/o timeout": "dial tcp {address}: i/o timeout",
    "lookup: no such host": "lookup {host}{server}: no such host",
    "read: connection reset by peer": "read tcp {address}: read: connection reset by peer",
    "ip is blacklisted": "IP ({ip}) is in a blacklisted range{rule}",
    "hostname is blocked": "hostname ({host}) is in a blocked pattern{rule}",
    "tls: first record does not look like a TLS handshake": "http: server gave HTTP response to HTTPS client",
}


class RefusalError(Exception):
    """A request that k6 does not even make; its response carries ``message`` and ``code``."""

    def __init__(self, message: str, code: int = 0) -> None:
        super().__init__(message)
        self.message = message
        self.code = code


def retell(failure: Failure, prepared: "PreparedRequest") -> Failure:
    """The failure with k6's code and text."""
    if failure.code == failures.DIAL_TIMEOUT and prepared.timeout_ns < DIAL_TIMEOUT_NS:
        return failures.TIMED_OUT
    told = _TOLD.get(failure.code)
    if told is not None and not failure.message.startswith("invalid URL: "):
        return told
    return Failure(GENERIC, failure.message) if failure.code in _OWN_CODES else failure


def go_method(method: str) -> str:
    """A method as Go's errors begin with it."""
    return method[:1].upper() + method[1:].lower() if method else "Get"


def _asked(host: str) -> str:
    """Who was asked for a name, as Go's errors tell it; nobody is where it cannot be a domain's."""
    return _name_server() if _DOMAIN.fullmatch(host) and not _NUMBERS.fullmatch(host) else ""


@cache
def _name_server() -> str:
    """The server of this machine's that is asked for names first, as Go's errors tell it."""
    try:
        written = Path("/etc/resolv.conf").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
    found = re.search(r"^\s*nameserver\s+(\S+)", written, re.MULTILINE)
    if found is None:
        return ""
    return f" on [{found[1]}]:53" if ":" in found[1] else f" on {found[1]}:53"


def logged(response: "Response") -> str:
    """The error of a request as k6 logs it, with method and URL."""
    request = response.request
    url = getattr(request, "url", None)
    shown = shown_url(url) if url is not None else request.text
    credentials = re.sub(r"//([^/@:]*):[^/@]*@", r"//\1:***@", shown)
    return f'{go_method(request.method)} "{credentials}": {whole_text(response)}'


def whole_text(response: "Response") -> str:
    """The error of a request with the address or name that it is about."""
    url = getattr(response.request, "url", None)
    connection = response.connection
    if url is not None:
        host = address = url.host
    else:
        # A WebSocket's, which was dialled: it has an address.
        parts = urlsplit(response.request.text)
        host = parts.hostname or ""
        port = parts.port or (443 if parts.scheme == "wss" else 80)
        address = f"{'127.0.0.1' if host == 'localhost' else host}:{port}"
    if connection is not None:
        address = f"{connection.address.ip}:{connection.address.port}"
    told = _LOGGED.get(response.error, "")
    # The resolver's text has the address as its second word, and the range or pattern as its last.
    words = response.cause.split()
    ip, rule = (words[1], " ({})".format(words[-1].strip("'"))) if len(words) > 1 else (host, "")
    return told.format(address=address, host=host, ip=ip, rule=rule, server=_asked(host)) or response.error
