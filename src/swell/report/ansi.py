"""Colour as ANSI escapes where it is wanted, and the width of text on a terminal."""

import re
import unicodedata
from dataclasses import dataclass

_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")

# Select Graphic Rendition codes; those of the summary are k6's.
GREEN = "32"
RED = "31"
YELLOW = "33"
CYAN = "36"
FAINT_CYAN = "2;36"
FAINT_WHITE = "2;37"
WHITE = "37"
FAINT = "2"
BOLD = "1"


@dataclass(frozen=True, slots=True)
class Painter:
    """Colours text, or leaves it as it is."""

    colour: bool

    def __call__(self, text: str, code: str) -> str:
        """``text`` in the style of ``code``."""
        return f"\x1b[{code}m{text}\x1b[0m" if self.colour and text else text


def strip_ansi(text: str) -> str:
    """``text`` without escape sequences."""
    return _ESCAPE.sub("", text)


def printable(text: str) -> str:
    """``text`` on one line without control characters: a name from a target must not steer the terminal."""
    return "".join(
        char if unicodedata.category(char)[0] != "C" or char == "\u200d" else _control(char) for char in text
    )


def _control(char: str) -> str:
    return " " if char in "\t\n\r" else char.encode("unicode_escape").decode("ascii")


def k6_width(text: str) -> int:
    """The number of characters after NFKC without escapes, by which k6's summary aligns its columns."""
    return len(unicodedata.normalize("NFKC", strip_ansi(text)))


def cell_width(text: str) -> int:
    """The number of terminal cells that ``text`` takes: wide characters two, combining ones none."""
    width = 0
    for char in strip_ansi(text):
        if unicodedata.combining(char) or unicodedata.category(char) in {"Cf", "Cc", "Mn", "Me"}:
            continue
        width += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return width


def pad(text: str, width: int) -> str:
    """``text`` filled with blanks on the right to ``width`` cells."""
    return text + " " * max(0, width - cell_width(text))


def pad_left(text: str, width: int) -> str:
    """``text`` filled with blanks on the left to ``width`` cells."""
    return " " * max(0, width - cell_width(text)) + text


def ellipsised(text: str, width: int) -> str:
    """``text`` in at most ``width`` cells: a longer one loses its middle, as its end tells most."""
    text = printable(text)
    if cell_width(text) <= width:
        return text
    if width <= 1:
        return "…"[:width]
    tail_width = (width - 1) * 3 // 5
    head = _take(text, width - 1 - tail_width)
    tail = _take(text[::-1], tail_width)[::-1]
    return f"{head}…{tail}"


def _take(text: str, width: int) -> str:
    taken = 0
    for index, char in enumerate(text):
        taken += cell_width(char)
        if taken > width:
            return text[:index]
    return text
