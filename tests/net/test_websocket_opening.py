"""Tests of opening a WebSocket: what the handshake carries, what it gives, and how it can fail."""

from typing import Any

import pytest
from websocket_peers import all_closed, samples, serving, sockets_of, tags, upgrade

from swell.net.response import RequestError
from swell.net.websocket import WebSocket
from swell.net.websocket_client import connect
from swell.net.websocket_failure import BAD_HANDSHAKE, NOT_SWITCHED
from swell.net.websocket_session import CLOSED
from swell.testing.certificates import Authority
from swell.testing.raw import (
    RawConnection,
    RawServer,
    close,
    half_close,
    never_answer,
    request,
    reset,
    response,
    send,
)

SECOND = 1_000_000_000


def test_subprotocols_headers_and_cookies(bench: Any) -> None:
    """The handshake carries what it is given, and the VU's cookies; the server's choice is shown."""
    made = bench(system_tags=("subproto",))
    options: dict[str, Any] = {
        "subprotocols": ["chat.v3", "chat.v2"],
        "headers": {"Authorization": "Bearer t", "Origin": "https://app.example"},
        "params": {"room": "a b"},
        "cookies": {"theme": "dark"},
    }
    with serving(subprotocols=["chat.v2"]) as url:
        made.client.jar.set(url.replace("ws", "http"), "session", "abc")
        with connect(made.client, url + "/headers", WebSocket, **options) as socket:
            assert socket.subprotocol == "chat.v2"
            said = str(socket.receive(5 * SECOND))
    for line in (
        "Authorization: Bearer t",
        "Origin: https://app.example",
        "Cookie: session=abc; theme=dark",
        "Sec-WebSocket-Protocol: chat.v3, chat.v2",
        "User-Agent: swell-tests",
    ):
        assert line in said
    assert tags(made, "ws_sessions") == [{"scenario": "default", "subproto": "chat.v2"}]


def test_a_subprotocol_among_the_headers(bench: Any) -> None:
    """The way of k6's scripts is as good."""
    headers = {"Sec-WebSocket-Protocol": "two, one"}
    with (
        serving(subprotocols=["one"]) as url,
        connect(bench().client, url, WebSocket, headers=headers) as socket,
    ):
        assert socket.subprotocol == "one"


def test_the_answer_sets_cookies(bench: Any) -> None:
    """Cookies of the server's answer reach the VU's jar, those of a refusal too."""
    made = bench()
    with RawServer(
        [
            [upgrade("Set-Cookie: a=1")],
            [request(), send(response(status="403 No", headers=["Set-Cookie: b=2"]))],
        ]
    ) as server:
        url = server.url.replace("http", "ws")
        connect(made.client, url, WebSocket).abandon()
        assert connect(made.client, url, WebSocket).error_code == 1403
        assert made.client.jar.get("a") == "1"
        assert made.client.jar.get("b") == "2"


@pytest.mark.parametrize(("compression", "most"), [("deflate", 3_000), (None, 1 << 20)])
def test_compression_only_where_asked_for(compression: str | None, most: int, bench: Any) -> None:
    """permessage-deflate is offered on request only, and shrinks what is sent."""
    made = bench()
    message = "again and again " * 2_000
    with serving() as url, connect(made.client, url, WebSocket, compression=compression) as socket:
        assert bool(socket.extensions) == (compression == "deflate")
        socket.send(message)
        assert socket.receive(5 * SECOND) == message
    assert sum(samples(made)["data_sent"]) < most


def test_wss(bench: Any) -> None:
    """Over TLS with the run's authorities; an unknown one is refused with its code."""
    authority = Authority()
    with serving(ssl=authority.server_context()) as url:
        with connect(bench(tls_ca=authority.ca_pem).client, url, WebSocket) as socket:
            for message in ("a", "b" * 100_000, b"c" * 300_000):
                socket.send(message)
                assert socket.receive(5 * SECOND) == message
            assert socket.wait_for_pong(5 * SECOND) is not None
            assert socket.response.tls_version == "tls1.3"
        assert (socket.close_code, socket.error) == (1000, "")
        assert connect(bench().client, url, WebSocket).error_code == 1310


def test_wss_that_ends_in_the_handshake(bench: Any) -> None:
    """A server that just goes is an error with a code."""
    with RawServer([[RawConnection.read_some, close()]]) as server:
        assert connect(bench().client, server.url.replace("http", "wss"), WebSocket).error_code == 1300


def raw(*lines: str) -> list[Any]:
    """A peer that answers with these lines, whatever the request was."""
    return [request(), send("\r\n".join(lines).encode() + b"\r\n\r\n")]


REFUSALS: dict[str, tuple[list[Any], int, int]] = {
    "200": ([request(), send(response(b"hello"))], 200, NOT_SWITCHED),
    "302": ([request(), send(response(status="302 Found", headers=["Location: /x"]))], 302, NOT_SWITCHED),
    "403": ([request(), send(response(b"no", status="403 Forbidden"))], 403, 1403),
    "500 without a length": (
        [request(), send(b"HTTP/1.1 500 Oops\r\n\r\nbody"), close()],
        500,
        1500,
    ),
    "bad accept": ([upgrade(accept=b"AAAA")], 101, BAD_HANDSHAKE),
    "no accept": (raw("HTTP/1.1 101 S", "Upgrade: websocket", "Connection: Upgrade"), 101, BAD_HANDSHAKE),
    "no upgrade": (raw("HTTP/1.1 101 S", "Connection: Upgrade"), 101, BAD_HANDSHAKE),
    "other upgrade": (raw("HTTP/1.1 101 S", "Connection: Upgrade", "Upgrade: h2c"), 101, BAD_HANDSHAKE),
    "subprotocol not asked for": ([upgrade("Sec-WebSocket-Protocol: x")], 101, BAD_HANDSHAKE),
    "extension not asked for": ([upgrade("Sec-WebSocket-Extensions: x-mux")], 101, BAD_HANDSHAKE),
    "garbage": ([request(), send(b"\x00\x01\x02\r\n\r\n")], 0, 1230),
    "a line without end": ([request(), send(b"HTTP/1.1 101 " + b"x" * 20_000)], 0, BAD_HANDSHAKE),
    "headers without end": ([request(), send(b"HTTP/1.1 101 S\r\n" + b"a: b\r\n" * 300)], 0, 1230),
    "closed after the request": ([request(), close()], 0, 1234),
    "closed inside the head": ([request(), send(b"HTTP/1.1 101 Swi"), close()], 0, 1234),
    "reset": ([request(), reset()], 0, 1220),
    "half-closed": ([request(), half_close()], 0, 1234),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSALS)
def test_a_handshake_that_fails_is_a_value(name: str, bench: Any) -> None:
    """No session, the reason with its code, the answer where there was one; counted once; all closed."""
    script, status, code = REFUSALS[name]
    made = bench()
    with RawServer([script]) as server:
        sockets = sockets_of(made)
        socket = connect(made.client, server.url.replace("http", "ws"), WebSocket)
        assert (socket.error_code, socket.response.status_code) == (code, status), socket
        assert socket.state == CLOSED
        assert socket.error
        assert not socket.send("x")
        assert socket.receive() is None
        assert list(socket) == []
        socket.finish(1000, "", SECOND)
    assert all_closed(sockets)
    found = samples(made)
    assert found["ws_sessions"] == [1]
    assert found["ws_connect_failed"] == [1]
    assert "ws_session_duration" not in found
    (row,) = made.errors.drain()
    assert (row.code, row.count, row.method) == (code, 1, "WS")
    (seen,) = tags(made, "ws_sessions")
    assert (seen["error_code"], seen["status"]) == (str(code), str(status))
    assert seen["url"].startswith("ws://127.0.0.1:")


def test_a_server_that_never_answers(bench: Any) -> None:
    """The opening takes as long as its time-out, no longer, whatever part of an answer has come."""
    with RawServer([[never_answer()], [request(), send(b"HTTP/1.1 101 Sw"), never_answer()]]) as server:
        for _ in range(2):
            socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket, timeout="500ms")
            assert (socket.error_code, socket.response.status_code) == (1050, 0)


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("ws://127.0.0.1:1/", 1212),
        ("http://x/", 1020),
        ("nonsense", 1020),
        ("ws://", 1020),
        ("ws://a.invalid", 1101),
    ],
)
def test_a_dial_that_fails_is_a_value(url: str, code: int, bench: Any) -> None:
    """As for requests; with the option throw it is an exception."""
    assert connect(bench().client, url, WebSocket).error_code == code
    with pytest.raises(RequestError) as caught:
        connect(bench(throw=True).client, url, WebSocket)
    assert caught.value.response.error_code in (code, 0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subprotocol": ["a"]}, "did you mean 'subprotocols'"),
        ({"compression": "gzip"}, "must be 'deflate'"),
        ({"headers": {"Upgrade": "x"}}, "handshake's own"),
        ({"headers": {"A": "b\r\nc"}}, "line break"),
        ({"max_size": 0}, "max_size must be positive"),
        ({"timeout": 0}, "timeout must be positive"),
        ({"keepalive": -1}, "keepalive must be positive"),
        ({"send_timeout": "0s"}, "send_timeout must be positive"),
        ({"subprotocols": "chat"}, "list of names"),
    ],
)
def test_options_that_make_no_sense(options: dict[str, Any], message: str, bench: Any) -> None:
    """The script's own faults are exceptions."""
    with pytest.raises((TypeError, ValueError), match=message):
        connect(bench().client, "ws://127.0.0.1:1/", WebSocket, **options)
