"""Streamed responses over real connections: pieces as they arrive, their stamps, every way to end."""

import gc
import gzip
import select
import threading
import time
import zlib
from collections.abc import Callable, Iterator

import brotli
import gevent
import pytest
import zstandard

from swell.engine.vu import IterationInterrupted
from swell.metrics.samples import ERROR, FAILED, NEW_CONNECTION, WINDOW_LIMITED
from swell.net import failure
from swell.net.response import RequestError
from swell.net.stream_parser import BUFFERED_BYTES, Piece
from swell.testing.raw import RawConnection, RawServer, close, never_answer, request, reset, response, send
from swell.testing.server import EchoServer

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server on both schemes."""
    with EchoServer(tls=True) as server:
        yield server


# However busy the machine is.
PATIENCE_S = 60.0


def chunk(data: bytes) -> bytes:
    """One chunk."""
    return b"%x\r\n%b\r\n" % (len(data), data)


class Steps:
    """Lets a server go on only when the test has seen what came before."""

    def __init__(self) -> None:
        self.event = threading.Semaphore(0)

    def wait(self) -> Callable[[RawConnection], None]:
        """The server's side: wait for the next step."""

        def act(_connection: RawConnection) -> None:
            assert self.event.acquire(timeout=PATIENCE_S)

        return act

    def go(self) -> None:
        """The test's side."""
        self.event.release()


def test_pieces_come_as_they_are_sent(bench: Callable) -> None:
    """The first piece is there before the server has sent the second; one sample, at the end."""
    steps = Steps()
    script = [request(), send(CHUNKED), steps.wait(), send(chunk(b"one")), steps.wait()]
    script += [send(chunk(b"two") + b"0\r\n\r\n"), request(), send(response(b"again"))]
    made = bench()
    with RawServer([script]) as server:
        with made.client.stream("GET", server.url) as answer:
            assert (answer.status_code, answer.time_to_first_chunk) == (200, None)
            waiting = answer.timings.waiting
            steps.go()
            pieces = answer.iter_bytes()
            assert next(pieces) == b"one"
            first_chunk = answer.time_to_first_chunk
            assert first_chunk is not None
            assert first_chunk > waiting
            assert made.records() == []
            steps.go()
            assert list(pieces) == [b"two"]
        (row,) = made.records()
        assert (row["tags"]["status"], row["flags"] & (FAILED | ERROR)) == ("200", 0)
        assert row["waiting_ns"] / 1e6 == waiting
        assert row["receiving_ns"] / 1e6 == answer.timings.receiving > 0
        # The whole body was read: the connection serves the next request.
        assert made.client.request("GET", server.url).text == "again"
        assert made.records()[0]["flags"] & NEW_CONNECTION == 0


def test_a_callback_takes_the_pieces_as_they_are_sent(bench: Callable) -> None:
    """Each is handled before the server sends the next; one sample, and the connection is kept."""
    steps = Steps()
    script = [request(), send(CHUNKED + chunk(b"one")), steps.wait(), send(chunk(b"two") + b"0\r\n\r\n")]
    made = bench()
    taken: list[bytes] = []

    def handle(piece: Piece) -> None:
        assert piece.received_ns <= time.monotonic_ns()
        taken.append(piece.data)
        steps.go()

    with RawServer([[*script, request(), send(response(b"again"))]]) as server:
        answer = made.client.stream("GET", server.url).each(handle)
        assert taken == [b"one", b"two"]
        assert (answer.status_code, answer.error) == (200, "")
        (row,) = made.records()
        assert row["flags"] & (FAILED | ERROR) == 0
        assert made.client.request("GET", server.url).text == "again"
        assert made.records()[0]["flags"] & NEW_CONNECTION == 0


def test_a_callback_may_end_the_stream_or_raise(bench: Callable) -> None:
    """False closes the connection, which is no failure; so does what it raises, and that goes through."""
    made = bench()
    script = [request(), send(CHUNKED + chunk(b"one")), never_answer()]
    with RawServer([script, script]) as server:
        answer = made.client.stream("GET", server.url).each(lambda _piece: False)
        assert (answer.status_code, answer.error) == (200, "")
        with pytest.raises(ZeroDivisionError):
            made.client.stream("GET", server.url).each(lambda _piece: 1 / 0)
    rows = made.records()
    assert [row["flags"] & (FAILED | ERROR) for row in rows] == [0, 0]


def test_pieces_carry_the_instants_of_their_arrival(bench: Callable) -> None:
    """A script that reads late still sees when the server sent; times are the kernel's."""
    steps = Steps()
    made = bench()
    with (
        RawServer([[request(), send(CHUNKED + chunk(b"1")), steps.wait(), send(chunk(b"2"))]]) as server,
        made.client.stream("GET", server.url) as answer,
    ):
        pieces = answer.iter_pieces()
        first = next(pieces)
        before = time.monotonic_ns()
        steps.go()
        second = next(pieces)
        assert first.received_ns < before <= second.received_ns <= time.monotonic_ns()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_both_schemes_and_the_whole_body(bench: Callable, echo: EchoServer, scheme: str) -> None:
    """A body of several megabytes passes whole, with bounded memory, and the connection is kept."""
    made = bench(tls_ca=echo.ca_pem)
    url = (echo.url if scheme == "http" else echo.https_url) + "/bytes/3000000"
    expected = made.client.request("GET", url).content
    with made.client.stream("GET", url) as answer:
        assert b"".join(answer.iter_bytes()) == expected
    assert answer.error == ""
    rows = made.records()
    assert [row["flags"] & NEW_CONNECTION for row in rows] == [NEW_CONNECTION, 0]
    assert rows[1]["received_bytes"] >= 3_000_000


def test_a_reader_that_stops_stops_the_server(bench: Callable) -> None:
    """What was not asked for is bounded; the sample says that the window was full."""
    sent = threading.Event()

    def pour(connection: RawConnection) -> None:
        connection.sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 60000000\r\n\r\n")
        connection.sock.sendall(bytes(60_000_000))
        sent.set()

    made = bench()
    with RawServer([[request(), pour]]) as server, made.client.stream("GET", server.url) as answer:
        pieces = answer.iter_pieces()
        next(pieces)
        while not answer.connection.window_limited:
            gevent.sleep(0.001)
        gevent.sleep(0.05)
        parser = answer.connection.parser
        assert sum(len(each.data) for each in parser.pieces) <= 2 * BUFFERED_BYTES
        assert not sent.is_set()
        size = sum(len(each.data) for each in pieces)
        assert 59_000_000 < size < 60_000_000
        assert sent.wait(PATIENCE_S)
    assert made.records()[0]["flags"] & WINDOW_LIMITED


def test_lines(bench: Callable) -> None:
    """Lines over the borders of pieces, both line ends, the last one without any."""
    text = "one\r\ntwo\n\nz\u00fcrich\nlast".encode()
    script = [request(), send(CHUNKED), *[send(chunk(text[i : i + 3])) for i in range(0, len(text), 3)]]
    made = bench()
    with (
        RawServer([[*script, send(b"0\r\n\r\n")]]) as server,
        made.client.stream("GET", server.url) as answer,
    ):
        assert list(answer.iter_lines()) == ["one", "two", "", "z\u00fcrich", "last"]


def test_a_line_without_an_end_is_limited(bench: Callable) -> None:
    """1232, as for a body that is too large."""
    made = bench(max_response_body_bytes=1000)
    with RawServer([[request(), send(response(b"x" * 5000))]]) as server:
        with made.client.stream("GET", server.url) as answer:
            assert list(answer.iter_lines()) == []
        assert answer.error_code == failure.BODY_TOO_LARGE


def test_read_gives_the_body_and_its_forms(bench: Callable) -> None:
    """Text and json() work after read()."""
    made = bench()
    with RawServer([[request(), send(response(b'{"a": 1}'))]]) as server:
        with made.client.stream("GET", server.url) as answer:
            answer.read()
        assert (answer.json(), answer.text) == ({"a": 1}, '{"a": 1}')


@pytest.mark.parametrize("how", ["with", "close", "break", "iteration", "client"])
def test_closing_early_is_no_failure(bench: Callable, how: str) -> None:
    """The connection is closed, the sample is that of a success."""
    made = bench()
    ended = threading.Event()

    def wait_for_the_end(connection: RawConnection) -> None:
        while connection.read_some():
            pass
        ended.set()

    with RawServer([[request(), send(CHUNKED + chunk(b"x")), wait_for_the_end]]) as server:
        if how == "break":
            for _ in made.client.stream("GET", server.url).iter_bytes():
                break
        else:
            answer = made.client.stream("GET", server.url)
            if how == "with":
                with answer:
                    pass
            elif how == "close":
                answer.close()
                answer.close()
            elif how == "iteration":
                made.client.end_iteration()
            else:
                made.client.close()
            assert list(answer.iter_bytes()) == []
        assert ended.wait(PATIENCE_S)
    (row,) = made.records()
    assert (row["tags"]["status"], row["flags"] & (FAILED | ERROR)) == ("200", 0)
    assert made.errors.drain() == []


def test_a_failure_ends_the_iteration_over_the_body(bench: Callable) -> None:
    """A reset in the middle: what came before is there, then the error; the sample is a failed one."""
    made = bench()
    with (
        RawServer([[request(), send(CHUNKED + chunk(b"some")), reset()]]) as server,
        made.client.stream("GET", server.url) as answer,
    ):
        got = b"".join(answer.iter_bytes())
    assert got in (b"some", b"")  # a reset may overtake what was sent before it
    assert (answer.status_code, answer.error_code, answer.ok) == (0, failure.RESET, False)
    (row,) = made.records()
    assert (row["tags"]["error_code"], row["flags"] & (FAILED | ERROR)) == ("1220", FAILED | ERROR)
    (seen,) = made.errors.drain()
    assert seen.code == failure.RESET


def test_a_body_cut_short_is_noticed(bench: Callable) -> None:
    """Without the last chunk the body is not whole."""
    made = bench()
    with RawServer([[request(), send(CHUNKED + chunk(b"some")), close()]]) as server:
        with made.client.stream("GET", server.url) as answer:
            assert b"".join(answer.iter_bytes()) == b"some"
        assert answer.error_code == failure.TRUNCATED_BODY


def test_silence_between_chunks_is_limited(bench: Callable) -> None:
    """chunk_timeout holds for each wait, and only while the reader waits; timeout holds to the head."""
    steps = Steps()
    made = bench()
    with RawServer(
        [[request(), send(CHUNKED + chunk(b"1")), steps.wait(), send(chunk(b"2")), steps.wait()]]
    ) as server:
        with made.client.stream("GET", server.url, timeout=60, chunk_timeout="400ms") as answer:
            pieces = answer.iter_bytes()
            assert next(pieces) == b"1"
            gevent.sleep(0.45)
            steps.go()
            # The chunk is there before the reader waits for it, however slow the server's thread is.
            assert select.select([answer.connection._socket], [], [], PATIENCE_S)[0]
            assert list(pieces) == [b"2"]
        assert (answer.error_code, answer.error) == (failure.TIMEOUT, "request timeout")
        steps.go()
    with RawServer([[request(), request()]]) as silent:
        late = made.client.stream("GET", silent.url, timeout="500ms")
        assert (late.status_code, late.error_code, list(late.iter_bytes())) == (0, failure.TIMEOUT, [])


def test_throw_raises_for_failures(bench: Callable) -> None:
    """With the option throw: while opening, and in the middle of the body."""
    made = bench(throw=True)
    with pytest.raises(RequestError, match="connection refused"):
        made.client.stream("GET", "http://127.0.0.1:1/")
    with (
        RawServer([[request(), send(CHUNKED + chunk(b"some")), close()]]) as server,
        made.client.stream("GET", server.url) as answer,
        pytest.raises(RequestError, match="before the end of the response"),
    ):
        list(answer.iter_bytes())


def test_an_interrupted_stream_counts_its_bytes_only(bench: Callable) -> None:
    """k6's rule; the connection is closed, and nothing else is recorded."""
    steps = Steps()
    made = bench()
    began = []

    def read() -> None:
        with made.client.stream("GET", server.url) as answer:
            for data in answer.iter_bytes():
                began.append(data)  # noqa: PERF402  # one after the other is the point

    with RawServer([[request(), send(CHUNKED + chunk(b"x")), steps.wait()]]) as server:
        reader = gevent.spawn(read)
        while not began:
            gevent.sleep(0.001)
        gevent.sleep(0.01)
        reader.kill(IterationInterrupted)
        assert isinstance(reader.exception or reader.value, IterationInterrupted | gevent.GreenletExit)
        steps.go()
    _, samples = made.recorder.take()
    assert made.records() == []
    assert len(samples) == 2 * 24  # bytes sent and received


def test_redirects_are_followed(bench: Callable, echo: EchoServer) -> None:
    """Each round has its sample; the last response is the one that streams."""
    made = bench()
    with made.client.stream("GET", f"{echo.url}/redirect/2") as answer:
        assert answer.url == f"{echo.url}/anything"
        assert [each.status_code for each in answer.history] == [302, 302]
        answer.read()
    assert [row["tags"]["status"] for row in made.records()] == ["302", "302", "200"]


def test_a_dead_kept_connection_is_replaced(bench: Callable, echo: EchoServer) -> None:
    """As for other requests: a stream over a connection that the server closed is sent again."""
    made = bench()
    made.client.request("GET", f"{echo.url}/get")
    (kept,) = next(iter(made.client._idle.values()))
    kept._socket.shutdown(2)
    with made.client.stream("GET", f"{echo.url}/get") as answer:
        assert answer.read()


PACKERS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
    "gzip, br": lambda data: brotli.compress(gzip.compress(data)),
    "unknown": bytes,
}


@pytest.mark.parametrize("encoding", PACKERS)
def test_encodings_are_undone_piece_by_piece(bench: Callable, encoding: str) -> None:
    """Whatever the pieces are cut into; a body that is cut short is failure 1701."""
    text = b"event: wave\n" * 5000
    packed = PACKERS[encoding](text)
    headers = [f"Content-Encoding: {encoding}"]
    made = bench()
    whole = response(packed, headers=headers)
    with (
        RawServer([[request(), send(*[whole[i : i + 50] for i in range(0, len(whole), 50)])]]) as server,
        made.client.stream("GET", server.url) as answer,
    ):
        assert b"".join(answer.iter_bytes()) == text
    if encoding == "unknown":
        return
    with RawServer([[request(), send(response(packed[:-3], headers=headers))]]) as server:
        with made.client.stream("GET", server.url) as answer:
            list(answer.iter_bytes())
        assert answer.error_code == failure.DECOMPRESSION


def test_a_bomb_unfolds_in_small_parts(bench: Callable) -> None:
    """A hundred megabytes of zeros in a few kilobytes: no part is large."""
    packer = zlib.compressobj(wbits=31)
    packed = b"".join([packer.compress(bytes(1_000_000)) for _ in range(100)]) + packer.flush()
    made = bench()
    with (
        RawServer([[request(), send(response(packed, headers=["Content-Encoding: gzip"]))]]) as server,
        made.client.stream("GET", server.url) as answer,
    ):
        sizes = [len(data) for data in answer.iter_bytes()]
    assert (sum(sizes), max(sizes) <= 256 * 1024) == (100_000_000, True)


def test_nothing_is_left_for_the_garbage_collector(bench: Callable) -> None:
    """A closed stream, its parser and its connection go with their last reference."""
    made = bench()
    gc.collect()
    gc.disable()
    try:
        with RawServer([[request(), send(CHUNKED + chunk(b"x"))]]) as server:
            before = sum(type(each).__name__ in ("StreamParser", "Connection") for each in gc.get_objects())
            for _ in range(5):
                with made.client.stream("GET", server.url):
                    pass
            after = sum(type(each).__name__ in ("StreamParser", "Connection") for each in gc.get_objects())
        assert after == before
    finally:
        gc.enable()


def test_a_failed_request_leaves_nothing_for_the_garbage_collector(bench: Callable) -> None:
    """What ended an exchange and its connection do not hold each other: cut short, or too late."""
    made = bench()
    cut = [request(), send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort"), close()]
    with RawServer([cut, cut, [request(), never_answer()], [request(), never_answer()]]) as server:
        made.client.request("GET", server.url)
        gc.collect()
        gc.disable()
        try:
            before = sum(type(each).__name__ == "Connection" for each in gc.get_objects())
            assert made.client.request("GET", server.url).error_code == 1231
            for _ in range(2):
                assert made.client.request("GET", server.url, timeout=0.5).error_code == 1050
            after = sum(type(each).__name__ == "Connection" for each in gc.get_objects())
        finally:
            gc.enable()
    assert after == before
