"""Keeps what arrived of a streamed body until it is asked for: apart, with the kernel's stamps, and bounded.

Above ``BUFFERED_BYTES`` the connection is not read, and the server is slowed down by TCP.
"""

from collections import deque
from typing import TYPE_CHECKING, Final, NamedTuple

from swell.net.http1 import DONE, ResponseParser

if TYPE_CHECKING:
    from swell.net.transport import Connection

BUFFERED_BYTES: Final = 256 * 1024
# What a piece costs besides its bytes: a server may send them one by one.
PIECE_BYTES: Final = 150


class Piece(NamedTuple):
    """A part of a body and when the kernel received its last byte (monotonic)."""

    data: bytes
    received_ns: int


class StreamParser(ResponseParser):
    """Keeps the pieces of the body apart; ``feed`` says True while there is something for the reader."""

    __slots__ = ("_buffered", "_connection", "_is_paused", "is_head_taken", "pieces")

    def __init__(self, connection: "Connection") -> None:
        super().__init__()
        self._connection = connection
        self._buffered = 0
        self._is_paused = False
        self.is_head_taken = False
        self.pieces: deque[Piece] = deque()

    def feed(self, data: bytes) -> bool:
        """Take ``data``; True when there is a head not taken yet, a piece, or the end."""
        super().feed(data)
        if self.body:
            self._keep(self.body)
            self.body = b""
        return self.has_news

    @property
    def has_news(self) -> bool:
        """Whether the reader has something to do."""
        return bool(self.pieces) or self.state == DONE or (self.head is not None and not self.is_head_taken)

    def _keep(self, data: bytes) -> None:
        self.pieces.append(Piece(data, self._connection.last_byte_ns))
        self._buffered += len(data) + PIECE_BYTES
        if self._buffered >= BUFFERED_BYTES and not self._is_paused:
            self._is_paused = True
            self._connection.pause_reading()

    def take(self) -> Piece:
        """The next piece; with the last one the connection is read again."""
        piece = self.pieces.popleft()
        self._buffered -= len(piece.data) + PIECE_BYTES
        if self._is_paused and not self.pieces:
            self._is_paused = False
            self._connection.resume_reading()
        return piece
