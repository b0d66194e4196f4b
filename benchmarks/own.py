"""swell's own targets: 10,000 VUs on schedule and in memory, 5,000 arrivals a second, start-up times."""

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median

import psutil

from benchmarks.generators import SCRIPTS
from benchmarks.rows import Row, row
from benchmarks.target import Nginx


def measure(nginx: Nginx, cores: list[int], *, quick: bool) -> list[Row]:
    """All of swell's own figures, each beside its target."""
    rows = [
        _start_up("swell --help", [sys.executable, "-m", "swell", "--help"], 0.15),
        _start_up(
            "import swell", [sys.executable, "-c", "import swell"], 0.05, less=[sys.executable, "-c", ""]
        ),
        _one_iteration(nginx),
    ]
    rows += _arrivals(nginx, cores, seconds=8 if quick else 30)
    rows += _many_vus(nginx, cores, 1000 if quick else 10_000, seconds=10 if quick else 40)
    return rows


def _wall(command: list[str], times: int = 7) -> float:
    environment = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    walls = []
    for _ in range(times + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, env=environment)
        walls.append(time.perf_counter() - started)
    return median(walls[1:])


def _start_up(what: str, command: list[str], target: float, less: list[str] | None = None) -> Row:
    wall = _wall(command) - (_wall(less) if less else 0.0)
    return row(what, wall, "s", f"< {target} s")


def _one_iteration(nginx: Nginx) -> Row:
    command = [sys.executable, "-m", "swell", "run", "--quiet", "--no-save", "--iterations", "1"]
    command += ["-e", f"TARGET={nginx.http_url}", str(SCRIPTS / "saturate.py")]
    return row("a run of one iteration", _wall(command), "s", "< 0.7 s")


def run_swell(arguments: list[str], cores: list[int]) -> tuple[dict[str, dict[str, float]], float]:
    """Run swell on ``cores``; its metrics, and the largest memory of all its workers together in MB."""
    with tempfile.TemporaryDirectory() as folder:
        export = Path(folder) / "summary.json"
        command = [sys.executable, "-m", "swell", "run", "--quiet", "--no-save"]
        command += ["--summary-trend-stats", "avg,min,med,max,p(95),p(99)", "--summary-export", str(export)]
        process = subprocess.Popen(
            ["taskset", "-c", ",".join(map(str, cores)), *command, *arguments], stdout=subprocess.DEVNULL
        )
        peak = 0.0
        me = psutil.Process(process.pid)
        while process.poll() is None:
            with suppress(psutil.NoSuchProcess):
                peak = max(peak, sum(child.memory_info().rss for child in me.children(recursive=True)) / 1e6)
            time.sleep(0.25)
        if process.returncode != 0:
            raise SystemExit(f"swell {' '.join(arguments)} ended with exit code {process.returncode}")
        return json.loads(export.read_text())["metrics"], peak


def _arrivals(nginx: Nginx, cores: list[int], *, seconds: int) -> list[Row]:
    arguments = ["--workers", "1", "-e", f"TARGET={nginx.http_url}", "-e", f"DURATION={seconds}s"]
    metrics, _ = run_swell([*arguments, str(SCRIPTS / "arrivals.py")], cores[:1])
    dropped = metrics.get("dropped_iterations", {"count": 0.0})["count"]
    lag = metrics["iteration_start_lag"]["p(99)"]
    return [
        row(
            f"5,000 arrivals/s for {seconds} s: iterations",
            metrics["iterations"]["count"],
            "",
            f"{5000 * seconds:,}",
        ),
        row("5,000 arrivals/s: dropped", dropped, "", "0"),
        row("5,000 arrivals/s: start lag p99", lag, "ms", "< 5 ms"),
    ]


def _many_vus(nginx: Nginx, cores: list[int], vus: int, *, seconds: int) -> list[Row]:
    arguments = [
        "--workers",
        "1",
        "--vus",
        str(vus),
        "--duration",
        f"{seconds}s",
        "-e",
        f"TARGET={nginx.http_url}",
    ]
    metrics, peak = run_swell([*arguments, str(SCRIPTS / "each_second.py")], cores[:1])
    rate = metrics["http_reqs"]["count"] / seconds
    failed = metrics["http_req_failed"]["passes"]
    return [
        row(f"{vus:,} VUs, one request a second each: memory of the workers", peak, "MB", "< 400 MB"),
        row(f"{vus:,} VUs: requests per second", rate, "", f"about {vus:,}"),
        row(f"{vus:,} VUs: failed requests", failed, "", "0"),
        row(f"{vus:,} VUs: request duration p99", metrics["http_req_duration"]["p(99)"], "ms", "-"),
    ]
