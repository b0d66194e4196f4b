"""The response parser: each case whole, byte by byte, and split at every place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.net.http1 import (
    MAX_HEAD_BYTES,
    BodyTooLargeError,
    ProtocolError,
    ResponseParser,
    TruncatedError,
    parse_head,
)

OK = b"HTTP/1.1 200 OK\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"


def parser(
    *, is_head_request: bool = False, discard: bool = False, max_body: int = 1 << 20
) -> ResponseParser:
    """A parser that expects one response."""
    new = ResponseParser()
    new.start(is_head_request=is_head_request, discard=discard, max_body=max_body)
    return new


def feed_all(pieces: list[bytes], *, eof: bool = False, **how: object) -> ResponseParser:
    """Feed the pieces; the last of them, or the end of the stream, must complete the response."""
    new = parser(**how)  # type: ignore[arg-type]
    done = False
    for piece in pieces:
        done = new.feed(piece)
    if eof and not done:
        done = new.feed_eof()
    assert done
    return new


def feed_pieces(new: ResponseParser, pieces: list[bytes]) -> None:
    """Feed all pieces, or raise what one of them raises."""
    for piece in pieces:
        new.feed(piece)


def ways(data: bytes) -> list[list[bytes]]:
    """``data`` whole, byte by byte, and cut once at every place."""
    cut = [[data[:i], data[i:]] for i in range(1, len(data))]
    return [[data], [data[i : i + 1] for i in range(len(data))], *cut]


COMPLETE = [
    ("length", OK + b"Content-Length: 5\r\n\r\nhello", b"hello", True),
    ("empty", OK + b"Content-Length: 0\r\n\r\n", b"", True),
    ("bare line feeds", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", b"ok", True),
    ("no reason", b"HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    ("close", OK + b"Connection: close\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
    ("1.0", b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", b"ok", False),
    ("1.0 kept", b"HTTP/1.0 200 OK\r\nConnection: Keep-Alive\r\nContent-Length: 2\r\n\r\nok", b"ok", True),
    ("204", b"HTTP/1.1 204 No Content\r\n\r\n", b"", True),
    ("304 with length", b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n", b"", True),
    ("100 first", b"HTTP/1.1 100 Continue\r\n\r\n" + OK + b"Content-Length: 2\r\n\r\nok", b"ok", True),
    (
        "103 first",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK + b"Content-Length: 1\r\n\r\nx",
        b"x",
        True,
    ),
    ("chunked", CHUNKED + b"4\r\nWiki\r\n5;a=b\r\npedia\r\n0\r\n\r\n", b"Wikipedia", True),
    ("chunked, bare LF", CHUNKED + b"4\nWiki\n0\n\n", b"Wiki", True),
    ("chunked trailer", CHUNKED + b"1\r\nx\r\n0\r\nA: b\r\nC: d\r\n\r\n", b"x", True),
    ("chunked empty", CHUNKED + b"0\r\n\r\n", b"", True),
    ("folded header", OK + b"X: a\r\n  b\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    ("same length twice", OK + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\nx", b"x", True),
    (
        "chunked beats length",
        OK + b"Content-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        b"x",
        False,
    ),
]


@pytest.mark.parametrize(
    ("data", "body", "reuse"), [case[1:] for case in COMPLETE], ids=[case[0] for case in COMPLETE]
)
def test_complete_responses_parse_the_same_in_any_pieces(data: bytes, body: bytes, reuse: bool) -> None:
    """Body and reuse do not depend on how the bytes arrive."""
    for pieces in ways(data):
        result = feed_all(pieces)
        assert (result.body, result.can_reuse) == (body, reuse)


def test_a_body_without_length_ends_with_the_stream() -> None:
    """Close-delimited bodies are complete at EOF and the connection is spent."""
    for pieces in ways(OK + b"\r\nall of it"):
        result = feed_all(pieces, eof=True)
        assert (result.body, result.can_reuse) == (b"all of it", False)


def test_a_head_response_has_no_body_whatever_its_length_says() -> None:
    """HEAD: Content-Length describes what GET would give."""
    result = feed_all([OK + b"Content-Length: 500\r\n\r\n"], is_head_request=True)
    assert (result.body, result.can_reuse) == (b"", True)


@pytest.mark.parametrize(
    "data",
    [
        OK + b"Content-Length: 2\r\n\r\nok+junk",
        CHUNKED + b"1\r\nx\r\n0\r\n\r\n+junk",
        b"HTTP/1.1 204 N\r\n\r\n+",
    ],
)
def test_junk_behind_the_response_spoils_the_connection_only(data: bytes) -> None:
    """The response stands; the connection is not used again."""
    result = feed_all([data])
    assert not result.can_reuse
    assert not result.body.endswith(b"junk")


def test_discarded_bodies_are_counted_but_not_kept() -> None:
    """Discarding keeps no byte and still enforces the limit."""
    assert feed_all([OK + b"Content-Length: 2\r\n\r\nok"], discard=True).body == b""
    assert feed_all([CHUNKED + b"2\r\nok\r\n", b"0\r\n\r\n"], discard=True).body == b""
    with pytest.raises(BodyTooLargeError):
        parser(discard=True, max_body=1).feed(CHUNKED + b"2\r\nok\r\n")


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x15\x03\x01\x00\x02\x02\x28",
        b"HTTP/2.0 200 OK\r\n\r\n",
        b"HTTP/1.1 99 Low\r\n\r\n",
        b"HTTP/1.1 2000 High\r\n\r\n",
        b"HTTP/1.1  200 OK\r\n\r\n",
        OK + b"No colon here\r\n\r\n",
        OK + b"Space : before\r\n\r\n",
        OK + b"Content-Length: -1\r\n\r\n",
        OK + b"Content-Length: 1, 2\r\n\r\n",
        OK + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
        OK + b"Content-Length: 0x10\r\n\r\n",
        OK + b"Content-Length: 9999999999999999999999\r\n\r\n",
        OK + b"Transfer-Encoding: gzip\r\n\r\n",
        OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
        OK + b"X: a\x00b\r\n\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\n\r\n",
        CHUNKED + b"xyz\r\n",
        CHUNKED + b"-1\r\n",
        CHUNKED + b"2\r\nokX\r\n",
        CHUNKED + b"ffffffffffffffffff\r\n",
        CHUNKED + b"1" * 9000,
        b"HTTP/1.1 100 C\r\n\r\n" * 30,
    ],
)
def test_garbage_is_a_protocol_error_in_any_pieces(data: bytes) -> None:
    """What is no HTTP response raises ProtocolError as soon as that is sure, and nothing else."""
    for pieces in [[data], [data[i : i + 1] for i in range(len(data))]]:
        new = parser()
        with pytest.raises(ProtocolError):
            feed_pieces(new, pieces)


def test_an_endless_header_is_refused() -> None:
    """A head over the limit is an error, not memory."""
    new = parser()
    with pytest.raises(ProtocolError, match="larger than"):
        feed_pieces(new, [OK + b"X: ", *[b"a" * 1000] * (MAX_HEAD_BYTES // 1000 + 2)])


def test_a_body_over_the_limit_is_refused_before_it_is_read() -> None:
    """A 10 GB content-length fails at the head."""
    with pytest.raises(BodyTooLargeError):
        parser().feed(OK + b"Content-Length: 10000000000\r\n\r\n")


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "without a response"),
        (b"HTTP/1.", "header"),
        (OK + b"Content-Length: 5\r\n\r\nhel", "body"),
        (CHUNKED + b"5\r\nhel", "body"),
        (CHUNKED + b"3\r\nhel\r\n", "body"),
    ],
)
def test_an_early_end_says_where(data: bytes, text: str) -> None:
    """EOF before the end is TruncatedError naming the part that is missing."""
    new = parser()
    if data:
        assert not new.feed(data)
    with pytest.raises(TruncatedError, match=text):
        new.feed_eof()


def test_headers_keep_order_case_and_bytes() -> None:
    """Fields are kept as sent, values stripped of outer white space only."""
    head = parse_head(OK + b"B-x:  1 \r\na: \xff\r\nA: 2\r\n\r\n")
    assert head.fields == [(b"B-x", b"1"), (b"a", b"\xff"), (b"A", b"2")]
    assert head.values(b"a") == [b"\xff", b"2"]


@given(st.binary(max_size=200), st.lists(st.integers(1, 40), max_size=20))
def test_any_bytes_end_in_a_result_or_a_known_error(data: bytes, cuts: list[int]) -> None:
    """Parse, or one of the three errors; never anything else."""
    new = parser()
    data = (b"HTTP/1.1 200 OK\r\n" if len(data) % 2 else b"") + data
    try:
        for size in [*cuts, len(data)]:
            if new.feed(data[:size]):
                return
            data = data[size:]
        new.feed_eof()
    except (ProtocolError, BodyTooLargeError, TruncatedError):
        return


@given(st.lists(st.binary(min_size=1, max_size=50), max_size=10), st.integers(1, 60))
def test_chunked_bodies_survive_any_chunking_and_slicing(chunks: list[bytes], step: int) -> None:
    """What was put into chunks comes out, however the wire slices it."""
    wire = CHUNKED + b"".join(b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks) + b"0\r\n\r\n"
    result = feed_all([wire[i : i + step] for i in range(0, len(wire), step)])
    assert (result.body, result.can_reuse) == (b"".join(chunks), True)
