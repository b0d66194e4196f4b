"""Keeps secret values out of what is shown and written."""

import json
import re
from base64 import b64encode
from collections.abc import Iterable
from typing import Any, Final, TextIO
from urllib.parse import quote, quote_plus

from swell.base.streams import WrappedStream

REDACTED: Final = "***SECRET_REDACTED***"


# Shorter secrets stand in texts by chance: they are replaced only where neither a letter nor a digit touches
# them. Whoever wants a secret kept chooses one that nobody guesses.
SHORT: Final = 4
_BASE64: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
# What may follow in the same base64 text, also as URLs write it: it goes too, and with it the secret's last
# bits.
_BASE64_REST: Final = r"(?:[A-Za-z0-9+/_=-]|%2[BF]|%3D)*"
_PERCENT: Final = re.compile(r"%([0-9A-F]{2})")
_URL_BASE64: Final = _BASE64.replace("+/", "-_")


class Redactor:
    """Replaces secret values, wherever they stand in a text, also as JSON, URLs and base64 write them.

    Base64 is found at any place of what was encoded, as ``user:password`` is for basic authentication.
    """

    def __init__(self, values: Iterable[str]) -> None:
        self._values: dict[str, None] = {}
        self._pattern: re.Pattern[str] | None = None
        # Base64 is looked for first, as most lines have none: many such searches cost less than one of the
        # pattern.
        self._coded: tuple[str, ...] = ()
        self._coded_pattern = re.compile("")
        self.add(*values)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def add(self, *values: str) -> None:
        """Keep more values out, from now on."""
        self._values |= dict.fromkeys(value for value in values if value)
        patterns: dict[str, int] = {}
        coded: dict[str, str] = {}
        for value in self._values:
            around = ("", "") if len(value) >= SHORT else (r"(?<![^\W_])", r"(?![^\W_])")
            patterns |= {_pattern(form).join(around): len(form) for form in _forms(value)}
            if len(value) >= SHORT:
                coded |= _base64_patterns(value.encode("utf-8", "surrogatepass"))
        # The longest first: a secret may be the beginning of another.
        ordered = sorted(patterns, key=lambda pattern: (-patterns[pattern], pattern))
        self._pattern = re.compile("|".join(ordered)) if ordered else None
        self._coded = tuple(coded)
        self._coded_pattern = re.compile(
            "|".join(coded[form] for form in sorted(coded, key=len, reverse=True))
        )

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        if self._pattern is None:
            return text
        if any(form in text for form in self._coded):
            text = self._coded_pattern.sub(REDACTED, text)
        return self._pattern.sub(REDACTED, text)

    def content(self, content: bytes) -> bytes:
        """The same for bytes, also where not all of them are text."""
        if self._pattern is None:
            return content
        return self.text(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    def document(self, value: Any) -> Any:
        """A JSON value without secrets in its texts and names; numbers stay, whatever digits they have."""
        match value:
            case _ if self._pattern is None:
                return value
            case str():
                return self.text(value)
            case dict():
                return {self.text(str(name)): self.document(part) for name, part in value.items()}
            case list() | tuple():
                return [self.document(part) for part in value]
            case _:
                return value


def _forms(value: str) -> tuple[str, ...]:
    coded = value.encode("utf-8", "surrogatepass")
    return (
        value,
        json.dumps(value, ensure_ascii=False)[1:-1],
        json.dumps(value)[1:-1],
        quote(coded),
        quote(coded, safe=""),
        quote(coded, safe="!'()*"),
        quote_plus(coded),
    )


def _pattern(form: str) -> str:
    """Matches ``form``; digits of percent-encoding may be written in lower case, too."""
    return _PERCENT.sub(r"%(?i:\1)", re.escape(form))


def _base64_patterns(secret: bytes) -> dict[str, str]:
    """What ``secret`` looks like inside of something that was encoded as base64, and a pattern for all of it.

    Three bytes make four characters, so that it looks in three ways, by the number of bytes before it. A
    character that it shares with what stands before it is known in a part of its bits: the pattern has a
    class of those that it may be.
    """
    found = {}
    for before in range(3):
        coded = b64encode(bytes(before) + secret).decode().rstrip("=")
        bits = 8 * before
        whole = -(-bits // 6)
        # The last character holds bits of what follows, unless the secret ends with it.
        last = (bits + 8 * len(secret)) // 6
        step = 1 << (whole * 6 - bits)
        first = ""
        if step > 1:
            low = _BASE64.index(coded[whole - 1]) % step
            may_be = dict.fromkeys(_BASE64[low::step] + _URL_BASE64[low::step])
            first = f"(?:{'|'.join(map(re.escape, (*may_be, *map(_in_url, may_be))))})"
        middle = coded[whole:last]
        for spelled in (middle, middle.translate(str.maketrans(_BASE64, _URL_BASE64))):
            for form in (spelled, _in_url(spelled)):
                found[form] = f"{first}{re.escape(form)}{_BASE64_REST}"
    return found


def _in_url(text: str) -> str:
    return quote(text, safe="")


NOTHING_SECRET: Final = Redactor(())


class RedactedStream(WrappedStream):
    """A text stream whose lines hold no secrets."""

    def __init__(self, stream: TextIO, redactor: Redactor) -> None:
        super().__init__(stream)
        self._redactor = redactor

    def write(self, text: str, /) -> int:
        """Write ``text`` without the secrets."""
        self._stream.write(self._redactor.text(text))
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        self._stream.flush()

    def close(self) -> None:
        """Close the stream."""
        self._stream.close()
