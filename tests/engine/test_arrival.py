"""Tests of the open-model executor on the virtual clock, and of its promptness on the real one."""

import gevent
import pytest
from executor_harness import Harness, S, outcome, takes

from swell.config.options import Options
from swell.config.scenarios import ConstantArrivalRate, RampingArrivalRate, Stage
from swell.engine.clock import GeventClock
from swell.engine.executor import Status
from swell.engine.vu import VU, VUStopped

MS = S // 1000


def constant(rate: int, seconds: int, vus: int, max_vus: int = 0, **fields: object) -> ConstantArrivalRate:
    """``rate`` a second for ``seconds``, with ``vus`` made ahead."""
    return ConstantArrivalRate(
        name="a",
        rate=rate,
        duration_ns=seconds * S,
        pre_allocated_vus=vus,
        max_vus=max_vus or vus,
        **fields,  # type: ignore[arg-type]
    )


def test_constant_rate_starts_on_schedule() -> None:
    """Two a second for three seconds: at 0, 0.5 ... 2.5 s, without lag, and the scenario ends at 3 s."""
    harness = Harness(takes(0.1))
    executor = harness.run_one(constant(2, 3, vus=1))
    assert harness.starts == [i * S // 2 for i in range(6)]
    assert [started.number for started in harness.begun] == list(range(6))
    assert outcome(executor) == (6, 0, 0)
    assert harness.samples("iteration_start_lag") == [(i * S // 2, 0.0) for i in range(6)]
    assert harness.clock.now_ns() == 3 * S
    assert executor.status is Status.DONE


def test_an_arrival_on_the_end_starts_where_it_is_asked_for() -> None:
    """Two a second for three seconds, the end included: a seventh starts at 3 s and runs to its end."""
    harness = Harness(takes(0.1))
    executor = harness.run_one(constant(2, 3, vus=1, includes_end=True))
    assert harness.starts == [i * S // 2 for i in range(7)]
    assert outcome(executor) == (7, 0, 0)
    assert harness.clock.now_ns() == 3 * S + S // 10


def test_ramping_rate_starts_where_the_integral_is_whole() -> None:
    """From 0 to 2 a second over 4 s: at 2, 2.83, 3.46 and 4 s, the last one at the very end."""
    harness = Harness(takes(0.1))
    executor = harness.run_one(
        RampingArrivalRate(name="a", stages=(Stage(4 * S, 2),), pre_allocated_vus=1, max_vus=1)
    )
    assert harness.starts == [2 * S, 2828427124, 3464101615, 4 * S]
    assert outcome(executor) == (4, 0, 0)
    assert harness.clock.now_ns() == 4 * S + S // 10


def test_response_time_counts_from_the_intended_start() -> None:
    """Duration and response time agree where nothing is late."""
    harness = Harness(takes(0.25))
    harness.run_one(constant(1, 2, vus=1))
    assert harness.samples("iteration_response_time") == harness.samples("iteration_duration")
    assert harness.samples("iteration_duration") == [(S // 4, 250.0), (S + S // 4, 250.0)]


def test_arrival_without_an_idle_vu_is_dropped() -> None:
    """One VU with iterations of 1.5 s at one a second: every second arrival is dropped, none is queued."""
    harness = Harness(takes(1.5))
    executor = harness.run_one(constant(1, 6, vus=1))
    assert harness.starts == [0, 2 * S, 4 * S]
    assert outcome(executor) == (3, 0, 3)
    assert harness.samples("dropped_iterations") == [(S, 1.0), (3 * S, 1.0), (5 * S, 1.0)]
    assert [started.number for started in harness.begun] == [0, 2, 4]


def test_vu_that_ends_in_the_instant_of_an_arrival_takes_it() -> None:
    """Iterations of exactly one period on one VU leave nothing to drop."""
    harness = Harness(takes(1))
    assert outcome(harness.run_one(constant(1, 5, vus=1))) == (5, 0, 0)


def test_vus_are_made_one_at_a_time_up_to_the_maximum() -> None:
    """Each drop makes one VU ready for the next arrival, until max_vus; then one warning says so."""
    harness = Harness(takes(60))
    executor = harness.run_one(constant(1, 6, vus=1, max_vus=3, graceful_stop_ns=0))
    # 0: the first; 1: dropped, second made; 2: second; 3: dropped, third made; 4: third; 5: dropped.
    assert harness.starts == [0, 2 * S, 4 * S]
    assert outcome(executor) == (0, 3, 3)
    assert harness.environment.pool.initialized == 3
    warnings = [message for level, message in harness.logged if level == "warning"]
    assert len(warnings) == 1
    assert warnings[0].startswith("Insufficient VUs, reached 3 active VUs and cannot initialize more")
    assert "'a'" in warnings[0]


def test_only_one_vu_is_made_at_a_time() -> None:
    """While a VU is being made ready, drops make no other."""

    class Slow(Harness):
        def new_vu(self, vu: VU) -> None:
            super().new_vu(vu)
            if vu.id > 1:
                self.clock.sleep_until_ns(self.clock.now_ns() + 5 * S // 2)

    harness = Slow(takes(60))
    executor = harness.run_one(constant(1, 6, vus=1, max_vus=9, graceful_stop_ns=0))
    # 1: dropped, second begun, ready at 3.5; 2, 3 dropped; 4: second; 5: dropped, third begun, in vain.
    assert harness.starts == [0, 4 * S]
    assert outcome(executor) == (0, 2, 4)
    assert harness.environment.pool.initialized == 2


def test_pre_allocated_vus_take_turns() -> None:
    """The VU that has been idle longest takes the next arrival."""
    harness = Harness(takes(0.1))
    harness.run_one(constant(1, 6, vus=3))
    assert [started.vu for started in harness.begun] == [1, 2, 3, 1, 2, 3]


def stall(harness: Harness, duration_ns: int) -> None:
    """From half a second on, block the hub."""
    harness.clock.sleep_until_ns(S // 2)
    harness.clock.stall_ns(duration_ns)


def test_late_arrivals_start_at_once_and_show_their_lag() -> None:
    """A clock that jumps over five arrivals starts them all in the instant in which it is read again."""
    harness = Harness(takes(0.1))
    executor = harness.executor(constant(1, 8, vus=9))

    def main() -> None:
        gevent.spawn(stall, harness, 5 * S)
        executor.run(0)

    harness.clock.run(main)
    assert outcome(executor) == (8, 0, 0)
    lags = [value for _, value in harness.samples("iteration_start_lag")]
    assert lags == [0.0, 4500.0, 3500.0, 2500.0, 1500.0, 500.0, 0.0, 0.0]
    responses = [value for _, value in harness.samples("iteration_response_time")]
    assert responses == [lag + 100.0 for lag in lags]


def test_arrivals_later_than_the_graceful_stop_are_dropped() -> None:
    """After a stall beyond the scenario's latest end nothing is started, and everything left is counted."""
    harness = Harness(takes(0.1))
    executor = harness.executor(constant(1, 8, vus=9, graceful_stop_ns=S))

    def main() -> None:
        gevent.spawn(stall, harness, 60 * S)
        executor.run(0)

    harness.clock.run(main)
    assert outcome(executor) == (1, 0, 7)


def test_running_iterations_get_the_graceful_stop() -> None:
    """What still runs at the regular end may finish; what exceeds the graceful stop is interrupted."""
    harness = Harness(takes(2.5))
    executor = harness.run_one(constant(1, 3, vus=5, graceful_stop_ns=S))
    # Started at 0, 1, 2 s, they end at 2.5, 3.5 and would at 4.5 s.
    assert outcome(executor) == (2, 1, 0)
    assert harness.clock.now_ns() == 4 * S


def test_stop_interrupts_at_once() -> None:
    """A stop cuts what runs, wakes what is parked and starts no more; nothing is dropped."""
    harness = Harness(takes(2.5))
    executor = harness.run_one(constant(1, 30, vus=20), stop_at_ns=4 * S + S // 2)
    assert outcome(executor) == (3, 2, 0)
    assert harness.clock.now_ns() == 4 * S + S // 2
    assert executor.status is Status.INTERRUPTED
    assert harness.environment.pool.idle == 20


def test_vus_are_those_that_execute_an_iteration() -> None:
    """``counts.vus`` leaves the idle ones out."""
    harness = Harness(takes(2))
    executor = harness.executor(constant(1, 4, vus=10))
    seen = []

    def main() -> None:
        task = gevent.spawn(executor.run, 0)
        for second in range(7):
            harness.clock.sleep_until_ns(second * S + S // 2)
            seen.append(executor.counts.vus)
        task.get()

    harness.clock.run(main)
    assert seen == [1, 2, 2, 2, 1, 0, 0]


def test_minimum_duration_keeps_the_vu_busy() -> None:
    """A VU is idle again only after the minimum iteration duration; the regular end ends the pause."""
    harness = Harness(takes(0.1), options=Options(min_iteration_duration_ns=3 * S // 2))
    executor = harness.run_one(constant(1, 5, vus=1))
    assert harness.starts == [0, 2 * S, 4 * S]
    assert outcome(executor) == (3, 0, 2)
    assert harness.clock.now_ns() == 5 * S


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
@pytest.mark.parametrize("distribution", ["uniform", "poisson"])
def test_workers_together_run_the_plan(workers: int, distribution: str) -> None:
    """The union of the workers' starts is that of one worker, in numbers and instants."""
    starts = []
    for index in range(workers):
        harness = Harness(takes(0.01), worker_index=index, worker_count=workers)
        harness.run_one(constant(10, 5, vus=4, max_vus=20, distribution=distribution, graceful_stop_ns=0))
        starts += [(started.number, started.at_ns) for started in harness.begun]
    alone = Harness(takes(0.01))
    alone.run_one(constant(10, 5, vus=20, distribution=distribution))
    whole = [(started.number, started.at_ns) for started in alone.begun]
    if workers <= 4:
        assert sorted(starts) == whole
    else:
        # A worker without a pre-allocated VU drops its first arrival and makes one.
        assert set(whole) - set(starts) <= set(whole[:5])


def test_vus_that_stop_are_not_replaced() -> None:
    """When every VU that the scenario may have has ended its iterations, the scenario is over."""

    def body(harness: Harness, vu: VU) -> None:
        if vu.iteration == 1:
            raise VUStopped

    harness = Harness(body)
    executor = harness.run_one(constant(1, 60, vus=2))
    assert outcome(executor) == (2, 0, 0)
    assert harness.starts == [0, S, 2 * S, 3 * S]
    assert harness.clock.now_ns() == 4 * S
    assert executor.status is Status.DONE


def test_empty_iterations_need_no_more_vus_than_one() -> None:
    """One VU serves a thousand arrivals a second where iterations take no time."""

    def body(harness: Harness, vu: VU) -> None:
        pass

    harness = Harness(body)
    assert outcome(harness.run_one(constant(1000, 2, vus=1))) == (2000, 0, 0)


def test_nothing_pre_allocated_starts_with_a_drop() -> None:
    """With no VU made ahead, the first arrival is dropped and makes one."""
    harness = Harness(takes(0.1))
    executor = harness.run_one(constant(1, 3, vus=0, max_vus=1))
    assert harness.starts == [S, 2 * S]
    assert outcome(executor) == (2, 0, 1)


def test_real_clock_loses_nothing() -> None:
    """On the real hub every arrival is either started or counted as dropped, never early."""
    harness = Harness(lambda _harness, _vu: gevent.sleep(0.001), clock=GeventClock())
    executor = harness.executor(
        ConstantArrivalRate(name="a", rate=2000, duration_ns=200 * MS, pre_allocated_vus=200, max_vus=200)
    )
    gevent.spawn(executor.run, harness.clock.now_ns()).get()
    completed, interrupted, dropped = outcome(executor)
    assert completed + dropped == 400
    assert interrupted == 0
    lags = [value for _, value in harness.samples("iteration_start_lag")]
    assert len(lags) == completed
    assert min(lags) >= 0
