"""Keeps secret values out of what is shown and written."""

import re
from collections.abc import Iterable
from typing import Any, Final, TextIO
from urllib.parse import quote, quote_plus

import msgspec

from swell.base.streams import WrappedStream

REDACTED: Final = "***SECRET_REDACTED***"


class Redactor:
    """Replaces secret values, wherever they stand in a text, also as JSON and URLs write them."""

    def __init__(self, values: Iterable[str]) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*values)

    def __bool__(self) -> bool:
        return self._pattern is not None

    def add(self, *values: str) -> None:
        """Keep more values out, from now on."""
        self._forms |= {form for value in values if value for form in _forms(value)}
        # The longest first: a secret may be the beginning of another.
        ordered = sorted(self._forms, key=lambda form: (-len(form), form))
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def text(self, text: str) -> str:
        """``text`` without the secrets."""
        return text if self._pattern is None else self._pattern.sub(REDACTED, text)

    def content(self, content: bytes) -> bytes:
        """The same for text as bytes; what is no text stays as it is."""
        if self._pattern is None:
            return content
        try:
            return self.text(content.decode()).encode()
        except UnicodeDecodeError:
            return content

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
    written = msgspec.json.encode(value).decode()[1:-1]
    return (
        value,
        written,
        quote(value),
        quote(value, safe=""),
        quote(value, safe="!'()*"),
        quote_plus(value),
    )


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
