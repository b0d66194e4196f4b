"""Changes to a text, gathered by place and made at once; blanks keep every line and column."""

import re

_NOT_LINE_ENDS = re.compile("[^\r\n\u2028\u2029]")


class Edits:
    """Replacements in UTF-8 ``data``, given by byte offsets; they may not overlap."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self._changes: list[tuple[int, bool, int, int, str]] = []

    def put(self, start: int, end: int, text: str) -> None:
        """Write ``text`` over ``start`` to ``end``; with equal offsets it is inserted."""
        self._changes.append((start, end > start, len(self._changes), end, text))

    def blank(self, start: int, end: int, *, first: str = "", last: str = "") -> None:
        """Spaces over ``start`` to ``end``, one for each character; line ends stay.

        ``first`` and ``last``, one character each, take the place of the first and last one.
        """
        if end > start:
            text = _NOT_LINE_ENDS.sub(" ", self.data[start:end].decode("utf-8", "surrogatepass"))
            text = first + text[len(first) :]
            self.put(start, end, text[: len(text) - len(last)] + last)

    def fill(self, start: int, end: int, text: str) -> None:
        """``text`` and blanks over ``start`` to ``end``, unless that part goes with what is around it."""
        if not any(first <= start and end <= last for first, _, _, last, _ in self._changes):
            blank = _NOT_LINE_ENDS.sub(" ", self.data[start:end].decode("utf-8", "surrogatepass"))
            self.put(start, end, text + blank[len(text) :])

    def result(self) -> str:
        """The text with all changes; insertions stand before what begins at the same place."""
        pieces: list[str] = []
        at = 0
        for start, _, _, end, text in sorted(self._changes):
            if start < at:
                raise AssertionError(f"changes overlap at byte {start}")
            pieces += (self.data[at:start].decode("utf-8", "surrogatepass"), text)
            at = end
        pieces.append(self.data[at:].decode("utf-8", "surrogatepass"))
        return "".join(pieces)
