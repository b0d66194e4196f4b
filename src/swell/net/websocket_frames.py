"""The frames of one WebSocket: bytes in, messages out, and the other way, without a socket (RFC 6455, 5).

It takes over when the handshake is done. A whole message in one frame is the case that is made fast; what is
rare goes a longer way. permessage-deflate and the check of close frames are the ``websockets`` library's.
"""

from collections.abc import Callable, Iterator, Sequence
from os import urandom
from struct import Struct
from typing import TYPE_CHECKING, Any, Final, NamedTuple, cast
from zlib import decompressobj

from websockets.exceptions import PayloadTooBig, ProtocolError
from websockets.extensions import Extension
from websockets.frames import Close, Frame, Opcode

try:
    from websockets.speedups import apply_mask as apply_mask  # noqa: PLC0414  # used elsewhere, too
except ImportError:
    # Built without its C part, which takes a compiler where there is no wheel.
    from websockets.utils import apply_mask as apply_mask  # noqa: PLC0414

if TYPE_CHECKING:
    from websockets.extensions.permessage_deflate import PerMessageDeflate

# First bytes of frames: FIN and the opcode.
TEXT, BINARY, CLOSE, PING, PONG = 0x81, 0x82, 0x88, 0x89, 0x8A
# Without FIN the message goes on; in the continuation frames the opcode is 0.
FIN: Final = 0x80
CONTINUATION: Final = 0x00
MAX_CONTROL_BYTES: Final = 125

_OPCODE: Final = 0x0F
_RESERVED: Final = 0x70
# Of the reserved bits, the one that says that a message is compressed (RFC 7692).
_COMPRESSED: Final = 0x40
_CONTROL: Final = 0x08
_MASKED: Final = 0x80
_OPCODES: Final = frozenset(int(each) for each in Opcode)
_WHOLES: Final = frozenset({TEXT, BINARY})
# Opcodes that begin a message.
_BEGINNINGS: Final = frozenset(first & _OPCODE for first in _WHOLES)
# A length of up to 125 stands in the second byte; 126 and 127 there say that it follows, in 2 bytes or in 8.
_LENGTH_16, _LENGTH_64 = 126, 127
_MAX_16: Final = 0xFFFF
_HEAD_BYTES: Final = 2
_pack_head = Struct("!BB4s").pack
_pack_head_16 = Struct("!BBH4s").pack
_pack_head_64 = Struct("!BBQ4s").pack
# What a compressor leaves out at the end of each message, how far back it refers, and a bound for what blocks
# that are stored as they are cost: less than one byte in so many, and so many besides.
_EMPTY_BLOCK: Final = b"\x00\x00\xff\xff"
_MAX_WINDOW: Final = 1 << 15
_STORED_BYTES: Final = 128
_POOL_BYTES: Final = 4096


def _keys() -> Iterator[bytes]:
    """Masking keys that nobody can foresee (RFC 6455, 10.3), a thousand for each call of the system."""
    while True:
        pool = urandom(_POOL_BYTES)
        yield from [pool[at : at + 4] for at in range(0, _POOL_BYTES, 4)]


_next_key = _keys().__next__


def masked(first: int, payload: bytes | bytearray) -> bytes:
    """The bytes of one frame of a client; ``first`` is its first byte."""
    length = len(payload)
    key = _next_key()
    if length < _LENGTH_16:
        return _pack_head(first, _MASKED | length, key) + apply_mask(payload, key)
    if length <= _MAX_16:
        return _pack_head_16(first, _MASKED | _LENGTH_16, length, key) + apply_mask(payload, key)
    return _pack_head_64(first, _MASKED | _LENGTH_64, length, key) + apply_mask(payload, key)


def _length_bytes(second: int) -> int:
    """How many bytes behind the second one hold the length."""
    if second & _MASKED:
        raise ProtocolError("incorrect masking")
    return 2 if second == _LENGTH_16 else 8


class _Deflate:
    """permessage-deflate as the handshake agreed on it (RFC 7692); the library's, for frames of its own."""

    def __init__(self, extension: Extension) -> None:
        self._extension = extension

    def encode(self, first: int, payload: bytes | bytearray) -> bytes:
        """As ``masked``, compressed where the frame is one of a message."""
        frame = self._extension.encode(Frame(Opcode(first & _OPCODE), payload, bool(first & FIN)))
        return masked(first | (_COMPRESSED if frame.rsv1 else 0), bytes(frame.data))

    def decode(self, first: int, payload: bytes, room: int) -> bytes:
        """The content of a frame of a message. Raises ``PayloadTooBig`` where it is more than ``room``."""
        frame = Frame(Opcode(first & _OPCODE), payload, bool(first & FIN), bool(first & _COMPRESSED))
        # To the library's decompressor, room for nothing would be room without end.
        content = bytes(self._extension.decode(frame, max_size=max(room, 1)).data)
        if len(content) > room:
            raise PayloadTooBig(len(content), room)
        decoder = getattr(self._extension, "decoder", None)
        if decoder is not None and decoder.eof:
            self._go_on(decoder, content)
        return content

    def _go_on(self, ended: Any, content: bytes) -> None:
        """A peer may end the compressed stream with a message and begin anew (7.2.3.5); zlib may not."""
        if ended.unused_data.removesuffix(_EMPTY_BLOCK).strip(b"\0"):
            raise ProtocolError("decompression failed")
        bits = -cast("PerMessageDeflate", self._extension).remote_max_window_bits
        self._extension.decoder = decompressobj(bits, zdict=content[-_MAX_WINDOW:])  # type: ignore[attr-defined]  # it has one


class Control(NamedTuple):
    """A control frame that came in: ``kind`` is ``PING``, ``PONG`` or ``CLOSE``."""

    kind: int
    payload: bytes
    # Of a close frame; 1005 stands for none (RFC 6455, 7.4.1).
    code: int = 0
    reason: str = ""


class Frames:
    """Reads the peer's frames and makes ours.

    Attributes:
        encode: gives the bytes of one frame, from its first byte and its payload.
        error: why the peer's bytes cannot be read on, as the library's ``ProtocolError`` or
            ``PayloadTooBig``, or as ``UnicodeDecodeError``. What ``feed`` gave until then stands.
    """

    __slots__ = (
        "__weakref__",
        "_deflate",
        "_is_text",
        "_kept",
        "_max_size",
        "_needed",
        "_parts",
        "_size",
        "encode",
        "error",
    )

    def __init__(self, max_size: int, extensions: Sequence[Extension] = ()) -> None:
        """``max_size`` bounds a message, decompressed; ``extensions`` are what the handshake agreed on."""
        self._max_size = max_size
        # permessage-deflate is the only one that we ever offer.
        self._deflate = _Deflate(extensions[0]) if extensions else None
        # The beginning of a frame; no use to look at it before there is this much.
        self._kept: bytearray | None = None
        self._needed = 0
        # Of the message that is not whole yet: what has come, and how much that is.
        self._parts: list[bytes] | None = None
        self._size = 0
        self._is_text = False
        self.encode: Callable[[int, bytes | bytearray], bytes] = (
            masked if self._deflate is None else self._deflate.encode
        )
        self.error: Exception | None = None

    def feed(self, data: bytes) -> "list[str | bytes | Control]":
        """What ``data`` completes, to a close frame or an error: texts, binary messages, control frames."""
        if self._kept is not None:
            self._kept += data
            if len(self._kept) < self._needed:
                return []
            data, self._kept = bytes(self._kept), None
        made: list[str | bytes | Control] = []
        at, size, needed = 0, len(data), _HEAD_BYTES
        try:
            while size - at >= _HEAD_BYTES:
                first, length = data[at], data[at + 1]
                start = at + _HEAD_BYTES
                if length >= _LENGTH_16:
                    start += _length_bytes(length)
                    if start > size:
                        needed = start - at
                        break
                    length = int.from_bytes(data[at + _HEAD_BYTES : start])
                is_whole = first in _WHOLES and self._parts is None and length <= self._max_size
                if not is_whole:
                    self._check(first, length)
                end = start + length
                if end > size:
                    needed = end - at
                    break
                payload = data[start:end]
                at = end
                if is_whole:
                    made.append(payload.decode() if first == TEXT else payload)
                    continue
                item = self._take(first, payload)
                if item is not None:
                    made.append(item)
                if first == CLOSE:
                    return made
        except (ProtocolError, PayloadTooBig, UnicodeDecodeError) as error:
            self.error = error
            return made
        if at < size:
            self._kept, self._needed = bytearray(data[at:]), needed
        return made

    def _check(self, first: int, length: int) -> None:
        """Whether a frame may begin so, where the message before it stands."""
        opcode, reserved = first & _OPCODE, first & _RESERVED
        if opcode not in _OPCODES:
            raise ProtocolError("invalid opcode")
        may_be_compressed = self._deflate is not None and opcode in _BEGINNINGS
        if reserved and not (reserved == _COMPRESSED and may_be_compressed):
            raise ProtocolError("reserved bits must be 0")
        if opcode & _CONTROL:
            if length > MAX_CONTROL_BYTES:
                raise ProtocolError("control frame too long")
            if not first & FIN:
                raise ProtocolError("fragmented control frame")
            return
        if opcode in _BEGINNINGS and self._parts is not None:
            raise ProtocolError("expected a continuation frame")
        if opcode not in _BEGINNINGS and self._parts is None:
            raise ProtocolError("unexpected continuation frame")
        most = self._max_size - self._size
        if self._deflate is not None:
            # What cannot be compressed grows a little; decompressed it is looked at again.
            most += most // _STORED_BYTES + _STORED_BYTES
        if length > most:
            raise PayloadTooBig(length, self._max_size, self._size)

    def _take(self, first: int, payload: bytes) -> "str | bytes | Control | None":
        """What a frame is or completes, where ``_check`` has let it pass."""
        opcode = first & _OPCODE
        if first == CLOSE:
            close = Close.parse(payload)
            if self._parts is not None:
                raise ProtocolError("incomplete fragmented message")
            return Control(first, payload, int(close.code), close.reason)
        if opcode & _CONTROL:
            return Control(first, payload)
        if self._deflate is not None:
            payload = self._deflate.decode(first, payload, self._max_size - self._size)
        if self._parts is None:
            self._parts, self._is_text = [], opcode == TEXT & _OPCODE
        if payload:
            # Fragments of nothing may come without end.
            self._parts.append(payload)
        self._size += len(payload)
        if not first & FIN:
            return None
        whole = b"".join(self._parts)
        self._parts, self._size = None, 0
        return whole.decode() if self._is_text else whole


def close_payload(code: int | None, reason: str) -> bytes:
    """What a close frame carries.

    Raises ``ProtocolError`` for a code or reason that may not be sent (RFC 6455, 7.4; 123 bytes).
    """
    if code is None:
        if reason:
            raise ProtocolError("cannot send a reason without a code")
        return b""
    payload = Close(code, reason).serialize()
    if len(payload) > MAX_CONTROL_BYTES:
        raise ProtocolError("control frame too long")
    return payload
