"""Request bodies over real connections: generators, Expect: 100-continue, and who is to blame."""

import hashlib
from collections.abc import Callable, Iterator

import pytest

from swell.metrics.samples import NEW_CONNECTION
from swell.net import failure
from swell.testing.raw import RawConnection, RawServer, never_answer, pause, request, response, send
from swell.testing.server import EchoServer

EXPECT = {"Expect": "100-continue"}
OK = response(b"ok")


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server on both schemes."""
    with EchoServer(tls=True) as server:
        yield server


def read_head(connection: RawConnection) -> None:
    """Wait for a request's head only."""
    while b"\r\n\r\n" not in connection.received:
        assert connection.read_some()


def body_of(connection: RawConnection) -> bytes:
    """What came behind the first head."""
    return bytes(connection.received).partition(b"\r\n\r\n")[2]


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_generators_are_sent_piece_by_piece(bench: Callable, echo: EchoServer, scheme: str) -> None:
    """Chunked, whatever their sizes, and the connection is used again; sizes are the wire's."""
    made = bench(tls_ca=echo.ca_pem)
    url = (echo.url if scheme == "http" else echo.https_url) + "/upload"
    pieces = [b"x", b"", b"y" * 200_000, "\u00fc".encode() * 3, b"z" * 65_536]
    whole = b"".join(pieces)
    for _ in range(2):
        seen = made.client.request("POST", url, content=(piece for piece in pieces)).json()
        assert (seen["size"], seen["sha256"]) == (len(whole), hashlib.sha256(whole).hexdigest())
        assert seen["headers"]["Transfer-Encoding"] == "chunked"
    first, second = made.records()
    assert second["flags"] & NEW_CONNECTION == 0
    assert first["sent_bytes"] > len(whole)


def test_what_a_generator_raises_is_the_scripts(bench: Callable) -> None:
    """It comes out of the request as it is; the connection is closed and no request is recorded."""
    made = bench()

    def broken() -> Iterator[bytes]:
        yield b"some"
        raise LookupError("no more rows")

    with RawServer([[request()]]) as server, pytest.raises(LookupError, match="no more rows"):
        made.client.request("POST", server.url, content=broken())
    assert made.records() == []
    assert made.logged == []


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("cookies", [None, {"a": "1"}])
def test_the_body_waits_for_the_go_ahead(bench: Callable, streamed: bool, cookies: dict | None) -> None:
    """Head, 100, body, in this order; waiting counts to the first byte of the answer, not of the 100."""
    made = bench()
    before = []

    def go_ahead(connection: RawConnection) -> None:
        read_head(connection)
        before.append(body_of(connection))
        connection.sock.sendall(b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n")

    body = iter([b"hel", b"lo"]) if streamed else b"hello"
    with RawServer([[go_ahead, request(), pause(0.02), send(OK), request(), send(OK)]]) as server:
        answer = made.client.request("PUT", server.url, content=body, headers=EXPECT, cookies=cookies)
        assert made.client.request("GET", server.url).text == "ok"
        received = body_of(server.connections[0])
    assert (answer.text, before) == ("ok", [b""])
    assert received.startswith(b"3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n" if streamed else b"hello")
    first, second = made.records()
    # The answer comes whole, a while after the body: were the 100 its first byte, it would take that while.
    assert first["receiving_ns"] == 0
    assert first["sending_ns"] + first["waiting_ns"] > 10_000_000
    assert second["flags"] & NEW_CONNECTION == 0


def test_a_refusal_saves_the_body(bench: Callable) -> None:
    """417 or another final answer: the body is not sent, and the connection not used again."""
    made = bench()
    refusal = response(b"too large", status="417 Expectation Failed")
    with RawServer([[read_head, send(refusal), never_answer()], [request(), send(OK)]]) as server:
        answer = made.client.request("POST", server.url, content=b"x" * 1000, headers=EXPECT)
        assert (answer.status_code, answer.text) == (417, "too large")
        assert made.client.request("GET", server.url).text == "ok"
        assert body_of(server.connections[0]) == b""
    first, second = made.records()
    assert first["sent_bytes"] < 1000
    assert second["flags"] & NEW_CONNECTION


def test_streams_keep_to_it_as_well(bench: Callable) -> None:
    """A streamed response to a request with Expect."""
    made = bench()
    refusal = response(b"no", status="413 Content Too Large")
    with RawServer([[read_head, send(refusal), never_answer()], [request(), send(OK)]]) as server:
        with made.client.stream("POST", server.url, content=b"x" * 1000, headers=EXPECT) as answer:
            assert (answer.status_code, answer.read()) == (413, b"no")
        assert made.client.request("GET", server.url).text == "ok"
        assert body_of(server.connections[0]) == b""


def test_a_server_that_says_nothing_gets_the_body_after_a_second(
    bench: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    """RFC 9110, 10.1.1: a client must not wait for ever; here the second is a short one."""
    monkeypatch.setattr("swell.net.upload.CONTINUE_TIMEOUT_NS", 20_000_000)
    made = bench()
    with RawServer([[request(), send(OK)]]) as server:
        assert made.client.request("POST", server.url, content=b"hello", headers=EXPECT).text == "ok"
    (row,) = made.records()
    assert row["sending_ns"] >= 20_000_000


def test_the_timeout_holds_while_waiting(bench: Callable) -> None:
    """A timeout shorter than the second ends the request."""
    made = bench()
    with RawServer([[never_answer()]]) as server:
        answer = made.client.request("POST", server.url, content=b"x", headers=EXPECT, timeout="500ms")
    assert answer.error_code == failure.TIMEOUT


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_real_server_goes_ahead(bench: Callable, echo: EchoServer, scheme: str) -> None:
    """Both schemes, twice over one connection."""
    made = bench(tls_ca=echo.ca_pem)
    url = (echo.url if scheme == "http" else echo.https_url) + "/upload"
    for _ in range(2):
        answer = made.client.request("POST", url, content=b"x" * 300_000, headers=EXPECT)
        assert answer.json()["size"] == 300_000
    assert [row["flags"] & NEW_CONNECTION for row in made.records()] == [NEW_CONNECTION, 0]
