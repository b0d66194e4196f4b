"""``make bench``: every generator on the same nginx, interleaved; medians, ratios, a table, raw JSON.

    python -m benchmarks                 the whole comparison, about 25 minutes
    python -m benchmarks --quick         one round of 4 s
    python -m benchmarks --only swell wrk locust-fast --only-vus 50
    python -m benchmarks --no-comparison start-up, memory, arrivals, k6 scripts and WebSockets only

The generator has the first core for itself, nginx the last one. Absolute numbers are this machine's; the
ratios are the result.
"""

import argparse
import json
import os
import platform
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

from benchmarks import k6scripts, own, websockets
from benchmarks.generators import GENERATORS, Generator, Load, Measured, run
from benchmarks.rows import table
from benchmarks.target import Nginx

RESULTS = Path(__file__).parent / "results"
README = Path(__file__).parent / "README.md"
BEGIN, END = "<!-- results -->", "<!-- end of results -->"


def main() -> int:
    """Measure, print, and with ``--publish`` write the tables into benchmarks/README.md."""
    arguments = _arguments()
    cores = sorted(os.sched_getaffinity(0))
    generators = _available(arguments.only)
    results: dict[str, object] = {"machine": _machine(), "started": time.strftime("%Y-%m-%d %H:%M:%S%z")}
    tables: list[str] = []
    with Nginx({cores[-1]}) as nginx:
        if not arguments.no_comparison:
            by_load = _rounds(generators, _loads(nginx, arguments), arguments.rounds, cores[0])
            results.update({title: [asdict(one) for one in measured] for title, measured in by_load.items()})
            tables += [_table(title, measured) for title, measured in by_load.items()]
            tables.append(_between(by_load))
            print("\n".join(tables), flush=True)
        if not arguments.no_own:
            parts = {"Its own targets": own, "k6 scripts": k6scripts, "WebSockets": websockets}
            for title, part in parts.items():
                rows = part.measure(nginx, cores, quick=arguments.quick)
                results[title] = rows
                tables.append(table(title, rows))
                print(tables[-1], flush=True)
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    path.write_text(json.dumps(results, indent=1))
    print(f"raw figures: {path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    if arguments.publish:
        _publish(tables)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--quick", action="store_true", help="one round of 4 s")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=10)
    parser.add_argument("--only", nargs="+", choices=sorted(GENERATORS), default=sorted(GENERATORS))
    parser.add_argument("--only-vus", nargs="+", type=int, default=[50, 1000])
    parser.add_argument("--no-https", action="store_true")
    parser.add_argument("--no-comparison", action="store_true")
    parser.add_argument(
        "--no-own", action="store_true", help="leave out start-up, memory, arrivals, k6 scripts, WebSockets"
    )
    parser.add_argument("--publish", action="store_true", help="write the tables into benchmarks/README.md")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.rounds, arguments.seconds = 1, 4
    return arguments


def _available(names: list[str]) -> list[Generator]:
    found = []
    for name, generator in GENERATORS.items():
        if name not in names:
            continue
        if generator.find() is None:
            print(f"{name} is not installed: left out", file=sys.stderr)
        else:
            found.append(generator)
    return found


def _loads(nginx: Nginx, arguments: argparse.Namespace) -> list[tuple[str, Load]]:
    loads = [(f"http, {vus} VUs", Load(nginx.http_url, vus, arguments.seconds)) for vus in arguments.only_vus]
    if not arguments.no_https:
        loads.append(("https, 50 VUs", Load(nginx.https_url, 50, arguments.seconds)))
    return loads


def _rounds(
    generators: list[Generator], loads: list[tuple[str, Load]], rounds: int, core: int
) -> dict[str, list[Measured]]:
    """What was measured of each load: interleaved, so that a slow minute of the machine hits all alike."""
    measured: dict[str, list[Measured]] = {title: [] for title, _ in loads}
    for _ in range(rounds):
        for generator in generators:
            for title, load in loads:
                with tempfile.TemporaryDirectory() as folder:
                    measured[title].append(run(generator, load, core, Path(folder)))
    return measured


def _between(by_load: dict[str, list[Measured]]) -> str:
    """How a generator fares under each load by how it fares under the first, round by round."""
    first, *others = by_load
    lines = [f"### Requests per CPU second by those of {first}", ""]
    lines += ["| generator | " + " | ".join(others) + " |", "|---|" + "---|" * len(others)]
    for name in dict.fromkeys(one.generator for one in by_load[first]):
        base = [one.per_cpu_second for one in by_load[first] if one.generator == name]
        cells = []
        for title in others:
            values = [one.per_cpu_second for one in by_load[title] if one.generator == name]
            cells.append(f"{median(b / a for a, b in zip(base, values, strict=True)):.2f}")
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def _table(title: str, measured: list[Measured]) -> str:
    names = list(dict.fromkeys(one.generator for one in measured))
    per_cpu = {name: [one.per_cpu_second for one in measured if one.generator == name] for name in names}

    def ratio(name: str, other: str) -> str:
        if other not in per_cpu:
            return "-"
        pairs = zip(per_cpu[name], per_cpu[other], strict=True)
        return f"{median(a / b for a, b in pairs):.2f}"

    lines = [
        f"### {title}",
        "",
        "| generator | per CPU s | min-max | of wrk | of k6 | of Locust fast | failures | p50 ms | p99 ms |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name in names:
        runs = [one for one in measured if one.generator == name]
        values = per_cpu[name]
        lines.append(
            f"| {name} | {median(values):,.0f} | {min(values):,.0f}-{max(values):,.0f}"
            f" | {ratio(name, 'wrk')} | {ratio(name, 'k6')} | {ratio(name, 'locust-fast')}"
            f" | {sum(one.failures for one in runs)}"
            f" | {_number([one.median_ms for one in runs])} | {_number([one.p99_ms for one in runs])} |"
        )
    return "\n".join(lines) + "\n"


def _number(values: list[float | None]) -> str:
    known = [value for value in values if value is not None]
    return f"{median(known):.3g}" if known else "-"


def _machine() -> dict[str, object]:
    return {
        "python": platform.python_version(),
        "kernel": platform.release(),
        "cores": len(os.sched_getaffinity(0)),
    }


def _publish(tables: list[str]) -> None:
    text = README.read_text()
    head, _, rest = text.partition(BEGIN)
    tail = rest.partition(END)[2]
    machine = _machine()
    stamp = (
        f"Measured on {time.strftime('%Y-%m-%d')} with Python {machine['python']}, Linux {machine['kernel']},"
        f" {machine['cores']} cores (virtual machine).\n"
    )
    README.write_text(head + BEGIN + "\n\n" + stamp + "\n" + "\n".join(tables) + "\n" + END + tail)


if __name__ == "__main__":
    raise SystemExit(main())
