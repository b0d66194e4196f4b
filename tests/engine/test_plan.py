"""Facts of a plan: k6's descriptions, the most VUs at a time, and the longest time."""

import pytest

from swell.base.clock import NS_PER_SECOND
from swell.config.scenarios import (
    ConstantArrivalRate,
    ConstantVUs,
    PerVUIterations,
    RampingArrivalRate,
    RampingVUs,
    Scenario,
    SharedIterations,
    Stage,
)
from swell.engine.plan import (
    describe_scenario,
    max_duration_ns,
    max_possible_vus,
    max_regular_duration_ns,
    sorted_scenarios,
)

SECOND = NS_PER_SECOND
STAGES = (Stage(60 * SECOND, 10), Stage(0, 5), Stage(90 * SECOND, 20))


@pytest.mark.parametrize(
    ("scenario", "text"),
    [
        (
            ConstantVUs(name="a", vus=3, duration_ns=600 * SECOND),
            "3 looping VUs for 10m0s (gracefulStop: 30s)",
        ),
        (
            PerVUIterations(name="a", vus=3, iterations=2),
            "2 iterations for each of 3 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
        ),
        (
            SharedIterations(name="a", vus=3, iterations=20, exec="search", start_time_ns=5 * SECOND),
            (
                "20 iterations shared among 3 VUs "
                "(maxDuration: 10m0s, exec: search, startTime: 5s, gracefulStop: 30s)"
            ),
        ),
        (
            RampingVUs(name="a", stages=STAGES),
            "Up to 20 looping VUs for 2m30s over 3 stages (gracefulRampDown: 30s, gracefulStop: 30s)",
        ),
        (
            RampingVUs(name="a", start_vus=30, stages=STAGES, graceful_ramp_down_ns=0, graceful_stop_ns=0),
            "Up to 30 looping VUs for 2m30s over 3 stages",
        ),
        (
            ConstantArrivalRate(
                name="a",
                rate=100,
                time_unit_ns=60 * SECOND,
                duration_ns=5 * SECOND,
                pre_allocated_vus=5,
                max_vus=5,
            ),
            "1.67 iterations/s for 5s (maxVUs: 5, gracefulStop: 30s)",
        ),
        (
            RampingArrivalRate(
                name="a", stages=STAGES, pre_allocated_vus=5, max_vus=9, distribution="poisson", after="b"
            ),
            (
                "Up to 20.00 iterations/s for 2m30s over 3 stages "
                "(maxVUs: 5-9, distribution: poisson, after: b, gracefulStop: 30s)"
            ),
        ),
    ],
    ids=lambda value: type(value).__name__,
)
def test_descriptions_read_as_k6_s(scenario: Scenario, text: str) -> None:
    """What it does, then its own facts, then those that all executors share."""
    assert describe_scenario(scenario) == text


def constant(name: str, vus: int, start: int = 0, after: str | None = None) -> ConstantVUs:
    """Ten seconds of ``vus``, and five to stop."""
    return ConstantVUs(
        name=name,
        vus=vus,
        duration_ns=10 * SECOND,
        graceful_stop_ns=5 * SECOND,
        start_time_ns=start * SECOND,
        after=after,
    )


def test_the_order_is_by_start_and_name_with_successors_behind() -> None:
    """A scenario that waits stands behind the one it waits for."""
    scenarios = [
        constant("z", 1),
        constant("y", 1, 5),
        constant("b", 1, after="z"),
        constant("a", 1, after="b"),
    ]
    assert [scenario.name for scenario in sorted_scenarios(scenarios)] == ["z", "b", "a", "y"]


def test_the_longest_time_adds_up_along_a_chain() -> None:
    """Each waits until its predecessor's graceful stop is over; start times count from there."""
    assert max_duration_ns([]) == 0
    assert max_duration_ns([constant("a", 1), constant("b", 1, 20)]) == 35 * SECOND
    chain = [constant("a", 1), constant("b", 1, 2, after="a"), constant("c", 1, after="b")]
    assert max_duration_ns(chain) == 47 * SECOND
    assert max_regular_duration_ns([]) == 0
    assert max_regular_duration_ns(chain) == 42 * SECOND


def test_the_most_vus_count_what_runs_at_the_same_time() -> None:
    """Scenarios in turn share VUs; an arrival scenario counts all that it may have."""
    assert max_possible_vus([constant("a", 3), constant("b", 4)]) == 7
    assert max_possible_vus([constant("a", 3), constant("b", 4, 20)]) == 4
    arrivals = ConstantArrivalRate(name="c", rate=1, duration_ns=10 * SECOND, pre_allocated_vus=2, max_vus=9)
    assert max_possible_vus([constant("a", 3), arrivals]) == 12
    assert max_possible_vus([constant("a", 3), constant("b", 4, after="a")]) == 4
