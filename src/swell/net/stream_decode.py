"""Content encodings undone piece by piece, with bounded output at a time.

The rules are those of ``decode``: unknown encodings leave the body as it is, a broken or truncated stream is
failure 1701.
"""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Final, Protocol

import brotli  # type: ignore[import-untyped]
import zstandard

from swell.net.decode import MAX_LAYERS
from swell.net.failure import DECOMPRESSION, Failure, FailureError

# What one step yields at most; zstd can only be held down through its input.
OUTPUT_BYTES: Final = 256 * 1024
_ZSTD_PIECE: Final = 1024


class Decoder(Protocol):
    """Undoes one encoding."""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What ``data`` adds, in pieces."""
        ...

    def finish(self) -> None:
        """Raises ``EOFError`` where the stream has not come to its end."""
        ...


class StreamDecoder:
    """All layers of one response; an empty body is allowed to have none of them."""

    def __init__(self, encoding: bytes) -> None:
        text = encoding.decode("latin-1")
        names = [name for part in text.split(",") if (name := part.strip().lower()) not in ("", "identity")]
        self._has_too_many = len(names) > MAX_LAYERS
        self._layers: list[tuple[str, Decoder]] = []
        self._is_empty = True
        for name in reversed(names):  # the last one named was applied last
            if name not in _DECODERS:
                break
            self._layers.append((name, _DECODERS[name]()))

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The decoded pieces that ``data`` adds; raises ``FailureError`` 1701."""
        if self._has_too_many:
            text = f"decompress: more than {MAX_LAYERS} content encodings"
            raise FailureError(Failure(DECOMPRESSION, text))
        self._is_empty = False
        return self._through(data, 0)

    def _through(self, data: bytes, layer: int) -> Iterator[bytes]:
        if layer == len(self._layers):
            yield data
            return
        name, decoder = self._layers[layer]
        pieces = decoder.feed(data)
        while True:
            try:
                piece = next(pieces, None)
            except (zlib.error, brotli.error, zstandard.ZstdError):
                raise FailureError(Failure(DECOMPRESSION, f"decompress: the body is not {name}")) from None
            if piece is None:
                return
            yield from self._through(piece, layer + 1)

    def finish(self) -> None:
        """Raises ``FailureError`` 1701 where a layer was cut short."""
        for name, decoder in () if self._is_empty else self._layers:
            try:
                decoder.finish()
            except EOFError:
                text = f"decompress: the {name} body is cut short"
                raise FailureError(Failure(DECOMPRESSION, text)) from None


class _Zlib:
    def __init__(self, window: int) -> None:
        self._window = window
        self._inner: Any = zlib.decompressobj(window)
        self._has_begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                # gzip: members follow each other, and zero bytes the last one; zlib: anything is ignored.
                data = data.lstrip(b"\x00")
                if not data or self._window != _GZIP_WINDOW:
                    return
                self._inner = zlib.decompressobj(self._window)
            piece = self._step(data)
            data = self._inner.unconsumed_tail or self._inner.unused_data
            if piece:
                yield piece

    def _step(self, data: bytes) -> bytes:
        try:
            piece: bytes = self._inner.decompress(data, OUTPUT_BYTES)
        except zlib.error:
            if self._has_begun or self._window != _ZLIB_WINDOW:
                raise
            # RFC 9110 means zlib's format, some servers send the bare stream.
            self._window = _RAW_WINDOW
            self._inner = zlib.decompressobj(_RAW_WINDOW)
            piece = self._inner.decompress(data, OUTPUT_BYTES)
        self._has_begun = True
        return piece

    def finish(self) -> None:
        if not self._inner.eof:
            raise EOFError


class _Brotli:
    def __init__(self) -> None:
        self._inner: Any = brotli.Decompressor()

    def feed(self, data: bytes) -> Iterator[bytes]:
        piece: bytes = self._inner.process(data, output_buffer_limit=OUTPUT_BYTES)
        while piece:
            yield piece
            if self._inner.is_finished():
                return
            piece = self._inner.process(b"", output_buffer_limit=OUTPUT_BYTES)

    def finish(self) -> None:
        if not self._inner.is_finished():
            raise EOFError


class _Zstd:
    def __init__(self) -> None:
        self._inner: Any = zstandard.ZstdDecompressor().decompressobj()

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._inner.eof:
                self._inner = zstandard.ZstdDecompressor().decompressobj()
            piece = self._inner.decompress(data[:_ZSTD_PIECE])
            data = (self._inner.unused_data if self._inner.eof else b"") + data[_ZSTD_PIECE:]
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._inner.eof:
            raise EOFError


_GZIP_WINDOW, _ZLIB_WINDOW, _RAW_WINDOW = 31, 15, -15
_DECODERS: Final[dict[str, Callable[[], Decoder]]] = {
    "gzip": lambda: _Zlib(_GZIP_WINDOW),
    "x-gzip": lambda: _Zlib(_GZIP_WINDOW),
    "deflate": lambda: _Zlib(_ZLIB_WINDOW),
    "br": _Brotli,
    "zstd": _Zstd,
}
