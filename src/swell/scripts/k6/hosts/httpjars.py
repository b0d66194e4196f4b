"""Cookie jars of k6 scripts: the VU's own, and those that a script makes."""

import itertools
import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from swell.net.cookies import CookieJar, parse_date
from swell.net.failure import FailureError
from swell.scripts.k6 import httpurl
from swell.scripts.k6.gojar import GoJar
from swell.scripts.k6.values import HostError, Text

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

_BAD: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f;]")
# The form of dates that k6 takes (RFC 1123).
_DATE: Final = re.compile(r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [A-Z]{3,5}")


class Jars:
    """The jars of one VU by number; 0 is the VU's own."""

    __slots__ = ("_made", "_numbers", "_vu")

    def __init__(self, vu: "VUHost") -> None:
        self._vu = vu
        self._made: dict[int, CookieJar] = {}
        self._numbers = itertools.count(1)

    def new(self) -> int:
        """A jar of the script's own."""
        number = next(self._numbers)
        self._made[number] = GoJar()
        return number

    def drop(self, *numbers: int) -> None:
        """The script cannot reach these jars any more."""
        for number in numbers:
            self._made.pop(number, None)

    def jar(self, number: int) -> CookieJar:
        """The jar with this number."""
        return self._made[int(number)] if number else self._vu.client.jar

    def cookies(self, number: int, url: str) -> Text:
        """Name to values of what a request to ``url`` would carry, as JSON."""
        return Text(msgspec.json.encode(self.jar(number).cookies_for_url(_checked(url))))

    def set(self, number: int, url: str, name: str, value: str, options: str) -> bool:
        """Put a cookie into a jar; true even where its domain may not be set from ``url``, as in k6.

        Raises ``HostError`` for a URL or a date that is none.
        """
        decoded = msgspec.json.decode(options)
        given: dict[str, Any] = decoded if isinstance(decoded, dict) else {}
        expires: float | None = None
        if given.get("expires"):
            text = str(given["expires"])
            expires = parse_date(text) if _DATE.fullmatch(text) else None
            if expires is None:
                raise HostError(
                    f'unable to parse "expires" date string "{text}": it is not like'
                    " Mon, 02 Jan 2006 15:04:05 MST"
                )
        try:
            max_age = int(given.get("max_age") or 0)
        except ValueError:
            max_age = 0
        name = _BAD.sub("", name).replace("=", "")
        if not name:
            return True
        self.jar(number).set(
            _checked(url),
            name,
            _BAD.sub("", value),
            domain=str(given.get("domain") or ""),
            path=str(given.get("path") or ""),
            expires=expires,
            max_age=max_age or None,
            secure=bool(given.get("secure")),
            http_only=bool(given.get("http_only")),
        )
        return True

    def clear(self, number: int, url: str) -> None:
        """Remove the cookies that were set for ``url``'s own path."""
        self.jar(number).clear(_checked(url))

    def delete(self, number: int, url: str, name: str) -> None:
        """Remove the cookie ``name`` that was set for ``url``'s own path.

        Raises ``HostError`` for an empty name.
        """
        if not name:
            raise HostError("cookie: is null")
        self.jar(number).delete(_checked(url), name)


def _checked(url: str) -> str:
    """``url``; raises ``HostError`` where it is none."""
    fault = httpurl.fault(url)
    if fault:
        raise HostError(fault)
    try:
        httpurl.parse(url)
    except FailureError as error:
        raise HostError(error.failure.message) from None
    return url
