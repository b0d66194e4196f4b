"""Tests of swell.scripts.native.environment."""

import pytest

from swell import env
from swell.base.errors import ScriptError

SCRIPT = """
from swell import env
at_load = env.get("HOME_PAGE", "none")
seen = []
def default(): seen.append((env.HOME_PAGE, env["HOME_PAGE"], env.get("LEVEL"), "LEVEL" in env, len(env)))
def missing(): env.API_URL
def missing_item(): env["API_URL"]
def change(): env.API_URL = "x"
"""


def test_reading(start):
    """The script reads what it was loaded with, VUs what the run has, and a scenario's own on top of it."""
    loaded = start(SCRIPT, env={"HOME_PAGE": "http://loading"})
    loaded.iterate().iterate(scenario="other", env={"LEVEL": "9", "HOME_PAGE": "http://other"})
    assert loaded.value("at_load") == "http://loading"
    assert loaded.value("seen") == [
        ("http://localhost", "http://localhost", None, False, 1),
        ("http://other", "http://other", "9", True, 2),
    ]


@pytest.mark.parametrize("function", ["missing", "missing_item"])
def test_missing(start, function: str):
    """A variable that is not set is named, with the flag that sets it."""
    with pytest.raises((AttributeError, KeyError)) as caught:
        start(SCRIPT).iterate(function)
    assert str(caught.value) == "the environment variable API_URL is not set; pass it with: -e API_URL=value"


def test_missing_at_load(load):
    """The same while the script loads, as an error of the script."""
    with pytest.raises(ScriptError, match=r"-e API_URL=value"):
        load("from swell import env\nurl = env.API_URL\n")


def test_python_protocols():
    """Getattr with a default, hasattr and `in` work; values cannot be set, nor do they show in a repr."""
    assert getattr(env, "SWELL_TEST_UNSET", "x") == "x"
    assert not hasattr(env, "SWELL_TEST_UNSET")
    assert "SWELL_TEST_UNSET" not in env
    with pytest.raises(AttributeError, match="cannot be set"):
        env.ANYTHING = "x"
    assert repr(env).startswith("<env of ")


def test_outside_swell(monkeypatch):
    """Without swell the variables are the process's."""
    monkeypatch.setenv("SWELL_TEST_SET", "yes")
    assert env.SWELL_TEST_SET == "yes"
