"""The parameters of a k6 request, from the JSON that ``http.js`` makes of them."""

import re
from typing import TYPE_CHECKING, Any, Final

from swell.base.units import parse_duration_ns
from swell.net.failure import Failure
from swell.net.sentcookies import OwnCookies
from swell.net.tagging import unjudged
from swell.scripts.k6.gojar import sent_value
from swell.scripts.k6.httpdetail import canonical
from swell.scripts.k6.httpfailure import RefusalError

if TYPE_CHECKING:
    from swell.net.requestoptions import Expected, RequestOptions

KINDS: Final = frozenset({"text", "binary", "none"})
ENCODINGS: Final = ("gzip", "deflate", "zstd", "br")
# What Go's client writes itself, whatever the script says.
_OWN_HEADERS: Final = frozenset({"Content-Length", "Transfer-Encoding", "Trailer"})
_TOKEN: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_BREAKS: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_SHORTEST_NS: Final = 1

_expected_by_text: "dict[str, Expected]" = {}


class Params:
    """What the parameters of a request ask for.

    ``problem`` is why Go's client would not send it; ``length`` is an explicit Content-Length.
    """

    __slots__ = ("auth", "has_redirects", "is_kept", "length", "options", "problem", "throws")

    def __init__(self) -> None:
        self.options: RequestOptions = {}
        self.problem: Failure | None = None
        self.throws: bool | None = None
        self.has_redirects = False
        self.length = ""
        self.auth = ""
        # Whether the same JSON means the same again: not where it names a jar.
        self.is_kept = True


def read(given: dict[str, Any]) -> Params:
    """Read the parameters. Raises ``RefusalError`` for what k6 does not accept."""
    made = Params()
    options = made.options
    _read_headers(made, given)
    if given.get("tags"):
        options["tags"] = given["tags"]
    if "timeout" in given:
        options["timeout"] = timeout_s(given["timeout"])
    if "redirects" in given:
        made.has_redirects = True
        options["max_redirects"] = max(0, given["redirects"])
    kind = given.get("responseType")
    if kind is not None:
        if kind not in KINDS:
            raise RefusalError(f"{kind} does not belong to ResponseType values")
        options["discard_body"] = kind == "none"
    if given.get("compression"):
        for name in given["compression"].split(","):
            if name.strip() not in ENCODINGS:
                known = " ".join(ENCODINGS)
                raise RefusalError(
                    f"unknown compression algorithm {name.strip()}, supported algorithms are [{known}]"
                )
        options["compression"] = given["compression"]
    if "expected" in given:
        options["expected"] = expected(given["expected"])
    made.auth = given.get("auth", "")
    made.throws = given.get("throw")
    return made


def timeout_s(value: float | str) -> float:
    """Seconds of a timeout in milliseconds or with a unit; none at all means at once."""
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            try:
                return max(parse_duration_ns(value), _SHORTEST_NS) / 1e9
            except ValueError:
                raise RefusalError(f'invalid timeout value: time: invalid duration "{value}"') from None
    return max(value / 1000, _SHORTEST_NS / 1e9)


def expected(text: str | None) -> "Expected":
    """A test of statuses from "200-299,404-404", the same object each time; None: nobody asks."""
    if text is None:
        return unjudged
    found = _expected_by_text.get(text)
    if found is None:
        allowed: set[int] = set()
        for part in text.split(","):
            first, last = re.fullmatch(r"(-?\d+)-(-?\d+)", part).groups()  # type: ignore[union-attr]  # http.js's
            allowed.update(range(max(0, int(first)), min(int(last), 999) + 1))
        found = _expected_by_text[text] = frozenset(allowed).__contains__
    return found


def _read_headers(made: Params, given: dict[str, Any]) -> None:
    headers: dict[str, str] = {}
    fields = ""
    for name, value in given.get("headers", {}).items():
        known = canonical(name)
        # UTF-8, which the wire's latin-1 stands for.
        wire = value.encode("utf-8", "replace").decode("latin-1")
        if not _TOKEN.fullmatch(name):
            made.problem = Failure(1000, f'net/http: invalid header field name "{name}"')
        elif _BREAKS.search(value):
            made.problem = Failure(1000, f'net/http: invalid header field value for "{known}"')
        elif known == "Cookie":
            fields = wire
        elif known == "Content-Length":
            made.length = value
        elif known not in _OWN_HEADERS:
            headers[known] = wire.strip(" \t")
    if "type" in given and "Content-Type" not in headers:
        headers["Content-Type"] = given["type"]
    if headers:
        made.options["headers"] = headers
    cookies = given.get("cookies", ())
    if fields or cookies:
        made.options["cookies"] = OwnCookies(
            fields,
            [(name, sent_value(value)) for name, value, _ in cookies],
            [name for name, _, replaces in cookies if replaces],
        )
