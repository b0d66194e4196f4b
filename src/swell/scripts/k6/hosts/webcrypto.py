"""The Python half of the global ``crypto`` (W3C Web Cryptography API): stateless, keys cross as bytes.

Keys are raw bytes (symmetric), PKCS #8 (private) or SubjectPublicKeyInfo (public), both DER. What takes long
is done in a native thread, so that other VUs go on.
"""

import base64
import secrets
import uuid
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeVar

import gevent
import msgspec
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, hmac, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC

from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

T = TypeVar("T")

HASHES: Final[Mapping[str, Callable[[], hashes.HashAlgorithm]]] = {
    "SHA-1": hashes.SHA1,
    "SHA-256": hashes.SHA256,
    "SHA-384": hashes.SHA384,
    "SHA-512": hashes.SHA512,
}
CURVES: Final[Mapping[str, ec.EllipticCurve]] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
}
_CURVE_NAMES: Final = {curve.name: name for name, curve in CURVES.items()}
_BLOCK_BITS: Final = 128
_GCM_TAG_BITS: Final = 128
_PRIVATE: Final = (
    serialization.Encoding.DER,
    serialization.PrivateFormat.PKCS8,
    serialization.NoEncryption(),
)
_PUBLIC: Final = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """One function per operation of the API."""
    return {
        "random": secrets.token_bytes,
        "uuid": lambda: str(uuid.uuid4()),
        "digest": _digest,
        "hmac": _hmac,
        "hmacVerify": _hmac_verify,
        "aesCbc": _aes_cbc,
        "aesCtr": _aes_ctr,
        "aesGcm": _aes_gcm,
        "rsaOaep": _rsa_oaep,
        "sign": _sign,
        "verify": _verify,
        "generateRsa": lambda bits, exponent: _in_thread(_generate_rsa, bits, exponent),
        "generateEc": _generate_ec,
        "publicOf": _public_of,
        "describe": _describe,
        "ecFromRaw": _ec_from_raw,
        "ecToRaw": _ec_to_raw,
        "fromJwk": _from_jwk,
        "toJwk": _to_jwk,
        "ecdh": _ecdh,
        "pbkdf2": lambda *arguments: _in_thread(_pbkdf2, *arguments),
    }


def _in_thread(function: Callable[..., T], *arguments: object) -> T:
    return gevent.get_hub().threadpool.apply(function, arguments)


def _hash(name: str) -> hashes.HashAlgorithm:
    made = HASHES.get(name)
    if made is None:
        raise HostError(f"unsupported hash algorithm {name}", "NotSupportedError")
    return made()


# Digests and keyed digests


def _digest(name: str, content: bytes) -> bytes:
    made = hashes.Hash(_hash(name))
    made.update(content)
    return made.finalize()


def _hmac(name: str, key: bytes, content: bytes) -> bytes:
    made = hmac.HMAC(key, _hash(name))
    made.update(content)
    return made.finalize()


def _hmac_verify(name: str, key: bytes, signature: bytes, content: bytes) -> bool:
    return secrets.compare_digest(_hmac(name, key, content), signature)


# AES


def _aes_cbc(encrypts: bool, key: bytes, iv: bytes, content: bytes) -> bytes:
    cipher = Cipher(algorithms.AES(key), modes.CBC(iv))
    if encrypts:
        padder = padding.PKCS7(_BLOCK_BITS).padder()
        encryptor = cipher.encryptor()
        return encryptor.update(padder.update(content) + padder.finalize()) + encryptor.finalize()
    try:
        decryptor = cipher.decryptor()
        padded = decryptor.update(content) + decryptor.finalize()
        unpadder = padding.PKCS7(_BLOCK_BITS).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError as error:
        raise HostError(f"decryption failed: {error}", "OperationError") from None


def _aes_ctr(key: bytes, counter: bytes, content: bytes) -> bytes:
    made = Cipher(algorithms.AES(key), modes.CTR(counter)).encryptor()
    return made.update(content) + made.finalize()


def _aes_gcm(
    encrypts: bool,
    key: bytes,
    iv: bytes,
    content: bytes,
    additional: bytes | None,
    tag_bits: int,
) -> bytes:
    if encrypts and tag_bits == _GCM_TAG_BITS:
        return AESGCM(key).encrypt(iv, content, additional)
    size = tag_bits // 8
    if encrypts:
        encryptor = Cipher(algorithms.AES(key), modes.GCM(iv)).encryptor()
        encryptor.authenticate_additional_data(additional or b"")
        sealed = encryptor.update(content) + encryptor.finalize()
        return sealed + encryptor.tag[:size]
    if len(content) < size:
        raise HostError("decryption failed: the data is shorter than its tag", "OperationError")
    try:
        mode = modes.GCM(iv, content[-size:], min_tag_length=size)
        decryptor = Cipher(algorithms.AES(key), mode).decryptor()
        decryptor.authenticate_additional_data(additional or b"")
        return decryptor.update(content[:-size]) + decryptor.finalize()
    except InvalidTag:
        raise HostError(
            "decryption failed: the data or the key is not the right one", "OperationError"
        ) from None


# Asymmetric keys


def _private(der: bytes) -> Any:
    try:
        return serialization.load_der_private_key(der, None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError) as error:
        raise HostError(f"this is no private key: {error}", "DataError") from None


def _public(der: bytes) -> Any:
    try:
        return serialization.load_der_public_key(der)
    except (ValueError, TypeError) as error:
        raise HostError(f"this is no public key: {error}", "DataError") from None


def _generate_rsa(bits: int, exponent: int) -> bytes:
    try:
        return rsa.generate_private_key(exponent, bits).private_bytes(*_PRIVATE)
    except ValueError as error:
        raise HostError(str(error), "OperationError") from None


def _generate_ec(curve: str) -> bytes:
    return ec.generate_private_key(_curve(curve)).private_bytes(*_PRIVATE)


def _curve(name: str) -> ec.EllipticCurve:
    if name not in CURVES:
        raise HostError(f"unsupported curve {name}", "NotSupportedError")
    return CURVES[name]


def _public_of(private: bytes) -> bytes:
    made: bytes = _private(private).public_key().public_bytes(*_PUBLIC)
    return made


def _describe(der: bytes, is_private: bool) -> str:
    """What a key is: {"kind": "RSA", "bits", "exponent"} or {"kind": "EC", "curve"}."""
    key = _private(der) if is_private else _public(der)
    public = key.public_key() if is_private else key
    if isinstance(public, rsa.RSAPublicKey):
        told: dict[str, Any] = {"kind": "RSA", "bits": public.key_size, "exponent": public.public_numbers().e}
    elif isinstance(public, ec.EllipticCurvePublicKey):
        told = {"kind": "EC", "curve": _CURVE_NAMES.get(public.curve.name, public.curve.name)}
    else:
        raise HostError("only RSA and elliptic curve keys are supported", "NotSupportedError")
    return msgspec.json.encode(told).decode()


def _ec_from_raw(curve: str, point: bytes) -> bytes:
    try:
        return ec.EllipticCurvePublicKey.from_encoded_point(_curve(curve), point).public_bytes(*_PUBLIC)
    except ValueError as error:
        raise HostError(f"this is no point of {curve}: {error}", "DataError") from None


def _ec_to_raw(public: bytes) -> bytes:
    made: bytes = _public(public).public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    return made


def _rsa_oaep(
    encrypts: bool,
    name: str,
    key: bytes,
    content: bytes,
    label: bytes | None,
) -> bytes:
    scheme = rsa_padding.OAEP(rsa_padding.MGF1(_hash(name)), _hash(name), label)
    try:
        made: bytes = (
            _public(key).encrypt(content, scheme) if encrypts else _private(key).decrypt(content, scheme)
        )
    except ValueError as error:
        what = "encryption" if encrypts else "decryption"
        raise HostError(f"{what} failed: {error}", "OperationError") from None
    return made


def _sign(scheme: str, name: str, private: bytes, content: bytes, salt_bytes: int) -> bytes:
    key = _private(private)
    if scheme == "ECDSA":
        # The API's form: both numbers, each as long as the curve's order (IEEE P1363).
        size = (key.curve.key_size + 7) // 8
        r, s = utils.decode_dss_signature(key.sign(content, ec.ECDSA(_hash(name))))
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")
    made: bytes = key.sign(content, _rsa_scheme(scheme, name, salt_bytes), _hash(name))
    return made


def _verify(scheme: str, name: str, public: bytes, signature: bytes, content: bytes, salt_bytes: int) -> bool:
    key = _public(public)
    try:
        if scheme == "ECDSA":
            size = (key.curve.key_size + 7) // 8
            if len(signature) != 2 * size:
                return False
            r, s = int.from_bytes(signature[:size], "big"), int.from_bytes(signature[size:], "big")
            key.verify(utils.encode_dss_signature(r, s), content, ec.ECDSA(_hash(name)))
        else:
            key.verify(signature, content, _rsa_scheme(scheme, name, salt_bytes), _hash(name))
    except (InvalidSignature, ValueError):
        return False
    return True


def _rsa_scheme(scheme: str, name: str, salt_bytes: int) -> Any:
    if scheme == "RSA-PSS":
        return rsa_padding.PSS(rsa_padding.MGF1(_hash(name)), salt_bytes)
    return rsa_padding.PKCS1v15()


# Derivation


def _ecdh(private: bytes, public: bytes) -> bytes:
    try:
        made: bytes = _private(private).exchange(ec.ECDH(), _public(public))
    except (ValueError, AttributeError) as error:
        raise HostError(f"the two keys do not belong together: {error}", "InvalidAccessError") from None
    return made


def _pbkdf2(name: str, password: bytes, salt: bytes, iterations: int, bits: int) -> bytes:
    return PBKDF2HMAC(_hash(name), bits // 8, salt, iterations).derive(password)


# JSON Web Keys (RFC 7517, RFC 7518 section 6)


def _to_jwk(der: bytes, is_private: bool) -> str:
    key = _private(der) if is_private else _public(der)
    public = (key.public_key() if is_private else key).public_numbers()
    own = key.private_numbers() if is_private else None
    if isinstance(public, rsa.RSAPublicNumbers):
        parts = {"n": public.n, "e": public.e}
        if own is not None:
            parts |= {"d": own.d, "p": own.p, "q": own.q, "dp": own.dmp1, "dq": own.dmq1, "qi": own.iqmp}
        told = {"kty": "RSA", **{name: _number_text(number) for name, number in parts.items()}}
    else:
        size = (public.curve.key_size + 7) // 8
        parts = {"x": public.x, "y": public.y} | ({"d": own.private_value} if own is not None else {})
        told = {"kty": "EC", "crv": _CURVE_NAMES[public.curve.name]}
        told |= {name: _number_text(number, size) for name, number in parts.items()}
    return msgspec.json.encode(told).decode()


def _from_jwk(text: str) -> bytes:
    """The key as DER: private where ``d`` is there."""
    given = msgspec.json.decode(text)
    try:
        if given["kty"] == "RSA":
            return _rsa_from_jwk(given)
        if given["kty"] == "EC":
            return _ec_from_jwk(given)
    except (KeyError, ValueError, TypeError) as error:
        raise HostError(f"invalid JSON Web Key: {error}", "DataError") from None
    raise HostError(f"unsupported kind of JSON Web Key: {given['kty']}", "NotSupportedError")


def _rsa_from_jwk(given: Mapping[str, str]) -> bytes:
    number = {
        name: _number(given[name]) for name in ("n", "e", "d", "p", "q", "dp", "dq", "qi") if name in given
    }
    public = rsa.RSAPublicNumbers(number["e"], number["n"])
    if "d" not in number:
        return public.public_key().public_bytes(*_PUBLIC)
    own = rsa.RSAPrivateNumbers(
        number["p"], number["q"], number["d"], number["dp"], number["dq"], number["qi"], public
    )
    return own.private_key().private_bytes(*_PRIVATE)


def _ec_from_jwk(given: Mapping[str, str]) -> bytes:
    public = ec.EllipticCurvePublicNumbers(_number(given["x"]), _number(given["y"]), _curve(given["crv"]))
    if "d" not in given:
        return public.public_key().public_bytes(*_PUBLIC)
    return ec.EllipticCurvePrivateNumbers(_number(given["d"]), public).private_key().private_bytes(*_PRIVATE)


def _number_text(number: int, size: int = 0) -> str:
    content = number.to_bytes(size or (number.bit_length() + 7) // 8, "big")
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def _number(text: str) -> int:
    return int.from_bytes(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "big")
