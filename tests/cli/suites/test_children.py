"""Tests of cli/suites/processes.py and leash.py with real processes: nothing is left, whoever started it."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from swell.cli.suites.processes import Child, Children, Stopped

pytestmark = pytest.mark.process

# Starts a process, in a session of its own where asked to, tells its number, then does what it is told.
PARENT = """
import subprocess, sys, socket, signal
line = socket.socket(fileno=int(sys.argv[1]))
alone = sys.argv[2] == "alone"
child = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"], start_new_session=alone)
line.sendall(f"{child.pid}\\n".encode())
if sys.argv[3] == "stay":
    signal.pause()
"""


@pytest.fixture
def children() -> Iterator[Children]:
    """The children of one suite; all end with the test."""
    with Children() as all_of_them:
        yield all_of_them


def start(children: Children, where: str, then: str) -> tuple[Child, psutil.Process]:
    """A parent, and the process that it has started."""
    with Path(os.devnull).open("wb") as out:
        child = children.start(
            lambda line: [sys.executable, "-c", PARENT, str(line), where, then],
            cwd=Path.cwd(),
            env=os.environ,
            out=out,
        )
    while not (lines := child.told()):
        children.pause()
    return child, psutil.Process(int(lines[0]))


def test_what_a_child_left_in_its_group_ends_with_it(children: Children) -> None:
    """A parent that is gone before the end leaves nothing behind once its status was seen."""
    child, grandchild = start(children, "beside", "go")
    while child.poll() is None:
        children.pause()
    grandchild.wait(60)
    assert not grandchild.is_running()


def test_a_killed_parent_s_children_end(children: Children) -> None:
    """Killed from elsewhere, such as for its memory: what it had started ends all the same."""
    child, grandchild = start(children, "beside", "stay")
    child.process.kill()
    while child.poll() is None:
        children.pause()
    grandchild.wait(60)
    assert child.poll() == -signal.SIGKILL


def test_grandchildren_in_sessions_of_their_own_end() -> None:
    """Those of a child that runs are found before it is ended, wherever they have gone."""
    with Children() as children:
        _, grandchild = start(children, "alone", "stay")
    assert not grandchild.is_running()


def test_lines_are_told_once_and_whole(children: Children) -> None:
    """A line that is not whole yet waits for its end."""
    script = """
import socket, sys
line = socket.socket(fileno=int(sys.argv[1]))
line.sendall(b"one\\ntw")
line.recv(1)
"""
    with Path(os.devnull).open("wb") as out:
        child = children.start(
            lambda line: [sys.executable, "-c", script, str(line)], cwd=Path.cwd(), env=os.environ, out=out
        )
    while not (lines := child.told()):
        children.pause()
    assert lines == [b"one"]
    assert child.told() == []


def test_nothing_starts_after_a_signal(children: Children) -> None:
    """Neither a process nor a wait."""
    children.on_signal(signal.SIGINT)
    with pytest.raises(Stopped):
        children.pause()
    with pytest.raises(Stopped), Path(os.devnull).open("wb") as out:
        children.start(lambda _line: ["true"], cwd=Path.cwd(), env={}, out=out)


def test_a_program_that_is_not_there(children: Children) -> None:
    """Starting it is an OSError, and no connection stays open."""
    before = psutil.Process().num_fds()
    with pytest.raises(OSError), Path(os.devnull).open("wb") as out:
        children.start(lambda _line: ["/nowhere/at/all"], cwd=Path.cwd(), env={}, out=out)
    assert psutil.Process().num_fds() <= before


def test_a_leashed_command_is_swell_s_own(tmp_path: Path) -> None:
    """What follows the descriptor is a command line of swell's."""
    children = Children()
    with children, (tmp_path / "out").open("wb") as out:
        child = children.start(
            lambda line: [sys.executable, "-P", "-m", "swell.cli.suites.leash", str(line), "version"],
            cwd=tmp_path,
            env=os.environ,
            out=out,
        )
        assert child.process.wait(60) == 0
    assert (tmp_path / "out").read_text().startswith("swell ")


def test_without_a_suite_a_leashed_run_ends(tmp_path: Path) -> None:
    """The end of the connection interrupts it, as a signal would: it ends in order, with code 105."""
    (tmp_path / "long.py").write_text(
        "from swell import scenario, sleep\n"
        "@scenario(executor='constant-vus', vus=1, duration='10m')\n"
        "def wait():\n    sleep(1)\n"
        "def teardown():\n    print('torn down')\n"
    )
    children = Children()
    with (tmp_path / "out").open("wb") as out:
        child = children.start(
            lambda line: [
                *(sys.executable, "-P", "-m", "swell.cli.suites.leash", str(line)),
                *("run", "long.py", "--results-dir", "kept"),
            ],
            cwd=tmp_path,
            env=os.environ,
            out=out,
        )
    with children:
        while not any(b'"planned_ns":600' in line for line in child.told()):
            children.pause()
        family = psutil.Process(child.pid).children(recursive=True)
        child.close()
        assert child.process.wait(60) == 105
        assert psutil.wait_procs(family, timeout=60)[1] == []
    assert "torn down" in (tmp_path / "out").read_text()
    assert list(tmp_path.glob("kept/*/snapshot.json"))
