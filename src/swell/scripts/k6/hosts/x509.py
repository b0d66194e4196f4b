"""The Python half of k6/crypto/x509."""

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, SignatureAlgorithmOID

from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

# The fields of a name by k6's keys (RFC 5280, appendix A.1).
_FIELDS: Final = {
    "commonName": NameOID.COMMON_NAME,
    "country": NameOID.COUNTRY_NAME,
    "postalCode": NameOID.POSTAL_CODE,
    "stateOrProvinceName": NameOID.STATE_OR_PROVINCE_NAME,
    "localityName": NameOID.LOCALITY_NAME,
    "streetAddress": NameOID.STREET_ADDRESS,
    "organizationName": NameOID.ORGANIZATION_NAME,
}
_ISSUER_FIELDS: Final = ("commonName", "country", "stateOrProvinceName", "localityName", "organizationName")
_SIGNATURES: Final = {
    SignatureAlgorithmOID.RSA_WITH_MD5: "MD5-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA1: "SHA1-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA256: "SHA256-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA384: "SHA384-RSA",
    SignatureAlgorithmOID.RSA_WITH_SHA512: "SHA512-RSA",
    SignatureAlgorithmOID.ECDSA_WITH_SHA1: "ECDSA-SHA1",
    SignatureAlgorithmOID.ECDSA_WITH_SHA256: "ECDSA-SHA256",
    SignatureAlgorithmOID.ECDSA_WITH_SHA384: "ECDSA-SHA384",
    SignatureAlgorithmOID.ECDSA_WITH_SHA512: "ECDSA-SHA512",
    SignatureAlgorithmOID.DSA_WITH_SHA1: "DSA-SHA1",
    SignatureAlgorithmOID.DSA_WITH_SHA256: "DSA-SHA256",
}


def functions(_vu: "VUHost") -> Mapping[str, HostFunction]:
    """Each takes the certificate as PEM and gives JSON text."""
    return {
        "parse": lambda pem: _json(_parsed(_certificate(pem))),
        "altNames": lambda pem: _json(_alternative_names(_certificate(pem))),
        "issuer": lambda pem: _json(_issuer(_certificate(pem))),
        "subject": lambda pem: _json(_subject(_certificate(pem))),
    }


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _certificate(pem: str) -> x509.Certificate:
    if "-----BEGIN" not in pem or "-----END" not in pem:
        raise HostError("failed to decode certificate PEM file")
    try:
        return x509.load_pem_x509_certificate(pem.encode())
    except ValueError as error:
        raise HostError(f"failed to parse certificate: {error}") from None


def _parsed(certificate: x509.Certificate) -> dict[str, Any]:
    oid = certificate.signature_algorithm_oid
    return {
        "subject": _subject(certificate),
        "issuer": _issuer(certificate),
        "notBefore": f"{certificate.not_valid_before_utc:%Y-%m-%dT%H:%M:%SZ}",
        "notAfter": f"{certificate.not_valid_after_utc:%Y-%m-%dT%H:%M:%SZ}",
        "altNames": _alternative_names(certificate),
        "signatureAlgorithm": _SIGNATURES.get(oid, oid.dotted_string),
        "fingerPrint": list(
            hashlib.sha1(certificate.public_bytes(Encoding.DER), usedforsecurity=False).digest()
        ),
        "publicKey": _public_key(certificate),
    }


def _public_key(certificate: x509.Certificate) -> dict[str, Any]:
    key = certificate.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        rsa_numbers = key.public_numbers()
        return {"algorithm": "RSA", "key": {"n": str(rsa_numbers.n), "e": rsa_numbers.e}}
    if isinstance(key, ec.EllipticCurvePublicKey):
        numbers = key.public_numbers()
        return {
            "algorithm": "ECDSA",
            "key": {"curve": key.curve.name, "x": str(numbers.x), "y": str(numbers.y)},
        }
    if isinstance(key, dsa.DSAPublicKey):
        return {"algorithm": "DSA", "key": {"y": str(key.public_numbers().y)}}
    raise HostError("unsupported public key algorithm")


def _alternative_names(certificate: x509.Certificate) -> list[str]:
    """DNS names, e-mail addresses, IP addresses, URIs: in this order, as k6 gives them."""
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return []
    return [
        *names.get_values_for_type(x509.DNSName),
        *names.get_values_for_type(x509.RFC822Name),
        *map(str, names.get_values_for_type(x509.IPAddress)),
        *names.get_values_for_type(x509.UniformResourceIdentifier),
    ]


def _subject(certificate: x509.Certificate) -> dict[str, Any]:
    name = certificate.subject
    units = name.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return {
        **{key: _first(name, key) for key in _FIELDS},
        "organizationalUnitName": [str(unit.value) for unit in units],
        "names": _all(name),
    }


def _issuer(certificate: x509.Certificate) -> dict[str, Any]:
    name = certificate.issuer
    return {**{key: _first(name, key) for key in _ISSUER_FIELDS}, "names": _all(name)}


def _first(name: x509.Name, key: str) -> str:
    found = name.get_attributes_for_oid(_FIELDS[key])
    return str(found[0].value) if found else ""


def _all(name: x509.Name) -> list[dict[str, str]]:
    return [{"type": part.oid.dotted_string, "value": str(part.value)} for part in name]
