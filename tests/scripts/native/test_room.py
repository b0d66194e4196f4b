"""Tests of ws.Room: every message to every participant, and who missed which."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from swell.testing.websocket import WebSocketServer

Start = Callable[..., Any]


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """The URL of a server with rooms."""
    with WebSocketServer() as running:
        yield running.url


@pytest.fixture
def run(start: Start, server: str) -> Callable[[str], Any]:
    """Runs a body once in one VU, with ``enter(path)`` to open a connection and take part."""

    def run_body(body: str, room: str = "id='id'") -> Any:
        lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
        return start(
            "from swell import ws\n"
            f"room = ws.Room('room_latency', 'room_delivered', {room})\n"
            "seen = []\n"
            "def enter(path, name=''):\n"
            f"    socket = ws.connect({server!r} + path)\n"
            "    assert socket.ping() is not None\n"
            "    room.join(socket, name)\n"
            "    return socket\n"
            "def default():\n"
            f"{lines}\n"
        ).iterate()

    return run_body


def values(loaded: Any, metric: str) -> list[float]:
    """The values recorded of ``metric``."""
    return [value for _, value in loaded.samples(metric)]


def test_every_participant_gets_every_message(run: Any) -> None:
    """Three participants and two messages are six deliveries, each with its time."""
    loaded = run(
        """
sockets = [enter("/chat/lobby") for _ in range(3)]
seen.append(room.participants())
room.send(sockets[0], {"text": "hello"})
room.send(sockets[1], {"text": "hello"})
seen.extend(room.leave(socket, 60) for socket in sockets)
seen.append(room.participants())
seen.append(room.missing)
"""
    )
    assert loaded.value("seen") == [3, True, True, True, 0, []]
    assert values(loaded, "room_delivered") == [1] * 6
    times = values(loaded, "room_latency")
    assert len(times) == 6
    assert all(0 < each < 60_000 for each in times)


def test_a_participant_that_a_message_does_not_reach(run: Any) -> None:
    """It is counted, listed with id, room and VU, and logged."""
    loaded = run(
        """
inside = enter("/chat/one", "one")
outside = enter("/chat/other", "one")
sent = room.send(inside, {"text": "hello"})
seen.extend([room.leave(inside, 60), room.leave(outside, 0.05)])
(missing,) = room.missing
seen.append((missing.id == sent, missing.room, missing.vu))
"""
    )
    assert loaded.value("seen")[:2] == [True, False]
    assert loaded.value("seen")[2][:2] == (True, "one")
    assert sorted(values(loaded, "room_delivered")) == [0, 1]
    (line,) = loaded.logged
    assert line.startswith("warning: room_delivered: message '")
    assert "of room 'one' did not reach VU" in line


def test_rooms_and_senders_apart(run: Any) -> None:
    """Other rooms expect nothing; with ``echo=False`` the sender does not expect its own message."""
    loaded = run(
        """
a, b = enter("/chat/a", "a"), enter("/chat/a", "a")
enter("/chat/b", "b")
room.send(a, {})
seen.append(room.outstanding(a))
seen.extend([room.leave(b, 60), room.leave(a, 0)])
""",
        "echo=False",
    )
    assert loaded.value("seen") == [0, True, True]
    assert values(loaded, "room_delivered") == [1]


@pytest.mark.parametrize(("lost_after", "counted"), [("10s", []), ("0.000001s", [0])])
def test_connections_that_just_end(run: Any, lost_after: str, counted: list[float]) -> None:
    """What was sent a moment ago counts neither way, what is older is missing; nobody expects it any more."""
    loaded = run(
        """
outside = enter("/chat/other")
inside = enter("/chat/one")
room.send(inside, {})
outside.close()
seen.append(room.participants())
inside.abandon()
room.send(inside, {})
seen.append(room.participants())
""",
        f"lost_after={lost_after!r}, echo=False",
    )
    assert loaded.value("seen") == [1, 0]
    # The second message was never sent: that counts once.
    assert values(loaded, "room_delivered") == [*counted, 0]
