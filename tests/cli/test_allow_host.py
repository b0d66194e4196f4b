"""``--allow-host`` through the whole command: a declared target's hosts are kept from load unless allowed."""

import subprocess
import sys
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.testing import EchoServer, run_cli

SCRIPT = """
from swell import env, http
def default():
    http.get(f"{env.SITE}/")
"""
PRODUCTION = "SITE=https://shop.nowhere"
# Whether there is a name server, and what it says, is no matter of these tests.
UNASKED = ("--no-save", "--block-hostnames", "*.nowhere")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A script with a target."""
    (tmp_path / "browse.py").write_text(SCRIPT)
    (tmp_path / "profiles.toml").write_text('[target]\nvariable = "SITE"\nurl = "http://127.0.0.1:1"\n')
    return tmp_path


@pytest.mark.process
@pytest.mark.parametrize("command", ["run", "debug"])
def test_production_is_refused_before_anything_starts(folder: Path, command: str) -> None:
    """One line names the variable, the host, and the flag that allows it."""
    # In a process of its own: debug patches the one it runs in.
    words = [sys.executable, "-m", "swell", command, "browse.py", "-e", PRODUCTION]
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == ExitCode.INVALID_CONFIG
    assert "SITE: shop.nowhere looks like production" in done.stderr
    assert "if it is for load tests: --allow-host shop.nowhere" in done.stderr


def test_variables_of_the_process_count_too(folder: Path) -> None:
    """Where the target is need not stand on the command line."""
    done = run_cli("run", "browse.py", env={"SITE": "https://shop.nowhere"}, cwd=folder)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "shop.nowhere looks like production" in done.stderr


def test_a_host_that_is_allowed_by_name(folder: Path) -> None:
    """The run starts, and its request gets as far as the hosts that are blocked."""
    flags = ["--allow-host", "other.nowhere", "--allow-host", "shop.nowhere"]
    done = run_cli("run", "browse.py", "-e", PRODUCTION, *UNASKED, *flags, cwd=folder)
    assert done.exit_code is ExitCode.OK
    assert "1111" in done.stdout


def test_what_sends_nothing_is_not_guarded(folder: Path) -> None:
    """Options may be looked at for any host."""
    assert run_cli("inspect", "browse.py", "-e", PRODUCTION, cwd=folder).exit_code is ExitCode.OK


def test_a_folder_without_a_target_is_not_guarded(folder: Path) -> None:
    """Who declares none has said nothing of where load belongs."""
    (folder / "profiles.toml").write_text("[demo.browse]\n")
    done = run_cli("run", "browse.py", "-e", PRODUCTION, *UNASKED, cwd=folder)
    assert done.exit_code is ExitCode.OK


def test_a_target_that_cannot_be_read_is_a_fault(folder: Path) -> None:
    """A guard that nobody can read is not passed over."""
    (folder / "profiles.toml").write_text("[target]\nvariables = 3\n")
    with EchoServer() as server:
        done = run_cli("run", "browse.py", "-e", f"SITE={server.url}", cwd=folder)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "[target]: there is no key 'variables'" in done.stderr
