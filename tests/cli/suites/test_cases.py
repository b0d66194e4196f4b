"""Tests of cli/suites/cases.py: which proofs a suite has, and what is wrong with its faults.toml."""

from pathlib import Path

import pytest
from suite_folders import write_suite

from swell.base.errors import ConfigError
from swell.cli.suites.cases import cases_of, with_faults
from swell.cli.suites.tests import find_tests

FAULTS = """
[[fault]]
name = "slow"
tests = ["health", "slow"]
inject = [{ type = "latency", distribution = { type = "constant", ms = 50 } }]
fails = ["http_req_duration p(95)<20"]
unseen = ["logins rate>0.9"]
profile = "crowd"

[[fault]]
name = "down"
tests = ["slow"]
inject = []
fails = []
"""


def test_each_test_is_healthy_first(tmp_path: Path) -> None:
    """Then it meets each fault that names it, in the order of the file; without a file it is healthy only."""
    suite = write_suite(tmp_path / "shop")
    tests = find_tests([suite], "demo")
    assert [(case.test.name, case.name) for case in cases_of(tests)] == [
        ("shop/health", "none: healthy"),
        ("shop/slow", "none: healthy"),
    ]
    (suite / "faults.toml").write_text(FAULTS)
    cases = cases_of(tests)
    assert [(case.test.script.stem, case.fault) for case in cases] == [
        *(("health", ""), ("health", "slow")),
        *(("slow", ""), ("slow", "slow"), ("slow", "down")),
    ]
    assert cases[1].fails == {"http_req_duration p(95)<20"}
    assert cases[1].inject[0]["type"] == "latency"
    assert (cases[1].unseen, cases[1].profile) == ({"logins rate>0.9"}, "crowd")
    assert (cases[0].fails, cases[0].unseen, cases[0].profile) == (set(), set(), "")


def test_only_some_faults(tmp_path: Path) -> None:
    """The healthy target is always among them; an unknown fault is told with those there are."""
    suite = write_suite(tmp_path / "shop")
    (suite / "faults.toml").write_text(FAULTS)
    cases = cases_of(find_tests([suite], "demo"))
    assert [case.fault for case in with_faults(cases, ["down"])] == ["", "", "down"]
    assert with_faults(cases, []) == cases
    with pytest.raises(ConfigError, match="there is no fault 'up'") as raised:
        with_faults(cases, ["up"])
    assert raised.value.faults[0].hint == "there are: slow, down"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (FAULTS.replace('["slow"]', '["gone"]'), "there is no test 'gone' in this suite"),
        ("[[fault]]\nname = 3", "shop/faults.toml: cannot be read: Expected `str`, got `int`"),
        (FAULTS.replace("fails = []", "failing = []"), "unknown field `failing`"),
        ("[[fault", "shop/faults.toml: cannot be read"),
    ],
)
def test_a_file_with_a_fault(tmp_path: Path, text: str, message: str) -> None:
    """Said with its place."""
    suite = write_suite(tmp_path / "shop")
    (suite / "faults.toml").write_text(text)
    with pytest.raises(ConfigError) as raised:
        cases_of(find_tests([suite], "demo"))
    assert message in raised.value.message
