"""The echo server's parser: whole, byte by byte, pipelined; and what it refuses."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.testing.request_parser import MAX_HEAD_BYTES, BadRequestError, Head, RequestParser


class Log:
    """Notes what the parser tells."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, str, bytes]] = []
        self.heads: list[Head] = []
        self._body = b""

    def on_head(self, head: Head) -> None:
        """A request begins."""
        self.heads.append(head)
        self._body = b""

    def on_body(self, data: bytes) -> None:
        """A piece of it."""
        assert data
        self._body += data

    def on_end(self) -> None:
        """It is complete."""
        self.requests.append((self.heads[-1].method, self.heads[-1].target, self._body))


STREAM = (
    b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n\r\n"
    b"POST /p HTTP/1.1\r\nhost:h\r\nContent-Length:  5 \r\nX-Empty:\r\n\r\nhello"
    b"PUT /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\nA;ext=1\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\n"
    b"OPTIONS * HTTP/1.0\r\n\r\n"
)
REQUESTS = [
    ("GET", "/a?b=c", b""),
    ("POST", "/p", b"hello"),
    ("PUT", "/c", b"abc0123456789"),
    ("OPTIONS", "*", b""),
]


@given(st.lists(st.integers(0, len(STREAM)), max_size=20))
def test_any_cuts(cuts):
    """The same requests come out however the bytes come in."""
    log = Log()
    parser = RequestParser(log)
    edges = [0, *sorted(cuts), len(STREAM)]
    for start, end in pairwise(edges):
        parser.feed(STREAM[start:end])
    assert log.requests == REQUESTS


def test_byte_by_byte():
    """One byte at a time, too."""
    log = Log()
    parser = RequestParser(log)
    for byte in STREAM:
        parser.feed(bytes([byte]))
    assert log.requests == REQUESTS
    assert log.heads[1].headers == {"host": "h", "content-length": "5", "x-empty": ""}
    assert [head.keep_alive for head in log.heads] == [True, True, True, False]


BAD = [
    (b"\x16\x03\x01\x02\x00\x01", "request line"),
    (b"\r\n", "request line"),
    (b"GET /\r\n\r\n", "request line"),
    (b"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "request line"),
    (b"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "request line"),
    (b"GET /\xc3\xbc HTTP/1.1\r\nHost: h\r\n\r\n", "request line"),
    (b"GET / HTTP/1.1\r\n\r\n", "one Host"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nHost: i\r\n\r\n", "one Host"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX : y\r\n\r\n", "header line"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\nY: b\r\n\r\n", "header line"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00\r\n\r\n", "header line"),
    (b"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "header line"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: -1\r\n\r\n", "Content-Length"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", "Content-Length"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", "beside"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n", "unknown transfer encoding"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "chunk size"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc", "not as long"),
    (b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n", "trailer"),
    (b"GET / HTTP/1.1\r\nX: " + b"a" * MAX_HEAD_BYTES, "the head is over"),
    (
        b"GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1" * (MAX_HEAD_BYTES + 1),
        "no end",
    ),
]


@pytest.mark.parametrize(("data", "message"), BAD, ids=lambda value: str(value)[:60])
def test_refused(data, message):
    """What a sender must not send is refused, with the reason."""
    with pytest.raises(BadRequestError, match=message):
        RequestParser(Log()).feed(data)
