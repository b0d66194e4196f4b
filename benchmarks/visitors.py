"""Ten thousand visitors at once on WWMAA's pages, platform and generator together on this machine.

    python -m benchmarks.visitors                    10,000 visitors
    python -m benchmarks.visitors --visitors 2000    fewer

The platform runs in several processes, and so does the generator, from several loopback addresses. Before
anything starts it is checked that descriptors and ports suffice. A visitor keeps one connection and looks at
a page about every half minute: five requests. Afterwards it is said what was reached, and who used the
machine.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import psutil

from swell.cli.suites.platform import Platform, start_platform
from swell.cli.suites.preflight import TOKEN_VARIABLE
from swell.cli.suites.processes import Children
from swell.metrics.snapshot import CounterValue, Snapshot, TrendValue, load_snapshot

ROOT = Path(__file__).parents[1]
# The suite's test without its own stages, so that flags can say how many visitors there are.
SCRIPT = """
from suites.wwmaa import pages

options, setup, default = pages.options, pages.setup, pages.visit
"""
ADDRESSES = "127.0.0.1-127.0.0.4"
ADDRESS_COUNT = 4
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# What each process has open besides connections.
OWN_DESCRIPTORS = 200
RAMP, PLATEAU = "40s", "60s"


def main() -> int:
    """Check, run, report; 0 where all visitors were there at once and no request failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--visitors", type=int, default=10_000)
    parser.add_argument("--platform-processes", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--pace", default="4", help="factor of the pauses between pages (5 to 10 s)")
    arguments = parser.parse_args()
    faults = too_little(arguments.visitors, arguments.platform_processes, arguments.workers)
    if faults:
        print("\n".join(faults), file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="swell-visitors-") as folder, Children() as children:
        data = Path(folder)
        platform = start_platform(children, os.environ, ["wwmaa"], processes=arguments.platform_processes)
        return visit(children, platform, data, arguments)


def too_little(visitors: int, platform_processes: int, workers: int) -> list[str]:
    """What this machine has too little of; descriptors are raised to the hard limit first."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    faults = []
    for what, processes in (("the platform", platform_processes), ("the generator", workers)):
        # The kernel spreads connections by chance: a third more than the share.
        needed = visitors * 4 // (3 * processes) + OWN_DESCRIPTORS
        if needed > hard:
            faults.append(f"each process of {what} needs {needed} descriptors; ulimit -Hn is {hard}")
    low, high = map(int, PORT_RANGE.read_text().split())
    ports = (high - low + 1) * ADDRESS_COUNT
    if visitors > ports // 2:
        faults.append(f"{visitors} connections need more ports than half of {ports}: widen {PORT_RANGE}")
    return faults


def visit(children: Children, platform: Platform, folder: Path, arguments: argparse.Namespace) -> int:
    """Run the pages' test at that size, watching who uses the processors."""
    results = folder / "results"
    script = folder / "visitors.py"
    script.write_text(SCRIPT, encoding="utf-8")
    command = [
        *(sys.executable, "-m", "swell", "run", str(script), "--no-color", "--results-dir", str(results)),
        *("--stage", f"{RAMP}:{arguments.visitors}", "--stage", f"{PLATEAU}:{arguments.visitors}"),
        *("--workers", str(arguments.workers), "--local-ips", ADDRESSES, "--max-connections-per-host", "1"),
        *("--no-thresholds", "-e", f"PACE={arguments.pace}"),
    ]
    own = {"BASE_URL": platform.urls["wwmaa"], TOKEN_VARIABLE: platform.token, "PYTHONPATH": str(ROOT)}
    output = folder / "output.txt"
    with output.open("wb") as out:
        child = children.start(lambda _line: command, cwd=ROOT, env={**os.environ, **own}, out=out)
    run = child.process
    begun, shares = time.monotonic(), Shares(platform.child.process, run)
    connections = 0
    while child.poll() is None:
        children.pause()
        if time.monotonic() - shares.at >= 5:
            shares.sample()
            connections = max(connections, sum(len(one.net_connections()) for one in family(run)))
            print(f"{time.monotonic() - begun:4.0f} s  {connections:,} connections  {shares}", flush=True)
    saved = sorted(results.glob("*/snapshot.json"))
    if not saved:
        print(output.read_text(errors="replace")[-3000:], file=sys.stderr)
        return 1
    return report(load_snapshot(saved[-1]), connections, shares, arguments.visitors)


def report(snapshot: Snapshot, connections: int, shares: "Shares", visitors: int) -> int:
    """Print what was reached."""
    failed = sum(row.failures for row in snapshot.requests)
    requests = snapshot.metric("http_reqs")
    count = requests.value.count if requests and isinstance(requests.value, CounterValue) else 0
    busiest = max((second.requests for second in snapshot.timeline), default=0)
    most = max((second.vus for second in snapshot.timeline), default=0)
    print(f"visitors at once: {most:,} of {visitors:,}, connections: {connections:,}")
    print(f"requests: {count:,.0f}, {busiest:,} in the busiest second, {failed:,} failed")
    durations = snapshot.metric("http_req_duration")
    if durations and isinstance(durations.value, TrendValue):
        p50, p95, p99 = (durations.value.histogram.percentile(p) for p in (50.0, 95.0, 99.0))
        print(f"answers: p50 {p50:.1f} ms, p95 {p95:.1f} ms, p99 {p99:.1f} ms")
    print(f"processors at the end: {shares}")
    if snapshot.verdict:
        print(f"verdict: {snapshot.verdict.level}")
        for reason in snapshot.verdict.reasons:
            print(f"  {reason.question}: {reason.message}")
    return 0 if most >= visitors and not failed else 1


def family(process: subprocess.Popen[bytes]) -> Sequence[psutil.Process]:
    """The process and all that it started."""
    try:
        parent = psutil.Process(process.pid)
        return [parent, *parent.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


class Shares:
    """Processor time of platform and generator between two samples, in cores."""

    def __init__(self, platform: subprocess.Popen[bytes], generator: subprocess.Popen[bytes]) -> None:
        self._processes = {"platform": platform, "generator": generator}
        self._used: dict[str, float] = dict.fromkeys(self._processes, 0.0)
        self._text = ""
        self.at = time.monotonic()
        psutil.cpu_percent()
        self.sample()

    def __str__(self) -> str:
        return self._text

    def sample(self) -> None:
        """Look again."""
        now = time.monotonic()
        parts = []
        is_whole = True
        for name, process in self._processes.items():
            times = [one.cpu_times() for one in family(process)]
            used = sum(one.user + one.system for one in times)
            parts.append(f"{name} {(used - self._used[name]) / max(now - self.at, 0.1):.2f}")
            # Workers that have ended take their time along: such a sample says nothing.
            is_whole = is_whole and used >= self._used[name]
            self._used[name] = used
        self.at = now
        if is_whole:
            self._text = f"{', '.join(parts)} cores, machine {psutil.cpu_percent():.0f} % busy"


if __name__ == "__main__":
    sys.exit(main())
