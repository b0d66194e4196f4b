"""Tests of config/profiles.py: what a profile changes of a script's options, and each way to get it wrong."""

from pathlib import Path
from textwrap import dedent

import pytest

from swell.base.errors import ConfigError
from swell.config.layers import Layer
from swell.config.profiles import find_profiles, with_profile

SEARCH = {"executor": "ramping-vus", "stages": [("2m", 100)], "exec": "search", "startTime": "3s"}
OPTIONS = {
    "maxRedirects": 4,
    "thresholds": {"checks": ["rate>0.9"]},
    "scenarios": {"search": SEARCH, "browse": {"executor": "constant-vus", "vus": 5, "duration": "1m"}},
}


def applied(
    folder: Path, profiles: str, name: str = "demo", options: dict[str, object] | None = None
) -> Layer:
    """The layer of search.py with a profile over it."""
    (folder / "profiles.toml").write_text(dedent(profiles))
    layer = Layer(
        "script", "search.py", OPTIONS if options is None else options, {"scenarios.search": "search.py:3"}
    )
    return with_profile(layer, find_profiles(folder).profile(name, folder / "search.py"))


def faults(folder: Path, profiles: str, name: str = "demo") -> list[str]:
    """What is wrong, as lines."""
    with pytest.raises(ConfigError) as raised:
        applied(folder, profiles, name)
    return [f"{fault.place}: {fault.message} ({fault.hint})" for fault in raised.value.faults]


def test_scenarios_are_merged_field_by_field(tmp_path: Path) -> None:
    """A scenario keeps what the profile does not name; other scenarios and options stay as they are."""
    layer = applied(tmp_path, '[demo.search]\nscenarios.search = { stages = [["1s", 5]], start_time = 0 }')
    assert layer.values == {
        **OPTIONS,
        "scenarios": {
            "search": {"executor": "ramping-vus", "exec": "search", "stages": [["1s", 5]], "start_time": 0},
            "browse": {"executor": "constant-vus", "vus": 5, "duration": "1m"},
        },
    }


def test_another_executor_keeps_what_all_have(tmp_path: Path) -> None:
    """Fields of the executor that is replaced go; exec, env, tags and times stay."""
    change = "{ executor = 'constant-vus', vus = 2, duration = '5s' }"
    layer = applied(tmp_path, f"[demo.search]\nscenarios.search = {change}\nscenarios.browse = false")
    assert layer.values["scenarios"] == {
        "search": {
            "executor": "constant-vus",
            "exec": "search",
            "startTime": "3s",
            "vus": 2,
            "duration": "5s",
        }
    }


def test_options_replace_the_script_s_in_either_spelling(tmp_path: Path) -> None:
    """Whatever the spelling, an option stands once; a workload in short drops the scenarios."""
    layer = applied(tmp_path, '[demo.search]\nmax_redirects = 1\nvus = 3\nduration = "5s"')
    assert layer.values == {
        "max_redirects": 1,
        "thresholds": {"checks": ["rate>0.9"]},
        "vus": 3,
        "duration": "5s",
    }


def test_places_name_the_profile(tmp_path: Path) -> None:
    """A fault in what the profile says is found there, one in what the script says in the script."""
    layer = applied(tmp_path, "[demo.search]\nscenarios.search = { vus = -1 }\nmax_redirects = 1")
    shown = f"{tmp_path.name}/profiles.toml [demo.search]"
    assert layer.place(("scenarios", "search", "vus")).startswith(shown)
    assert layer.place(("max_redirects",)).startswith(shown)
    assert layer.place(("scenarios", "search", "exec")).startswith("search.py:3")


def test_the_nearest_file_counts(tmp_path: Path) -> None:
    """The script's own folder comes before those above it; without any file there are no profiles."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "profiles.toml").write_text("[outer]\nabout = 'far'\n")
    assert list(find_profiles(inner).tables) == ["outer"]
    (inner / "profiles.toml").write_text("[inner]\n")
    assert list(find_profiles(inner).tables) == ["inner"]


def test_a_profile_lists_its_scripts(tmp_path: Path) -> None:
    """Every table below a profile is a script beside the file, but for its variables and what it is for."""
    text = "[target]\nurl = 'http://x'\n[demo]\nabout = 'a'\nenv = { A = 1 }\n[demo.b]\n[demo.a]\n"
    (tmp_path / "profiles.toml").write_text(text)
    profiles = find_profiles(tmp_path)
    assert profiles.scripts("demo") == [tmp_path / "b.py", tmp_path / "a.py"]
    assert (profiles.target, list(profiles.tables)) == ({"url": "http://x"}, ["demo"])


def test_variables_of_a_profile(tmp_path: Path) -> None:
    """Those of the script's table win over those for all; values become text."""
    text = "[demo]\nenv = { A = 1, B = 'b' }\n[demo.search]\nenv = { A = 0.5 }\nbatch = 1\n"
    (tmp_path / "profiles.toml").write_text(text)
    profile = find_profiles(tmp_path).profile("demo", Path("search.py"))
    assert (profile.env, profile.options) == ({"A": "0.5", "B": "b"}, {"batch": 1})


PROFILES = "[demo.search]\n[demo.pages]\n[smoke.search]\n"


def test_an_unknown_profile_lists_those_there_are(tmp_path: Path) -> None:
    """With the one that was probably meant."""
    place = f"{tmp_path.name}/profiles.toml"
    assert faults(tmp_path, PROFILES, "smok") == [
        f"--profile: there is no profile 'smok' in {place}; there are: demo, smoke (did you mean 'smoke'?)"
    ]
    assert faults(tmp_path, PROFILES, "x")[0].endswith("there are: demo, smoke ()")


def test_a_profile_must_know_the_script(tmp_path: Path) -> None:
    """Else it would run at full size."""
    (fault,) = faults(tmp_path, "[demo]\nabout = 'x'\n[demo.pages]\n")
    assert "the profile 'demo' has no entry for search.py; it has: pages.py (add [demo.search]" in fault


def test_a_scenario_must_exist(tmp_path: Path) -> None:
    """With the name that was probably meant."""
    (fault,) = faults(tmp_path, "[demo.search]\nscenarios.serach = { vus = 1 }")
    assert "search.py has no scenario 'serach' (did you mean 'search'?)" in fault


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[demo", "is not valid TOML"),
        ("demo = 3", "must be a table of scripts"),
        ("[demo]\nsearch = 3", "must be a table of scripts"),
    ],
)
def test_a_file_that_is_none(tmp_path: Path, text: str, message: str) -> None:
    """What is no table of profiles is one fault with its place."""
    (fault,) = faults(tmp_path, text)
    assert message in fault
    assert f"{tmp_path.name}/profiles.toml" in fault


def test_no_file_at_all(tmp_path: Path) -> None:
    """Said with the name of the file to write."""
    with pytest.raises(ConfigError, match=r"there is no profiles\.toml in .* or above it"):
        find_profiles(tmp_path)
