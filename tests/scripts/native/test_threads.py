"""Tests of swell.scripts.native.threads, and of greenlets that a script spawns."""

import threading

import gevent
import pytest

from swell.engine.vu import VU, current_vu
from swell.scripts.native.state import ContextError
from swell.scripts.native.threads import blocking

SCRIPT = """
import threading
import gevent
from swell import Counter, blocking, check, context, env, http
hits = Counter("hits")
seen = []
def add(a, b=0): return (a + b, context.vu.id, env.HOME_PAGE, threading.get_native_id())
def default():
    seen.append(blocking(add, 1, b=2))
    hits.add(1)
def failing(): blocking(int, "x")
def recording(): blocking(check, 1, {"c": True})
def counting(): blocking(hits.add, 1)
def asking(): blocking(http.get, "http://127.0.0.1:1/")
def pool():
    def work(n):
        check(n, {"in a greenlet": True})
        return context.vu.id
    assert [job.get() for job in [gevent.spawn(work, n) for n in range(3)]] == [1, 1, 1]
    assert gevent.spawn(lambda: gevent.spawn(work, 1).get()).get() == 1
"""


def test_result_and_context(start):
    """The function runs on another thread, knows the VU, and its result comes back; recording goes on."""
    loaded = start(SCRIPT).iterate()
    ((total, vu_id, page, thread),) = loaded.value("seen")
    assert (total, vu_id, page) == (3, 1, "http://localhost")
    assert thread != threading.get_native_id()
    assert loaded.samples("hits") == [({}, 1.0)]


def test_exceptions_propagate(start):
    """What the function raises is raised in the VU."""
    with pytest.raises(ValueError, match="invalid literal"):
        start(SCRIPT).iterate("failing")


@pytest.mark.parametrize("function", ["recording", "counting", "asking"])
def test_no_recording_on_threads(start, function: str):
    """Checks, metrics and requests on a native thread are refused: the recorder knows no locks."""
    loaded = start(SCRIPT)
    with pytest.raises(ContextError, match=r"inside blocking\(\)"):
        loaded.iterate(function)
    assert loaded.runtime.measured() == []


def test_others_go_on(start):
    """While one VU is inside blocking, another runs: here it is the other that lets the first one end."""
    loaded = start(SCRIPT)
    release = threading.Event()
    order: list[str] = []

    def slow() -> None:
        vu = VU(1, loaded.runtime)
        loaded.script.new_vu(vu)
        current_vu.set(vu)
        order.append("blocks")
        assert blocking(release.wait, 30)
        order.append("is released")

    def other() -> None:
        order.append("releases")
        release.set()

    gevent.joinall([gevent.spawn(slow), gevent.spawn(other)], raise_error=True)
    assert order == ["blocks", "releases", "is released"]


def test_needs_a_vu():
    """Without a VU the call says so."""
    with pytest.raises(ContextError, match=r"blocking\(\)"):
        blocking(print)


def test_spawned_greenlets_inherit_the_vu(start):
    """A greenlet that a script spawns acts for the VU that spawned it."""
    loaded = start(SCRIPT).iterate("pool")
    assert len(loaded.samples("checks")) == 4
