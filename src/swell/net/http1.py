"""HTTP/1.1 responses as a protocol without I/O: bytes in, one parsed response out (RFC 9112).

The parser is fed whatever arrives, in pieces of any size, and says when the response is complete. It is
strict where leniency would hide a broken server (framing) and lenient where real servers are sloppy (bare LF
line ends, missing reason phrases), as the clients of the field are.

    HEAD -> BODY_LENGTH | BODY_CHUNKED | BODY_UNTIL_CLOSE -> DONE

Interim responses (1xx except 101) are passed over. A head that was seen before, byte for byte, is not parsed
again: servers repeat theirs for as long as the Date header stays the same, which is a second.
"""

import re
from typing import Final

# A head larger than this is an attack or a mistake; Go's limit is 1 MiB, curl's 300 KiB.
MAX_HEAD_BYTES: Final = 256 * 1024
MAX_INTERIM_RESPONSES: Final = 20
# A chunk-size line with its extensions, and a line of the trailer section.
MAX_CHUNK_LINE_BYTES: Final = 8 * 1024
# What size lines may cost beyond 16 bytes and twice the content of each chunk, as in Go (CVE-2023-39326):
# else a body of a megabyte may come with gigabytes of extensions.
MAX_CHUNK_EXCESS_BYTES: Final = 16 * 1024
FREE_CHUNK_OVERHEAD_BYTES: Final = 16
# Smaller pieces are put together: an object each would take thirty times the memory of their bytes.
SMALL_PIECE_BYTES: Final = 1024
FEW_PIECES: Final = 8
MAX_REMEMBERED_HEADS: Final = 512
MAX_REMEMBERED_HEAD_BYTES: Final = 4096

_STATUS_LINE: Final = re.compile(rb"HTTP/(1\.[01]) ([1-9]\d\d)(?: ([^\r\n]*))?\r?\n")
# Possessive: a head is right or wrong at the first try, whatever its length.
_FIELD_LINES: Final = re.compile(rb"(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]++:[^\r\n\x00]*+\r?\n)*+")
_FIELD: Final = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([^\r\n\x00]*)\r?\n")
# What the client itself must know; searched in lower case, which is faster than a search that ignores case.
_FRAMING: Final = re.compile(
    rb"\n(content-length|transfer-encoding|connection|set-cookie|content-encoding):[ \t]*([^\r\n]*)"
)
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_BARE_END: Final = re.compile(rb"\r?\n\r?\n")
_CHUNK_SIZE: Final = re.compile(rb"([0-9A-Fa-f]{1,16})[ \t]*(?:;[^\r\n]*)?\r?\n")
_SMALL_SIZES: Final = {b"%x\r\n" % size: size for size in range(1, 256)}
_DIGITS: Final = re.compile(rb"\d{1,18}")

HEAD, BODY_LENGTH, BODY_CHUNKED, BODY_UNTIL_CLOSE, DONE = range(5)

# What is left of the current chunk, its line end included, or one of these.
BEFORE_SIZE: Final = -1
IN_TRAILER: Final = -2
LINE_END_BYTES: Final = 2
HEAD_END: Final = b"\r\n\r\n"
FIRST_FINAL_STATUS: Final = 200
CONTINUE: Final = 100
SWITCHING_PROTOCOLS: Final = 101


class ProtocolError(Exception):
    """The bytes are not a well-formed response; the text says where they stop being one."""


class BodyTooLargeError(Exception):
    """The body grew over the limit."""


class TruncatedError(Exception):
    """The peer closed before the response was complete."""


class ResponseHead:
    """The parsed status line and header fields of a response; ``encoding`` names the content codings."""

    __slots__ = (
        "_lines",
        "chunked",
        "close",
        "encoding",
        "has_cookies",
        "http_version",
        "length",
        "reason",
        "status",
    )

    def __init__(self, http_version: str, status: int, reason: str, lines: bytes) -> None:
        self.http_version = http_version
        self.status = status
        self.reason = reason
        self.length: int | None = None
        self.chunked = False
        self.close = http_version == "1.0"
        self.has_cookies = False
        self.encoding = b""
        self._lines = lines

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """All fields in order; parsed on each call, as most responses are never asked for them."""
        return [(name, value.rstrip(b" \t")) for name, value in _FIELD.findall(self._lines)]

    def values(self, name: bytes) -> list[bytes]:
        """All values of the field ``name`` (lower case)."""
        return [value for key, value in self.fields if key.lower() == name]


def parse_head(data: bytes) -> ResponseHead:
    """Parse a head that includes its empty last line.

    Raises ``ProtocolError`` for anything that is not a response head.
    """
    match = _STATUS_LINE.match(data)
    if match is None:
        raise ProtocolError(f"malformed status line {data[:40]!r}")
    version, status, reason = match.groups()
    start = match.end()
    if b"\n " in data or b"\n\t" in data:
        # Obsolete line folding (RFC 9112, 5.2): a client may replace it with a space.
        data = data[:start] + _FOLD.sub(b" ", data[start:])
    end = _FIELD_LINES.match(data, start).end()  # type: ignore[union-attr]  # it matches nothing, too
    if data[end:] not in (b"\r\n", b"\n"):
        raise ProtocolError(f"malformed header line {data[end : end + 40]!r}")
    lines = data[start:end]
    head = ResponseHead(version.decode(), int(status), (reason or b"").decode("latin-1"), lines)
    # The line feed before the first field is the status line's.
    for name, value in _FRAMING.findall(data[start - 1 : end].lower()):
        _take_framing(head, name, value.rstrip(b" \t"))
    if head.chunked and head.length is not None:
        # Chunked wins, and the connection is not to be trusted afterwards (RFC 9112, 6.3).
        head.length = None
        head.close = True
    return head


def _take_framing(head: ResponseHead, name: bytes, value: bytes) -> None:
    """Note how the body ends (RFC 9112, 6.3; with no coding but chunked, as Go) and what else matters."""
    if name == b"content-length":
        _set_length(head, value)
    elif name == b"transfer-encoding":
        if value != b"chunked":
            raise ProtocolError(f"unsupported transfer encoding {value[:40]!r}")
        head.chunked = True
    elif name == b"connection":
        tokens = [token.strip() for token in value.split(b",")]
        if b"close" in tokens:
            head.close = True
        elif b"keep-alive" in tokens and head.http_version == "1.0":
            head.close = False
    elif name == b"set-cookie":
        head.has_cookies = True
    else:
        head.encoding = head.encoding + b"," + value if head.encoding else value


def _set_length(head: ResponseHead, value: bytes) -> None:
    if _DIGITS.fullmatch(value) is None:
        # A list of equal lengths is one length (RFC 9110, 8.6); everything else is none.
        lengths = {part.strip() for part in value.split(b",")}
        value = lengths.pop() if len(lengths) == 1 else b""
        if _DIGITS.fullmatch(value) is None:
            raise ProtocolError(f"bad content length {value[:40]!r}")
    length = int(value)
    if head.length is not None and head.length != length:
        raise ProtocolError("two different content lengths")
    head.length = length


_remembered: dict[bytes, ResponseHead] = {}


def _remember(data: bytes) -> ResponseHead:
    head = parse_head(data)
    if len(data) <= MAX_REMEMBERED_HEAD_BYTES:
        if len(_remembered) >= MAX_REMEMBERED_HEADS:
            _remembered.clear()
        _remembered[data] = head
    return head


def _first_end(head: bytes) -> int:
    """Where ``head`` ends at its first empty line: behind bare line feeds, CRLF CRLF may be the body's."""
    bare, mixed = head.find(b"\n\n"), head.find(b"\n\r\n")
    return bare + 2 if 0 <= bare < mixed or mixed < 0 else mixed + 3


def _head_too_large() -> ProtocolError:
    return ProtocolError(f"the response header is larger than {MAX_HEAD_BYTES} bytes")


class ResponseParser:
    """Parses one response after another on one connection.

    Call ``start`` for each request, then ``feed`` with what arrives and ``feed_eof`` at the end of the
    stream; both return True once the response is complete: ``head`` and ``body`` hold it, ``can_reuse`` says
    whether the connection may carry another request.
    """

    __slots__ = (
        "_buffer",
        "_chunks",
        "_discard",
        "_excess",
        "_interim",
        "_is_head_request",
        "_max_body",
        "_remaining",
        "_size",
        "body",
        "can_reuse",
        "head",
        "last_interim",
        "state",
    )

    def __init__(self) -> None:
        self._buffer: bytes | bytearray = b""
        self._chunks: list[bytes | bytearray] | None = None
        self._discard = False
        self._excess = 0
        self._interim = 0
        self._is_head_request = False
        self._max_body = 0
        self._remaining = BEFORE_SIZE
        self._size = 0
        self.head: ResponseHead | None = None
        self.body = b""
        self.can_reuse = False
        # The status of the interim response that came last; not reset by ``start``, as few ask for it.
        self.last_interim = 0
        self.state = DONE

    def start(self, *, is_head_request: bool, discard: bool, max_body: int) -> None:
        """Expect a new response of ``max_body`` bytes at most, none of them kept where ``discard`` is set."""
        self._buffer = b""
        self._chunks = None
        self._interim = 0
        self._size = 0
        self._discard = discard
        self._is_head_request = is_head_request
        self._max_body = max_body
        self.head = None
        self.body = b""
        self.can_reuse = False
        self.state = HEAD

    def feed(self, data: bytes) -> bool:
        """Take ``data``; True when the response is complete.

        Raises ``ProtocolError`` or ``BodyTooLargeError``; the connection is of no further use then.
        """
        if self.state == HEAD:
            if self._buffer:
                return self._feed_rest_of_head(data)
            end = data.find(HEAD_END) + 4
            if end < len(HEAD_END) and (end := self._find_unusual_end(data, 0)) == 0:
                self._buffer = data
                return False
            raw = data[:end]
            head = _remembered.get(raw)
            if head is None:
                end = _first_end(raw)
                raw = raw[:end]
                if end > MAX_HEAD_BYTES:
                    raise _head_too_large()
                head = _remember(raw)
            if head.status < FIRST_FINAL_STATUS:
                return self._skip_interim(head, data[end:])
            self.head = head
            self._buffer = b""
            length = head.length
            if (
                length is not None
                and len(data) - end == length <= self._max_body
                and not self._is_head_request
                and head.status not in (204, 304)
            ):
                # The common case: the whole response arrived in one piece.
                if not self._discard:
                    self.body = data[end:]
                self.state = DONE
                self.can_reuse = not head.close
                return True
            return self._begin_body(head, data[end:])
        if self.state == DONE:
            # Bytes behind a complete response: the framing is off, do not use the connection again.
            self.can_reuse = False
            return True
        return self._feed_body(data)

    def feed_eof(self, *, is_clean: bool = True) -> bool:
        """The stream has ended; True when that completes the response, else raises ``TruncatedError``.

        ``is_clean`` is False where TLS did not say that this is the end: then nobody knows whether a body of
        no given length was whole (RFC 9112, 9.8).
        """
        self.can_reuse = False
        if self.state == BODY_UNTIL_CLOSE and is_clean:
            self._finish()
            self.can_reuse = False
            return True
        if self.state == DONE:
            return True
        if self.state == HEAD and not self._buffer and not self._interim:
            raise TruncatedError("the server closed the connection without a response")
        where = "header" if self.state == HEAD else "body"
        raise TruncatedError(f"the response ended in the middle of its {where}")

    # Head

    def _find_unusual_end(self, data: bytes | bytearray, start: int) -> int:
        """The end of a head with bare line feeds that lies behind ``start``, or 0 while it is incomplete."""
        match = _BARE_END.search(data, start)
        if match is not None:
            return match.end()
        if len(data) > MAX_HEAD_BYTES:
            raise _head_too_large()
        if not data.startswith(b"HTTP/"[: len(data)]):
            raise ProtocolError(f"malformed status line {bytes(data[:40])!r}")
        return 0

    def _feed_rest_of_head(self, data: bytes) -> bool:
        """Add to a head that came in part; each byte is copied and looked at once, however they come."""
        buffer = self._buffer
        if not isinstance(buffer, bytearray):
            self._buffer = buffer = bytearray(buffer)
        # An end may have begun in what was there, by up to three bytes.
        start = max(0, len(buffer) - 3)
        buffer += data
        if buffer.find(HEAD_END, start) < 0 and self._find_unusual_end(buffer, start) == 0:
            return False
        self._buffer = b""
        return self.feed(bytes(buffer))

    def _skip_interim(self, head: ResponseHead, rest: bytes) -> bool:
        if head.status == SWITCHING_PROTOCOLS:
            raise ProtocolError("the server switched protocols without being asked to")
        self._interim += 1
        self.last_interim = head.status
        if self._interim > MAX_INTERIM_RESPONSES:
            raise ProtocolError(f"more than {MAX_INTERIM_RESPONSES} interim responses")
        self._buffer = b""
        return self.feed(rest) if rest else False

    def _begin_body(self, head: ResponseHead, rest: bytes) -> bool:
        if self._is_head_request or head.status in (204, 304) or head.length == 0:
            self.state = DONE
            self.can_reuse = not head.close and not rest
            return True
        if head.chunked:
            self.state = BODY_CHUNKED
            self._remaining = BEFORE_SIZE
            self._excess = 0
        elif head.length is not None:
            if head.length > self._max_body:
                raise BodyTooLargeError(
                    f"the body of {head.length} bytes is over the limit of {self._max_body}"
                )
            self.state = BODY_LENGTH
            self._remaining = head.length
        else:
            self.state = BODY_UNTIL_CLOSE
        self._chunks = []
        return self._feed_body(rest) if rest else False

    # Body

    def _feed_body(self, data: bytes) -> bool:
        if self.state == BODY_LENGTH:
            extra = len(data) - self._remaining
            if extra >= 0:
                self._keep(data[: self._remaining] if extra else data)
                self._finish()
                if extra:
                    self.can_reuse = False
                return True
            self._remaining -= len(data)
            self._keep(data)
            return False
        if self.state == BODY_UNTIL_CLOSE:
            self._keep(data)
            return False
        return self._feed_chunked(data)

    def _feed_chunked(self, data: bytes) -> bool:
        if self._buffer:
            data = bytes(self._buffer + data)
            self._buffer = b""
        # What this feed has of the chunks is kept at once: a server may send a byte in each.
        parts: list[bytes] = []
        position, stop = 0, len(data)
        remaining = self._remaining
        while position < stop and remaining != IN_TRAILER:
            if remaining > LINE_END_BYTES:
                end = position + remaining - LINE_END_BYTES
                parts.append(data[position:end])
                remaining = LINE_END_BYTES if end <= stop else remaining - (stop - position)
                position = end
            elif remaining == LINE_END_BYTES and data.startswith(b"\r\n", position):
                remaining = BEFORE_SIZE
                position += LINE_END_BYTES
            elif remaining > 0:
                remaining = _after_line_end(data[position : position + 1], remaining)
                position += 1
            else:
                end = _line_end(data, position)
                if end == 0:
                    break
                size = _SMALL_SIZES.get(data[position:end])
                if size is not None and data.startswith(b"\r\n", end + size):
                    # A small chunk that is whole: a server may send a hundred thousand in one second.
                    parts.append(data[end : end + size])
                    position = end + size + LINE_END_BYTES
                    continue
                remaining = self._chunk_size(data, position, end)
                position = end
        self._remaining = remaining
        if parts:
            self._keep(b"".join(parts) if len(parts) > 1 else parts[0])
        if remaining == IN_TRAILER:
            return self._feed_trailer(data, position)
        self._buffer = data[position:]
        return False

    def _chunk_size(self, data: bytes, start: int, end: int) -> int:
        """What remains of the chunk whose size line stands from ``start`` to ``end``, with its line end."""
        match = _CHUNK_SIZE.fullmatch(data, start, end)
        if match is None:
            raise ProtocolError(f"malformed chunk size {data[start : min(end, start + 40)]!r}")
        size = int(match[1], 16)
        if size == 0:
            self._excess = 0
            return IN_TRAILER
        self._excess = max(0, self._excess + end - start - FREE_CHUNK_OVERHEAD_BYTES - 2 * size)
        if self._excess > MAX_CHUNK_EXCESS_BYTES:
            raise ProtocolError("the chunk-size lines are larger than the chunks")
        return size + LINE_END_BYTES

    def _feed_trailer(self, data: bytes, position: int) -> bool:
        """Pass over trailer fields; True at the empty line that ends them."""
        while (end := _line_end(data, position)) > 0:
            line = data[position:end]
            position = end
            if line in (b"\r\n", b"\n"):
                self._finish()
                if position < len(data):
                    self.can_reuse = False
                return True
            self._excess += len(line)
            if self._excess > MAX_HEAD_BYTES:
                raise ProtocolError("the trailer section has no end")
        self._buffer = data[position:]
        return False

    def _keep(self, data: bytes) -> None:
        self._size += len(data)
        if self._size > self._max_body:
            raise BodyTooLargeError(f"the body is over the limit of {self._max_body} bytes")
        if self._discard:
            return
        chunks = self._chunks
        assert chunks is not None  # noqa: S101  # set by _begin_body
        if len(data) >= SMALL_PIECE_BYTES or len(chunks) < FEW_PIECES:
            chunks.append(data)
        elif isinstance(chunks[-1], bytearray):
            chunks[-1] += data
        else:
            chunks.append(bytearray(data))

    def _finish(self) -> None:
        chunks = self._chunks or ()
        self.body = bytes(chunks[0]) if len(chunks) == 1 else b"".join(chunks)
        self._chunks = None
        self.state = DONE
        self.can_reuse = self.head is not None and not self.head.close


def _line_end(data: bytes, start: int) -> int:
    """The end of the line that begins at ``start``, its line feed included, or 0 while it is incomplete."""
    end = data.find(b"\n", start, start + MAX_CHUNK_LINE_BYTES) + 1
    if not end and len(data) - start >= MAX_CHUNK_LINE_BYTES:
        raise ProtocolError("a chunk-size or trailer line has no end")
    return end


def _after_line_end(byte: bytes, remaining: int) -> int:
    """What remains of a chunk of which only the line end is missing: CRLF in two pieces, or a bare LF."""
    if byte == b"\n":
        return BEFORE_SIZE
    if byte == b"\r" and remaining == LINE_END_BYTES:
        return 1
    raise ProtocolError("a chunk is longer than its size says")
