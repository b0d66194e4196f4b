"""Length-prefixed msgpack frames over a stream: bytes in, frames out, and the coordinator's end of it.

A frame is four bytes of length (big-endian) and that many bytes of msgpack. ``FrameDecoder`` owns no
socket; ``PeerChannel`` is driven by a selector (the worker's end, which needs gevent, is
``uplink.WorkerChannel``). Both sides trust each other's code but not each other's health: a frame that is too
long, or is no frame, ends the conversation with ``FrameError``.
"""

import socket
from collections.abc import Iterator
from typing import Generic, TypeVar

import msgspec

from swell.base.errors import ExitCode, SwellError
from swell.base.text import well_formed
from swell.engine.frames import LENGTH, MAX_FRAME_BYTES, Down, Up

T = TypeVar("T")

# One read takes what a socket pair's buffer holds by default on Linux.
READ_BYTES = 256 * 1024
# A selector round reads at most this much from one worker, so that one talker does not starve the others.
READ_BUDGET_BYTES = 4 * 1024 * 1024

_encoder = msgspec.msgpack.Encoder()


class FrameError(SwellError):
    """What arrived is no frame, or one is too long."""

    exit_code = ExitCode.INTERNAL_ERROR
    slug = "bad-frame"


def encode_frame(frame: msgspec.Struct, limit: int = MAX_FRAME_BYTES) -> bytes:
    """``frame`` as bytes for the wire; raises ``FrameError`` where it is longer than ``limit`` bytes."""
    try:
        body = _encoder.encode(frame)
    except UnicodeEncodeError:
        # Of a script's own making, or out of a target's JSON: no reason to lose what else the frame says.
        plain = msgspec.to_builtins(frame, builtin_types=(bytes,), str_keys=False)
        body = _encoder.encode(_well_formed(plain))
    if len(body) > limit:
        raise FrameError(f"a {type(frame).__name__} frame of {len(body)} bytes is over the limit of {limit}")
    return LENGTH.pack(len(body)) + body


def _well_formed(value: object) -> object:
    """A frame's plain values with all text such as UTF-8 can write."""
    match value:
        case str():
            return well_formed(value)
        case dict():
            return {_well_formed(name): _well_formed(part) for name, part in value.items()}
        case list() | tuple():
            return [_well_formed(part) for part in value]
        case _:
            return value


class FrameDecoder(Generic[T]):
    """Turns a stream of bytes, cut anywhere, into the frames of one direction."""

    def __init__(self, frame_type: type[T] | object, limit: int = MAX_FRAME_BYTES) -> None:
        self._decode: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(frame_type)
        self._limit = limit
        self._buffer = bytearray()

    def __repr__(self) -> str:
        return f"<FrameDecoder {len(self._buffer)} bytes pending>"

    @property
    def pending_bytes(self) -> int:
        """Bytes of a frame that is not complete; not 0 at the end of the stream means it was cut."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the stream."""
        self._buffer += data

    def next_frame(self) -> T | None:
        """The next complete frame, or None until more bytes come; raises ``FrameError``."""
        buffer = self._buffer
        if len(buffer) < LENGTH.size:
            return None
        (length,) = LENGTH.unpack_from(buffer)
        if length > self._limit:
            raise FrameError(f"a frame announces {length} bytes; the limit is {self._limit}")
        end = LENGTH.size + length
        if len(buffer) < end:
            return None
        with memoryview(buffer) as view:
            body = bytes(view[LENGTH.size : end])
        del buffer[:end]
        try:
            return self._decode.decode(body)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise FrameError(f"a frame of {length} bytes cannot be read: {error}") from error

    def frames(self) -> Iterator[T]:
        """All complete frames; raises ``FrameError`` after the good ones before a bad one."""
        while (frame := self.next_frame()) is not None:
            yield frame


class PeerChannel(Generic[T]):
    """The coordinator's end of a connection to one worker: non-blocking, driven by a selector."""

    def __init__(self, connection: socket.socket, frame_type: type[T] | object = Up) -> None:
        connection.setblocking(False)
        self._socket = connection
        self._decoder: FrameDecoder[T] = FrameDecoder(frame_type)
        self._out = bytearray()
        self.is_closed = False

    def __repr__(self) -> str:
        return f"<PeerChannel fd={self._socket.fileno()} {len(self._out)} bytes to write>"

    def fileno(self) -> int:
        """The descriptor for the selector."""
        return self._socket.fileno()

    @property
    def wants_write(self) -> bool:
        """Whether to call ``write`` when the socket becomes writable."""
        return bool(self._out) and not self.is_closed

    def send(self, frame: Down) -> None:
        """Queue ``frame`` and write what the socket takes now; nothing happens on a closed connection."""
        if self.is_closed:
            return
        self._out += encode_frame(frame)
        self.write()

    def write(self) -> None:
        """Write what the socket takes now. A peer that is gone shows when reading, not here."""
        while self._out:
            try:
                written = self._socket.send(self._out)
            except BlockingIOError:
                return
            except OSError:
                self._out.clear()
                return
            del self._out[:written]

    def read(self) -> Iterator[T]:
        """The frames that have arrived; ``is_closed`` at the end of the stream. Raises ``FrameError``."""
        budget = READ_BUDGET_BYTES
        while budget > 0:
            try:
                data = self._socket.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self.is_closed = True
                return
            budget -= len(data)
            self._decoder.feed(data)
            yield from self._decoder.frames()

    def close(self) -> None:
        """Close the connection; the worker sees its end."""
        self.is_closed = True
        self._out.clear()
        self._socket.close()
