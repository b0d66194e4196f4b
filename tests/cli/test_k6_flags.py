"""Command lines of k6: flags that mean nothing here, have another name, or are refused."""

import pytest

from swell.base.errors import ConfigError
from swell.cli.k6_flags import K6_FLAGS, translate_k6_flags
from swell.config.table import OPTIONS


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (["--no-usage-report", "a.js"], ["a.js"]),
        (["-l", "--linger", "-a", ":0", "--address=localhost:6565", "a.js"], ["a.js"]),
        (["--compatibility-mode=base", "-t", "js", "a.js"], ["a.js"]),
        (["--no-summary", "a.js"], ["--summary-mode=disabled", "a.js"]),
        (["--logformat", "raw", "a.js"], ["--log-format=raw", "a.js"]),
        (["--paused=false", "--execution-segment", "0:1", "--traces-output=none", "a.js"], ["a.js"]),
        (["-u", "5", "a.js", "--", "--linger"], ["-u", "5", "a.js", "--", "--linger"]),
    ],
)
def test_what_is_left_of_a_command_line(given: list[str], kept: list[str]) -> None:
    """What means nothing is gone with its value, what has a form of ours is in that form, the rest stays."""
    assert translate_k6_flags(given) == kept


def test_all_that_is_refused_is_listed_at_once() -> None:
    """A flag that would change what the run is ends the start, each with its reason."""
    with pytest.raises(ConfigError) as caught:
        translate_k6_flags(["-p", "--execution-segment", "0:1/2", "a.js"])
    assert [(fault.place, fault.hint) for fault in caught.value.faults] == [
        ("-p", "a run cannot be started paused"),
        ("--execution-segment", "a part of a plan cannot be run by itself; use --workers to spread the load"),
    ]


def test_no_flag_of_ours_is_taken() -> None:
    """What the option table has is never passed over as k6's."""
    ours = {flag for row in OPTIONS for flag in row.flags}
    assert not ours & {flag for row in K6_FLAGS for flag in row.flags}
