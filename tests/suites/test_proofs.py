"""One fault of each suite with real processes: the healthy platform passes, the fault is noticed exactly.

The whole table, made by ``swell suite prove suites``, stands in docs/suites-proof.md.
"""

from collections.abc import Callable
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.cli.suites.cases import cases_of
from swell.cli.suites.tests import find_tests
from swell.testing import run_cli

ROOT = Path(__file__).parents[2]


@pytest.mark.process
@pytest.mark.parametrize(
    ("test", "fault"),
    [
        ("aspire/enrollment", "enrolments are lost"),
        ("aivo/assessment", "grades are lost"),
        ("cooly/generation", "orders are answered 503"),
        ("aiaas/rest", "webhooks are forgotten"),
        ("wwmaa/webhooks", "webhooks that come twice are processed twice"),
    ],
)
def test_a_fault_is_noticed(
    tmp_path: Path, failures: Callable[[Path], set[str]], test: str, fault: str
) -> None:
    """Without the fault nothing fails; with it exactly what faults.toml says; but for times."""
    suite = ROOT / "suites" / test.partition("/")[0]
    done = run_cli("suite", "prove", str(suite), "--test", test, "--fault", fault, cwd=tmp_path)
    assert done.exit_code in (ExitCode.OK, ExitCode.MARKED_FAILED), done.stdout + done.stderr
    healthy, faulty = sorted(tmp_path.glob("swell-results/proof-*/*/*"))
    (case,) = [
        case
        for case in cases_of(find_tests([suite], "demo"))
        if (case.test.name, case.fault) == (test, fault)
    ]
    assert failures(healthy) == set(), done.stdout
    assert failures(faulty) == set(case.fails), done.stdout


def test_every_test_has_a_fault() -> None:
    """Each of the sixteen tests has faults that it must notice, and each of those makes something fail."""
    cases = cases_of(find_tests([ROOT / "suites"], "demo"))
    tests = {case.test.name for case in cases}
    assert len(tests) == 16
    assert {case.test.name for case in cases if case.fault} == tests
    assert all(case.fails for case in cases if case.fault)
