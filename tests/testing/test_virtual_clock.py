"""Tests of the virtual clock."""

import gevent
import pytest
from gevent.event import Event

from swell.testing.clock import VirtualClock


def test_time_jumps_to_the_next_deadline() -> None:
    """A sleep of a day takes no time and ends at its deadline exactly."""
    clock = VirtualClock()
    day = 86_400 * 10**9
    clock.run(lambda: clock.sleep_until_ns(day))
    assert clock.now_ns() == day


def test_result_and_exception_of_main_come_out() -> None:
    """``run`` gives what main returns and raises what it raises."""
    clock = VirtualClock()
    assert clock.run(lambda: 7) == 7

    def fail() -> None:
        raise LookupError("x")

    with pytest.raises(LookupError):
        clock.run(fail)


def test_sleepers_wake_in_order() -> None:
    """By deadline, and those with the same one in the order in which they began to wait."""
    clock = VirtualClock()
    woken: list[tuple[int, str]] = []

    def sleeper(name: str, deadline_ns: int) -> None:
        clock.sleep_until_ns(deadline_ns)
        woken.append((clock.now_ns(), name))

    def main() -> None:
        gevent.joinall(
            [gevent.spawn(sleeper, name, at) for name, at in [("a", 5), ("b", 3), ("c", 5), ("d", 3)]]
        )

    clock.run(main)
    assert woken == [(3, "b"), (3, "d"), (5, "a"), (5, "c")]


def test_everything_that_can_run_does_so_before_time_goes_on() -> None:
    """A greenlet that yields many times does so in one instant."""
    clock = VirtualClock()
    instants = set()

    def busy() -> None:
        for _ in range(1000):
            gevent.sleep(0)
            instants.add(clock.now_ns())

    def main() -> None:
        task = gevent.spawn(busy)
        clock.sleep_until_ns(9)
        task.join()

    clock.run(main)
    assert instants == {0}


def test_deadline_in_the_past_returns_at_once() -> None:
    """Time does not go back."""
    clock = VirtualClock(start_ns=10)
    clock.run(lambda: clock.sleep_until_ns(5))
    assert clock.now_ns() == 10


def test_time_does_not_stop_for_the_dead() -> None:
    """The deadline of a greenlet that was killed is forgotten."""
    clock = VirtualClock()
    visited = []

    def main() -> None:
        task = gevent.spawn(clock.sleep_until_ns, 5)
        clock.sleep_until_ns(1)
        task.kill()
        clock.sleep_until_ns(10)
        visited.append(clock.now_ns())

    clock.run(main)
    assert visited == [10]
    assert repr(clock) == "<VirtualClock now_ns=10 sleeping=0>"


def test_deadlock_is_an_error() -> None:
    """Waiting for what nobody will do does not hang the test."""
    with pytest.raises(RuntimeError, match="deadlock"):
        VirtualClock().run(lambda: Event().wait())


def test_stall_passes_time_without_a_turn_of_the_hub() -> None:
    """Those whose deadlines lie in a stall are woken after it, in order of their deadlines."""
    clock = VirtualClock()
    woken = []

    def sleeper(deadline_ns: int) -> None:
        clock.sleep_until_ns(deadline_ns)
        woken.append((deadline_ns, clock.now_ns()))

    def main() -> None:
        tasks = [gevent.spawn(sleeper, at) for at in (30, 5, 20)]
        clock.sleep_until_ns(1)
        clock.stall_ns(24)
        gevent.joinall(tasks)

    clock.run(main)
    assert woken == [(5, 25), (20, 25), (30, 30)]
