"""Whole runs with real worker processes: the happy path, and every way in which a worker can go wrong."""

import os
import re
import select
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from process_runs import Recording, counted, make_coordinator

from swell.base.errors import ExitCode, ScriptError, SwellError
from swell.config.options import Options, ThresholdSpec
from swell.config.scenarios import ConstantVUs, PerVUIterations, SharedIterations
from swell.engine.coordinator import Coordinator
from swell.metrics.snapshot import CounterValue, Snapshot

pytestmark = pytest.mark.process

SECOND = 1_000_000_000
LONG = (ConstantVUs(name="default", vus=2, duration_ns=60 * SECOND),)
# One line per VU once it iterates; then it sleeps until it is interrupted.
SLEEPING = """
    import os, time
    def default():
        print(f"running in {os.getpid()}")
        time.sleep(60)
    def teardown(data):
        print("torn down")
"""


def assert_gone(pid: int) -> None:
    """The process has ended and was reaped."""
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_script_runs_from_setup_to_summary(tmp_path: Path) -> None:
    """What setup returns reaches VUs and teardown, handle_summary's files the result; all phases occur."""
    heard = Recording()
    source = """
        def setup():
            return {"token": "t1"}
        def default(data):
            print("iterating with", data["token"])
        def teardown(data):
            print("tearing down", data["token"])
        def handle_summary(summary):
            return {"out.txt": f"workers: {summary['workers']}"}
    """
    result = make_coordinator(tmp_path, source, heard).run()
    assert result.exit_code is ExitCode.OK
    assert result.cause is None
    assert counted(result, "iterations") == 1
    assert result.summary_files == {"out.txt": b"workers: 1"}
    assert "iterating with t1" in heard.text
    assert "tearing down t1" in heard.text
    assert heard.phases == [
        "loading",
        "initializing",
        "setup",
        "running",
        "invariants",
        "teardown",
        "summary",
        "leaving",
        "over",
    ]
    assert result.snapshot.run.status == "finished"
    assert bytes(result.snapshot.setup_data) == b'{"token":"t1"}'


def test_workers_share_one_plan(tmp_path: Path) -> None:
    """With three workers the iterations are those of one plan, and all processes are gone afterwards."""
    heard = Recording()
    source = """
        import os
        def default():
            print("pid", os.getpid())
    """
    scenarios = (SharedIterations(name="default", vus=5, iterations=23),)
    coordinator = make_coordinator(tmp_path, source, heard, options=Options(workers=3), scenarios=scenarios)
    result = coordinator.run()
    pids = {int(line.message.split()[1]) for line in heard.lines if line.message.startswith("pid")}
    assert result.exit_code is ExitCode.OK
    assert heard.workers == 3
    assert counted(result, "iterations") == 23
    assert len(pids) == 3
    for pid in pids:
        assert_gone(pid)


def test_a_scenario_follows_another(tmp_path: Path) -> None:
    """A scenario with ``after`` starts when its predecessor is over in all workers."""
    heard = Recording()
    source = """
        def first():
            print("first")
        def second():
            print("second")
    """
    scenarios = (
        PerVUIterations(name="late", exec="second", vus=2, after="early"),
        PerVUIterations(name="early", exec="first", vus=2, iterations=3),
    )
    result = make_coordinator(tmp_path, source, heard, options=Options(workers=2), scenarios=scenarios).run()
    words = [line.message for line in heard.lines if line.message in {"first", "second"}]
    assert words == ["first"] * 6 + ["second"] * 2
    assert [state.status for state in result.snapshot.scenarios] == ["done", "done"]


# Bad scripts.


def test_a_script_that_raises_while_loading_is_an_error(tmp_path: Path) -> None:
    """What loading raised arrives as ScriptError with the script's own stack; there is no result."""
    coordinator = make_coordinator(tmp_path, "\n\nraise ValueError('broken on load')\n", Recording())
    with pytest.raises(ScriptError) as caught:
        coordinator.run()
    assert "broken on load" in caught.value.message
    assert "script.py" in caught.value.stack
    assert caught.value.exit_code is ExitCode.SCRIPT_EXCEPTION


def test_setup_that_raises_skips_teardown_but_not_the_summary(tmp_path: Path) -> None:
    """107; no iteration, no teardown; the result is there."""
    heard = Recording()
    source = """
        def setup():
            raise ValueError("no token")
        def default(data):
            print("iterated")
        def teardown(data):
            print("torn down")
    """
    result = make_coordinator(tmp_path, source, heard).run()
    assert result.exit_code is ExitCode.SCRIPT_EXCEPTION
    assert result.cause is not None
    assert "no token" in result.cause.message
    assert "torn down" not in heard.text
    assert "iterated" not in heard.text
    assert heard.phases[-4:] == ["setup", "summary", "leaving", "over"]


@pytest.mark.parametrize(
    ("hook", "code", "options"),
    [
        ("setup", ExitCode.SETUP_TIMEOUT, Options(setup_timeout_ns=SECOND // 10)),
        ("teardown", ExitCode.TEARDOWN_TIMEOUT, Options(teardown_timeout_ns=SECOND // 10)),
        ("handle_summary", ExitCode.GENERIC_TIMEOUT, Options(handle_summary_timeout_ns=SECOND // 10)),
    ],
)
def test_a_hook_that_sleeps_too_long_times_out(
    tmp_path: Path, hook: str, code: ExitCode, options: Options
) -> None:
    """Each of setup, teardown and handle_summary has a time-out and an exit code for it."""
    source = f"""
        import time
        def {hook}(*_):
            time.sleep(60)
        def default(data=None):
            pass
    """.replace("(*_)", "()" if hook == "setup" else "(data)")
    result = make_coordinator(tmp_path, source, Recording(), options=options).run()
    assert result.exit_code is code
    assert result.cause is not None
    assert "timed out after 0.1 seconds" in result.cause.message


def test_the_script_aborts_and_marks_failed(tmp_path: Path) -> None:
    """abort() is 108 with its message and still tears down; fail() elsewhere only marks the run."""
    heard = Recording()
    source = """
        from swell import abort
        def default():
            abort("enough")
        def teardown(data):
            print("torn down")
    """
    result = make_coordinator(tmp_path, source, heard, scenarios=LONG).run()
    assert result.exit_code is ExitCode.SCRIPT_ABORTED
    assert result.cause is not None
    assert "enough" in result.cause.message
    assert "torn down" in heard.text
    assert result.snapshot.run.status == "aborted"


def test_a_crossed_threshold_ends_the_run(tmp_path: Path) -> None:
    """abortOnFail: the run stops at the first delta that crosses, with 99, teardown and summary."""
    heard = Recording()
    source = """
        import time
        def default():
            time.sleep(0.01)
        def teardown(data):
            print("torn down")
    """
    options = Options(thresholds={"iterations": (ThresholdSpec("count<1", abort_on_fail=True),)})
    result = make_coordinator(tmp_path, source, heard, options=options, scenarios=LONG).run()
    assert result.exit_code is ExitCode.THRESHOLDS_FAILED
    assert result.cause is not None
    assert "stopping test prematurely" in result.cause.message
    assert "stopping" in heard.phases
    assert "torn down" in heard.text
    assert result.snapshot.run.duration_ns < LONG[0].duration_ns


# Stopping.


def test_the_first_signal_interrupts_in_order(tmp_path: Path) -> None:
    """105: running iterations are interrupted, teardown runs, the summary is there."""
    heard = Recording(lambda line: coordinator.interrupt() if line.startswith("running in") else None)
    coordinator = make_coordinator(tmp_path, SLEEPING, heard, scenarios=(PerVUIterations(name="default"),))
    result = coordinator.run()
    assert result.exit_code is ExitCode.EXTERNAL_ABORT
    assert result.cause is not None
    assert "'interrupt' signal" in result.cause.message
    assert "torn down" in heard.text
    assert result.snapshot.scenarios[0].interrupted == 1
    assert result.snapshot.scenarios[0].status == "interrupted"
    assert result.snapshot.verdict is not None
    assert "interrupted-run" in {reason.slug for reason in result.snapshot.verdict.reasons}


def test_the_second_signal_ends_at_once(tmp_path: Path) -> None:
    """While teardown hangs after the first signal, the second kills everything; still 105."""

    def act(line: str) -> None:
        if line in {"iterating", "teardown hangs"}:
            coordinator.interrupt(signal.SIGTERM)

    source = """
        import time
        def default():
            print("iterating")
            time.sleep(60)
        def teardown(data):
            print("teardown hangs")
            time.sleep(60)
    """
    heard = Recording(act)
    coordinator = make_coordinator(tmp_path, source, heard)
    result = coordinator.run()
    assert result.exit_code is ExitCode.EXTERNAL_ABORT
    assert result.cause is not None
    assert "'terminated' signal" in result.cause.message
    assert heard.phases[-2:] == ["teardown", "over"]


def test_a_signal_while_loading_is_an_error(tmp_path: Path) -> None:
    """There is no result before anything ran: 105 as an error, and the worker is killed though it is busy."""
    heard = Recording(lambda line: coordinator.interrupt() if line == "loading for ever" else None)
    coordinator = make_coordinator(
        tmp_path, "import os\nos.write(1, b'loading for ever\\n')\nwhile True: pass\n", heard
    )
    with pytest.raises(SwellError) as caught:
        coordinator.run()
    assert caught.value.exit_code is ExitCode.EXTERNAL_ABORT


# Workers in trouble.


def test_a_crash_tells_where_it_was(tmp_path: Path) -> None:
    """A segmentation fault in a C library: the signal, and the innermost frames of Python's report."""
    source = """
        import ctypes
        def default():
            ctypes.string_at(0)
    """
    result = make_coordinator(tmp_path, source, Recording()).run()
    assert result.exit_code is ExitCode.WORKER_LOST
    assert result.cause is not None
    words = result.cause.message.split(" | ")
    assert words[0] == (
        "worker 0 was killed by SIGSEGV; its last words: Fatal Python error: Segmentation fault"
    )
    assert re.search(r'script.py", line \d+ in default', words[2])
    assert len(words) == 5


def test_a_killed_worker_ends_the_run_and_keeps_what_came(tmp_path: Path) -> None:
    """SIGKILL from outside: 114 with the signal's name, and the samples received until then."""
    source = """
        import os, time
        def default():
            os.write(2, b"last words\\n") if not os.environ.get("said") else None
            os.environ["said"] = "1"
            print(f"pid {os.getpid()}")
            time.sleep(0.05)
    """
    pids: set[int] = set()

    def note(line: str) -> None:
        if line.startswith("pid"):
            pids.add(int(line.split()[1]))

    def kill(snapshot: Snapshot) -> None:
        iterations = snapshot.metric("iterations")
        # Its last snapshot comes after it.
        if pids and iterations and iterations.value != CounterValue(0) and not killed:
            killed.extend(pids)
            os.kill(killed[0], signal.SIGKILL)

    killed: list[int] = []
    heard = Recording(note, on_second=kill)
    coordinator = make_coordinator(tmp_path, source, heard, scenarios=LONG)
    result = coordinator.run()
    assert result.exit_code is ExitCode.WORKER_LOST
    assert result.cause is not None
    assert re.match(r"worker 0 was killed by SIGKILL; its last words: .*last words", result.cause.message)
    assert counted(result, "iterations") > 0
    assert result.snapshot.run.status == "failed"
    assert result.snapshot.verdict is not None
    assert result.snapshot.verdict.level == "invalid"
    for pid in pids:
        assert_gone(pid)


def test_the_others_end_in_order_when_one_worker_dies(tmp_path: Path) -> None:
    """Worker 0 still tears down when another worker exits by itself."""
    source = """
        import os, time
        from swell import context
        def default():
            if context.vu.id == 2:
                os._exit(3)
            time.sleep(60)
        def teardown(data):
            print("torn down")
    """
    heard = Recording()
    scenarios = (PerVUIterations(name="default", vus=2),)
    result = make_coordinator(tmp_path, source, heard, options=Options(workers=2), scenarios=scenarios).run()
    assert result.exit_code is ExitCode.WORKER_LOST
    assert result.cause is not None
    assert "worker 1 exited with status 3" in result.cause.message
    assert "torn down" in heard.text


def test_an_endless_loop_is_a_hang_that_names_its_line(tmp_path: Path) -> None:
    """115, with the function of the script that held the hub; iterations before it are kept."""
    source = """
        done = 0
        def spin():
            while True:
                pass
        def default():
            global done
            done += 1
            if done > 5:
                spin()
    """
    options = Options(hang_timeout_ns=2 * SECOND)
    scenarios = (PerVUIterations(name="default", iterations=10),)
    result = make_coordinator(tmp_path, source, Recording(), options=options, scenarios=scenarios).run()
    assert result.exit_code is ExitCode.WORKER_HUNG
    assert result.cause is not None
    assert re.search(r"script\.py:[45] in spin", result.cause.message)
    assert result.snapshot.run.status == "failed"


def test_an_endless_loop_in_setup_is_a_timeout(tmp_path: Path) -> None:
    """A setup that never lets the hub turn cannot be interrupted: it is killed, with setup's exit code."""
    source = """
        def setup():
            while True:
                pass
        def default(data):
            pass
    """
    options = Options(setup_timeout_ns=SECOND // 10)
    result = make_coordinator(tmp_path, source, Recording(), options=options).run()
    assert result.exit_code is ExitCode.SETUP_TIMEOUT
    assert result.cause is not None
    assert "in setup" in result.cause.message


def test_memory_over_the_limit_ends_the_run(tmp_path: Path) -> None:
    """116, within a heartbeat, though the script goes on."""
    source = """
        import time
        kept = []
        def default():
            kept.append(b"x" * 1_000_000)
            time.sleep(0.005)
    """
    options = Options(max_memory_bytes=120 * 1024 * 1024)
    result = make_coordinator(tmp_path, source, Recording(), options=options, scenarios=LONG).run()
    assert result.exit_code is ExitCode.MEMORY_LIMIT
    assert result.cause is not None
    assert "--max-memory allows 120 MiB" in result.cause.message


def test_loading_for_ever_ends_at_the_time_limit(tmp_path: Path) -> None:
    """A script whose import never returns is killed and named; a busy machine has time to start it."""
    coordinator = make_coordinator(
        tmp_path, "while True:\n    pass\n", Recording(), init_timeout_ns=4 * SECOND
    )
    with pytest.raises(SwellError, match=r"took too long to load the script .*script\.py"):
        coordinator.run()


def test_workers_die_with_the_coordinator(tmp_path: Path) -> None:
    """A coordinator killed with SIGKILL leaves no worker, and no child of a worker."""
    (tmp_path / "drive.py").write_text(
        "import sys\n"
        f"sys.path.insert(0, {str(Path(__file__).parent)!r})\n"
        "from pathlib import Path\n"
        "from process_runs import Recording, make_coordinator\n"
        "from swell.config.scenarios import PerVUIterations\n"
        "source = '''\n"
        "import os, subprocess, time\n"
        "def default():\n"
        "    child = subprocess.Popen(['sleep', '60'])\n"
        "    print('pids', os.getpid(), child.pid)\n"
        "    while True: pass\n"
        "'''\n"
        "heard = Recording(lambda line: print(line, flush=True))\n"
        f"make_coordinator(Path({str(tmp_path)!r}), source, heard).run()\n"
    )
    command = [sys.executable, str(tmp_path / "drive.py")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as driver:
        assert driver.stdout is not None
        words = driver.stdout.readline().split()
        assert words[:1] == ["pids"]
        watched = [os.pidfd_open(int(pid)) for pid in words[1:]]
        driver.kill()
        try:
            for descriptor in watched:
                readable, _, _ = select.select([descriptor], [], [], 60)
                assert readable, "an orphan is left"
        finally:
            for descriptor in watched:
                os.close(descriptor)


def test_a_worker_that_cannot_start_is_an_error(tmp_path: Path) -> None:
    """A command that is not there gives one clear error."""
    coordinator = make_coordinator(tmp_path, "def default(): pass\n", Recording())
    broken = Coordinator(coordinator._request, worker_command=(str(tmp_path / "nothing"),))
    with pytest.raises(SwellError, match="worker 0 cannot be started"):
        broken.run()
    coordinator._close()
