"""Credentials of a request: basic (RFC 7617), bearer (RFC 6750) and digest (RFC 7616).

A digest needs a challenge first: the server answers 401 with a nonce, and the request is sent again with a
response to it. What the client knows of a challenge is kept, so that further requests of the same VU answer
it at once, with a counter that the server uses to refuse replays.
"""

import hashlib
import re
from collections.abc import Callable
from secrets import token_hex
from typing import Final, NamedTuple
from urllib.parse import quote

from swell.net.ntlm import NTLMAuth
from swell.net.url import basic_authorization
from swell.net.userinfo import userinfo

# In the challenge's words; "-sess" variants hash the nonces into the first part.
_HASHES: Final[dict[str, str]] = {"MD5": "md5", "SHA-256": "sha256", "SHA-512-256": "sha512_256"}
_PARAMETER = re.compile(r'\s*([!#$%&\'*+\-.^_`|~0-9A-Za-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s",]+))\s*')
_SCHEME = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+)(?:[ \t]+|(?=,)|$)")
_ESCAPED = re.compile(r"\\(.)")
_BREAKS = re.compile(r"[\x00-\x1f\x7f]")


class BasicAuth:
    """User name and password, sent with every request."""

    __slots__ = ("_password", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password

    def __repr__(self) -> str:
        return f"BasicAuth({self.username!r}, ****)"

    @property
    def header(self) -> str:
        """The value of the ``Authorization`` header."""
        return basic_authorization(self.username, self._password)


class BearerAuth:
    """A token, sent with every request."""

    __slots__ = ("_token",)

    def __init__(self, token: str) -> None:
        if not token or _BREAKS.search(token):
            raise ValueError("a bearer token must not be empty, nor hold control characters")
        self._token = token

    def __repr__(self) -> str:
        return "BearerAuth(****)"

    @property
    def header(self) -> str:
        """The value of the ``Authorization`` header."""
        return f"Bearer {self._token}"


class DigestAuth:
    """User name and password that answer a server's challenge and are never sent themselves."""

    __slots__ = ("_password", "username")

    def __init__(self, username: str, password: str) -> None:
        if _BREAKS.search(username):
            raise ValueError("a user name must not hold control characters")
        self.username = username
        self._password = password

    def __repr__(self) -> str:
        return f"DigestAuth({self.username!r}, ****)"

    @property
    def userinfo(self) -> str:
        """Both as they stand in a URL."""
        return userinfo(self.username, self._password)

    def respond(self, challenge: "Challenge", method: str, target: str, cnonce: str = "") -> str:
        """The ``Authorization`` value for one request; counts ``challenge.count`` up.

        ``cnonce`` is drawn at random where it is not given.
        """
        challenge.count += 1
        cnonce = cnonce or token_hex(16)
        nonce_count = f"{challenge.count:08x}"
        digest = challenge.hasher
        first = digest(f"{self.username}:{challenge.realm}:{self._password}")
        if challenge.is_session:
            first = digest(f"{first}:{challenge.nonce}:{cnonce}")
        second = digest(f"{method}:{target}")
        if challenge.has_qop:
            response = digest(f"{first}:{challenge.nonce}:{nonce_count}:{cnonce}:auth:{second}")
        else:
            response = digest(f"{first}:{challenge.nonce}:{second}")
        parts = [
            self._user_part(challenge),
            f"realm={_quoted(challenge.realm)}",
            f"nonce={_quoted(challenge.nonce)}",
            f"uri={_quoted(target)}",
            f'response="{response}"',
            f"algorithm={challenge.algorithm}",
        ]
        if challenge.has_qop:
            parts += ["qop=auth", f"nc={nonce_count}"]
        if challenge.has_qop or challenge.is_session:
            parts.append(f'cnonce="{cnonce}"')
        if challenge.opaque is not None:
            parts.append(f"opaque={_quoted(challenge.opaque)}")
        if challenge.wants_user_hash:
            parts.append("userhash=true")
        # Header values are written as latin-1: what the server sent goes back byte for byte, as UTF-8.
        return "Digest " + ", ".join(parts).encode("utf-8", "surrogateescape").decode("latin-1")

    def _user_part(self, challenge: "Challenge") -> str:
        if challenge.wants_user_hash:
            hashed = challenge.hasher(f"{self.username}:{challenge.realm}")
            return f'username="{hashed}"'
        if self.username.isascii():
            return f"username={_quoted(self.username)}"
        return f"username*=UTF-8''{quote(self.username, safe='')}"


Auth = BasicAuth | BearerAuth | DigestAuth | NTLMAuth
# What answers a challenge instead of being sent at once.
Answering = DigestAuth | NTLMAuth


class Challenge:
    """A digest challenge that can be answered; ``count`` is how often it has been."""

    __slots__ = (
        "algorithm",
        "count",
        "has_qop",
        "hasher",
        "is_session",
        "nonce",
        "opaque",
        "realm",
        "wants_user_hash",
    )

    def __init__(self, parameters: dict[str, str]) -> None:
        """Raises ``ValueError`` for what cannot be answered, with the reason."""
        self.algorithm = parameters.get("algorithm", "MD5").upper()
        name = self.algorithm.removesuffix("-SESS")
        self.is_session = name != self.algorithm
        if self.is_session:
            # The registered spelling, which servers compare with.
            self.algorithm = f"{name}-sess"
        if name not in _HASHES:
            raise ValueError(f"the algorithm {self.algorithm[:40]!r} is not known")
        if "nonce" not in parameters:
            raise ValueError("it has no nonce")
        self.realm = parameters.get("realm", "")
        self.nonce = parameters["nonce"]
        self.opaque = parameters.get("opaque")
        offered = [part.strip().lower() for part in parameters.get("qop", "").split(",") if part.strip()]
        self.has_qop = "auth" in offered
        if offered and not self.has_qop:
            raise ValueError(f"of the qualities of protection only auth is supported, not {offered[0][:40]}")
        self.wants_user_hash = parameters.get("userhash", "").lower() == "true"
        self.hasher = _hasher(_HASHES[name])
        self.count = 0


def _hasher(name: str) -> Callable[[str], str]:
    def digest(text: str) -> str:
        return hashlib.new(name, text.encode("utf-8", "surrogateescape"), usedforsecurity=False).hexdigest()

    return digest


class ParsedChallenge(NamedTuple):
    """One challenge of a ``WWW-Authenticate`` header: its scheme in lower case, its parameters."""

    scheme: str
    parameters: dict[str, str]


def digest_challenge(values: list[bytes]) -> Challenge:
    """The first digest challenge in ``WWW-Authenticate`` values that can be answered (RFC 7616, 3.7).

    Raises ``ValueError`` with the reason where there is none.
    """
    reasons = []
    for value in values:
        for scheme, parameters in parse_challenges(value.decode("utf-8", "surrogateescape")):
            if scheme == "digest":
                try:
                    return Challenge(parameters)
                except ValueError as error:
                    reasons.append(str(error))
    if reasons:
        raise ValueError(f"the server's digest challenge cannot be answered: {reasons[0]}")
    raise ValueError("the server offers no digest authentication")


def parse_challenges(value: str) -> list[ParsedChallenge]:
    """The challenges of one header value; what is no challenge ends the list.

    Commas separate both the parameters and the challenges: a word that no ``=`` follows starts a challenge.
    """
    found: list[ParsedChallenge] = []
    position = 0
    while position < len(value):
        if value[position] in ", \t":
            position += 1
            continue
        parameter = _PARAMETER.match(value, position)
        if parameter is not None and found:
            name, quoted, plain = parameter.groups()
            text = _ESCAPED.sub(r"\1", quoted) if quoted is not None else plain
            found[-1].parameters.setdefault(name.lower(), text)
            position = parameter.end()
            continue
        scheme = _SCHEME.match(value, position)
        if scheme is None:
            break
        found.append(ParsedChallenge(scheme[1].lower(), {}))
        position = scheme.end()
    return found


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
