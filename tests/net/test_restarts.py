"""VUs whose server goes away: they come back by themselves, without a storm of logs or errors."""

import os
import signal
import socket
from collections.abc import Callable
from typing import Any

import gevent
import psutil

from swell.net.client import HTTPClient
from swell.testing.server import EchoServer

VUS = 100
RESTARTS = 6
PATIENCE_S = 60.0


class Fleet:
    """VUs that ask for one page again and again; ``seen`` holds who was answered since it was emptied."""

    def __init__(self, made: Any, url: str) -> None:
        self.seen: set[int] = set()
        self.greenlets = [gevent.spawn(self._live, HTTPClient(made.shared, made.vu), url) for _ in range(VUS)]
        self._recorder = made.recorder

    def _live(self, client: HTTPClient, url: str) -> None:
        try:
            while True:
                if client.request("GET", url, name="page", timeout=60).status_code == 200:
                    self.seen.add(id(client))
                gevent.sleep(0.02)
        finally:
            client.close()

    def wait_for_all(self) -> None:
        """Until every VU had an answer."""
        self.seen.clear()
        with gevent.Timeout(PATIENCE_S):
            while len(self.seen) < VUS:
                gevent.sleep(0.01)
        self._recorder.take()


def test_every_vu_comes_back_after_every_restart(bench: Callable) -> None:
    """Killed or stopped, the server returns on its port: nobody is stuck, nothing leaks, errors are few."""
    made = bench()
    # Bound and never listening: whoever else looks for a free port meanwhile does not get this one.
    holder = socket.socket()
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.bind(("127.0.0.1", 0))
    port: int = holder.getsockname()[1]
    server = EchoServer(port=port).start()
    url = f"{server.url}/json"
    before = psutil.Process().num_fds()
    fleet = Fleet(made, url)
    try:
        fleet.wait_for_all()
        for number in range(RESTARTS):
            if number % 2:
                os.kill(server.pid, signal.SIGKILL)
            server.stop()
            server = EchoServer(port=port).start()
            fleet.wait_for_all()
    finally:
        gevent.killall(fleet.greenlets)
        server.stop()
        holder.close()
    # Reset, closed, refused: one row each, whatever the number of VUs.
    rows = made.errors.drain()
    assert {row.code for row in rows} <= {1212, 1220, 1234, 1201}
    assert len(rows) <= 6
    assert len(made.logged) <= len(rows)
    # The server's pipe is gone too.
    assert psutil.Process().num_fds() <= before
