"""The offset between the clocks."""

from collections.abc import Callable, Iterator

from swell.base.clock import MAX_READ_GAP_NS, ClockOffset


def scripted(*readings: int) -> Callable[[], int]:
    """A clock that gives the readings in turn, and the last one for ever."""
    left: Iterator[int] = iter(readings)
    last = readings[-1]
    return lambda: next(left, last)


def test_the_offset_is_taken_from_the_narrowest_reading() -> None:
    """Of three readings the one with the smallest gap counts, and its middle is the instant."""
    monotonic = scripted(0, 1000, 2000, 2010, 3000, 3500)
    wall = scripted(10_000, 12_001, 14_000)
    assert ClockOffset(monotonic, wall).ns == 12_001 - 2000 - 5


def test_a_step_is_the_change_since_the_last_measurement() -> None:
    """The wall clock was set back by a second."""
    wall = scripted(5_000_000_000, 5_000_000_000, 5_000_000_000, 4_000_000_000)
    offset = ClockOffset(lambda: 0, wall)
    assert offset.measure() == -1_000_000_000
    assert offset.measure() == 0


def test_readings_that_were_interrupted_change_nothing() -> None:
    """Where every reading took too long, the old offset stays."""
    ticks = iter(range(0, 10**9, MAX_READ_GAP_NS * 2))
    offset = ClockOffset(lambda: next(ticks), lambda: 77)
    assert offset.ns == 0
    assert offset.measure() == 0
