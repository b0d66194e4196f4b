"""Tests of the block of invariants in the terminal and in the machine-readable summaries."""

import msgspec
from report_snapshots import busy

from swell.metrics.invariants import Finding, InvariantState, LedgerState
from swell.metrics.snapshot import Snapshot
from swell.report.ansi import Painter
from swell.report.endofrun import own_parts
from swell.report.export import machine_readable, summary_data, summary_export
from swell.report.invariants import invariant_lines

STATES = (
    InvariantState("every order exists once", "held", attempts=4, took_ns=350_400_000),
    InvariantState(
        "no event is full\n",
        "broken",
        (Finding("events over capacity", 1200, tuple(f"event-{n}" for n in range(20))), Finding("sum: 1")),
        attempts=1,
    ),
    InvariantState("sums", "unchecked", reason="LookupError: no such order"),
)
LEDGERS = (LedgerState("orders", 1200, 3, 1, 5.5), LedgerState("empty"))


def judged() -> Snapshot:
    """A snapshot with invariants and ledgers."""
    return msgspec.structs.replace(busy(), invariants=STATES, ledgers=LEDGERS)


def test_each_invariant_with_what_was_found() -> None:
    """A mark and the name, how long it took, findings with their count and first ids, ledgers last."""
    lines = invariant_lines(STATES, LEDGERS, width=80, paint=Painter(colour=False))
    assert lines == [
        "  INVARIANTS",
        "  ✓ every order exists once  (4 looks in 350ms)",
        "  ✗ no event is full ",
        "    events over capacity: 1,200",
        "      event-0, event-1, event-2, event-3, event-4, event-5, event-6, event-7,",
        "      event-8, event-9, event-10, event-11, event-12, event-13, event-14,",
        "      event-15, event-16, event-17, event-18, event-19 and 1,180 more",
        "    sum: 1",
        "  ? sums",
        "    LookupError: no such order",
        "  ledger orders: 1,200 acknowledged, 3 refused, 1 unknown, sum 5.5",
        "  ledger empty: 0 acknowledged, 0 refused, 0 unknown",
    ]


def test_without_invariants_there_is_no_block() -> None:
    """Neither in the terminal nor in the files."""
    assert invariant_lines((), (), width=80, paint=Painter(colour=False)) == []
    assert "INVARIANTS" not in own_parts(busy())
    assert "invariants" not in summary_export(busy())


def test_every_summary_has_them() -> None:
    """The terminal and all three JSON shapes tell what was found, ids included."""
    assert "✗ no event is full" in own_parts(judged())
    exported = (
        summary_data(judged()),
        summary_export(judged()),
        machine_readable(judged(), generated_at="2026-01-01T00:00:00Z"),
    )
    for data in exported:
        assert [state["status"] for state in data["invariants"]] == ["held", "broken", "unchecked"]
        assert data["invariants"][1]["findings"][0]["ids"][0] == "event-0"
        assert data["ledgers"][0]["acknowledged"] == 1200
