"""The options of a request: their names, and what is made of the values that scripts give.

What makes no sense is the script's fault and raises ``TypeError`` or ``ValueError`` before anything is sent.
"""

import math
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from types import BuiltinMethodType, FunctionType
from typing import TYPE_CHECKING, Any, BinaryIO, Final, TypedDict

from swell.base.units import parse_duration_ns
from swell.net.auth import Auth, BasicAuth, BearerAuth, DigestAuth
from swell.net.ntlm import NTLMAuth
from swell.net.sentcookies import OwnCookies
from swell.net.url import basic_authorization

if TYPE_CHECKING:
    from swell.net.cookies import CookieJar

Expected = Callable[[int], int]
BodyContent = str | bytes | Iterable[bytes] | BinaryIO

# How a body ends is for the client to say: a second field would contradict the first (RFC 9112, 6.3).
_FRAMING_HEADERS: Final = frozenset({"content-length", "transfer-encoding"})


class RequestOptions(TypedDict, total=False):
    """What a request may be given besides method and URL; the names are those of httpx and requests."""

    params: Mapping[str, Any] | Iterable[tuple[str, Any]] | None
    headers: Mapping[str, str | bytes | float | None] | None
    cookies: "Mapping[str, str] | OwnCookies | None"
    json: Any
    data: Mapping[str, Any] | str | bytes | None
    content: BodyContent | None
    files: Mapping[str, Any] | Iterable[tuple[str, Any]] | None
    auth: tuple[str, str] | Auth | None
    proxy: str | None
    timeout: float | str | None
    max_redirects: int | None
    name: str | None
    tags: Mapping[str, str] | None
    expected: Expected | None
    discard_body: bool | None
    jar: "CookieJar | None"
    compression: str | None


# Of httpx and requests, but not here; what to do instead.
_ELSEWHERE: Final[dict[str, str]] = {
    "allow_redirects": "max_redirects=0 follows none",
    "body": "give content= as it is, data= as a form, json= as JSON",
    "cert": "the run's option tlsAuth has client certificates",
    "follow_redirects": "max_redirects=0 follows none",
    "proxies": "proxy= names one for this request",
    "stream": "http.stream() reads a response while it arrives",
    "verify": "the run's options tlsCA and insecureSkipTLSVerify say what is trusted",
}
_WANTED: Final[dict[str, str]] = {
    "headers": "a mapping",
    "cookies": "a mapping",
    "tags": "a mapping",
    "name": "text",
    "compression": "text",
    "max_redirects": "a whole number",
    "expected": "what http.expected_statuses(200, (400, 404)) makes",
}
# What each option may be an instance of; None where whoever takes it looks. The usual types
# stand first: this is asked for every request that has options.
_KINDS: Final[dict[str, Any]] = dict.fromkeys(RequestOptions.__annotations__) | {
    "headers": (dict, Mapping),
    "cookies": (dict, OwnCookies, Mapping),
    "tags": (dict, Mapping),
    "name": str,
    "compression": str,
    "max_redirects": int,
    "expected": (BuiltinMethodType, FunctionType, Callable),
}


def check_options(options: Mapping[str, Any]) -> None:
    """Raise ``TypeError`` for an option that does not exist, or a value of the wrong kind."""
    for name, value in options.items():
        if name not in _KINDS:
            close = get_close_matches(name, _KINDS, n=1)
            hint = _ELSEWHERE.get(name) or (f"did you mean {close[0]!r}?" if close else "")
            raise TypeError(f"a request has no option {name!r}" + (f"; {hint}" if hint else ""))
        kind = _KINDS[name]
        if kind is not None and value is not None and not isinstance(value, kind):
            # Without the value: it may hold a secret.
            raise TypeError(f"{name}= is {_WANTED[name]}, not of type {type(value).__name__}")


def timeout_ns(value: float | str, name: str) -> int:
    """A time limit in seconds, or text with a unit, as nanoseconds.

    Raises ``TypeError`` for what is neither, ``ValueError`` unless it is positive.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TypeError(
            f"{name}= is one number of seconds for all phases, or text as '500ms', not of type"
            f" {type(value).__name__}"
        )
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"{name}= must be a finite number of seconds, not {value}")
    limit_ns = parse_duration_ns(value) if isinstance(value, str) else int(value * 1_000_000_000)
    if limit_ns <= 0:
        raise ValueError(f"{name} must be positive, not {value!r}")
    return limit_ns


def merge_headers(own: dict[str, str], options: RequestOptions) -> None:
    """Put a script's headers over ``own``: None leaves one out, bytes are taken as latin-1.

    What says how the body ends is left out. Raises ``TypeError`` or ``ValueError``.
    """
    lower = {name.lower(): name for name in own}
    for name, value in (options.get("headers") or {}).items():
        if not isinstance(name, str):
            raise TypeError(f"the name of a header is text, not of type {type(name).__name__}")
        key = name.lower()
        if key in _FRAMING_HEADERS:
            continue
        known = lower.get(key)
        if known is not None:
            del own[known]
            del lower[key]
        if value is None:
            continue
        if not isinstance(value, str | bytes | int | float):
            raise TypeError(f"the header {name} is text or a number, not of type {type(value).__name__}")
        text = value.decode("latin-1") if isinstance(value, bytes) else str(value)
        if key == "content-type" and options.get("files"):
            _check_multipart(text)
        own[name] = text
        lower[key] = name


def _check_multipart(content_type: str) -> None:
    if content_type.lower().startswith("multipart/form-data") and "boundary=" not in content_type.lower():
        raise ValueError(
            "Content-Type: multipart/form-data lacks the boundary that files= makes; leave the header out"
        )


def authorization_of(auth: object) -> str | None:
    """The header for ``auth``; None for what needs a challenge first. Raises ``TypeError``."""
    match auth:
        case BasicAuth() | BearerAuth():
            return auth.header
        case DigestAuth() | NTLMAuth():
            return None
        case (str() as username, str() as password):
            return basic_authorization(username, password)
    # Without the value: it may hold a secret.
    raise TypeError(
        f"auth is of type {type(auth).__name__}; give a (user, password) pair,"
        " or what http.basic(), http.digest(), http.ntlm() and http.bearer() make"
    )
