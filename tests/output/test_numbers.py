"""Numbers and times as Go writes them."""

import time
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.output import numbers
from swell.output.numbers import format_ms, format_number, format_rfc3339, format_rfc3339_nano


@pytest.fixture
def zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The local time zone that the test names."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    numbers._second.cache_clear()
    yield
    monkeypatch.undo()
    time.tzset()
    numbers._second.cache_clear()


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.0, "1"),
        (7.0, "7"),
        (1.5, "1.5"),
        (1e-7, "1e-7"),
        (1.25e-10, "1.25e-10"),
        (0.00005, "0.00005"),
        (0.000001, "0.000001"),
        (1e16, "10000000000000000"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (123456789.125, "123456789.125"),
        (-2.5e22, "-2.5e+22"),
    ],
)
def test_numbers(value: float, text: str) -> None:
    """As k6 2.2 wrote them."""
    assert format_number(value) == text


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_reads_back(value: float) -> None:
    """The text is of the same number, to the last bit."""
    assert float(format_number(value)) == value


@given(st.integers(min_value=0, max_value=10**15))
def test_milliseconds_are_the_same_numbers(value_ns: int) -> None:
    """The hot path for times gives what the general one gives."""
    assert format_ms(value_ns) == format_number(value_ns / 1e6)


@pytest.mark.parametrize(
    ("zone", "at_ns", "to_second", "exact"),
    [
        ("UTC", 1_795_763_435_193_004_070, "2026-11-27T07:10:35Z", "2026-11-27T07:10:35.19300407Z"),
        ("UTC", 1_795_763_435_000_000_000, "2026-11-27T07:10:35Z", "2026-11-27T07:10:35Z"),
        ("CET-1", 1_795_763_435_500_000_000, "2026-11-27T08:10:35+01:00", "2026-11-27T08:10:35.5+01:00"),
        (
            "XST3:30",
            1_795_763_435_000_000_001,
            "2026-11-27T03:40:35-03:30",
            "2026-11-27T03:40:35.000000001-03:30",
        ),
    ],
    indirect=["zone"],
)
@pytest.mark.usefixtures("zone")
def test_times(at_ns: int, to_second: str, exact: str) -> None:
    """Local time with its offset, Z at none; only as many digits as the fraction needs."""
    assert format_rfc3339(at_ns) == to_second
    assert format_rfc3339_nano(at_ns) == exact
