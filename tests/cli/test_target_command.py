"""``swell target`` starts the platform as a process of its own, and says what is missing."""

import importlib.util
import json
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from swell.base.errors import ExitCode
from swell.testing.cli import run_cli


def command(*arguments: str) -> list[str]:
    """A command line of ``swell target``."""
    return [sys.executable, "-m", "swell", "target", *arguments]


def test_arguments_go_to_the_platform(tmp_path: Path) -> None:
    """Its help, its output and its faults are its own; a fault gives a status other than 0."""
    done = subprocess.run(
        command("serve", "--help"), capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert "--port-base" in done.stdout
    done = subprocess.run(
        command("seed", "--services", "nonsense"), capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == ExitCode.OTHER
    assert done.stderr.startswith("swell target: no service nonsense")


def test_serving_ends_with_the_signal(tmp_path: Path) -> None:
    """SIGTERM to swell ends the platform in order, with status 0."""
    serve = command("serve", "--services", "cooly", "--port-base", "0", "--data", str(tmp_path / "data"))
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert json.loads(process.stdout.readline())["services"]["cooly"].startswith("http://127.0.0.1:")
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == ExitCode.OK


def test_a_kill_ends_the_platform(tmp_path: Path) -> None:
    """SIGKILL to swell ends the platform, too: it notices that nobody holds it any more."""
    serve = command("serve", "--services", "cooly", "--port-base", "0", "--data", str(tmp_path / "data"))
    with subprocess.Popen(serve, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline()
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_missing_libraries_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra, the error names it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    result = run_cli("target", "serve")
    assert result.exit_code == ExitCode.OTHER
    assert "pip install 'swell[target]'" in result.stderr
