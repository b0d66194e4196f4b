"""How numbers are written: k6's rules for its end summary, and short forms for tables and the live view.

| kind | rule (k6) |
|---|---|
| share | truncated to 2 decimals of a percent |
| bytes | base 1000; below 10 as it is; else one decimal below 10 of its unit, none above |
| time, no unit asked for | the unit that suits, cut to 2 decimals, no trailing zeros; XhYmZs above a minute |
| time in a unit | 2 decimals, rounded half up |
| other | 6 decimals, rounded half up, no trailing zeros |

The ``short_*`` forms are for columns that must not jump: three significant digits, at most seven characters.
"""

import math
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal, localcontext

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.metrics.model import Contains

_BYTE_UNITS = ("B", "kB", "MB", "GB", "TB", "PB", "EB", "ZB", "YB")
_MS_PER_MINUTE = 60_000
_TIME_UNITS = {"s": (1e-3, "s"), "ms": (1.0, "ms"), "us": (1e3, "µs")}
# A float has at most 309 digits before its point and few are wanted behind it.
_DIGITS = 330


def to_fixed(value: float, decimals: int) -> str:
    """``value`` with ``decimals`` places; ties go away from zero, as in JavaScript's toFixed."""
    with localcontext(prec=_DIGITS):
        return str(Decimal(value).quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP))


def _stripped(value: float, decimals: int) -> str:
    text = to_fixed(value, decimals)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _cut(value: float, scale: int, decimals: int) -> str:
    """``value`` times ``scale`` cut after ``decimals`` places, exactly: 0.07246 ms is 72.46 µs, not 72.45."""
    with localcontext(prec=_DIGITS):
        scaled = Decimal(repr(float(value))) * scale
        return f"{scaled.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_DOWN):f}"


def _cut_time(value: float, scale: int) -> str:
    text = _cut(value, scale, 2)
    return text.rstrip("0").rstrip(".")


def show_number(value: float) -> str:
    """A value of no known kind."""
    return _stripped(value, 6)


def show_percent(share: float) -> str:
    """A share between 0 and 1 as a percentage, cut off so that 99.999 % never reads as 100 %."""
    return f"{_cut(share, 100, 2)}%"


def show_data(size: float) -> str:
    """A number of bytes."""
    if size < 10:
        return f"{int(size) if size == int(size) else size} B"
    scaled, unit = float(size), 0
    while scaled >= 1000 and unit < len(_BYTE_UNITS) - 1:
        scaled /= 1000
        unit += 1
    scaled = math.floor(scaled * 10 + 0.5) / 10
    return f"{to_fixed(scaled, 1 if scaled < 10 else 0)} {_BYTE_UNITS[unit]}"


def show_time_ms(ms: float, unit: str = "") -> str:
    """A time in milliseconds; ``unit`` is k6's summaryTimeUnit (s, ms, us), or empty for what suits."""
    if unit in _TIME_UNITS:
        factor, suffix = _TIME_UNITS[unit]
        return to_fixed(ms * factor, 2) + suffix
    if ms == 0:
        return "0s"
    if ms < 0:
        return f"-{show_time_ms(-ms)}"
    if ms < 0.001:
        return f"{math.trunc(ms * NS_PER_MS)}ns"
    if ms < 1:
        return f"{_cut_time(ms, 1000)}µs"
    if ms < 1000:
        return f"{_cut_time(ms, 1)}ms"
    if ms < _MS_PER_MINUTE:
        return f"{_cut_time(ms / 1000, 1)}s"
    minutes, left_ms = divmod(math.trunc(ms), _MS_PER_MINUTE)
    text = f"{left_ms // 1000}s"
    text = f"{minutes % 60}m{text}"
    return f"{minutes // 60}h{text}" if minutes >= 60 else text


def show_value(value: float, contains: Contains, time_unit: str = "") -> str:
    """A value of a metric as k6's summary shows it; ``time_unit`` is k6's summaryTimeUnit or empty."""
    if not math.isfinite(value):
        return "-"
    if contains is Contains.TIME:
        return show_time_ms(value, time_unit)
    return show_data(value) if contains is Contains.DATA else show_number(value)


def format_elapsed(elapsed_ns: int, longest_ns: int) -> str:
    """An elapsed time to a tenth of a second at the width that ``longest_ns`` needs: ``00m01.0s``."""
    tenths = max(0, elapsed_ns) * 10 // NS_PER_SECOND
    hours, tenths = divmod(tenths, 36_000)
    minutes, tenths = divmod(tenths, 600)
    text = f"{minutes:02d}m{tenths // 10:02d}.{tenths % 10}s"
    longest_hours = longest_ns // (3600 * NS_PER_SECOND)
    if hours or longest_hours:
        return f"{hours:0{max(2, len(str(longest_hours)))}d}h{text}"
    return text


# Short forms for tables and the live view, where columns must not jump.


def short_time(ms: float) -> str:
    """A time with 3 significant digits: ``1.20ms``, ``850µs``, ``2m05s``; 7 characters below 1,000 hours."""
    if not math.isfinite(ms):
        return "-"
    if ms == 0:
        return "0s"
    if ms >= _MS_PER_MINUTE - 50:
        minutes, seconds = divmod(round(ms / 1000), 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}h{minutes:02d}m" if hours else f"{minutes}m{seconds:02d}s"
    for factor, suffix in ((1e6, "ns"), (1e3, "µs"), (1.0, "ms")):
        # 999.5 would be rounded to 1000: that belongs to the next unit.
        if ms * factor < 999.5:
            return significant(ms * factor) + suffix
    return significant(ms / 1000) + "s"


def significant(value: float) -> str:
    """Three significant digits without an exponent."""
    if value == 0:
        return "0"
    magnitude = abs(value)
    if magnitude < 9.995:
        return f"{value:.2f}"
    return f"{value:.1f}" if magnitude < 99.95 else f"{value:.0f}"


def short_count(count: float) -> str:
    """A count in at most 7 characters: with separators up to 999,999, then ``12.3M``."""
    if not math.isfinite(count):
        return "-"
    if abs(count) < 999_999.5:
        return f"{count:,.0f}"
    for size, suffix in ((1e12, "T"), (1e9, "G"), (1e6, "M")):
        if abs(count) >= size * 0.9995:
            return significant(count / size) + suffix
    return f"{count / 1e6:.2f}M"


def short_rate(rate: float) -> str:
    """Events per second: one decimal below 100, none above."""
    if 0 < rate < 99.95:
        return f"{rate:.1f}" if rate >= 0.95 else f"{rate:.2f}"
    return short_count(rate)


def short_share(share: float) -> str:
    """A share as a percentage, cut off: not all never reads as all, nor something as nought."""
    percent = share * 100
    if percent in {0, 100}:
        return f"{percent:.0f}%"
    if 0 < percent < 0.01:
        return "<0.01%"
    return f"{_cut(share, 100, 1 if 10 <= percent < 99.9 else 2)}%"
