"""Proves that objectives can fail: each test against the healthy platform, then against each fault."""

import contextlib
import json
import shutil
import urllib.request
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swell.base.errors import SwellError
from swell.cli.suites.cases import Case
from swell.cli.suites.platform import Platform, platform_env
from swell.cli.suites.preflight import OPENER
from swell.cli.suites.processes import Children
from swell.cli.suites.running import MEASURED, Job, Runner
from swell.cli.suites.views import SharedView, Tally
from swell.cli.system import System
from swell.report.ansi import printable
from swell.report.proof import ProofRow
from swell.report.suite import TestResult, objective_name
from swell.report.suitelive import RunningTest

# A case with its number, from 1 on.
Numbered = tuple[int, Case]

TIMEOUT_S = 60.0
# A run on a machine that stood still, or was another's, proves nothing, and is repeated so often.
REPEATS = 2
# What users choose at random they choose again in the next proof: whether it succeeds is no matter of luck.
SEED = "1"


@dataclass(frozen=True, slots=True)
class Prover:
    """Runs cases one after another, each against a ``platform`` that was reset; it is one of ``number``."""

    platform: Platform
    children: Children
    system: System
    folder: Path
    view: SharedView
    number: int = 0

    def prove(self, cases: Sequence[Numbered]) -> dict[int, ProofRow]:
        """A row for each case; after a signal for those up to then."""
        rows: dict[int, ProofRow] = {}
        for number, case in cases:
            row = self._prove(case, number)
            for _ in range(REPEATS):
                if row is None or row.is_as_expected or not row.doubt:
                    break
                self._say(number, case, f"again, as {row.doubt}; {row.outcome}")
                row = self._prove(case, number)
            if row is None or self.children.signals:
                break
            self.view.count()
            self._say(number, case, row.outcome)
            rows[number] = row
        return rows

    def _say(self, number: int, case: Case, outcome: str) -> None:
        total = self.view.tally.total
        self.view.note(printable(f"{number}/{total}  {case.test.name}, {case.name}: {outcome}"))

    def _prove(self, case: Case, number: int) -> ProofRow | None:
        env = platform_env(self.platform, case.test.target, self.system.env)
        url = env[case.test.target.variable]
        self._tell("PUT", f"{url}/admin/faults", {"faults": []})
        self._tell("POST", f"{url}/admin/reset", {"size": "small"})
        self._tell("PUT", f"{url}/admin/faults", {"faults": list(case.inject)})
        folder = self.folder / case.test.suite / f"{number:03}-{case.test.script.stem}"
        # Of a run that is repeated only the last one counts.
        shutil.rmtree(folder, ignore_errors=True)
        job = Job(case.test, folder, env, ("--profile", case.profile, "--seed", SEED))
        results = Runner(self.children, self.system, 1, _Part(self.view, self.number)).run([job])
        if not results:
            return None
        return proof_row(case, results[0])

    def _tell(self, method: str, url: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - the platform that we have started
            url,
            data=json.dumps(body).encode(),
            method=method,
            headers={"X-Admin-Token": self.platform.token, "Content-Type": "application/json"},
        )
        try:
            OPENER.open(request, timeout=TIMEOUT_S).close()
        except OSError as error:
            message = f"the platform does not take {method} {url}: {error}"
            raise SwellError(message, slug="demo-target") from error


class _Part:
    """What the runner of one prover is shown on: its test among those of the others."""

    def __init__(self, view: SharedView, number: int) -> None:
        self._view = view
        self._number = number

    def show(self, tests: Sequence[RunningTest], _tally: Tally) -> None:
        """Show how the test goes."""
        self._view.show(self._number, tests)

    def note(self, _line: str) -> None:
        """What came of a run is told with what should have come of it."""

    def close(self) -> None:
        """It runs no more."""
        self._view.show(self._number, ())


def prove_all(cases: Sequence[Case], make: Callable[[int], Prover], count: int) -> list[ProofRow]:
    """Prove ``cases`` with so many provers beside each other, those of one test by one of them.

    The rows are in the order of the cases; after a signal those up to then. Raises what a prover raises,
    once the others are done with the tests that they are at.
    """
    numbered = list(enumerate(cases, 1))
    tests = dict.fromkeys(case.test.name for case in cases)
    waiting = deque([one for one in numbered if one[1].test.name == test] for test in tests)

    def work(number: int) -> dict[int, ProofRow]:
        prover = make(number)
        rows: dict[int, ProofRow] = {}
        try:
            while not prover.children.signals:
                mine = _next(waiting)
                if mine is None:
                    break
                rows |= prover.prove(mine)
        except BaseException:
            # Nobody will see what comes of the others.
            waiting.clear()
            raise
        return rows

    with ThreadPoolExecutor(count) as pool:
        parts = list(pool.map(work, range(count)))
    rows = {number: row for part in parts for number, row in part.items()}
    return [rows[number] for number in sorted(rows)]


def _next(waiting: "deque[list[Numbered]]") -> list[Numbered] | None:
    with contextlib.suppress(IndexError):
        return waiting.popleft()
    return None


def proof_row(case: Case, result: TestResult) -> ProofRow:
    """What the run of a case proves."""
    snapshot = result.snapshot
    names: tuple[str, ...] = ()
    if snapshot is not None:
        names = (
            *(objective_name(one) for one in snapshot.thresholds),
            *(f"invariant: {one.name}" for one in snapshot.invariants),
        )
    unseen = frozenset(result.unseen)
    return ProofRow(
        test=case.test.name,
        fault=case.fault,
        expected=case.fails,
        failed=frozenset(result.failures) - unseen,
        names=names,
        expected_unseen=case.unseen,
        unseen=unseen,
        error="" if result.exit_code in MEASURED else result.reason or f"exit code {result.exit_code}",
        doubt=_doubt(result),
    )


def _doubt(result: TestResult) -> str:
    """Why the latencies may not be the target's; load that was not delivered may be the fault's doing."""
    verdict = result.snapshot.verdict if result.snapshot else None
    reasons = verdict.reasons if verdict else ()
    if any(reason.level == "invalid" and reason.question == "latency" for reason in reasons):
        return "the measurement was invalid"
    return f"other programs kept {result.others} busy" if result.others else ""
