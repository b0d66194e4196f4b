"""``--profile`` through the whole command: between the script and the variables, shown by inspect."""

import json
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.testing import run_cli

SCRIPT = """
from swell import scenario
options = {"maxRedirects": 4, "batch": 3}
@scenario(executor="constant-vus", vus=100, duration="10m")
def browse(): pass
"""
PROFILES = "[demo.browse]\nmax_redirects = 5\nbatch = 6\nscenarios.browse = { vus = 2 }\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A script with a profile."""
    (tmp_path / "browse.py").write_text(SCRIPT)
    (tmp_path / "profiles.toml").write_text(PROFILES)
    return tmp_path


def inspected(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> dict[str, object]:
    """What a run would take."""
    done = run_cli("inspect", "--execution-requirements", "browse.py", *arguments, cwd=folder, env=env or {})
    assert done.exit_code is ExitCode.OK, done.stderr
    shown: dict[str, object] = json.loads(done.stdout)
    return shown


def test_a_profile_lies_between_script_and_variables(folder: Path) -> None:
    """It wins over the script; variables and flags win over it; SWELL_PROFILE names it too."""
    assert inspected(folder)["maxVUs"] == 100
    shown = inspected(folder, "--profile", "demo", env={"SWELL_BATCH": "7"})
    assert (shown["maxVUs"], shown["maxRedirects"], shown["batch"]) == (2, 5, 7)
    shown = inspected(folder, "--max-redirects", "8", env={"SWELL_PROFILE": "demo"})
    assert (shown["maxVUs"], shown["maxRedirects"], shown["batch"]) == (2, 8, 6)


def test_inspect_shows_what_is_written_with_the_profile(folder: Path) -> None:
    """Without --execution-requirements too."""
    done = run_cli("inspect", "browse.py", "--profile", "demo", cwd=folder)
    assert json.loads(done.stdout)["scenarios"]["browse"]["vus"] == 2


def test_a_wrong_profile_is_listed_with_all_other_faults(folder: Path) -> None:
    """Nothing is started; the profiles that there are are named."""
    done = run_cli("run", "browse.py", "--profile", "dem", "--batch", "x", cwd=folder)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "2 faults" in done.stderr
    assert "there is no profile 'dem'" in done.stderr
    assert "did you mean 'demo'?" in done.stderr


def test_variables_of_a_profile_reach_the_script(tmp_path: Path) -> None:
    """While it loads, too; what the process or -e set wins."""
    (tmp_path / "a.py").write_text(
        "from swell import env\noptions = {'vus': int(env.A), 'duration': env.B}\ndef default(): pass\n"
    )
    (tmp_path / "profiles.toml").write_text("[demo.a]\nenv = { A = 3, B = '4s' }\n")
    done = run_cli("inspect", "a.py", "--profile", "demo", "-e", "A=5", cwd=tmp_path, env={"B": "6s"})
    shown = json.loads(done.stdout)
    assert (shown["vus"], shown["duration"]) == (5, "6s")
    done = run_cli("inspect", "a.py", "--profile", "demo", cwd=tmp_path, env={})
    shown = json.loads(done.stdout)
    assert (shown["vus"], shown["duration"]) == (3, "4s")
