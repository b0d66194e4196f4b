"""How each load generator is driven at the calibration server, and how its own figures are read."""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final, NamedTuple

from swell.base.errors import SwellError
from swell.doctor.accuracy import PERCENTS, Reading, Setting
from swell.metrics.snapshot import Snapshot, TrendValue, load_snapshot

# Quantities of the calibration server, and swell's metrics for them.
METRICS: Final = {
    "duration": "http_req_duration",
    "waiting": "http_req_waiting",
    "receiving": "http_req_receiving",
}
# A run that takes so much longer than it should is stuck.
PATIENCE_S: Final = 60

Figures = dict[str, tuple[float, ...]]


class Generator(NamedTuple):
    """One load generator: its command line in a directory of its own, and what it says at the end."""

    name: str
    program: str
    command: Callable[[Setting, str, Path], list[str]]
    # From the directory and the output: requests, figures, verdict, reasons.
    read: Callable[[Path, str], tuple[int, Figures, str, tuple[str, ...]]]

    @property
    def is_installed(self) -> bool:
        """Whether its program is on PATH."""
        return not self.program or shutil.which(self.program) is not None


def run(generator: Generator, setting: Setting, url: str) -> Reading:
    """Drive ``generator`` at ``url`` and read what it reports.

    Raises ``SwellError`` where it ends without a result.
    """
    with tempfile.TemporaryDirectory(prefix="swell-doctor-") as directory:
        folder = Path(directory)
        environment = os.environ | _variables(setting, url)
        environment.pop("PYTHONDONTWRITEBYTECODE", None)
        command = generator.command(setting, url, folder)
        started = time.monotonic()
        with (folder / "output.txt").open("wb") as output:
            process = subprocess.Popen(  # noqa: S603  # ours, or what the user has on PATH and asked for
                command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=folder
            )
            try:
                cpu_s = _wait(process, setting.seconds + PATIENCE_S)
            except BaseException:
                process.kill()
                process.wait()
                raise
        elapsed = time.monotonic() - started
        text = (folder / "output.txt").read_text(encoding="utf-8", errors="replace")
        try:
            requests, figures, verdict, reasons = generator.read(folder, text)
            if not requests:
                raise ValueError("no request was answered")  # noqa: TRY301 - as what cannot be read
        except (AttributeError, KeyError, ValueError, TypeError, OSError, SwellError) as error:
            why = f"{error}, exit code {process.returncode}"
            raise SwellError(
                f"{generator.name} gave no result ({why}): {text[-800:].strip()}",
                hint="run it by hand at the same server to see why",
                slug="doctor-run",
            ) from error
    return Reading(requests, figures, cpu_s / elapsed, verdict, reasons)


def _wait(process: "subprocess.Popen[bytes]", patience_s: float) -> float:
    """Wait for the end; the processor seconds of the process and its children."""
    deadline = time.monotonic() + patience_s
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage.ru_utime + usage.ru_stime
        if time.monotonic() > deadline:
            process.kill()
        time.sleep(0.05)


def _variables(setting: Setting, url: str) -> dict[str, str]:
    return {
        "TARGET": url,
        "PAUSE_S": str(setting.pause_s),
        "BURN_US": str(setting.burn_us),
        "NO_COLOR": "1",
    }


def _template(name: str, folder: Path) -> str:
    """A script of ours, copied to where any program can read it."""
    path = folder / name
    path.write_bytes(resources.files("swell.doctor").joinpath("templates", name).read_bytes())
    return str(path)


# swell


def _swell_command(setting: Setting, url: str, folder: Path) -> list[str]:
    variables = _variables(setting, url)
    return [
        *(sys.executable, "-m", "swell", "run", "--quiet", "--summary-mode", "disabled", "--workers", "1"),
        *("--vus", str(setting.vus), "--duration", f"{setting.seconds}s", "--results-dir", str(folder)),
        *(part for name, value in variables.items() for part in ("-e", f"{name}={value}")),
        _template("load.py", folder),
    ]


def _read_swell(folder: Path, _text: str) -> tuple[int, Figures, str, tuple[str, ...]]:
    (path,) = folder.glob("*/snapshot.json")
    snapshot = load_snapshot(path)
    figures = {quantity: _percentiles(snapshot, name) for quantity, name in METRICS.items()}
    verdict = snapshot.verdict
    reasons = tuple(reason.slug for reason in verdict.reasons) if verdict else ()
    count = sum(row.count for row in snapshot.requests)
    if failures := sum(row.failures for row in snapshot.requests):
        raise ValueError(f"{failures} requests failed")
    return count, figures, verdict.level if verdict else "", reasons


def _percentiles(snapshot: Snapshot, name: str) -> tuple[float, ...]:
    state = snapshot.metric(name)
    if state is None or not isinstance(state.value, TrendValue):
        raise ValueError(f"no samples of {name}")
    return tuple(state.value.histogram.percentiles(PERCENTS))


# k6


def _k6_command(setting: Setting, _url: str, folder: Path) -> list[str]:
    return [
        *("k6", "run", "--quiet", "--summary-trend-stats", "med,p(95),p(99)"),
        *("--vus", str(setting.vus), "--duration", f"{setting.seconds}s"),
        *("--summary-export", str(folder / "k6.json"), _template("load.js", folder)),
    ]


def _read_k6(folder: Path, _text: str) -> tuple[int, Figures, str, tuple[str, ...]]:
    metrics = json.loads((folder / "k6.json").read_text(encoding="utf-8"))["metrics"]
    figures = {
        quantity: tuple(float(metrics[name][stat]) for stat in ("med", "p(95)", "p(99)"))
        for quantity, name in METRICS.items()
    }
    return int(metrics["http_reqs"]["count"]), figures, "", ()


# Locust


def _locust_command(setting: Setting, _url: str, folder: Path) -> list[str]:
    return [
        *("locust", "-f", _template("locustfile.py", folder), "--headless", "--only-summary", "--json"),
        *("-u", str(setting.vus), "-r", str(setting.vus), "-t", f"{setting.seconds}s"),
    ]


def _read_locust(_folder: Path, text: str) -> tuple[int, Figures, str, tuple[str, ...]]:
    # Lines of its log begin with a bracket too.
    start = re.search(r"^\[\s*\{", text, re.MULTILINE)
    if start is None:
        raise ValueError("no JSON")
    (entry,) = json.JSONDecoder().raw_decode(text[start.start() :])[0]
    times = {float(time): int(count) for time, count in entry["response_times"].items()}
    figures = {"duration": tuple(_locust_percentile(times, percent / 100) for percent in PERCENTS)}
    return int(entry["num_requests"]), figures, "", ()


def _locust_percentile(times: Mapping[float, int], share: float) -> float:
    """Locust's rule: from the slowest bucket down, the first that leaves no more than the share below it."""
    total = sum(times.values())
    counted = 0
    for time_ms in sorted(times, reverse=True):
        counted += times[time_ms]
        if total - counted <= int(total * share):
            return time_ms
    raise ValueError("no requests")


# wrk


def _wrk_command(setting: Setting, url: str, folder: Path) -> list[str]:
    return [
        *("wrk", "-t1", f"-c{setting.vus}", f"-d{setting.seconds}s", "--timeout", "60s"),
        *("-s", _template("load.lua", folder), url),
    ]


def _read_wrk(_folder: Path, text: str) -> tuple[int, Figures, str, tuple[str, ...]]:
    found = re.search(r"^calibration (\{.*\})$", text, re.MULTILINE)
    if found is None:
        raise ValueError("no figures")
    said: dict[str, Any] = json.loads(found[1])
    return int(said["requests"]), {"duration": tuple(us / 1000 for us in said["us"])}, "", ()


SWELL: Final = Generator("swell", "", _swell_command, _read_swell)
PEERS: Final = (
    Generator("k6", "k6", _k6_command, _read_k6),
    Generator("Locust (FastHttpUser)", "locust", _locust_command, _read_locust),
    Generator("wrk", "wrk", _wrk_command, _read_wrk),
)
