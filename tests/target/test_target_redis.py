"""With Redis the platform does the same: cache, queue and messages over processes."""

import contextlib
import subprocess
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from target_platform import Client, Platform


@contextlib.contextmanager
def redis_server(directory: Path) -> Iterator[str]:
    """A throw-away Redis on a Unix socket; its URL."""
    path = directory / "redis.sock"
    process = subprocess.Popen(
        ["redis-server", "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(directory)],
        stdout=subprocess.DEVNULL,
    )
    url = f"unix://{path}"
    try:
        with redis.Redis.from_url(url, retry=None) as client:
            while process.poll() is None:
                with contextlib.suppress(redis.ConnectionError):
                    client.ping()
                    break
        yield url
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Platform, str]]:
    """Two processes that share a Redis, and its URL."""
    directory = tmp_path_factory.mktemp("redis")
    with redis_server(directory) as url:
        arguments = ("--redis", url, "--processes", "2")
        with Platform(directory / "data", *arguments, services="cooly,aivo") as running:
            yield running, url


def test_orders_pass_through_the_lists_that_are_watched(platform: tuple[Platform, str]) -> None:
    """An order goes through bull:main:wait and bull:main:active, and leaves both empty."""
    running, url = platform
    client = running["cooly"]
    login = {"email": f"{uuid.uuid4()}@example.com", "password": "a-password-1"}
    token = client.post("/api/auth/register", json=login).json()["token"]
    client.admin("POST", "/admin/credits", json={"email": login["email"], "credits": 3})
    headers = {"Cookie": f"token={token}"}
    for _ in range(3):
        order = client.post("/api/images/seedream4/generate", json={"prompt": "x"}, headers=headers).json()
        path = f"/api/images/seedream4/progress/stream?session_id={order['session_id']}"
        assert '"state":"done"' in client.get(path, headers=headers).text
    assert client.admin("GET", "/admin/consistency").json()["faults"] == []
    # The last job leaves "active" just after its session says done: the next order goes behind it.
    with redis.Redis.from_url(url) as connection:
        while connection.llen("bull:main:active"):
            pass
        assert connection.llen("bull:main:wait") == 0


def test_the_cache_is_shared(platform: tuple[Platform, str]) -> None:
    """What one process looked up, the other need not: one miss for many connections."""
    running, _ = platform
    headers = {"Authorization": "Bearer test-api-key"}
    path = "/api/v1/search/suggest?q=quan&limit=7"
    answers = {Client(running["aivo"].url).get(path, headers=headers).text for _ in range(8)}
    assert len(answers) == 1
    text = running["aivo"].get("/metrics").text
    assert 'cache_requests_total{result="hit",service="aivo"}' in text


def test_faults_reach_the_other_process_through_redis(platform: tuple[Platform, str]) -> None:
    """A fault that one process was told is set in both."""
    running, _ = platform
    url = running["cooly"].url
    with running.faults("cooly", [{"type": "errors", "endpoint": "api_health", "rate": 1}]):
        assert {Client(url).get("/api/health").status_code for _ in range(16)} == {500}


def test_redis_going_away_is_survived(tmp_path: Path) -> None:
    """Orders are taken while Redis is away, and worked off when it is back; the operator reads one line."""
    with contextlib.ExitStack() as stack:
        with redis_server(tmp_path) as url:
            running = stack.enter_context(Platform(tmp_path / "data", "--redis", url, services="cooly"))
            client = running["cooly"]
            login = {"email": "test@example.com", "password": "testpassword123"}
            headers = {"Cookie": f"token={client.post('/api/auth/login', json=login).json()['token']}"}
        order = client.post("/api/images/seedream4/generate", json={"prompt": "x"}, headers=headers)
        assert order.status_code == 202
        with redis_server(tmp_path):
            path = f"/api/images/seedream4/progress/stream?session_id={order.json()['session_id']}"
            assert '"state":"done"' in client.get(path, headers=headers).text
        assert "Redis does not answer" in running.stderr
        assert "Traceback" not in running.stderr
