"""Tests of swell.scripts.native.metrics."""

import pytest

from swell import Counter
from swell.scripts.native.state import ContextError

SCRIPT = """
from swell import Counter, Gauge, Rate, Trend, context, group
counter, gauge, rate = Counter("my_counter"), Gauge("my_gauge"), Rate("my_rate")
trend = Trend("my_trend", True)

def default():
    counter.add(2)
    gauge.add(1.5)
    rate.add(True)
    rate.add(False)
    trend.add(-3, {"kind": "a"})
    with group("g"):
        trend.add(4)
"""


def test_values_and_tags(start):
    """Values are recorded as they are, booleans as 1 and 0, with the VU's tags and those given."""
    loaded = start(SCRIPT).iterate()
    assert loaded.samples("my_counter") == [({}, 2.0)]
    assert loaded.samples("my_gauge") == [({}, 1.5)]
    assert loaded.samples("my_rate") == [({}, 1.0), ({}, 0.0)]
    assert loaded.samples("my_trend") == [({"kind": "a"}, -3.0), ({"group": "::g"}, 4.0)]


def test_declaring_twice(load):
    """The same definition twice is one metric, as in two modules; a built-in one may be declared as it is."""
    exports = load(
        """
        from swell import Counter, Trend
        a = Counter("orders"); b = Counter("orders"); c = Trend("http_req_duration", True)
        def default(): pass
        """
    ).exports
    assert exports.metrics == (("orders", "counter", "default"),)
    assert exports.faults == ()


@pytest.mark.parametrize(
    ("declaration", "message"),
    [
        ('Counter("a b")', "'a b' is no metric name"),
        ('Counter("x")', "'x' is no metric name"),
        ('Counter("")', "'' is no metric name"),
        ("Counter(None)", "None is no metric name"),
        (f'Counter("{"n" * 130}")', "is no metric name"),
        ('[Trend("wait"), Trend("wait", True)]', "the metric 'wait' is declared at script.py:2 as a trend"),
        ('Trend("checks")', "the metric 'checks' is built in as a rate"),
    ],
)
def test_bad_declarations(faults, declaration: str, message: str):
    """Names follow k6's rule, and one name has one type."""
    (found,) = faults(f"from swell import Counter, Trend\nx = {declaration}\ndef default(): pass\n")
    assert found.startswith("script.py:2: ")
    assert message in found


@pytest.mark.parametrize(
    ("value", "error"),
    [
        ("None", TypeError),
        ('"5"', TypeError),
        ("[]", TypeError),
        ('float("inf")', ValueError),
        ('float("nan")', ValueError),
    ],
)
def test_bad_values(start, value: str, error: type[Exception]):
    """What is no finite number raises and records nothing."""
    loaded = start(f'from swell import Trend\nt = Trend("tt")\ndef default(): t.add({value})\n')
    with pytest.raises(error, match="tt"):
        loaded.iterate()
    assert loaded.samples("tt") == []


def test_declared_in_a_vu(start):
    """A metric is declared at the top of the script; in an iteration the error says so."""
    loaded = start('from swell import Counter\ndef default(): Counter("late")\n')
    with pytest.raises(ContextError, match="late") as caught:
        loaded.iterate()
    assert "top level" in caught.value.hint


def test_many_tag_sets(start):
    """Ever new tag values do not let the metric's own cache grow without end."""
    loaded = start(
        """
        from swell import Counter
        hits = Counter("hits")
        def default():
            for number in range(30_000):
                hits.add(1, {"id": number})
        """
    ).iterate()
    assert len(loaded.runtime.measured("hits")) == 30_000
    assert len(loaded.value("hits")._numbers) <= 10_000


def test_outside_swell():
    """A module that declares metrics can be imported without swell; adding needs a VU."""
    with pytest.raises(ContextError):
        Counter("whatever").add(1)
