"""The ``Cookie`` header of one request: its own cookies, beside those of a jar."""

import re
from collections.abc import Iterable, Mapping
from typing import Final

_COOKIE_NAME: Final = re.compile(r"[^\x00-\x20\x7f;=]+")
_BAD_COOKIE_VALUE: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f;]")


def cookie_text(cookies: Mapping[str, object]) -> str:
    """The script's cookies of one request as a header's text; None leaves one out.

    Raises ``ValueError`` for what a header cannot carry.
    """
    pairs = []
    for name, value in cookies.items():
        if value is None:
            continue
        text = str(value)
        if not isinstance(name, str) or not _COOKIE_NAME.fullmatch(name) or _BAD_COOKIE_VALUE.search(text):
            raise ValueError(
                f"the cookie {name!r} cannot be sent: no control characters or ';', no '=' in its name"
            )
        pairs.append(f"{name}={text}")
    return as_wire_text("; ".join(pairs))


class OwnCookies:
    """The cookies of one request beside the jar's, where they come before those and may stand for them."""

    __slots__ = ("_fields", "_instead", "_pairs")

    def __init__(self, fields: str, pairs: Iterable[tuple[str, str]], instead: Iterable[str]) -> None:
        """``fields`` is an explicit ``Cookie`` header; cookies named in ``instead`` replace the jar's."""
        self._fields = fields
        self._pairs = [f"{name}={value}" for name, value in pairs]
        self._instead = frozenset(instead)

    def header(self, kept: str | None) -> str:
        """The ``Cookie`` header, with ``kept`` from the jar."""
        rest = [kept] if kept else []
        if kept and self._instead:
            rest = [pair for pair in kept.split("; ") if pair.partition("=")[0] not in self._instead]
        return "; ".join(text for text in (self._fields, *self._pairs, *rest) if text)

    def following(self) -> "OwnCookies":
        """Those that go along after a redirect: all but the explicit header's."""
        made = OwnCookies("", (), self._instead)
        made._pairs = self._pairs
        return made


def cookie_header(kept: str | None, own: str | OwnCookies) -> str:
    """The ``Cookie`` header of a request: ``kept`` from the jar, and its ``own``."""
    if isinstance(own, str):
        return "; ".join(text for text in (kept, own) if text)
    return own.header(kept)


def as_wire_text(text: str) -> str:
    """``text`` as latin-1, which the wire is; what cannot be goes out as UTF-8."""
    if text.isascii() or max(text) <= "\xff":
        return text
    return text.encode("utf-8", "surrogateescape").decode("latin-1")
