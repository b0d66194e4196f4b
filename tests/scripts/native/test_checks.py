"""Tests of swell.scripts.native.checks."""

import pytest

from swell import check
from swell.base.clock import NS_PER_SECOND
from swell.base.errors import ScriptError
from swell.config.options import Options
from swell.engine.vu import IterationInterrupted, RunAborted, VUStopped
from swell.scripts.native.checks import IterationFailed
from swell.scripts.native.state import ContextError


def test_check_records_each_condition(start):
    """Functions get the value, plain values count by their truth, and the result is the AND of all."""
    loaded = start(
        """
        from swell import check
        results = []
        def default():
            results.append(check(5, {"is 5": lambda n: n == 5, "is truthy": 1, "is 6": lambda n: n == 6}))
            results.append(check(5, {"is 5": lambda n: n == 5}))
            results.append(check(5, {}))
        """
    ).iterate()
    assert loaded.value("results") == [False, True, True]
    assert loaded.samples("checks") == [
        ({"check": "is 5"}, 1.0),
        ({"check": "is truthy"}, 1.0),
        ({"check": "is 6"}, 0.0),
        ({"check": "is 5"}, 1.0),
    ]


def test_check_that_raises(start):
    """A condition that raises fails its check; the rest is skipped and the exception goes on."""
    loaded = start(
        """
        from swell import check
        def default():
            check({}, {"before": True, "raises": lambda r: r["key"], "after": True})
        """
    )
    for _ in range(2):
        with pytest.raises(KeyError):
            loaded.iterate()
    assert loaded.samples("checks") == [({"check": "before"}, 1.0), ({"check": "raises"}, 0.0)] * 2


def test_check_tags(start):
    """Tags given to check are added to its samples, numbers and booleans as text, and to no others."""
    loaded = start(
        """
        from swell import check
        def default():
            check(1, {"ok": True}, {"kind": "simple", "size": 3, "cold": False})
            check(1, {"ok": True})
        """
    ).iterate()
    tags = {"check": "ok", "kind": "simple", "size": "3", "cold": "false"}
    assert loaded.samples("checks") == [(tags, 1.0), ({"check": "ok"}, 1.0)]


@pytest.mark.parametrize(
    ("call", "error"),
    [
        ('check(1, {"a::b": True})', ValueError),
        ('check(1, {"": True})', TypeError),
        ("check(1, {5: True})", TypeError),
        ('check(1, {"async": never})', TypeError),
        ('check(1, {"x": True}, {"tag": []})', TypeError),
        ('group("a::b")', ValueError),
        ('group("")', TypeError),
        ('group("g", never)', TypeError),
        ('sleep(float("nan"))', ValueError),
    ],
)
def test_misuse(start, call: str, error: type[Exception]):
    """What would be recorded wrongly is refused, and records nothing."""
    loaded = start(
        f"from swell import check, group, sleep\nasync def never(r=1): pass\ndef default():\n    {call}\n"
    )
    with pytest.raises(error):
        loaded.iterate()
    assert loaded.samples("checks") == []


def test_groups_nest(start):
    """Groups tag what is recorded inside with their path, and record their own duration, sleep included."""
    loaded = start(
        """
        from swell import check, group, sleep
        @group("inner")
        def inside(n):
            sleep(1)
            check(n, {"c": True})
            return n + 1
        def default():
            with group("outer"):
                assert inside(1) == 2
                check(1, {"c": True})
            assert group("third", lambda: 7) == 7
            check(1, {"c": True})
        """
    ).iterate()
    assert loaded.samples("checks") == [
        ({"check": "c", "group": "::outer::inner"}, 1.0),
        ({"check": "c", "group": "::outer"}, 1.0),
        ({"check": "c"}, 1.0),
    ]
    assert loaded.samples("group_duration") == [
        ({"group": "::outer::inner"}, 1000.0),
        ({"group": "::outer"}, 1000.0),
        ({"group": "::third"}, 0.0),
    ]


def test_group_that_raises(start):
    """An exception leaves the group with its duration; what was interrupted leaves none."""
    loaded = start(
        """
        from swell import check, group
        from swell.engine.vu import IterationInterrupted
        def default():
            with group("a"):
                raise KeyError
        def cut():
            with group("b"):
                raise IterationInterrupted
        def fine():
            check(1, {"c": True})
        """
    )
    with pytest.raises(KeyError):
        loaded.iterate()
    with pytest.raises(IterationInterrupted):
        loaded.iterate("cut")
    loaded.iterate("fine")
    assert loaded.samples("group_duration") == [({"group": "::a"}, 0.0)]
    assert loaded.samples("checks") == [({"check": "c"}, 1.0)]


def test_without_system_tags(start):
    """Where the system tags check and group are switched off, samples carry neither."""
    source = 'from swell import check, group\ndef default():\n  with group("a"): check(1, {"c": 1})\n'
    loaded = start(source, options=Options(system_tags=())).iterate()
    assert loaded.samples("checks") == [({}, 1.0)]


def test_sleep(start):
    """Sleep waits on the run's clock; zero and less return at once; two bounds give a time between them."""
    loaded = start(
        """
        from swell import sleep
        def default(): sleep(0.25)
        def never(): sleep(0); sleep(-1)
        def between(): sleep(1, 3)
        """
    )
    at = loaded.clock.at_ns
    assert loaded.iterate("never").clock.at_ns == at
    assert loaded.iterate().clock.at_ns == at + NS_PER_SECOND // 4
    before = loaded.clock.at_ns
    assert NS_PER_SECOND <= loaded.iterate("between").clock.at_ns - before <= 3 * NS_PER_SECOND


def test_fail_and_abort(start):
    """A failure is an ordinary exception; an abort ends the run and is not caught by accident."""
    loaded = start(
        """
        from swell import abort, context, fail
        def default(): fail("no stock")
        def end():
            try:
                abort("broken")
            except Exception:
                pass
        def mark(): context.test.fail("odd answer")
        """
    )
    with pytest.raises(IterationFailed, match="no stock"):
        loaded.iterate()
    assert loaded.iterate("mark").runtime.marked_failed == "odd answer"
    with pytest.raises(RunAborted, match=r"broken \(script\.py:6\)"):
        loaded.iterate("end")
    assert loaded.runtime.aborted == "broken (script.py:6)"


@pytest.mark.parametrize(
    "call", ['check(1, {"a": True})', "group('a').__enter__()", 'http.get("http://x")', "context.test.fail()"]
)
def test_init_context(load, call: str):
    """What needs a VU says so while the script loads, and how to put it right."""
    with pytest.raises(ScriptError, match="init context") as caught:
        load(f"from swell import check, context, group, http\n{call}\n")
    assert "move the call into default()" in caught.value.hint
    assert "script.py" in caught.value.stack


def test_without_swell():
    """In a plain Python program such calls say how to run a script."""
    with pytest.raises(ContextError) as caught:
        check(1, {"a": True})
    assert "swell run" in caught.value.hint


def test_control_flow_is_not_an_exception():
    """A script's `except Exception` does not catch what the engine throws."""
    assert not any(issubclass(kind, Exception) for kind in (IterationInterrupted, RunAborted, VUStopped))
