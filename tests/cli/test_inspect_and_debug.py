"""``swell inspect`` and ``swell debug``."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.testing.cli import run_cli

SCRIPT = """'''A script.'''
from swell import check, env, http, scenario

options = {"maxRedirects": 3}

@scenario(executor="constant-vus", vus=2, duration="10s", graceful_stop="5s")
def browse():
    response = http.get(f"{env.TARGET}/json")
    check(response, {"is ok": lambda r: r.ok})
"""


@pytest.fixture
def script(tmp_path: Path) -> Path:
    """The script above in a directory of its own."""
    path = tmp_path / "script.py"
    path.write_text(SCRIPT)
    return path


def test_inspect_shows_what_the_script_says(script: Path) -> None:
    """Without a flag the options are those of the script, and what it leaves out is null."""
    result = run_cli("inspect", "script.py", cwd=script.parent)
    assert result.exit_code == ExitCode.OK, result.stderr
    shown = json.loads(result.stdout)
    assert shown["maxRedirects"] == 3
    assert shown["batch"] is None
    assert shown["scenarios"]["browse"]["executor"] == "constant-vus"


def test_inspect_consolidates_for_execution_requirements(script: Path) -> None:
    """With it all layers and defaults are in, and what the run needs beside them."""
    arguments = ("inspect", "--execution-requirements", "--batch", "7", "script.py")
    shown = json.loads(run_cli(*arguments, cwd=script.parent).stdout)
    assert (shown["batch"], shown["batchPerHost"], shown["maxRedirects"]) == (7, 6, 3)
    assert (shown["totalDuration"], shown["maxVUs"]) == ("15s", 2)


def test_inspect_lists_faults_as_run_does(script: Path) -> None:
    """What run would refuse, inspect refuses, with the same exit code."""
    result = run_cli("inspect", "script.py", "--batch", "x", cwd=script.parent)
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert "--batch: must be a whole number" in result.stderr


def debug(script: Path, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run ``swell debug`` in a process of its own, as it patches the process it runs in."""
    command = [sys.executable, "-m", "swell", "debug", str(script), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, input=stdin)


def test_debug_shows_every_exchange(script: Path, target: str) -> None:
    """Request, response and checks of one iteration are shown; nothing is saved."""
    result = debug(script, "-e", f"TARGET={target}")
    assert result.returncode == ExitCode.OK, result.stderr
    assert f"> GET {target}/json" in result.stdout
    assert "< 200 OK" in result.stdout
    assert "check passed: is ok" in result.stdout


def test_debug_stops_at_breakpoints(script: Path, target: str) -> None:
    """A breakpoint opens pdb in the iteration's own frame."""
    script.write_text(SCRIPT.replace("    check(", "    breakpoint()\n    check("))
    result = debug(script, "-e", f"TARGET={target}", stdin="p response.status_code\nc\n")
    assert result.returncode == ExitCode.OK, result.stderr
    assert "(Pdb) 200" in result.stdout


def test_debug_fails_with_the_script(script: Path) -> None:
    """An exception in the iteration is shown with the script's stack, exit code 107."""
    result = debug(script)
    assert result.returncode == ExitCode.SCRIPT_EXCEPTION
    assert "TARGET" in result.stdout + result.stderr


def test_debug_names_the_scenarios_there_are(script: Path) -> None:
    """An unknown --scenario is met with the known ones."""
    result = debug(script, "--scenario", "brwose")
    assert result.returncode == ExitCode.INVALID_CONFIG
    assert "there are: browse" in result.stderr
