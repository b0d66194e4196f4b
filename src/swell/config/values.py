"""The types of option values: reading one as written, checking it, and writing it as k6's JSON does.

Reading (``parse``) notes what is not of the type; it is done for every layer. Checking (``check``) notes what
is out of range; it is done only for the value that takes effect, as in k6, so that a flag can mend a script.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from swell.base.errors import ExitCode
from swell.base.units import UnitError, format_bytes, format_duration, parse_bytes, parse_duration_ns
from swell.config.layers import Findings, Where, did_you_mean

# k6's cap for VUs in a ramp; beyond it a number is a slip of the keyboard.
MAX_COUNT: Final = 100_000_000

_WHOLE_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,19}")
# What Go's strconv.ParseBool takes, on which k6's flags and variables rest.
_TRUE: Final = frozenset({"1", "t", "true"})
_FALSE: Final = frozenset({"0", "f", "false"})

Parse = Callable[[Any, Where, Findings], Any]
Check = Callable[[Any, Where, Findings], None]


def _no_check(_value: object, _where: Where, _findings: Findings) -> None:
    """Accept every value of the type."""


def _as_is(value: object) -> object:
    return value


@dataclass(frozen=True, slots=True)
class ValueType:
    """A type of values: ``parse`` gives None for a value that is not of the type, after noting the fault.

    ``may_be_blank``: in a k6 script an empty text stands for no value.
    """

    name: str
    parse: Parse
    check: Check = _no_check
    show: Callable[[Any], object] = _as_is
    choices: tuple[str, ...] = ()
    may_be_blank: bool = False


class WrongValueError(ValueError):
    """Raised by the reader of a single value; ``problem`` is a sentence's end: "must be ..."."""

    def __init__(self, problem: str, hint: str = "") -> None:
        super().__init__(problem)
        self.problem = problem
        self.hint = hint


def describe(value: object) -> str:
    """Quote a wrong value in a message, cut to a readable length."""
    text = repr(value)
    limit = 60
    return text if len(text) <= limit else text[: limit - 3] + "..."


def single(read: Callable[[Any, Where], Any]) -> Parse:
    """Turn a reader that raises into a parser that notes the fault."""

    def parse(value: object, where: Where, findings: Findings) -> object:
        try:
            return read(value, where)
        except WrongValueError as error:
            findings.fault(where, f"{error.problem}, not {describe(value)}", error.hint)
        except UnitError as error:
            findings.fault(where, str(error))
        return None

    return parse


def limited(low: int | None, high: int | None, write: Callable[[int], str] = str) -> Check:
    """Check that a number lies between ``low`` and ``high``, both included."""

    def check(value: int, where: Where, findings: Findings) -> None:
        if low is not None and value < low:
            findings.fault(where, f"must be at least {write(low)}, not {write(value)}")
        elif high is not None and value > high:
            findings.fault(where, f"must be at most {write(high)}, not {write(value)}")

    return check


# Single values.


def read_bool(value: object, where: Where) -> bool:
    """Read true or false; flags and variables take Go's spellings of them."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str) and where.layer.is_textual:
        if value.lower() in _TRUE:
            return True
        if value.lower() in _FALSE:
            return False
    raise WrongValueError("must be true or false")


def read_int(value: object, _where: Where) -> int:
    """Read a whole number; a text of digits is one, as in k6."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value.strip()):
        return int(value)
    raise WrongValueError("must be a whole number")


def read_text(value: object, _where: Where) -> str:
    """Read a text."""
    if isinstance(value, str):
        return value
    raise WrongValueError("must be text")


def read_duration(value: object, where: Where) -> int:
    """Read a duration as nanoseconds; on the command line it carries a unit."""
    if isinstance(value, str | int | float):
        return parse_duration_ns(value, unit_required=where.layer.kind == "cli")
    raise WrongValueError("must be a duration like '30s' or a number of milliseconds")


def read_bytes(value: object, _where: Where) -> int:
    """Read a byte size."""
    if isinstance(value, str | int | float):
        return parse_bytes(value)
    raise WrongValueError("must be a byte size like '512MB'")


BOOL: Final = ValueType("true or false", single(read_bool))
TEXT: Final = ValueType("text", single(read_text))


def count(low: int = 0, high: int = MAX_COUNT, *, is_clipped: bool = False) -> ValueType:
    """Make the type of whole numbers from ``low`` to ``high``; a k6 script's may be clipped to ``low``."""
    read = single(read_int)

    def parse(value: object, where: Where, findings: Findings) -> object:
        number = read(value, where, findings)
        return max(number, low) if is_clipped and number is not None and where.layer.is_k6s else number

    return ValueType("whole number", parse, limited(low, high), may_be_blank=True)


# A long soak may well run more iterations than it could ever have VUs.
ITERATIONS: Final = count(1, 10**15)


def duration(low_ns: int = 0) -> ValueType:
    """Make the type of durations of at least ``low_ns`` nanoseconds."""
    return ValueType(
        "duration", single(read_duration), limited(low_ns, None, format_duration), format_duration
    )


def positive_duration() -> ValueType:
    """Make the type of durations longer than nothing."""

    def check(value: int, where: Where, findings: Findings) -> None:
        if value <= 0:
            findings.fault(where, f"must be positive, not {format_duration(value)}")

    return ValueType("duration", single(read_duration), check, format_duration)


def byte_size() -> ValueType:
    """Make the type of byte sizes."""
    return ValueType("byte size", single(read_bytes), show=format_bytes)


def choice(*choices: str, is_loose: bool = False) -> ValueType:
    """Make the type of texts that are one of ``choices``; a k6 script's may be another if ``is_loose``."""

    def read(value: object, where: Where) -> str:
        if isinstance(value, str) and (value in choices or (is_loose and where.layer.is_k6s)):
            return value
        named = ", ".join(one or '""' for one in choices)
        hint = did_you_mean(value, choices) if isinstance(value, str) and value else ""
        raise WrongValueError(f"must be one of {named}", hint if hint.startswith("did") else "")

    return ValueType("choice", single(read), choices=choices)


# Lists and maps.


def decode_json_text(value: str, where: Where, findings: Findings) -> Any:
    """Decode a flag's or variable's value that is written as JSON; None after noting a fault."""
    try:
        return json.loads(value)
    except json.JSONDecodeError as error:
        findings.fault(where, f"is not valid JSON: {error.msg} at line {error.lineno} column {error.colno}")
        return None


def is_json_text(value: object, where: Where) -> bool:
    """Tell whether a flag's or variable's value is written as JSON."""
    return isinstance(value, str) and where.layer.is_textual and value.lstrip()[:1] in {"{", "["}


def split_text(value: str) -> list[str]:
    """Split a comma list; blank parts are dropped."""
    return [part.strip() for part in value.split(",") if part.strip()]


def text_list(
    check_item: Callable[[str], str] | None = None, *, k6_exit_code: ExitCode = ExitCode.INVALID_CONFIG
) -> ValueType:
    """Make the type of lists of texts; ``check_item`` gives the problem of a text, or ''."""

    def parse(value: object, where: Where, findings: Findings) -> tuple[str, ...] | None:
        items: Sequence[object]
        if is_json_text(value, where):
            items = decode_json_text(str(value), where, findings)
            if items is None:
                return None
        elif where.layer.is_textual and isinstance(value, str | list | tuple):
            # A flag may be repeated, and each of its values may be a comma list.
            texts = [value] if isinstance(value, str) else value
            items = [part for text in texts for part in split_text(str(text))]
        elif isinstance(value, list | tuple):
            items = value
        else:
            findings.fault(where, f"must be a list of texts, not {describe(value)}")
            return None
        good = True
        for index, item in enumerate(items):
            if not isinstance(item, str):
                findings.fault(where.at(index), f"must be text, not {describe(item)}")
                good = False
        return tuple(str(item) for item in items) if good else None

    def check(value: tuple[str, ...], where: Where, findings: Findings) -> None:
        for index, item in enumerate(value):
            problem = check_item(item) if check_item is not None else ""
            if problem:
                findings.fault(where.at(index), problem, k6_exit_code=k6_exit_code)

    return ValueType("list", parse, check, list)


def text_map(check_entry: Callable[[str, str], str] | None = None) -> ValueType:
    """Make the type of maps from text to text; typed ones are ``name=value`` lists or JSON."""

    def parse(value: object, where: Where, findings: Findings) -> dict[str, str] | None:
        entries = read_mapping(value, where, findings)
        if entries is None:
            return None
        good = True
        for key, entry in entries.items():
            if entry is None and where.layer.is_k6s:
                entries[key] = ""
            elif not isinstance(entry, str):
                findings.fault(where.at(key), f"must be text, not {describe(entry)}")
                good = False
        return {key: str(entry) for key, entry in entries.items()} if good else None

    def check(value: dict[str, str], where: Where, findings: Findings) -> None:
        for key, entry in value.items():
            problem = check_entry(key, entry) if check_entry is not None else ""
            if problem:
                findings.fault(where.at(key), problem)

    return ValueType("map", parse, check, dict)


def read_mapping(value: object, where: Where, findings: Findings) -> dict[str, Any] | None:
    """Read a map with text keys; typed ones are JSON or ``name=value`` parts."""
    if is_json_text(value, where):
        value = decode_json_text(str(value), where, findings)
        if value is None:
            return None
    elif where.layer.is_textual and isinstance(value, str | list | tuple):
        return _read_pairs([value] if isinstance(value, str) else value, where, findings)
    if not isinstance(value, Mapping):
        findings.fault(where, f"must be a map of names to values, not {describe(value)}")
        return None
    for key in value:
        if not isinstance(key, str):
            findings.fault(where, f"has the key {describe(key)}, which is not text")
            return None
    return dict(value)


def _read_pairs(texts: Sequence[object], where: Where, findings: Findings) -> dict[str, Any] | None:
    """Read ``name=value`` parts; a repeated flag's value is one part, so that values may hold commas."""
    # One text alone may be a comma list (a variable); each of several is a single pair.
    parts = [str(text) for text in texts]
    if where.layer.kind == "env":
        parts = [part for text in parts for part in split_text(text)]
    pairs: dict[str, Any] = {}
    for part in parts:
        # Variables of k6 have a colon there.
        sign = ":" if where.layer.kind == "env" and "=" not in part else "="
        name, equals, entry = part.partition(sign)
        if not equals or not name.strip():
            findings.fault(where, f"must be written as name=value, not {describe(part)}")
            return None
        pairs[name.strip()] = entry
    return pairs
