"""Credentials: the vectors of RFC 7616, challenges as servers write them, and no secret shown."""

import hashlib
import re

import pytest

from swell.net.auth import BasicAuth, BearerAuth, Challenge, DigestAuth, digest_challenge, parse_challenges

NONCE = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
OPAQUE = "FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"
CNONCE = "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"


def challenge(**parameters: str) -> Challenge:
    """A challenge with a nonce and what is given."""
    return Challenge({"realm": "http-auth@example.org", "nonce": NONCE} | parameters)


def field(header: str, name: str) -> str:
    """The value of one parameter of an Authorization header, without its quotes."""
    match = re.search(rf'\b{name}=(?:"([^"]*)"|([^,]*))', header)
    assert match is not None
    return match[1] if match[1] is not None else match[2]


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_vectors_of_the_rfc(algorithm: str, response: str) -> None:
    """RFC 7616, 3.9.1: both responses, digit by digit."""
    value = (
        f'Digest realm="http-auth@example.org", qop="auth, auth-int", algorithm={algorithm},'
        f' nonce="{NONCE}", opaque="{OPAQUE}"'
    )
    auth = DigestAuth("Mufasa", "Circle of Life")
    header = auth.respond(digest_challenge([value.encode()]), "GET", "/dir/index.html", CNONCE)
    assert header == (
        f'Digest username="Mufasa", realm="http-auth@example.org", nonce="{NONCE}", uri="/dir/index.html",'
        f' response="{response}", algorithm={algorithm}, qop=auth, nc=00000001, cnonce="{CNONCE}",'
        f' opaque="{OPAQUE}"'
    )


def test_the_user_name_can_be_hashed() -> None:
    """RFC 7616, 3.9.2: the hash of the user name of that example, with SHA-512-256."""
    given = Challenge(
        {
            "realm": "api@example.org",
            "qop": "auth",
            "algorithm": "SHA-512-256",
            "nonce": "5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK",
            "userhash": "true",
        }
    )
    header = DigestAuth("Jäsøn Doe", "Secret, or not?").respond(given, "GET", "/doe.json")
    # The RFC's own digits are those of an erroneous draft (errata 4897); these are computed as it says.
    hasher = hashlib.new("sha512_256")
    hasher.update("Jäsøn Doe:api@example.org".encode())
    assert field(header, "username") == hasher.hexdigest()
    assert header.endswith(", userhash=true")


def test_sessions_hash_both_nonces() -> None:
    """RFC 7616, 3.4.2: A1 = H(user:realm:password):nonce:cnonce for -sess; the name keeps its spelling."""
    header = DigestAuth("u", "p").respond(challenge(algorithm="md5-SESS", qop="auth"), "PUT", "/x", "c")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    first = md5(f"{md5('u:http-auth@example.org:p')}:{NONCE}:c")
    assert field(header, "response") == md5(f"{first}:{NONCE}:00000001:c:auth:{md5('PUT:/x')}")
    assert field(header, "algorithm") == "MD5-sess"


def test_servers_without_quality_of_protection_are_answered_the_old_way() -> None:
    """RFC 2069: response = H(A1:nonce:A2), without cnonce and counter."""
    header = DigestAuth("u", "p").respond(challenge(), "GET", "/")

    def md5(text: str) -> str:
        return hashlib.md5(text.encode()).hexdigest()

    assert field(header, "response") == md5(f"{md5('u:http-auth@example.org:p')}:{NONCE}:{md5('GET:/')}")
    assert "cnonce" not in header
    assert "nc=" not in header


def test_the_counter_counts_and_nonces_are_new() -> None:
    """Each request with one challenge has the next counter and a cnonce of its own."""
    given, auth = challenge(qop="auth"), DigestAuth("u", "p")
    headers = [auth.respond(given, "GET", "/") for _ in range(3)]
    assert [field(each, "nc") for each in headers] == ["00000001", "00000002", "00000003"]
    assert len({field(each, "cnonce") for each in headers}) == 3


def test_names_beyond_ascii_are_written_as_the_rfc_says() -> None:
    """username* in UTF-8; a realm in UTF-8 goes back byte for byte."""
    value = 'Digest realm="Büro", nonce="n", qop="auth"'.encode()
    header = DigestAuth("Jäsøn", "p").respond(digest_challenge([value]), "GET", "/")
    assert "username*=UTF-8''J%C3%A4s%C3%B8n" in header
    assert 'realm="Büro"'.encode() in header.encode("latin-1")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ('Basic realm="a, b"', [("basic", {"realm": "a, b"})]),
        (
            'Negotiate, Digest realm="x",nonce = abc , qop=auth,Bearer',
            [("negotiate", {}), ("digest", {"realm": "x", "nonce": "abc", "qop": "auth"}), ("bearer", {})],
        ),
        ('Digest realm="a \\"b\\"", nonce=""', [("digest", {"realm": 'a "b"', "nonce": ""})]),
        ("", []),
        ("=?=", []),
        ('Digest realm="never ends', [("digest", {})]),
    ],
)
def test_challenges_are_told_apart(value: str, expected: list) -> None:
    """Commas separate parameters and challenges; what is none ends the list."""
    assert [tuple(each) for each in parse_challenges(value)] == expected


def test_the_first_challenge_that_can_be_answered_is() -> None:
    """RFC 7616, 3.7: servers name the best first; what is not known is passed over."""
    values = [
        b'Digest realm="x", nonce="1", algorithm=SHA-1024',
        b'Digest realm="x", nonce="2", algorithm=MD5',
    ]
    assert digest_challenge(values).nonce == "2"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (b'Basic realm="x"', "the server offers no digest authentication"),
        (b'Digest realm="x"', "it has no nonce"),
        (b'Digest realm="x", nonce="1", algorithm=SHA-1024', "the algorithm 'SHA-1024' is not known"),
        (b'Digest realm="x", nonce="1", qop="auth-int"', "only auth is supported, not auth-int"),
    ],
)
def test_what_cannot_be_answered_is_said(value: bytes, reason: str) -> None:
    """The reason stands in the error."""
    with pytest.raises(ValueError, match=reason):
        digest_challenge([value])


def test_no_secret_is_shown() -> None:
    """Neither repr nor str shows a password or token."""
    for auth in (BasicAuth("user", "secret"), DigestAuth("user", "secret"), BearerAuth("secret")):
        assert "secret" not in f"{auth!r} {auth}"


def test_tokens_cannot_break_the_head() -> None:
    """Control characters in credentials are refused without showing them."""
    with pytest.raises(ValueError, match="control characters") as error:
        BearerAuth("secret\r\nX: y")
    assert "secret" not in str(error.value)
    with pytest.raises(ValueError, match="control characters"):
        DigestAuth("a\nb", "p")
