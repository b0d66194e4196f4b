"""Headers: case-insensitive, ordered, lazy, and never failing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.headers import Headers, parse_pairs

BLOCK = (
    b"Content-Type: text/html\r\nset-cookie: a=1\r\nX-Empty:\r\nSet-Cookie:  b=2 \r\n"
    b"Via: 1.1 a\r\nVIA: 1.1 b\r\n\r\n"
)


def test_a_mapping_without_case():
    """Names match in any case, duplicates are joined, iteration keeps the first spelling and the order."""
    headers = Headers(BLOCK)
    assert headers["content-TYPE"] == "text/html"
    assert headers["via"] == "1.1 a, 1.1 b"
    assert headers.get_list("Set-Cookie") == ["a=1", "b=2"]
    assert list(headers) == ["Content-Type", "set-cookie", "X-Empty", "Via"]
    assert len(headers) == 4
    assert "x-empty" in headers
    assert headers["X-Empty"] == ""
    assert headers.get("missing") is None
    assert headers.get_list("missing") == []
    assert 1 not in headers
    with pytest.raises(KeyError):
        headers["missing"]


def test_from_pairs_of_text_or_bytes():
    """Parsed pairs are taken as they are, bytes as latin-1."""
    assert Headers([("A", "1")]) == Headers([(b"a", b"1")]) == {"A": "1"}
    assert Headers([(b"X", b"caf\xe9")])["x"] == "caf\xe9"
    assert Headers([("A", "1")]) != {"A": "2"}
    assert Headers(b"A: 1\r\nA: 2\r\n") != Headers(b"A: 1, 2\r\n")


@pytest.mark.parametrize(
    ("block", "pairs"),
    [
        (b"", []),
        (b"A: 1\nB: 2\n", [("A", "1"), ("B", "2")]),
        (b"A: 1\r\n  more\r\n\ttoo\r\n", [("A", "1 more too")]),
        (b" folded into nothing\r\nA: 1\r\n", [("A", "1")]),
        (b"no colon\r\nA:b:c\r\n", [("A", "b:c")]),
    ],
)
def test_sloppy_blocks(block, pairs):
    """Bare line feeds, folding and lines without a colon are read as far as they make sense."""
    assert parse_pairs(block) == pairs


@given(st.binary(max_size=200))
def test_any_bytes(block):
    """No bytes raise, and values give back what was on the wire."""
    headers = Headers(block)
    for name in headers:
        headers[name].encode("latin-1")
    repr(headers)
