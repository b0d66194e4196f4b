"""The Python half of ``lib/url.js``: parsing by the rules of the URL standard, for what load tests use."""

import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, unquote_to_bytes, urljoin

import msgspec

from swell.scripts.k6.values import HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

_SPECIAL: Final = {"http": "80", "https": "443", "ws": "80", "wss": "443", "ftp": "21"}
_SCHEME: Final = re.compile(r"^([A-Za-z][A-Za-z0-9+.\-]*):(.*)$", re.DOTALL)
_HOST: Final = re.compile(r"^(?:\[[0-9A-Fa-f:.]+\]|[^\s#/<>?@\[\\\]^|%]+)$")
_MAX_PORT: Final = 65535


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``lib/url.js`` needs."""
    return {
        "parse": _parse,
        "unparse": lambda parts: unparse(msgspec.json.decode(parts)),
        "unescape": lambda text: unquote_to_bytes(text.encode("utf-8", "replace")).decode("utf-8", "replace"),
    }


def _parse(text: str, base: str) -> str | None:
    parts = parse(text, base)
    return None if parts is None else msgspec.json.encode(parts).decode()


def parse(text: str, base: str = "") -> dict[str, str] | None:
    """The parts of a URL, or None where it is none."""
    text = re.sub(r"[\t\n\r]", "", text.strip(" \t\n\r\f\0"))
    found = _SCHEME.match(text)
    if found is None:
        if not base or parse(base) is None:
            return None
        text = urljoin(base, text)
        found = _SCHEME.match(text)
        if found is None:
            return None
    scheme, rest = found[1].lower(), found[2]
    rest, _, fragment = rest.partition("#")
    rest, question, query = rest.partition("?")
    parts = {
        "protocol": f"{scheme}:",
        "username": "",
        "password": "",
        "hostname": "",
        "port": "",
        "search": f"?{quote(query, safe=_safe())}" if question and query else "",
        "hash": f"#{quote(fragment, safe=_safe())}" if fragment else "",
    }
    if scheme in _SPECIAL:
        rest = rest.replace("\\", "/").lstrip("/")
    elif rest.startswith("//"):
        rest = rest[2:]
    else:
        return parts | {"pathname": rest}
    authority, slash, path = rest.partition("/")
    if not _authority(parts, authority, scheme):
        return None
    return parts | {"pathname": _normal(f"{slash}{path}") if slash else "/" if scheme in _SPECIAL else ""}


def _authority(parts: dict[str, str], authority: str, scheme: str) -> bool:
    user, at, hostport = authority.rpartition("@")
    if at:
        name, _, password = user.partition(":")
        parts["username"], parts["password"] = quote(name, safe=_safe()), quote(password, safe=_safe())
    host, port = hostport, ""
    if ":" in hostport.rpartition("]")[2]:
        host, _, port = hostport.rpartition(":")
    if port and (not port.isdecimal() or int(port) > _MAX_PORT):
        return False
    try:
        host = host.lower() if host.isascii() else host.encode("idna").decode()
    except UnicodeError:
        return False
    if not _HOST.match(host):
        return not host and scheme not in _SPECIAL
    parts["hostname"] = host
    parts["port"] = "" if not port or str(int(port)) == _SPECIAL.get(scheme) else str(int(port))
    return True


def _normal(path: str) -> str:
    """The path without dot segments, with what may not stand in it escaped."""
    kept: list[str] = []
    segments = path[1:].split("/")
    for index, segment in enumerate(segments):
        is_last = index == len(segments) - 1
        plain = segment.lower().replace("%2e", ".")
        if plain == "..":
            if kept:
                kept.pop()
        elif plain != ".":
            kept.append(quote(segment, safe=_safe()))
            continue
        if is_last:
            kept.append("")
    return "/" + "/".join(kept)


def _safe() -> str:
    return "!$&'()*+,-./:;=?@_~%[]|^`{}\\"


def unparse(parts: Mapping[str, Any]) -> str:
    """The URL of its parts."""
    host = ""
    if parts["hostname"] or parts["protocol"][:-1] in _SPECIAL:
        user = parts["username"] + (f":{parts['password']}" if parts["password"] else "")
        host = (
            f"//{user}{'@' if user else ''}{parts['hostname']}{':' if parts['port'] else ''}{parts['port']}"
        )
    return f"{parts['protocol']}{host}{parts['pathname']}{parts['search']}{parts['hash']}"
