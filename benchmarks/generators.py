"""The load generators of the comparison: how each is started, and what its output says."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

ROOT = Path(__file__).parent
SCRIPTS = ROOT / "scripts"
LOCUST = ROOT.parent / ".venv" / "locust"


@dataclass(frozen=True)
class Load:
    """What is asked of a generator."""

    url: str
    vus: int
    seconds: int


@dataclass(frozen=True)
class Measured:
    """What one run gave; the CPU seconds are of the whole process tree, start-up included."""

    generator: str
    requests: int
    failures: int
    seconds: float
    cpu_seconds: float
    peak_mb: float
    median_ms: float | None
    p99_ms: float | None

    @property
    def per_cpu_second(self) -> float:
        """Requests per CPU second: what the comparison is about."""
        return self.requests / self.cpu_seconds


Parsed = tuple[int, int, float | None, float | None]


@dataclass(frozen=True)
class Generator:
    """One load generator."""

    name: str
    command: Callable[[Load, Path], list[str]]
    parse: Callable[[str, Path], Parsed]
    find: Callable[[], str | None]


def run(generator: Generator, load: Load, core: int, folder: Path, extra: tuple[str, ...] = ()) -> Measured:
    """Run one generator on one core, with ``extra`` arguments, and read what it did."""
    environment = os.environ | {"TARGET": load.url, "NO_COLOR": "1"}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    command = ["taskset", "-c", str(core), *generator.command(load, folder), *extra]
    output = folder / "output.txt"
    started = time.monotonic()
    with output.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    elapsed = time.monotonic() - started
    text = output.read_text(errors="replace")
    try:
        requests, failures, median, p99 = generator.parse(text, folder)
    except (AttributeError, KeyError, ValueError, OSError) as error:
        raise SystemExit(
            f"{generator.name}: exit code {process.returncode}, no result ({error!r}):\n{text[-2000:]}"
        ) from None
    return Measured(
        generator.name,
        requests,
        failures,
        elapsed,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
        median,
        p99,
    )


# swell


def _swell_command(script: str) -> Callable[[Load, Path], list[str]]:
    command = [sys.executable, "-m", "swell", "run", "--quiet", "--no-save", "--workers", "1"]
    return partial(_k6_like, command, script)


def _k6_command(script: str) -> Callable[[Load, Path], list[str]]:
    return partial(_k6_like, ["k6", "run", "--quiet"], script)


def _k6_like(command: list[str], script: str, load: Load, folder: Path) -> list[str]:
    return [
        *command,
        *("--summary-trend-stats", "avg,min,med,max,p(95),p(99)"),
        *("--vus", str(load.vus), "--duration", f"{load.seconds}s", "-e", f"TARGET={load.url}"),
        *("--summary-export", str(folder / "summary.json"), str(SCRIPTS / script)),
    ]


def _swell_result(_text: str, folder: Path) -> Parsed:
    metrics = json.loads((folder / "summary.json").read_text())["metrics"]
    duration = metrics["http_req_duration"]
    checks = metrics["checks"]
    if checks["passes"] + checks["fails"] < 2 * metrics["iterations"]["count"]:
        raise ValueError("checks are missing")
    failed = metrics["http_req_failed"]["passes"]
    return metrics["http_reqs"]["count"], failed, duration["med"], duration["p(99)"]


# Locust


def _locust_command(script: str) -> Callable[[Load, Path], list[str]]:
    def command(load: Load, _folder: Path) -> list[str]:
        return [
            *(str(LOCUST / "bin" / "locust"), "-f", str(SCRIPTS / script), "--headless", "--only-summary"),
            *("-u", str(load.vus), "-r", str(load.vus), "-t", f"{load.seconds}s", "--json"),
        ]

    return command


def _locust_result(text: str, _folder: Path) -> Parsed:
    start = text.index("[\n") if "[\n" in text else text.index("[{")
    entries, _ = json.JSONDecoder().raw_decode(text[start:])
    (entry,) = entries
    times: dict[float, int] = {float(key): count for key, count in entry["response_times"].items()}
    total = sum(times.values())

    def percentile(share: float) -> float:
        seen = 0
        for value in sorted(times):
            seen += times[value]
            if seen >= share * total:
                return value
        return 0.0

    return entry["num_requests"], entry["num_failures"], percentile(0.5), percentile(0.99)


def find_locust() -> str | None:
    """Locust's command, installed into a virtual environment of its own when it is not there."""
    command = LOCUST / "bin" / "locust"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", str(LOCUST)], check=True)
        pip = [str(LOCUST / "bin" / "python"), "-m", "pip", "install", "--quiet", "--require-hashes"]
        subprocess.run([*pip, "-r", str(ROOT / "locust.txt")], check=True)
        subprocess.run(
            [str(LOCUST / "bin" / "python"), "-m", "compileall", "-q", str(LOCUST / "lib")], check=False
        )
    return str(command)


# wrk and hey

_UNITS = {"us": 0.001, "ms": 1.0, "s": 1000.0, "m": 60_000.0}


def _milliseconds(text: str) -> float:
    match = re.fullmatch(r"([\d.]+)(us|ms|s|m)", text)
    assert match is not None, text
    return float(match[1]) * _UNITS[match[2]]


def _wrk_command(load: Load, _folder: Path) -> list[str]:
    return ["wrk", "-t1", f"-c{load.vus}", f"-d{load.seconds}s", "--latency", "--timeout", "60s", load.url]


def _wrk_result(text: str, _folder: Path) -> Parsed:
    requests = int(re.search(r"(\d+) requests in", text)[1])  # type: ignore[index]
    errors = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    median = _milliseconds(re.search(r"^ +50% +(\S+)", text, re.MULTILINE)[1])  # type: ignore[index]
    p99 = _milliseconds(re.search(r"^ +99% +(\S+)", text, re.MULTILINE)[1])  # type: ignore[index]
    return requests, int(errors[1]) if errors else 0, median, p99


def _hey_command(load: Load, _folder: Path) -> list[str]:
    return ["hey", "-cpus", "1", "-z", f"{load.seconds}s", "-c", str(load.vus), load.url]


def _hey_result(text: str, _folder: Path) -> Parsed:
    responses = re.findall(r"\[(\d+)\]\s+(\d+) responses", text)
    total = sum(int(count) for _, count in responses)
    # hey stops to keep samples after a million responses, but its rate covers all.
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", text)[1])  # type: ignore[index]
    seconds = float(re.search(r"Total:\s+([\d.]+) secs", text)[1])  # type: ignore[index]
    median = re.search(r"50%+ in ([\d.]+) secs", text)
    p99 = re.search(r"99%+ in ([\d.]+) secs", text)
    bad = sum(int(count) for status, count in responses if status != "200")
    return (
        max(total, round(rate * seconds)),
        bad,
        float(median[1]) * 1000 if median else None,
        float(p99[1]) * 1000 if p99 else None,
    )


GENERATORS = {
    generator.name: generator
    for generator in (
        Generator("swell", _swell_command("saturate.py"), _swell_result, lambda: sys.executable),
        Generator("swell-k6", _swell_command("saturate.js"), _swell_result, lambda: sys.executable),
        Generator("wrk", _wrk_command, _wrk_result, lambda: shutil.which("wrk")),
        Generator("hey", _hey_command, _hey_result, lambda: shutil.which("hey")),
        Generator("k6", _k6_command("saturate.js"), _swell_result, lambda: shutil.which("k6")),
        Generator("locust-fast", _locust_command("fast_locustfile.py"), _locust_result, find_locust),
        Generator("locust", _locust_command("plain_locustfile.py"), _locust_result, find_locust),
    )
}
