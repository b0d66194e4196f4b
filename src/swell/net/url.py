"""URLs of requests: split once, checked once, kept in a bounded cache.

The rules are those of WHATWG's URL standard and of Go's client where they agree, and otherwise the stricter
one: only ``http`` and ``https``; bytes that may not stand in a URL are percent-encoded, a ``%`` that starts
no escape becomes ``%25``; control characters are refused (a line break in a URL is an injection, not a
URL); the path is sent as written, dot segments included, because a load test asks for what its author wrote.
Names that are not ASCII are encoded with the standard library's IDNA (2003), which needs no dependency.
"""

import re
from base64 import b64encode
from collections.abc import Callable, Iterable, Mapping
from ipaddress import AddressValueError, IPv6Address
from typing import Final
from urllib.parse import quote, quote_plus, unquote_to_bytes, urljoin

from swell.net.failure import INVALID_URL, Failure, FailureError

ParamValue = str | bytes | int | float | bool | None
Params = (
    Mapping[str, ParamValue | Iterable[ParamValue]]
    | Iterable[tuple[str, ParamValue | Iterable[ParamValue]]]
    | str
    | bytes
)

DEFAULT_CACHE_SIZE: Final = 4096
MAX_URL_LENGTH: Final = 1 << 20
MAX_REMEMBERED_LENGTH: Final = 8192
MASK: Final = "****:****"

# What needs no work: lower-case ASCII name or IPv4 address, nothing to encode, no userinfo, no fragment.
_PLAIN = re.compile(
    r"(https?)://([a-z0-9_.-]+)(?::([0-9]{1,5}))?((?:/[!$&-;=@-Z_a-z~]*)?(?:\?[!$&-;=?-Z_a-z~]*)?)"
)
_GENERAL = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://([^/?#\\]*)([^#]*)")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_IPV4 = re.compile(r"(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}", re.ASCII)
_NAME = re.compile(r"[a-z0-9_.-]+")
_BAD_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CREDENTIALS = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*://)[^/?#]*@")
# Characters that quote() leaves alone, "%" among them: escapes that are there already stay.
_SAFE_IN_TARGET = "!$%&'()*+,-./:;=?@_~[]|"
_MAX_PORT = 65535
_MAX_LABEL, _MAX_NAME = 63, 253


class Url:
    """One URL, ready to be requested; shared by all requests for it, so nothing in it changes.

    ``key`` = (scheme, host, port) says which connections serve it. ``host`` is lower case and without
    brackets; ``host_header`` has them, and the port unless it is the scheme's. ``target`` is path and query
    as sent; ``path`` is the target without the query; ``href`` is the whole URL without credentials and
    fragment; ``tag`` is ``href`` with credentials, if any were given, shown as ``****:****`` (k6's ``url``
    tag).
    """

    __slots__ = (
        "host",
        "host_header",
        "href",
        "key",
        "password",
        "path",
        "port",
        "secure",
        "tag",
        "target",
        "username",
    )

    key: tuple[str, str, int]
    secure: bool
    host: str
    port: int
    host_header: str
    target: str
    path: str
    href: str
    tag: str
    username: str | None
    password: str
    # Why it cannot be requested although it is a URL, for platforms that find out only when they send.
    problem: Failure | None = None

    @property
    def scheme(self) -> str:
        """``http`` or ``https``."""
        return "https" if self.secure else "http"

    @property
    def origin(self) -> str:
        """Scheme, host and port as text, without a final slash."""
        return f"{self.scheme}://{self.host_header}"

    @property
    def authorization(self) -> str | None:
        """The ``Authorization`` header for the URL's own credentials, or None (k6: basic unless told)."""
        if self.username is None:
            return None
        return basic_authorization(self.username, self.password)

    def fill(self, secure: bool, host: str, port: int, host_header: str, target: str, href: str) -> None:
        """Set all parts, which are known to be right; ``target`` may lack its first slash."""
        self.key = ("https" if secure else "http", host, port)
        self.secure = secure
        self.host = host
        self.port = port
        self.host_header = host_header
        if target and target[0] == "/":
            self.target = target
        else:
            self.target = target = "/" + target
            scheme = "https" if secure else "http"
            href = f"{scheme}://{host_header}{target}"
        self.path = target.partition("?")[0] if "?" in target else target
        self.href = self.tag = href
        self.username = None
        self.password = ""

    def __repr__(self) -> str:
        return f"<Url {self.tag}>"


class UrlCache(dict[str, Url]):
    """``cache[text]`` is the parsed URL; a miss parses, and a full cache starts anew.

    Raises ``FailureError`` (1020) as ``parse`` does; what cannot be parsed is not kept. Scripts of another
    platform may put that platform's rules in place of ``parse``.
    """

    __slots__ = ("limit", "parse")

    def __init__(self, limit: int = DEFAULT_CACHE_SIZE) -> None:
        super().__init__()
        self.limit = limit
        self.parse: Callable[[str], Url] = parse

    def __missing__(self, text: str) -> Url:
        url = self.parse(text)
        if len(text) > MAX_REMEMBERED_LENGTH:
            # A redirect's, most likely: four thousand of a megabyte each would be the worker's memory.
            return url
        # Emptied at once instead of one by one: a URL per request (an id in its path) must not cost more than
        # the parsing, and the few that come back are parsed again in microseconds.
        if len(self) >= self.limit:
            self.clear()
        self[text] = url
        return url


def parse(text: str) -> Url:
    """Split and normalise an absolute http(s) URL.

    Raises ``FailureError`` with code 1020 and a text that says what is wrong with it.
    """
    match = _PLAIN.fullmatch(text)
    if match is None:
        return _parse_general(text)
    scheme, host, port_text, target = match.groups()
    if host[0] in ".-" or ".." in host or len(host) > _MAX_LABEL:
        return _parse_general(text)
    if host[-1].isdigit() and not _IPV4.fullmatch(host):
        return _parse_general(text)
    secure = scheme == "https"
    default = 443 if secure else 80
    if port_text is None:
        return make_url(secure, host, default, host, target, text)
    port = int(port_text)
    if not 0 < port <= _MAX_PORT:
        raise _invalid(text, f"port {port} is not between 1 and {_MAX_PORT}")
    if port == default or port_text[0] == "0":
        return _parse_general(text)
    return make_url(secure, host, port, f"{host}:{port_text}", target, text)


def make_url(secure: bool, host: str, port: int, host_header: str, target: str, href: str) -> Url:
    """A URL from parts that are known to be right; ``target`` may lack its first slash."""
    url = Url()
    url.fill(secure, host, port, host_header, target, href)
    return url


def _parse_general(text: str) -> Url:
    text = text.strip(" \t\r\n")
    if len(text) > MAX_URL_LENGTH:
        raise _invalid(text, f"longer than {MAX_URL_LENGTH} characters")
    if _CONTROL.search(text):
        raise _invalid(text, "it holds a control character")
    match = _GENERAL.match(text)
    if match is None:
        raise _invalid(
            text, "it needs a scheme and a host, as in http://host/path" if text else "it is empty"
        )
    scheme, authority, target = match[1].lower(), match[2], match[3]
    if scheme not in ("http", "https"):
        raise _invalid(text, f"the scheme {scheme} is not http or https")
    userinfo, at, hostport = authority.rpartition("@")
    secure = scheme == "https"
    host, port_text, bracketed = _split_port(text, hostport)
    host = _ipv6(text, host) if bracketed else _host(text, host)
    default = 443 if secure else 80
    port = _port(text, port_text) if port_text else default
    shown = f"[{host}]" if bracketed else host
    host_header = shown if port == default else f"{shown}:{port}"
    url = make_url(secure, host, port, host_header, encode_target(target), "")
    url.href = url.tag = f"{url.origin}{url.target}"
    if at:
        username, _, password = userinfo.partition(":")
        url.username = _decoded(username)
        url.password = _decoded(password)
        url.tag = f"{scheme}://{MASK}@{host_header}{url.target}"
    return url


def _split_port(text: str, hostport: str) -> tuple[str, str, bool]:
    if hostport.startswith("["):
        host, bracket, rest = hostport[1:].partition("]")
        if not bracket or (rest and rest[0] != ":"):
            raise _invalid(text, "the brackets of its IPv6 address do not match")
        return host, rest[1:], True
    host, _, port_text = hostport.partition(":")
    if ":" in port_text:
        raise _invalid(text, "an IPv6 address in it needs brackets, as in http://[::1]:8080/")
    return host, port_text, False


def _port(text: str, port_text: str) -> int:
    # isdecimal alone would let digits of other scripts pass.
    if not (port_text.isascii() and port_text.isdecimal()) or len(port_text.lstrip("0")) > len(
        str(_MAX_PORT)
    ):
        raise _invalid(text, f"{port_text[:20]!r} is not a port")
    port = int(port_text)
    if not 0 < port <= _MAX_PORT:
        raise _invalid(text, f"port {port} is not between 1 and {_MAX_PORT}")
    return port


def _ipv6(text: str, host: str) -> str:
    address, percent, zone = host.partition("%")
    try:
        IPv6Address(address)
    except AddressValueError:
        raise _invalid(text, f"{host[:60]!r} is not an IPv6 address") from None
    if not percent:
        return address.lower()
    zone = zone.removeprefix("25")  # RFC 6874 writes the percent sign of the zone as %25
    if not _NAME.fullmatch(zone.lower()):
        raise _invalid(text, f"{zone[:60]!r} is not a zone of an IPv6 address")
    return f"{address.lower()}%{zone}"


def _host(text: str, host: str) -> str:
    if "%" in host:
        host = unquote_to_bytes(host).decode("utf-8", "replace")
    host = host.lower()
    if not host.isascii():
        try:
            host = host.encode("idna").decode("ascii").lower()
        except UnicodeError:
            raise _invalid(text, f"{host[:60]!r} is not a host name") from None
    if not host:
        raise _invalid(text, "it has no host")
    labels = host.removesuffix(".").split(".")
    if (
        not _NAME.fullmatch(host)
        or not all(labels)
        or len(host) > _MAX_NAME
        or max(map(len, labels)) > _MAX_LABEL
    ):
        raise _invalid(text, f"{host[:60]!r} is not a host name")
    if labels[-1].isdigit() and not _is_ipv4(labels):
        # The system's resolver would read 127.1 or 2130706433 as an address, and 256.1.1.1 as a name.
        raise _invalid(text, f"{host[:60]!r} is not an IPv4 address")
    return host


def _is_ipv4(labels: list[str]) -> bool:
    return _IPV4.fullmatch(".".join(labels)) is not None


def encode_target(target: str) -> str:
    """Path and query with every byte that may not stand there percent-encoded (as UTF-8); idempotent."""
    path, mark, query = target.partition("?")
    path = path.replace("\\", "%5C")
    target = path + mark + query
    if "%" in target:
        target = _BAD_PERCENT.sub("%25", target)
    return quote(target, safe=_SAFE_IN_TARGET, errors="surrogatepass")


def _decoded(part: str) -> str:
    return unquote_to_bytes(part).decode("utf-8", "surrogateescape")


def _invalid(text: str, reason: str) -> FailureError:
    shown = clean(text)
    if len(shown) > 100:  # noqa: PLR2004  # a line of a table
        shown = shown[:100] + "..."
    return FailureError(Failure(INVALID_URL, f"invalid URL {shown!r}: {reason}"))


# What is made from URLs.


def clean(text: str) -> str:
    """``text`` with the credentials of the URL shown as ``****:****``; for tags, logs and errors."""
    return _CREDENTIALS.sub(rf"\1{MASK}@", text) if "@" in text else text


def basic_authorization(username: str | bytes, password: str | bytes) -> str:
    """The value of an ``Authorization`` header for basic authentication (UTF-8, RFC 7617)."""
    if isinstance(username, str):
        username = username.encode("utf-8", "surrogateescape")
    if isinstance(password, str):
        password = password.encode("utf-8", "surrogateescape")
    return "Basic " + b64encode(username + b":" + password).decode("ascii")


def join(base: Url, location: str) -> str:
    """The URL that ``location`` (a ``Location`` header read as latin-1) means, seen from ``base`` (RFC 3986).

    ``base``'s credentials are not carried over. The result may be unparsable: ``parse`` says so.
    """
    location = location.strip(" \t\r\n")
    if not location.isascii():
        # Servers send raw bytes, mostly UTF-8; each is encoded as it came.
        location = quote(location.encode("latin-1", "replace"), safe=_SAFE_IN_TARGET + "#")
    if location.startswith("/") and not location.startswith(("//", "/\\")) and "/." not in location:
        return base.origin + location
    try:
        return urljoin(base.href, location)
    except ValueError:
        return location


def with_params(text: str, params: Params | None) -> str:
    """``text`` with ``params`` appended to its query, in front of any fragment.

    A mapping or pairs are form-encoded, lists repeat their name, None is left out, booleans become ``true``
    and ``false`` (as httpx does); text is appended as it is.
    """
    if not params:
        return text
    encoded = encode_pairs(params)
    if not encoded:
        return text
    text, mark, fragment = text.partition("#")
    separator = "?" if "?" not in text else "" if text[-1] in "?&" else "&"
    return f"{text}{separator}{encoded}{mark}{fragment}"


def encode_pairs(params: Params) -> str:
    """``application/x-www-form-urlencoded`` text: spaces as ``+``, UTF-8; text passes as it is.

    None is left out. Raises ``TypeError`` for a value that has no text of its own (a mapping), with the name
    it stands under.
    """
    if isinstance(params, bytes):
        return params.decode("latin-1")
    if isinstance(params, str):
        return params
    items = params.items() if isinstance(params, Mapping) else params
    parts: list[str] = []
    for name, value in items:
        values = (
            value
            if isinstance(value, Iterable) and not isinstance(value, (str, bytes, Mapping))
            else (value,)
        )
        for each in values:
            if each is None:
                continue
            parts.append(f"{_quoted(name, name)}={_quoted(each, name)}")
    return "&".join(parts)


def _quoted(value: object, name: object) -> str:
    if isinstance(value, (str, bytes)):
        return quote_plus(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (Mapping, list, tuple, set)):
        raise TypeError(
            f"the value of {name!r} is a {type(value).__name__};"
            " only text, numbers and flat lists of them can be form-encoded"
        )
    return quote_plus(str(value))
