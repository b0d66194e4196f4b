"""Valid HTTP/1.1 answers of every framing, with what they mean, and bodies that are larger than they look."""

import gzip
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Final

import brotli  # type: ignore[import-untyped]
import zstandard

HELLO: Final = b'{"message": "hello, wave"}'


@dataclass(frozen=True, slots=True)
class Answer:
    """The bytes of an answer, the status and body that they mean, and to which method.

    ``needed`` bytes of ``data`` are what a client waits for; ``until_close`` says that only the end of the
    connection ends it.
    """

    data: bytes
    status: int = 200
    body: bytes = HELLO
    method: str = "GET"
    until_close: bool = False

    @property
    def needed(self) -> int:
        """How many bytes a client must have seen to know the answer whole."""
        return len(self.data)


def _length(body: bytes, *lines: bytes, status: bytes = b"200 OK") -> bytes:
    fields = b"".join(line + b"\r\n" for line in lines)
    return b"HTTP/1.1 %b\r\nContent-Length: %d\r\n%b\r\n%b" % (status, len(body), fields, body)


def _chunked(body: bytes, size: int, trailer: bytes = b"", extension: bytes = b"") -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    chunks = b"".join(b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (chunks, trailer)


@cache
def corpus() -> tuple[Answer, ...]:
    """Answers that servers give every day, and some that they may give."""
    large = HELLO * 2000
    return (
        Answer(_length(HELLO, b"Content-Type: application/json")),
        Answer(_length(HELLO, b"Connection: close", b"Date: Thu, 01 Jan 1970 00:00:00 GMT")),
        Answer(_length(b""), body=b""),
        Answer(_length(large), body=large),
        Answer(_length(HELLO, status=b"404 Not Found"), 404),
        Answer(_length(HELLO, status=b"503"), 503),
        Answer(_length(HELLO, b"Set-Cookie: a=b; Path=/", b"Set-Cookie: c=d; Max-Age=60")),
        Answer(_length(HELLO, b"X-Folded: one\r\n two\r\n\tthree")),
        Answer(_length(HELLO).replace(b"\r\n", b"\n")),
        Answer(_length(HELLO + b"\r\n\r\n").replace(b"\r\n", b"\n", 3), body=HELLO + b"\r\n\r\n"),
        Answer(_chunked(HELLO, 7)),
        Answer(_chunked(HELLO, 1, trailer=b"X-Sum: 1\r\n", extension=b";a=b")),
        Answer(_chunked(large, 5000), body=large),
        Answer(_chunked(large[:3000], 2), body=large[:3000]),
        Answer(_chunked(b"", 1), body=b""),
        Answer(b"HTTP/1.1 204 No Content\r\n\r\n", 204, b""),
        Answer(b'HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: "a"\r\n\r\n', 304, b""),
        Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 26\r\n\r\n", body=b"", method="HEAD"),
        Answer(b"HTTP/1.1 100 Continue\r\n\r\n" + _length(HELLO)),
        Answer(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + _chunked(HELLO, 9)),
        Answer(b"HTTP/1.1 200 OK\r\n\r\n" + HELLO, until_close=True),
        Answer(b"HTTP/1.0 200 OK\r\n\r\n" + large, body=large, until_close=True),
        Answer(b"HTTP/1.0 200 OK\r\nContent-Length: 26\r\nConnection: keep-alive\r\n\r\n" + HELLO),
        *(Answer(_length(ENCODERS[name](HELLO), b"Content-Encoding: " + name.encode())) for name in ENCODERS),
        Answer(_length(ENCODERS["br"](ENCODERS["gzip"](large)), b"Content-Encoding: gzip, br"), body=large),
    )  # fmt: skip


ENCODERS: Final[dict[str, Callable[[bytes], bytes]]] = {
    "gzip": lambda data: gzip.compress(data, 6, mtime=0),
    "deflate": lambda data: zlib.compress(data, 6),
    "br": lambda data: brotli.compress(data, quality=5),
    "zstd": lambda data: zstandard.ZstdCompressor(level=9).compress(data),
}


@cache
def bomb(encodings: tuple[str, ...], size: int) -> bytes:
    """``size`` zero bytes, encoded by each of ``encodings`` in turn."""
    data = bytes(size)
    for name in encodings:
        data = ENCODERS[name](data)
    return data
