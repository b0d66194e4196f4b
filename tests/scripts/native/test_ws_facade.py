"""Tests of ws: sockets of native scripts, their callbacks, and the latency of messages."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swell.net.websocket_session import CLOSED
from swell.scripts.native.state import ContextError
from swell.testing.websocket import WebSocketServer

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server that echoes."""
    with WebSocketServer() as running:
        yield running.url


@pytest.fixture
def run(start: Start, server: str) -> Callable[[str], Any]:
    """Runs a body once inside a connection to the echo server, as ``socket``."""

    def run_body(body: str, **settings: Any) -> Any:
        lines = "\n".join(f"        {line}" for line in body.strip().splitlines())
        script = (
            "import json\n"
            "from swell import Counter, sleep, ws\n"
            f"URL = {server!r} + '/echo'\n"
            "latency = ws.Latency('latency', 'delivered', lost_after='10s')\n"
            "seen = []\n"
            "def default():\n"
            "    with ws.connect(URL) as socket:\n"
            f"{lines}\n"
        )
        return start(script, **settings).iterate()

    return run_body


def values(loaded: Any, metric: str) -> list[float]:
    """The values recorded of ``metric``."""
    return [value for _, value in loaded.samples(metric)]


def test_send_and_receive(run: Any) -> None:
    """What recv gives, in time and out of it; the stamp of the last message."""
    loaded = run(
        """
socket.send("a")
seen.append(socket.recv(timeout=60))
socket.send(b"b")
seen.append(socket.recv("60s"))
seen.append(socket.recv(0.01))
seen.append(socket.received_ns > 0)
seen.append(socket.ping() > 0)
"""
    )
    assert loaded.value("seen") == ["a", b"b", None, True, True]
    assert values(loaded, "ws_msgs_received") == [1, 1]
    assert values(loaded, "ws_session_dropped") == [0]


def test_messages_for_a_while(run: Any) -> None:
    """messages() gives what comes within its time, and what callbacks there are see it too.

    The answer to a ping comes behind the messages: after it they are there, however slow the server is.
    """
    loaded = run(
        """
@socket.on("message")
def note(message):
    seen.append(("callback", message))
socket.send("a")
socket.send("b")
socket.ping()
seen.append(list(socket.messages(0.1)))
socket.send("c")
socket.ping()
socket.listen("100ms")
"""
    )
    callbacks = [("callback", "a"), ("callback", "b")]
    assert loaded.value("seen") == [*callbacks, ["a", "b"], ("callback", "c")]


def test_other_events_have_callbacks(run: Any) -> None:
    """Pongs, errors and the close come to callbacks, in the VU; unknown events are the script's fault."""
    loaded = run(
        """
socket.on("pong", lambda payload: seen.append(payload))
socket.on("close", lambda code, reason: seen.append((code, reason)))
socket.send_ping(b"p")
socket.send("behind it")
socket.recv(60)
socket.listen(0.05)
socket.start_close(4000, "bye")
socket.listen()
try:
    socket.on("mesage", print)
except ValueError as error:
    seen.append(str(error))
"""
    )
    payload, close, fault = loaded.value("seen")
    assert payload == b"p"
    assert close[0] == 4000
    assert fault.startswith("there is no event 'mesage': use one of message, ping")


def test_what_a_callback_raises_ends_the_iteration(run: Any) -> None:
    """It comes out of whatever took the event, and the connection is closed."""
    with pytest.raises(ZeroDivisionError):
        run("socket.on('message', lambda message: 1 / 0)\nsocket.send('a')\nsocket.listen(60)")


def test_a_connection_that_failed_is_a_value(start: Start) -> None:
    """Nothing raises, everything says no."""
    loaded = start(
        """
        from swell import ws
        seen = []
        latency = ws.Latency("latency", "delivered")
        def default():
            with ws.connect("ws://127.0.0.1:1/x", name="nobody") as socket:
                seen.extend([socket.is_open, socket.send("a"), socket.recv(), socket.ping(), list(socket)])
                seen.append((socket.error_code, socket.error, socket.response.status_code))
                latency.send(socket, {"a": 1})
                latency.wait(socket, 60)
        """
    ).iterate()
    assert loaded.value("seen") == [False, False, None, None, [], (1212, "dial: connection refused", 0)]
    assert loaded.samples("ws_connect_failed")[0][1] == 1
    assert values(loaded, "delivered") == [0]


def test_an_iteration_ends_what_it_left_open(start: Start, server: str) -> None:
    """A socket without a with statement is closed after the iteration, and its session counted."""
    loaded = start(
        f"""
        from swell import ws
        seen = []
        def default():
            seen.append(ws.connect({server!r} + "/echo"))
        """
    ).iterate()
    (socket,) = loaded.value("seen")
    assert socket.state == CLOSED
    assert (socket.error, socket.close_code) == ("", 1001)
    assert len(values(loaded, "ws_session_duration")) == 1


def test_sockets_belong_to_virtual_users() -> None:
    """Outside of one, connect says so."""
    from swell import ws  # noqa: PLC0415

    with pytest.raises(ContextError, match="needs a running virtual user"):
        ws.connect("ws://127.0.0.1:1")


# Latency


def test_messages_that_come_back(run: Any) -> None:
    """Each one gives its time and a delivery, whoever takes it: recv, wait, or nobody."""
    loaded = run(
        """
first = latency.send(socket, {"content": "a"})
seen.append(json.loads(socket.recv(60)) == {"content": "a", "id": first})
latency.send(socket, {"id": 7})
seen.append(latency.outstanding(socket))
seen.append(latency.wait(socket, 60))
latency.send(socket, {"nobody": "takes it"})
socket.ping()
"""
    )
    assert loaded.value("seen") == [True, 1, True]
    assert values(loaded, "delivered") == [1, 1, 1]
    times = values(loaded, "latency")
    assert len(times) == 3
    assert all(0 < each < 60_000 for each in times)


def test_messages_that_never_come_back(run: Any) -> None:
    """They are counted when the script closes the connection, not before."""
    loaded = run(
        """
latency.send(socket, "no JSON", id="other")
seen.append(latency.wait(socket, 0.05))
seen.append(latency.outstanding(socket))
"""
    )
    assert loaded.value("seen") == [False, 1]
    assert values(loaded, "delivered") == [0]
    assert values(loaded, "latency") == []


def test_ids_elsewhere(start: Start, server: str) -> None:
    """Nested keys, which leave the script's own dictionary as it is, and functions that find an id."""
    loaded = start(
        f"""
        from swell import ws
        nested = ws.Latency("nested", id="metadata.id")
        found = ws.Latency("found", "found_rate", id=lambda message: message[:4])
        seen = []
        def default():
            with ws.connect({server!r} + "/echo") as socket:
                said = {{"metadata": {{"user": 1}}}}
                nested.send(socket, said)
                found.send(socket, b"0123 and more", id=b"0123")
                seen.extend([said, nested.wait(socket, 60), found.wait(socket, 60)])
                for wrong in (lambda: nested.send(socket, "text"), lambda: found.send(socket, {{}})):
                    try:
                        wrong()
                    except TypeError as error:
                        seen.append(str(error))
        """
    ).iterate()
    said, first, second, *faults = loaded.value("seen")
    assert said == {"metadata": {"user": 1}}
    assert first
    assert second
    assert values(loaded, "nested_delivered") == [1]
    assert values(loaded, "found_rate") == [1]
    assert len(faults) == 2


@pytest.mark.parametrize(("lost_after", "counted"), [("10s", []), ("0.000001s", [0])])
def test_messages_on_their_way_when_an_iteration_is_cut_short(
    start: Start, server: str, lost_after: str, counted: list[float]
) -> None:
    """Young ones are neither delivered nor lost, old ones are lost."""
    loaded = start(
        f"""
        from swell import ws
        from swell.engine.vu import IterationInterrupted
        latency = ws.Latency("latency", "delivered", lost_after={lost_after!r})
        def default():
            with ws.connect({server!r} + "/ticks") as socket:
                latency.send(socket, {{}})
                raise IterationInterrupted
        """
    )
    loaded.run.iterate(loaded_scenario())
    assert values(loaded, "delivered") == counted


def loaded_scenario() -> Any:
    """The scenario that runs default once."""
    from swell.config.scenarios import SharedIterations  # noqa: PLC0415

    return SharedIterations(name="main", exec="default")
