"""More reasons of a verdict, provoked in real runs; --require-trust tells each in the exit code."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from swell.base.errors import ExitCode
from swell.metrics.snapshot import Reason, Snapshot
from swell.testing.cli import CLIResult

Run = Callable[..., CLIResult]
OWN_NETWORK = Path(__file__).with_name("own_network.py")

RAISING = """
def default():
    raise LookupError("never")
"""

UNANSWERED = """
from swell import http
def default():
    http.get("http://127.0.0.1:1/")
"""

UNSENT = """
from swell import http
def default():
    http.get("127.0.0.1:1/")
"""

UNSENT_WEBSOCKET = """
from swell import ws
def default():
    ws.connect("127.0.0.1:1/")
"""

NEVER_DONE = """
from swell import sleep
options = {"scenarios": {
    "s": {"executor": "constant-vus", "vus": 1, "duration": "1s", "gracefulStop": "0s"}
}}
def default():
    sleep(30)
"""

EVER_NEW_TAGS = """
from swell import Counter
seen = Counter("seen")
def default():
    for number in range(20_001):
        seen.add(1, {"number": number})
"""

SLOW_READERS = """
import time
from swell import env, http
options = {"vus": 45, "iterations": 45}
def default():
    http.get(f"{env.TARGET}/get", name="/get")
    until = time.monotonic() + 0.08
    while time.monotonic() < until:
        pass
"""


def reasons_of(folder: Path) -> dict[str, Reason]:
    """The reasons by slug of the only run saved below ``folder``."""
    (path,) = folder.glob("swell-results/*/snapshot.json")
    verdict = msgspec.json.decode(path.read_bytes(), type=Snapshot).verdict
    assert verdict is not None
    return {reason.slug: reason for reason in verdict.reasons}


@pytest.mark.parametrize(
    ("source", "slug", "level"),
    [
        (RAISING, "raising-iterations", "invalid"),
        (UNANSWERED, "unanswered-requests", "invalid"),
        (UNSENT, "unsent-requests", "invalid"),
        (UNSENT_WEBSOCKET, "unsent-requests", "invalid"),
        (NEVER_DONE, "nothing-measured", "invalid"),
        (EVER_NEW_TAGS, "overflowed-tag-sets", "degraded"),
        (SLOW_READERS, "receive-gap", "degraded"),
    ],
    ids=lambda value: value if "-" in value else "",
)
def test_what_a_script_can_do_to_a_measurement(
    run: Run, tmp_path: Path, source: str, slug: str, level: str
) -> None:
    """The reason is there at its level, and --require-trust makes the exit code 111."""
    result = run(source, "-q", "--require-trust")
    assert result.exit_code == ExitCode.UNTRUSTED, result.stderr
    assert reasons_of(tmp_path)[slug].level == level
    assert f"({slug})" in result.stdout


def test_a_run_that_is_ended_is_told(run: Run, tmp_path: Path) -> None:
    """abort() keeps its own exit code; the verdict says that the plan was not done."""
    source = """
    from swell import abort, context
    options = {"iterations": 3}
    def default():
        if context.scenario.iteration:
            abort("enough")
    """
    result = run(source, "-q", "--require-trust")
    assert result.exit_code == ExitCode.SCRIPT_ABORTED
    assert reasons_of(tmp_path)["interrupted-run"].level == "degraded"


def test_arrivals_of_a_worker_that_hung_are_missing(run: Run, tmp_path: Path) -> None:
    """What was due meanwhile was neither started nor dropped: the load of the plan was not delivered."""
    source = """
    options = {"hang_timeout": "2s", "scenarios": {
        "s": {"executor": "constant-arrival-rate", "rate": 40, "duration": "1s", "preAllocatedVUs": 60}
    }}
    def default():
        while True:
            pass
    """
    result = run(source, "-q")
    assert result.exit_code == ExitCode.WORKER_HUNG
    reasons = reasons_of(tmp_path)
    assert {"missing-iterations", "lost-workers"} <= set(reasons)
    assert reasons["missing-iterations"].measured > 0.5


def run_alone(kind: str, source: str, folder: Path, *flags: str) -> dict[str, Reason]:
    """The reasons of a run in a network namespace of its own."""
    script = folder / "script.py"
    script.write_text(f'"""A test\'s script."""\n{source}', encoding="utf-8")
    command = [sys.executable, str(OWN_NETWORK), kind, str(script), *flags]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode == 77:
        pytest.skip("this system gives nobody a network namespace of their own")
    assert done.returncode == ExitCode.UNTRUSTED, done.stderr
    return reasons_of(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="network namespaces are Linux's")
def test_ports_that_run_out_are_this_machines(tmp_path: Path) -> None:
    """Eight VUs, four local ports: the requests that failed are not held against the target."""
    source = "from swell import env, http, sleep\ndef default():\n    http.get(env.TARGET)\n    sleep(1)\n"
    flags = ("--vus", "8", "--iterations", "8", "--require-trust")
    reasons = run_alone("ports", source, tmp_path, *flags)
    assert reasons["local-exhaustion"].level == "invalid"
    assert reasons["local-exhaustion"].measured == 0.5


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux's")
def test_segments_that_were_sent_again_are_seen(tmp_path: Path) -> None:
    """A queue that was full: the SYNs that were lost are in the latencies, and the verdict says so."""
    source = "from swell import env, http\ndef default():\n    http.get(env.TARGET, timeout=4)\n"
    reasons = run_alone("late", source, tmp_path, "--vus", "8", "--iterations", "8", "--require-trust")
    assert reasons["tcp-retransmits"].level == "invalid"
    assert reasons["listen-drops"].measured >= 5
