"""Request bodies: what a script passes (``content=``, ``data=``, ``json=``, ``files=``) as bytes or a stream.

Text, bytes, forms and JSON become bytes at once. Files are streamed: they are read while they are sent, whole
and with a known length where they can seek, and otherwise chunked. Names and values mean what they mean in
requests and httpx; where these differ, the docstring of the function says who is followed.
"""

import io
import os
import re
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from mimetypes import MimeTypes
from pathlib import PurePath
from typing import Any, BinaryIO, Final, NamedTuple

import msgspec

from swell.net.failure import REQUEST_BODY, Failure, FailureError
from swell.net.url import encode_pairs

JSON_TYPE: Final = "application/json"
FORM_TYPE: Final = "application/x-www-form-urlencoded"
TEXT_TYPE: Final = "text/plain; charset=utf-8"
BINARY_TYPE: Final = "application/octet-stream"
READ_BYTES: Final = 64 * 1024


class Body:
    """A request's body: ``content`` is bytes, or a stream of them that can be sent once.

    ``length`` is None for a stream of unknown length, which goes out chunked. ``content_type`` is what the
    body asks for where the script sets none; ``content_encoding`` what ``compress`` did.
    """

    __slots__ = ("_rewind", "content", "content_encoding", "content_type", "length")

    def __init__(
        self,
        content: bytes | Iterator[bytes],
        length: int | None,
        content_type: str | None = None,
        *,
        content_encoding: str | None = None,
        rewind: "Callable[[], Iterator[bytes]] | None" = None,
    ) -> None:
        self.content = content
        self.length = length
        self.content_type = content_type
        self.content_encoding = content_encoding
        self._rewind = rewind

    @property
    def is_stream(self) -> bool:
        """True when ``content`` is an iterator."""
        return not isinstance(self.content, bytes)

    def again(self) -> "Body | None":
        """The body for another request (a redirect with 307, a repeat), or None if it was sent for good."""
        if isinstance(self.content, bytes):
            return self
        if self._rewind is None:
            return None
        return Body(
            self._rewind(),
            self.length,
            self.content_type,
            content_encoding=self.content_encoding,
            rewind=self._rewind,
        )

    def __repr__(self) -> str:
        size = "unknown length" if self.length is None else f"{self.length} bytes"
        return f"<Body {size} {self.content_type or 'no type'}{' streamed' if self.is_stream else ''}>"


Content = str | bytes | bytearray | memoryview | BinaryIO | Iterable[bytes | str]
Files = Mapping[str, Any] | Iterable[tuple[str, Any]]


def encode_body(
    *,
    content: Content | None = None,
    data: Any = None,
    json: Any = None,
    files: Files | None = None,
    boundary: str | None = None,
) -> Body | None:
    """The body for what was given; None when there is none.

    ``content`` is sent as it is; ``data`` as a form if it is a mapping or pairs, else as it is; ``json`` as
    JSON; ``files`` as multipart/form-data, with the pairs of ``data`` as fields before the files. Raises
    ``TypeError`` for combinations that have no meaning and values that cannot be encoded, with what to do
    instead.
    """
    if files:
        if content is not None or json is not None:
            raise TypeError("files= cannot be combined with content= or json=; fields go into data=")
        return _multipart(files, data, boundary or os.urandom(16).hex())
    given = [
        name for name, value in (("content", content), ("data", data), ("json", json)) if value is not None
    ]
    if len(given) > 1:
        raise TypeError(
            f"a request has one body, but {' and '.join(f'{name}=' for name in given)} were given"
        )
    if json is not None:
        return encode_json(json)
    if data is not None:
        return _encode_data(data)
    return None if content is None else encode_content(content)


def encode_json(value: Any) -> Body:
    """JSON as msgspec writes it: compact UTF-8; datetimes, UUIDs, dataclasses and structs are understood.

    Raises ``TypeError`` that names the type which JSON has no form for.
    """
    try:
        encoded = msgspec.json.encode(value)
    except (TypeError, ValueError, OverflowError, RecursionError) as exc:
        raise TypeError(f"json= cannot be encoded: {exc}") from None
    return Body(encoded, len(encoded), JSON_TYPE)


def encode_content(content: Content) -> Body:
    """Text (as UTF-8), bytes, a binary file, or an iterable of pieces; the last two are streamed."""
    if isinstance(content, str):
        raw = content.encode("utf-8")
        return Body(raw, len(raw))
    if isinstance(content, (bytes, bytearray, memoryview)):
        raw = bytes(content)
        return Body(raw, len(raw))
    if hasattr(content, "read"):
        return _file_body(content)
    if isinstance(content, Iterable) and not isinstance(content, Mapping):
        # A list can be gone through again, an iterator cannot.
        rewind = None if isinstance(content, Iterator) else lambda: _pieces(content)
        return Body(_pieces(content), None, rewind=rewind)
    raise TypeError(
        f"a body cannot be made of {type(content).__name__}: give text, bytes, a file, or an iterable of"
        " bytes; objects go into json= and form fields into data="
    )


def _encode_data(data: Any) -> Body:
    if isinstance(data, Mapping) or _is_pairs(data):
        encoded = encode_pairs(data).encode("ascii")
        return Body(encoded, len(encoded), FORM_TYPE)
    return encode_content(data)


def _is_pairs(data: Any) -> bool:
    if not isinstance(data, (list, tuple)):
        return False
    return all(isinstance(item, (tuple, list)) and len(item) == 2 for item in data)  # noqa: PLR2004


# Streams


def _pieces(source: Iterable[bytes | str]) -> Iterator[bytes]:
    """The pieces as bytes, empty ones left out: an empty chunk would end a chunked body."""
    for piece in source:
        encoded = piece.encode("utf-8") if isinstance(piece, str) else bytes(piece)
        if encoded:
            yield encoded


def _file_body(file: Any) -> Body:
    if isinstance(file, io.TextIOBase):
        raise TypeError('a file to be sent must be opened in binary mode: open(path, "rb")')
    length = _length(file)
    if length is None:
        return Body(_read_on(file), None)
    return Body(_read_whole(file, length), length, rewind=lambda: _read_whole(file, length))


def _length(file: Any) -> int | None:
    """The bytes of the whole file, or None for what has no end to look for (a pipe)."""
    try:
        return int(file.seek(0, os.SEEK_END)) if file.seekable() else None
    except (AttributeError, OSError, ValueError):
        return None


def _read_whole(file: Any, length: int) -> Iterator[bytes]:
    """The first ``length`` bytes, wherever the file stands and whoever else is reading it meanwhile.

    VUs share what a script opened at its top level. From where it stands, the second request would send an
    empty file, and two at once would each send what the other leaves.
    """
    position = 0
    while position < length:
        # Nobody comes in between: files do not wait in the hub.
        piece = _read(file, min(READ_BYTES, length - position), position)
        if not piece:
            raise FailureError(Failure(REQUEST_BODY, "body: the file became shorter while it was sent"))
        position += len(piece)
        yield piece


def _read_on(file: Any) -> Iterator[bytes]:
    """What comes out of a file that cannot seek."""
    while piece := _read(file, READ_BYTES):
        yield piece


def _read(file: Any, size: int, position: int | None = None) -> bytes:
    """Up to ``size`` bytes; raises ``FailureError`` 1238 where the file cannot be read."""
    try:
        if position is not None:
            file.seek(position)
        return bytes(file.read(size))
    except (OSError, ValueError) as exc:
        raise FailureError(Failure(REQUEST_BODY, f"body: the file cannot be read: {exc}")) from exc


# multipart/form-data (RFC 7578, with the quoting of WHATWG's HTML)

_QUOTED = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}
_LINE_BREAK = re.compile(r"[\r\n]")
# Without the system's files: the same name gives the same type on every machine.
_TYPES: Final = MimeTypes()


class _Part(NamedTuple):
    head: bytes
    content: bytes | None  # None: the file
    file: Any
    length: int | None


def _multipart(files: Files, data: Any, boundary: str) -> Body:
    parts = _fields(data)
    for name, value in files.items() if isinstance(files, Mapping) else files:
        each = value if isinstance(value, list) else [value]
        parts.extend(_file_part(str(name), one) for one in each)
    marker = b"--" + boundary.encode("ascii")
    pieces = [(marker + b"\r\n" + part.head + b"\r\n\r\n", part) for part in parts]
    last = marker + b"--\r\n"
    content_type = f"multipart/form-data; boundary={boundary}"
    if all(part.content is not None for part in parts):
        joined = b"".join([head + (part.content or b"") + b"\r\n" for head, part in pieces]) + last
        return Body(joined, len(joined), content_type)
    length: int | None = len(last)
    for head, part in pieces:
        length = None if length is None or part.length is None else length + len(head) + part.length + 2
    again = None if length is None else lambda: _stream(pieces, last)
    return Body(_stream(pieces, last), length, content_type, rewind=again)


def _stream(pieces: list[tuple[bytes, _Part]], last: bytes) -> Iterator[bytes]:
    for head, part in pieces:
        if part.content is not None:
            yield head + part.content + b"\r\n"
            continue
        yield head
        yield from _read_on(part.file) if part.length is None else _read_whole(part.file, part.length)
        yield b"\r\n"
    yield last


def _fields(data: Any) -> list[_Part]:
    if not data:
        return []
    if not isinstance(data, Mapping) and not _is_pairs(data):
        raise TypeError("with files=, data= must be a mapping or pairs of fields")
    parts: list[_Part] = []
    for name, value in data.items() if isinstance(data, Mapping) else data:
        for each in value if isinstance(value, (list, tuple)) else (value,):
            if each is not None:
                content = _field_bytes(name, each)
                parts.append(_Part(_part_head(str(name), None, None), content, None, len(content)))
    return parts


def _field_bytes(name: object, value: object) -> bytes:
    if isinstance(value, (bytes, bytearray)):
        return bytes(value)
    if isinstance(value, bool):
        return b"true" if value else b"false"
    if isinstance(value, (str, int, float)):
        return str(value).encode("utf-8")
    raise TypeError(
        f"the field {name!r} is a {type(value).__name__}; only text, bytes and numbers can be sent"
    )


def _file_part(name: str, value: Any) -> _Part:
    """A file as requests takes it: content, or (filename, content[, content type[, headers]])."""
    filename: str | None = None
    content_type: str | None = None
    headers: Mapping[str, str] = {}
    if isinstance(value, tuple):
        if not 2 <= len(value) <= 4:  # noqa: PLR2004  # see above
            raise TypeError(f"the file {name!r} is not (filename, content[, content type[, headers]])")
        filename, value = value[0], value[1:]
        content_type = value[1] if len(value) > 1 else None
        headers = value[2] if len(value) > 2 and value[2] else {}  # noqa: PLR2004
        value = value[0]
    else:
        path = getattr(value, "name", None)
        filename = PurePath(path).name if isinstance(path, str) else name
    if content_type is None and filename is not None:
        content_type = _TYPES.guess_type(filename)[0] or BINARY_TYPE
    head = _part_head(name, filename, content_type, headers)
    if isinstance(value, str):
        value = value.encode("utf-8")
    if isinstance(value, (bytes, bytearray, memoryview)):
        return _Part(head, bytes(value), None, len(value))
    if isinstance(value, io.TextIOBase):
        raise TypeError(f'the file {name!r} must be opened in binary mode: open(path, "rb")')
    if not hasattr(value, "read"):
        raise TypeError(f"the file {name!r} is a {type(value).__name__}; give text, bytes or an open file")
    return _Part(head, None, value, _length(value))


def _part_head(
    name: str, filename: str | None, content_type: str | None, headers: Mapping[str, str] | None = None
) -> bytes:
    lines = [f'Content-Disposition: form-data; name="{name.translate(_QUOTED)}"']
    if filename is not None:
        lines[0] += f'; filename="{filename.translate(_QUOTED)}"'
    if content_type is not None:
        lines.append(f"Content-Type: {content_type}")
    lines += [f"{key}: {value}" for key, value in (headers or {}).items()]
    for line in lines:
        if _LINE_BREAK.search(line):
            raise ValueError(f"a header of the file {name!r} holds a line break")
    return "\r\n".join(lines).encode("utf-8")


# Compression


def compress(body: Body, encodings: str) -> Body:
    """``body`` compressed with each of the comma-separated encodings in turn (k6's ``compression``).

    Bytes become bytes, a stream a stream of unknown length. Raises ``ValueError`` for an encoding other than
    gzip, deflate, br and zstd.
    """
    names = [name for part in encodings.split(",") if (name := part.strip().lower())]
    for name in names:
        if name not in _COMPRESSORS:
            known = ", ".join(_COMPRESSORS)
            raise ValueError(
                f"compression {name!r} is not known; use {known}, or several of them with commas"
            )
    if not names:
        return body
    encoding = ", ".join(names)
    if isinstance(body.content, bytes):
        content = body.content
        for name in names:
            content = b"".join(_compressed(iter((content,)), name))
        return Body(content, len(content), body.content_type, content_encoding=encoding)
    rewind = body._rewind
    again = None if rewind is None else lambda: _compressed_by(rewind(), names)
    stream = _compressed_by(body.content, names)
    return Body(stream, None, body.content_type, content_encoding=encoding, rewind=again)


def _compressed_by(pieces: Iterator[bytes], names: list[str]) -> Iterator[bytes]:
    for name in names:
        pieces = _compressed(pieces, name)
    return pieces


def _compressed(pieces: Iterator[bytes], name: str) -> Iterator[bytes]:
    step, finish = _COMPRESSORS[name]()
    for piece in pieces:
        out = step(piece)
        if out:
            yield out
    out = finish()
    if out:
        yield out


_Steps = tuple[Callable[[bytes], bytes], Callable[[], bytes]]


def _zlib_steps(window: int) -> Callable[[], _Steps]:
    def make() -> _Steps:
        compressor = zlib.compressobj(wbits=window)
        return compressor.compress, compressor.flush

    return make


def _brotli_steps() -> _Steps:
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415  # for the scripts that compress

    compressor = brotli.Compressor(quality=5)  # 11, the default, is a hundred times slower
    return compressor.process, compressor.finish


def _zstd_steps() -> _Steps:
    import zstandard  # noqa: PLC0415  # for the scripts that compress

    compressor = zstandard.ZstdCompressor().compressobj()
    return compressor.compress, compressor.flush


_COMPRESSORS: Final[dict[str, Callable[[], _Steps]]] = {
    "gzip": _zlib_steps(31),
    "deflate": _zlib_steps(15),
    "br": _brotli_steps,
    "zstd": _zstd_steps,
}
