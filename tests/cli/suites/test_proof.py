"""Tests of cli/suites/proof.py: cases proved beside each other."""

from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event
from types import SimpleNamespace
from typing import cast

import pytest

from swell.cli.suites.cases import Case
from swell.cli.suites.proof import Numbered, Prover, prove_all
from swell.cli.suites.tests import SuiteTest
from swell.config.target import Target
from swell.report.proof import ProofRow

CASES = [Case(SuiteTest("shop", Path(f"{name}.py"), Target("shop", ("SHOP",)))) for name in "abcdef"]


def proving(prove: Callable[[str], None]) -> Callable[[int], Prover]:
    """What makes provers that call ``prove`` with the name of each test."""

    def rows(cases: Sequence[Numbered]) -> dict[int, ProofRow]:
        for _, case in cases:
            prove(case.test.script.stem)
        return {
            number: ProofRow(
                test=case.test.name, fault="", expected=frozenset(), failed=frozenset(), names=()
            )
            for number, case in cases
        }

    made = SimpleNamespace(prove=rows, children=SimpleNamespace(signals=0))
    return lambda _number: cast("Prover", made)


def test_rows_are_in_the_order_of_the_cases() -> None:
    """Whoever proves which."""
    rows = prove_all(CASES, proving(lambda _name: None), 3)
    assert [row.test for row in rows] == [case.test.name for case in CASES]


@pytest.mark.parametrize("kind", [IndexError, ValueError])
def test_the_first_fault_ends_all(kind: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    """The others finish the test that they are at and begin no other; whatever the fault is, it is told."""
    seen: list[str] = []
    is_cleared = Event()

    class Waiting(deque[object]):
        def clear(self) -> None:
            super().clear()
            is_cleared.set()

    def prove(name: str) -> None:
        seen.append(name)
        if name == "a":
            raise kind("a fault")
        assert is_cleared.wait(60)

    monkeypatch.setattr("swell.cli.suites.proof.deque", Waiting)
    with pytest.raises(kind, match="a fault"):
        prove_all(CASES, proving(prove), 2)
    assert sorted(seen) in (["a"], ["a", "b"])
