"""Long and large: memory over an hour, and 1,000 VUs through 100 restarts of their server.

    python -m benchmarks.soak                          one hour, 200 VUs, about 2,000 requests a second
    python -m benchmarks.soak --minutes 2 --vus 50
    python -m benchmarks.soak --restarts 100 --vus 1000

The memory of the worker and of the coordinator is sampled while the run goes on and written, with the exit
code, as JSON; the exit code is 1 where memory grew after the first quarter, or a VU did not come back.
"""

import argparse
import json
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

import psutil

from swell.testing.server import EchoServer

RESULTS = Path(__file__).parent / "results"
SCRIPTS = Path(__file__).parent / "scripts"
# Below the range that outgoing connections take their ports from: none of them may take the server's.
PORT = 9381
FIRST_ADDRESS = ip_address("127.1.0.1")
# What a worker may grow by in an hour, measured from the first quarter of the run on.
MAX_GROWTH_MB = 8.0
# The coordinator keeps one row per second of the run, with a coarse histogram: about 1.5 KB each.
MAX_TIMELINE_MB = 16.0


@dataclass(frozen=True)
class Sample:
    """One look at the processes: memory in MB, descriptors and threads."""

    at_s: float
    worker_mb: float
    coordinator_mb: float
    descriptors: int
    threads: int


def main() -> int:
    """Run what the arguments ask for; the exit code says whether it held."""
    arguments = _arguments()
    report = _restarts(arguments) if arguments.restarts else _soak(arguments)
    RESULTS.mkdir(exist_ok=True)
    kind = "restarts" if arguments.restarts else "soak"
    path = Path(arguments.out) if arguments.out else RESULTS / f"{kind}-{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(report, indent=1))
    print(json.dumps({name: value for name, value in report.items() if name != "samples"}, indent=1))
    return 0 if report["held"] else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--vus", type=int, default=200)
    parser.add_argument("--pause", type=float, default=0.1, help="seconds between a VU's requests")
    parser.add_argument("--new-every", type=int, default=20, help="iterations per URL that is wholly new")
    parser.add_argument(
        "--urls", type=int, default=2000, help="URLs, each with a tag, that come again and again"
    )
    parser.add_argument("--every", type=float, default=10, help="seconds between two looks at the memory")
    parser.add_argument("--restarts", type=int, default=0, help="restart the server so often instead")
    parser.add_argument("--out", help="the file for the figures")
    return parser.parse_args()


@contextmanager
def _swell(script: str, *arguments: str) -> Iterator[tuple[psutil.Popen, Path, Path]]:
    """A run in the background: its process, where its summary will be, and its log. It ends with us."""
    ours, theirs = socket.socketpair()
    with tempfile.TemporaryDirectory() as folder, ours, theirs:
        export, log = Path(folder) / "summary.json", Path(folder) / "log"
        command = [sys.executable, "-P", "-m", "swell.cli.suites.leash", str(theirs.fileno())]
        command += ["run", "--quiet", "--no-save", "--workers", "1"]
        command += ["--summary-export", str(export), "--log-output", f"file={log}", *arguments]
        with (Path(folder) / "stdout").open("wb") as output:
            process = psutil.Popen(
                [*command, str(SCRIPTS / script)],
                stdout=output,
                stderr=output,
                pass_fds=[theirs.fileno()],
                process_group=0,
            )
            theirs.close()
            try:
                yield process, export, log
            finally:
                with suppress(psutil.NoSuchProcess):
                    process.terminate()
                process.wait(60)
                sys.stderr.write((Path(folder) / "stdout").read_text()[-6000:])


def _look(process: psutil.Popen, started: float) -> Sample | None:
    """The processes now; None while there is no worker."""
    with suppress(psutil.Error):
        children = process.children(recursive=True)
        if children:
            return Sample(
                round(time.monotonic() - started, 1),
                round(sum(child.memory_info().rss for child in children) / 1e6, 2),
                round(process.memory_info().rss / 1e6, 2),
                sum(child.num_fds() for child in children),
                sum(child.num_threads() for child in children),
            )
    return None


def _soak(arguments: argparse.Namespace) -> dict[str, object]:
    """Memory over the time given."""
    samples: list[Sample] = []
    with EchoServer() as server:
        flags = ["--vus", str(arguments.vus), "--duration", f"{int(arguments.minutes * 60)}s"]
        flags += ["-e", f"TARGET={server.url}", "-e", f"PAUSE={arguments.pause}"]
        flags += ["-e", f"NEW_EVERY={arguments.new_every}", "-e", f"URLS={arguments.urls}"]
        with _swell("soak.py", *flags) as (process, export, log):
            _wait_for_load(server, process)
            started = time.monotonic()
            cpu = 0.0
            while process.poll() is None:
                sample = _look(process, started)
                if sample is not None:
                    samples.append(sample)
                    cpu = _cpu(process) or cpu
                time.sleep(arguments.every)
            summary = json.loads(export.read_text())["metrics"] if export.exists() else {}
            logged = len(log.read_text().splitlines()) if log.exists() else 0
    # The last look may have met a worker on its way out.
    samples = samples[:-1] or samples
    worker = _growth([(sample.at_s, sample.worker_mb) for sample in samples])
    coordinator = _growth([(sample.at_s, sample.coordinator_mb) for sample in samples])
    settled = [sample for sample in samples if sample.at_s >= samples[-1].at_s / 4]
    return {
        "held": process.returncode == 0
        and worker["grown_mb"] < MAX_GROWTH_MB
        and coordinator["grown_mb"] < MAX_GROWTH_MB + MAX_TIMELINE_MB,
        "exit_code": process.returncode,
        "minutes": round(samples[-1].at_s / 60, 1),
        "vus": arguments.vus,
        "requests": summary.get("http_reqs", {}).get("count"),
        "requests_per_s": summary.get("http_reqs", {}).get("rate"),
        "iterations": summary.get("iterations", {}).get("count"),
        "cpu_s": round(cpu, 1),
        "log_lines": logged,
        "worker": worker,
        "coordinator": coordinator,
        "descriptors": [min(s.descriptors for s in settled), max(s.descriptors for s in settled)],
        "threads": [min(s.threads for s in settled), max(s.threads for s in settled)],
        "samples": [asdict(sample) for sample in samples],
    }


def _wait_for_load(server: EchoServer, process: psutil.Popen) -> None:
    """Until the run has sent a request: what it takes to start is no growth."""
    own = 0
    while process.poll() is None:
        with suppress(URLError, OSError), urlopen(f"{server.url}/stats", timeout=60) as answer:
            own += 1
            if json.loads(answer.read())["requests"] > own:
                return
        time.sleep(0.1)


def _cpu(process: psutil.Popen) -> float:
    with suppress(psutil.Error):
        times = [each.cpu_times() for each in (process, *process.children(recursive=True))]
        return sum(each.user + each.system for each in times)
    return 0.0


def _growth(points: list[tuple[float, float]]) -> dict[str, float]:
    """From the first quarter's end to the last tenth: medians, so that no peak decides."""
    last = points[-1][0]
    settled = [point for point in points if point[0] >= last * 0.25]
    # A short run may have been looked at too seldom.
    early = sorted(value for at, value in settled if at <= last * 0.35) or [settled[0][1]]
    late = sorted(value for at, value in points if at >= last * 0.9)
    before, after = early[len(early) // 2], late[len(late) // 2]
    return {
        "first_mb": points[0][1],
        "after_a_quarter_mb": before,
        "at_the_end_mb": after,
        "peak_mb": max(value for _, value in points),
        "grown_mb": round(after - before, 2),
    }


# Restarts


def _restarts(arguments: argparse.Namespace) -> dict[str, object]:
    """The server goes away and comes back on its port; every VU must come back too, by itself."""
    back: list[float] = []
    stuck: list[int] = []
    memory: list[Sample] = []
    server = EchoServer(port=PORT).start()
    try:
        flags = ["--vus", str(arguments.vus), "--duration", "24h", "-e", f"TARGET={server.url}"]
        # An address for each VU: so the server knows who was there.
        flags += ["--local-ips", f"{FIRST_ADDRESS}-{FIRST_ADDRESS + arguments.vus - 1}"]
        with _swell("restarts.py", *flags) as (process, export, log):
            started = time.monotonic()
            _wait_for_all(server, arguments.vus)
            for number in range(arguments.restarts):
                # In turn: killed, which resets, and stopped, which closes.
                if number % 2:
                    os.kill(server.pid, signal.SIGKILL)
                server.stop()
                server = EchoServer(port=PORT).start()
                seconds, seen = _wait_for_all(server, arguments.vus)
                back.append(seconds)
                if seen < arguments.vus:
                    stuck.append(number)
                sample = _look(process, started)
                if sample is not None:
                    memory.append(sample)
            process.send_signal(signal.SIGINT)
            process.wait(120)
            summary = json.loads(export.read_text())["metrics"] if export.exists() else {}
            logged = log.read_text().splitlines() if log.exists() else []
    finally:
        server.stop()
    return {
        "held": not stuck and process.returncode == 105 and len(logged) <= 200,
        "exit_code": process.returncode,
        "vus": arguments.vus,
        "restarts": arguments.restarts,
        "restarts_with_vus_missing": stuck,
        "seconds_until_all_were_back": {"median": sorted(back)[len(back) // 2], "max": max(back)},
        "requests": summary.get("http_reqs", {}).get("count"),
        "failed": summary.get("http_req_failed", {}).get("passes"),
        "log_lines": len(logged),
        "log": logged[:20],
        "worker_mb": [memory[0].worker_mb, memory[len(memory) // 2].worker_mb, memory[-1].worker_mb],
        "descriptors": [memory[0].descriptors, memory[-1].descriptors],
        "samples": [asdict(sample) for sample in memory],
    }


def _wait_for_all(server: EchoServer, vus: int, patience_s: float = 30.0) -> tuple[float, int]:
    """Seconds until every VU has asked the new server for something, and how many have.

    Connections that are open at the same moment would say less: on a machine that starves the run, some of a
    thousand requests time out at any time, and who timed out opens a new connection a second later.
    """
    started = time.monotonic()
    seen = 0
    while time.monotonic() - started < patience_s:
        with suppress(URLError, OSError), urlopen(f"{server.url}/stats", timeout=5) as answer:
            # One of them is this one.
            seen = json.loads(answer.read())["clients"] - 1
            if seen >= vus:
                break
        time.sleep(0.1)
    return round(time.monotonic() - started, 2), seen


if __name__ == "__main__":
    raise SystemExit(main())
