"""Lines of the run's log as k6 writes them: text, a short coloured form for terminals, JSON, or raw.

The text form is ``key=value`` pairs; a value is quoted where it holds anything but letters, digits and
``-._/@^+`` (the rule of k6's log library).
"""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Final, Literal, TextIO

from swell.report.ansi import Painter, strip_ansi

LogFormat = Literal["text", "json", "raw"]

_LEVELS: Final = {
    "debug": ("debug", "DEBU", "37"),
    "info": ("info", "INFO", "36"),
    "warn": ("warning", "WARN", "33"),
    "warning": ("warning", "WARN", "33"),
    "error": ("error", "ERRO", "31"),
}
_LAST_ASCII: Final = 0x7F
_LAST_OF_FOUR_DIGITS: Final = 0xFFFF
_NAMED: Final = dict(zip(range(7, 14), "abtnvfr", strict=True))
_SEVERITY: Final = {"debug": 0, "info": 1, "warning": 2, "error": 3}
_PLAIN_VALUE: Final = re.compile(r"[A-Za-z0-9\-._/@^+]*")
# Messages are filled to this width on a terminal, so that the fields stand in one column.
_MESSAGE_WIDTH: Final = 44


def format_log_line(
    level: str,
    message: str,
    fields: Mapping[str, str],
    *,
    now: datetime,
    log_format: LogFormat = "text",
) -> str:
    """One line without a line break at its end, as it goes to a file or pipe; ``now`` has a time zone."""
    name = _LEVELS.get(level, _LEVELS["info"])[0]
    if log_format == "raw":
        return message
    stamp = now.isoformat(timespec="seconds").replace("+00:00", "Z")
    if log_format == "json":
        entry = {"level": name, "msg": message, "time": stamp}
        # A field that bears the name of a fixed one gets k6's prefix for that case.
        entry |= {f"fields.{key}" if key in entry else key: value for key, value in fields.items()}
        return json.dumps(dict(sorted(entry.items())), ensure_ascii=False)
    # An empty message has no field, as in k6.
    told = [("msg", message)] if message else []
    pairs = [("time", stamp), ("level", name), *told, *sorted(fields.items())]
    return " ".join(f"{key}={_quoted(value)}" for key, value in pairs)


def short_log_line(
    level: str, message: str, fields: Mapping[str, str], *, elapsed_s: int, colour: bool = True
) -> str:
    """One line as it stands in a terminal: ``INFO[0012] message   source=console``."""
    paint = Painter(colour)
    _, tag, code = _LEVELS.get(level, _LEVELS["info"])
    head = f"{paint(tag, code)}[{elapsed_s:04d}] "
    text = message.rstrip("\n")
    if not fields:
        return head + text
    pairs = " ".join(f"{paint(key, code)}={_quoted(value)}" for key, value in sorted(fields.items()))
    return f"{head}{text}{' ' * max(1, _MESSAGE_WIDTH - len(strip_ansi(text)) + 1)}{pairs}"


def is_shown(level: str, verbose: bool) -> bool:
    """Whether a line of this level is shown at all; debug lines only in verbose runs."""
    return verbose or _SEVERITY.get(_LEVELS.get(level, _LEVELS["info"])[0], 1) > 0


def _quoted(value: str) -> str:
    if _PLAIN_VALUE.fullmatch(value):
        return value
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(char if char.isprintable() else _escape(char) for char in escaped) + '"'


def _escape(char: str) -> str:
    # As Go quotes: seven letters have names, and only what is ASCII has two digits.
    code = ord(char)
    if code in _NAMED:
        return f"\\{_NAMED[code]}"
    if code <= _LAST_ASCII:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= _LAST_OF_FOUR_DIGITS else f"\\U{code:08x}"


def write_line(stream: TextIO, line: str) -> None:
    """Write ``line`` with a line break in one call, so that lines of several writers do not mix."""
    stream.write(f"{line}\n")
    stream.flush()
