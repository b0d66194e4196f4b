"""Numbers are written by k6's rules, and short forms keep their columns."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.clock import NS_PER_SECOND
from swell.metrics.model import Contains
from swell.report.numbers import (
    format_elapsed,
    short_count,
    short_rate,
    short_share,
    short_time,
    show_data,
    show_number,
    show_percent,
    show_time_ms,
    show_value,
    to_fixed,
)


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0s"),
        (0.0000004, "0ns"),
        (0.000345, "345ns"),
        (0.0009999, "999ns"),
        (0.001, "1µs"),
        (0.2099387, "209.93µs"),
        (0.141899, "141.89µs"),
        (0.99999, "999.99µs"),
        (1, "1ms"),
        (4, "4ms"),
        (148.219, "148.21ms"),
        (63.30, "63.3ms"),
        (999.999, "999.99ms"),
        (1000, "1s"),
        (1350, "1.35s"),
        (59_999, "59.99s"),
        (60_000, "1m0s"),
        (75_900, "1m15s"),
        (3_600_000, "1h0m0s"),
        (3_725_999, "1h2m5s"),
        (1e9, "277h46m40s"),
        (-12.345, "-12.34ms"),
    ],
)
def test_times_take_the_unit_that_suits_and_are_cut_not_rounded(ms: float, text: str) -> None:
    """A time is cut to two decimals of its unit; above a minute it loses its fraction."""
    assert show_time_ms(ms) == text


@pytest.mark.parametrize(("unit", "text"), [("s", "1.23s"), ("ms", "1234.57ms"), ("us", "1234567.80µs")])
def test_a_time_in_a_wanted_unit_has_two_decimals(unit: str, text: str) -> None:
    """SummaryTimeUnit rounds instead of cutting."""
    assert show_time_ms(1234.5678, unit) == text


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (9, "9 B"),
        (9.5, "9.5 B"),
        (10, "10 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (1234, "1.2 kB"),
        (9949, "9.9 kB"),
        (9951, "10 kB"),
        (519_400, "519 kB"),
        (1_300_000, "1.3 MB"),
        (1e9, "1.0 GB"),
        (5e27, "5000 YB"),
    ],
)
def test_bytes_are_in_powers_of_a_thousand(size: float, text: str) -> None:
    """One decimal below ten of a unit, none above."""
    assert show_data(size) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (8, "8"),
        (152.3555555555, "152.355556"),
        (6.652051, "6.652051"),
        (1.5, "1.5"),
        (0.0000006, "0.000001"),
        (1e-9, "0"),
        (1e22, "10000000000000000000000"),
        (-2.25, "-2.25"),
    ],
)
def test_other_numbers_have_at_most_six_decimals(value: float, text: str) -> None:
    """Trailing zeros go; huge numbers are written out."""
    assert show_number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0, "0.00%"),
        (0.75, "75.00%"),
        (1, "100.00%"),
        (0.99999, "99.99%"),
        (1 / 3, "33.33%"),
        (0.29, "29.00%"),
    ],
)
def test_a_share_is_cut_so_that_it_never_claims_too_much(share: float, text: str) -> None:
    """99.999 % reads 99.99 %, not 100 %."""
    assert show_percent(share) == text


def test_ties_go_away_from_zero() -> None:
    """Rounding is that of JavaScript's toFixed, not that of Python's format."""
    assert [to_fixed(value, 0) for value in (0.5, 1.5, 2.5, -2.5)] == ["1", "2", "3", "-3"]


def test_what_a_metric_contains_decides() -> None:
    """The same number is a count, a time or bytes; what is no number is a dash."""
    assert [show_value(1500.0, contains) for contains in Contains] == ["1500", "1.5s", "1.5 kB"]
    assert show_value(math.inf, Contains.TIME) == "-"


@pytest.mark.parametrize(
    ("seconds", "longest", "text"),
    [(1, 60, "00m01.0s"), (75.56, 600, "01m15.5s"), (5, 7200, "00h00m05.0s"), (7300, 60, "02h01m40.0s")],
)
def test_elapsed_times_keep_the_width_of_the_longest(seconds: float, longest: int, text: str) -> None:
    """Hours appear from the start when the plan needs them."""
    assert format_elapsed(int(seconds * NS_PER_SECOND), longest * NS_PER_SECOND) == text


@given(st.floats(min_value=0, max_value=1e15))
def test_short_times_stay_short(ms: float) -> None:
    """At most 7 characters for anything below 1,000 hours, rounding included."""
    if ms < 3.5999e9:
        assert len(short_time(ms)) <= 7


@pytest.mark.parametrize(
    ("ms", "text"),
    [
        (0, "0s"),
        (0.0005, "500ns"),
        (0.85, "850µs"),
        (0.9996, "1.00ms"),
        (9.996, "10.0ms"),
        (99.96, "100ms"),
        (999.6, "1.00s"),
        (59_960, "1m00s"),
        (125_000, "2m05s"),
        (3_725_000, "1h02m"),
        (math.nan, "-"),
    ],
)
def test_short_times(ms: float, text: str) -> None:
    """Three digits, and never '1000ms' where a second is meant."""
    assert short_time(ms) == text


def test_short_counts_rates_and_shares() -> None:
    """Counts are exact up to a million; a share that is not nought never reads as nought."""
    assert [short_count(n) for n in (0, 1234, 999_999, 1e6, 12_345_678, 1.5e13)] == [
        "0",
        "1,234",
        "999,999",
        "1.00M",
        "12.3M",
        "15.0T",
    ]
    assert [short_rate(n) for n in (0, 0.83, 16.66, 99.96, 12345)] == ["0", "0.83", "16.7", "100", "12,345"]
    shares = (0, 1e-6, 0.0125, 0.24, 0.99999, 1)
    assert [short_share(n) for n in shares] == ["0%", "<0.01%", "1.25%", "24.0%", "99.99%", "100%"]
