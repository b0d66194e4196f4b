"""The verdict and its published limits."""

import re
from pathlib import Path

import msgspec
import pytest

from swell.metrics.verdict import LIMITS, VerdictInput, reach_verdict

GOOD = VerdictInput(
    planned_iterations=1_000,
    started_iterations=1_000,
    start_lag_p99_ms=1.0,
    hub_lag_max_ms=20.0,
    requests=1_000,
    receive_gap_p99_ms=0.5,
)

# Per slug: what degrades, and what invalidates where something does.
CASES: dict[str, tuple[dict[str, object] | None, dict[str, object] | None]] = {
    "dropped-iterations": (
        {"started_iterations": 998, "dropped_iterations": 2},
        {"started_iterations": 900, "dropped_iterations": 100},
    ),
    "missing-iterations": ({"started_iterations": 980}, {"started_iterations": 800}),
    "start-lag": ({"start_lag_p99_ms": 11.0}, {"start_lag_p99_ms": 101.0}),
    "local-exhaustion": ({"exhausted": 1}, {"exhausted": 20}),
    "raising-iterations": (
        {"completed_iterations": 100, "raised_iterations": 51},
        {"completed_iterations": 100, "raised_iterations": 100},
    ),
    "unanswered-requests": ({"unanswered": 501}, {"unanswered": 1_000}),
    "unsent-requests": (
        {"websockets": 500, "unsent": 1_600},
        {"requests": 0, "websockets": 0, "unsent": 1},
    ),
    "interrupted-run": ({"interrupted": True}, None),
    "hub-lag": ({"hub_lag_max_ms": 101.0}, {"hub_lag_max_ms": 2_001.0}),
    "unstamped-receives": ({"unstamped": 51}, None),
    "window-limited-receives": ({"window_limited": 51}, {"window_limited": 501}),
    "receive-gap": ({"receive_gap_p99_ms": 2_001.0}, None),
    "gc-pauses": ({"gc_pause_max_ms": 51.0}, {"gc_pause_max_ms": 2_001.0}),
    "tcp-retransmits": (
        {"segments_sent": 1_000, "segments_resent": 6, "longest_wait_ms": 201.0},
        {"segments_sent": 1_000, "segments_resent": 60, "longest_wait_ms": 201.0},
    ),
    "listen-drops": ({"listen_drops": 1, "longest_wait_ms": 1_001.0}, None),
    "clock-steps": ({"clock_steps": 1, "clock_step_max_ms": 3.0}, None),
    "lost-workers": (None, {"lost_workers": 1}),
    "overflowed-tag-sets": ({"overflowed_tag_sets": 1}, None),
    "overflowed-rows": ({"overflowed_rows": 1}, None),
    "refused-values": ({"refused_values": 1}, None),
    "nothing-measured": (None, {"measured": False}),
}


def changed(changes: dict[str, object]) -> VerdictInput:
    """A good run but for ``changes``."""
    return msgspec.structs.replace(GOOD, **changes)


def test_a_good_run_is_trusted() -> None:
    """Below every limit there is no reason to give."""
    assert reach_verdict(GOOD).level == "trusted"
    assert reach_verdict(GOOD).reasons == ()
    assert reach_verdict(VerdictInput()).level == "trusted"


@pytest.mark.parametrize("slug", LIMITS)
@pytest.mark.parametrize("level", ["degraded", "invalid"])
def test_each_limit_has_its_consequence(slug: str, level: str) -> None:
    """Crossing one limit gives exactly that reason, with what was measured and the limit that it crossed."""
    changes = CASES[slug][level == "invalid"]
    limit = getattr(LIMITS[slug], level)
    assert (changes is None) == (limit is None)
    if changes is None:
        return
    verdict = reach_verdict(changed(changes))
    (reason,) = verdict.reasons
    assert (verdict.level, reason.slug, reason.level) == (level, slug, level)
    assert (reason.limit, reason.question) == (limit, LIMITS[slug].question)
    assert reason.measured > limit
    assert reason.message


def test_a_value_at_its_limit_does_not_count() -> None:
    """Limits are crossed, not reached."""
    assert reach_verdict(changed({"start_lag_p99_ms": 10.0, "hub_lag_max_ms": 100.0})).level == "trusted"


def test_the_gravest_reason_makes_the_verdict() -> None:
    """Reasons are ordered by question, then gravity."""
    verdict = reach_verdict(
        changed({"interrupted": True, "start_lag_p99_ms": 200.0, "clock_steps": 1, "lost_workers": 2})
    )
    assert verdict.level == "invalid"
    slugs = [reason.slug for reason in verdict.reasons]
    assert slugs == ["start-lag", "interrupted-run", "clock-steps", "lost-workers"]


def test_a_hub_on_time_stamps_well_enough() -> None:
    """Without kernel stamps (not Linux) a generator that is never late can be trusted."""
    assert reach_verdict(changed({"unstamped": 1_000, "hub_lag_max_ms": 5.0})).level == "trusted"


def test_gaps_within_what_was_calibrated_do_not_count() -> None:
    """A saturated generator whose stamps are right is trusted, and how late it read is in the figures."""
    verdict = reach_verdict(changed({"receive_gap_p99_ms": 1_500.0}))
    assert verdict.level == "trusted"
    assert verdict.measured["receive-gap"] == 1_500.0


def test_few_segments_sent_again_are_no_share() -> None:
    """A lost packet or two of a short run do not count, whatever share they are."""
    few = {"segments_sent": 40, "segments_resent": 4, "longest_wait_ms": 900.0}
    assert reach_verdict(changed(few)).level == "trusted"


def test_losses_of_other_programs_do_not_count() -> None:
    """The kernel counts for all of them; where no request waited as long as a loss costs, none was ours."""
    others = {"segments_sent": 100, "segments_resent": 50, "listen_drops": 9, "longest_wait_ms": 150.0}
    assert reach_verdict(changed(others)).level == "trusted"


def test_what_was_measured_stands_beside_the_reasons() -> None:
    """A trusted verdict tells its figures too, so that a reader sees how near the limits were."""
    verdict = reach_verdict(GOOD)
    assert verdict.measured["start-lag"] == 1.0
    assert verdict.measured["hub-lag"] == 20.0
    assert set(verdict.measured) <= set(LIMITS)


def test_the_frame_that_held_the_hub_is_named() -> None:
    """So that the user knows what to change."""
    verdict = reach_verdict(changed({"hub_lag_max_ms": 500.0, "hub_lag_frame": "script.py:7 in hash"}))
    assert "script.py:7 in hash" in verdict.reasons[0].message


@pytest.mark.parametrize(("waited_ms", "is_said"), [(0.0, False), (49.0, False), (50.0, True), (480.0, True)])
def test_what_others_took_is_said(waited_ms: float, is_said: bool) -> None:
    """From a tenth of the lag on: then the script alone is not to blame."""
    lag = {"hub_lag_max_ms": 500.0, "hub_lag_frame": "s.py:7 in f", "hub_lag_waited_ms": waited_ms}
    message = reach_verdict(changed(lag)).reasons[0].message
    others = f", {waited_ms:.0f} ms of them while others had its processor" if is_said else ""
    assert message == f"a worker did nothing else for 500 ms (in s.py:7 in f){others}: its VUs stood still"


def test_every_slug_has_a_heading_in_the_docs() -> None:
    """docs/truth.md explains each reason, and nothing else as one."""
    text = (Path(__file__).parents[2] / "docs" / "truth.md").read_text(encoding="utf-8")
    assert re.findall(r"^### (\S+)$", text, flags=re.MULTILINE) == list(LIMITS)
