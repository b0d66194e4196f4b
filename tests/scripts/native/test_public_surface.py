"""Tests of swell/__init__.py: what the package offers, and what importing it costs."""

import subprocess
import sys

import pytest

import swell

PUBLIC = {
    "ContextError",
    "Counter",
    "FeederExhausted",
    "Gauge",
    "IterationFailed",
    "Ledger",
    "MissingVariable",
    "Rate",
    "RequestError",
    "Response",
    "Socket",
    "Trend",
    "__version__",
    "abort",
    "blocking",
    "check",
    "context",
    "env",
    "expect",
    "fail",
    "feeder",
    "group",
    "http",
    "invariant",
    "ledger",
    "random",
    "scenario",
    "sleep",
    "weighted",
    "ws",
}
HTTP = {
    "basic",
    "batch",
    "bearer",
    "cookies",
    "delete",
    "digest",
    "events",
    "expected_statuses",
    "get",
    "head",
    "ntlm",
    "options",
    "patch",
    "post",
    "put",
    "request",
    "stream",
}


def test_public_names():
    """The public surface is pinned: a name comes or goes on purpose only, and each one exists."""
    assert set(swell.__all__) == PUBLIC
    assert len(swell.__all__) == len(PUBLIC)
    for name in PUBLIC:
        assert getattr(swell, name) is not None
    assert set(dir(swell)) >= PUBLIC
    with pytest.raises(AttributeError, match="no attribute 'chekc'"):
        _ = swell.chekc


def test_http_functions():
    """So are the functions of http; each has a docstring."""
    from swell import http  # noqa: PLC0415  # the way a script imports it

    own = {name for name, value in vars(http).items() if getattr(value, "__module__", "") == http.__name__}
    assert {name for name in own if not name.startswith("_")} == HTTP
    assert all(vars(http)[name].__doc__ for name in HTTP)


def test_import_is_light():
    """Importing swell loads nothing heavy and patches nothing, nor does importing what scripts use."""
    code = """
import socket, sys
before = socket.socket
import swell
heavy = {"gevent", "numpy", "msgspec", "rich", "click", "ssl"}
print(sorted(heavy & set(sys.modules)))
from swell import Counter, check, env, expect, feeder, group, http, invariant
from swell import ledger, random, scenario, sleep, weighted, ws
print(sorted((heavy - {"msgspec"}) & set(sys.modules)), socket.socket is before)
"""
    shown = subprocess.run(  # our own interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "[]\n[] True\n"
