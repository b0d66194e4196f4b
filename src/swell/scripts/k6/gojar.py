"""Cookies by the rules of Go's ``net/http``, which k6 scripts are written for."""

import re
from collections.abc import Iterable
from typing import Final

from swell.net.cookies import Cookie, LoopbackJar

_BAD_VALUE: Final = re.compile(r"[^\x20-\x7e]|[\";\\]")
_NAME: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")


class GoJar(LoopbackJar):
    """A jar that takes and sends what Go's takes and sends."""

    __slots__ = ()

    def store(self, scheme: str, host: str, path: str, values: Iterable[str]) -> list[Cookie]:
        """As in ``CookieJar``; what Go reads no cookie from is left out."""
        return super().store(scheme, host, path, filter(None, map(plain_cookie, values)))

    def delete(self, url: str, name: str) -> None:
        """Replace the cookie ``name`` by one that has expired: that of ``url``'s own path, and no other."""
        self.set(url, name, "", max_age=-1)

    def clear(self, url: str = "") -> None:
        """As ``delete`` for each cookie that a request to ``url`` would carry; all cookies without one."""
        if not url:
            super().clear()
            return
        for name in self.cookies_for_url(url):
            self.delete(url, name)

    def wire_value(self, value: str) -> str:
        """As Go sends it."""
        return sent_value(value)


def plain_cookie(header: str) -> str:
    """A ``Set-Cookie`` value with its cookie unquoted; empty where Go sees none: a bad name or value."""
    pair, semicolon, attributes = header.partition(";")
    name, equals, value = pair.partition("=")
    name, value = name.strip(), value.strip()
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = value[1:-1]
    if not equals or not _NAME.fullmatch(name) or _BAD_VALUE.search(value):
        return ""
    return f"{name}={value}{semicolon}{attributes}"


def sent_value(value: str) -> str:
    """A value as Go sends it: without what no cookie may hold, quoted where blanks or commas stand in it."""
    value = _BAD_VALUE.sub("", value)
    return f'"{value}"' if " " in value or "," in value else value
