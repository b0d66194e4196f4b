"""The reference platform: that it is not what limits a test. Medians over rounds, beside the targets.

    python -m benchmarks.platform            about 2 minutes
    python -m benchmarks.platform --quick    one round

The platform has the last core, the client the first one; requests are counted by the second and by the
worker's CPU second, which other work on the machine disturbs less.
"""

import argparse
import asyncio
import itertools
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import psutil

CONNECTIONS = 32
USERS = 500
# Figures up to this one are shown with decimals.
SMALL = 100


class Row(NamedTuple):
    """A figure: its median, least and most over the rounds, beside its target."""

    what: str
    values: list[float]
    unit: str
    target: str

    def __str__(self) -> str:
        low, middle, high = min(self.values), median(self.values), max(self.values)
        digits = 0 if middle > SMALL else 2
        spread = f"{low:,.{digits}f}-{high:,.{digits}f}"
        return f"| {self.what} | {middle:,.{digits}f} {self.unit} | {spread} | {self.target} |"


class Request(NamedTuple):
    """What is sent; ``body`` makes that of the n-th request."""

    what: str
    service: str
    head: str
    body: Callable[[int], bytes]
    target: str


def _login(number: int) -> bytes:
    email = f"loadtest_user_{number % USERS}@wwmaa.com"
    return json.dumps({"email": email, "password": "test_password_123"}).encode()


def _nothing(_: int) -> bytes:
    return b""


REQUESTS = (
    Request("GET /health", "wwmaa", "GET /health", _nothing, "at least 2,000"),
    Request("GET an event", "wwmaa", "GET /api/events/evt_load_test_001", _nothing, "at least 2,000"),
    Request("login (scrypt)", "wwmaa", "POST /api/auth/login", _login, "at least 150"),
)


@contextmanager
def _platform(core: int | None, *arguments: str) -> Iterator[tuple[dict[str, Any], float]]:
    """A platform on an empty database: what it says of itself, and how many seconds it took to say it."""
    with tempfile.TemporaryDirectory() as data:
        start = time.perf_counter()
        command = [sys.executable, "-m", "swell_target", "serve", "--port-base", "0", "--data", data]
        if core is not None:
            command = ["taskset", "-c", str(core), *command]
        process = subprocess.Popen([*command, *arguments], stdout=subprocess.PIPE)
        try:
            assert process.stdout is not None
            hello = json.loads(process.stdout.readline())
            yield hello, time.perf_counter() - start
        finally:
            process.terminate()
            process.wait()


def _cpu_s(pid: int) -> float:
    supervisor = psutil.Process(pid)
    return sum(sum(one.cpu_times()[:2]) for one in (supervisor, *supervisor.children(recursive=True)))


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> bool:
    """Send a request and read its answer: whether it was 200."""
    writer.write(request)
    head = await reader.readuntil(b"\r\n\r\n")
    length = next(line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:"))
    await reader.readexactly(int(length.split(b":")[1]))
    return b" 200 " in head.split(b"\r\n", 1)[0]


def _encode(request: Request, number: int) -> bytes:
    body = request.body(number)
    return f"{request.head} HTTP/1.1\r\nhost: x\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body


async def _closed_loop(port: int, request: Request, seconds: float) -> int:
    """As many requests as ``CONNECTIONS`` get answered one after another; how many."""
    numbers = itertools.count()
    end = time.perf_counter() + seconds
    done = 0

    async def one() -> None:
        nonlocal done
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while time.perf_counter() < end:
            if not await _exchange(reader, writer, _encode(request, next(numbers))):
                raise SystemExit(f"{request.what}: an answer was not 200")
            done += 1
        writer.close()

    await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return done


def _rates(core: int, rounds: int, seconds: float) -> list[Row]:
    """Requests per second and per CPU second of one worker."""
    by_second: dict[str, list[float]] = {request.what: [] for request in REQUESTS}
    by_cpu: dict[str, list[float]] = {request.what: [] for request in REQUESTS}
    with _platform(core, "--services", "wwmaa") as (hello, _):
        for _, request in itertools.product(range(rounds), REQUESTS):
            before, start = _cpu_s(hello["pid"]), time.perf_counter()
            done = asyncio.run(_closed_loop(hello["ports"][request.service], request, seconds))
            by_second[request.what].append(done / (time.perf_counter() - start))
            by_cpu[request.what].append(done / (_cpu_s(hello["pid"]) - before))
    rows = []
    for request in REQUESTS:
        rows.append(Row(f"{request.what}, a second", by_second[request.what], "", request.target))
        rows.append(Row(f"{request.what}, a CPU second", by_cpu[request.what], "", request.target))
    return rows


async def _keep_open(port: int, count: int) -> int:
    """Open ``count`` connections, use each twice, the second time when all are open; how many failed."""
    request = _encode(REQUESTS[0], 0)
    streams: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
    failed = 0
    for _ in range(count):
        try:
            streams.append(await asyncio.open_connection("127.0.0.1", port))
            failed += not await _exchange(*streams[-1], request)
        except OSError:
            failed += 1
    for stream in streams:
        try:
            failed += not await _exchange(*stream, request)
        except (OSError, asyncio.IncompleteReadError):
            failed += 1
    for _, writer in streams:
        writer.close()
    return failed


def _connections(count: int) -> Row:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    with _platform(None, "--services", "wwmaa", "--processes", "2") as (hello, _):
        failed = asyncio.run(_keep_open(hello["ports"]["wwmaa"], count))
    return Row(f"{count:,} connections kept open over 2 processes: failed requests", [failed], "", "0")


def measure(*, quick: bool) -> list[Row]:
    """Every figure."""
    cores = sorted(os.sched_getaffinity(0))
    rounds = 1 if quick else 5
    starts, cpu = [], []
    for _ in range(rounds):
        with _platform(None) as (hello, seconds):
            starts.append(seconds)
            cpu.append(_cpu_s(hello["pid"]))
    os.sched_setaffinity(0, {cores[0]})
    rows = _rates(cores[-1], rounds, 2 if quick else 5)
    os.sched_setaffinity(0, cores)
    rows.append(_connections(1_000 if quick else 10_000))
    what = "start of all five services on an empty database"
    return [Row(what, starts, "s", "< 2 s"), Row(f"{what}, CPU time", cpu, "s", "< 2 s"), *rows]


def main() -> int:
    """Measure and print; the exit status is 0 whatever was measured."""
    parser = argparse.ArgumentParser("python -m benchmarks.platform")
    parser.add_argument("--quick", action="store_true", help="one round, fewer connections")
    quick = parser.parse_args().quick
    load = os.getloadavg()[0]
    print(f"load of the machine before: {load:.1f} on {os.cpu_count()} cores\n")
    print("| what | median | least-most | target |\n|---|---|---|---|")
    for row in measure(quick=quick):
        print(row, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
