"""Tests of cli/suites/tests.py: which tests a folder has, and each way in which it has none."""

from pathlib import Path

import pytest
from suite_folders import write_suite

from swell.base.errors import ConfigError
from swell.cli.suites.tests import chosen, find_tests
from swell.config.target import Target


def faults(folder: Path, profile: str = "demo") -> list[str]:
    """What is wrong, as lines."""
    with pytest.raises(ConfigError) as raised:
        find_tests([folder], profile)
    return [f"{fault.place}: {fault.message} ({fault.hint})" for fault in raised.value.faults]


def test_tests_are_what_the_profile_names(tmp_path: Path) -> None:
    """In the order of the file, with the platform that the suite is for; other scripts are helpers."""
    suite = write_suite(tmp_path / "shop")
    (suite / "helper.py").write_text("")
    target = Target("cooly", url="http://127.0.0.1:1")
    found = find_tests([suite], "demo")
    assert [(test.name, test.target) for test in found] == [("shop/health", target), ("shop/slow", target)]
    assert [test.name for test in find_tests([suite], "long")] == ["shop/health"]


def test_a_folder_of_suites_has_the_tests_of_all(tmp_path: Path) -> None:
    """Suites by name, and --test chooses by either form of a test's name."""
    for name in ("b", "a"):
        write_suite(tmp_path / name)
    found = find_tests([tmp_path], "demo")
    assert [test.name for test in found] == ["a/health", "a/slow", "b/health", "b/slow"]
    assert [test.name for test in chosen(found, ["slow", "b/health"])] == ["a/slow", "b/health", "b/slow"]
    assert chosen(found, []) == found


def test_a_test_that_is_not_there(tmp_path: Path) -> None:
    """Named together with those that there are."""
    found = find_tests([write_suite(tmp_path / "a")], "demo")
    with pytest.raises(ConfigError, match="there is no test 'x'") as raised:
        chosen(found, ["slow", "x"])
    assert raised.value.faults[0].hint == "there are: a/health, a/slow"


def test_all_faults_of_all_suites_are_told(tmp_path: Path) -> None:
    """A suite without the profile, one with a missing script, one with a wrong target, an empty folder."""
    write_suite(tmp_path / "all" / "a", "[smoke.health]\n")
    write_suite(tmp_path / "all" / "b", "[demo.gone]\n")
    write_suite(tmp_path / "all" / "c", "[target]\nurls = 'x'\nneeds = 3\n[demo.health]\n")
    first, second, third, fourth = faults(tmp_path / "all")
    assert "there is no profile 'demo' in a/profiles.toml; there are: smoke" in first
    assert second.startswith("b/profiles.toml [demo]: there is no ")
    assert "there is no key 'urls' (there are: service, variable, url, needs, also, settings)" in third
    assert "at `$.needs`" in fourth
    (tmp_path / "empty").mkdir()
    assert "there is no profiles.toml" in faults(tmp_path / "empty")[0]
