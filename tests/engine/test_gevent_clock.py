"""Tests of the real clock: never early."""

import time

import gevent

from swell.engine.clock import GeventClock

MS = 1_000_000


def test_deadline_is_never_early() -> None:
    """Whoever sleeps until an instant wakes at or after it, whatever the hub's own idea of the time."""
    clock = GeventClock()
    early = []

    def sleeper(deadline_ns: int) -> None:
        clock.sleep_until_ns(deadline_ns)
        if clock.now_ns() < deadline_ns:
            early.append(deadline_ns)

    start_ns = clock.now_ns()
    tasks = [gevent.spawn(sleeper, start_ns + delay * MS // 10) for delay in range(1, 200)]
    gevent.joinall(tasks, raise_error=True)
    assert early == []


def test_deadline_in_the_past_returns_at_once() -> None:
    """No switch to the hub, no error."""
    clock = GeventClock()
    turned = gevent.spawn(lambda: None)
    clock.sleep_until_ns(clock.now_ns() - 1)
    assert not turned.ready()
    turned.join()


def test_clock_is_the_monotonic_one() -> None:
    """Instants compare with those of other processes."""
    before = time.monotonic_ns()
    assert before <= GeventClock().now_ns() <= time.monotonic_ns()
