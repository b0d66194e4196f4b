"""Numbers and times as text, as Go's libraries write them, which is what readers of k6's files expect."""

import math
from decimal import Decimal
from functools import lru_cache
from time import localtime
from typing import Final

from swell.base.clock import NS_PER_SECOND

# Beyond these Go's JSON turns to exponents.
_SMALL: Final = 1e-6
_LARGE: Final = 1e21
_EXACT: Final = 2**53
# From here down Python writes a value of milliseconds with an exponent.
_TINY_NS: Final = 100
_MINUTE_S: Final = 60


def format_number(value: float) -> str:
    """The shortest text that reads back as ``value``: ``3``, ``1.5``, ``-0``, ``1e-7``, ``1e+21``."""
    if value == 1:
        return "1"
    if value == 0:
        return "-0" if math.copysign(1, value) < 0 else "0"
    size = abs(value)
    if size < _EXACT and value == int(value):
        return str(int(value))
    text = repr(value)
    if size < _SMALL or size >= _LARGE:
        mantissa, _, exponent = text.removesuffix(".0").partition("e")
        sign, digits = exponent[:1], exponent[1:].lstrip("0")
        return f"{mantissa}e{sign}{digits}"
    return format(Decimal(text), "f").removesuffix(".0") if "e" in text else text.removesuffix(".0")


def format_ms(value_ns: int) -> str:
    """Nanoseconds as the text of their milliseconds; the hot case of ``format_number``."""
    if value_ns >= _TINY_NS:
        text = repr(value_ns / 1e6)
        return text[:-2] if text[-2:] == ".0" else text
    return format_number(value_ns / 1e6)


@lru_cache(maxsize=16)
def _second(second: int) -> tuple[str, str]:
    """Date and time to the second, and the zone, of the local clock."""
    at = localtime(second)
    offset_s = at.tm_gmtoff
    zone = "Z"
    if offset_s:
        hours, minutes = divmod(abs(offset_s) // _MINUTE_S, _MINUTE_S)
        zone = f"{'-' if offset_s < 0 else '+'}{hours:02d}:{minutes:02d}"
    day = f"{at.tm_year:04d}-{at.tm_mon:02d}-{at.tm_mday:02d}"
    return f"{day}T{at.tm_hour:02d}:{at.tm_min:02d}:{at.tm_sec:02d}", zone


def format_rfc3339(at_ns: int) -> str:
    """A wall-clock time (RFC 3339) to the second, in the local zone."""
    return "".join(_second(at_ns // NS_PER_SECOND))


def format_rfc3339_nano(at_ns: int) -> str:
    """The same with as many digits of the fraction as it needs: none at a full second."""
    second, rest = divmod(at_ns, NS_PER_SECOND)
    text, zone = _second(second)
    if not rest:
        return text + zone
    return f"{text}.{rest:09d}".rstrip("0") + zone
