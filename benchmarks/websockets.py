"""WebSockets: echo round trips per CPU second beside HTTP and k6, and thousands of open connections.

    python -m benchmarks.websockets            about 3 minutes
    python -m benchmarks.websockets --quick

The generator has the first core, the server (``swell.testing.WebSocketServer``) or nginx the last one; with
the many connections each may use all.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from benchmarks.generators import GENERATORS, SCRIPTS, Load, run
from benchmarks.rows import Row, row, table
from benchmarks.target import WS_PORT, Nginx
from swell.testing.websocket import WebSocketServer

VUS = 50


def measure(nginx: Nginx, cores: list[int], *, quick: bool) -> list[Row]:
    """Every figure, beside its target."""
    return _echo(nginx, cores, rounds=1 if quick else 3, seconds=4 if quick else 10) + _many(
        1_000 if quick else 10_000, listen=10 if quick else 30
    )


# Echo


def _echo(nginx: Nginx, cores: list[int], *, rounds: int, seconds: int) -> list[Row]:
    """Interleaved rounds of swell over HTTP, over a WebSocket with and without TLS, and k6 where it is."""
    http: list[float] = []
    websocket: list[float] = []
    secure: list[float] = []
    k6: list[float] = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory() as folder:
            load = Load(nginx.http_url, VUS, seconds)
            http.append(run(GENERATORS["swell"], load, cores[0], Path(folder)).per_cpu_second)
        with WebSocketServer(port=WS_PORT, command=("taskset", "-c", str(cores[-1]))) as server:
            websocket.append(_round_trips(_swell_command(), server.url, cores[0], seconds))
            secure.append(_round_trips(_swell_command(), nginx.wss_url, cores[0], seconds))
            if shutil.which("k6"):
                k6.append(_round_trips(_k6_command(), server.url, cores[0], seconds))
    rows = [
        row("swell, HTTP requests per CPU s", median(http), "", "-"),
        row("swell, echo round trips per CPU s", median(websocket), "", "-"),
        row("echo round trips to HTTP requests", median(websocket) / median(http), "", "at least 0.33"),
        row("swell, echo round trips over wss per CPU s", median(secure), "", "-"),
        row("wss to ws", median(b / a for a, b in zip(websocket, secure, strict=True)), "", "-"),
    ]
    if k6:
        rows.append(row("k6, echo round trips per CPU s", median(k6), "", "-"))
        rows.append(row("swell's to k6's", median(websocket) / median(k6), "", "at least 3"))
    return rows


def _swell_command() -> list[str]:
    command = [sys.executable, "-m", "swell", "run", "--quiet", "--no-save", "--workers", "1"]
    return [*command, str(SCRIPTS / "ws_echo.py")]


def _k6_command() -> list[str]:
    return ["k6", "run", "--quiet", str(SCRIPTS / "ws_echo.js")]


def _round_trips(command: list[str], url: str, core: int, seconds: int) -> float:
    """Messages received per CPU second of the whole process tree."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "summary.json"
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        settings = ["-e", f"TARGET={url}", "-e", f"VUS={VUS}", "-e", f"DURATION={seconds}s"]
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command, "--summary-export", str(export), *settings],
            stdout=subprocess.DEVNULL,
            env=environment,
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode != 0:
            raise SystemExit(f"{command[0]} ended with exit code {process.returncode}")
        received = json.loads(export.read_text())["metrics"]["ws_msgs_received"]["count"]
    return float(received) / (usage.ru_utime + usage.ru_stime)


# Many connections


def _many(connections: int, *, listen: int) -> list[Row]:
    """Connections that each get one message a second, with all of both sides' memory."""
    few = _listen(10, 2)
    many = _listen(connections, listen)
    per_connection = (many["peak_kb"] - few["peak_kb"]) / connections
    generator = (many["generator_kb"] - few["generator_kb"]) / connections
    title = f"{connections:,} connections, a message a second each"
    return [
        row(f"{title}: opened", many["sessions"], "", f"{connections:,}"),
        row(f"{title}: failed, dropped", many["failed"], "", "0"),
        row(f"{title}: messages received", many["received"], "", "as many as were sent"),
        row(f"{title}: sent by the server and not received", many["sent"] - many["received"], "", "0"),
        row(f"{title}: gaps in the numbers", many["missed"], "", "0"),
        row(f"{title}: memory per connection, both sides", per_connection, "KB", "< 60 KB"),
        row(f"{title}: of that the generator's", generator, "KB", "-"),
        row(f"{title}: age of a message p95", many["age_p95"], "ms", "-"),
    ]


def _listen(connections: int, listen: int) -> dict[str, float]:
    """One run of ``ws_ticks.py`` against a server process."""
    with WebSocketServer() as server, tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "summary.json"
        command = [sys.executable, "-m", "swell", "run", "--quiet", "--no-save", "--workers", "1"]
        command += ["-e", f"TARGET={server.url}", "-e", f"VUS={connections}", "-e", f"LISTEN={listen}"]
        command += ["--summary-export", str(export), str(SCRIPTS / "ws_ticks.py")]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        peak = generator = 0.0
        ours, theirs = psutil.Process(process.pid), psutil.Process(server.pids[0])
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                mine = sum(child.memory_info().rss for child in ours.children(recursive=True)) / 1e3
                generator = max(generator, mine)
                peak = max(peak, mine + theirs.memory_info().rss / 1e3)
            time.sleep(0.25)
        if process.returncode != 0:
            raise SystemExit(f"the run of {connections} connections ended with {process.returncode}")
        stats = _stats(server.url)
        metrics = json.loads(export.read_text())["metrics"]
        failed = metrics["ws_connect_failed"]["passes"] + metrics["ws_session_dropped"]["passes"]
        return {
            "peak_kb": peak,
            "generator_kb": generator,
            "sessions": metrics["ws_sessions"]["count"],
            "failed": failed,
            "received": metrics["ws_msgs_received"]["count"],
            "sent": stats["sent"],
            "missed": metrics.get("ticks_missed", {"count": 0})["count"],
            "age_p95": metrics["tick_age"]["p(95)"],
        }


def _stats(url: str) -> dict[str, int]:
    with urllib.request.urlopen(url.replace("ws", "http", 1) + "/stats") as answer:
        found: dict[str, int] = json.load(answer)
    return found


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.websockets")
    parser.add_argument("--quick", action="store_true", help="one short round, 1,000 connections")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with Nginx({cores[-1]}) as nginx:
        rows = measure(nginx, cores, quick=arguments.quick)
    print(table("WebSockets", rows))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
