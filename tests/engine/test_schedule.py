"""Tests of the pure plans: k6's exact cases, and that the workers' stripes add up to the whole."""

from fractions import Fraction
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.clock import NS_PER_SECOND as S
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
from swell.engine.schedule import (
    Interval,
    arrivals,
    constant_arrivals,
    iteration_share,
    latest_end_ns,
    planned_vus,
    ramping_arrivals,
    ramping_vus_plan,
    regular_duration_ns,
    slot_intervals,
    stripe_count,
    stripe_numbers,
    stripe_share,
    vu_reservations,
)

WORKERS = st.integers(1, 7)
DURATIONS = st.one_of(st.sampled_from([0, 1, 7, S, 37 * S]), st.integers(0, 100 * S))
VU_STAGES = st.lists(st.builds(Stage, DURATIONS, st.integers(0, 60)), min_size=1, max_size=6).map(tuple)
# Short and slow enough that a whole plan stays small.
RATE_STAGES = st.lists(
    st.builds(Stage, st.integers(0, 3 * S), st.integers(0, 60)), min_size=1, max_size=5
).map(tuple)


def constant(**fields: object) -> ConstantArrivalRate:
    """Ten a second for a second."""
    values = {"name": "c", "rate": 10, "duration_ns": S, "pre_allocated_vus": 1, "max_vus": 1} | fields
    return ConstantArrivalRate(**values)  # type: ignore[arg-type]


def ramping(*stages: Stage, **fields: object) -> RampingArrivalRate:
    """From rate 0 through ``stages``."""
    values = {"name": "r", "stages": stages, "pre_allocated_vus": 1, "max_vus": 1} | fields
    return RampingArrivalRate(**values)  # type: ignore[arg-type]


# Stripes.


@given(st.integers(0, 500), WORKERS)
def test_counts_of_all_workers_add_up(total: int, workers: int) -> None:
    """VUs shared over any number of workers are the VUs of the plan."""
    assert sum(stripe_count(total, index, workers) for index in range(workers)) == total


@given(st.integers(0, 500), st.integers(1, 40), WORKERS)
def test_numbers_are_dealt_out_once(total: int, slots: int, workers: int) -> None:
    """Every number belongs to exactly one worker, whether or not slots and workers divide."""
    shares = [stripe_share(total, slots, index, workers) for index in range(workers)]
    numbers = [list(islice(stripe_numbers(slots, index, workers), shares[index])) for index in range(workers)]
    assert sorted(number for own in numbers for number in own) == list(range(total))


def test_iterations_follow_the_vus() -> None:
    """A worker gets shared iterations in proportion to its VUs, and none without a VU."""
    nine = SharedIterations(name="s", vus=3, iterations=9)
    one = SharedIterations(name="s", vus=1, iterations=9)
    assert [iteration_share(nine, index, 2) for index in range(2)] == [6, 3]
    assert [iteration_share(one, index, 2) for index in range(2)] == [9, 0]


# Ramping VUs.


def test_ramp_up_hits_the_target_at_the_end_of_the_stage() -> None:
    """From 0 to 4 in 4 s the VUs start at 1, 2, 3 and 4 s."""
    assert ramping_vus_plan(0, [Stage(4 * S, 4)]) == [
        (1 * S, 0, 1),
        (2 * S, 1, 1),
        (3 * S, 2, 1),
        (4 * S, 3, 1),
    ]


def test_ramp_down_stops_the_first_vu_one_step_after_the_start() -> None:
    """From 4 to 0 in 4 s the VUs stop at 1, 2, 3 and 4 s, the highest slot first."""
    plan = ramping_vus_plan(4, [Stage(4 * S, 0)])
    assert plan == [(0, slot, 1) for slot in range(4)] + [(i * S, 4 - i, -1) for i in range(1, 5)]


def test_ramp_divides_in_whole_nanoseconds() -> None:
    """A stage that its steps do not divide counts back from its end with truncated integers."""
    assert ramping_vus_plan(0, [Stage(10, 3)]) == [(10 - 20 // 3, 0, 1), (10 - 10 // 3, 1, 1), (10, 2, 1)]


def test_stage_without_duration_jumps_and_equal_target_holds() -> None:
    """A stage of 0 s changes the VUs at once; one with the same target changes nothing."""
    plan = ramping_vus_plan(1, [Stage(5, 1), Stage(0, 3), Stage(5, 3), Stage(0, 1)])
    assert plan == [(0, 0, 1), (5, 1, 1), (5, 2, 1), (10, 2, -1), (10, 1, -1)]


def test_intervals_join_what_stops_and_starts_in_one_instant() -> None:
    """Down and up again in no time leaves the VU running; up and down in no time never starts it."""
    joined = RampingVUs(name="r", start_vus=1, stages=(Stage(S, 1), Stage(0, 0), Stage(0, 1), Stage(S, 1)))
    assert slot_intervals(joined) == {0: [Interval(0, 2 * S, 32 * S)]}
    empty = RampingVUs(name="r", start_vus=0, stages=(Stage(S, 0), Stage(0, 5), Stage(0, 0)))
    assert slot_intervals(empty) == {}


def test_graceful_periods_of_a_ramp() -> None:
    """A stop by the plan gives the graceful ramp-down, the end the graceful stop, which limits both."""
    scenario = RampingVUs(
        name="r",
        start_vus=2,
        stages=(Stage(2 * S, 0), Stage(0, 1), Stage(4 * S, 1)),
        graceful_ramp_down_ns=6 * S,
        graceful_stop_ns=1 * S,
    )
    assert slot_intervals(scenario) == {
        1: [Interval(0, 1 * S, 7 * S)],
        0: [Interval(0, 6 * S, 7 * S)],
    }


@given(st.integers(0, 20), VU_STAGES)
def test_plan_is_in_order_and_ends_at_the_last_target(start: int, stages: tuple[Stage, ...]) -> None:
    """Steps never go back in time, and their sum is the last target."""
    plan = ramping_vus_plan(start, stages)
    offsets = [offset for offset, _, _ in plan]
    assert offsets == sorted(offsets)
    assert sum(change for _, _, change in plan) == stages[-1].target


@given(st.integers(0, 20), VU_STAGES, WORKERS)
def test_intervals_of_all_workers_are_the_plan(start: int, stages: tuple[Stage, ...], workers: int) -> None:
    """The union of the workers' intervals is the plan for one, and no slot is in two."""
    scenario = RampingVUs(name="r", start_vus=start, stages=stages)
    parts = [slot_intervals(scenario, index, workers) for index in range(workers)]
    union = {slot: own for part in parts for slot, own in part.items()}
    assert union == slot_intervals(scenario)
    assert sum(len(part) for part in parts) == len(union)


@given(st.integers(0, 20), VU_STAGES)
def test_intervals_of_a_slot_never_touch(start: int, stages: tuple[Stage, ...]) -> None:
    """Within a slot one interval is over before the next begins, and none is empty."""
    for own in slot_intervals(RampingVUs(name="r", start_vus=start, stages=stages)).values():
        instants = [instant for interval in own for instant in interval[:2]]
        assert instants == sorted(set(instants))


# Arrivals.


def test_constant_rate_starts_at_once() -> None:
    """10 a second for one second: at 0, 0.1, ... 0.9 s."""
    assert list(constant_arrivals(10, S, S)) == [(i, i * S // 10) for i in range(10)]


def test_constant_rate_truncates_its_period() -> None:
    """3 a second: the period is 333,333,333 ns, so that a fourth falls within the second, as in k6."""
    assert [offset for _, offset in constant_arrivals(3, S, S)] == [0, 333333333, 666666666, 999999999]


def test_constant_rate_beyond_one_a_nanosecond_ends() -> None:
    """A period is at least a nanosecond, so that no plan stands still."""
    assert [offset for _, offset in constant_arrivals(5, 2, 3)] == [0, 1, 2]


def test_flat_ramp_starts_where_the_integral_is_one() -> None:
    """10/s for 1 s gives exactly 10: at 0.1 ... 1.0 s."""
    flat = ramping_arrivals(10, S, [Stage(S, 10)])
    assert list(flat) == [(i, (i + 1) * S // 10) for i in range(10)]


def test_ramp_up_and_down_are_mirrored() -> None:
    """From 0 to 10/s and back: the starts are sqrt(n/5), and mirrored on the way down."""
    offsets = [offset for _, offset in ramping_arrivals(0, S, [Stage(S, 10), Stage(S, 0)])]
    assert offsets[:5] == [447213595, 632455532, 774596669, 894427190, 1000000000]
    # 5 - (2 - t)^2 5 = n - 5, and the tenth at the very end.
    assert offsets[5:] == [1105572809, 1225403330, 1367544467, 1552786404, 2000000000]


def test_stage_without_duration_sets_the_rate_at_once() -> None:
    """Nothing starts in a stage of 0 s; what follows has its rate."""
    offsets = [offset for _, offset in ramping_arrivals(0, S, [Stage(0, 4), Stage(S, 4)])]
    assert offsets == [250000000, 500000000, 750000000, 1000000000]


def test_rate_of_zero_starts_nothing_and_goes_on() -> None:
    """A pause at rate 0 keeps the fraction of an iteration that was due."""
    stages = [Stage(S, 0), Stage(S, 0), Stage(0, 1), Stage(2 * S, 1)]
    # The ramp from 1/s to 0 leaves half an iteration; the rest takes half a second at 1/s.
    assert [offset for _, offset in ramping_arrivals(1, S, stages)] == [2500000000, 3500000000]


def integral(start_rate: int, stages: tuple[Stage, ...], offset_ns: int, unit_ns: int) -> Fraction:
    """The iterations due at ``offset_ns``, exactly."""
    total, before = Fraction(0), start_rate
    for stage in stages:
        x = min(offset_ns, stage.duration_ns)
        if stage.duration_ns:
            total += Fraction(before * x, unit_ns)
            total += Fraction((stage.target - before) * x * x, 2 * stage.duration_ns * unit_ns)
        offset_ns -= x
        before = stage.target
        if offset_ns <= 0:
            break
    return total


@given(st.integers(0, 40), RATE_STAGES, st.sampled_from([S // 10, S, 3 * S]))
def test_ramping_offsets_are_exact(start: int, stages: tuple[Stage, ...], unit_ns: int) -> None:
    """Number i starts in the very nanosecond in which the integral reaches i + 1, and none is missing."""
    plan = list(ramping_arrivals(start, unit_ns, stages))
    end_ns = sum(stage.duration_ns for stage in stages)
    assert [number for number, _ in plan] == list(range(int(integral(start, stages, end_ns, unit_ns))))
    for number, offset in plan:
        assert integral(start, stages, offset, unit_ns) <= number + 1
        # Rounded down: it is reached within the next nanosecond (unless that lies beyond the end).
        assert (
            offset + 1 > end_ns
            or integral(start, stages, offset + 1, unit_ns) > number + 1
            or (integral(start, stages, offset, unit_ns) == number + 1)
        )


@given(st.integers(1, 60), st.integers(1, 9), WORKERS, st.sampled_from(["uniform", "poisson"]))
def test_constant_arrivals_of_all_workers_are_the_plan(
    rate: int, max_vus: int, workers: int, distribution: str
) -> None:
    """The union over the workers is the plan for one, in numbers and offsets."""
    scenario = constant(rate=rate, max_vus=max_vus, distribution=distribution)
    parts = [list(arrivals(scenario, 5, index, workers)) for index in range(workers)]
    assert sorted(tick for part in parts for tick in part) == list(arrivals(scenario, 5))


@given(st.integers(0, 40), RATE_STAGES, st.integers(1, 9), WORKERS, st.sampled_from(["uniform", "poisson"]))
def test_ramping_arrivals_of_all_workers_are_the_plan(
    start: int, stages: tuple[Stage, ...], max_vus: int, workers: int, distribution: str
) -> None:
    """The union over the workers is the plan for one, in numbers and offsets."""
    scenario = ramping(*stages, start_rate=start, max_vus=max_vus, distribution=distribution)
    parts = [list(arrivals(scenario, 5, index, workers)) for index in range(workers)]
    assert sorted(tick for part in parts for tick in part) == list(arrivals(scenario, 5))


def test_poisson_is_repeatable_by_seed() -> None:
    """The same seed gives the same plan, another seed or name another one."""
    scenario = constant(rate=50, distribution="poisson")
    other = constant(rate=50, distribution="poisson", name="other")
    plan = list(arrivals(scenario, 1))
    assert plan == list(arrivals(scenario, 1))
    assert plan != list(arrivals(scenario, 2))
    assert plan != list(arrivals(other, 1))


def test_poisson_plan_is_pinned() -> None:
    """The plan of a seed is the same on every machine and in every version."""
    scenario = constant(rate=50, distribution="poisson")
    assert [offset for _, offset in islice(arrivals(scenario, 1), 3)] == [30751, 4482162, 7256647]


@pytest.mark.parametrize("seed", range(3))
def test_poisson_has_the_rate_and_the_scatter(seed: int) -> None:
    """Counts of a Poisson process: mean and variance of the counts per second are the rate."""
    scenario = constant(rate=20, duration_ns=500 * S, distribution="poisson")
    counts = [0] * 500
    for _, offset in arrivals(scenario, seed):
        counts[offset // S] += 1
    mean = sum(counts) / 500
    variance = sum((count - mean) ** 2 for count in counts) / 499
    # Five standard errors.
    assert abs(mean - 20) < 5 * (20 / 500) ** 0.5
    assert abs(variance - 20) < 5 * 20 * (2 / 499) ** 0.5 * 1.1


def test_poisson_follows_the_ramp() -> None:
    """On a ramp from 0 a quarter of the arrivals falls into the first half."""
    scenario = ramping(Stage(100 * S, 200), distribution="poisson")
    offsets = [offset for _, offset in arrivals(scenario, 3)]
    first = sum(1 for offset in offsets if offset < 50 * S)
    assert abs(len(offsets) - 10_000) < 5 * 100
    assert abs(first - 2_500) < 5 * 50


# Lengths and VUs.


@pytest.mark.parametrize(
    ("scenario", "regular_s", "latest_s"),
    [
        (ConstantVUs(name="a", duration_ns=10 * S, start_time_ns=5 * S), 10, 45),
        (SharedIterations(name="a", graceful_stop_ns=0), 600, 600),
        (PerVUIterations(name="a", max_duration_ns=7 * S), 7, 37),
        (RampingVUs(name="a", stages=(Stage(S, 1), Stage(2 * S, 0))), 3, 33),
        (constant(duration_ns=4 * S), 4, 34),
        (ramping(Stage(S, 1), Stage(2 * S, 0)), 3, 33),
    ],
)
def test_lengths(scenario: Scenario, regular_s: int, latest_s: int) -> None:
    """Regular duration, and the latest end with start time and graceful stop."""
    assert regular_duration_ns(scenario) == regular_s * S
    assert latest_end_ns(scenario) == latest_s * S


def test_planned_vus_is_the_highest_sum_at_one_time() -> None:
    """Scenarios after one another share VUs, those side by side do not, graceful stops count."""
    first = ConstantVUs(name="a", vus=10, duration_ns=10 * S, graceful_stop_ns=0)
    later = ConstantVUs(name="b", vus=8, duration_ns=10 * S, start_time_ns=10 * S)
    beside = ConstantVUs(name="c", vus=3, duration_ns=10 * S, start_time_ns=5 * S)
    assert planned_vus([first, later]) == 10
    assert planned_vus([first, later, beside]) == 13
    graceful = ConstantVUs(name="a", vus=10, duration_ns=10 * S, graceful_stop_ns=1)
    assert planned_vus([graceful, later]) == 18


def test_planned_vus_of_a_chain_is_its_larger_link() -> None:
    """A scenario never runs beside the one that it waits for, but perhaps beside any other."""
    first = SharedIterations(name="a", vus=10, iterations=10)
    second = ConstantVUs(name="b", vus=4, duration_ns=S, after="a")
    third = ConstantVUs(name="c", vus=7, duration_ns=S, after="a")
    late = ConstantVUs(name="d", vus=5, duration_ns=S, start_time_ns=5000 * S)
    assert planned_vus([first, second]) == 10
    assert planned_vus([first, second, third]) == 11
    assert planned_vus([first, second, third, late]) == 16


def test_ramp_down_keeps_its_vus_for_the_graceful_period() -> None:
    """A slot that goes up again within its graceful ramp-down is reserved once."""
    scenario = RampingVUs(
        name="r",
        start_vus=2,
        stages=(Stage(0, 1), Stage(S, 1), Stage(0, 2), Stage(S, 2)),
        graceful_ramp_down_ns=5 * S,
        graceful_stop_ns=0,
    )
    assert planned_vus([scenario]) == 2


def test_a_ramp_reserves_all_that_it_reaches() -> None:
    """The VU that starts on the very end, too: the most that a ramp up promises are there, as in k6."""
    up = RampingVUs(name="r", start_vus=1, stages=(Stage(2 * S, 4),))
    assert planned_vus([up]) == 4
    again = RampingVUs(name="r", start_vus=2, stages=(Stage(S, 1), Stage(S, 3)))
    assert planned_vus([again]) == 3
    assert planned_vus([up], 1, 2) == 2


@given(st.integers(0, 20), VU_STAGES, DURATIONS, WORKERS)
def test_reservations_of_all_workers_are_the_plans(
    start: int, stages: tuple[Stage, ...], grace_ns: int, workers: int
) -> None:
    """The workers reserve exactly what one would, and all is given back."""
    scenario = RampingVUs(name="r", start_vus=start, stages=stages, graceful_ramp_down_ns=grace_ns)
    whole = vu_reservations(scenario)
    parts = [change for index in range(workers) for change in vu_reservations(scenario, index, workers)]
    assert sorted(parts) == whole
    assert sum(change for _, change in whole) == 0


def test_arrivals_reserve_their_pre_allocated_vus() -> None:
    """What an arrival scenario may need beyond that is made when it is needed."""
    assert planned_vus([constant(pre_allocated_vus=5, max_vus=50)]) == 5
    assert planned_vus([constant(pre_allocated_vus=5, max_vus=50)], 1, 2) == 2
    assert planned_vus([]) == 0
