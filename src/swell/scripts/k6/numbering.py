"""Texts that JavaScript gives by number: a number crosses for less, and Python has hashed its text before."""

from typing import Final

# Of one kind in a worker; a script may make a new text in every iteration.
MAX_TEXTS: Final = 10_000


class Numbering:
    """Texts by number, the same for all VUs of a worker."""

    __slots__ = ("_numbers", "texts")

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._numbers: dict[str, int] = {}

    def number_of(self, text: str) -> int:
        """The number of ``text``; -1 for a new one when there are ``MAX_TEXTS``."""
        number = self._numbers.get(text, -1)
        if number < 0 and len(self.texts) < MAX_TEXTS:
            number = self._numbers[text] = len(self.texts)
            self.texts.append(text)
        return number
