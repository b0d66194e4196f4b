"""``swell run`` from the command line to the exit code, with real workers and a real server."""

import json
import re
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from swell.base.errors import ExitCode
from swell.metrics.snapshot import CounterValue, Snapshot
from swell.testing.cli import CLIResult, SignalSource

Run = Callable[..., CLIResult]

ONE_REQUEST = """
from swell import check, env, http

def default():
    response = http.get(f"{env.TARGET}/json", name="/json")
    check(response, {"status is 200": lambda r: r.status_code == 200})
"""

SLOW_SETUP = """
import time
options = {"setup_timeout": "50ms"}
def setup():
    time.sleep(60)
def default():
    pass
"""


def saved_snapshot(directory: Path) -> Snapshot:
    """The only snapshot saved below ``directory``."""
    (path,) = directory.glob("swell-results/*/snapshot.json")
    return msgspec.json.decode(path.read_bytes(), type=Snapshot)


def test_a_run_ends_with_summary_verdict_and_path(run: Run, tmp_path: Path) -> None:
    """Description, progress, summary, request table, verdict and path stand on stdout; stderr stays empty."""
    result = run(ONE_REQUEST, "-i", "5")
    assert result.exit_code == ExitCode.OK, result.stderr
    verdict = saved_snapshot(tmp_path).verdict
    assert verdict is not None
    order = [
        "script: script.py",
        "default: 5 iterations shared among 1 VUs (maxDuration: 10m0s, gracefulStop: 30s)",
        "5 complete and 0 interrupted iterations",
        "checks_succeeded...: 100.00% 5 out of 5",
        "http_reqs......................: 5",
        "GET    /json",
        f"VERDICT  {verdict.level}",
        "SAVED    swell-results/",
    ]
    places = [result.stdout.find(text) for text in order]
    assert -1 not in places
    assert places == sorted(places)
    assert result.stderr == ""


def test_the_snapshot_is_saved_whole(run: Run, tmp_path: Path) -> None:
    """The file named at the end decodes to the run's snapshot, exit code and seed included."""
    run(ONE_REQUEST, "-i", "3", "--seed", "7")
    snapshot = saved_snapshot(tmp_path)
    state = snapshot.metric("http_reqs")
    assert state is not None
    assert state.value == CounterValue(3.0)
    assert (snapshot.run.seed, snapshot.run.exit_code, snapshot.run.status) == (7, 0, "finished")


def test_quiet_hides_all_but_the_summary(run: Run) -> None:
    """With -q neither banner nor progress is printed."""
    result = run(ONE_REQUEST, "-q")
    assert "script: script.py" not in result.stdout
    assert "running (" not in result.stdout
    assert "http_reqs" in result.stdout


def test_a_terminal_gets_colours_unless_told_otherwise(run: Run) -> None:
    """Colours are for terminals, and --no-color ends them."""
    assert "\x1b[36m" in run(ONE_REQUEST, tty=True).stdout
    without = run(ONE_REQUEST, "--no-color", tty=True).stdout
    assert not re.search(r"\x1b\[[0-9;]*m", without)


def test_flags_win_over_variables_and_script(run: Run) -> None:
    """The layers are merged in k6's order: the flag's iterations, not the script's duration."""
    result = run("options = {'duration': '10m', 'vus': 7}\n" + ONE_REQUEST, "--vus", "2", "--iterations", "4")
    assert result.exit_code == ExitCode.OK
    assert "4 iterations shared among 2 VUs" in result.stdout


def test_no_save_leaves_nothing(run: Run, tmp_path: Path) -> None:
    """With --no-save there is no directory and no path is printed."""
    result = run(ONE_REQUEST, "--no-save")
    assert "SAVED" not in result.stdout
    assert not (tmp_path / "swell-results").exists()


def test_several_workers_share_one_plan(run: Run, tmp_path: Path) -> None:
    """With two workers the iterations are those of the plan, once each."""
    assert run(ONE_REQUEST, "--vus", "4", "-i", "20", "--workers", "2").exit_code == ExitCode.OK
    snapshot = saved_snapshot(tmp_path)
    assert snapshot.run.workers == 2
    state = snapshot.metric("iterations")
    assert state is not None
    assert state.value == CounterValue(20.0)


def test_what_the_script_prints_is_in_the_log_or_its_file(run: Run, tmp_path: Path) -> None:
    """Printed lines go to the log, and with --console-output to that file alone."""
    source = "def default():\n    print('hello from the script')\n"
    assert "hello from the script" in run(source).stderr
    result = run(source, "--console-output", "console.txt")
    assert "hello" not in result.stderr
    assert (tmp_path / "console.txt").read_text() == "hello from the script\n"


def test_the_log_takes_its_form_and_place(run: Run, tmp_path: Path) -> None:
    """--log-format json writes JSON lines, --log-output file=PATH writes them to a file."""
    result = run("def default():\n    print('x y')\n", "--log-format", "json", "--log-output", "file=run.log")
    assert result.stderr == ""
    (line,) = (tmp_path / "run.log").read_text().splitlines()
    assert json.loads(line)["msg"] == "x y"


# Files


def test_summary_export_is_k6_s_json(run: Run, tmp_path: Path) -> None:
    """--summary-export writes k6's document, in which a threshold's true means that it failed."""
    thresholds = "options = {'thresholds': {'http_reqs': ['count>100'], 'checks': ['rate==1']}}\n"
    result = run(thresholds + ONE_REQUEST, "--summary-export", "out.json")
    assert result.exit_code == ExitCode.THRESHOLDS_FAILED
    metrics = json.loads((tmp_path / "out.json").read_text())["metrics"]
    assert metrics["http_reqs"]["thresholds"] == {"count>100": True}
    assert metrics["checks"]["thresholds"] == {"rate==1": False}


def test_handle_summary_replaces_the_summary(run: Run, tmp_path: Path) -> None:
    """Its files are written, its stdout is all that is printed, and the verdict is in the log."""
    result = run(
        ONE_REQUEST
        + """
def handle_summary(data):
    count = data["metrics"]["http_reqs"]["values"]["count"]
    return {"stdout": f"requests: {count}\\n", "mine.txt": "kept"}
""",
        "-q",
    )
    assert result.exit_code == ExitCode.OK, result.stderr
    assert result.stdout == "requests: 1\n"
    assert (tmp_path / "mine.txt").read_text() == "kept"
    verdict = saved_snapshot(tmp_path).verdict
    assert verdict is not None
    assert f"verdict: {verdict.level}" in result.stderr
    assert "saved to swell-results/" in result.stderr


def test_a_disabled_summary_prints_and_exports_nothing(run: Run, tmp_path: Path) -> None:
    """Neither summary nor export appears and handle_summary is not called; thresholds still decide."""
    thresholds = "options = {'thresholds': {'http_reqs': ['count>100']}}\n"
    custom = "def handle_summary(data): return {'stdout': 'mine', 'mine.txt': 'mine'}\n"
    flags = ("-q", "--summary-mode", "disabled", "--summary-export", "out.json")
    result = run(thresholds + ONE_REQUEST + custom, *flags)
    assert result.exit_code == ExitCode.THRESHOLDS_FAILED
    assert result.stdout == ""
    assert {path.name for path in tmp_path.iterdir()} == {"script.py", "swell-results"}


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("x = 1\n", "script.py: has no function to run"),
        ("def setup(): return object()\ndef default(): pass\n", "setup() must return JSON values"),
    ],
)
def test_faults_of_scripts_that_k6_has_no_code_for(run: Run, source: str, message: str) -> None:
    """No function to run and setup data that is no JSON end with 255, as in k6."""
    result = run(source, "-q")
    assert result.exit_code == ExitCode.OTHER
    assert result.stderr.count(message) == 1


def test_a_failed_setup_asks_for_no_longer_duration(run: Run) -> None:
    """Where no scenario started, that no iteration was completed is no news."""
    result = run("def setup(): raise ValueError('x')\ndef default(): pass\n", "-q")
    assert result.exit_code == ExitCode.SCRIPT_EXCEPTION
    assert "no iteration was completed" not in result.stdout


def test_a_full_disk_does_not_change_the_exit_code(run: Run) -> None:
    """What cannot be written at the end is one line in the log; the run's own result stands."""
    result = run(ONE_REQUEST, "--summary-export", "/dev/full")
    assert result.exit_code == ExitCode.OK
    assert "/dev/full was not written: No space left on device" in result.stderr
    assert "http_reqs" in result.stdout


# How runs fail


@pytest.mark.parametrize(
    ("source", "flags", "code", "message"),
    [
        ("def default(:\n", (), ExitCode.SCRIPT_EXCEPTION, "SyntaxError"),
        ("import no_such_module\n", (), ExitCode.SCRIPT_EXCEPTION, "    import no_such_module"),
        ("def setup():\n    1 / 0\ndef default():\n    pass\n", (), ExitCode.SCRIPT_EXCEPTION, "in setup"),
        (
            "def default():\n    pass\ndef teardown():\n    1 / 0\n",
            (),
            ExitCode.SCRIPT_EXCEPTION,
            "in teardown",
        ),
        ("def default():\n    1 / 0\n", (), ExitCode.OK, "ZeroDivisionError"),
        (
            "from swell import abort\ndef default():\n    abort('enough')\n",
            (),
            ExitCode.SCRIPT_ABORTED,
            "error: test aborted: enough",
        ),
        (
            "from swell import context\ndef default():\n    context.test.fail('bad')\n",
            (),
            ExitCode.MARKED_FAILED,
            "error: test run was marked as failed: bad",
        ),
        (
            "options = {'thresholds': {'http_req_duration': ['p(95)<1']}}\ndef default():\n    pass\n",
            (),
            ExitCode.THRESHOLDS_FAILED,
            "error: thresholds on metrics 'http_req_duration' have been crossed",
        ),
        (
            SLOW_SETUP,
            (),
            ExitCode.SETUP_TIMEOUT,
            "error: setup() execution timed out",
        ),
        (
            "import os\ndef default():\n    os.kill(os.getpid(), 9)\n",
            (),
            ExitCode.WORKER_LOST,
            "error: worker 0 was killed by SIGKILL",
        ),
        (
            "def default():\n    while True:\n        pass\n",
            ("--hang-timeout", "2s"),
            ExitCode.WORKER_HUNG,
            "script.py:3 in default",
        ),
        (
            "import time\ndef default():\n    kept = bytearray(200_000_000)\n    time.sleep(60)\n",
            ("--max-memory", "150MB"),
            ExitCode.MEMORY_LIMIT,
            "--max-memory allows",
        ),
    ],
    ids=lambda value: value.name if isinstance(value, ExitCode) else "",
)
def test_each_failure_has_its_exit_code_and_says_why(
    run: Run, source: str, flags: tuple[str, ...], code: ExitCode, message: str
) -> None:
    """The cause stands on stderr once, with k6's exit code or our own, and without a traceback of ours."""
    result = run(source, "-q", "--no-save", "--summary-mode", "disabled", *flags)
    assert (result.exit_code, result.stderr.count(message)) == (code, 1), result.stderr
    assert "src/swell" not in result.stderr
    assert "bug in swell" not in result.stderr


def test_require_trust_fails_an_untrusted_run(run: Run, tmp_path: Path) -> None:
    """A run whose load was cut short is not trusted: 111, on the command line and in what was saved."""
    source = "import time\ndef default():\n    time.sleep(0.3)\n"
    code = run(source, "-q", "-i", "1", "--require-trust").exit_code
    verdict = saved_snapshot(tmp_path).verdict
    assert verdict is not None
    # A busy machine may give a reason of its own.
    assert code == (ExitCode.OK if verdict.level == "trusted" else ExitCode.UNTRUSTED)
    dropping = """
import time
options = {"scenarios": {"a": {"executor": "constant-arrival-rate", "rate": 20, "duration": "1s",
                               "preAllocatedVUs": 1, "gracefulStop": "2s"}}}
def default():
    time.sleep(0.9)
"""
    result = run(dropping, "-q", "--require-trust", "--results-dir", "saved")
    assert result.exit_code == ExitCode.UNTRUSTED
    assert "--require-trust asks for more" in result.stderr
    (saved,) = (tmp_path / "saved").glob("*/*.json")
    assert json.loads(saved.read_text())["run"]["exit_code"] == ExitCode.UNTRUSTED


def test_every_fault_of_every_layer_is_listed_at_once(run: Run, tmp_path: Path) -> None:
    """Flags, config file, script, thresholds, feeders and places to write to: one list, nothing started."""
    (tmp_path / "config.json").write_text('{"maxRedirects": "many"}')
    result = run(
        """
from swell import feeder, scenario
options = {
    "batch": "x",
    "thresholds": {"http_req_duratoin": ["p(95)<300"], "checks": ["rate>>1"]},
    "scenarios": {"a": {"executor": "constant-vu"}, "b": {"executor": "constant-vus", "exec": "nope"}},
}
users = feeder.csv("users.csv")
def default():
    raise SystemExit("this never runs")
""",
        *("--vus", "x", "--config", "config.json", "--log-format", "xml", "-e", "1=2"),
        *("--summary-export", "script.py/such/dir.json"),
    )
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert result.stdout == ""
    expected = [
        "--log-format: must be one of text, json, raw",
        "--env: '1' is not a variable's name",
        "config.json: maxRedirects: must be a whole number",
        "--vus: must be a whole number, not 'x'",
        "script.py:5 options.batch: must be a whole number",
        "did you mean 'http_req_duration'?",
        "options.thresholds.checks[0]",
        "did you mean 'constant-vus'?",
        "options.scenarios.b",
        "users.csv",
        "--summary-export: script.py/such/dir.json cannot be written",
    ]
    missing = [text for text in expected if text not in result.stderr]
    assert not missing, result.stderr
    assert not (tmp_path / "swell-results").exists()


@pytest.mark.parametrize(
    ("name", "source", "message"),
    [
        ("locustfile.py", "from locust import HttpUser", "locustfile.py is a locustfile"),
        ("script.txt", "", "script.txt is a file of the kind .txt"),
    ],
)
def test_other_scripts_are_refused_by_name(run: Run, name: str, source: str, message: str) -> None:
    """What no front end is there for is said in one line."""
    result = run(source, name=name)
    assert result.exit_code == ExitCode.OTHER
    assert message in result.stderr


def test_a_missing_script_is_one_line_with_the_nearest_name(run: Run) -> None:
    """A slip in the file's name is met with a suggestion, and exit code 255."""
    assert run("def default():\n    pass\n", "--no-save").exit_code == ExitCode.OK
    from swell.testing.cli import run_cli  # noqa: PLC0415

    result = run_cli("run", "scirpt.py", cwd=Path("tests"))
    assert result.exit_code == ExitCode.OTHER
    assert result.stderr.startswith("error: there is no script scirpt.py\n")


def test_the_first_signal_ends_the_run_in_order(run: Run, tmp_path: Path) -> None:
    """SIGINT interrupts what runs; teardown and summary follow; the exit code is 105."""
    signals = SignalSource()
    results: list[CLIResult] = []
    source = """
import time
from pathlib import Path

def setup():
    return 1

def default(data):
    Path("started").touch()
    time.sleep(600)

def teardown(data):
    Path("torn-down").touch()
"""
    source = source.replace('Path("', f'Path("{tmp_path}/')
    thread = threading.Thread(target=lambda: results.append(run(source, signals=signals)))
    thread.start()
    while thread.is_alive() and not (tmp_path / "started").exists():
        thread.join(0.01)
    assert signals.send(signal.SIGINT)
    thread.join()
    (result,) = results
    assert result.exit_code == ExitCode.EXTERNAL_ABORT
    assert (tmp_path / "torn-down").exists()
    assert "1 interrupted iterations" in result.stdout
    assert "received an 'interrupt' signal" in result.stderr
