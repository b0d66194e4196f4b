"""Tests of an open WebSocket: messages, waiting, ending, measures; and what goes wrong with each."""

import threading
import time
from collections.abc import Iterator
from socket import SHUT_WR
from typing import Any

import gevent
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from websocket_peers import (
    BINARY,
    CLOSE,
    CONT,
    PING,
    PONG,
    TEXT,
    Peer,
    all_closed,
    frame,
    frames_in,
    samples,
    serving,
    sockets_of,
    tags,
    upgrade,
)

from swell.metrics.samples import SAMPLE
from swell.net.websocket import WebSocket
from swell.net.websocket_client import connect
from swell.net.websocket_failure import (
    BAD_FRAME,
    CLOSED_BY_PEER,
    CUT_OFF,
    NO_GOODBYE,
    NOT_READING,
    UNRESPONSIVE,
)
from swell.net.websocket_meter import K6_WEBSOCKETS, K6_WS
from swell.net.websocket_session import CLOSED, MESSAGE
from swell.net.websocket_session import PING as PING_EVENT
from swell.net.websocket_session import PONG as PONG_EVENT
from swell.testing.raw import RawConnection, RawServer, close, half_close, never_answer, pause, reset, send

SECOND = 1_000_000_000
BYE = frame(CLOSE, (1000).to_bytes(2))


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """The URL of the reference server."""
    with serving(compression=None) as served:
        yield served


# Messages


@pytest.mark.parametrize("message", ["", "text €", b"", b"\x00\xff", "x" * 70_000, b"y" * 200_000])
def test_messages_go_out_and_come_back(message: str | bytes, url: str, bench: Any) -> None:
    """Text comes back as text, bytes as bytes, of any length."""
    with connect(bench().client, url, WebSocket) as socket:
        assert socket.send(message)
        assert socket.receive(60 * SECOND) == message


def test_fragments_go_out_as_one_message(url: str, bench: Any) -> None:
    """An iterable is one message in as many frames; it is all text or all bytes."""
    with connect(bench().client, url, WebSocket) as socket:
        assert socket.send(["a", "", "b"])
        assert socket.send(piece for piece in (b"c", b"d"))
        assert [socket.receive(60 * SECOND), socket.receive(60 * SECOND)] == ["ab", b"cd"]
        with pytest.raises(TypeError, match="all text or all bytes"):
            socket.send(["a", b"b"])
        assert not socket.is_open
    with connect(bench().client, url + "/fragments", WebSocket) as socket:
        socket.send("fragments")
        assert socket.receive(60 * SECOND) == "fragments"
        with pytest.raises(ValueError, match="at least one"):
            socket.send([])
        with pytest.raises(TypeError, match="text or bytes, not int"):
            socket.send(5)


@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(parts=st.lists(st.text(min_size=0, max_size=300), min_size=1, max_size=6), cut=st.integers(1, 50))
def test_fragments_survive_any_cut(parts: list[str], cut: int, bench: Any) -> None:
    """However the stream is cut, and wherever pings stand in it, a fragmented message is its parts."""
    encoded = "".join(parts).encode()
    step = max(1, len(encoded) // len(parts))
    chunks = [encoded[at : at + step] for at in range(0, len(encoded), step)] or [b""]
    frames = b"".join(
        frame(PING, b"p") + frame(CONT if at else TEXT, chunk, fin=at == len(chunks) - 1)
        for at, chunk in enumerate(chunks)
    )
    made = bench()
    with Peer(*(frames[at : at + cut] for at in range(0, len(frames), cut)), BYE) as server:
        socket = connect(made.client, server.ws_url, WebSocket)
        assert socket.receive(60 * SECOND) == "".join(parts)
        assert socket.receive(60 * SECOND) is None
        assert socket.error == ""


def test_iteration_ends_with_the_connection(bench: Any) -> None:
    """Iterating gives what comes, and what came before the end."""
    with Peer(frame(TEXT, b"a") + frame(BINARY, b"b") + BYE) as server:
        assert list(connect(bench().client, server.ws_url, WebSocket)) == ["a", b"b"]


def test_messages_in_one_piece_with_the_answer(bench: Any) -> None:
    """What a server sends together with its 101 is not lost, an immediate end included."""
    with RawServer([[upgrade(then=frame(TEXT, b"hello") + BYE)]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket)
        assert list(socket) == ["hello"]
        assert (socket.close_code, socket.error) == (1000, "")


def test_waiting_ends_in_time(url: str, bench: Any) -> None:
    """A wait for a message that does not come gives None, and the connection lives on."""
    with connect(bench().client, url, WebSocket) as socket:
        assert socket.receive(0) is None
        assert socket.receive(SECOND // 100) is None
        assert socket.is_open
        socket.send("still here")
        assert socket.receive(60 * SECOND) == "still here"


def test_one_greenlet_waits(url: str, bench: Any) -> None:
    """A second greenlet that waits on the same connection is told so."""
    with connect(bench().client, url, WebSocket) as socket:
        other = gevent.spawn(socket.receive, 60 * SECOND)
        gevent.idle()
        with pytest.raises(RuntimeError, match="another greenlet waits"):
            socket.receive(SECOND)
        socket.send("for the first")
        assert other.get(timeout=60) == "for the first"


# Ending


def test_the_close_handshake(bench: Any) -> None:
    """Our close frame carries code and reason; the peer's answer ends the session without an error."""
    with Peer(frame(CLOSE, (1000).to_bytes(2))) as server:
        socket = connect(bench().client, server.ws_url, WebSocket)
        socket.finish(4001, "bye", 60 * SECOND)
        socket.finish(1000, "", SECOND)
        assert server.close_codes() in ([4001], [1000])
        assert socket.error == ""
    with connect(bench().client, "ws://127.0.0.1:1", WebSocket) as none:
        none.finish(1000, "", SECOND)


@pytest.mark.parametrize(("code", "reason"), [(1005, ""), (999, ""), (1000, "x" * 124), (5000, "")])
def test_close_codes_that_may_not_be_sent(code: int, reason: str, url: str, bench: Any) -> None:
    """They are the script's fault; the connection stays as it was."""
    socket = connect(bench().client, url, WebSocket)
    with pytest.raises(ValueError, match="close"):
        socket.finish(code, reason, SECOND)
    assert socket.is_open
    socket.finish(1000, "", 60 * SECOND)
    assert socket.close_code == 1000


def test_a_peer_that_does_not_answer_our_close(bench: Any) -> None:
    """It is given its time, then the connection ends with a code."""
    with RawServer([[upgrade(), never_answer()]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket)
        socket.finish(1000, "", SECOND // 50)
        assert (socket.error_code, socket.state) == (NO_GOODBYE, CLOSED)


@pytest.mark.parametrize(
    ("script", "code"),
    [([close()], CUT_OFF), ([reset()], 1220), ([half_close()], CUT_OFF)],
    ids=["closed", "reset", "half-closed"],
)
def test_an_abrupt_end(script: list[Any], code: int, bench: Any) -> None:
    """The waiting greenlet goes on, the error has its code, the session counts as dropped."""
    made = bench()
    with RawServer([[upgrade(), pause(), *script]]) as server:
        socket = connect(made.client, server.url.replace("http", "ws"), WebSocket)
        assert socket.receive(60 * SECOND) is None
        assert (socket.error_code, socket.close_code) == (code, 1006)
        assert not socket.send("x")
    found = samples(made)
    assert found["ws_session_dropped"] == [1]
    assert len(found["ws_session_duration"]) == 1
    assert [row.code for row in made.errors.drain()] == [code]


def test_a_peer_that_never_reads(bench: Any) -> None:
    """What waits to be sent is bounded: the sender is held back, and after its time the connection ends."""
    with RawServer([[upgrade(), pause(5)]]) as server:
        made = bench()
        socket = connect(made.client, server.url.replace("http", "ws"), WebSocket, send_timeout="100ms")
        sent = 0
        while socket.send(b"x" * 100_000):
            sent += 1
            assert socket.buffered_amount < 500_000
            assert sent < 500
        assert socket.error_code == NOT_READING
        assert [row.code for row in made.errors.drain()] == [NOT_READING]


def test_a_peer_that_pings_and_never_reads(bench: Any) -> None:
    """Its pongs do not pile up: it is not read either until it has taken some."""
    with RawServer([[upgrade(), send(*[frame(PING, b"x" * 125) * 500] * 200), pause(5)]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket)
        for _ in range(20):
            socket.receive(SECOND // 100)
            assert socket.buffered_amount < 2_000_000
        socket.abandon()


def test_a_half_open_peer(bench: Any) -> None:
    """With keepalive a peer that answers no ping ends the connection; without, ping says so."""
    with RawServer([[upgrade(), never_answer()]]) as server:
        url = server.url.replace("http", "ws")
        socket = connect(bench().client, url, WebSocket, keepalive="20ms")
        assert socket.receive(60 * SECOND) is None
        assert socket.error_code == UNRESPONSIVE
        socket = connect(bench().client, url, WebSocket)
        assert socket.wait_for_pong(SECOND // 50) is None
        assert socket.is_open
        socket.abandon()


def test_keepalive_of_what_was_over_at_once(bench: Any) -> None:
    """A session that ended with the bytes behind the handshake's answer leaves no timer behind."""
    with RawServer([[upgrade(then=b"\xff\xff"), never_answer()]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket, keepalive="5ms")
        assert socket.error_code == BAD_FRAME
        assert socket._keepalive is None


def test_sending_tells_of_the_end_that_it_meets(bench: Any) -> None:
    """A message that found no connection any more was not sent."""
    made = bench()
    sockets = sockets_of(made)
    with RawServer([[upgrade(), never_answer()]]) as server:
        socket = connect(made.client, server.url.replace("http", "ws"), WebSocket)
        assert socket.send("there")
        sockets[0].shutdown(SHUT_WR)
        assert not socket.send("gone")
        assert not socket.is_open


def test_keepalive_of_a_peer_that_answers(url: str, bench: Any) -> None:
    """Nothing happens, but that the round trips are measured."""
    made = bench()
    measured = 0
    # Time enough for the server's thread to answer on a busy machine.
    with connect(made.client, url, WebSocket, keepalive="1s") as socket:
        while measured < 2:
            assert socket.receive(SECOND // 10) is None
            assert socket.is_open
            measured += len(samples(made).get("ws_ping", ()))


def test_messages_that_nobody_takes_are_bounded(bench: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the peer is held back, and goes on as messages are taken; none is lost."""
    monkeypatch.setattr("swell.net.websocket_session.QUEUE_LIMIT_BYTES", 300_000)
    monkeypatch.setattr("swell.net.websocket.QUEUE_LIMIT_BYTES", 300_000)
    count = 300
    with Peer(*[frame(BINARY, b"x" * 20_000)] * count, BYE) as server:
        socket = connect(bench().client, server.ws_url, WebSocket)
        gevent.sleep(0.05)
        assert socket._queued_bytes < 500_000
        assert sum(1 for _ in socket) == count
        assert socket.error == ""


def test_an_interrupted_wait_closes_everything(url: str, bench: Any) -> None:
    """An exception thrown into a VU that waits leaves no socket behind, and the peer is told 1001."""

    class Interrupted(BaseException):
        pass

    made = bench()
    sockets = sockets_of(made)
    opened: list[WebSocket] = []

    def iterate() -> None:
        with connect(made.client, url, WebSocket) as socket:
            opened.append(socket)
            socket.receive()

    task = gevent.spawn(iterate)
    while not opened:
        gevent.sleep(0.001)
    task.kill(Interrupted, timeout=60)
    assert opened[0].state == CLOSED
    assert (opened[0].close_code, opened[0].error) == (1001, "")
    assert all_closed(sockets)
    assert samples(made)["ws_session_dropped"] == [0]
    assert made.errors.drain() == []


@pytest.mark.parametrize(
    ("script", "sent"),
    [([never_answer()], []), ([upgrade(), never_answer()], [CLOSE])],
    ids=["opening", "closing"],
)
def test_an_interrupted_opening_or_closing_closes_everything(
    script: list[Any], sent: list[int], bench: Any
) -> None:
    """So does one thrown into the handshake, or into the wait for the peer's close frame."""
    made = bench()
    with RawServer([script]) as server:
        sockets = sockets_of(made)

        def iterate() -> None:
            connect(made.client, server.url.replace("http", "ws"), WebSocket).finish(1000, "", 60 * SECOND)

        def is_waiting() -> bool:
            if not server.connections or b"\r\n\r\n" not in server.connections[0].received:
                return False
            return [opcode for opcode, _ in frames_in(server.connections[0])] == sent

        task = gevent.spawn(iterate)
        while not is_waiting():
            gevent.sleep(0.001)
        task.kill(timeout=60)
        assert all_closed(sockets)


# Events and measures


def test_events_are_queued_for_a_front_end(bench: Any) -> None:
    """Pings and pongs where wanted, messages, and the end, in their order; on_event tells the hub's side."""
    said = [frame(PING, b"p"), frame(PONG, b"q"), frame(TEXT, b"a"), frame(CLOSE, b"\x03\xf3why")]
    with RawServer([[upgrade(), RawConnection.read_some, send(*said), never_answer()]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket)
        told: list[int] = []
        socket.wanted = frozenset({PING_EVENT, PONG_EVENT})
        socket.on_event = lambda: told.append(len(socket._events))
        socket.send("go")
        events = []
        while (event := socket.next_event(60 * SECOND)) is not None:
            events.append((event.kind, event.data, event.code))
    assert told
    assert events == [
        (PING_EVENT, b"p", 0),
        (PONG_EVENT, b"q", 0),
        (MESSAGE, "a", 0),
        ("error", "closed by the server: 1011 internal error", CLOSED_BY_PEER),
        ("close", "why", 1011),
    ]


def test_measures_of_a_session(url: str, bench: Any) -> None:
    """k6's metrics: one session, its times, messages counted, bytes on the wire, and its tags."""
    made = bench()
    with connect(made.client, url + "/a", WebSocket, name="chat", tags={"kind": "x"}) as socket:
        for _ in range(3):
            socket.send("abc")
            assert socket.receive(60 * SECOND) == "abc"
        assert socket.wait_for_pong(60 * SECOND)
    found = samples(made)
    assert found["ws_sessions"] == [1]
    assert sum(found["ws_msgs_sent"]) == 3
    assert sum(found["ws_msgs_received"]) == 3
    assert len(found["ws_ping"]) == 1
    assert found["ws_connect_failed"] == found["ws_session_dropped"] == [0]
    (connecting,), (duration,) = found["ws_connecting"], found["ws_session_duration"]
    assert 0 < connecting < duration
    # 3 messages of 6 + 3 bytes, a ping, a close of 6 + 2, and the request.
    assert sum(found["data_sent"]) > 3 * 9 + 8 + 100
    assert sum(found["data_received"]) > 3 * 5 + 4 + 100
    expected = {"scenario": "default", "url": "chat", "name": "chat", "status": "101", "kind": "x"}
    assert tags(made, "ws_msgs_sent") == [expected]


def test_who_sends_without_waiting_hands_its_records_over(url: str, bench: Any) -> None:
    """The tick that empties the recorder waits for the hub, which a sender that never waits keeps busy."""
    made = bench()
    made.recorder._limit = 10
    handed: list[int] = []
    made.recorder.on_full = lambda _, taken: handed.append(len(taken) // SAMPLE.size)
    with connect(made.client, url, WebSocket) as socket:
        for _ in range(100):
            assert socket.send("a")
        assert sum(handed) >= 80
        assert max(handed) <= 20


def test_controls_are_counted_where_asked_for(url: str, bench: Any) -> None:
    """k6/websockets counts pings and close frames among the messages sent."""
    made = bench()
    with connect(made.client, url, WebSocket, accounting=K6_WEBSOCKETS) as socket:
        socket.send("a")
        socket.wait_for_pong(60 * SECOND)
    assert sum(samples(made)["ws_msgs_sent"]) == 3


def test_k6_has_its_own_samples_only(url: str, bench: Any) -> None:
    """None of swell's own metrics, a sample for each message, and the bytes under the VU's tags."""
    made = bench()
    socket = connect(made.client, url, WebSocket, accounting=K6_WS, tags={"kind": "x"})
    for text in ("a", "b"):
        socket.send(text)
        assert socket.receive(60 * SECOND) == text
    socket.leave(1001)
    assert (socket.state, socket.close_code) == (CLOSED, 1001)
    found = samples(made)
    assert not found.keys() & {"ws_connect_failed", "ws_session_dropped"}
    assert found["ws_msgs_received"] == [1, 1]
    assert len(found["ws_session_duration"]) == 1
    assert tags(made, "ws_sessions") == [{"scenario": "default", "url": url, "status": "101", "kind": "x"}]
    assert tags(made, "data_sent") == [{"scenario": "default"}]


def test_a_session_cut_short_has_no_duration_in_k6(url: str, bench: Any) -> None:
    """What k6 interrupts leaves no ws_session_duration, and the close frame is no message of the script."""
    made = bench()
    socket = connect(made.client, url, WebSocket, accounting=K6_WEBSOCKETS)
    socket.abandon()
    found = samples(made)
    assert found["ws_sessions"] == [1]
    assert not found.keys() & {"ws_session_duration", "ws_msgs_sent"}


def test_receive_stamps_are_the_kernels(bench: Any) -> None:
    """A message taken late was received early: the stamp says when."""
    go, gone = threading.Event(), threading.Event()

    def say(connection: RawConnection) -> None:
        assert go.wait(60)
        connection.sock.sendall(frame(TEXT, b"a"))
        gone.set()

    with RawServer([[upgrade(), say, never_answer()]]) as server:
        socket = connect(bench().client, server.url.replace("http", "ws"), WebSocket)
        go.set()
        # Blocks the hub: nobody reads.
        assert gone.wait(60)
        time.sleep(0.03)
        late = time.monotonic_ns()
        event = socket.next_event(60 * SECOND)
        assert event is not None
        assert event.at_ns < late
        socket.abandon()


def test_no_memory_is_held_by_closed_connections(url: str, bench: Any) -> None:
    """What belonged to a connection is free without the collector's help."""
    import gc  # noqa: PLC0415
    import weakref  # noqa: PLC0415

    made = bench()
    gc.disable()
    try:
        socket = connect(made.client, url, WebSocket)
        frames = weakref.ref(socket._frames)
        socket.finish(1000, "", 60 * SECOND)
        assert frames() is None
    finally:
        gc.enable()
