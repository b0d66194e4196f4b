"""Tests of the table of proofs."""

from swell.report.proof import ProofRow, proof_page, unproved

NAMES = ("checks rate>0.9", "invariant: once", "errors a|b")
HEALTHY = ProofRow(
    test="shop/buy", fault="", expected=frozenset(), failed=frozenset(), names=("checks rate>0.9",)
)


def row(*failed: str, expected: tuple[str, ...] = (), error: str = "") -> ProofRow:
    """What a fault made fail."""
    return ProofRow(
        test="shop/buy",
        fault="slow | sick",
        expected=frozenset(expected),
        failed=frozenset(failed),
        names=NAMES,
        error=error,
    )


def test_exactly_what_was_expected() -> None:
    """Too much, too little and no run at all are each told."""
    assert HEALTHY.outcome == "as expected: nothing failed"
    assert row("a", "b", expected=("b", "a")).outcome == "as expected: a, b failed"
    wrong = row("a", expected=("b",))
    assert not wrong.is_as_expected
    assert wrong.outcome == "failed and should not have: a; did not fail and should have: b"
    assert row(error="no target").outcome == "did not run: no target"
    assert not row(error="no target").is_as_expected


def test_what_nothing_makes_fail_is_listed() -> None:
    """For each test the objectives and invariants that failed in none of its rows."""
    rows = [HEALTHY, row("invariant: once"), row("checks rate>0.9")]
    assert unproved(rows) == {"shop/buy": ["errors a|b"]}
    assert unproved([*rows, row("errors a|b")]) == {}


def test_the_page() -> None:
    """A Markdown table with a row for each case; what would break a cell is escaped."""
    page = proof_page([HEALTHY, row("errors a|b", expected=("errors a|b",)), row("x")], "demo")
    assert "profile `demo`" in page
    assert "| shop/buy | none: healthy | nothing | yes |\n" in page
    assert "| shop/buy | slow \\| sick | `errors a\\|b` | yes |\n" in page
    assert "| shop/buy | slow \\| sick | `x` | no: failed and should not have: x |\n" in page
    assert "- shop/buy: `checks rate>0.9`, `invariant: once`\n" in page
    assert "Nothing: each objective" in proof_page([], "demo")
