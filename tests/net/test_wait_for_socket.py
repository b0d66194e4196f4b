"""Waiting for a socket: the time given is the time there is."""

import socket
import time

import gevent

from swell.net.waiter import wait_for_socket


def test_work_before_the_wait_is_not_taken_from_it() -> None:
    """The loop's clock stood still while the greenlet worked; the wait is as long as it should be."""
    left, right = socket.socketpair()
    with left, right:
        gevent.sleep(0)
        busy_until = time.monotonic_ns() + 60_000_000
        while time.monotonic_ns() < busy_until:
            pass
        deadline = time.monotonic_ns() + 30_000_000
        assert not wait_for_socket(left.fileno(), 1, deadline)
        # libev's timers may be early by a little; half of the time is not little.
        assert time.monotonic_ns() > deadline - 15_000_000
        right.send(b"x")
        assert wait_for_socket(left.fileno(), 1, time.monotonic_ns() + 10_000_000_000)
