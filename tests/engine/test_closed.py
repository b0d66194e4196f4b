"""Tests of the closed-model executors on the virtual clock: every instant and count is exact."""

import gevent
import pytest
from executor_harness import Harness, S, outcome, takes

from swell.config.options import Options
from swell.config.scenarios import ConstantVUs, PerVUIterations, RampingVUs, Scenario, SharedIterations, Stage
from swell.engine.executor import Status
from swell.engine.vu import VU, VUStopped

# constant-vus


def test_constant_vus_loop_until_the_regular_end() -> None:
    """Three VUs with iterations of 1 s start them at 0, 1 and 2 s, and none at the end of 3 s."""
    harness = Harness(takes(1))
    executor = harness.run_one(ConstantVUs(name="a", vus=3, duration_ns=3 * S))
    assert harness.starts == [0] * 3 + [S] * 3 + [2 * S] * 3
    assert outcome(executor) == (9, 0, 0)
    assert harness.clock.now_ns() == 3 * S
    assert executor.status is Status.DONE


def test_running_iteration_gets_the_graceful_stop() -> None:
    """An iteration that ends within the graceful stop is complete, and the scenario ends with it."""
    harness = Harness(takes(2))
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=3 * S, graceful_stop_ns=5 * S))
    assert outcome(executor) == (2, 0, 0)
    assert harness.clock.now_ns() == 4 * S
    assert harness.samples("iteration_duration") == [(2 * S, 2000.0), (4 * S, 2000.0)]


def test_iteration_beyond_the_graceful_stop_is_interrupted() -> None:
    """It ends at the end of the graceful stop, is counted as interrupted and emits nothing."""
    harness = Harness(takes(2))
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=3 * S, graceful_stop_ns=S // 2))
    assert outcome(executor) == (1, 1, 0)
    assert harness.clock.now_ns() == 3 * S + S // 2
    assert harness.samples("iteration_duration") == [(2 * S, 2000.0)]
    assert executor.status is Status.DONE


def test_iteration_that_ends_with_the_graceful_stop_is_complete() -> None:
    """An iteration that ends in the very instant in which it would be interrupted has ended."""
    harness = Harness(takes(2))
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=3 * S, graceful_stop_ns=1 * S))
    assert outcome(executor) == (2, 0, 0)


def test_no_graceful_stop_interrupts_at_the_regular_end() -> None:
    """A graceful stop of 0 s cuts at once."""
    harness = Harness(takes(2))
    executor = harness.run_one(ConstantVUs(name="a", vus=2, duration_ns=3 * S, graceful_stop_ns=0))
    assert outcome(executor) == (2, 2, 0)
    assert harness.clock.now_ns() == 3 * S


def test_start_time_shifts_everything() -> None:
    """A scenario with startTime begins, ends and is interrupted that much later."""
    harness = Harness(takes(2))
    executor = harness.run_one(
        ConstantVUs(name="a", vus=1, duration_ns=3 * S, start_time_ns=7 * S, graceful_stop_ns=0)
    )
    assert harness.starts == [7 * S, 9 * S]
    assert harness.clock.now_ns() == 10 * S
    assert outcome(executor) == (1, 1, 0)


def test_vus_are_striped_over_workers() -> None:
    """Worker 1 of 3 runs slots 1 and 4 of 5, with the ids 2 and 5."""
    harness = Harness(takes(1), worker_index=1, worker_count=3)
    harness.run_one(ConstantVUs(name="a", vus=5, duration_ns=1 * S))
    assert [(started.slot, started.vu) for started in harness.begun] == [(1, 2), (4, 5)]


def test_worker_without_a_share_is_done_at_once() -> None:
    """Where there are fewer VUs than workers, the others have nothing to do."""
    harness = Harness(takes(1), worker_index=1, worker_count=3)
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=60 * S))
    assert executor.status is Status.DONE
    assert harness.clock.now_ns() == 0


# shared-iterations


def test_shared_iterations_are_taken_by_whoever_is_free() -> None:
    """Five iterations of 1 s on two VUs take 3 s and are numbered in the order of their starts."""
    harness = Harness(takes(1))
    executor = harness.run_one(SharedIterations(name="a", vus=2, iterations=5))
    assert harness.starts == [0, 0, S, S, 2 * S]
    assert [started.number for started in harness.begun] == [0, 1, 2, 3, 4]
    assert outcome(executor) == (5, 0, 0)
    assert harness.clock.now_ns() == 3 * S


def test_shared_iterations_that_were_not_attempted_are_one_dropped_sample() -> None:
    """At maxDuration the rest is dropped, in one sample after the graceful stop."""
    harness = Harness(takes(2))
    executor = harness.run_one(
        SharedIterations(name="a", vus=2, iterations=10, max_duration_ns=3 * S, graceful_stop_ns=30 * S)
    )
    assert outcome(executor) == (4, 0, 6)
    assert harness.samples("dropped_iterations") == [(4 * S, 6.0)]


def test_interrupted_shared_iterations_were_attempted() -> None:
    """Interrupted iterations are not dropped ones."""
    harness = Harness(takes(2))
    executor = harness.run_one(
        SharedIterations(name="a", vus=2, iterations=10, max_duration_ns=3 * S, graceful_stop_ns=0)
    )
    assert outcome(executor) == (2, 2, 6)
    assert harness.samples("dropped_iterations") == [(3 * S, 6.0)]


@pytest.mark.parametrize("workers", [1, 2, 3, 4])
def test_shared_iterations_over_workers_are_all_run_once(workers: int) -> None:
    """The workers together run the numbers 0 to 9, in the same time as one."""
    numbers, ends = [], []
    for index in range(workers):
        harness = Harness(takes(1), worker_index=index, worker_count=workers)
        harness.run_one(SharedIterations(name="a", vus=3, iterations=10))
        numbers += [started.number for started in harness.begun]
        ends.append(harness.clock.now_ns())
    assert sorted(numbers) == list(range(10))
    assert max(ends) == 4 * S


# per-vu-iterations


def test_each_vu_runs_its_own_iterations() -> None:
    """Two VUs with three iterations each: six, none of them numbered over the VUs."""
    harness = Harness(takes(1))
    executor = harness.run_one(PerVUIterations(name="a", vus=2, iterations=3))
    assert sorted(started.slot for started in harness.begun) == [0, 0, 0, 1, 1, 1]
    assert {started.number for started in harness.begun} == {-1}
    assert outcome(executor) == (6, 0, 0)


def test_per_vu_iterations_left_at_max_duration_are_one_sample_per_vu() -> None:
    """Each VU that runs out of time drops the rest of its own iterations in one sample."""
    harness = Harness(takes(2))
    executor = harness.run_one(
        PerVUIterations(name="a", vus=2, iterations=5, max_duration_ns=3 * S, graceful_stop_ns=S // 2)
    )
    assert outcome(executor) == (2, 2, 6)
    assert harness.samples("dropped_iterations") == [(3 * S + S // 2, 3.0)] * 2


def test_stopped_run_drops_nothing() -> None:
    """Iterations that a stop prevents are not dropped: nobody can say that they were due."""
    for scenario in (
        PerVUIterations(name="a", vus=2, iterations=5),
        SharedIterations(name="a", vus=2, iterations=9),
    ):
        harness = Harness(takes(2))
        executor = harness.run_one(scenario, stop_at_ns=3 * S)
        assert outcome(executor) == (2, 2, 0)
        assert harness.samples("dropped_iterations") == []
        assert executor.status is Status.INTERRUPTED


# ramping-vus


def ramp(*stages: tuple[float, int], **fields: int) -> RampingVUs:
    """A ramp with stages of (seconds, target), from 0 VUs on."""
    values = {"name": "a", "start_vus": 0} | fields
    return RampingVUs(stages=tuple(Stage(int(s * S), target) for s, target in stages), **values)  # type: ignore[arg-type]


def test_ramp_up_starts_vus_by_the_plan() -> None:
    """From 0 to 3 VUs in 3 s: slots begin at 1, 2 and 3 s, where 3 s is the end and starts none."""
    harness = Harness(takes(0.5))
    harness.run_one(ramp((3, 3)))
    begun = sorted((started.at_ns, started.slot) for started in harness.begun)
    assert begun == [(S, 0), (3 * S // 2, 0), (2 * S, 0), (2 * S, 1), (5 * S // 2, 0), (5 * S // 2, 1)]


def test_ramp_down_lets_the_iteration_finish() -> None:
    """VUs that are taken away finish their iteration within the graceful ramp-down."""
    harness = Harness(takes(3))
    executor = harness.run_one(ramp((2, 0), (4, 0), start_vus=2))
    assert outcome(executor) == (2, 0, 0)
    assert harness.starts == [0, 0]
    # The plan goes on to its end although nobody runs any more.
    assert harness.clock.now_ns() == 6 * S


def test_ramp_down_interrupts_after_the_graceful_ramp_down() -> None:
    """Slots 1 and 0 stop at 1 and 2 s and are cut at 1.5 and 2.5 s."""
    ended: list[tuple[int, int]] = []

    def body(harness: Harness, vu: VU) -> None:
        try:
            harness.clock.sleep_until_ns(harness.clock.now_ns() + 10 * S)
        finally:
            ended.append((vu.slot, harness.clock.now_ns()))

    harness = Harness(body)
    executor = harness.run_one(ramp((2, 0), (4, 0), start_vus=2, graceful_ramp_down_ns=S // 2))
    assert ended == [(1, S + S // 2), (0, 2 * S + S // 2)]
    assert outcome(executor) == (0, 2, 0)
    assert harness.clock.now_ns() == 6 * S


def test_same_vu_goes_on_when_it_is_needed_again() -> None:
    """A VU in its graceful ramp-down that is ramped up again is neither interrupted nor replaced."""
    harness = Harness(takes(4))
    executor = harness.run_one(ramp((1, 1), (0, 0), (1, 0), (0, 1), (6, 1), start_vus=1))
    assert [(started.vu, started.at_ns) for started in harness.begun] == [(1, 0), (1, 4 * S)]
    assert outcome(executor) == (2, 0, 0)
    assert harness.environment.pool.initialized == 1


def test_hard_stop_of_an_earlier_interval_spares_the_next() -> None:
    """The hard stop at 3 s belonged to the stop at 1 s; the VU was started again at 2 s."""
    harness = Harness(takes(5))
    executor = harness.run_one(
        ramp(
            (1, 1),
            (0, 0),
            (1, 0),
            (0, 1),
            (6, 1),
            start_vus=1,
            graceful_ramp_down_ns=2 * S,
            graceful_stop_ns=30 * S,
        )
    )
    assert outcome(executor) == (2, 0, 0)
    assert harness.starts == [0, 5 * S]


def test_start_in_the_instant_of_the_hard_stop_wins() -> None:
    """Ramped up in the very instant in which its grace ends, a VU goes on."""
    harness = Harness(takes(5))
    executor = harness.run_one(
        ramp((1, 1), (0, 0), (1, 0), (0, 1), (6, 1), start_vus=1, graceful_ramp_down_ns=S)
    )
    assert harness.starts == [0, 5 * S]
    assert outcome(executor) == (2, 0, 0)


def test_vu_is_started_again_after_a_hard_stop() -> None:
    """Interrupted in its ramp-down and ramped up later, the slot begins anew."""
    harness = Harness(takes(5))
    executor = harness.run_one(
        ramp((1, 1), (0, 0), (2, 0), (0, 1), (6, 1), start_vus=1, graceful_ramp_down_ns=S, graceful_stop_ns=0)
    )
    assert harness.starts == [0, 3 * S, 8 * S]
    assert outcome(executor) == (1, 2, 0)


def test_graceful_stop_limits_the_graceful_ramp_down() -> None:
    """A VU that was stopped shortly before the end is cut with all others."""
    harness = Harness(takes(60))
    executor = harness.run_one(ramp((2, 0), start_vus=2, graceful_stop_ns=S))
    assert outcome(executor) == (0, 2, 0)
    assert harness.clock.now_ns() == 3 * S


def test_ramp_follows_the_number_of_vus() -> None:
    """``counts.vus`` is the number of VUs that loop or finish."""
    harness = Harness(takes(0.25))
    seen: list[int] = []

    def watch() -> None:
        executor = harness.executor(ramp((2, 2), (2, 0)))
        task = gevent.spawn(executor.run, 0)
        for quarter in range(1, 16, 2):
            harness.clock.sleep_until_ns(quarter * S // 8 * 2 + S // 16)
            seen.append(executor.counts.vus)
        task.get()

    harness.clock.run(watch)
    assert seen == [0, 0, 1, 1, 2, 2, 1, 1]


def test_stopped_ramp_starts_nothing_more() -> None:
    """A stop interrupts those who run, and the plan is not continued."""
    harness = Harness(takes(10))
    executor = harness.run_one(ramp((10, 10)), stop_at_ns=5 * S // 2)
    assert outcome(executor) == (0, 2, 0)
    assert harness.clock.now_ns() == 5 * S // 2
    assert executor.status is Status.INTERRUPTED


# Several scenarios, progress, minimum duration, VUs that end by themselves.


def test_scenarios_share_the_vus() -> None:
    """A scenario that begins after another has ended uses its VUs, with the state that they keep."""

    def body(harness: Harness, vu: VU) -> None:
        vu.language.append(vu.scenario)
        takes(1)(harness, vu)

    harness = Harness(body)
    first = ConstantVUs(name="first", vus=2, duration_ns=2 * S)
    second = ConstantVUs(name="second", vus=2, duration_ns=1 * S, start_time_ns=3 * S)
    harness.run(first, second)
    assert harness.environment.pool.initialized == 2
    assert {(started.vu, started.scenario) for started in harness.begun} == {
        (vu, name) for vu in (1, 2) for name in ("first", "second")
    }
    vu = harness.environment.pool.acquire()
    assert vu.language == ["first", "first", "second"]
    assert (vu.iteration, vu.iteration_in_scenario) == (3, 1)


def test_scenarios_side_by_side_do_not_share() -> None:
    """VUs in use are not lent out twice; each scenario counts for itself."""
    harness = Harness(takes(1))
    executors = harness.run(
        ConstantVUs(name="a", vus=2, duration_ns=2 * S), SharedIterations(name="b", vus=3, iterations=3)
    )
    assert [outcome(executor) for executor in executors] == [(4, 0, 0), (3, 0, 0)]
    assert harness.environment.pool.initialized == 5


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [
        (ConstantVUs(name="a", vus=1, duration_ns=4 * S, start_time_ns=S), [0.0, 0.125, 0.375, 0.625]),
        (SharedIterations(name="a", vus=1, iterations=4, start_time_ns=S), [0.0, 0.0, 0.25, 0.5]),
        (PerVUIterations(name="a", vus=2, iterations=4, start_time_ns=S), [0.0, 0.0, 0.25, 0.5]),
    ],
)
def test_progress_is_by_time_or_by_iterations(scenario: Scenario, expected: list[float]) -> None:
    """0 before the start, then the share of the time or of the iterations, and 1 after the end."""
    harness = Harness(takes(1))
    executor = harness.executor(scenario)
    seen = []

    def watch() -> None:
        task = gevent.spawn(executor.run, 0)
        for second in range(4):
            harness.clock.sleep_until_ns(second * S + S // 2)
            seen.append(executor.progress())
        task.get()

    harness.clock.run(watch)
    assert seen == expected
    assert executor.progress() == 1.0


def test_minimum_iteration_duration_is_waited_for_but_not_measured() -> None:
    """Iterations of 1 s with a minimum of 2 s start every 2 s, and their duration stays 1 s."""
    harness = Harness(takes(1), options=Options(min_iteration_duration_ns=2 * S))
    harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=5 * S))
    assert harness.starts == [0, 2 * S, 4 * S]
    assert harness.samples("iteration_duration") == [(S, 1000.0), (3 * S, 1000.0), (5 * S, 1000.0)]
    # The last pause would begin at the regular end.
    assert harness.clock.now_ns() == 5 * S


def test_stop_ends_a_pause() -> None:
    """A VU that waits for the minimum duration is stopped at once, and its iteration stays complete."""
    harness = Harness(takes(1), options=Options(min_iteration_duration_ns=60 * S))
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=100 * S), stop_at_ns=2 * S)
    assert outcome(executor) == (1, 0, 0)
    assert harness.clock.now_ns() == 2 * S


def test_regular_end_ends_a_pause() -> None:
    """Nobody waits for a pause after which nothing would start."""
    harness = Harness(takes(1), options=Options(min_iteration_duration_ns=60 * S))
    harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=3 * S))
    assert harness.clock.now_ns() == 3 * S


def test_vu_that_stops_itself_ends_quietly() -> None:
    """VUStopped ends the iterations of this VU only; its attempt does not count, nothing is dropped."""

    def body(harness: Harness, vu: VU) -> None:
        takes(1)(harness, vu)
        if vu.slot == 0:
            raise VUStopped

    for scenario in (
        ConstantVUs(name="a", vus=2, duration_ns=3 * S),
        PerVUIterations(name="a", vus=2, iterations=3),
    ):
        harness = Harness(body)
        executor = harness.run_one(scenario)
        assert outcome(executor) == (3, 0, 0)
        assert harness.logged == []


def test_scenario_whose_vus_all_stop_is_over() -> None:
    """When every VU has ended its iterations the scenario does not wait for its duration."""

    def body(harness: Harness, vu: VU) -> None:
        raise VUStopped

    for scenario in (
        ConstantVUs(name="a", vus=2, duration_ns=60 * S),
        SharedIterations(name="a", vus=2, iterations=9),
    ):
        harness = Harness(body)
        executor = harness.run_one(scenario)
        assert outcome(executor) == (0, 0, 0)
        assert harness.clock.now_ns() == 0


def test_stopped_slot_is_not_ramped_up_again() -> None:
    """A VU that ended its iterations stays ended when the plan would start its slot again."""

    def body(harness: Harness, vu: VU) -> None:
        takes(0.5)(harness, vu)
        raise VUStopped

    harness = Harness(body)
    harness.run_one(ramp((1, 1), (0, 0), (1, 0), (0, 1), (2, 1), start_vus=1))
    assert harness.starts == [0]


def test_stop_before_the_start_runs_nothing() -> None:
    """A scenario that is stopped while it waits for its startTime is over at once."""
    harness = Harness(takes(1))
    executor = harness.run_one(ConstantVUs(name="a", vus=1, duration_ns=S, start_time_ns=9 * S), stop_at_ns=S)
    assert harness.begun == []
    assert harness.clock.now_ns() == S
    assert executor.status is Status.INTERRUPTED


def test_equal_runs_are_equal() -> None:
    """The same plan gives the same starts in the same order."""
    runs = []
    for _ in range(2):
        harness = Harness(takes(0.7))
        harness.run(ramp((3, 5), (3, 1)), SharedIterations(name="b", vus=3, iterations=20))
        runs.append(harness.begun)
    assert runs[0] == runs[1]
