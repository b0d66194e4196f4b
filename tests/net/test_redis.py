"""A Redis client on the engine's connections: what becomes of commands whose connection goes away."""

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from swell.net.redis import LostError, RedisClient, RedisServer
from swell.net.resolver import Endpoint
from swell.net.shared import HTTPShared
from swell.net.transport import Connection
from swell.testing.raw import Action, RawServer, half_close, never_answer, send


class Talk:
    """A client of a server that does ``actions`` on each connection, and what its commands were told."""

    def __init__(self, shared: HTTPShared, server: RawServer, **settings: Any) -> None:
        self.made: list[Connection] = []
        self.told: list[Any] = []
        shared.connect = self._connect
        port = int(server.url.rpartition(":")[2])
        self.client = RedisClient(shared, RedisServer(host="127.0.0.1", port=port, **settings))
        self.place = f"127.0.0.1:{port}"

    def _connect(self, address: Endpoint, source_ip: str | None) -> Connection:
        self.made.append(Connection(address, source_ip))
        return self.made[-1]

    def ask(self, *names: str) -> None:
        """Send commands without arguments."""
        for name in names:
            self.client.send([name.encode()], self.told.append)

    def wait_for(self, count: int) -> list[str]:
        """The first ``count`` answers, as text."""
        with gevent.Timeout(60):
            while len(self.told) < count:
                gevent.sleep(0)
        return [one.decode() if isinstance(one, bytes) else str(one) for one in self.told]


@pytest.fixture
def shared(bench: Callable[..., Any]) -> HTTPShared:
    """What a worker's clients share."""
    made: HTTPShared = bench().shared
    return made


def serving(*actions: Action) -> RawServer:
    """A server that does the same on every connection."""
    return RawServer([actions])


def test_closing_while_it_dials_leaves_no_connection(shared: HTTPShared) -> None:
    """Who waits is told at once, and the connection that comes too late is closed."""
    with serving(never_answer()) as server:
        talk = Talk(shared, server)
        talk.ask("PING")
        talk.client.close()
        assert talk.wait_for(1) == [f"{talk.place}: the client was closed"]
        with gevent.Timeout(60):
            while not (talk.made and talk.made[0].is_dead):
                gevent.sleep(0)


def test_an_end_is_told_to_all_who_wait(shared: HTTPShared) -> None:
    """Commands behind an answered one fail together, and the next one has a new connection."""
    with serving(send(b"+one\r\n"), half_close()) as server:
        talk = Talk(shared, server)
        talk.ask("A", "B", "C")
        lost = f"{talk.place}: read: connection closed"
        assert talk.wait_for(3) == ["one", lost, lost]
        assert isinstance(talk.told[1], LostError)
        talk.ask("D")
        assert talk.wait_for(4)[3] == "one"
        assert len(talk.made) == 2


def test_a_refused_login_runs_no_command(shared: HTTPShared) -> None:
    """Everything fails with the server's reason, though replies to the commands may follow."""
    with serving(send(b"-WRONGPASS no\r\n+done\r\n"), never_answer()) as server:
        talk = Talk(shared, server, password="guess")
        talk.ask("FLUSHALL", "PING")
        assert talk.wait_for(2) == ["WRONGPASS no", "WRONGPASS no"]
        assert talk.made[0].is_dead
