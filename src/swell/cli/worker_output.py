"""What a script prints becomes log lines, so that a slow terminal never blocks a VU."""

import io
import sys
from collections.abc import Callable

# A line without an end is passed on when it is this long.
MAX_LINE_CHARACTERS = 16_384


class LineStream(io.TextIOBase):
    """A text stream that hands each complete line to ``log`` with its level and source."""

    def __init__(self, log: Callable[..., None], level: str, source: str) -> None:
        self._log = log
        self._level = level
        self._source = source
        self._rest = ""

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Always UTF-8."""
        return "utf-8"

    def writable(self) -> bool:
        """Yes."""
        return True

    def write(self, text: str, /) -> int:
        """Take ``text``; complete lines are logged at once."""
        *lines, rest = (self._rest + text).split("\n")
        if len(rest) > MAX_LINE_CHARACTERS:
            lines.append(rest)
            rest = ""
        self._rest = rest
        for line in lines:
            self._log(self._level, line, source=self._source)
        return len(text)


def redirect_output(log: Callable[..., None]) -> None:
    """Send what is printed to ``log`` from now on; the descriptors themselves stay as they are."""
    sys.stdout = LineStream(log, "info", "stdout")
    sys.stderr = LineStream(log, "warning", "stderr")
