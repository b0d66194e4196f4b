"""Runs the tests of a suite as processes of their own, some side by side, with progress of each."""

import contextlib
import re
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import msgspec

from swell.base.errors import ExitCode
from swell.cli.outputs import SNAPSHOT_FILE
from swell.cli.suites.machine import Machine, Reading
from swell.cli.suites.processes import Child, Children, Stopped
from swell.cli.suites.tests import SuiteTest
from swell.cli.suites.views import Tally, View
from swell.cli.system import System
from swell.metrics.snapshot import SnapshotError, load_snapshot
from swell.report.ansi import GREEN, RED, Painter, printable
from swell.report.suite import TestResult
from swell.report.suitelive import RunningTest, TestState

OUTPUT_FILE = "output.txt"
# What the last lines of a run fit into.
TAIL_BYTES = 4096
_LOGGED_ERROR: Final = re.compile(r'level=error msg="?((?:[^"\\]|\\.)*)"?(?! source=console)')
# Exit codes of a run that has measured what it should.
MEASURED = frozenset({ExitCode.OK, ExitCode.THRESHOLDS_FAILED, ExitCode.INVARIANT_BROKEN})


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a test: the variables and flags it gets, and the folder for what it leaves behind."""

    test: SuiteTest
    folder: Path
    env: Mapping[str, str]
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    number: int
    job: Job
    child: Child
    # What the machine had done by then.
    reading: Reading | None
    begun: float = field(default_factory=time.monotonic)
    state: TestState | None = None

    def look(self) -> RunningTest:
        """How it goes, by the latest that it has told."""
        for line in self.child.told()[-1:]:
            # Cut short where it was killed while it wrote.
            with contextlib.suppress(msgspec.DecodeError):
                self.state = msgspec.json.decode(line, type=TestState)
        return RunningTest(printable(self.job.test.name), self.state)


class Runner:
    """Runs jobs, at most ``side_by_side`` at once, and tells on ``view`` how they go."""

    def __init__(self, children: Children, system: System, side_by_side: int, view: View) -> None:
        self._children = children
        self._system = system
        self._limit = side_by_side
        self._running: list[_Running] = []
        self._tally = Tally(0)
        self._view = view
        self._paint = Painter(system.color)
        self._machine = Machine()

    def __repr__(self) -> str:
        return f"<Runner {self._tally.done} of {self._tally.total} done, {len(self._running)} running>"

    def run(self, jobs: Sequence[Job]) -> list[TestResult]:
        """Run all ``jobs``; after a signal those that run are ended and no other starts.

        The results are in the order of the jobs, without those that were not started. One that cannot be
        started, such as on a full disk, has failed.
        """
        self._tally = Tally(len(jobs))
        results: dict[int, TestResult] = {}
        waiting = list(enumerate(jobs))
        try:
            while waiting or self._running:
                while (index := self._next([job for _, job in waiting])) is not None:
                    number, job = waiting.pop(index)
                    try:
                        self._running.append(self._start(number, job))
                    except OSError as error:
                        reason = f"it cannot be started with results in {job.folder}: {error.strerror}"
                        results[number] = TestResult(job.test.name, ExitCode.OTHER, None, reason)
                        self._tell(results[number], 0)
                self._view.show([one.look() for one in self._running], self._tally)
                for running in [one for one in self._running if one.child.poll() is not None]:
                    results[running.number] = self._finish(running)
                self._children.pause()
        except Stopped:
            self._view.note(f"  stopping {len(self._running)} running, {len(waiting)} will not be started")
            self._children.end([one.child for one in self._running])
            for running in list(self._running):
                results[running.number] = self._finish(running)
        finally:
            self._view.close()
        return [results[number] for number in sorted(results)]

    def _next(self, waiting: Sequence[Job]) -> int | None:
        """Which job may start now.

        Never two of one suite at once: they write to the same accounts, whose sums an invariant compares.
        """
        if len(self._running) >= self._limit:
            return None
        busy = {one.job.test.suite for one in self._running}
        return next((index for index, job in enumerate(waiting) if job.test.suite not in busy), None)

    def _start(self, number: int, job: Job) -> _Running:
        command = ["run", str(job.test.script.absolute()), "--no-color"]
        command += ["--results-dir", str(job.folder.absolute()), *job.flags]
        job.folder.mkdir(parents=True, exist_ok=True)
        with (job.folder / OUTPUT_FILE).open("wb") as out:
            child = self._children.start(
                lambda line: [sys.executable, "-P", "-m", "swell.cli.suites.leash", str(line), *command],
                cwd=self._system.cwd,
                env=job.env,
                out=out,
            )
        return _Running(number, job, child, self._machine.read())

    def _finish(self, running: _Running) -> TestResult:
        self._running.remove(running)
        code = running.child.process.wait()
        busy = self._machine.others(running.reading, self._machine.read())
        result = replace(read_result(running.job, code), others=busy)
        self._tell(result, time.monotonic() - running.begun)
        return result

    def _tell(self, result: TestResult, took_s: float) -> None:
        self._tally.done += 1
        is_ok = result.exit_code == 0
        word = "passed" if is_ok else f"failed with {result.exit_code}"
        mark = self._paint(f"{self._tally.done}/{self._tally.total}", GREEN if is_ok else RED)
        self._view.note(f"  {mark}  {printable(result.name)} {word} after {took_s:.0f} s")


def read_result(job: Job, code: int) -> TestResult:
    """What a run that has ended left behind; its error is the reason where it failed for anything else."""
    name = job.test.name
    # A process that was killed, or died of what is no error of ours, has a code that is none.
    code = code if code in set(ExitCode) else int(ExitCode.OTHER)
    saved = sorted(job.folder.glob(f"*/{SNAPSHOT_FILE}"))
    reason = "" if code in MEASURED else told_reason(tail(job.folder / OUTPUT_FILE))
    if not saved and not reason:
        reason = f"there are no results in {job.folder}: is the disk full?"
    try:
        return TestResult(name, code, load_snapshot(saved[-1]) if saved else None, reason)
    except SnapshotError as error:
        return TestResult(name, code, None, error.message)


def told_reason(lines: list[str]) -> str:
    """Why a run failed, by its last lines; "" where they do not say.

    A k6 script's run says so in its log, whose last error is what ended it.
    """
    told = [line for line in lines if line.startswith(("error:", "  --", "  hint"))]
    if told:
        return told[0].removeprefix("error:").strip()
    logged = [found for found in map(_LOGGED_ERROR.search, lines) if found is not None]
    return logged[-1][1].split("\\n", 1)[0].replace('\\"', '"') if logged else ""


def tail(path: Path) -> list[str]:
    """The last whole lines of a file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []
