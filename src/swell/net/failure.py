"""What can go wrong with an exchange, as a value: a stable code and a short text.

The codes are k6's (``error_code``), so that tags and thresholds on them keep their meaning. Where k6 has one
code for many causes (1000) or none, swell numbers its own in the gaps: 1230 to 1239 for what the peer or this
machine did to a connection, 1240 for a proxy. ``400 <= status`` gives ``1000 + status`` (1400 to 1599), see
``status_code``. A failure is never raised into a script; inside ``swell.net`` it travels in ``FailureError``
where a return value would be clumsy.
"""

import errno
import os
import re
import socket
import ssl
from typing import Final, Literal, NamedTuple

from swell.net.http1 import BodyTooLargeError, ProtocolError, TruncatedError

Phase = Literal["resolve", "connect", "tls", "write", "read"]


class Failure(NamedTuple):
    """Why there is no (whole) response: ``code`` as in ``CODES`` and one line of text."""

    code: int
    message: str


class FailureError(Exception):
    """Carries a ``Failure`` through code that has something else to return."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message)
        self.failure = failure


class ExchangeTimeoutError(TimeoutError):
    """The time for the whole exchange, or for the next piece of a streamed one, is over."""


class DialTimeoutError(TimeoutError):
    """The time for connecting is over."""


GENERIC: Final = 1000
NON_TCP: Final = 1010
INVALID_URL: Final = 1020
TIMEOUT: Final = 1050
DNS: Final = 1100
NO_SUCH_HOST: Final = 1101
BLACKLISTED_IP: Final = 1110
BLOCKED_HOSTNAME: Final = 1111
TCP: Final = 1200
BROKEN_PIPE: Final = 1201
TCP_ERRNO: Final = 1202
DIAL: Final = 1210
DIAL_TIMEOUT: Final = 1211
REFUSED: Final = 1212
DIAL_ERRNO: Final = 1213
RESET: Final = 1220
MALFORMED_RESPONSE: Final = 1230
TRUNCATED_BODY: Final = 1231
BODY_TOO_LARGE: Final = 1232
HEAD_TOO_LARGE: Final = 1233
CLOSED: Final = 1234
UNEXPECTED_UPGRADE: Final = 1235
NO_DESCRIPTORS: Final = 1236
NO_PORTS: Final = 1237
REQUEST_BODY: Final = 1238
NOT_EVENTS: Final = 1239
PROXY: Final = 1240
TLS: Final = 1300
NOT_TLS: Final = 1301
UNKNOWN_AUTHORITY: Final = 1310
HOSTNAME_MISMATCH: Final = 1311
DECOMPRESSION: Final = 1701

CODES: Final[dict[int, str]] = {
    GENERIC: "A failure of no kind named below.",
    NON_TCP: "A network error that is not TCP's.",
    INVALID_URL: "The URL cannot be requested: no host, unknown scheme, bad port or illegal characters.",
    TIMEOUT: "The exchange took longer than its timeout.",
    DNS: "The name could not be looked up: the resolver failed.",
    NO_SUCH_HOST: "The name does not exist or has no address of the wanted family.",
    BLACKLISTED_IP: "The address lies in a range of the option blacklist_ips.",
    BLOCKED_HOSTNAME: "The name matches a pattern of the option block_hostnames.",
    TCP: "The connection failed in a way that carries no error number.",
    BROKEN_PIPE: "The peer had closed the connection when the request was written.",
    TCP_ERRNO: "The connection failed with an error number that has no code of its own.",
    DIAL: "The connection could not be made.",
    DIAL_TIMEOUT: "The connection was not made in time.",
    REFUSED: "Nothing listens at the address: the connection was refused.",
    DIAL_ERRNO: "The connection could not be made, with an error number that has no code of its own.",
    RESET: "The peer reset the connection.",
    MALFORMED_RESPONSE: "What the server sent is not HTTP/1.1. (swell's own)",
    TRUNCATED_BODY: "The connection ended before the announced end of the body. (swell's own)",
    BODY_TOO_LARGE: "The body is larger than the option max_response_body_bytes. (swell's own)",
    HEAD_TOO_LARGE: "The response has too many headers, or too long ones. (swell's own)",
    CLOSED: "The server closed the connection without a response. (swell's own; k6: 1000)",
    UNEXPECTED_UPGRADE: "The server switched to another protocol (101) unasked. (swell's own)",
    NO_DESCRIPTORS: "This machine ran out of file descriptors; the target is not at fault. (swell's own)",
    NO_PORTS: "This machine ran out of local ports; the target is not at fault. (swell's own)",
    REQUEST_BODY: "The request's body could not be read while it was sent. (swell's own)",
    NOT_EVENTS: "The answer to a request for server-sent events is no event stream. (swell's own)",
    PROXY: "The proxy refused the tunnel, or cannot be used. (swell's own)",
    TLS: "The TLS handshake or record layer failed.",
    NOT_TLS: "The server's first bytes are not TLS: is it a plain http port?",
    UNKNOWN_AUTHORITY: "The certificate is not signed by a known authority.",
    HOSTNAME_MISMATCH: "The certificate is not for this host.",
    DECOMPRESSION: "The body is not in the encoding that Content-Encoding names, or is cut short.",
}
"""Every code with its meaning; 1400 to 1599 stand for a response with a status of 400 and more."""

TIMED_OUT: Final = Failure(TIMEOUT, "request timeout")
DIAL_TIMED_OUT: Final = Failure(DIAL_TIMEOUT, "dial: i/o timeout")
UNRESOLVED: Final = Failure(NO_SUCH_HOST, "lookup: no such host")
CLOSED_EARLY: Final = Failure(CLOSED, "read: connection closed before a response")
CUT_SHORT: Final = Failure(TRUNCATED_BODY, "read: connection closed before the end of the response")
TOO_LARGE: Final = Failure(BODY_TOO_LARGE, "read: body larger than max_response_body_bytes")
HANDSHAKE_CUT_SHORT: Final = Failure(TLS, "tls: connection closed during the handshake")


def status_code(status: int) -> int:
    """The error code of a response: 1000 + status from 400 on, else 0 (k6)."""
    return 1000 + status if status >= 400 else 0  # noqa: PLR2004  # the first error status


def failure_from(exc: BaseException, phase: Phase) -> Failure:
    """The failure that ``exc``, met in ``phase``, stands for; total: every exception has one.

    It is a value from here on, and loses its traceback: the frames hold the connection, which holds ``exc``,
    so that only the garbage collector would part them.
    """
    exc.__traceback__ = None
    if isinstance(exc, FailureError):
        return exc.failure
    if isinstance(exc, ssl.SSLError):  # an OSError too: first
        return _from_tls(exc, phase)
    if isinstance(exc, (socket.gaierror, socket.herror)):
        return _from_lookup(exc)
    if isinstance(exc, TimeoutError):
        return DIAL_TIMED_OUT if phase == "connect" else _from_timeout(exc, phase)
    if isinstance(exc, UnicodeError) and phase == "resolve":
        return UNRESOLVED  # a label that DNS cannot carry
    if isinstance(exc, OSError):
        return _from_errno(exc, phase)
    if isinstance(exc, EOFError):
        return HANDSHAKE_CUT_SHORT if phase == "tls" else CLOSED_EARLY
    if isinstance(exc, (ProtocolError, BodyTooLargeError, TruncatedError)):
        return _from_parser(exc)
    return Failure(GENERIC, f"{phase}: {type(exc).__name__}: {_one_line(str(exc))}")


# The kinds of exception.

_EXCERPT = re.compile(r"""\ b(?:'.*'|".*")""", re.DOTALL)


def _from_parser(exc: Exception) -> Failure:
    if isinstance(exc, BodyTooLargeError):
        return TOO_LARGE
    text = str(exc)
    if isinstance(exc, TruncatedError):
        return CLOSED_EARLY if "without a response" in text else CUT_SHORT
    if "header is larger" in text:
        return Failure(HEAD_TOO_LARGE, f"read: {_one_line(text)}")
    if "switched protocols" in text:
        return Failure(UNEXPECTED_UPGRADE, f"read: {_one_line(text)}")
    # Without the offending bytes: the text becomes a tag, and each new text would be a new series.
    return Failure(MALFORMED_RESPONSE, f"read: {_one_line(_EXCERPT.sub('', text))}")


_VERIFY_HOSTNAME = frozenset({62, 63, 64})  # X509_V_ERR_{HOSTNAME,EMAIL,IP_ADDRESS}_MISMATCH
_VERIFY_AUTHORITY = frozenset({2, 18, 19, 20, 21, 27})  # no issuer, self-signed, not trusted
_NOT_TLS_REASONS = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE"}
)
_NOT_TLS_REASONS |= {"PACKET_LENGTH_TOO_LONG", "UNEXPECTED_MESSAGE", "BAD_RECORD_TYPE"}


def _from_tls(exc: ssl.SSLError, phase: Phase) -> Failure:
    if isinstance(exc, ssl.SSLCertVerificationError):
        verify_code = getattr(exc, "verify_code", 0)
        if verify_code in _VERIFY_HOSTNAME:
            return Failure(HOSTNAME_MISMATCH, "tls: the certificate is not for this host")
        if verify_code in _VERIFY_AUTHORITY:
            return Failure(UNKNOWN_AUTHORITY, "tls: certificate signed by unknown authority")
        message = getattr(exc, "verify_message", "") or "not valid"
        return Failure(TLS, f"tls: certificate refused: {_one_line(message)}")
    if isinstance(exc, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        if phase == "tls":
            return HANDSHAKE_CUT_SHORT
        return CLOSED_EARLY if phase == "read" else Failure(BROKEN_PIPE, "write: broken pipe")
    reason = exc.reason or ""
    if phase == "tls" and reason in _NOT_TLS_REASONS:
        return Failure(NOT_TLS, "tls: first record does not look like a TLS handshake")
    text = reason.lower().replace("_", " ") or _one_line(exc.strerror or str(exc)).partition(" (_ssl.c")[0]
    return Failure(TLS, f"tls: {text}")


# EAI_NODATA is missing on some platforms.
_NAMELESS = frozenset(
    number
    for number in (getattr(socket, name, None) for name in ("EAI_NONAME", "EAI_NODATA"))
    if number is not None
)


def _from_lookup(exc: OSError) -> Failure:
    if exc.errno in _NAMELESS:
        return UNRESOLVED
    return Failure(DNS, f"lookup: {_one_line(exc.strerror or str(exc)).lower()}")


def _from_timeout(exc: TimeoutError, phase: Phase) -> Failure:
    if exc.errno is None:  # the timeout of a socket or of a request, not the kernel's
        return TIMED_OUT
    return Failure(TCP_ERRNO, f"{phase}: connection timed out")


_DESCRIPTORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def _from_errno(exc: OSError, phase: Phase) -> Failure:
    number = exc.errno
    verb = {"connect": "dial", "resolve": "lookup"}.get(phase, phase)
    if number in (errno.ECONNRESET, errno.ECONNABORTED):
        return Failure(RESET, f"{verb}: connection reset by peer")
    if number in (errno.EPIPE, errno.ESHUTDOWN):
        return Failure(BROKEN_PIPE, f"{verb}: broken pipe")
    if number in _DESCRIPTORS:
        return Failure(
            NO_DESCRIPTORS, f"{verb}: {_errno_text(number)} (this machine's limit, not the target's)"
        )
    if phase in ("connect", "resolve"):
        if number == errno.ECONNREFUSED:
            return Failure(REFUSED, "dial: connection refused")
        if number == errno.EADDRNOTAVAIL:
            return Failure(
                NO_PORTS, "dial: no local port or address left (this machine's limit, not the target's)"
            )
        if number is None:
            return Failure(DIAL, f"{verb}: {_one_line(str(exc))}")
        return Failure(DIAL_ERRNO, f"{verb}: {_errno_text(number)}")
    if number is None:
        return Failure(TCP, f"{verb}: {_one_line(str(exc))}")
    return Failure(TCP_ERRNO, f"{verb}: {_errno_text(number)}")


def _errno_text(number: int) -> str:
    return f"{os.strerror(number).lower()} ({errno.errorcode.get(number, number)})"


def _one_line(text: str) -> str:
    """Texts group errors in tables: no line breaks, and not without end."""
    return " ".join(text.split())[:200]
