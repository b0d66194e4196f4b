"""Each fault does what it says, and is gone when it is taken away."""

import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_burst import burst
from target_platform import Client, Platform

from swell_target.base.faults import Exponential, LogNormal, Uniform

LOGIN = {"email": "test@example.com", "password": "testpassword123"}


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """A platform whose faults disturb nobody else."""
    with Platform(
        tmp_path_factory.mktemp("faults") / "data", "--pool-size", "4", services="cooly,wwmaa"
    ) as running:
        yield running


def statuses(client: Client, count: int, path: str = "/api/health") -> list[int]:
    """What so many requests at once get."""
    request = f"GET {path} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n\r\n".encode()
    return sorted(answer.status for answer in burst(client.url, [request] * count))


def metric(client: Client, name: str, *labels: str) -> float:
    """The sum of a metric's series that have the labels."""
    lines = re.findall(rf"^{re.escape(name)}\b(\S*) (\S+)$", client.get("/metrics").text, re.MULTILINE)
    return sum(float(value) for shown, value in lines if all(label in shown for label in labels))


def test_errors_hit_their_share(platform: Platform) -> None:
    """Half of the requests of one endpoint fail, repeatably; the others do not."""
    client = platform["cooly"]
    with platform.faults("cooly", [{"type": "errors", "endpoint": "me", "rate": 0.5, "status": 502}]):
        found = [client.get("/api/auth/me").status_code for _ in range(100)]
        assert set(found) == {502, 401}
        assert 30 < found.count(502) < 70
        assert client.get("/health").status_code == 200
    assert client.get("/api/auth/me").status_code == 401


def test_chance_begins_anew_with_each_list(platform: Platform) -> None:
    """The same list strikes the same requests, whatever was set before."""
    client = platform["cooly"]
    found = []
    for _ in range(2):
        with platform.faults("cooly", [{"type": "errors", "endpoint": "me", "rate": 0.5, "status": 502}]):
            found.append([client.get("/api/auth/me").status_code for _ in range(30)])
    assert found[0] == found[1]


def test_errors_let_the_first_pass(platform: Platform) -> None:
    """So many requests are answered as usual; those after them fail."""
    client = platform["cooly"]
    late = {"type": "errors", "endpoint": "me", "rate": 1.0, "after_requests": 2}
    with platform.faults("cooly", [late]):
        assert [client.get("/api/auth/me").status_code for _ in range(4)] == [401, 401, 500, 500]


def test_a_lost_write_is_answered_as_usual(platform: Platform) -> None:
    """An account whose write is lost is registered as far as the answer goes, and cannot log in."""
    client = platform["cooly"]
    lost = {"email": "lost@example.com", "password": "lost-and-found"}
    kept = lost | {"email": "kept@example.com"}
    with platform.faults("cooly", [{"type": "lose_writes", "endpoint": "register"}]):
        answer = client.post("/api/auth/register", json=lost)
    again = client.post("/api/auth/register", json=kept)
    assert answer.status_code == again.status_code == 201
    logins = [client.post("/api/auth/login", json=one).status_code for one in (lost, kept)]
    assert logins == [401, 200]


def test_latency_is_added(platform: Platform) -> None:
    """Each request of the endpoint takes at least as long as the distribution says."""
    client = platform["cooly"]
    slow = {"type": "latency", "endpoint": "health", "distribution": {"type": "constant", "ms": 50}}
    with platform.faults("cooly", [slow]):
        start = time.monotonic()
        assert client.get("/health").status_code == 200
        assert time.monotonic() - start >= 0.05


def test_connections_are_taken_when_the_client_tries_again(platform: Platform) -> None:
    """Who comes while the door is shut gets in by a later SYN; who is connected notices nothing."""
    client = platform["cooly"]
    host, _, port = client.url.rpartition("/")[2].partition(":")
    before = HTTPConnection(host, int(port), timeout=90)
    before.connect()
    with platform.faults("cooly", [{"type": "lose_connects", "lost_ms": 2_500, "every_ms": 600_000}]):
        start = time.monotonic()
        with socket.create_connection((host, int(port)), timeout=90):
            # RFC 6298: a SYN without an answer is sent again after one second.
            assert time.monotonic() - start >= 0.9
        before.request("GET", "/health")
        assert before.getresponse().status == 200
    before.close()


def test_the_door_is_open_without_the_fault(platform: Platform) -> None:
    """A fault that is taken away while the door is shut leaves no filter behind."""
    client = platform["cooly"]
    with platform.faults("cooly", [{"type": "lose_connects", "lost_ms": 600_000, "every_ms": 600_000}]):
        pass
    assert statuses(client, 3) == [200, 200, 200]


def test_beyond_capacity_is_a_cliff(platform: Platform) -> None:
    """Up to the limit all is well; beyond it requests wait and are refused."""
    client = platform["cooly"]
    slow = {"type": "latency", "endpoint": "api_health", "distribution": {"type": "constant", "ms": 1_000}}
    cliff = {"type": "capacity", "endpoint": "api_health", "limit": 3, "ms": 10}
    with platform.faults("cooly", [slow, cliff]):
        assert client.get("/api/health").status_code == 200
        found = statuses(client, 8)
        assert 503 in found


def test_a_dry_pool_refuses(platform: Platform) -> None:
    """One connection that is kept: those who wait too long get 503, and the metrics count them."""
    client = platform["cooly"]
    dry = {"type": "pool", "size": 1, "hold_ms": 1_000, "timeout_ms": 50}
    with platform.faults("cooly", [dry]):
        with ThreadPoolExecutor(6) as threads:
            found = list(
                threads.map(lambda _: client.post("/api/auth/login", json=LOGIN).status_code, range(6))
            )
        # The one connection may just be a background job's.
        assert 503 in set(found) <= {200, 503}
        assert metric(client, "db_pool_timeouts_total") >= 1
    assert client.post("/api/auth/login", json=LOGIN).status_code == 200


def test_a_slow_database_shows_in_its_metric(platform: Platform) -> None:
    """Its transactions take as long as the distribution says: a limit on the database's time is missed."""
    client = platform["cooly"]
    slow = {"type": "slow_database", "distribution": {"type": "uniform", "low_ms": 60, "high_ms": 90}}
    before = metric(client, "db_query_duration_seconds_sum", 'service="cooly"')
    with platform.faults("cooly", [slow]):
        answer = client.post("/api/auth/login", json={"email": "a@b.example", "password": "x"})
        assert answer.status_code == 401
        assert metric(client, "db_query_duration_seconds_sum", 'service="cooly"') - before >= 0.06


def test_a_cold_cache_misses(platform: Platform) -> None:
    """What was just put in is not found, and counted so; without the fault it is."""
    client = platform["wwmaa"]

    def counted() -> list[float]:
        return [
            metric(client, "cache_requests_total", 'service="wwmaa"', f'result="{result}"')
            for result in ("hit", "miss")
        ]

    def looked_up() -> tuple[float, float]:
        before = counted()
        for _ in range(5):
            assert client.get("/api/search?q=kata").status_code == 200
        after = counted()
        return after[0] - before[0], after[1] - before[1]

    with platform.faults("wwmaa", [{"type": "cold_cache"}]):
        assert looked_up() == (0, 5)
    assert looked_up() == (5, 0)


def test_beyond_capacity_may_mean_late(platform: Platform) -> None:
    """With status 0 everybody is served, those beyond the limit later."""
    client = platform["cooly"]
    slow = {"type": "latency", "endpoint": "api_health", "distribution": {"type": "constant", "ms": 200}}
    cliff = {"type": "capacity", "endpoint": "api_health", "limit": 1, "ms": 100, "status": 0}
    with platform.faults("cooly", [slow, cliff]):
        start = time.monotonic()
        assert statuses(client, 5) == [200] * 5
        assert time.monotonic() - start >= 0.3


def test_the_first_fitting_fault_counts(platform: Platform) -> None:
    """An endpoint's own fault before the one for all."""
    client = platform["cooly"]
    own = {"type": "errors", "endpoint": "me", "rate": 1, "status": 502}
    other = {"type": "errors", "rate": 1, "status": 503}
    with platform.faults("cooly", [own, other]):
        assert client.get("/api/auth/me").status_code == 502
        assert client.get("/health").status_code == 503


def test_memory_leaks_and_is_given_back(platform: Platform) -> None:
    """Resident memory grows with the requests, up to the limit."""
    client = platform["cooly"]
    before = metric(client, "process_resident_memory_bytes")
    leak = {"type": "memory_leak", "bytes": 4_000_000, "limit_bytes": 80_000_000}
    with platform.faults("cooly", [leak]):
        for _ in range(40):
            client.get("/health")
        after = metric(client, "process_resident_memory_bytes")
        assert 60_000_000 < after - before < 120_000_000


def test_faults_reach_every_process_and_outlive_a_crash(data: Path) -> None:
    """With two processes both have the fault, and one that crashed has it again, but does not crash again."""
    with Platform(data, "--processes", "2", services="cooly") as platform:
        client = platform["cooly"]
        broken = {"type": "errors", "endpoint": "api_health", "rate": 1, "status": 500}
        crash = {"type": "crash", "endpoint": "logout"}
        with platform.faults("cooly", [broken, crash]):
            for _ in range(2):
                try:
                    Client(client.url).post("/api/auth/logout")
                except OSError:
                    continue
            assert {Client(client.url).get("/api/health").status_code for _ in range(16)} == {500}
        assert {Client(client.url).get("/api/health").status_code for _ in range(16)} == {200}
        # A scrape sums over the processes, whichever answers it.
        for status in ("500", "200"):
            labels = ('service="cooly"', 'route="/api/health"', f'status="{status}"')
            assert metric(client, "http_request_duration_seconds_count", *labels) == 16


@given(st.integers(0, 2**32), st.floats(1, 1_000))
def test_distributions_keep_their_bounds(seed: int, size: float) -> None:
    """No drawn time is negative or endless; a uniform one lies between its ends."""
    from random import Random  # noqa: PLC0415

    random = Random(seed)
    assert size <= Uniform(size, size * 2).draw(random) <= size * 2
    assert Exponential(size).draw(random) >= 0
    assert 0 < LogNormal(size, 1).draw(random) <= 600_000
