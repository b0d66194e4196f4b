"""Python libraries called in one VU do not hold up the other VUs: requests, redis-py, psycopg 3.

Each server answers the first VU only after the second has spoken, so a library that held up the hub would
never get its answer. The scripts run in a process patched as a worker is.
"""

import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DRIVER = Path(__file__).with_name("two_vus.py")
# Only a failing test waits so long.
PATIENCE_S = 90


def _run(script: Path) -> str:
    done = subprocess.run(  # our own interpreter
        [sys.executable, str(DRIVER), str(script)],
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


Handler = Callable[[socket.socket, threading.Barrier], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Handler], int]]:
    """Serve two connections on a free port, each in a thread; the handlers share a barrier for two."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads: list[threading.Thread] = []
        barrier = threading.Barrier(2, timeout=PATIENCE_S)

        def accept(handler: Handler) -> None:
            for _ in range(2):
                connection, _ = listener.accept()
                thread = threading.Thread(target=_handle, args=(handler, connection, barrier))
                threads.append(thread)
                thread.start()

        def start(handler: Handler) -> int:
            thread = threading.Thread(target=accept, args=(handler,))
            threads.append(thread)
            thread.start()
            return int(listener.getsockname()[1])

        yield start
        barrier.abort()
        for thread in threads:
            thread.join()


def _handle(handler: Handler, connection: socket.socket, barrier: threading.Barrier) -> None:
    with connection:
        connection.settimeout(PATIENCE_S)
        handler(connection, barrier)


def test_requests(write, serve):
    """Two VUs wait for their answers with requests at the same time."""

    def answer(connection: socket.socket, barrier: threading.Barrier) -> None:
        while not connection.recv(65_536).endswith(b"\r\n\r\n"):
            pass
        barrier.wait()
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")

    script = f"""
        import requests
        from swell import check

        def first():
            response = requests.get("http://127.0.0.1:{serve(answer)}/", timeout=80)
            check(response, {{"ok": lambda r: r.text == "ok"}})

        second = first
        """
    assert _run(write(script)) == "2 checks passed\n"


def _message(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("!I", len(body) + 4) + body


def _read_message(connection: socket.socket, kind_bytes: int) -> tuple[bytes, bytes]:
    stream = connection.makefile("rb", buffering=0)
    kind = stream.read(kind_bytes) or b""
    (length,) = struct.unpack("!I", stream.read(4) or b"\0\0\0\4")
    return kind, stream.read(length - 4) or b""


def test_psycopg(write, serve):
    """Two VUs wait with psycopg 3 at the same time; the server speaks just enough PostgreSQL."""
    ready = _message(b"Z", b"I")
    row = _message(
        b"T", struct.pack("!H", 1) + b"n\0" + struct.pack("!IHIHIH", 0, 0, 25, 0xFFFF, 0xFFFFFFFF, 0)
    )
    row += _message(b"D", struct.pack("!HI", 1, 5) + b"hello")

    def answer(connection: socket.socket, barrier: threading.Barrier) -> None:
        _read_message(connection, 0)
        connection.sendall(_message(b"R", struct.pack("!I", 0)) + ready)
        _read_message(connection, 1)
        barrier.wait()
        connection.sendall(row + _message(b"C", b"SELECT 1\0") + ready)
        _read_message(connection, 1)

    script = f"""
        import psycopg
        from swell import check

        address = "host=127.0.0.1 port={serve(answer)} user=u dbname=d sslmode=disable gssencmode=disable"

        def first():
            with psycopg.connect(address, autocommit=True) as connection:
                row = connection.execute("select greeting").fetchone()
            check(row, {{"row": ("hello",) == row}})

        second = first
        """
    assert _run(write(script)) == "2 checks passed\n"


@pytest.fixture
def redis_socket(tmp_path: Path) -> Iterator[Path]:
    """A Redis server on a Unix socket."""
    server = shutil.which("redis-server")
    assert server, "redis-server is missing; install Debian's package redis-server"
    path = tmp_path / "redis.sock"
    arguments = [server, "--port", "0", "--unixsocket", str(path), "--save", "", "--dir", str(tmp_path)]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while "ready to accept connections" not in (line := process.stdout.readline()).lower():
        assert line, "redis-server ended"
    yield path
    process.terminate()
    process.communicate()


def test_redis(write, redis_socket: Path):
    """One VU waits in BLPOP with redis-py until the other, having seen it wait, pushes a value."""
    script = f"""
        import redis
        from swell import check, sleep

        def first():
            connection = redis.Redis(unix_socket_path={str(redis_socket)!r})
            check(connection.blpop("queue"), {{"value": lambda pair: pair == (b"queue", b"1")}})

        def second():
            connection = redis.Redis(unix_socket_path={str(redis_socket)!r})
            while not connection.info("clients")["blocked_clients"]:
                sleep(0.005)
            check(connection.rpush("queue", 1), {{"pushed": 1}})
        """
    assert _run(write(script)) == "2 checks passed\n"
