"""Tests of the iteration wrapper: what is recorded, what exceptions become, how a VU is ended."""

import gc
import weakref

import gevent
import pytest
from executor_harness import Harness, S, outcome, takes
from gevent.event import Event

from swell.config.options import Options
from swell.config.scenarios import ConstantArrivalRate, ConstantVUs, PerVUIterations, SharedIterations
from swell.engine.clock import GeventClock
from swell.engine.executor import Status
from swell.engine.vu import VU, IterationInterrupted, RunAborted, VUStopped, current_vu
from swell.engine.vu_handle import INSIST_NS, INSIST_TIMES, VUHandle

MS = S // 1000
ONCE = PerVUIterations(name="a", vus=1, iterations=1)
FOREVER = ConstantVUs(name="a", vus=1, duration_ns=3600 * S)


def sleep(harness: Harness, seconds: float) -> None:
    """Wait on the harness's clock."""
    harness.clock.sleep_until_ns(harness.clock.now_ns() + int(seconds * S))


# What an iteration sees and leaves.


def test_iteration_is_recorded_at_its_end_in_milliseconds() -> None:
    """One sample of iteration_duration with the time of the end."""
    harness = Harness(takes(0.0015))
    harness.run_one(ONCE)
    assert harness.samples("iteration_duration") == [(1_500_000, 1.5)]


def test_closed_model_has_no_start_lag() -> None:
    """Start lag and response time exist only where a start was planned."""
    harness = Harness(takes(1))
    harness.run_one(ONCE)
    assert harness.samples("iteration_start_lag") == []
    assert harness.samples("iteration_response_time") == []


def test_vu_says_how_late_its_iteration_started() -> None:
    """-1 in the closed model; in the open model the start lag, for the client to count from."""
    seen: list[int] = []

    def body(harness: Harness, vu: VU) -> None:
        seen.append(vu.start_lag_ns)

    Harness(body).run_one(ONCE)
    assert seen == [-1]
    Harness(body).run_one(
        ConstantArrivalRate(name="a", rate=1, duration_ns=S, pre_allocated_vus=1, max_vus=1)
    )
    assert seen == [-1, 0]


def test_samples_carry_the_scenario_tags() -> None:
    """Run tags, scenario tags and the system tags that are switched on."""
    harness = Harness(takes(1), options=Options(tags={"run": "7"}, system_tags=("scenario", "group", "url")))
    executor = harness.run_one(PerVUIterations(name="shop", tags={"team": "blue"}))
    assert executor.base_tags.as_dict() == {"run": "7", "team": "blue", "scenario": "shop", "group": ""}
    bare = Harness(takes(1), options=Options(system_tags=()))
    assert bare.run_one(PerVUIterations(name="shop")).base_tags.as_dict() == {}


def test_vu_knows_where_it_is() -> None:
    """Scenario, function, executor, environment, counters and context variable, from the start on."""
    seen = []

    def body(harness: Harness, vu: VU) -> None:
        assert current_vu.get() is vu
        assert vu.greenlet is gevent.getcurrent()
        assert vu.scenario_progress() == vu.iteration / 2
        seen.append((vu.iteration, vu.iteration_in_scenario, vu.iteration_number))
        assert (vu.scenario, vu.exec_name, vu.executor) == ("a", "browse", "shared-iterations")
        assert vu.env == {"RUN": "1", "EXTRA": "2"}
        assert vu.scenario_started_ns == 5 * S

    harness = Harness(body)
    scenario = SharedIterations(
        name="a", exec="browse", vus=1, iterations=2, env={"EXTRA": "2"}, start_time_ns=5 * S
    )
    assert outcome(harness.run_one(scenario)) == (2, 0, 0)
    assert harness.logged == []
    assert seen == [(0, 0, 0), (1, 1, 1)]


def test_vu_context_does_not_leak() -> None:
    """The context variable is the VU's own: neither another VU's nor the caller's."""
    seen = set()

    def body(harness: Harness, vu: VU) -> None:
        sleep(harness, 1)
        seen.add(current_vu.get().id)

    Harness(body).run_one(PerVUIterations(name="a", vus=3))
    assert seen == {1, 2, 3}
    assert current_vu.get(None) is None


def test_tags_and_group_are_reset() -> None:
    """What an iteration leaves in tags and group is gone in the next; base_tags are the front end's."""

    def body(harness: Harness, vu: VU) -> None:
        assert vu.tags is vu.base_tags
        assert vu.group == ""
        vu.tags = harness.registry.extend(vu.tags, {"x": "1"})
        vu.group = "::a"
        if vu.iteration == 1:
            vu.base_tags = harness.registry.extend(vu.base_tags, {"y": "2"})

    harness = Harness(body)
    assert outcome(harness.run_one(PerVUIterations(name="a", iterations=4))) == (4, 0, 0)
    assert harness.logged == []


def test_end_of_iteration_is_told_however_it_ended() -> None:
    """The front end resets what is per iteration after a success, an exception and an interruption."""

    def body(harness: Harness, vu: VU) -> None:
        if vu.iteration == 1:
            raise ValueError("no")
        sleep(harness, 2)

    harness = Harness(body)
    assert outcome(harness.run_one(FOREVER, stop_at_ns=3 * S)) == (2, 1, 0)
    assert harness.reset_vus == [1, 1, 1]


# Exceptions.


def test_exception_completes_the_iteration() -> None:
    """It is recorded as any other, logged with the script's own stack, and noted with an example."""

    def body(harness: Harness, vu: VU) -> None:
        sleep(harness, 0.5)
        raise ValueError("bad answer")

    harness = Harness(body)
    assert outcome(harness.run_one(ONCE)) == (1, 0, 0)
    assert harness.samples("iteration_duration") == [(S // 2, 500.0)]
    assert harness.logged == [("error", "script.py:1: ValueError('bad answer')")]
    (row,) = harness.errors.drain()
    assert (row.code, row.message, row.name, row.count) == (0, "ValueError: bad answer", "default", 1)
    assert row.example == "script.py:1: ValueError('bad answer')"


@pytest.mark.parametrize("error", [SystemExit(3), gevent.Timeout(1), KeyboardInterrupt(), MemoryError()])
def test_whatever_a_script_raises_is_an_exception(error: BaseException) -> None:
    """sys.exit() or an escaping Timeout in a script ends its iteration, not the worker."""

    def body(harness: Harness, vu: VU) -> None:
        raise error

    harness = Harness(body)
    assert outcome(harness.run_one(PerVUIterations(name="a", iterations=2))) == (2, 0, 0)
    assert sum(row.count for row in harness.errors.drain()) == 2


def test_run_abort_ends_this_vu_and_asks_for_the_end() -> None:
    """RunAborted counts as an interruption, and the message goes up once."""

    def body(harness: Harness, vu: VU) -> None:
        sleep(harness, 1)
        raise RunAborted("enough")

    harness = Harness(body)
    assert outcome(harness.run_one(FOREVER)) == (0, 1, 0)
    assert harness.aborted == ["enough"]
    assert harness.samples("iteration_duration") == []


def test_interruption_raised_by_a_front_end_cuts_this_iteration_only() -> None:
    """Without a request from the engine the VU goes on with its next iteration."""

    def body(harness: Harness, vu: VU) -> None:
        sleep(harness, 1)
        if vu.iteration == 0:
            raise IterationInterrupted

    harness = Harness(body)
    assert outcome(harness.run_one(PerVUIterations(name="a", iterations=3))) == (2, 1, 0)


def test_fault_while_a_vu_is_made_ready_ends_the_scenario() -> None:
    """What ``script.iteration`` raises reaches the caller of ``run``; the other VUs are ended."""

    class Broken(Harness):
        def iteration(self, vu: VU, function: str, setup_data: bytes | None):  # type: ignore[no-untyped-def]
            if vu.id == 2:
                raise LookupError("no such function")
            return super().iteration(vu, function, setup_data)

    harness = Broken(takes(5))
    with pytest.raises(LookupError, match="no such function"):
        harness.run_one(ConstantVUs(name="a", vus=3, duration_ns=60 * S))
    assert harness.clock.now_ns() == 0
    assert harness.environment.pool.idle == 2


# Interruption.


def test_interruption_reaches_a_vu_that_waits_for_others() -> None:
    """A VU that waits for greenlets which its script started is interrupted there."""

    def body(harness: Harness, vu: VU) -> None:
        gevent.joinall([gevent.spawn(sleep, harness, 60) for _ in range(3)])

    harness = Harness(body)
    executor = harness.run_one(FOREVER, stop_at_ns=2 * S)
    assert outcome(executor) == (0, 1, 0)
    assert harness.clock.now_ns() == 2 * S


def test_swallowed_interruption_is_repeated() -> None:
    """A bare except that goes on is interrupted again, and the iteration counts as interrupted."""

    def body(harness: Harness, vu: VU) -> None:
        try:
            sleep(harness, 60)
        except:  # noqa: E722
            sleep(harness, 60)

    harness = Harness(body)
    executor = harness.run_one(FOREVER, stop_at_ns=2 * S)
    assert outcome(executor) == (0, 1, 0)
    assert harness.clock.now_ns() == 2 * S + INSIST_NS
    assert harness.environment.pool.idle == 1


def test_swallowed_interruption_is_no_success() -> None:
    """An iteration that catches the interruption and returns at once is interrupted all the same."""

    def body(harness: Harness, vu: VU) -> None:
        try:
            sleep(harness, 60)
        except BaseException as error:
            raise RuntimeError("in disguise") from error

    harness = Harness(body)
    assert outcome(harness.run_one(FOREVER, stop_at_ns=2 * S)) == (0, 1, 0)
    assert harness.logged == []
    assert harness.clock.now_ns() == 2 * S


def test_cleanup_may_take_its_instant() -> None:
    """A finally that waits less than the time between two interruptions is left alone."""
    done = []

    def body(harness: Harness, vu: VU) -> None:
        try:
            sleep(harness, 60)
        finally:
            sleep(harness, 0.05)
            done.append(harness.clock.now_ns())

    harness = Harness(body)
    assert outcome(harness.run_one(FOREVER, stop_at_ns=2 * S)) == (0, 1, 0)
    assert done == [2 * S + S // 20]


def test_vu_that_never_gives_in_is_given_up() -> None:
    """After a while the run goes on without it, with one error that names it."""

    def body(harness: Harness, vu: VU) -> None:
        while True:
            try:
                sleep(harness, 60)
            except BaseException:  # noqa: BLE001  # what the test is about
                continue

    harness = Harness(body)
    executor = harness.run_one(FOREVER, stop_at_ns=2 * S)
    assert outcome(executor) == (0, 1, 0)
    assert harness.clock.now_ns() == 2 * S + INSIST_NS * (INSIST_TIMES + 1)
    (line,) = harness.logged
    assert line[0] == "error"
    assert "VU 1 of scenario 'a'" in line[1]
    assert harness.environment.pool.idle == 0


def test_vu_that_gives_in_after_it_was_given_up_counts_once() -> None:
    """What a VU that was given up does later is not counted, and it is not lent out again."""
    released = Event()

    def body(harness: Harness, vu: VU) -> None:
        while not released.is_set():
            try:
                sleep(harness, 60)
            except BaseException:  # noqa: BLE001  # what the test is about
                continue

    harness = Harness(body)
    executor = harness.executor(FOREVER)

    def main() -> None:
        task = gevent.spawn(executor.run, 0)
        harness.clock.sleep_until_ns(S)
        executor.stop()
        task.get()
        released.set()
        harness.clock.sleep_until_ns(200 * S)

    harness.clock.run(main)
    assert outcome(executor) == (0, 1, 0)
    assert harness.environment.pool.idle == 0


def test_stop_while_a_vu_is_being_made_ready() -> None:
    """VU code that waits is interrupted too, and that is no fault."""

    class Slow(Harness):
        def new_vu(self, vu: VU) -> None:
            sleep(self, 60)

    for scenario in (
        FOREVER,
        ConstantArrivalRate(name="a", rate=1, duration_ns=99 * S, pre_allocated_vus=1, max_vus=1),
    ):
        harness = Slow(takes(1))
        executor = harness.run_one(scenario, stop_at_ns=2 * S)
        assert outcome(executor) == (0, 0, 0)
        assert harness.clock.now_ns() == 2 * S
        assert harness.environment.pool.initialized == 0


def test_killed_while_parked_is_not_woken() -> None:
    """An idle VU whose greenlet is killed takes no arrival; the others do."""
    harness = Harness(takes(0.1))
    executor = harness.executor(
        ConstantArrivalRate(name="a", rate=1, duration_ns=4 * S, pre_allocated_vus=2, max_vus=2)
    )

    def main() -> None:
        task = gevent.spawn(executor.run, 0)
        harness.clock.sleep_until_ns(S // 2)
        parked = next(handle for handle in executor._live if handle.slot == 1)
        gevent.get_hub().loop.run_callback(parked.greenlet.throw, gevent.GreenletExit)
        task.get()

    harness.clock.run(main)
    assert [started.slot for started in harness.begun] == [0, 0, 0, 0]
    assert outcome(executor) == (4, 0, 0)


def test_stop_twice_is_a_stop() -> None:
    """A second stop changes nothing."""
    harness = Harness(takes(60))
    executor = harness.executor(ConstantVUs(name="a", vus=3, duration_ns=99 * S))

    def main() -> None:
        task = gevent.spawn(executor.run, 0)
        harness.clock.sleep_until_ns(S)
        executor.stop()
        executor.stop()
        task.get()
        executor.stop()

    harness.clock.run(main)
    assert outcome(executor) == (0, 3, 0)
    assert executor.status is Status.INTERRUPTED


def test_killed_greenlet_ends_its_vu() -> None:
    """A script that kills its own greenlet ends this VU, and nothing else."""

    def body(harness: Harness, vu: VU) -> None:
        if vu.slot == 0:
            raise gevent.GreenletExit
        sleep(harness, 1)

    harness = Harness(body)
    assert outcome(harness.run_one(PerVUIterations(name="a", vus=2, iterations=2))) == (2, 1, 0)


def test_forgotten_timer_does_not_start_a_parked_vu() -> None:
    """A Timeout that a script left running hits the VU while it is parked, without effect."""

    def body(harness: Harness, vu: VU) -> None:
        gevent.Timeout(0.005).start()

    harness = Harness(body, clock=GeventClock())
    executor = harness.executor(
        ConstantArrivalRate(name="a", rate=20, duration_ns=100 * MS, pre_allocated_vus=1, max_vus=1)
    )
    gevent.spawn(executor.run, harness.clock.now_ns()).get()
    assert outcome(executor) == (2, 0, 0)
    assert [number.number for number in harness.begun] == [0, 1]


def test_handles_are_freed() -> None:
    """Nothing keeps the handle of a VU that has ended, without the help of the cycle collector."""
    harness = Harness(takes(1))
    kept: list[weakref.ref[object]] = []

    class Tracked(VUHandle):
        __slots__ = ("__weakref__",)

    executor = harness.executor(PerVUIterations(name="a", vus=2, iterations=2))
    make = executor._spawn

    def spawn(*arguments):  # type: ignore[no-untyped-def]
        handle = make(*arguments)
        kept.append(weakref.ref(handle.greenlet))
        return handle

    executor._spawn = spawn  # type: ignore[method-assign]
    gc.disable()
    try:
        harness.clock.run(lambda: executor.run(0))
        assert [reference() for reference in kept] == [None, None]
    finally:
        gc.enable()


# The hub.


def test_iterations_that_never_wait_do_not_starve_the_hub() -> None:
    """With VUs whose iterations are empty, a stop still gets through, and so does a timer."""
    harness = Harness(lambda _harness, _vu: None, clock=GeventClock())
    executor = harness.executor(ConstantVUs(name="a", vus=3, duration_ns=3600 * S))
    task = gevent.spawn(executor.run, harness.clock.now_ns())
    with gevent.Timeout(60):
        # All of them get their turns, and so does this timer.
        while {started.vu for started in harness.begun} != {1, 2, 3}:
            gevent.sleep(0.001)
    executor.stop()
    task.get(timeout=60)
    assert executor.status is Status.INTERRUPTED
    assert executor.counts.started == executor.counts.completed > 0


def test_iterations_that_never_wait_end_on_time() -> None:
    """An empty loop ends with its duration."""
    harness = Harness(lambda _harness, _vu: None, clock=GeventClock())
    executor = harness.executor(ConstantVUs(name="a", vus=2, duration_ns=20 * MS))
    start_ns = harness.clock.now_ns()
    gevent.spawn(executor.run, start_ns).get(timeout=60)
    assert harness.clock.now_ns() >= start_ns + 20 * MS
    # At most the one that each VU was about to start.
    assert sum(started.at_ns >= start_ns + 20 * MS for started in harness.begun) <= 2
    assert executor.status is Status.DONE


def test_interruption_of_real_waiting() -> None:
    """A VU that waits on the real hub for something that never comes is interrupted."""
    harness = Harness(lambda _harness, _vu: Event().wait(), clock=GeventClock())
    executor = harness.executor(ConstantVUs(name="a", vus=50, duration_ns=3600 * S))
    task = gevent.spawn(executor.run, harness.clock.now_ns())
    gevent.sleep(0.01)
    executor.stop()
    task.get(timeout=60)
    assert outcome(executor) == (0, 50, 0)


def test_vu_stopped_while_interrupted_is_interrupted() -> None:
    """A VUStopped that is raised on the way out of an interruption counts as the interruption."""

    def body(harness: Harness, vu: VU) -> None:
        try:
            sleep(harness, 60)
        finally:
            raise VUStopped

    harness = Harness(body)
    assert outcome(harness.run_one(FOREVER, stop_at_ns=S)) == (0, 1, 0)


def test_representations_show_the_state() -> None:
    """``repr`` of executor, handle and pool says where they are."""
    harness = Harness(takes(5))
    executor = harness.executor(FOREVER)
    seen = []

    def main() -> None:
        task = gevent.spawn(executor.run, 0)
        harness.clock.sleep_until_ns(S)
        seen.extend([repr(executor), *map(repr, executor._live), repr(harness.environment.pool)])
        executor.stop()
        task.get()

    harness.clock.run(main)
    assert seen == [
        "<ConstantVUsExecutor 'a' running <Counts completed=0 dropped=0 interrupted=0 started=1 vus=1>>",
        "<VUHandle slot=0 RUNNING <VU 1 scenario='a' slot=0 iteration=0>>",
        "<VUPool initialized=1 idle=0>",
    ]
