"""The Python half of k6/crypto."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from Crypto.Hash import MD4, RIPEMD160

from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost


def _named(name: str) -> Callable[..., Any]:
    """A digest of hashlib as its constructors are called; these serve protocols under test, no security."""
    return partial(hashlib.new, name, usedforsecurity=False)


# hashlib has MD4 and RIPEMD-160 on some machines only.
DIGESTS: Final[Mapping[str, Callable[..., Any]]] = {
    "md4": MD4.new,
    "md5": _named("md5"),
    "sha1": _named("sha1"),
    "sha256": hashlib.sha256,
    "sha384": hashlib.sha384,
    "sha512": hashlib.sha512,
    "sha512_224": _named("sha512_224"),
    "sha512_256": _named("sha512_256"),
    "ripemd160": RIPEMD160.new,
}
ENCODINGS: Final[Mapping[str, Callable[[bytes], str | bytes]]] = {
    "hex": bytes.hex,
    "base64": lambda content: base64.b64encode(content).decode(),
    "base64url": lambda content: base64.urlsafe_b64encode(content).decode(),
    "base64rawurl": lambda content: base64.urlsafe_b64encode(content).decode().rstrip("="),
    "binary": bytes,
}


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """Digests, random bytes, hexadecimal digits."""
    return {"known": _constructor, "digest": _digest, "random": secrets.token_bytes, "hex": _hex}


def _constructor(algorithm: str) -> None:
    """Refuse what is no algorithm."""
    if algorithm not in DIGESTS:
        raise HostError(f"invalid algorithm: {algorithm}")


def _digest(algorithm: str, key: str | bytes | None, encoding: str, *parts: str | bytes) -> str | bytes:
    """The digest of ``parts``, keyed (RFC 2104) where there is a key."""
    encode = ENCODINGS.get(encoding)
    if encode is None:
        raise HostError(f"invalid output encoding: {encoding}")
    _constructor(algorithm)
    content = b"".join(map(_bytes, parts))
    if key is None:
        return encode(DIGESTS[algorithm](content).digest())
    return encode(hmac.new(_bytes(key), content, DIGESTS[algorithm]).digest())


def _hex(content: str | bytes) -> str:
    return _bytes(content).hex()


def _bytes(content: str | bytes) -> bytes:
    return content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
