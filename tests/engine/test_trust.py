"""From the workers' health to the reasons of a verdict: each measurement of the generator, simulated."""

from collections.abc import Iterable

import pytest

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.config.scenarios import ConstantArrivalRate, Scenario
from swell.engine.frames import Health, ScenarioCounts
from swell.engine.progress import ScenarioSpan, scenario_state
from swell.engine.trust import HealthTotals, verdict_input
from swell.metrics.delta import Delta, SeriesRules
from swell.metrics.histogram import Histogram
from swell.metrics.run_aggregate import RunAggregate
from swell.metrics.snapshot import CounterValue, ErrorRow, ScenarioState, TrendValue, Verdict
from swell.metrics.verdict import reach_verdict

MS = NS_PER_MS
SECOND = NS_PER_SECOND


def delta(**changes: object) -> Delta:
    """A hundred good requests of 20 ms, all stamped and read at once."""
    fields: dict[str, object] = {
        "values": {
            "iterations": CounterValue(100.0),
            "http_req_duration": TrendValue(Histogram.of([20.0] * 100)),
        },
        "http_records": 100,
        "gaps": Histogram.of([0.1] * 100),
    }
    return Delta(0, SECOND, **(fields | changes))  # type: ignore[arg-type]


def judged(
    health: Iterable[tuple[int, Health]] = (),
    measured: Delta | None = None,
    errors: Iterable[ErrorRow] = (),
    plan: Iterable[tuple[Scenario, ScenarioState]] = (),
    lost_workers: int = 0,
    interrupted: bool = False,
) -> Verdict:
    """The verdict on a run of these parts."""
    totals = HealthTotals("/x/script.py")
    for worker, one in health:
        totals.add(one, worker)
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(measured or delta())
    asked = verdict_input(
        totals, aggregate, errors, list(plan), lost_workers=lost_workers, interrupted=interrupted
    )
    return reach_verdict(asked)


def arrivals(started: int, dropped: int) -> list[tuple[Scenario, ScenarioState]]:
    """An open-model scenario with a plan of 100 iterations that is over."""
    scenario = ConstantArrivalRate(name="s", rate=10, duration_ns=10 * SECOND, pre_allocated_vus=1, max_vus=1)
    counts = ScenarioCounts("s", "done", started, started, 0, dropped, 0, 1)
    return [(scenario, scenario_state(scenario, [counts], ScenarioSpan(0, 10 * SECOND), 0))]


def trend(name: str, value: float) -> Delta:
    """The good delta with a hundred samples of another trend."""
    values = dict(delta().values)
    return delta(values={**values, name: TrendValue(Histogram.of([value] * 100))})


def test_websockets_are_no_requests() -> None:
    """Handshakes without an answer say nothing about the durations of requests that had theirs."""
    errors = [ErrorRow(1050, "request timeout", "WS", "/chat", 90)]
    assert judged(errors=errors).measured["unanswered-requests"] == 0


def test_websockets_are_among_what_was_sent() -> None:
    """Where sessions were opened, a few URLs that are invalid are a small share of the load."""
    sessions = delta(values={**delta().values, "ws_sessions": CounterValue(100)})
    errors = [ErrorRow(1020, "invalid URL 'x'", "WS", "", 200)]
    assert judged(measured=sessions, errors=errors).measured["unsent-requests"] == 0.5


def test_an_unexpected_status_is_no_exception() -> None:
    """One below 400 has no code, as an exception has none, but says nothing about iterations."""
    errors = [ErrorRow(0, "status 200", "GET", "/", 90), ErrorRow(0, "more kinds of errors", "", "", 90)]
    assert judged(errors=errors, plan=arrivals(100, 0)).measured["raising-iterations"] == 0


def test_a_busy_processor_alone_is_no_fault() -> None:
    """A generator at 100 % of its core whose load, latencies and data are right is trusted."""
    busy = Health(cpu_ns=SECOND, hub_lag_max_ns=60 * MS, gc_pause_max_ns=9 * MS, rss_bytes=1 << 33)
    verdict = judged([(0, busy)] * 30, plan=arrivals(100, 0))
    assert verdict.level == "trusted"
    assert verdict.measured["hub-lag"] == 60.0


@pytest.mark.parametrize(
    ("slug", "parts"),
    [
        ("dropped-iterations", {"plan": arrivals(98, 2)}),
        ("missing-iterations", {"plan": arrivals(95, 0)}),
        ("start-lag", {"measured": trend("iteration_start_lag", 30.0)}),
        ("local-exhaustion", {"errors": [ErrorRow(1236, "no descriptors", "GET", "/", 1)]}),
        ("local-exhaustion", {"errors": [ErrorRow(1237, "no ports", "GET", "/", 1)]}),
        ("raising-iterations", {"errors": [ErrorRow(0, "KeyError", "", "s", 90)], "plan": arrivals(100, 0)}),
        ("unanswered-requests", {"errors": [ErrorRow(1212, "refused", "GET", "/", 90)]}),
        ("unsent-requests", {"errors": [ErrorRow(1020, "invalid URL '/x'", "GET", "", 110)]}),
        ("interrupted-run", {"interrupted": True}),
        ("hub-lag", {"health": [(0, Health(hub_lag_max_ns=150 * MS))]}),
        ("window-limited-receives", {"measured": delta(window_limited=6)}),
        ("receive-gap", {"measured": delta(gaps=Histogram.of([2_500.0] * 100))}),
        ("gc-pauses", {"health": [(0, Health(gc_pause_max_ns=60 * MS, gc_pause_ns=90 * MS))]}),
        (
            "tcp-retransmits",
            {
                "health": [(0, Health(segments_sent=1_000, segments_resent=9))],
                "measured": trend("http_req_waiting", 230.0),
            },
        ),
        (
            "listen-drops",
            {"health": [(0, Health(listen_drops=1))], "measured": trend("http_req_blocked", 1_010.0)},
        ),
        ("clock-steps", {"health": [(0, Health(clock_steps=1, clock_step_max_ns=5 * MS))]}),
        ("lost-workers", {"lost_workers": 1}),
        ("overflowed-tag-sets", {"measured": delta(overflowed_tag_sets=3)}),
        ("overflowed-rows", {"measured": delta(overflowed_rows=3)}),
        ("refused-values", {"measured": delta(refused=1)}),
        ("nothing-measured", {"measured": Delta(0, SECOND)}),
    ],
)
def test_each_measurement_becomes_its_reason(slug: str, parts: dict[str, object]) -> None:
    """One thing is wrong with the generator, and exactly that is said."""
    verdict = judged(**parts)  # type: ignore[arg-type]
    assert [reason.slug for reason in verdict.reasons] == [slug]


def test_unstamped_answers_count_with_a_late_hub_only() -> None:
    """Without the kernel's stamp an answer is as late as the hub that reads it."""
    late = [(0, Health(hub_lag_max_ns=40 * MS))]
    (reason,) = judged(late, delta(unstamped=50)).reasons
    assert reason.slug == "unstamped-receives"
    assert judged([(0, Health(hub_lag_max_ns=4 * MS))], delta(unstamped=50)).level == "trusted"


def test_the_frame_that_stalled_the_hub_is_named() -> None:
    """The worst stall's frame, the script's own where it is on the stack."""
    stacks = (
        Health(
            hub_lag_max_ns=300 * MS,
            hub_lag_frame="/lib/crypt.py:9 in hash\n/x/script.py:4 in default",
            hub_lag_waited_ns=90 * MS,
        ),
        Health(hub_lag_max_ns=200 * MS, hub_lag_frame="/x/script.py:7 in other", hub_lag_waited_ns=150 * MS),
    )
    (reason,) = judged(enumerate(stacks)).reasons
    assert "300 ms (in /x/script.py:4 in default), 90 ms of them while others had" in reason.message


def test_workers_of_one_machine_see_the_same_steps_and_segments() -> None:
    """Seconds of one worker add up; what several workers saw of the same kernel is not counted twice."""
    seen = Health(
        clock_steps=1, clock_step_max_ns=2 * MS, segments_sent=100, segments_resent=2, listen_drops=1
    )
    totals = HealthTotals("")
    for worker in (0, 1, 0, 1, 0):
        totals.add(seen, worker)
    assert totals.clock_steps == 3
    assert totals.network == (300, 6, 3)
