"""Rate limits count by key and window, and only when they are on."""

import pytest

from swell_target.base.errors import Problem
from swell_target.base.limits import MAX_KEYS, Limiter


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_so_many_in_a_window_and_then_again() -> None:
    """The third of two gets 429 with the seconds left; the next window begins anew; keys do not share."""
    clock = Clock()
    limiter = Limiter(active=True, clock=clock)
    limiter.take("a", 2, 60)
    clock.now = 20.5
    limiter.take("a", 2, 60)
    with pytest.raises(Problem) as caught:
        limiter.take("a", 2, 60)
    assert (caught.value.status, caught.value.headers) == (429, (("retry-after", "40"),))
    limiter.take("b", 2, 60)
    clock.now = 60
    limiter.take("a", 2, 60)


def test_nothing_is_limited_when_it_is_off() -> None:
    """The usual case."""
    limiter = Limiter(active=False)
    for _ in range(10):
        limiter.take("a", 1, 60)


def test_windows_that_are_over_are_forgotten() -> None:
    """Many callers do not fill the memory for ever."""
    clock = Clock()
    limiter = Limiter(active=True, clock=clock)
    for number in range(MAX_KEYS):
        limiter.take(str(number), 1, 60)
    clock.now = 61
    limiter.take("last", 1, 60)
    with pytest.raises(Problem):
        limiter.take("last", 1, 60)
    assert len(limiter._windows) == 1
