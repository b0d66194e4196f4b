"""Layers and findings: every value has a place that a reader can go to."""

import pytest

from swell.base.errors import ConfigError, Fault
from swell.config.layers import Findings, Layer, Where, did_you_mean, path_text

PLACES = {"vus": "s.py:3", "scenarios.a": "s.py:7", "stages.1.0": "s.py:9"}


@pytest.mark.parametrize(
    ("layer", "path", "place"),
    [
        (Layer("script", "s.py", places=PLACES), ("vus",), "s.py:3 options.vus"),
        (
            Layer("script", "s.py", places=PLACES),
            ("scenarios", "a", "rate"),
            "s.py:7 options.scenarios.a.rate",
        ),
        (Layer("script", "s.py", places=PLACES), ("stages", 1, 0), "s.py:9 options.stages[1][0]"),
        (Layer("script", "s.py", places=PLACES), ("stages", 0, 0), "s.py options.stages[0][0]"),
        (Layer("file", "config.json"), ("stages", 1, "target"), "config.json: stages[1].target"),
        (Layer("cli", "command line", places={"stages": "--stage"}), ("stages", 1), "--stage[1]"),
        (Layer("env", "environment", places={"hosts": "K6_HOSTS"}), ("hosts", "a.b"), "K6_HOSTS['a.b']"),
        (Layer("env", "environment", places={"dns": "K6_DNS"}), ("dns", "ttl"), "K6_DNS.ttl"),
        (Layer("script", "s.py"), (), "s.py"),
    ],
)
def test_a_place_is_as_precise_as_is_known(layer: Layer, path: tuple[str | int, ...], place: str) -> None:
    """The longest path with a known line gives it; the rest says where inside."""
    assert str(Where(layer, path)) == place
    assert str(Where(layer).at(*path)) == place


def test_paths_quote_what_is_no_plain_word() -> None:
    """A metric with tags is one key."""
    assert path_text(("thresholds", "m{a:b}", 0)) == "thresholds['m{a:b}'][0]"
    assert path_text(("a b",)) == "['a b']"


def test_findings_keep_their_order_and_each_once() -> None:
    """The same fault met twice is one fault."""
    findings = Findings()
    findings.raise_if_any()
    for message in ("first", "second", "first"):
        findings.fault("here", message)
        findings.warn(message)
    assert findings.faults == (Fault("here", "first"), Fault("here", "second"))
    assert findings.warnings == ("first", "second")
    with pytest.raises(ConfigError):
        findings.raise_if_any()


def test_suggestions_name_the_nearest_or_list_a_few() -> None:
    """A near word is suggested whatever its case; else a short list is shown, a long one not."""
    assert did_you_mean("Serch", ["search", "pay"]) == "did you mean 'search'?"
    assert did_you_mean("xyz", ["search", "pay"]) == "known: pay, search"
    assert did_you_mean("xyz", []) == ""
    assert did_you_mean("xyz", [f"word{number}" for number in range(30)]) == ""
