"""Batches over real connections, and the places of ``max_connections_per_host``."""

import threading
from collections.abc import Callable

import gevent
import pytest

from swell.net import failure
from swell.testing.raw import RawConnection, RawServer, never_answer, request, response, send

OK = response(b"ok")


class Gate:
    """Answers nobody before ``count`` requests are there at once; ``peak`` is the most there ever were."""

    def __init__(self, count: int) -> None:
        self._barrier = threading.Barrier(count)
        self._lock = threading.Lock()
        self._here = 0
        self.peak = 0

    def pass_together(self, _connection: RawConnection) -> None:
        """Wait for the others."""
        with self._lock:
            self._here += 1
            self.peak = max(self.peak, self._here)
        self._barrier.wait(60)
        with self._lock:
            self._here -= 1


def served(gate: Gate, rounds: int) -> list:
    """A connection's script of that many requests."""
    return [request(), gate.pass_together, send(OK)] * rounds


def test_the_requests_of_a_batch_are_on_their_way_at_once(bench: Callable) -> None:
    """A server that answers only when all six have arrived answers all six."""
    gate = Gate(6)
    made = bench()
    with RawServer([served(gate, 1)]) as server:
        answers = made.client.batch([f"{server.url}/{n}" for n in range(6)])
    assert [answer.text for answer in answers] == ["ok"] * 6
    assert [answer.url.rpartition("/")[2] for answer in answers] == list("012345")


@pytest.mark.parametrize(
    ("options", "most"),
    [
        ({"batch_per_host": 2}, 2),
        ({"batch": 3, "batch_per_host": 0}, 3),
        ({"batch_per_host": 0, "max_connections_per_host": 2}, 2),
    ],
)
def test_no_more_than_the_limits_allow(bench: Callable, options: dict, most: int) -> None:
    """Exactly as many at once as the option says, over as many connections, until all are done."""
    gate = Gate(most)
    made = bench(**options)
    with RawServer([served(gate, 12)]) as server:
        answers = made.client.batch([server.url] * 12)
        assert len(server.connections) == most
    assert [answer.text for answer in answers] == ["ok"] * 12
    assert gate.peak == most


def test_a_crowded_host_does_not_hold_up_others(bench: Callable) -> None:
    """Those that wait for a host's place take no place of the whole batch."""
    made = bench(batch=2, batch_per_host=1)
    done = threading.Event()

    def wait(_connection: RawConnection) -> None:
        assert done.wait(60)

    with (
        RawServer([[request(), wait, send(OK), request(), send(OK)]]) as slow,
        RawServer([[request(), send(OK), lambda _connection: done.set()]]) as quick,
    ):
        answers = made.client.batch([f"{slow.url}/1", f"{slow.url}/2", quick.url])
    assert [answer.text for answer in answers] == ["ok"] * 3


def test_an_interruption_ends_all_of_a_batch(bench: Callable) -> None:
    """Nothing of it is recorded but the bytes."""
    made = bench()
    with RawServer([[request(), never_answer()]]) as server:
        batch = gevent.spawn(made.client.batch, [server.url] * 4)
        while sum(len(each.received) > 0 for each in server.connections) < 4:
            gevent.sleep(0.001)
        batch.kill()
        gevent.sleep(0)
    assert made.records() == []


def test_waiting_for_a_place_is_blocked_time_and_ends_with_the_timeout(bench: Callable) -> None:
    """The place of an open stream is taken until it is closed; the failure says what the limit is."""
    made = bench(max_connections_per_host=1)
    with RawServer(
        [[request(), send(b"HTTP/1.1 200 OK\r\n\r\n"), never_answer()], [request(), send(OK)]]
    ) as server:
        with made.client.stream("GET", server.url):
            answer = made.client.request("GET", server.url, timeout="50ms")
            assert (answer.status_code, answer.error_code) == (0, failure.TIMEOUT)
            assert "max_connections_per_host" in answer.error
        assert made.client.request("GET", server.url).text == "ok"
    rows = made.records()
    assert rows[0]["blocked_ns"] > 0
    assert {rows[0][phase] for phase in ("connecting_ns", "sending_ns", "waiting_ns", "receiving_ns")} == {0}
    assert [row["tags"]["status"] for row in rows] == ["0", "200", "200"]


def test_nothing_is_pipelined(bench: Callable) -> None:
    """A server that answers a request nobody sent is not believed: that connection is done."""
    made = bench()
    eager = OK + response(b"unasked")
    with RawServer([[request(), send(eager), never_answer()], [request(), send(OK)]]) as server:
        assert [made.client.request("GET", server.url).text for _ in range(2)] == ["ok", "ok"]
        assert len(server.connections) == 2
