"""What ``--out`` may say."""

import pytest

from swell.base.errors import ConfigError, ExitCode
from swell.output.spec import OutputSpec, parse_outputs


@pytest.mark.parametrize(
    ("given", "specs"),
    [
        (["json"], [OutputSpec("json", "")]),
        (["json=-"], [OutputSpec("json", "")]),
        (["json=a.json.gz", "csv"], [OutputSpec("json", "a.json.gz"), OutputSpec("csv", "file.csv")]),
        (["csv=-"], [OutputSpec("csv", "")]),
        # A comma list was split; what begins with no output's name belongs to the item before.
        (
            ["json=a", "csv=fileName=b", "timeFormat=rfc3339"],
            [OutputSpec("json", "a"), OutputSpec("csv", "b", "rfc3339")],
        ),
        (["json=a", "b.json"], [OutputSpec("json", "a,b.json")]),
        (["csv=saveInterval=1s"], [OutputSpec("csv", "file.csv")]),
    ],
)
def test_items_and_their_arguments(given: list[str], specs: list[OutputSpec]) -> None:
    """Kinds, files, csv's arguments and k6's defaults are read as k6 reads them."""
    assert parse_outputs(given, {}) == tuple(specs)


def test_variables_fill_what_the_item_leaves_out() -> None:
    """K6_CSV_ variables hold where the item says nothing, and SWELL_CSV_ ones before them."""
    env = {"K6_CSV_FILENAME": "k.csv", "K6_CSV_TIME_FORMAT": "unix_milli", "SWELL_CSV_FILENAME": "s.csv"}
    assert parse_outputs(["csv"], env) == (OutputSpec("csv", "s.csv", "unix_milli"),)
    assert parse_outputs(["csv=fileName=own.csv,timeFormat=unix"], env) == (OutputSpec("csv", "own.csv"),)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (["kafka=x"], "there is no output 'kafka' in this version"),
        (["nosuch"], "there is no output 'nosuch' in this version"),
        (["csv=foo=bar"], "the csv output has no argument 'foo'"),
        (["csv=timeFormat=bogus"], "the csv output has no time format 'bogus'"),
        (["csv=saveInterval=xx"], "the csv output's saveInterval: "),
        (["json=a", "csv=a"], "two outputs write to a"),
        (["json", "csv=-"], "two outputs write to standard output"),
    ],
)
def test_faults(given: list[str], told: str) -> None:
    """Each fault is told with its place, and the exit code is k6's for outputs."""
    with pytest.raises(ConfigError) as caught:
        parse_outputs(given, {})
    (fault,) = caught.value.faults
    assert fault.place == "--out"
    assert fault.message.startswith(told)
    assert caught.value.exit_code == ExitCode.OTHER
