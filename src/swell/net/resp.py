"""Redis's protocol RESP2: commands to bytes, and bytes to replies, however they are cut.

The source of the rules is the protocol's specification (redis.io, "RESP protocol").
"""

from collections.abc import Generator, Sequence
from typing import Final, Union

# What Redis itself allows by default (proto-max-bulk-len), and more nesting than any command gives.
MAX_BULK_BYTES: Final = 512 << 20
MAX_DEPTH: Final = 32
MAX_LINE_BYTES: Final = 64 << 10


class RedisError(Exception):
    """The server's answer to a command that it refuses; ``str()`` is its text."""


class RESPError(Exception):
    """What the peer sends is not RESP2."""


Reply = Union[None, int, bytes, RedisError, "list[Reply]"]


def encode(arguments: Sequence[bytes]) -> bytes:
    """One command with its arguments as the array of bulk strings that Redis wants."""
    pieces = [b"*%d\r\n" % len(arguments)]
    for argument in arguments:
        pieces += (b"$%d\r\n" % len(argument), argument, b"\r\n")
    return b"".join(pieces)


class ReplyParser:
    """Gives the replies that are complete; what is left of the last piece waits for the next."""

    __slots__ = ("_at", "_buffer", "_found", "_work")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._at = 0
        self._found: list[Reply] = []
        self._work = self._run()
        next(self._work)

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that ``data`` completes; raises ``RESPError`` for what is none."""
        del self._buffer[: self._at]
        self._at = 0
        self._buffer += data
        self._work.send(None)
        found, self._found = self._found, []
        return found

    def _run(self) -> Generator[None, None, None]:
        yield
        while True:
            reply = yield from self._reply(0)
            self._found.append(reply)

    def _reply(self, depth: int) -> Generator[None, None, Reply]:
        line = yield from self._line()
        kind, rest = line[:1], line[1:]
        if kind == b"+":
            return rest
        if kind == b"-":
            return RedisError(rest.decode("utf-8", "replace"))
        if kind == b":":
            return _number(rest)
        if kind == b"$":
            return (yield from self._bulk(_number(rest)))
        if kind == b"*":
            return (yield from self._array(_number(rest), depth))
        raise RESPError(f"a reply begins with {bytes(line[:16])!r}: is that a Redis server?")

    def _line(self) -> Generator[None, None, bytes]:
        searched = self._at
        while (end := self._buffer.find(b"\r\n", searched)) < 0:
            left = len(self._buffer) - self._at
            if left > MAX_LINE_BYTES:
                raise RESPError(f"a line of a reply is longer than {MAX_LINE_BYTES} bytes")
            yield
            # The buffer now begins with this line; its last byte may have been half of an end.
            searched = max(left - 1, 0)
        line = bytes(self._buffer[self._at : end])
        self._at = end + 2
        return line

    def _bulk(self, size: int) -> Generator[None, None, bytes | None]:
        if size < 0:
            return None
        if size > MAX_BULK_BYTES:
            raise RESPError(f"a reply announces {size} bytes; {MAX_BULK_BYTES} are allowed")
        while len(self._buffer) - self._at < size + 2:
            yield
        data = bytes(self._buffer[self._at : self._at + size])
        self._at += size + 2
        return data

    def _array(self, count: int, depth: int) -> Generator[None, None, "list[Reply] | None"]:
        if count < 0:
            return None
        if depth >= MAX_DEPTH:
            raise RESPError(f"a reply nests deeper than {MAX_DEPTH} arrays")
        replies: list[Reply] = []
        for _ in range(count):
            reply = yield from self._reply(depth + 1)
            replies.append(reply)
        return replies


def _number(text: bytes) -> int:
    digits = text[1:] if text[:1] in {b"-", b"+"} else text
    # What a 64 bit integer has at most.
    if not digits.isdigit() or len(digits) > 19:  # noqa: PLR2004
        raise RESPError(f"a reply has {text[:32]!r} where a number stands")
    return int(text)
