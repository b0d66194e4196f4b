"""What only a process of its own can show: signals, closed pipes, a full disk, nothing left behind."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from swell.testing.server import EchoServer

SCRIPT = """'''A long script.'''
import time
from pathlib import Path

options = {"vus": 2, "duration": "10m"}

def default():
    Path("started").touch()
    time.sleep(600)
"""


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    """A directory with the script above."""
    (tmp_path / "script.py").write_text(SCRIPT)
    return tmp_path


def start(directory: Path, *flags: str, **options: object) -> subprocess.Popen[str]:
    """Start ``swell run script.py`` and wait until an iteration runs."""
    command = [sys.executable, "-m", "swell", "run", "script.py", *flags]
    process: subprocess.Popen[str] = subprocess.Popen(  # type: ignore[call-overload]
        command, cwd=directory, text=True, **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **options}
    )
    while process.poll() is None and not (directory / "started").exists():
        time.sleep(0.001)
    return process


def test_a_signal_ends_the_run_and_its_workers(directory: Path) -> None:
    """SIGTERM leads to the summary and exit code 105, and no worker outlives the command."""
    process = start(directory, "--workers", "2")
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) == 2
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate(timeout=60)
    assert process.returncode == 105, errors
    assert "received a 'terminated' signal" in errors
    assert "SAVED" in output
    assert psutil.wait_procs(workers, timeout=60)[1] == []


def test_workers_do_not_outlive_a_killed_coordinator(directory: Path) -> None:
    """Where the command itself is killed, its workers notice and end."""
    process = start(directory)
    workers = psutil.Process(process.pid).children(recursive=True)
    process.kill()
    process.communicate(timeout=60)
    assert psutil.wait_procs(workers, timeout=60)[1] == []


def test_a_closed_pipe_ends_the_run(directory: Path) -> None:
    """Where the reader of the output goes away, the command ends as SIGPIPE would end it, quietly."""
    process = start(directory)
    workers = psutil.Process(process.pid).children(recursive=True)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(60) == 141, errors
    assert "Traceback" not in errors
    assert psutil.wait_procs(workers, timeout=60)[1] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands in for a full disk")
def test_a_full_disk_under_the_output_does_not_stop_the_run(directory: Path) -> None:
    """The run goes on, is saved, and the command says that its output is lost."""
    (directory / "script.py").write_text("def default():\n    open('started', 'w').close()\n")
    with Path("/dev/full").open("w") as full:
        process = start(directory, stdout=full)
        _, errors = process.communicate(timeout=60)
    assert process.returncode == 255
    assert errors.endswith("error: standard output was not written: No space left on device\n")
    assert len(list(directory.glob("swell-results/*/snapshot.json"))) == 1


def test_the_demo_leaves_no_process_behind(tmp_path: Path) -> None:
    """Ctrl-C in the demo ends workers and target."""
    command = [sys.executable, "-m", "swell", "demo"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("running"):
                break
        children = psutil.Process(process.pid).children(recursive=True)
        assert len(children) >= 2
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
        assert process.returncode == 105, errors
    assert psutil.wait_procs(children, timeout=60)[1] == []


def test_a_closed_pipe_under_an_output_ends_the_run(tmp_path: Path) -> None:
    """``-o json | head`` is over when head is, and not when the plan is."""
    (tmp_path / "script.py").write_text("options = {'duration': '10m'}\ndef default():\n    pass\n")
    command = [sys.executable, "-m", "swell", "run", "-q", "script.py", "--out", "json"]
    process = subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline().startswith(b'{"')
    workers = psutil.Process(process.pid).children(recursive=True)
    assert len(workers) == 1
    process.stdout.close()
    with process.stderr:
        errors = process.stderr.read()
    assert process.wait(60) == 141, errors
    assert b"Traceback" not in errors
    assert psutil.wait_procs(workers, timeout=60)[1] == []


@pytest.mark.parametrize(("closed", "code"), [("<&-", 0), (">&-", 255), ("2>&-", 0), ("<&- >&- 2>&-", 255)])
def test_closed_standard_streams_are_no_bug(tmp_path: Path, closed: str, code: int) -> None:
    """The run goes on and is saved; a standard output that cannot be written is said, as with a full disk."""
    (tmp_path / "script.py").write_text("def default(): pass\n")
    line = ["sh", "-c", f"{sys.executable} -m swell run script.py {closed}"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert "Traceback" not in done.stderr
    if closed == ">&-":
        assert "error: standard output was not written: Bad file descriptor" in done.stderr
    assert len(list(tmp_path.glob("swell-results/*/snapshot.json"))) == 1


def test_a_worker_without_descriptors_left_goes_on_and_says_so(tmp_path: Path) -> None:
    """VUs whose connections find no descriptor fail with code 1236; the worker itself needs none any more."""
    source = "from swell import env, http\ndef default(): http.get(env.TARGET)\n"
    (tmp_path / "script.py").write_text(source)
    with EchoServer() as server:
        command = f"ulimit -Sn 64; ulimit -Hn 64; exec {sys.executable} -m swell run -q script.py"
        flags = f"--vus 100 --workers 1 --duration 1500ms -e TARGET={server.url}/delay/100"
        done = subprocess.run(
            ["sh", "-c", f"{command} {flags}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert "1236" in done.stdout
    assert "(local-exhaustion)" in done.stdout
    assert "lost-workers" not in done.stdout
