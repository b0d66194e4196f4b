"""URLs by the rules of Go's ``net/url``, which k6 scripts are written for."""

import re
from typing import Final
from urllib.parse import quote, unquote, unquote_to_bytes

from swell.net import url as urls
from swell.net.failure import DIAL, GENERIC, INVALID_URL, UNRESOLVED, Failure, FailureError
from swell.net.url import MASK, Url

# What is read in the same way by all rules, and shown as it stands.
_PLAIN: Final = re.compile(
    r"https?://[a-z0-9_-]+(?:\.[a-z0-9_-]+)*(?::[1-9][0-9]{0,4})?/[!$&'()*+,\-./0-9:;=@A-Z_a-z~]*"
    r"(?:\?[!$&'()*+,\-./0-9:;=?@A-Z_a-z~]*)?"
)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.\-]*):(.*)", re.DOTALL)
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2}).{0,2}", re.DOTALL)
_BAD_IN_HOST = re.compile(r"[\x00-\x20#/?@\\^`{|}]")
# In a name, escapes stand for what is no ASCII.
_BAD_ESCAPE_IN_HOST = re.compile(r"%(?![89A-Fa-f][0-9A-Fa-f]|25).{0,2}", re.DOTALL)
_NAME_MASK: Final = "****"
_PATH_AS_IT_IS = re.compile(r"[A-Za-z0-9\-._~$&+,/:;=@!'()*\[\]%]*")
_SAFE_IN_PATH = "$&+,/:;=@-_.~"
_MAX_PORT: Final = 65535
_NO_HOST: Final = Failure(GENERIC, "http: no Host in request URL")


class GoUrl(Url):
    """A URL with its text as Go prints it: with credentials and fragment, and without an added slash."""

    __slots__ = ("problem", "shown")

    shown: str


def parse(text: str) -> Url:
    """A URL as k6 takes it.

    What is none raises ``FailureError`` 1020; what Go refuses only when it sends has its ``problem``.
    """
    if _PLAIN.fullmatch(text):
        try:
            return urls.parse(text)
        except FailureError:
            # A host or port that is none for us: Go finds out later, or not at all.
            pass
    reason = fault(text)
    if reason:
        raise FailureError(Failure(INVALID_URL, f"invalid URL: {reason}"))
    return _parse(text)


def shown_url(url: Url, *, with_credentials: bool = True) -> str:
    """The URL as k6's ``Response.url`` shows it."""
    shown = url.shown if isinstance(url, GoUrl) else url.href
    if not with_credentials and url.username is not None:
        scheme, _, rest = shown.partition("://")
        return f"{scheme}://{rest.partition('@')[2]}"
    return shown


def fault(text: str) -> str:
    """What makes ``text`` no URL, in k6's words; empty for a URL, even for one that nobody can request."""
    problem = _fault(text)
    return f"parse {_quoted(text)}: {problem}" if problem else ""


def _fault(text: str) -> str:
    if _CONTROL.search(text):
        return "net/url: invalid control character in URL"
    rest, _, fragment = text.partition("#")
    if text.startswith(":"):
        return "missing protocol scheme"
    match = _SCHEME.fullmatch(rest)
    if match is None:
        if ":" in rest.partition("?")[0].partition("/")[0]:
            return "first path segment in URL cannot contain colon"
        after = rest
    else:
        after = match[2]
    path = after.partition("?")[0]
    if path.startswith("//"):
        authority, slash, path = path[2:].partition("/")
        path = slash + path
        problem = _authority_fault(authority)
        if problem:
            return problem
    bad = _BAD_ESCAPE.search(path) or _BAD_ESCAPE.search(fragment)
    return f"invalid URL escape {_quoted(bad[0])}" if bad else ""


def _authority_fault(authority: str) -> str:
    userinfo, at, host = authority.rpartition("@")
    if at and not re.fullmatch(r"[A-Za-z0-9\-._:~!$&'()*+,;=%@]*", userinfo):
        return "net/url: invalid userinfo"
    if host.startswith("["):
        end = host.rfind("]")
        if end < 0:
            return "missing ']' in host"
        host, port = host[: end + 1], host[end + 1 :]
        if port and not re.fullmatch(r":[0-9]*", port):
            return f"invalid port {_quoted(port)} after host"
        return ""
    name, colon, port = host.rpartition(":")
    if colon and not re.fullmatch(r"[0-9]*", port):
        return f"invalid port {_quoted(colon + port)} after host"
    bad = _BAD_ESCAPE_IN_HOST.search(host)
    if bad:
        return f"invalid URL escape {_quoted(bad[0])}"
    found = _BAD_IN_HOST.search(name if colon else host)
    return f"invalid character {_quoted(found[0])} in host name" if found else ""


def _parse(text: str) -> Url:
    rest, mark, fragment = text.partition("#")
    match = _SCHEME.fullmatch(rest)
    scheme = match[1].lower() if match else ""
    after = match[2] if match else rest
    if not after.startswith("//") or scheme not in {"http", "https"}:
        path, question, query = after.partition("?")
        shown = f"{scheme}:" if match else ""
        shown += f"{quote(unquote_to_bytes(path), safe=_SAFE_IN_PATH)}{question}{query}{mark}{fragment}"
        if scheme in {"http", "https"}:
            return _unusable(shown, _NO_HOST)
        return _unusable(shown, Failure(GENERIC, f'unsupported protocol scheme "{scheme}"'))
    before, question, query = after[2:].partition("?")
    authority, slash, path = before.partition("/")
    path = slash + path
    if not _PATH_AS_IT_IS.fullmatch(path):
        path = quote(unquote_to_bytes(path), safe=_SAFE_IN_PATH)
    userinfo, at, hostport = authority.rpartition("@")
    target = path + question + query
    if not hostport:
        made = _unusable(f"{scheme}:", _NO_HOST)
        if authority or target:
            rest = f"{at}{target}{mark}{fragment}"
            made.shown = f"{scheme}://{userinfo}{rest}"  # type: ignore[attr-defined]  # a GoUrl
            made.href = made.tag = f"{scheme}://{MASK if userinfo else ''}{rest}"
        return made
    shown = f"{scheme}://{authority}{target}{mark}{fragment}"
    port = hostport.rpartition(":")[2]
    if hostport.startswith(":"):
        return _unusable(shown, UNRESOLVED)
    if port.isdigit() and "]" not in port and ":" in hostport and not 0 < int(port) <= _MAX_PORT:
        return _unusable(shown, Failure(DIAL, f"dial tcp: address {port}: invalid port"))
    try:
        plain = urls.parse(f"{scheme}://{hostport}/")
    except FailureError:
        made = _unusable(shown, UNRESOLVED)
        made.host = unquote(hostport.rpartition(":")[0] or hostport)
        return made
    # The query goes out as it was written, blanks and all: as UTF-8, which the wire's latin-1 stands for.
    query = query.encode("utf-8", "replace").decode("latin-1")
    made = GoUrl()
    made.fill(plain.secure, plain.host, plain.port, plain.host_header, path + question + query, "")
    made.problem = None
    made.href = f"{made.origin}{made.target}"
    made.shown = made.tag = shown
    if at:
        username, _, password = userinfo.partition(":")
        made.username, made.password = unquote(username), unquote(password)
        made.tag = f"{scheme}://{MASK if ':' in userinfo else _NAME_MASK}@{hostport}{target}{mark}{fragment}"
    return made


def _unusable(shown: str, problem: Failure) -> Url:
    made = GoUrl()
    made.fill(False, "", 0, "", "/", "")
    made.problem = problem
    made.href = made.tag = made.shown = shown
    return made


def _quoted(text: str) -> str:
    shown = text.replace("\\", "\\\\").replace('"', '\\"')
    for letter, escaped in (("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        shown = shown.replace(letter, escaped)
    return f'"{shown}"'
