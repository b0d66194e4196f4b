"""What a server may make a client do is bounded: work, memory, descriptors, and what gets into tags."""

import gzip
import socket
import threading
import tracemalloc
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import gevent
import pytest
import zstandard

from swell.net import client, decode, failure
from swell.net.failure import Failure, failure_from
from swell.net.http1 import (
    MAX_CHUNK_LINE_BYTES,
    MAX_HEAD_BYTES,
    BodyTooLargeError,
    ProtocolError,
    ResponseParser,
    TruncatedError,
)
from swell.net.transport import Connection
from swell.testing.answers import corpus
from swell.testing.mutations import mutate
from swell.testing.raw import RawServer, pause, request, response, send

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
BARE = b"HTTP/1.1 200 OK\nContent-Length: 10\n\nab\r\n\r\ncdef"


def started(max_body: int = 1 << 20) -> ResponseParser:
    """A parser that expects a response."""
    parser = ResponseParser()
    parser.start(is_head_request=False, discard=False, max_body=max_body)
    return parser


def feed(data: bytes, size: int, max_body: int = 1 << 20) -> ResponseParser:
    """A parser that got ``data`` in pieces of ``size``."""
    parser = started(max_body)
    for start in range(0, len(data), size):
        parser.feed(data[start : start + size])
    return parser


# Heads and chunks


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_head_of_bare_line_feeds_ends_at_its_own_empty_line(size: int) -> None:
    """CRLF CRLF in the body behind it is the body's, however the bytes arrive."""
    assert feed(BARE, size).body == b"ab\r\n\r\ncdef"


@pytest.mark.parametrize("size", [1 << 12, 1 << 16, 1 << 20])
def test_the_limit_of_a_head_does_not_depend_on_how_it_arrives(size: int) -> None:
    """A head that is too large is refused when it comes whole, too."""
    head = b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 6) + b"\r\n"
    with pytest.raises(ProtocolError, match="larger than"):
        feed(head, size)


def test_a_head_that_comes_byte_by_byte_is_copied_once() -> None:
    """The parser keeps one growing buffer: no second copy of 200 KB for each of 200,000 bytes."""
    parser = started()
    parser.feed(b"HTTP/1.1 200 OK\r\nX: ")
    parser.feed(b"y")
    buffer = parser._buffer
    for _ in range(1000):
        parser.feed(b"y")
    assert parser._buffer is buffer


@pytest.mark.parametrize("size", [1, 5, 4096, 1 << 20])
def test_chunk_extensions_may_not_outweigh_the_chunks(size: int) -> None:
    """As in Go: 16 bytes and twice the content are free, beyond that 16 KiB in all."""
    chunk = b"1;" + b"x" * 1000 + b"\r\ny\r\n"
    with pytest.raises(ProtocolError, match="larger than the chunks"):
        feed(CHUNKED + chunk * 20, size)
    assert feed(CHUNKED + b"1;a=b\r\ny\r\n" * 2000 + b"0\r\n\r\n", size).body == b"y" * 2000


@pytest.mark.parametrize("size", [1, 4096, 1 << 20])
def test_a_size_line_and_the_trailer_have_an_end(size: int) -> None:
    """A line of 8 KiB is refused even where its end is in sight; trailers have the limit of a head."""
    with pytest.raises(ProtocolError, match="has no end"):
        feed(CHUNKED + b"5;" + b"x" * MAX_CHUNK_LINE_BYTES + b"\r\nhello\r\n", size)
    with pytest.raises(ProtocolError, match="trailer section"):
        feed(CHUNKED + b"0\r\n" + b"A: b\r\n" * (MAX_HEAD_BYTES // 6 + 1) + b"\r\n", size)


@pytest.mark.parametrize("framing", ["chunked", "length"])
def test_a_body_in_tiny_pieces_takes_the_memory_of_its_bytes(framing: str) -> None:
    """200 KB, two bytes at a time, are not a hundred thousand objects."""
    head = CHUNKED if framing == "chunked" else b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n"
    piece = b"2\r\nxy\r\n" if framing == "chunked" else b"xy"
    parser = started()
    parser.feed(head)
    tracemalloc.start()
    try:
        for _ in range(99_999):
            parser.feed(piece)
        used, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 400_000
    parser.feed(piece + (b"0\r\n\r\n" if framing == "chunked" else b""))
    assert parser.body == b"xy" * 100_000


def test_tls_without_close_notify_does_not_end_a_body() -> None:
    """A body that the end of the connection ends is whole only where that end is the server's (RFC 9112)."""
    parser = feed(b"HTTP/1.1 200 OK\r\n\r\nhalf of", 100)
    with pytest.raises(TruncatedError):
        parser.feed_eof(is_clean=False)


def outcome(data: bytes, cuts: Sequence[int], *, is_head_request: bool) -> Any:
    """What a parser makes of ``data`` in pieces that end at ``cuts``."""
    parser = ResponseParser()
    parser.start(is_head_request=is_head_request, discard=False, max_body=1 << 18)
    try:
        pieces = zip((0, *cuts), (*cuts, len(data)), strict=True)
        if not any(parser.feed(data[start:end]) for start, end in pieces if start < end):
            parser.feed_eof()
    except (ProtocolError, BodyTooLargeError, TruncatedError) as error:
        return failure_from(error, "read")
    assert parser.head is not None
    return parser.head.status, parser.head.fields, parser.body


@pytest.mark.parametrize("first", range(0, 2000, 500))
def test_what_a_spoilt_answer_means_does_not_depend_on_how_it_arrives(first: int) -> None:
    """Whole, byte by byte or in random pieces: the same response or the same failure, for each seed."""
    for seed in range(first, first + 500):
        rng = Random(seed)
        answer = rng.choice(corpus())
        data = mutate(answer.data, rng)[:4000]
        is_head = answer.method == "HEAD"
        whole = outcome(data, (), is_head_request=is_head)
        pieces = sorted(rng.randrange(len(data) + 1) for _ in range(4))
        for cuts in (range(1, len(data)), pieces):
            assert outcome(data, cuts, is_head_request=is_head) == whole, f"seed {seed}: {data!r}"


# Bodies


@pytest.mark.parametrize(
    ("encoding", "empty"),
    [("gzip", gzip.compress(b"", mtime=0)), ("zstd", zstandard.ZstdCompressor().compress(b""))],
    ids=["gzip", "zstd"],
)
def test_a_body_of_ever_more_empty_streams_is_refused(encoding: str, empty: bytes) -> None:
    """Ten thousand are decoded, one more is a failure."""
    limit = decode.MAX_STREAMS
    assert decode.decode(empty * limit, encoding, 100) == b""
    refused = decode.decode(empty * (limit + 1), encoding, 100)
    assert isinstance(refused, Failure)
    assert refused.code == failure.DECOMPRESSION
    assert "streams" in refused.message


def test_a_large_body_is_decoded_while_others_go_on() -> None:
    """What takes long is done in a thread: other greenlets run before it is over."""
    packed = gzip.compress(bytes(4 << 20))
    ran: list[bool] = []
    gevent.spawn(ran.append, True)
    assert decode.decode_fairly(gzip.compress(b"small"), "gzip", 1 << 30) == b"small"
    assert ran == []
    assert decode.decode_fairly(packed, "gzip", 1 << 30) == bytes(4 << 20)
    assert ran == [True]
    assert decode.decode_fairly(packed, "gzip", 1 << 21) == Failure(
        failure.BODY_TOO_LARGE, "decompress: body larger than max_response_body_bytes"
    )


@pytest.mark.parametrize("charset", ["undefined", "idna", "hex", "x" * 5000, "utf-8\x7f", "punycode"])
def test_a_charset_that_is_none_is_read_as_utf8(bench: Callable, charset: str) -> None:
    """Python has codecs that decode no text, and some that raise by design."""
    answer = response("é".encode(), headers=[f"Content-Type: text/plain; charset={charset}"])
    with RawServer([[request(), send(answer)]]) as server:
        assert isinstance(bench().client.request("GET", server.url).text, str)


# Redirects, cookies, connections


def redirects_to(*locations: str) -> list[Any]:
    """A script of redirects on one connection, and a last answer."""
    steps: list[Any] = []
    for location in locations:
        steps += [request(), send(response(status="302 Found", headers=[f"Location: {location}"]))]
    return [*steps, request(), send(response(b"end"))]


@pytest.mark.parametrize(
    "location", ["ftp://a/", "http://[zz]/", "http://%00/", "http://a:0/", "javascript:x"]
)
def test_a_redirect_to_nowhere_has_one_text(bench: Callable, location: str) -> None:
    """The server's own words do not get into the error tag."""
    with RawServer([redirects_to(location)]) as server:
        answer = bench().client.request("GET", server.url)
    assert (answer.error_code, answer.error) == (failure.INVALID_URL, "redirect to an invalid URL")
    assert len(answer.history) == 1


def test_a_redirects_url_is_short_in_tags(bench: Callable) -> None:
    """It is requested whole; the name and url tags have its first 500 characters."""
    path = "/" + "a" * 60_000
    with RawServer([redirects_to(path)]) as server:
        made = bench()
        assert made.client.request("GET", server.url).url == server.url + path
    tags = made.records()[-1]["tags"]
    assert len(tags["name"]) == len(tags["url"]) == 500
    assert server.url + path not in made.shared.urls


def test_redirects_to_ever_new_hosts_leave_a_bounded_number_of_connections(
    bench: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The connections to the host met first are closed."""
    monkeypatch.setattr(client, "MAX_IDLE_ORIGINS", 3)
    made = bench()
    servers = [RawServer([[request(), send(response(b"ok"))] * 2]) for _ in range(5)]
    for server in servers:
        with server:
            assert made.client.request("GET", server.url).status_code == 200
    assert len(made.client._idle) == 3
    assert all(server.port != key[2] for key in made.client._idle for server in servers[:2])


def test_an_idle_connection_that_the_server_closes_gives_its_descriptor_back(bench: Callable) -> None:
    """Whether or not the host is ever asked again."""
    with RawServer([[request(), send(response(b"ok"))]]) as server:
        made = bench()
        made.client.request("POST", server.url)
        (idle,) = made.client._idle[("http", "127.0.0.1", server.port)]
        while not idle.is_dead:
            gevent.sleep(0)
        assert idle._socket.fileno() == -1


def test_of_thousands_of_cookies_the_last_ones_are_looked_at(bench: Callable) -> None:
    """A jar keeps 50 for a domain, so the rest is not even parsed."""
    headers = [f"Set-Cookie: n{number}=v" for number in range(5000)]
    with RawServer([[request(), send(response(headers=headers))]]) as server:
        made = bench()
        assert made.client.request("GET", server.url).status_code == 200
    assert [cookie.name for cookie in made.client.jar] == [f"n{number}" for number in range(4950, 5000)]


def test_an_answer_is_heard_while_the_server_reads_no_more(bench: Callable) -> None:
    """The body does not fit the socket's buffers; the sender waits for the answer as much as for room."""
    early = response(b"no", status="413 Content Too Large")

    def answer_and_ignore(connection: Any) -> None:
        connection.read_some()
        connection.sock.sendall(early)
        gone.wait()

    gone = threading.Event()
    with RawServer([[answer_and_ignore]]) as server:
        try:
            answer = bench().client.request("POST", server.url, content=b"x" * (32 << 20), timeout=60)
        finally:
            gone.set()
    assert (answer.status_code, answer.content) == (413, b"no")


def test_a_connection_to_itself_is_refused(bench: Callable) -> None:
    """TCP connects a port to itself where nothing listens; nobody answers there."""
    made = bench()
    with socket.socket() as placeholder:
        # It holds the port, which both may have, against everybody else.
        placeholder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        placeholder.bind(("127.0.0.1", 0))
        port = placeholder.getsockname()[1]

        def from_its_own_port(address: Any, _source: str | None) -> Connection:
            connection = Connection(address)
            connection._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection._socket.bind(("127.0.0.1", port))
            return connection

        made.shared.connect = from_its_own_port
        assert made.client.request("GET", f"http://127.0.0.1:{port}/").error_code == failure.REFUSED


def test_a_whole_answer_stands_whatever_comes_behind_it(bench: Callable) -> None:
    """Junk in the same packet ends the connection, not the response."""
    with RawServer([[request(), send(response(b"ok") + b"\x00" * 50), pause()]]) as server:
        made = bench()
        answer = made.client.request("POST", server.url)
        assert (answer.status_code, answer.content) == (200, b"ok")
        assert not made.client._idle
