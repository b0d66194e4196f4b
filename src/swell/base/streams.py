"""The common part of text streams that stand before another one."""

import io
from typing import BinaryIO, TextIO


class WrappedStream(io.TextIOBase):
    """A text stream before ``stream``, whose nature it has; what is written is the subclass's affair."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """The stream's own."""
        return self._stream.encoding

    @property
    def buffer(self) -> BinaryIO:
        """The stream's own: what is written there goes past this one."""
        return self._stream.buffer

    def fileno(self) -> int:
        """The stream's own."""
        return self._stream.fileno()

    def isatty(self) -> bool:
        """The stream's own."""
        return self._stream.isatty()

    def writable(self) -> bool:
        """Yes."""
        return True
