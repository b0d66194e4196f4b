"""Rate limits count by key and window, over all processes, and only when they are on."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from target_burst import burst, post
from target_platform import Platform

from swell_target.base.errors import Problem
from swell_target.base.limits import PLACES, SLOTS, Limiter


class Clock:
    """Time that passes when a test says so."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """The limiters' clock."""
    return Clock()


@pytest.fixture
def limiters(tmp_path: Path, clock: Clock) -> Iterator[list[Limiter]]:
    """Those of two processes, as each has a map of the file of its own."""
    made = [Limiter(tmp_path / "limits", "test", active=True, clock=clock) for _ in range(2)]
    yield made
    for limiter in made:
        limiter.close()


def test_so_many_in_a_window_and_then_again(limiters: list[Limiter], clock: Clock) -> None:
    """The third of two gets 429 with the seconds left; the next window begins anew; keys do not share."""
    first, second = limiters
    clock.now = 10
    first.take("a", 2, 60)
    clock.now = 30.5
    second.take("a", 2, 60)
    for limiter in limiters:
        with pytest.raises(Problem) as caught:
            limiter.take("a", 2, 60)
        assert (caught.value.status, caught.value.headers) == (429, (("retry-after", "40"),))
        with pytest.raises(Problem):
            limiter.check("a", 2)
    first.take("b", 2, 60)
    first.check("b", 2)
    clock.now = 70
    first.check("a", 2)
    first.take("a", 2, 60)


def test_nothing_is_limited_when_it_is_off(tmp_path: Path) -> None:
    """The usual case; what counts always does count."""
    limiter = Limiter(tmp_path / "limits", "test", active=False)
    for _ in range(10):
        limiter.take("a", 1, 60)
        limiter.check("a", 0)
    limiter.count("a", 1, 60)
    with pytest.raises(Problem):
        limiter.count("a", 1, 60)
    limiter.close()


def test_services_do_not_share(tmp_path: Path) -> None:
    """One key of two services is two windows."""
    for name in ("one", "other"):
        limiter = Limiter(tmp_path / "limits", name, active=True)
        limiter.take("a", 1, 60)
        limiter.close()


def test_windows_that_are_over_make_room(limiters: list[Limiter], clock: Clock) -> None:
    """More callers than places do not fill the table for ever: a new one is counted exactly."""
    for number in range(SLOTS + PLACES):
        limiters[0].take(str(number), 1, 60)
    clock.now = 61
    limiters[0].take("last", 1, 60)
    with pytest.raises(Problem):
        limiters[1].take("last", 1, 60)


def test_a_limit_holds_over_processes(data: Path) -> None:
    """Fifteen at once at two processes: ten are let through."""
    with Platform(data, "--limits", "--processes", "2", services="wwmaa") as platform:
        path = "/api/events/nobody-s/rsvp"
        who = b'{"participant": {"email": "a@b.example", "first_name": "A", "last_name": "B"}}'
        answers = burst(platform["wwmaa"].url, [post(path, who) for _ in range(15)])
        assert sorted(answer.status for answer in answers) == [404] * 10 + [429] * 5
