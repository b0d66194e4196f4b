"""Tests of the table of proofs."""

from swell.report.proof import ProofRow, proof_page, unproved

NAMES = ("checks rate>0.9", "invariant: once", "errors a|b")
HEALTHY = ProofRow(
    test="shop/buy", fault="", expected=frozenset(), failed=frozenset(), names=("checks rate>0.9",)
)


def row(
    *failed: str,
    expected: tuple[str, ...] = (),
    unseen: tuple[str, ...] = (),
    expected_unseen: tuple[str, ...] = (),
    error: str = "",
) -> ProofRow:
    """What a fault made fail, and what it left without data."""
    return ProofRow(
        test="shop/buy",
        fault="slow | sick",
        expected=frozenset(expected),
        failed=frozenset(failed),
        names=NAMES,
        expected_unseen=frozenset(expected_unseen),
        unseen=frozenset(unseen),
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


def test_what_had_no_data_proves_nothing() -> None:
    """It must be expected as such, is told apart, and leaves an objective unproved."""
    right = row("a", expected=("a",), unseen=("errors a|b",), expected_unseen=("errors a|b",))
    assert right.is_as_expected
    assert right.outcome == "as expected: a failed, without data errors a|b"
    assert row("a", expected=("a", "b"), unseen=("b",)).outcome == "had no data and should have: b"
    assert row(expected_unseen=("a",)).outcome == "had data and should not have: a"
    assert row("a", expected_unseen=("a",)).outcome == "failed and should not have: a"
    assert "errors a|b" in unproved([HEALTHY, right])["shop/buy"]


def test_what_nothing_makes_fail_is_listed() -> None:
    """For each test the objectives and invariants that failed in none of its rows."""
    rows = [HEALTHY, row("invariant: once"), row("checks rate>0.9")]
    assert unproved(rows) == {"shop/buy": ["errors a|b"]}
    assert unproved([*rows, row("errors a|b")]) == {}


def test_the_page() -> None:
    """A Markdown table with a row for each case; what would break a cell is escaped."""
    blind = row("a", expected=("a",), unseen=("b",), expected_unseen=("b",))
    page = proof_page([HEALTHY, row("errors a|b", expected=("errors a|b",)), row("x"), blind], "demo")
    assert "profile `demo`" in page
    assert "| shop/buy | none: healthy | nothing | yes |\n" in page
    assert "| shop/buy | slow \\| sick | `errors a\\|b` | yes |\n" in page
    assert "| shop/buy | slow \\| sick | `x` | no: failed and should not have: x |\n" in page
    assert "| shop/buy | slow \\| sick | `a`<br>no data: `b` | yes |\n" in page
    assert "- shop/buy: `checks rate>0.9`, `invariant: once`\n" in page
    assert "Nothing: each objective" in proof_page([], "demo")
