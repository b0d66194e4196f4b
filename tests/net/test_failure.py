"""Failures: every exception of a connection has one code and one short text."""

import errno
import socket
import ssl

import pytest

from swell.net import failure
from swell.net.failure import CODES, Failure, FailureError, failure_from, status_code
from swell.net.http1 import BodyTooLargeError, ProtocolError, ResponseParser, TruncatedError


def _tls(kind: type[ssl.SSLError] = ssl.SSLError, reason: str = "", **facts: object) -> ssl.SSLError:
    exc = kind(1, f"[SSL: {reason}] text (_ssl.c:1000)")
    exc.reason = reason
    for name, value in facts.items():
        setattr(exc, name, value)
    return exc


CASES = [
    (OSError(errno.ECONNREFUSED, "x"), "connect", 1212, "dial: connection refused"),
    (ConnectionResetError(errno.ECONNRESET, "x"), "read", 1220, "read: connection reset by peer"),
    (ConnectionResetError(errno.ECONNRESET, "x"), "write", 1220, "write: connection reset by peer"),
    (OSError(errno.ECONNRESET, "x"), "connect", 1220, "dial: connection reset by peer"),
    (BrokenPipeError(errno.EPIPE, "x"), "write", 1201, "write: broken pipe"),
    (OSError(errno.EHOSTUNREACH, "x"), "connect", 1213, "dial: no route to host (EHOSTUNREACH)"),
    (OSError(errno.EHOSTUNREACH, "x"), "read", 1202, "read: no route to host (EHOSTUNREACH)"),
    (TimeoutError(), "connect", 1211, "dial: i/o timeout"),
    (OSError(errno.ETIMEDOUT, "x"), "connect", 1211, "dial: i/o timeout"),
    (TimeoutError(), "read", 1050, "request timeout"),
    (TimeoutError(), "tls", 1050, "request timeout"),
    (OSError(errno.ETIMEDOUT, "x"), "read", 1202, "read: connection timed out"),
    (OSError("no number"), "connect", 1210, "dial: no number"),
    (OSError("no number"), "read", 1200, "read: no number"),
    (socket.gaierror(socket.EAI_NONAME, "x"), "resolve", 1101, "lookup: no such host"),
    (socket.gaierror(socket.EAI_AGAIN, "Temporary failure"), "resolve", 1100, "lookup: temporary failure"),
    (UnicodeError("label too long"), "resolve", 1101, "lookup: no such host"),
    (
        _tls(reason="WRONG_VERSION_NUMBER"),
        "tls",
        1301,
        "tls: first record does not look like a TLS handshake",
    ),
    (_tls(reason="SSLV3_ALERT_BAD_CERTIFICATE"), "read", 1300, "tls: sslv3 alert bad certificate"),
    (_tls(reason="NO_PROTOCOLS_AVAILABLE"), "tls", 1300, "tls: no protocols available"),
    (_tls(ssl.SSLEOFError), "tls", 1300, "tls: connection closed during the handshake"),
    (_tls(ssl.SSLEOFError), "write", 1201, "write: broken pipe"),
    (_tls(ssl.SSLEOFError), "read", 1234, "read: connection closed before a response"),
    (EOFError(), "tls", 1300, "tls: connection closed during the handshake"),
    (EOFError(), "read", 1234, "read: connection closed before a response"),
    (ProtocolError("malformed status line b'x 1'"), "read", 1230, "read: malformed status line"),
    (ProtocolError("the response header is larger than 9 bytes"), "read", 1233, None),
    (BodyTooLargeError("n"), "read", 1232, "read: body larger than max_response_body_bytes"),
    (TruncatedError("the server closed the connection without a response"), "read", 1234, None),
    (TruncatedError("the response ended in the middle of its body"), "read", 1231, None),
    (ValueError("odd\nlines"), "read", 1000, "read: ValueError: odd lines"),
    (FailureError(Failure(1701, "kept")), "read", 1701, "kept"),
]


@pytest.mark.parametrize(("exc", "phase", "code", "message"), CASES, ids=lambda value: str(value)[:40])
def test_exceptions_become_failures(exc, phase, code, message):
    """Each exception, in its phase, has k6's code and a text without details that vary."""
    found = failure_from(exc, phase)
    assert found.code == code
    if message is not None:
        assert found.message == message


@pytest.mark.parametrize(
    ("verify_code", "code"), [(18, 1310), (20, 1310), (62, 1311), (64, 1311), (10, 1300)]
)
def test_certificate_faults(verify_code, code):
    """OpenSSL's verification codes tell unknown authorities from wrong hosts from the rest."""
    exc = _tls(
        ssl.SSLCertVerificationError, verify_code=verify_code, verify_message="certificate has expired"
    )
    assert failure_from(exc, "tls").code == code


@pytest.mark.parametrize(
    ("number", "code"), [(errno.EMFILE, 1236), (errno.ENFILE, 1236), (errno.EADDRNOTAVAIL, 1237)]
)
def test_limits_of_this_machine_are_named_as_such(number, code):
    """What this machine runs out of is not blamed on the target."""
    found = failure_from(OSError(number, "x"), "connect")
    assert found.code == code
    assert "this machine's limit, not the target's" in found.message


@pytest.mark.parametrize("phase", ["resolve", "connect", "tls", "write", "read"])
def test_every_errno_has_a_documented_code(phase):
    """No error number of the system falls through."""
    for number in errno.errorcode:
        found = failure_from(OSError(number, "x"), phase)
        assert found.code in CODES
        assert "\n" not in found.message


PARSED = [
    (b"", 1234),
    (b"HTTP/1.1 200 OK\r\nConte", 1231),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", 1231),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe", 1231),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n", 1232),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfff\r\n" + b"x" * 4095, 1232),
    (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 50_000, 1233),
    (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 1235),
    (b"SSH-2.0-OpenSSH\r\n\r\n", 1230),
    (b"HTTP/1.1 200 OK\r\nX Y: z\r\n\r\n", 1230),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 1230),
]


@pytest.mark.parametrize(("data", "code"), PARSED, ids=lambda value: str(value)[:60])
def test_what_the_parser_reports(data, code):
    """The parser's own errors, as it raises them, have their codes, and texts without the server's bytes."""
    parser = ResponseParser()
    parser.start(is_head_request=False, discard=False, max_body=100)
    with pytest.raises((ProtocolError, BodyTooLargeError, TruncatedError)) as caught:
        parser.feed(data) or parser.feed_eof()
    found = failure_from(caught.value, "read")
    assert found.code == code
    assert "b'" not in found.message


def test_constants_are_documented():
    """Every constant of a code has its sentence in the table."""
    constants = {value for name, value in vars(failure).items() if name.isupper() and isinstance(value, int)}
    assert constants == set(CODES)


def test_status_codes():
    """A status from 400 on is 1000 + status, others are no error."""
    assert [status_code(status) for status in (200, 399, 400, 503)] == [0, 0, 1400, 1503]
