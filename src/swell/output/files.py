"""Where an output's lines go: a file, a compressed one, or standard output; never half a line."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol, TextIO

# gzip's own default level, and its container.
_LEVEL: Final = 6
_GZIP: Final = zlib.MAX_WBITS | 16


class Destination(Protocol):
    """Takes whole lines. Its methods raise ``OSError``."""

    def write(self, text: str) -> None:
        """Take ``text``."""
        ...

    def flush(self) -> None:
        """Make what was taken visible to readers, where that costs nothing."""
        ...

    def close(self) -> None:
        """Complete and close it."""
        ...


class PlainFile:
    """A file that holds whole lines only, also where the disk is full or the run is cut short."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, emptying it. Raises ``OSError``."""
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o666)
        self._size = 0

    def write(self, text: str) -> None:
        """Write ``text`` at once; where it does not fit, none of it."""
        self.write_bytes(text.encode(errors="replace"))

    def write_bytes(self, content: bytes) -> None:
        """Write ``content`` at once; where it does not fit, none of it."""
        rest = memoryview(content)
        while rest:
            try:
                rest = rest[os.write(self._fd, rest) :]
            except OSError:
                self._take_back()
                raise
        self._size += len(content)

    def _take_back(self) -> None:
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            return  # a device or a pipe

    def flush(self) -> None:
        """Nothing is held back."""

    def close(self) -> None:
        """Close it."""
        os.close(self._fd)


class GzipFile:
    """A compressed file; complete when it is closed."""

    def __init__(self, path: Path) -> None:
        """Open ``path``, emptying it. Raises ``OSError``."""
        self._file = PlainFile(path)
        self._compressor = zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP)

    def write(self, text: str) -> None:
        """Compress ``text``; the file grows now and then."""
        self._file.write_bytes(self._compressor.compress(text.encode(errors="replace")))

    def flush(self) -> None:
        """Nothing: flushing costs compression."""

    def close(self) -> None:
        """Write the rest, and close it."""
        try:
            self._file.write_bytes(self._compressor.flush())
        finally:
            self._file.close()


class Stream:
    """Standard output, which others write to as well: in one piece each time."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        """Write ``text``."""
        self._stream.write(text)

    def flush(self) -> None:
        """Flush it."""
        self._stream.flush()

    def close(self) -> None:
        """Flush it; it stays open."""
        self._stream.flush()


def open_destination(file: str, stdout: TextIO, locate: Callable[[str], Path]) -> Destination:
    """Open ``file``, which ``locate`` makes a path; standard output where it is empty. Raises ``OSError``."""
    if not file:
        return Stream(stdout)
    path = locate(file)
    return GzipFile(path) if file.endswith(".gz") else PlainFile(path)
