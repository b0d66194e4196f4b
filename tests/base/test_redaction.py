"""Secrets stay out of text, JSON and streams."""

import base64
import io
import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.redaction import NOTHING_SECRET, REDACTED, RedactedStream, Redactor


def test_the_longest_secret_goes_first() -> None:
    """A secret that begins like another leaves nothing of it behind."""
    assert Redactor(["abc", "abcdef"]).text("x abcdef abc y") == f"x {REDACTED} {REDACTED} y"


def test_no_secret_is_no_change() -> None:
    """Empty values are none."""
    assert not NOTHING_SECRET
    assert not Redactor([""])
    assert Redactor([""]).text("text") == "text"


def test_numbers_of_a_document_stay() -> None:
    """Texts and names lose the secret; a number that has its digits is a measurement."""
    made = Redactor(["2000"]).document({"2000": [2000, "x2000"], "n": None})
    assert made == {REDACTED: [2000, f"x{REDACTED}"], "n": None}


@given(st.text(min_size=4), st.text(), st.text())
def test_a_secret_is_found_in_text_and_in_json(secret: str, before: str, after: str) -> None:
    """Wherever a secret stands, it is gone, also with its escapes in JSON text."""
    redactor = Redactor([secret])
    text = redactor.text(before + secret + after)
    assert REDACTED in text
    encoded = json.dumps({"a": secret}, ensure_ascii=False)
    assert json.loads(redactor.text(encoded)) == {"a": REDACTED}


def test_streams_and_bytes() -> None:
    """A stream writes without secrets, and bytes lose theirs."""
    inner = io.StringIO()
    stream = RedactedStream(inner, Redactor(["pass"]))
    assert stream.write("a pass\n") == 7
    assert inner.getvalue() == f"a {REDACTED}\n"
    assert Redactor(["pass"]).content(b"a pass") == f"a {REDACTED}".encode()


@pytest.mark.parametrize("secret", ['q"uote', "back\\slash", "new\nline"])
def test_escaped_forms(secret: str) -> None:
    """JSON's escapes of a secret are found."""
    assert Redactor([secret]).text(json.dumps(secret)) == f'"{REDACTED}"'


def test_secrets_in_urls() -> None:
    """However a URL or a form writes a secret: with escapes of a path, of a query, or a plus for a space."""
    redactor = Redactor(["p@ss/wo rd!"])
    for form in ("p%40ss/wo%20rd%21", "p%40ss%2Fwo%20rd%21", "p%40ss%2Fwo%20rd!", "p%40ss%2Fwo+rd%21"):
        assert redactor.text(f"GET /?q={form}&a=1") == f"GET /?q={REDACTED}&a=1"


@pytest.mark.parametrize("secret", ["1", "ab", "200"])
def test_a_short_secret_goes_only_where_it_stands_alone(secret: str) -> None:
    """A secret of three characters is in every other word: there it is chance."""
    redactor = Redactor([secret])
    assert redactor.text(f"pin={secret}, x{secret} {secret}0") == f"pin={REDACTED}, x{secret} {secret}0"
    assert redactor.text(f'{{"pin":"{secret}"}}') == f'{{"pin":"{REDACTED}"}}'


@given(st.text(min_size=4), st.text(), st.text(), st.booleans(), st.booleans(), st.booleans())
def test_a_secret_is_found_inside_of_base64(
    secret: str, before: str, after: str, in_url: bool, url_safe: bool, padded: bool
) -> None:
    """Whatever was encoded with it, in both alphabets, with and without padding, also in a URL."""
    whole = f"{before}{secret}{after}".encode()
    coded = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(whole).decode()
    coded = coded if padded else coded.rstrip("=")
    text = Redactor([secret]).text(f"a {quote(coded, safe='') if in_url else coded} b")
    assert REDACTED in text
    assert text.endswith(f"{REDACTED} b")


def test_the_header_of_basic_authentication_is_kept_away() -> None:
    """As the client sends it: the user's name and the password together."""
    coded = base64.b64encode(b"user:s3cret-password").decode()
    text = Redactor(["s3cret-password"]).text(f"Authorization: Basic {coded}")
    left = text.removeprefix("Authorization: Basic ").removesuffix(REDACTED)
    assert coded.startswith(left)
    assert base64.b64decode(left + "=" * (-len(left) % 4)) == b"user"


def test_base64_of_something_else_stays() -> None:
    """Only what holds the secret is replaced."""
    coded = base64.b64encode(b"user:another-password").decode()
    assert Redactor(["s3cret-password"]).text(coded) == coded


@pytest.mark.parametrize(
    ("secret", "written"),
    [
        ("p@ss/wörd", "p%40ss%2fw%c3%b6rd"),
        ("p@ss/wörd", "p%40ss%2Fw%c3%B6rd"),
        ("pässwört", r"p\u00e4ssw\u00f6rt"),
    ],
)
def test_escapes_are_known_in_each_spelling(secret: str, written: str) -> None:
    """Percent-encoding in capitals and in small letters, and JSON in ASCII alone."""
    assert Redactor([secret]).text(f"a {written} b") == f"a {REDACTED} b"


@pytest.mark.parametrize("secret", ["\udcffabcdef", "abc\ud800def"])
def test_a_secret_that_is_no_unicode(secret: str) -> None:
    """Variables of the environment and scripts may have such values: they are kept out like all others."""
    assert Redactor([secret]).text(f"a {secret} b") == f"a {REDACTED} b"


def test_a_secret_among_bytes_that_are_no_text() -> None:
    """One byte that is no UTF-8 does not let the rest of a file through; it stays as it is."""
    found = Redactor(["geheimnis"]).content(b"\xff\xfe geheimnis \x80")
    assert found == b"\xff\xfe " + REDACTED.encode() + b" \x80"
