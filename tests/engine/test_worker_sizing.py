"""How many workers a plan gets."""

import pytest

from swell.config.scenarios import ConstantArrivalRate, ConstantVUs, RampingArrivalRate, Scenario, Stage
from swell.engine.sizing import RATE_PER_WORKER, VUS_PER_WORKER, peak_rate, worker_count

SECOND = 1_000_000_000


def looping(vus: int, name: str = "a") -> ConstantVUs:
    """VUs that loop."""
    return ConstantVUs(name=name, vus=vus, duration_ns=SECOND)


def arriving(rate: int, vus: int = 1000) -> ConstantArrivalRate:
    """Iterations at a rate."""
    return ConstantArrivalRate(name="r", rate=rate, duration_ns=SECOND, pre_allocated_vus=vus, max_vus=vus)


@pytest.mark.parametrize(
    ("scenarios", "expected"),
    [
        ((looping(1),), 1),
        ((looping(VUS_PER_WORKER),), 1),
        ((looping(VUS_PER_WORKER + 1),), 2),
        ((looping(VUS_PER_WORKER), looping(VUS_PER_WORKER, "b")), 2),
        ((arriving(RATE_PER_WORKER),), 1),
        ((arriving(RATE_PER_WORKER + 1),), 2),
        ((arriving(RATE_PER_WORKER * 100),), 8),
    ],
)
def test_auto_adds_workers_only_where_the_plan_needs_them(
    scenarios: tuple[Scenario, ...], expected: int
) -> None:
    """One worker up to the published capacity, then more, never more than processors."""
    assert worker_count(0, scenarios, processors=8) == expected


def test_what_is_asked_for_is_given_up_to_the_vus() -> None:
    """A worker without a VU would be idle."""
    assert worker_count(3, (looping(100),), processors=1) == 3
    assert worker_count(8, (looping(2),), processors=1) == 2


def test_the_peak_rate_is_per_second() -> None:
    """A ramp counts with its highest target, in iterations a second."""
    ramp = RampingArrivalRate(
        name="r",
        start_rate=60,
        time_unit_ns=60 * SECOND,
        stages=(Stage(SECOND, 600), Stage(SECOND, 0)),
        pre_allocated_vus=1,
        max_vus=1,
    )
    assert peak_rate(ramp) == 10
    assert peak_rate(looping(5)) == 0
