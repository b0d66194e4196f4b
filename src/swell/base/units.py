"""Durations and byte sizes as people write and read them; ``parse_x`` undoes ``format_x`` exactly.

A duration is Go's text form (``1m30s``, ``1.5s``, ``300ms``), which k6 extends by ``d`` for days and by
numbers without a unit, which are milliseconds.
"""

import math
import re
from typing import Final

NS_PER_US: Final = 1_000
NS_PER_MS: Final = 1_000_000
NS_PER_SECOND: Final = 1_000_000_000
NS_PER_MINUTE: Final = 60 * NS_PER_SECOND
NS_PER_HOUR: Final = 60 * NS_PER_MINUTE
NS_PER_DAY: Final = 24 * NS_PER_HOUR

# Go keeps durations in an int64; more than 292 years is a slip of the keyboard.
MAX_DURATION_NS: Final = 2**63 - 1

_NO_DURATION: Final = "is not a duration; write it like 30s, 1m30s or 500ms"
_NO_UNIT: Final = "has no unit; write it like 30s, 1m30s or 500ms"
_NO_BYTES: Final = "is not a byte size; write it like 512MB or 256MiB"

_DURATION_UNITS: Final = {
    "ns": 1,
    "us": NS_PER_US,
    "µs": NS_PER_US,  # U+00B5, the micro sign
    "μs": NS_PER_US,  # U+03BC, the Greek letter: Go accepts both
    "ms": NS_PER_MS,
    "s": NS_PER_SECOND,
    "m": NS_PER_MINUTE,
    "h": NS_PER_HOUR,
    "d": NS_PER_DAY,
}
_DURATION_PART: Final = re.compile(r"([0-9]*)(?:\.([0-9]*))?(ns|us|µs|μs|ms|s|m|h|d)")
_PLAIN_NUMBER: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)")

_BYTE_UNITS: Final = {
    "": 1,
    "B": 1,
    **{prefix: 1000**power for power, prefix in enumerate("KMGT", start=1)},
    **{f"{prefix}B": 1000**power for power, prefix in enumerate("KMGT", start=1)},
    **{f"{prefix}IB": 1024**power for power, prefix in enumerate("KMGT", start=1)},
}
_BYTES: Final = re.compile(r"([0-9]+)(?:\.([0-9]+))?\s*([A-Za-z]*)")


class UnitError(ValueError):
    """A text or number that is no duration or byte size; ``problem`` says why and how to write it."""

    def __init__(self, value: object, problem: str) -> None:
        super().__init__(f"{value!r} {problem}")
        self.problem = problem


def parse_duration_ns(value: str | float, *, unit_required: bool = False) -> int:
    """Return the nanoseconds in ``value``: Go's text form with ``d`` for days, or a number of milliseconds.

    With ``unit_required`` a number without a unit is refused unless it is 0, as on k6's command line.
    Parts below a nanosecond are cut off. A negative duration is returned as such.

    Raises:
        UnitError: ``value`` is no duration, or one too long for 64 bits.
    """
    if isinstance(value, str):
        nanoseconds = _parse_duration_text(value.strip(), unit_required)
    elif isinstance(value, bool) or (isinstance(value, float) and not math.isfinite(value)):
        raise UnitError(value, _NO_DURATION)
    elif unit_required and value != 0:
        raise UnitError(value, _NO_UNIT)
    elif abs(value) > MAX_DURATION_NS:
        # Milliseconds beyond the range of nanoseconds: a large float would overflow when it is multiplied.
        raise UnitError(value, "is too long a duration")
    else:
        nanoseconds = round(value * NS_PER_MS)
    if abs(nanoseconds) > MAX_DURATION_NS:
        raise UnitError(value, "is too long a duration")
    return nanoseconds


def _parse_duration_text(text: str, unit_required: bool) -> int:
    if not text:
        raise UnitError(text, _NO_DURATION)
    if _PLAIN_NUMBER.fullmatch(text):
        number = float(text)
        if unit_required and number != 0:
            raise UnitError(text, _NO_UNIT)
        return _scaled(*_split_number(text), NS_PER_MS)
    negative = text[0] == "-"
    position = 1 if text[0] in "+-" else 0
    total = 0
    while True:
        part = _DURATION_PART.match(text, position)
        if part is None or not (part[1] or part[2]):
            raise UnitError(text, _NO_DURATION)
        total += _scaled(part[1], part[2] or "", _DURATION_UNITS[part[3]])
        position = part.end()
        if position == len(text):
            return -total if negative else total


def _split_number(text: str) -> tuple[str, str]:
    whole, _, fraction = text.partition(".")
    return whole, fraction


def _scaled(whole: str, fraction: str, unit: int) -> int:
    """``whole.fraction`` times ``unit`` in exact integer arithmetic, truncated towards zero."""
    negative = whole.startswith("-")
    magnitude = int(whole.lstrip("+-") or "0") * unit
    if fraction:
        magnitude += int(fraction) * unit // 10 ** len(fraction)
    return -magnitude if negative else magnitude


def format_duration(nanoseconds: int) -> str:
    """Write ``nanoseconds`` as Go does: ``0s``, ``1.5µs``, ``300ms``, ``10m0s``, ``1h0m0.25s``."""
    sign = "-" if nanoseconds < 0 else ""
    rest = abs(nanoseconds)
    if rest == 0:
        return "0s"
    for unit, size in (("ns", NS_PER_US), ("µs", NS_PER_MS), ("ms", NS_PER_SECOND)):
        if rest < size:
            return f"{sign}{_decimal(rest, size // 1000)}{unit}"
    hours, rest = divmod(rest, NS_PER_HOUR)
    minutes, rest = divmod(rest, NS_PER_MINUTE)
    text = f"{_decimal(rest, NS_PER_SECOND)}s"
    if hours:
        return f"{sign}{hours}h{minutes}m{text}"
    return f"{sign}{minutes}m{text}" if minutes else f"{sign}{text}"


def _decimal(value: int, unit: int) -> str:
    """``value / unit`` exactly, without trailing zeros; ``unit`` is a power of ten."""
    whole, rest = divmod(value, unit)
    if not rest:
        return str(whole)
    digits = len(str(unit)) - 1
    return f"{whole}.{rest:0{digits}d}".rstrip("0")


def parse_bytes(value: str | float) -> int:
    """Return the bytes in ``value``: ``512MB`` (10**6), ``256MiB`` (2**20), ``1.5G``, or a plain number.

    Raises:
        UnitError: ``value`` is no byte size.
    """
    if isinstance(value, bool) or (isinstance(value, float) and not value.is_integer()):
        raise UnitError(value, _NO_BYTES)
    if not isinstance(value, str):
        if value < 0:
            raise UnitError(value, "is negative; a byte size is at least 0")
        return int(value)
    match = _BYTES.fullmatch(value.strip())
    if match is None or match[3].upper() not in _BYTE_UNITS:
        raise UnitError(value, _NO_BYTES)
    return _scaled(match[1], match[2] or "", _BYTE_UNITS[match[3].upper()])


def format_bytes(size: int) -> str:
    """Write ``size`` in the largest unit that holds it exactly: ``512MB``, ``256MiB``, ``1234B``."""
    if size:
        for power in (4, 3, 2, 1):
            for base, suffixes in ((1000, ("kB", "MB", "GB", "TB")), (1024, ("KiB", "MiB", "GiB", "TiB"))):
                if size % base**power == 0:
                    return f"{size // base**power}{suffixes[power - 1]}"
    return f"{size}B"
