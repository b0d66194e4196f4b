"""Types of values: what each takes from a language, what from typed text, and what it refuses."""

import pytest

from swell.config.layers import Findings, Layer, Where
from swell.config.values import (
    BOOL,
    TEXT,
    ValueType,
    byte_size,
    choice,
    count,
    describe,
    duration,
    positive_duration,
    text_list,
    text_map,
)

SCRIPT = Where(Layer("script", "s.py"), ("x",))
ENV = Where(Layer("env", "environment", places={"x": "SWELL_X"}), ("x",))
JSON_FAULT = (
    "SWELL_X: is not valid JSON: Expecting property name enclosed in double quotes at line 1 column 2"
)
CLI = Where(Layer("cli", "command line", places={"x": "--x"}), ("x",))


def read(kind: ValueType, value: object, where: Where = SCRIPT) -> object:
    """The value, which must be a good one."""
    findings = Findings()
    parsed = kind.parse(value, where, findings)
    assert findings.faults == ()
    kind.check(parsed, where, findings)
    assert findings.faults == ()
    return parsed


def wrong(kind: ValueType, value: object, where: Where = SCRIPT) -> list[str]:
    """The faults of a value as ``place: message``."""
    findings = Findings()
    parsed = kind.parse(value, where, findings)
    if parsed is not None:
        kind.check(parsed, where, findings)
    else:
        assert findings.faults
    return [f"{fault.place}: {fault.message}" for fault in findings.faults]


@pytest.mark.parametrize(
    ("kind", "value", "where", "parsed"),
    [
        (BOOL, True, SCRIPT, True),
        (BOOL, "true", CLI, True),
        (BOOL, "T", ENV, True),
        (BOOL, "0", ENV, False),
        (BOOL, "False", CLI, False),
        (TEXT, "", SCRIPT, ""),
        (count(), 3, SCRIPT, 3),
        (count(), 3.0, SCRIPT, 3),
        (count(), "3", SCRIPT, 3),
        (count(), " 3 ", ENV, 3),
        (duration(), "1m", CLI, 60 * 10**9),
        (duration(), "0", CLI, 0),
        (duration(), 1500, SCRIPT, 1_500_000_000),
        (duration(), "1500", ENV, 1_500_000_000),
        (byte_size(), "1kB", CLI, 1000),
        (choice("a", "b"), "b", CLI, "b"),
        (text_list(), ["a", "b"], SCRIPT, ("a", "b")),
        (text_list(), ("a,b",), SCRIPT, ("a,b",)),
        (text_list(), [], SCRIPT, ()),
        (text_list(), "a, b,", ENV, ("a", "b")),
        (text_list(), ["a,b", "c"], CLI, ("a", "b", "c")),
        (text_list(), '["a,b"]', ENV, ("a,b",)),
        (text_map(), {"a": "1"}, SCRIPT, {"a": "1"}),
        (text_map(), ["a=1", "b=x=y,z"], CLI, {"a": "1", "b": "x=y,z"}),
        (text_map(), "a=1,b=2", ENV, {"a": "1", "b": "2"}),
        (text_map(), "a:1,b:x:y,c=z:1", ENV, {"a": "1", "b": "x:y", "c": "z:1"}),
        (text_map(), '{"a": "1"}', ENV, {"a": "1"}),
        (text_map(), "a=", CLI, {"a": ""}),
    ],
)
def test_good_values(kind: ValueType, value: object, where: Where, parsed: object) -> None:
    """A language's values are of the type, typed text is read as k6 reads it."""
    assert read(kind, value, where) == parsed


@pytest.mark.parametrize(
    ("kind", "value", "where", "fault"),
    [
        (BOOL, 1, SCRIPT, "s.py options.x: must be true or false, not 1"),
        (BOOL, "true", SCRIPT, "s.py options.x: must be true or false, not 'true'"),
        (BOOL, "yes", ENV, "SWELL_X: must be true or false, not 'yes'"),
        (TEXT, 3, SCRIPT, "s.py options.x: must be text, not 3"),
        (count(), True, SCRIPT, "s.py options.x: must be a whole number, not True"),
        (count(), 1.5, SCRIPT, "s.py options.x: must be a whole number, not 1.5"),
        (count(), "1.5", CLI, "--x: must be a whole number, not '1.5'"),
        (count(), "9" * 30, CLI, "--x: must be a whole number, not '" + "9" * 30 + "'"),
        (count(1), 0, SCRIPT, "s.py options.x: must be at least 1, not 0"),
        (count(1, 5), 6, SCRIPT, "s.py options.x: must be at most 5, not 6"),
        (duration(), "10", CLI, "--x: '10' has no unit; write it like 30s, 1m30s or 500ms"),
        (duration(), "soon", ENV, "SWELL_X: 'soon' is not a duration; write it like 30s, 1m30s or 500ms"),
        (
            duration(),
            None or [],
            SCRIPT,
            "s.py options.x: must be a duration like '30s' or a number of milliseconds, not []",
        ),
        (duration(10**9), "1ms", SCRIPT, "s.py options.x: must be at least 1s, not 1ms"),
        (positive_duration(), 0, SCRIPT, "s.py options.x: must be positive, not 0s"),
        (byte_size(), "lots", CLI, "--x: 'lots' is not a byte size; write it like 512MB or 256MiB"),
        (byte_size(), {}, SCRIPT, "s.py options.x: must be a byte size like '512MB', not {}"),
        (choice("a", "b"), "c", SCRIPT, "s.py options.x: must be one of a, b, not 'c'"),
        (choice("", "b"), 3, SCRIPT, 's.py options.x: must be one of "", b, not 3'),
        (text_list(), "a", SCRIPT, "s.py options.x: must be a list of texts, not 'a'"),
        (text_list(), ["a", 3], SCRIPT, "s.py options.x[1]: must be text, not 3"),
        (text_list(), "[1", ENV, "SWELL_X: is not valid JSON: Expecting ',' delimiter at line 1 column 3"),
        (text_list(lambda _: "is bad"), ["a"], SCRIPT, "s.py options.x[0]: is bad"),
        (text_map(), [], SCRIPT, "s.py options.x: must be a map of names to values, not []"),
        (text_map(), {1: "a"}, SCRIPT, "s.py options.x: has the key 1, which is not text"),
        (text_map(), {"a": 1}, SCRIPT, "s.py options.x.a: must be text, not 1"),
        (text_map(), "a", CLI, "--x: must be written as name=value, not 'a'"),
        (text_map(), "=a", CLI, "--x: must be written as name=value, not '=a'"),
        (text_map(), "{1", ENV, JSON_FAULT),
        (
            text_map(lambda key, value: f"has {key} and {value}"),
            {"a": "b"},
            SCRIPT,
            "s.py options.x.a: has a and b",
        ),
    ],
)
def test_wrong_values(kind: ValueType, value: object, where: Where, fault: str) -> None:
    """What is of another type or out of range is one fault that quotes it."""
    assert wrong(kind, value, where) == [fault]


def test_long_values_are_cut_in_messages() -> None:
    """A message stays one line."""
    assert len(describe("x" * 500)) == 60
