"""Proves that objectives can fail: each test against the healthy platform, then against each fault."""

import json
import shutil
import urllib.request
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from swell.base.errors import ExitCode, SwellError
from swell.cli.suites.cases import Case
from swell.cli.suites.platform import Platform, platform_env
from swell.cli.suites.processes import Children
from swell.cli.suites.running import Job, Runner
from swell.cli.system import System
from swell.metrics.snapshot import Snapshot
from swell.report.proof import ProofRow

TIMEOUT_S = 60.0
# A run on a machine that stood still proves nothing, and is repeated so often.
REPEATS = 2
# Exit codes of a run that measured: another one is no proof of anything.
_MEASURED = frozenset({ExitCode.OK, ExitCode.THRESHOLDS_FAILED, ExitCode.INVARIANT_BROKEN})


@dataclass(frozen=True, slots=True)
class Prover:
    """Runs cases one after another, each against a platform that was reset."""

    platform: Platform
    children: Children
    system: System
    profile: str
    folder: Path
    say: Callable[[str], None]

    def prove(self, cases: Sequence[Case]) -> list[ProofRow]:
        """One row a case; after a signal those up to then."""
        rows: list[ProofRow] = []
        for number, case in enumerate(cases, 1):
            self.say(f"{number}/{len(cases)}  {case.test.name}, fault {case.name}")
            row = self._prove(case, number)
            for _ in range(REPEATS):
                if row is None or row.is_as_expected or row.is_measured:
                    break
                self.say(f"      again, as the measurement was invalid; {row.outcome}")
                row = self._prove(case, number)
            if row is None or self.children.signals:
                break
            self.say(f"      {row.outcome}")
            rows.append(row)
        return rows

    def _prove(self, case: Case, number: int) -> ProofRow | None:
        env = platform_env(self.platform, case.test.target, self.system.env)
        url = env[case.test.target.variable]
        self._tell("PUT", f"{url}/admin/faults", {"faults": []})
        self._tell("POST", f"{url}/admin/reset", {"size": "small"})
        self._tell("PUT", f"{url}/admin/faults", {"faults": list(case.inject)})
        folder = self.folder / case.test.suite / f"{number:03}-{case.test.script.stem}"
        # Of a run that is repeated only the last one counts.
        shutil.rmtree(folder, ignore_errors=True)
        job = Job(case.test, folder, env, ("--profile", self.profile))
        results = Runner(self.children, self.system, 1).run([job])
        if not results:
            return None
        (result,) = results
        snapshot = result.snapshot
        names: tuple[str, ...] = ()
        if snapshot is not None:
            names = (
                *(f"{one.metric} {one.source.strip()}" for one in snapshot.thresholds),
                *(f"invariant: {one.name}" for one in snapshot.invariants),
            )
        error = "" if result.exit_code in _MEASURED else result.reason or f"exit code {result.exit_code}"
        return ProofRow(
            test=case.test.name,
            fault=case.fault,
            expected=case.fails,
            failed=frozenset(result.failures),
            names=names,
            error=error,
            is_measured=snapshot is None or _is_measured(snapshot),
        )

    def _tell(self, method: str, url: str, body: dict[str, Any]) -> None:
        request = urllib.request.Request(  # noqa: S310 - the platform that we have started
            url,
            data=json.dumps(body).encode(),
            method=method,
            headers={"X-Admin-Token": self.platform.token, "Content-Type": "application/json"},
        )
        try:
            urllib.request.urlopen(request, timeout=TIMEOUT_S).close()  # noqa: S310 - as above
        except OSError as error:
            message = f"the platform does not take {method} {url}: {error}"
            raise SwellError(message, slug="demo-target") from error


def _is_measured(snapshot: Snapshot) -> bool:
    """Whether the generator did its part: load that was not delivered may well be the fault's doing."""
    reasons = snapshot.verdict.reasons if snapshot.verdict else ()
    return not any(reason.level == "invalid" and reason.question == "latency" for reason in reasons)
