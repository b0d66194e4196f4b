"""The reference platform for the suites' tests: one for the session, in its own process, on free ports."""

import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from swell.base.errors import ExitCode
from swell.metrics.snapshot import load_snapshot
from swell.report.suite import TestResult
from swell.testing import run_cli
from swell.testing.cli import CLIResult

ROOT = Path(__file__).parents[2]
ADMIN_TOKEN = "admin-token-of-the-suites-tests"
START_TIMEOUT_S = 90
# Objectives on these say how fast target and machine are, and tests make no claims about time.
TIMES = ("duration", "latency", "time", "flow", "connecting", "waiting", "dropped")
# These do not write.
READERS = ("wwmaa/pages", "wwmaa/rates", "wwmaa/search")


@dataclass
class Suites:
    """Runs the suites' scripts against the platform."""

    urls: dict[str, str]
    folder: Path

    def run(self, test: str, *arguments: str, env: dict[str, str] | None = None) -> CLIResult:
        """Run ``suites/TEST.py`` against its service."""
        url = self.urls[test.partition("/")[0]]
        variables = {"BASE_URL": url, "API_BASE": url, "SWELL_TARGET_ADMIN_TOKEN": ADMIN_TOKEN}
        script = str(ROOT / "suites" / f"{test}.py")
        return run_cli("run", script, "--quiet", *arguments, env=variables | (env or {}), cwd=self.folder)

    def summary(self) -> Any:
        """What the last run with ``--summary-export summary.json`` exported."""
        return json.loads((self.folder / "summary.json").read_text())

    def pass_demo(self, test: str) -> None:
        """Run a test's demo: all that is no matter of speed is as it must be, and there was data for it."""
        # Books are looked at until they are in order: however late a busy machine is with them.
        flags = ("--profile", "demo", "-e", "SETTLE=60s", "--summary-export", "summary.json")
        done = self.run(test, *flags)
        assert done.exit_code in (ExitCode.OK, ExitCode.THRESHOLDS_FAILED), done.stdout + done.stderr
        summary = self.summary()
        assert crossed(summary) == []
        assert without_data(summary) == []
        invariants = {one["name"]: one["status"] for one in summary.get("invariants", [])}
        assert set(invariants.values()) == (set() if test in READERS else {"held"}), summary["invariants"]
        assert all(book["acknowledged"] > 0 for book in summary.get("ledgers", [])), summary["ledgers"]
        assert "exception" not in done.stderr


def is_of_time(metric: str) -> bool:
    """Whether an objective on this metric says how fast target and machine are."""
    return any(word in metric.partition("{")[0] for word in TIMES)


def crossed(summary: Any) -> list[str]:
    """The objectives that were not met, but for those on time."""
    return [
        f"{name}: {rule}"
        for name, metric in summary["metrics"].items()
        for rule, is_crossed in metric.get("thresholds", {}).items()
        if is_crossed and not is_of_time(name)
    ]


@pytest.fixture
def failures() -> Callable[[Path], set[str]]:
    """What failed in the run that is saved in a folder, but for objectives on time and those without data."""

    def failures_in(folder: Path) -> set[str]:
        (path,) = folder.glob("*/snapshot.json")
        result = TestResult("", 0, load_snapshot(path))
        invariants = {name for name in result.failures if name.startswith("invariant: ")}
        objectives = set(result.failures) - set(result.unseen) - invariants
        return invariants | {name for name in objectives if not is_of_time(name.partition(" ")[0])}

    return failures_in


def without_data(summary: Any) -> list[str]:
    """The objectives on trends that saw no samples."""
    return [
        name
        for name, metric in summary["metrics"].items()
        if metric.get("thresholds") and metric.get("max", 1) == 0
    ]


@contextmanager
def platform(data: Path, *flags: str) -> Iterator[dict[str, str]]:
    """Where the services of a platform are that runs with its data in the folder ``data``."""
    command = [sys.executable, "-m", "swell_target", "serve", "--port-base", "0", "--data", str(data)]
    with (
        (data / "stderr.txt").open("wb") as stderr,
        subprocess.Popen(
            [*command, *flags],
            stdout=subprocess.PIPE,
            stderr=stderr,
            env=os.environ | {"SWELL_TARGET_ADMIN_TOKEN": ADMIN_TOKEN},
        ) as process,
    ):
        assert process.stdout is not None
        try:
            assert select.select([process.stdout], [], [], START_TIMEOUT_S)[0], "the platform did not start"
            yield json.loads(process.stdout.readline())["services"]
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(60)
            finally:
                process.kill()


@pytest.fixture(scope="session")
def urls(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the services of a running platform are."""
    with platform(tmp_path_factory.mktemp("platform")) as urls:
        yield urls


@pytest.fixture(scope="session")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Where the services of a platform are that nobody has seeded."""
    with platform(tmp_path_factory.mktemp("empty"), "--size", "none") as urls:
        yield urls


@pytest.fixture
def suites(urls: dict[str, str], tmp_path: Path) -> Suites:
    """The suites, run from a folder of the test's own."""
    return Suites(urls, tmp_path)
