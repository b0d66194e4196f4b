"""HTTP/1.1 requests as the echo server reads them: strict, so that a request swell malforms is refused here.

Written apart from ``swell.net``, which it is there to check, and without a dependency, because the demo's
target must start with what the runner has. What RFC 9112 forbids a sender is an error: a bare line feed, a
space before the colon, no or two Host headers, a length beside chunked, a control character in a value.
"""

import re
from functools import lru_cache
from typing import Final, NamedTuple, Protocol

MAX_HEAD_BYTES: Final = 64 * 1024
_REQUEST_LINE = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+) ([\x21-\x7e]+) HTTP/1\.([01])")
_FIELD_LINE = re.compile(
    rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*((?:[\x21-\x7e\x80-\xff]|[ \t]+(?=[^ \t]))*)[ \t]*"
)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})(?:;[\t\x20-\x7e\x80-\xff]*)?")
_TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]")
_LENGTH = re.compile(r"[0-9]{1,15}")
_END = b"\r\n"


class BadRequestError(ValueError):
    """The bytes are no request; the text says where they stop being one."""


class Head(NamedTuple):
    """A request without its body; ``length`` is None for a chunked one."""

    method: str
    target: str
    pairs: list[tuple[str, str]]
    headers: dict[str, str]  # lower-case names, the last value of each
    length: int | None
    keep_alive: bool
    expects_continue: bool


class Handler(Protocol):
    """Whom the parser tells."""

    def on_head(self, head: Head) -> None:
        """A request begins."""

    def on_body(self, data: bytes) -> None:
        """A piece of its body."""

    def on_end(self) -> None:
        """The request is complete."""


class RequestParser:
    """Fed with whatever arrives, in pieces of any size; pipelined requests come one after the other."""

    def __init__(self, handler: Handler) -> None:
        self._handler = handler
        self._buffer = b""
        self._state = self._read_head
        self._left = 0

    def feed(self, data: bytes) -> None:
        """Take ``data`` in; raises ``BadRequestError``, after which the parser is of no further use."""
        self._buffer = self._buffer + data if self._buffer else data
        while self._buffer and self._state():
            pass

    # Each state takes what it can from the buffer; False when it needs more.

    def _read_head(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            if len(self._buffer) > MAX_HEAD_BYTES:
                raise BadRequestError(f"the head is over {MAX_HEAD_BYTES} bytes")
            if _TOKEN.match(self._buffer) is None:
                # A TLS hello, say, would wait for an end that never comes.
                raise BadRequestError(f"malformed request line {self._buffer[:60]!r}")
            return False
        head = parse_head(self._buffer[:end])
        self._buffer = self._buffer[end + 4 :]
        self._handler.on_head(head)
        if head.length is None:
            self._state = self._read_chunk_size
        elif head.length == 0:
            self._handler.on_end()
        else:
            self._left = head.length
            self._state = self._read_body
        return True

    def _read_body(self) -> bool:
        self._take()
        if self._left == 0:
            self._state = self._read_head
            self._handler.on_end()
        return True

    def _take(self) -> None:
        piece = self._buffer[: self._left]
        self._buffer = self._buffer[self._left :]
        self._left -= len(piece)
        self._handler.on_body(piece)

    def _read_line(self) -> bytes | None:
        line, end, rest = self._buffer.partition(_END)
        if not end:
            if len(line) > MAX_HEAD_BYTES:
                raise BadRequestError("a line of the chunked body has no end")
            return None
        self._buffer = rest
        return line

    def _read_chunk_size(self) -> bool:
        line = self._read_line()
        if line is None:
            return False
        match = _CHUNK_SIZE.fullmatch(line)
        if match is None:
            raise BadRequestError(f"malformed chunk size {line[:40]!r}")
        self._left = int(match[1], 16)
        self._state = self._read_chunk if self._left else self._read_trailer
        return True

    def _read_chunk(self) -> bool:
        self._take()
        if self._left == 0:
            self._state = self._read_chunk_end
        return True

    def _read_chunk_end(self) -> bool:
        if len(self._buffer) < len(_END):
            return False
        if not self._buffer.startswith(_END):
            raise BadRequestError("a chunk is not as long as its size says")
        self._buffer = self._buffer[len(_END) :]
        self._state = self._read_chunk_size
        return True

    def _read_trailer(self) -> bool:
        line = self._read_line()
        if line is None:
            return False
        if not line:
            self._state = self._read_head
            self._handler.on_end()
        elif _FIELD_LINE.fullmatch(line) is None:
            raise BadRequestError(f"malformed trailer line {line[:40]!r}")
        return True


# A load test sends the same head again and again.
@lru_cache(maxsize=256)
def parse_head(data: bytes) -> Head:
    """The head in ``data``, which ends before its empty line; raises ``BadRequestError``."""
    first, *lines = data.split(_END)
    match = _REQUEST_LINE.fullmatch(first)
    if match is None:
        raise BadRequestError(f"malformed request line {first[:60]!r}")
    pairs: list[tuple[str, str]] = []
    for line in lines:
        field = _FIELD_LINE.fullmatch(line)
        if field is None:
            raise BadRequestError(f"malformed header line {line[:60]!r}")
        pairs.append((field[1].decode("ascii"), field[2].decode("latin-1")))
    is_old = match[3] == b"0"
    names = [name.lower() for name, _ in pairs]
    if names.count("host") != 1 and not (is_old and "host" not in names):
        raise BadRequestError("a request needs one Host header")
    headers = dict(zip(names, [value for _, value in pairs], strict=True))
    tokens = [token.strip() for token in headers.get("connection", "").lower().split(",")]
    keep_alive = "keep-alive" in tokens if is_old else "close" not in tokens
    return Head(
        match[1].decode("ascii"),
        match[2].decode("ascii"),
        pairs,
        headers,
        _length(names, headers),
        keep_alive,
        headers.get("expect", "").lower() == "100-continue",
    )


def _length(names: list[str], headers: dict[str, str]) -> int | None:
    coding = headers.get("transfer-encoding")
    length = headers.get("content-length")
    if coding is not None:
        if length is not None:
            raise BadRequestError("Content-Length beside Transfer-Encoding")
        if coding.lower() != "chunked":
            raise BadRequestError(f"unknown transfer encoding {coding[:40]!r}")
        return None
    if length is None:
        return 0
    if names.count("content-length") != 1 or _LENGTH.fullmatch(length) is None:
        raise BadRequestError(f"bad Content-Length {length[:40]!r}")
    return int(length)
