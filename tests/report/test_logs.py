"""Log lines are written as k6's log library writes them."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swell.report.ansi import strip_ansi
from swell.report.logs import format_log_line, is_shown, short_log_line

NOW = datetime(2026, 11, 20, 11, 36, 15, 999, tzinfo=UTC)


def test_the_text_form() -> None:
    """Time, level, message, then the fields in order; only what needs quotes has them."""
    line = format_log_line("info", "Hello world!", {"source": "console"}, now=NOW)
    assert line == 'time="2026-11-20T11:36:15Z" level=info msg="Hello world!" source=console'
    assert format_log_line("warn", "hello", {}, now=NOW).endswith("level=warning msg=hello")


def test_the_time_has_its_zone() -> None:
    """Local times carry their offset."""
    now = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=2)))
    assert format_log_line("info", "m", {}, now=now).startswith('time="2026-01-02T03:04:05+02:00"')


@pytest.mark.parametrize(
    ("message", "quoted"),
    [
        ('say "hi"', r'"say \"hi\""'),
        ("a\nb\tc", r'"a\nb\tc"'),
        ("back\\slash", r'"back\\slash"'),
        ("größe", '"größe"'),
        ("\x1b[2J", r'"\x1b[2J"'),
        ("\a\b\v\f\0\x7f", r'"\a\b\v\f\x00\x7f"'),
        ("1\xa0234\xad \u2028 \U000e0001", r'"1\u00a0234\u00ad \u2028 \U000e0001"'),
        ("", ""),
        ("a/b@c^d+e_f.g-h", "a/b@c^d+e_f.g-h"),
    ],
)
def test_values_are_quoted_where_they_must_be(message: str, quoted: str) -> None:
    """A line stays one line, whatever the script prints."""
    assert format_log_line("info", message, {}, now=NOW).partition(" msg=")[2] == quoted


@given(st.text(), st.dictionaries(st.text(alphabet="abc", min_size=1), st.text()))
def test_text_and_json_lines_are_one_line(message: str, fields: dict[str, str]) -> None:
    """No message breaks a line, and JSON reads back."""
    assert "\n" not in format_log_line("info", message, fields, now=NOW)
    line = format_log_line("info", message, fields, now=NOW, log_format="json")
    assert "\n" not in line
    entry = json.loads(line)
    assert entry["msg"] == message
    assert all(entry[key] == value for key, value in fields.items())


def test_json_fields_do_not_hide_fixed_ones() -> None:
    """A field called msg keeps its value under another name."""
    line = format_log_line("debug", "m", {"msg": "other"}, now=NOW, log_format="json")
    assert json.loads(line) == {
        "fields.msg": "other",
        "level": "debug",
        "msg": "m",
        "time": "2026-11-20T11:36:15Z",
    }


def test_raw_is_the_message_alone() -> None:
    """For scripts that print their own format."""
    assert format_log_line("info", "a b", {"source": "console"}, now=NOW, log_format="raw") == "a b"


def test_the_short_form() -> None:
    """Level, seconds since the start, message filled to a column, fields."""
    line = short_log_line("error", "boom", {"source": "stacktrace"}, elapsed_s=12)
    assert line.startswith("\x1b[31mERRO\x1b[0m[0012] boom")
    assert strip_ansi(line) == f"ERRO[0012] {'boom':<44} source=stacktrace"
    assert short_log_line("info", "m\n", {}, elapsed_s=3, colour=False) == "INFO[0003] m"


def test_debug_lines_are_shown_when_asked_for() -> None:
    """All others always, unknown levels too."""
    assert [is_shown(level, verbose=False) for level in ("debug", "info", "error", "odd")] == [
        False,
        True,
        True,
        True,
    ]
    assert is_shown("debug", verbose=True)
