"""Turns for others: what is due goes before the one that computes."""

from time import monotonic

import gevent

from swell.base.greenlets import give_way


def test_timers_that_are_due_go_before_who_gives_way() -> None:
    """One that computes all the time holds a timer up for one turn, not for a hundred."""
    turns: list[int] = []
    waits = gevent.spawn(gevent.sleep, 0.001)
    gevent.sleep(0)
    until = monotonic() + 0.002
    while monotonic() < until:
        pass
    while not waits.ready():
        turns.append(len(turns))
        give_way()
    assert len(turns) <= 2
