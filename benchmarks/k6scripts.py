"""k6 scripts: throughput beside k6, memory and start of VUs, large bodies, shared rows, output as JSON.

    python -m benchmarks.k6scripts            about 10 minutes
    python -m benchmarks.k6scripts --quick    one round

Without a ``k6`` binary on PATH swell's own figures remain. The generator has the first core, nginx the
last one. Throughput is that of a run of 6 s less one of 2 s, so that start-up cancels.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import NamedTuple

import psutil

from benchmarks.generators import GENERATORS, SCRIPTS, Load, run
from benchmarks.rows import Row, row, table
from benchmarks.target import Nginx

SWELL = (sys.executable, "-m", "swell", "run", "--quiet", "--no-save", "--workers", "1")
K6 = ("k6", "run", "--quiet")
LONG_S, SHORT_S = 6, 2
FEW_VUS, MANY_VUS = 100, 1_100
SCRIPT_BYTES = 20_000
# How long VUs stay where their memory is measured.
PAUSE_S = 3
ROWS = 100_000
# How many VUs share the rows, beside one alone.
SHARING_VUS = 101
# A body of 5 MB is asked for this often; the shorter run is taken away.
MANY_BODIES, FEW_BODIES = 60, 10


class Ended(NamedTuple):
    """What a run took: wall time and CPU time in seconds, and the memory of its processes in KB.

    ``settled_kb`` is that in the middle of the VUs' pause.
    """

    wall_s: float
    cpu_s: float
    settled_kb: float


def measure(nginx: Nginx, cores: list[int], *, quick: bool) -> list[Row]:
    """Every figure, beside its target."""
    tools = {"swell": SWELL} | ({"k6": K6} if shutil.which("k6") else {})
    rounds = 1 if quick else 3
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        return [
            *_throughput(nginx, cores[0], rounds),
            *_json_output(nginx, cores[0], rounds),
            *_many_vus(tools, cores[0], folder, rounds),
            *_large_bodies(nginx, cores[0], rounds),
            *_shared_rows(cores[0], folder),
        ]


def _run(command: list[str], core: int) -> Ended:
    """Run ``command`` on ``core``; its processes' memory is looked at twenty times a second."""
    started = time.monotonic()
    process = subprocess.Popen(["taskset", "-c", str(core), *command], stdout=subprocess.DEVNULL)
    me = psutil.Process(process.pid)
    sizes: list[tuple[float, float]] = []
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            break
        with suppress(psutil.NoSuchProcess):
            tree = [me, *me.children(recursive=True)]
            sizes.append((time.monotonic(), sum(one.memory_info().rss for one in tree) / 1e3))
        time.sleep(0.05)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise SystemExit(f"{' '.join(command)} ended with exit code {process.returncode}")
    ended = time.monotonic()
    settled = next((size for at, size in reversed(sizes) if at <= ended - PAUSE_S / 2), 0.0)
    return Ended(ended - started, usage.ru_utime + usage.ru_stime, settled)


# Throughput


def _throughput(nginx: Nginx, core: int, rounds: int) -> list[Row]:
    """``http.get`` and two checks, swell and k6 in turn."""
    names = [name for name in ("swell-k6", "k6") if GENERATORS[name].find()]
    rows = []
    for vus, target in ((50, "at least 2.5"), (1_000, "at least 1.3, aim 1.8")):
        rates: dict[str, list[float]] = {name: [] for name in names}
        for _ in range(rounds):
            for name in names:
                rates[name].append(_rate(name, Load(nginx.http_url, vus, 0), core))
        rows += [row(f"{name}, {vus:,} VUs: requests per CPU s", median(rates[name])) for name in names]
        if "k6" in rates:
            pairs = zip(rates["swell-k6"], rates["k6"], strict=True)
            rows.append(row(f"{vus:,} VUs: swell's by k6's", median(a / b for a, b in pairs), "", target))
    return rows


def _rate(name: str, load: Load, core: int) -> float:
    with tempfile.TemporaryDirectory() as folder:
        short, long = (
            run(GENERATORS[name], Load(load.url, load.vus, seconds), core, Path(folder))
            for seconds in (SHORT_S, LONG_S)
        )
    return (long.requests - short.requests) / (long.cpu_seconds - short.cpu_seconds)


def _json_output(nginx: Nginx, core: int, rounds: int) -> list[Row]:
    """What is left of the throughput with ``--out json``, and whether each request is in the file."""
    rows = []
    for name in ("swell-k6", "k6"):
        generator = GENERATORS[name]
        if not generator.find():
            continue
        shares, lost = [], 0
        for _ in range(rounds):
            with tempfile.TemporaryDirectory() as folder:
                points = Path(folder) / "points.json"
                load = Load(nginx.http_url, 50, LONG_S)
                without = run(generator, load, core, Path(folder))
                beside = run(generator, load, core, Path(folder), ("--out", f"json={points}"))
                with points.open("rb") as lines:
                    written = sum(b'"type":"Point"' in line and b'"http_reqs"' in line for line in lines)
            shares.append(beside.per_cpu_second / without.per_cpu_second)
            lost += beside.requests - written
        target = "at least 0.5" if name == "swell-k6" else "-"
        rows.append(row(f"{name}: throughput with --out json", median(shares), "of that without", target))
        rows.append(row(f"{name}: requests that --out json lost", lost, "", "0" if target != "-" else "-"))
    return rows


# Many VUs


def _once(vus: int) -> tuple[str, ...]:
    return "--vus", str(vus), "--iterations", str(vus)


def _many_vus(tools: dict[str, tuple[str, ...]], core: int, folder: Path, rounds: int) -> list[Row]:
    """Memory of a VU, and how long a thousand take until each has run once, start-up taken away."""
    script = folder / "script.js"
    script.write_text(script_of(SCRIPT_BYTES))
    rows = []
    for name, command in tools.items():
        sizes, walls = [], []
        for _ in range(rounds):
            few, many = (
                _run(
                    [*command, *_once(vus), "-e", f"PAUSE={PAUSE_S}", str(script)],
                    core,
                )
                for vus in (FEW_VUS, MANY_VUS)
            )
            sizes.append((many.settled_kb - few.settled_kb) / (MANY_VUS - FEW_VUS))
            one, thousand = (_run([*command, *_once(vus), str(script)], core) for vus in (1, 1_000))
            walls.append(thousand.wall_s - one.wall_s)
        own = name == "swell"
        what = f"{name}: memory of a VU with a script of {SCRIPT_BYTES // 1_000} KB"
        rows.append(row(what, median(sizes), "KB", "at most 400, aim 250" if own else "-"))
        rows.append(row(f"{name}: 1,000 such VUs ready", median(walls), "s", "under 2" if own else "-"))
    return rows


def script_of(size: int) -> str:
    """A k6 script of about ``size`` bytes that imports what most do; ``PAUSE`` has its VUs stay."""
    head = (
        'import http from "k6/http";\nimport { check, sleep } from "k6";\n'
        'import { Counter, Trend } from "k6/metrics";\n\n'
        'const orders = new Counter("orders");\nconst waits = new Trend("order_wait", true);\n'
    )
    tail = "\nexport default function () {\n  if (__ENV.PAUSE) sleep(Number(__ENV.PAUSE));\n}\n"
    steps = []
    while len(head) + len(tail) + sum(map(len, steps)) < size:
        number = len(steps)
        steps.append(
            f"\nexport function step{number}(token, item) {{\n"
            f"  const body = JSON.stringify({{ item, quantity: {number} + 1, note: `step {number}` }});\n"
            f"  const headers = {{ Authorization: `Bearer ${{token}}`, 'X-Step': '{number}' }};\n"
            f"  const response = http.post(`${{__ENV.TARGET}}/orders/{number}`, body, {{ headers }});\n"
            "  waits.add(response.timings.waiting);\n"
            f"  if (check(response, {{ 'step {number} is made': (r) => r.status === 201 }})) orders.add(1);\n"
            "  return response.json('id');\n}\n"
        )
    return head + "".join(steps) + tail


# Large bodies


def _large_bodies(nginx: Nginx, core: int, rounds: int) -> list[Row]:
    """CPU time of an answer of 5 MB in a k6 script and in a native one."""
    rows = []
    for kind in ("text", "binary"):
        per_body: dict[str, list[float]] = {"large.js": [], "large.py": []}
        for _ in range(rounds):
            for script, times in per_body.items():
                command = [*SWELL, "-e", f"TARGET={nginx.large_url}", "-e", f"BODY={kind}", "--iterations"]
                many = _run([*command, str(MANY_BODIES), str(SCRIPTS / script)], core)
                few = _run([*command, str(FEW_BODIES), str(SCRIPTS / script)], core)
                times.append((many.cpu_s - few.cpu_s) / (MANY_BODIES - FEW_BODIES))
        pairs = zip(per_body["large.js"], per_body["large.py"], strict=True)
        rows.append(row(f"a body of 5 MB as {kind}: CPU time", median(per_body["large.js"]) * 1e3, "ms"))
        what = f"a body of 5 MB as {kind}: by that of a native script"
        rows.append(row(what, median(a / b for a, b in pairs), "", "at most 2"))
    return rows


# Shared rows


def _shared_rows(core: int, folder: Path) -> list[Row]:
    """Memory of a ``SharedArray`` where one VU reads it, and where many do."""
    path = folder / "rows.json"
    path.write_text(
        json.dumps([{"id": n, "name": f"user {n}", "mail": f"user{n}@example.com"} for n in range(ROWS)])
    )
    sizes = {}
    for vus in (1, SHARING_VUS):
        for rows in ("", str(path)):
            command = [*SWELL, *_once(vus), "-e", f"ROWS={rows}", "-e", f"PAUSE={PAUSE_S}"]
            sizes[vus, bool(rows)] = _run([*command, str(SCRIPTS / "rows.js")], core).settled_kb
    return [
        row(
            f"{ROWS:,} shared rows: added to a worker with {vus} VU{'s' if vus > 1 else ''}",
            (sizes[vus, True] - sizes[vus, False]) / 1e3,
            "MB",
            target,
        )
        for vus, target in ((1, "-"), (SHARING_VUS, "no more than with one"))
    ]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.k6scripts")
    parser.add_argument("--quick", action="store_true", help="one round")
    arguments = parser.parse_args()
    cores = sorted(os.sched_getaffinity(0))
    with Nginx({cores[-1]}) as nginx:
        print(table("k6 scripts", measure(nginx, cores, quick=arguments.quick)))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
