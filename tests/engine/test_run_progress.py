"""How far scenarios are, and what the verdict is asked about a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.config.scenarios import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    SharedIterations,
    Stage,
)
from swell.engine.frames import Health, ScenarioCounts
from swell.engine.progress import ScenarioSpan, merged_status, planned_rate, scenario_state
from swell.engine.schedule import arrivals
from swell.engine.trust import HealthTotals, arrivals_due, verdict_input
from swell.metrics.aggregate import Delta, RunAggregate, SeriesRules
from swell.metrics.snapshot import CounterValue, ErrorRow, GaugeValue

SECOND = 1_000_000_000


def counts(status: str, *, started: int = 0, completed: int = 0, dropped: int = 0) -> ScenarioCounts:
    """One worker's counts."""
    return ScenarioCounts("s", status, started, completed, 0, dropped, 1, 1)


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ([], "waiting"),
        (["waiting", "waiting"], "waiting"),
        (["running", "waiting"], "running"),
        (["done", "waiting"], "running"),
        (["done", "running"], "running"),
        (["stopping", "done"], "stopping"),
        (["done", "done"], "done"),
        (["done", "interrupted"], "interrupted"),
    ],
)
def test_one_status_for_all_workers(statuses: list[str], expected: str) -> None:
    """The most active status wins; what is over here and not begun there is running."""
    assert merged_status(statuses) == expected


def test_progress_is_time_or_iterations() -> None:
    """By time where only time ends a scenario, by iterations where they do; done is 1."""
    loop = ConstantVUs(name="s", vus=2, duration_ns=10 * SECOND)
    state = scenario_state(loop, [counts("running")], ScenarioSpan(0), 4 * SECOND)
    assert (state.progress, state.elapsed_ns, state.executor) == (0.4, 4 * SECOND, "constant-vus")
    shared = SharedIterations(name="s", vus=2, iterations=40)
    state = scenario_state(
        shared, [counts("running", completed=10), counts("running", completed=20)], ScenarioSpan(0), SECOND
    )
    assert (state.progress, state.iterations_total, state.iterations) == (0.75, 40, 30)
    each = PerVUIterations(name="s", vus=2, iterations=3)
    state = scenario_state(each, [counts("done", completed=6)], ScenarioSpan(0, 2 * SECOND), 9 * SECOND)
    assert (state.progress, state.iterations_total, state.elapsed_ns) == (1.0, 6, 2 * SECOND)


def test_a_scenario_that_has_not_started() -> None:
    """Nothing is known of it yet."""
    loop = ConstantVUs(name="s", vus=2, duration_ns=10 * SECOND, start_time_ns=5 * SECOND)
    state = scenario_state(loop, [], ScenarioSpan(), SECOND)
    assert (state.status, state.progress, state.elapsed_ns) == ("waiting", 0.0, 0)


def test_the_planned_rate_follows_the_stages() -> None:
    """Linear inside a stage, the last target after it, none for closed models."""
    ramp = RampingArrivalRate(
        name="s",
        start_rate=10,
        stages=(Stage(10 * SECOND, 20), Stage(0, 50), Stage(SECOND, 50)),
        pre_allocated_vus=1,
        max_vus=1,
    )
    rates = [planned_rate(ramp, at * SECOND // 2) for at in (0, 10, 20, 100)]
    assert rates == [10, 15, 50, 50]
    assert planned_rate(ConstantVUs(name="s", duration_ns=1), 0) is None


@given(
    st.integers(1, 50),
    st.integers(0, 3 * SECOND),
    st.booleans(),
)
def test_constant_arrivals_due_are_those_of_the_schedule(
    rate: int, elapsed_ns: int, includes_end: bool
) -> None:
    """Property: the closed form counts what the schedule lists; one on the very end once the end is there."""
    end_ns = 2 * SECOND
    scenario = ConstantArrivalRate(
        name="s", rate=rate, duration_ns=end_ns, pre_allocated_vus=1, max_vus=1, includes_end=includes_end
    )
    listed = sum(
        1 for _, offset in arrivals(scenario) if offset < elapsed_ns or offset == end_ns <= elapsed_ns
    )
    assert arrivals_due(scenario, elapsed_ns) == listed


@given(
    st.integers(0, 30),
    st.lists(st.tuples(st.integers(0, SECOND), st.integers(0, 40)), min_size=1, max_size=4),
)
def test_ramping_arrivals_due_are_those_of_the_schedule(start: int, stages: list[tuple[int, int]]) -> None:
    """Property: at the end of the plan the integral is the number of arrivals, within one by rounding."""
    scenario = RampingArrivalRate(
        name="s",
        start_rate=start,
        stages=tuple(Stage(*stage) for stage in stages),
        pre_allocated_vus=1,
        max_vus=1,
    )
    whole_ns = sum(duration for duration, _ in stages)
    listed = sum(1 for _ in arrivals(scenario))
    assert abs(arrivals_due(scenario, whole_ns) - listed) <= 1


def test_the_verdict_is_asked_about_everything() -> None:
    """Health over workers, open-model counts, exhausted requests, and whether anything was measured."""
    health = HealthTotals("/x/s.py")
    health.add(Health(hub_lag_max_ns=5_000_000, clock_steps=1, clock_step_max_ns=2_000_000))
    health.add(Health(hub_lag_max_ns=9_000_000, hub_lag_frame="/lib/a.py:1 in b\n/x/s.py:2 in c"))
    aggregate = RunAggregate(SeriesRules())
    aggregate.add(Delta(0, 1, {"iterations": CounterValue(3.0)}, http_records=10, unstamped=2))
    scenario = ConstantArrivalRate(name="s", rate=10, duration_ns=10 * SECOND, pre_allocated_vus=1, max_vus=1)
    closed = ConstantVUs(name="t", duration_ns=SECOND)
    states = [
        scenario_state(scenario, [counts("done", started=90, dropped=4)], ScenarioSpan(0, 10 * SECOND), 0),
        scenario_state(closed, [counts("done", started=7)], ScenarioSpan(0, SECOND), 0),
    ]
    asked = verdict_input(
        health,
        aggregate,
        [ErrorRow(1236, "no descriptors", "GET", "/", 6), ErrorRow(1212, "refused", "GET", "/", 5)],
        list(zip((scenario, closed), states, strict=True)),
        lost_workers=1,
        interrupted=True,
    )
    assert (asked.planned_iterations, asked.started_iterations, asked.dropped_iterations) == (100, 90, 4)
    assert (asked.hub_lag_max_ms, asked.hub_lag_frame) == (9.0, "/x/s.py:2 in c")
    assert (asked.clock_steps, asked.clock_step_max_ms) == (1, 2.0)
    assert (asked.requests, asked.unstamped, asked.exhausted) == (10, 2, 6)
    assert (asked.lost_workers, asked.interrupted, asked.measured) == (1, True, True)


def test_gauges_of_our_own_are_no_measurement() -> None:
    """A run with VUs that did nothing has measured nothing."""
    aggregate = RunAggregate(SeriesRules())
    aggregate.gauge("vus", 3)
    assert aggregate.values == {"vus": GaugeValue(3, 3, 3, 1)}
    asked = verdict_input(HealthTotals(""), aggregate, [], [], lost_workers=0, interrupted=False)
    assert not asked.measured
