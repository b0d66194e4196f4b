"""Tests of the table of a suite's verdicts."""

import msgspec
from report_snapshots import busy

from swell.metrics.invariants import InvariantState
from swell.metrics.snapshot import ThresholdResult
from swell.report.ansi import Painter, strip_ansi
from swell.report.suite import TestResult, suite_table

PLAIN = Painter(colour=False)


def failed() -> TestResult:
    """A test with a failed objective and a broken invariant."""
    snapshot = msgspec.structs.replace(
        busy(),
        thresholds=(
            ThresholdResult("http_req_duration{page:home}", "p(95)<1", ok=False, observed=2.0),
            ThresholdResult("checks", "rate>0", ok=True, observed=1.0),
        ),
        invariants=(
            InvariantState("a", "held"),
            InvariantState("b", "broken"),
            InvariantState("c", "unchecked"),
        ),
    )
    return TestResult("shop/buy", 113, snapshot)


def test_what_failed_is_named() -> None:
    """Objectives by metric and expression, invariants by name, those that could not be checked too."""
    assert failed().failures == (
        "http_req_duration{page:home} p(95)<1",
        "invariant: b",
        "invariant: c",
    )


def test_a_row_a_test() -> None:
    """Counts, what was met, and the verdict; what failed, or why there is nothing, below."""
    lines = suite_table([failed(), TestResult("shop/x", 104, None, "no such option")], paint=PLAIN)
    assert lines[0].split() == ["test", "result", "requests", "p95", "objectives", "invariants", "trust"]
    assert lines[1].split()[:3] == ["shop/buy", "failed", "113"]
    assert lines[1].split()[-7:] == ["1", "of", "2", "1", "of", "3", "degraded"]
    assert lines[2:5] == [
        "      http_req_duration{page:home} p(95)<1",
        "      invariant: b",
        "      invariant: c",
    ]
    assert lines[5].split() == ["shop/x", "failed", "104", "-", "-", "-", "-", "-"]
    assert lines[6:] == ["      no such option", "", "  0 of 2 passed"]


def test_colour_changes_no_letter() -> None:
    """With colour the same text stands there."""
    coloured = suite_table([failed()], paint=Painter(colour=True))
    assert [strip_ansi(line) for line in coloured] == suite_table([failed()], paint=PLAIN)
    assert suite_table([], paint=PLAIN) == []


def test_the_reason_stands_before_what_has_no_data() -> None:
    """A test that was aborted says why, whole; objectives that saw nothing are no news, others are."""
    snapshot = msgspec.structs.replace(
        busy(),
        thresholds=(
            ThresholdResult("http_req_duration", "p(95)<1", ok=False, observed=2.0),
            ThresholdResult("logins", "rate>0.9", ok=False, observed=None),
        ),
        invariants=(),
    )
    reason = "test aborted: webhooks are refused: set the secret to the target's webhook secret"
    lines = suite_table([TestResult("shop/buy", 108, snapshot, reason)], paint=PLAIN, width=60)
    assert lines[2:6] == [
        "      test aborted: webhooks are refused: set the secret to",
        "      the target's webhook secret",
        "      http_req_duration p(95)<1",
        "",
    ]
