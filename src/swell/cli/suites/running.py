"""Runs the tests of a suite as processes of their own, some side by side, with progress of each."""

import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from swell.base.errors import ExitCode
from swell.cli.outputs import SNAPSHOT_FILE
from swell.cli.suites.processes import Children, Stopped
from swell.cli.suites.tests import SuiteTest
from swell.cli.system import System
from swell.metrics.snapshot import SnapshotError, load_snapshot
from swell.report.ansi import ellipsised, printable
from swell.report.live import Region, terminal_size
from swell.report.suite import TestResult

OUTPUT_FILE = "output.txt"
# Where there is no terminal to redraw, the progress of each running test is a line this often.
PLAIN_S = 2.0
# What the last lines of a run fit into.
TAIL_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Job:
    """One run of a test: the variables and flags it gets, and the folder for what it leaves behind."""

    test: SuiteTest
    folder: Path
    env: Mapping[str, str]
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class _Running:
    job: Job
    process: subprocess.Popen[bytes]
    begun: float = field(default_factory=time.monotonic)

    @property
    def output(self) -> Path:
        return self.job.folder / OUTPUT_FILE

    def last_line(self) -> str:
        """What the run said last of its progress."""
        lines = [line for line in tail(self.output) if line.startswith(("running", "Init"))]
        return lines[-1] if lines else "starting"


class Runner:
    """Runs jobs, at most ``side_by_side`` at once, and tells how they go."""

    def __init__(self, children: Children, system: System, side_by_side: int) -> None:
        self._children = children
        self._system = system
        self._limit = side_by_side
        self._running: list[_Running] = []
        self._done = 0
        self._total = 0
        self._view = open_view(system)

    def __repr__(self) -> str:
        return f"<Runner {self._done} of {self._total} done, {len(self._running)} running>"

    def run(self, jobs: Sequence[Job]) -> list[TestResult]:
        """Run all ``jobs``; after a signal those that run are ended and no other starts.

        The results are in the order of the jobs, without those that were not started.
        """
        self._total = len(jobs)
        results: dict[int, TestResult] = {}
        waiting = list(enumerate(jobs))
        order: dict[int, int] = {}
        try:
            while waiting or self._running:
                while (index := self._next([job for _, job in waiting])) is not None:
                    number, job = waiting.pop(index)
                    running = self._start(job)
                    order[running.process.pid] = number
                for running in [one for one in self._running if one.process.poll() is not None]:
                    results[order[running.process.pid]] = self._finish(running)
                self._view.show([self._line(one) for one in self._running])
                self._children.pause()
        except Stopped:
            self._children.end([one.process for one in self._running])
            for running in list(self._running):
                results[order[running.process.pid]] = self._finish(running)
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

    def _start(self, job: Job) -> _Running:
        job.folder.mkdir(parents=True, exist_ok=True)
        command = [
            *(sys.executable, "-m", "swell", "run", str(job.test.script.absolute()), "--no-color"),
            *("--results-dir", str(job.folder.absolute()), *job.flags),
        ]
        with (job.folder / OUTPUT_FILE).open("wb") as out:
            process = self._children.start(command, cwd=self._system.cwd, env=job.env, out=out)
        running = _Running(job, process)
        self._running.append(running)
        return running

    def _finish(self, running: _Running) -> TestResult:
        self._running.remove(running)
        self._done += 1
        result = read_result(running.job, running.process.wait())
        word = "passed" if result.exit_code == 0 else f"failed with {result.exit_code}"
        took = time.monotonic() - running.begun
        self._view.note(f"  {self._done}/{self._total}  {result.name} {word} after {took:.0f} s")
        return result

    def _line(self, running: _Running) -> str:
        return f"  {running.job.test.name}: {running.last_line()}"


def read_result(job: Job, code: int) -> TestResult:
    """What a run that has ended left behind; its error is the reason where it failed for anything else."""
    name = job.test.name
    # A process that was killed, or died of what is no error of ours, has a code that is none.
    code = code if code in set(ExitCode) else int(ExitCode.OTHER)
    saved = sorted(job.folder.glob(f"*/{SNAPSHOT_FILE}"))
    errors = [
        line for line in tail(job.folder / OUTPUT_FILE) if line.startswith(("error:", "  --", "  hint"))
    ]
    reason = errors[0].removeprefix("error:").strip() if errors else ""
    if code in {ExitCode.OK, ExitCode.THRESHOLDS_FAILED, ExitCode.INVARIANT_BROKEN}:
        reason = ""
    try:
        return TestResult(name, code, load_snapshot(saved[-1]) if saved else None, reason)
    except SnapshotError as error:
        return TestResult(name, code, None, error.message)


def tail(path: Path) -> list[str]:
    """The last whole lines of a file."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()
    except OSError:
        return []


# Views.


class PlainView:
    """Lines, one after another."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._now = now
        self._shown = now()

    def show(self, lines: Sequence[str]) -> None:
        """Write ``lines`` if it is time for that."""
        if self._now() - self._shown >= PLAIN_S:
            self._shown = self._now()
            for line in lines:
                self.note(line)

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self._stream.write(f"{printable(line)}\n")
        self._stream.flush()

    def close(self) -> None:
        """Nothing is left to do."""


class TerminalView:
    """The running tests at the bottom of the terminal, what has ended above."""

    def __init__(self, stream: TextIO) -> None:
        self._region = Region(stream, lambda: terminal_size(stream))
        self._region.open()

    def show(self, lines: Sequence[str]) -> None:
        """Redraw."""
        width = self._region.size()[0]
        self._region.paint([ellipsised(printable(line), width) for line in lines])

    def note(self, line: str) -> None:
        """Write a line that stays."""
        self._region.write_above(printable(line))

    def close(self) -> None:
        """Leave the terminal as it was."""
        self._region.close()


def open_view(system: System) -> PlainView | TerminalView:
    """The view that suits the output."""
    if system.stdout_is_tty and system.env.get("TERM") != "dumb":
        return TerminalView(system.stdout)
    return PlainView(system.stdout)
