"""NTLM version 2 over HTTP ([MS-NLMP], [MS-NTHT]): the messages with which a connection is authenticated.

The server asks with ``NTLM`` or ``Negotiate``; the client sends NEGOTIATE, is given a CHALLENGE, and sends
AUTHENTICATE, all on one connection, which then belongs to the user. There is nothing of the older version 1,
of signing or sealing, and no binding to a TLS channel.
"""

import base64
import hmac
import secrets
import struct
import time
from binascii import Error as Base64Error
from typing import Final, NamedTuple

from swell.net.userinfo import userinfo

_SIGNATURE: Final = b"NTLMSSP\0"
_NEGOTIATE, _CHALLENGE, _AUTHENTICATE = 1, 2, 3
# Unicode, target, NTLM, always sign, extended session security, target info, 128 and 56 bits (2.2.2.5).
_FLAGS: Final = 0xA088_8205
_UNICODE: Final = 1
# Attributes of the target (2.2.2.1): the end, flags, the server's time. The flag says that there is a MIC.
_AV_END, _AV_FLAGS, _AV_TIME = 0, 6, 7
_HAS_MIC: Final = 2
# Bytes before the payload of an AUTHENTICATE message, and where its MIC stands.
_HEAD_BYTES: Final = 88
_MIC_AT: Final = 72
_MIC_BYTES: Final = 16
_CHALLENGE_BYTES: Final = 48
# A part's length has 16 bits; the proof of 16 bytes stands before what it proves.
_MAX_BLOB_BYTES: Final = 0xFFFF - 16
# 100 ns from 1601 to 1970.
_EPOCH: Final = 116_444_736_000_000_000
SCHEMES: Final = ("ntlm", "negotiate")


class Offer(NamedTuple):
    """What a server's 401 says: the scheme as it spells it, and its CHALLENGE, empty at first."""

    scheme: str
    token: bytes


class NTLMAuth:
    r"""User name (``DOMAIN\user``, ``user@domain`` or plain) and password, of which only proofs are sent."""

    __slots__ = ("_password", "username")

    def __init__(self, username: str, password: str) -> None:
        self.username = username
        self._password = password

    def __repr__(self) -> str:
        return f"NTLMAuth({self.username!r}, ****)"

    @property
    def identity(self) -> tuple[str, str]:
        """Whose connections they are."""
        return self.username, self._password

    @property
    def userinfo(self) -> str:
        """Both as they stand in a URL."""
        return userinfo(self.username, self._password)

    def authenticate(
        self, challenge: bytes, *, client_challenge: bytes = b"", now: int | None = None
    ) -> bytes:
        """The AUTHENTICATE message that answers a CHALLENGE message.

        ``client_challenge`` (8 bytes) and ``now`` (in 100 ns since 1601) are drawn where they are not given.
        Raises ``ValueError`` with the reason where the message is none.
        """
        if len(challenge) < _CHALLENGE_BYTES or challenge[:12] != _SIGNATURE + _u32(_CHALLENGE):
            raise ValueError("its challenge is no NTLM message")
        if not int.from_bytes(challenge[20:24], "little") & _UNICODE:
            raise ValueError("it knows no Unicode")
        domain, _, user = self.username.rpartition("\\")
        attributes = _attributes(_part(challenge, 40))
        sent = attributes.get(_AV_TIME)
        now = _EPOCH + time.time_ns() // 100 if now is None else now
        when = sent or struct.pack("<Q", now)
        if sent is not None:
            flags = int.from_bytes(attributes.get(_AV_FLAGS, b"")[:4], "little") | _HAS_MIC
            attributes[_AV_FLAGS] = _u32(flags)
        own = client_challenge or secrets.token_bytes(8)
        key = response_key(user, self._password, domain)
        asked = challenge[24:32]
        blob = b"\x01\x01" + bytes(6) + when + own + bytes(4) + _packed(attributes) + bytes(4)
        if len(blob) > _MAX_BLOB_BYTES:
            raise ValueError("what its challenge says of the target is too long")
        proof = _hmac(key, asked + blob)
        # The older response is left out where the server sends its time (3.1.5.1.2).
        older = bytes(24) if sent is not None else _hmac(key, asked + own) + own
        parts = (older, proof + blob, _text(domain), _text(user), b"", b"")
        made = bytearray(_SIGNATURE + _u32(_AUTHENTICATE))
        place = _HEAD_BYTES
        for part in parts:
            made += struct.pack("<HHI", len(part), len(part), place)
            place += len(part)
        made += _u32(_FLAGS & int.from_bytes(challenge[20:24], "little") | _UNICODE)
        made += bytes(_HEAD_BYTES - len(made)) + b"".join(parts)
        if sent is not None:
            mic = _hmac(_hmac(key, proof), negotiate_message() + challenge + bytes(made))
            made[_MIC_AT : _MIC_AT + _MIC_BYTES] = mic
        return bytes(made)


def negotiate_message() -> bytes:
    """The NEGOTIATE message: what we can do, and no names."""
    return _SIGNATURE + _u32(_NEGOTIATE) + _u32(_FLAGS) + bytes(24)


def response_key(user: str, password: str, domain: str) -> bytes:
    """The key of a user's responses, NTOWFv2 (3.3.2)."""
    from Crypto.Hash import MD4  # noqa: PLC0415  # for few; OpenSSL has it on some systems only

    hashed = MD4.new(_text(password)).digest()  # noqa: S303  # the protocol's own
    return _hmac(hashed, _text(user.upper() + domain))


def ntlm_offer(values: list[bytes]) -> Offer:
    """What ``WWW-Authenticate`` values offer, NTLM before Negotiate; ``ValueError`` tells why nothing."""
    found: dict[str, Offer] = {}
    for value in values:
        scheme, _, token = value.decode("latin-1").strip().partition(" ")
        try:
            found.setdefault(scheme.lower(), Offer(scheme, base64.b64decode(token, validate=True)))
        except Base64Error:
            continue
    for name in SCHEMES:
        if name in found:
            return found[name]
    raise ValueError("the server offers no NTLM authentication")


def _attributes(data: bytes) -> dict[int, bytes]:
    """The attributes of a target by their number."""
    found: dict[int, bytes] = {}
    place = 0
    while place + 4 <= len(data):
        kind, length = struct.unpack_from("<HH", data, place)
        if kind == _AV_END:
            break
        found[kind] = data[place + 4 : place + 4 + length]
        place += 4 + length
    return found


def _packed(attributes: dict[int, bytes]) -> bytes:
    pairs = [struct.pack("<HH", kind, len(value)) + value for kind, value in attributes.items()]
    return b"".join(pairs) + bytes(4)


def _part(message: bytes, at: int) -> bytes:
    length, _, place = struct.unpack_from("<HHI", message, at)
    return message[place : place + length]


def _text(text: str) -> bytes:
    return text.encode("utf-16-le", "surrogatepass")


def _u32(number: int) -> bytes:
    return struct.pack("<I", number)


def _hmac(key: bytes, data: bytes) -> bytes:
    return hmac.new(key, data, "md5").digest()
