"""Signed tokens (JWT, HS256; RFC 7519): who holds the secret can check one without asking the database."""

import base64
import binascii
import hashlib
import hmac
import os
import time
from typing import Any

import msgspec

Claims = dict[str, Any]
PARTS = 3


def _encode(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


HEADER = _encode(b'{"alg":"HS256","typ":"JWT"}')


def _sign(secret: str, text: str) -> bytes:
    return hmac.digest(secret.encode(), text.encode(), hashlib.sha256)


def issue(secret: str, subject: str, kind: str, seconds: int, **claims: object) -> str:
    """A token of ``kind`` ("access", "refresh", "ws" ...) for ``subject``, valid for ``seconds``.

    Each has a unique ``jti``: two tokens of one second differ.
    """
    now = int(time.time())
    payload = {"sub": subject, "typ": kind, "iat": now, "exp": now + seconds, "jti": os.urandom(12).hex()}
    text = f"{HEADER}.{_encode(msgspec.json.encode(payload | claims))}"
    return f"{text}.{_encode(_sign(secret, text))}"


def read(secret: str, token: str, kind: str) -> Claims | None:
    """The claims of a valid token of ``kind``; None if malformed, forged, expired or of another kind."""
    parts = token.split(".")
    if len(parts) != PARTS or parts[0] != HEADER or not token.isascii():
        return None
    try:
        if not hmac.compare_digest(_decode(parts[2]), _sign(secret, f"{parts[0]}.{parts[1]}")):
            return None
        claims: Claims = msgspec.json.decode(_decode(parts[1]), type=dict[str, Any])
    except (binascii.Error, ValueError, msgspec.DecodeError):
        return None
    return claims if claims.get("typ") == kind and claims.get("exp", 0) > time.time() else None
