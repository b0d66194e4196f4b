"""A self-signed certificate in plain Python: for servers that live for seconds on the loopback interface.

ECDSA on P-256 with SHA-256 (FIPS 186-4, SEC 1) in X.509 version 3 (RFC 5280). It is here so that an https
calibration needs neither another package nor the ``openssl`` command. The arithmetic takes a time that
depends on the key, so such a key protects nothing: it is made anew for each server, and nobody but our own
client, told not to verify, accepts it.
"""

import base64
import hashlib
import secrets
import time

_P = 2**256 - 2**224 + 2**192 + 2**96 - 1
_N = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
_G = (
    0x6B17D1F2E12C4247F8BCE6E563A440F277037D812DEB33A0F4A13945D898C296,
    0x4FE342E2FE1A7F9B8EE7EB4A7C0F9E162BCE33576B315ECECBB6406837BF51F5,
)
_SIZE = 32
_VALID_S = 7 * 24 * 3600

_Point = tuple[int, int] | None


def self_signed_pem(name: str = "localhost") -> str:
    """PEM text of a new private key and its certificate for ``name`` and 127.0.0.1, valid for a week."""
    key = 1 + secrets.randbelow(_N - 1)
    public = _point_bytes(_multiply(key, _G))
    body = _certificate_body(name, public)
    certificate = _sequence(body, _ECDSA_SHA256, _bits(_sign(key, body)))
    private = _sequence(
        _integer(1),
        _tagged(0x04, key.to_bytes(_SIZE, "big")),
        _tagged(0xA0, _PRIME256V1),
        _tagged(0xA1, _bits(public)),
    )
    return _pem("EC PRIVATE KEY", private) + _pem("CERTIFICATE", certificate)


# The curve y^2 = x^3 - 3x + b.


def _add(one: _Point, other: _Point) -> _Point:
    if one is None or other is None:
        return other if one is None else one
    (x1, y1), (x2, y2) = one, other
    if x1 == x2:
        if (y1 + y2) % _P == 0:
            return None
        slope = (3 * x1 * x1 - 3) * pow(2 * y1, -1, _P) % _P
    else:
        slope = (y2 - y1) * pow(x2 - x1, -1, _P) % _P
    x3 = (slope * slope - x1 - x2) % _P
    return x3, (slope * (x1 - x3) - y1) % _P


def _multiply(factor: int, point: _Point) -> tuple[int, int]:
    """``factor`` times ``point``, where that is not the point at infinity."""
    found: _Point = None
    while factor:
        if factor & 1:
            found = _add(found, point)
        point = _add(point, point)
        factor >>= 1
    assert found is not None  # noqa: S101  # the factors used here are between 1 and the order
    return found


def _sign(key: int, message: bytes) -> bytes:
    digest = int.from_bytes(hashlib.sha256(message).digest(), "big")
    while True:
        nonce = 1 + secrets.randbelow(_N - 1)
        r = _multiply(nonce, _G)[0] % _N
        s = pow(nonce, -1, _N) * (digest + r * key) % _N
        if r and s:
            return _sequence(_integer(r), _integer(s))


def _point_bytes(point: tuple[int, int]) -> bytes:
    return b"\x04" + b"".join(number.to_bytes(_SIZE, "big") for number in point)


# X.509 in DER.


def _tagged(tag: int, content: bytes) -> bytes:
    size = len(content)
    if size < 0x80:  # noqa: PLR2004  # DER's short form
        return bytes((tag, size)) + content
    digits = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(digits))) + digits + content


def _sequence(*parts: bytes) -> bytes:
    return _tagged(0x30, b"".join(parts))


def _integer(number: int) -> bytes:
    return _tagged(0x02, number.to_bytes(number.bit_length() // 8 + 1, "big"))


def _bits(content: bytes) -> bytes:
    return _tagged(0x03, b"\0" + content)


def _object(text: str) -> bytes:
    return _tagged(0x06, bytes.fromhex(text))


_PRIME256V1 = _object("2a8648ce3d030107")
_ECDSA_SHA256 = _sequence(_object("2a8648ce3d040302"))
_EC_PUBLIC_KEY = _object("2a8648ce3d0201")
_COMMON_NAME = _object("550403")
_SUBJECT_ALT_NAME = _object("551d11")


def _certificate_body(name: str, public: bytes) -> bytes:
    """The part of the certificate that is signed."""
    now = time.time()
    who = _sequence(_tagged(0x31, _sequence(_COMMON_NAME, _tagged(0x0C, name.encode()))))
    names = _sequence(_tagged(0x82, name.encode()), _tagged(0x87, bytes((127, 0, 0, 1))))
    return _sequence(
        _tagged(0xA0, _integer(2)),
        _integer(secrets.randbits(63) | 1),
        _ECDSA_SHA256,
        who,
        _sequence(_moment(now - 3600), _moment(now + _VALID_S)),
        who,
        _sequence(_sequence(_EC_PUBLIC_KEY, _PRIME256V1), _bits(public)),
        _tagged(0xA3, _sequence(_sequence(_SUBJECT_ALT_NAME, _tagged(0x04, names)))),
    )


def _moment(instant: float) -> bytes:
    return _tagged(0x17, time.strftime("%y%m%d%H%M%SZ", time.gmtime(instant)).encode())


def _pem(label: str, content: bytes) -> str:
    text = base64.encodebytes(content).decode().replace("\n", "")
    lines = "\n".join(text[start : start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {label}-----\n{lines}\n-----END {label}-----\n"
