"""Response bodies out of their content encodings: gzip, deflate, br, zstd, one or several.

Every decoder is stopped at a limit of output, because a few kilobytes can hold gigabytes; and each must reach
the end of its stream, because a body that is cut short is a failure of the target, not a shorter body. An
encoding that is not known leaves the body as it came (k6).
"""

import re
import zlib
from collections.abc import Callable
from typing import Final

import brotli  # type: ignore[import-untyped]
import zstandard

from swell.net.failure import BODY_TOO_LARGE, DECOMPRESSION, Failure

# More layers than any server has a use for; each may multiply the work by a thousand.
MAX_LAYERS: Final = 5
# gzip members and zstd frames of one body: files of genomes have one per 64 KiB; empty ones have 9 bytes.
MAX_STREAMS: Final = 10_000
# What is decoded at once; more is decoded in another thread, as it would hold up every VU of the worker.
INLINE_CONTENT_BYTES: Final = 256 * 1024
INLINE_OUTPUT_BYTES: Final = 1024 * 1024
_TOO_LARGE: Final = Failure(BODY_TOO_LARGE, "decompress: body larger than max_response_body_bytes")
# A zstd block of 4 bytes may say 128 KiB, so what one piece can yield beyond the limit is 32 MiB.
_ZSTD_PIECE: Final = 1024
_GZIP_PIECE: Final = 65536
_PADDING: Final = re.compile(rb"\x00*")
_ZSTD_MAGIC: Final = b"\x28\xb5\x2f\xfd"
_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15


class _TooManyStreamsError(Exception):
    """The body is made of ever more streams, each with next to nothing in it."""


def decode_fairly(content: bytes, encoding: str | bytes, limit: int) -> bytes | Failure:
    """As ``decode``, for a greenlet: what takes long is done in a thread, while other VUs go on."""
    if len(content) <= INLINE_CONTENT_BYTES:
        decoded = decode(content, encoding, min(limit, INLINE_OUTPUT_BYTES))
        if decoded is not _TOO_LARGE or limit <= INLINE_OUTPUT_BYTES:
            return decoded
    from gevent import get_hub  # noqa: PLC0415  # decoding alone needs none

    result: bytes | Failure = get_hub().threadpool.apply(decode, (content, encoding, limit))
    return result


def decode(content: bytes, encoding: str | bytes, limit: int) -> bytes | Failure:
    """``content`` decoded from what ``encoding`` (the Content-Encoding values, joined with commas) names.

    Gives a ``Failure`` 1701 for content that is no such stream or is cut short, 1232 when the result would be
    larger than ``limit`` bytes. Empty content stays empty.
    """
    if not content:
        return content
    text = encoding.decode("latin-1") if isinstance(encoding, bytes) else encoding
    names = [name for part in text.split(",") if (name := part.strip().lower()) and name != "identity"]
    if len(names) > MAX_LAYERS:
        return Failure(DECOMPRESSION, f"decompress: more than {MAX_LAYERS} content encodings")
    for name in reversed(names):  # the last one named was applied last
        decoder = _DECODERS.get(name)
        if decoder is None:
            return content
        try:
            decoded = decoder(content, limit)
        except (zlib.error, brotli.error, zstandard.ZstdError):
            return Failure(DECOMPRESSION, f"decompress: the body is not {name}")
        except _TooManyStreamsError:
            return Failure(DECOMPRESSION, f"decompress: more than {MAX_STREAMS} {name} streams in one body")
        except EOFError:
            return Failure(DECOMPRESSION, f"decompress: the {name} body is cut short")
        if decoded is None:
            return _TOO_LARGE
        content = decoded
    return content


# One decoder per encoding: the result, or None when it is over the limit. ``EOFError`` for a stream cut
# short.


def _gzip(content: bytes, limit: int) -> bytes | None:
    """One or more members (RFC 1952); zero bytes after one are padding."""
    view = memoryview(content)
    pieces: list[bytes] = []
    size = position = members = 0
    while position < len(content):
        members += 1
        if members > MAX_STREAMS:
            raise _TooManyStreamsError
        decoder = zlib.decompressobj(_GZIP_WINDOW)
        while not decoder.eof:
            # After the first member in windows, because what is left over behind one is a copy.
            window = view[position : position + _GZIP_PIECE] if members > 1 else view[position:]
            if not window:
                raise EOFError
            piece = decoder.decompress(window, limit - size + 1)
            size += len(piece)
            if size > limit:
                return None
            pieces.append(piece)
            position += len(window) - len(decoder.unused_data)
        position = _PADDING.match(content, position).end()  # type: ignore[union-attr]  # it matches nothing too
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


def _deflate(content: bytes, limit: int) -> bytes | None:
    """RFC 9110 means zlib's format, some servers send the bare stream; what follows the end is ignored."""
    # RFC 1950: the method is 8 and the first two bytes are a multiple of 31.
    has_header = len(content) > 1 and content[0] & 15 == 8 and (content[0] * 256 + content[1]) % 31 == 0  # noqa: PLR2004
    if has_header:
        try:
            return _inflate(content, limit, _ZLIB_WINDOW)[0]
        except zlib.error:
            pass  # the first two bytes of a bare stream can look like a header
    return _inflate(content, limit, _RAW_WINDOW)[0]


def _inflate(content: bytes, limit: int, window: int) -> tuple[bytes | None, bytes]:
    decoder = zlib.decompressobj(window)
    output = decoder.decompress(content, limit + 1)
    if len(output) > limit:
        return None, b""
    if not decoder.eof:
        raise EOFError
    return output, decoder.unused_data


def _brotli(content: bytes, limit: int) -> bytes | None:
    decoder = brotli.Decompressor()
    output: bytes = decoder.process(content, output_buffer_limit=limit + 1)
    while not decoder.is_finished():
        if len(output) > limit:
            return None
        more: bytes = decoder.process(b"", output_buffer_limit=limit + 1 - len(output))
        if not more:
            raise EOFError
        output += more
    return output if len(output) <= limit else None


def _zstd(content: bytes, limit: int) -> bytes | None:
    """One or more frames (RFC 8878)."""
    known = zstandard.frame_content_size(content) if content.startswith(_ZSTD_MAGIC) else -1
    if known > limit:
        return None
    if known > 0:
        try:
            whole: bytes = zstandard.ZstdDecompressor().decompress(content, allow_extra_data=False)
        except zstandard.ZstdError:
            pass  # several frames, or a broken one: the slow way tells
        else:
            return whole
    pieces: list[bytes] = []
    size = 0
    position = 0
    decompressor = zstandard.ZstdDecompressor()
    decoder = decompressor.decompressobj()
    frames = 1
    while position < len(content):
        piece = decoder.decompress(content[position : position + _ZSTD_PIECE])
        position += _ZSTD_PIECE
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
        if decoder.eof:
            position = min(position, len(content)) - len(decoder.unused_data)
            if position < len(content):
                decoder = decompressor.decompressobj()
                frames += 1
                if frames > MAX_STREAMS:
                    raise _TooManyStreamsError
    if not decoder.eof:
        raise EOFError
    return b"".join(pieces)


_DECODERS: Final[dict[str, Callable[[bytes, int], bytes | None]]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _deflate,
    "br": _brotli,
    "zstd": _zstd,
}
