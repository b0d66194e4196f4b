"""Redis's protocol: what is sent, what comes back in any pieces, and what is none of it."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.resp import MAX_BULK_BYTES, RedisError, ReplyParser, RESPError, encode

REPLIES: list[tuple[bytes, Any]] = [
    (b"+OK\r\n", b"OK"),
    (b":-42\r\n", -42),
    (b"$5\r\na\r\nbc\r\n", b"a\r\nbc"),
    (b"$0\r\n\r\n", b""),
    (b"$-1\r\n", None),
    (b"*-1\r\n", None),
    (b"*0\r\n", []),
    (b"*3\r\n:1\r\n*2\r\n$1\r\nx\r\n$-1\r\n+y\r\n", [1, [b"x", None], b"y"]),
]


def test_a_command_is_an_array_of_bulk_strings() -> None:
    """Arguments go as bytes with their length, whatever is in them."""
    assert encode([b"SET", b"k\r\n", b""]) == b"*3\r\n$3\r\nSET\r\n$3\r\nk\r\n\r\n$0\r\n\r\n"


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_replies_in_pieces(size: int) -> None:
    """However the bytes are cut, the same replies come out in order."""
    data = b"".join(written for written, _ in REPLIES)
    parser = ReplyParser()
    found: list[Any] = []
    for start in range(0, len(data), size):
        found += parser.feed(data[start : start + size])
    assert found == [value for _, value in REPLIES]


@given(st.lists(st.binary(max_size=40), min_size=1), st.integers(1, 50))
def test_a_command_read_as_a_reply_is_itself(arguments: list[bytes], size: int) -> None:
    """Encoding and parsing are inverse to each other, in pieces of any size."""
    data, parser = encode(arguments), ReplyParser()
    found = [
        reply for start in range(0, len(data), size) for reply in parser.feed(data[start : start + size])
    ]
    assert found == [arguments]


def test_an_error_is_a_value() -> None:
    """A refusal comes as an error with its text, also within an array, and parsing goes on."""
    first, second = ReplyParser().feed(b"-ERR no\r\n*1\r\n-WRONGTYPE \xff\r\n")
    assert isinstance(first, RedisError)
    assert str(first) == "ERR no"
    assert isinstance(second, list)
    assert str(second[0]) == "WRONGTYPE \ufffd"


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n", "is that a Redis server"),
        (b"\r\n", "begins with b''"),
        (b":12x\r\n", "where a number stands"),
        (b"$\r\n", "where a number stands"),
        (b":123456789012345678901234\r\n", "where a number stands"),
        (b"$%d\r\n" % (MAX_BULK_BYTES + 1), "are allowed"),
        (b"*1\r\n" * 40, "nests deeper than 32"),
        (b"+" + b"x" * 70_000, "longer than 65536 bytes"),
    ],
)
def test_what_is_no_reply_is_refused(data: bytes, message: str) -> None:
    """The error says what stands there; no announcement makes it keep more than it got."""
    with pytest.raises(RESPError, match=message):
        ReplyParser().feed(data)
