"""Durations and byte sizes: Go's text forms, k6's additions, and exact round trips."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.base.units import (
    MAX_DURATION_NS,
    UnitError,
    format_bytes,
    format_duration,
    parse_bytes,
    parse_duration_ns,
)

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("30s", 30 * SECOND),
        ("1m30s", 90 * SECOND),
        ("1.5s", 1_500_000_000),
        (".5s", 500_000_000),
        ("1.s", SECOND),
        ("300ms", 300_000_000),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("10μs", 10_000),
        ("7ns", 7),
        ("1h", 3600 * SECOND),
        ("1d", 86_400 * SECOND),
        ("1d12h", 129_600 * SECOND),
        ("-1.5s", -1_500_000_000),
        ("+2s", 2 * SECOND),
        (" 2s ", 2 * SECOND),
        ("0", 0),
        # No unit: milliseconds.
        ("10", 10_000_000),
        ("1.5", 1_500_000),
        ("-3", -3_000_000),
        (10, 10_000_000),
        (2.5, 2_500_000),
        (4.35, 4_350_000),
        (0, 0),
        # Below a nanosecond is cut off.
        ("1.9999ns", 1),
    ],
)
def test_durations_are_read_as_go_and_k6_do(text: str | float, nanoseconds: int) -> None:
    """Go's text form, days, and milliseconds where no unit is given."""
    assert parse_duration_ns(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "s",
        "1x",
        "1m30",
        "30 s",
        "1,5s",
        "abc",
        ".s",
        "--1s",
        "1e3s",
        "1.2.3s",
        "٣s",
        "inf",
        "nan",
        True,
        float("inf"),
        float("nan"),
        "300y",
        "1000000h1000000h1000000h",
        10**400,
        "9" * 40,
    ],
)
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    """Anything else is an error that says how to write one."""
    with pytest.raises(UnitError):
        parse_duration_ns(text)


@pytest.mark.parametrize("value", ["10", "1.5", 10, 2.5])
def test_a_unit_may_be_required(value: str | float) -> None:
    """On the command line a number alone is refused, but for 0."""
    with pytest.raises(UnitError, match="has no unit"):
        parse_duration_ns(value, unit_required=True)
    assert parse_duration_ns("0", unit_required=True) == 0
    assert parse_duration_ns(0, unit_required=True) == 0


@pytest.mark.parametrize(
    ("nanoseconds", "text"),
    [
        (0, "0s"),
        (1, "1ns"),
        (1_500, "1.5µs"),
        (300_000_000, "300ms"),
        (1_500_000_000, "1.5s"),
        (600 * SECOND, "10m0s"),
        (3600 * SECOND + 250_000_000, "1h0m0.25s"),
        (86_400 * SECOND, "24h0m0s"),
        (-90 * SECOND, "-1m30s"),
    ],
)
def test_durations_are_written_as_go_does(nanoseconds: int, text: str) -> None:
    """The largest unit leads and all below it down to seconds follow."""
    assert format_duration(nanoseconds) == text


@given(st.integers(-MAX_DURATION_NS, MAX_DURATION_NS))
def test_a_written_duration_reads_back_exactly(nanoseconds: int) -> None:
    """parse(format(x)) is x for every duration."""
    assert parse_duration_ns(format_duration(nanoseconds)) == nanoseconds


@given(
    st.lists(
        st.tuples(st.integers(0, 999), st.sampled_from(["ns", "us", "ms", "s", "m", "h", "d"])), min_size=1
    )
)
def test_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    """A compound duration is the sum of its parts, in any order."""
    whole = "".join(f"{number}{unit}" for number, unit in parts)
    assert parse_duration_ns(whole) == sum(parse_duration_ns(f"{number}{unit}") for number, unit in parts)


@given(st.text(max_size=12))
def test_no_text_breaks_the_parsers(text: str) -> None:
    """Whatever is typed, it is a value or a UnitError."""
    for parse in (parse_duration_ns, parse_bytes):
        try:
            parse(text)
        except UnitError as error:
            problem = str(error)
        else:
            problem = repr(text.strip())
        assert repr(text.strip()) in problem or repr(text) in problem


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("512MB", 512_000_000),
        ("512mb", 512_000_000),
        ("512 M", 512_000_000),
        ("256MiB", 256 * 1024**2),
        ("1.5G", 1_500_000_000),
        ("1.5KiB", 1536),
        ("2TB", 2 * 10**12),
        ("100", 100),
        ("100B", 100),
        (100, 100),
        (100.0, 100),
        (0, 0),
    ],
)
def test_byte_sizes_are_read(text: str | float, size: int) -> None:
    """MB is a power of 1000, MiB one of 1024, a number alone is bytes."""
    assert parse_bytes(text) == size


@pytest.mark.parametrize("text", ["", "MB", "-1", "-1MB", "1XB", "1.5.5MB", "ten", True, 1.5, -1])
def test_what_is_no_byte_size_is_refused(text: str | float) -> None:
    """Anything else is an error."""
    with pytest.raises(UnitError):
        parse_bytes(text)


@given(st.integers(0, 2**60) | st.integers(0, 2**20).map(lambda n: n * 1024**2))
def test_a_written_byte_size_reads_back_exactly(size: int) -> None:
    """parse(format(x)) is x for every size."""
    assert parse_bytes(format_bytes(size)) == size


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (512_000_000, "512MB"), (256 * 1024**2, "256MiB"), (999, "999B")]
)
def test_byte_sizes_are_written_in_the_largest_exact_unit(size: int, text: str) -> None:
    """The unit is the largest that needs no fraction."""
    assert format_bytes(size) == text


@pytest.mark.parametrize("value", [1.8e302, -1e300, 2**70])
def test_a_number_beyond_any_duration_is_refused(value: float) -> None:
    """A huge number is a clear error, even where nanoseconds of it would overflow a float."""
    with pytest.raises(UnitError, match="too long"):
        parse_duration_ns(value)
