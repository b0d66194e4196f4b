"""Tests of the table of a suite's verdicts."""

import msgspec
from report_snapshots import busy

from swell.metrics.invariants import InvariantState
from swell.metrics.snapshot import Reason, ThresholdResult, Verdict
from swell.report.ansi import Painter, strip_ansi
from swell.report.suite import Others, TestResult, suite_table

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
        verdict=Verdict(
            "invalid",
            (
                Reason("hub-lag", "latency", "degraded", "a worker did nothing else for 250 ms", 250, 100),
                Reason("gc-pauses", "latency", "invalid", "garbage took 3 s", 3000, 2000),
                Reason("clock-steps", "latency", "degraded", "the clock was set", 1, 0),
            ),
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
    """Counts, what was met, and the verdict; below what failed by how much, and why to doubt it."""
    lines = suite_table([failed(), TestResult("shop/x", 104, None, "no such option")], paint=PLAIN)
    assert lines[0].split() == ["test", "result", "requests", "p95", "objectives", "invariants", "trust"]
    assert lines[1].split()[:3] == ["shop/buy", "failed", "113"]
    assert lines[1].split()[-7:] == ["1", "of", "2", "1", "of", "3", "invalid"]
    assert lines[2:7] == [
        "      http_req_duration{page:home} p(95)<1: 2ms",
        "      invariant: b",
        "      invariant: c",
        "      measurement invalid: garbage took 3 s",
        "      measurement degraded: a worker did nothing else for 250 ms",
    ]
    assert lines[7].split() == ["shop/x", "failed", "104", "-", "-", "-", "-", "-"]
    assert lines[8:] == ["      no such option", "", "  0 of 2 passed"]


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
            ThresholdResult("logins", "rate>0.9", ok=False, observed=None, no_data=True),
        ),
        invariants=(),
        verdict=None,
    )
    reason = "test aborted: webhooks are refused: set the secret to the target's webhook secret"
    lines = suite_table([TestResult("shop/buy", 108, snapshot, reason)], paint=PLAIN, width=60)
    assert lines[2:6] == [
        "      test aborted: webhooks are refused: set the secret to",
        "      the target's webhook secret",
        "      http_req_duration p(95)<1: 2ms",
        "",
    ]
    # Without such a reason the want of data is the news.
    lines = suite_table([TestResult("shop/buy", 99, snapshot)], paint=PLAIN)
    assert lines[3] == "      logins rate>0.9: no data"


def test_a_test_that_passed_says_why_it_is_not_trusted() -> None:
    """The gravest reason stands below its row, and none below one that is trusted."""
    verdict = failed().snapshot.verdict  # type: ignore[union-attr]
    doubtful = msgspec.structs.replace(busy(), thresholds=(), invariants=(), verdict=verdict)
    trusted = msgspec.structs.replace(doubtful, verdict=Verdict("trusted", ()))
    lines = suite_table([TestResult("shop/a", 0, doubtful), TestResult("shop/b", 0, trusted)], paint=PLAIN)
    assert lines[1].startswith("  shop/a")
    assert lines[1].endswith("  invalid")
    assert lines[2] == "      measurement invalid: garbage took 3 s"
    assert lines[3].startswith("  shop/b")
    assert lines[3].endswith("  trusted")
    assert lines[4:] == ["", "  2 of 2 passed"]


def test_what_an_interrupted_test_never_saw_is_not_met() -> None:
    """Objectives left without data by a run that was ended are no objectives met; where it finished they are."""
    seen = ThresholdResult("http_reqs", "count>1", ok=True, observed=2.0)
    unseen = ThresholdResult("logins", "rate>0.9", ok=True, observed=None, no_data=True)
    finished = msgspec.structs.replace(busy(), thresholds=(seen, unseen), invariants=(), verdict=None)
    aborted = msgspec.structs.replace(finished, run=msgspec.structs.replace(finished.run, status="aborted"))
    lines = suite_table([TestResult("a", 105, aborted, "ended"), TestResult("b", 0, finished)], paint=PLAIN)
    assert lines[1].split()[-5:] == ["1", "of", "2", "-", "-"]
    assert lines[3].split()[-5:] == ["2", "of", "2", "-", "-"]


def test_who_kept_the_machine_from_failed_tests() -> None:
    """Said once, below the table, with the most that was seen; of tests that passed nothing is said."""
    fast = msgspec.structs.replace(busy(), thresholds=(), invariants=(), verdict=None)
    fine = TestResult("shop/x", 0, fast, others=Others(1.9, 2))
    assert suite_table([fine], paint=PLAIN)[-1] == "  1 of 1 passed"
    late = ThresholdResult("http_req_duration", "p(95)<1", ok=False, observed=2.0)
    slow = msgspec.structs.replace(busy(), thresholds=(late,), invariants=(), verdict=None)
    starved = TestResult("shop/y", 99, slow, others=Others(9.5, 12))
    lines = suite_table([fine, starved], paint=PLAIN, width=70)
    assert lines[-3:] == [
        "  While the failed test ran, other programs kept up to 9.5 of 12 cores",
        "  busy: what was slow may have been slow for that. Run it again when",
        "  the machine is idle.",
    ]
    aborted = TestResult("shop/b", 108, slow, "no target", Others(11.0, 12))
    starved_more = TestResult("shop/z", 99, slow, others=Others(10.25, 12))
    unstarved = TestResult("shop/a", 99, slow)
    text = " ".join(suite_table([starved, starved_more, unstarved, aborted], paint=PLAIN, others="others"))
    assert "While 2 of 3 failed tests ran, others kept up to 10.2 of 12 cores busy" in text
