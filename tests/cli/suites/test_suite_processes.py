"""Whole suites with real processes: the table, the results, and nothing left behind by Ctrl-C."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from suite_folders import HEALTH, PROFILES, write_suite

from swell.base.errors import ExitCode
from swell.metrics.snapshot import load_snapshot
from swell.testing import EchoServer, run_cli

pytestmark = pytest.mark.process


def test_a_suite_runs_with_one_table(tmp_path: Path) -> None:
    """Every test has a row, failed objectives below it; results are kept; the first failure is the code."""
    write_suite(tmp_path / "shop")
    with EchoServer() as target:
        done = run_cli(
            *("suite", "run", "shop", "--profile", "demo", "-e", f"BASE_URL={target.url}"),
            *("--side-by-side", "2"),
            cwd=tmp_path,
        )
    assert done.exit_code is ExitCode.THRESHOLDS_FAILED, done.stderr
    table = done.stdout[done.stdout.index("  test ") :]
    assert re.search(r"shop/health +passed +[\d,.KM]+ +\S+ +1 of 1 +1 of 1 +\w+\n", table)
    assert re.search(
        r"shop/slow +failed 99 .* 0 of 1 +1 of 1 +\w+\n +http_req_duration max<0\.000001: \d.*s\n", table
    )
    assert "1 of 2 passed" in table
    for name in ("health", "slow"):
        (saved,) = tmp_path.glob(f"swell-results/suite-*/shop/{name}/*/snapshot.json")
        assert load_snapshot(saved).run.script.endswith(f"{name}.py")


def test_nothing_starts_without_a_target(tmp_path: Path) -> None:
    """The target's absence is one line, with what to do; no folder of results is made."""
    write_suite(tmp_path / "shop")
    done = run_cli("suite", "run", "shop", "--profile", "demo", cwd=tmp_path)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "start it: swell target serve --services cooly" in done.stderr
    assert not (tmp_path / "swell-results").exists()


def test_what_a_suite_may_call_its_tests_may_call(tmp_path: Path) -> None:
    """A host that is allowed is allowed for the runs, which look for themselves, too."""
    source = "def default():\n    pass\n"
    declared = '[target]\nalso = ["API_URL"]\n[demo.a]\n'
    write_suite(tmp_path / "shop", declared, a=source)
    with EchoServer() as target:
        flags = ["-e", f"BASE_URL={target.url}", "-e", "API_URL=https://shop.nowhere", "--profile", "demo"]
        refused = run_cli("suite", "run", "shop", *flags, cwd=tmp_path)
        done = run_cli("suite", "run", "shop", *flags, "--allow-host", "shop.nowhere", cwd=tmp_path)
    assert refused.exit_code is ExitCode.INVALID_CONFIG
    assert "API_URL: shop.nowhere looks like production" in refused.stderr
    assert done.exit_code is ExitCode.OK, done.stdout


def test_a_test_that_cannot_run_has_its_reason_in_the_table(tmp_path: Path) -> None:
    """What a script says before the start is the line below its row."""
    source = "from swell import abort\ndef setup():\n    abort('no such event')\ndef default():\n    pass\n"
    write_suite(tmp_path / "shop", "[demo.a]\n[target]\n", a=source)
    with EchoServer() as target:
        done = run_cli(
            *("suite", "run", "shop", "--profile", "demo", "-e", f"BASE_URL={target.url}"), cwd=tmp_path
        )
    assert done.exit_code is ExitCode.SCRIPT_ABORTED
    assert re.search(r"shop/a +failed 108 .*\n +test aborted: no such event", done.stdout)


@contextmanager
def swell(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, whose temporary files are in a folder of their own."""
    write_suite(folder / "suites" / "shop", PROFILES.replace('"1s"', '"30s"'), health=HEALTH, slow=HEALTH)
    temporary = folder / "temporary"
    temporary.mkdir()
    with subprocess.Popen(
        [sys.executable, "-m", "swell", *arguments],
        cwd=folder,
        env={**os.environ, "TMPDIR": str(temporary)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for(process: subprocess.Popen[str], pattern: str) -> None:
    """Read until a line matches."""
    assert process.stdout is not None
    for line in process.stdout:
        if re.search(pattern, line):
            return
    raise AssertionError(f"no line matches {pattern}")


RUNNING = r"health: .* VUs"


@pytest.mark.parametrize("moment", ["starting the reference platform", "health: ", RUNNING])
def test_ctrl_c_leaves_nothing_behind(tmp_path: Path, moment: str) -> None:
    """While the platform starts, while tests start, while they run: every process ends, code 105."""
    with swell(tmp_path, "demo", "suites") as process:
        wait_for(process, moment)
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=60)
        assert process.returncode == ExitCode.EXTERNAL_ABORT, out
    assert ("not run: shop/slow" in out) == moment.startswith("health")
    assert ("stopped before anything was run" in out) == moment.startswith("starting")
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert not [one for one in psutil.process_iter(["cwd"]) if str(tmp_path) in str(one.info["cwd"])]
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "moment"),
    [
        (("demo", "suites"), "starting the reference platform"),
        (("demo", "suites"), RUNNING),
        (("suite", "prove", "suites", "--side-by-side", "2"), RUNNING),
    ],
)
def test_a_kill_leaves_nothing_behind(tmp_path: Path, arguments: tuple[str, ...], moment: str) -> None:
    """Platform, runs and workers end by themselves when the suite is killed, and take their files along."""
    with swell(tmp_path, *arguments) as process:
        wait_for(process, moment)
        family = psutil.Process(process.pid).children(recursive=True)
        process.kill()
        process.communicate(timeout=60)
    # One that was just being started is in no list of children yet.
    family += [one for one in psutil.process_iter(["cwd"]) if str(tmp_path) in str(one.info["cwd"])]
    assert psutil.wait_procs(family, timeout=60)[1] == []
    assert list((tmp_path / "temporary").iterdir()) == []


def test_a_killed_suite_s_runs_end(tmp_path: Path) -> None:
    """Against a target that is not ours, too: the run ends in order, and its results are kept."""
    with EchoServer() as target:
        arguments = ("suite", "run", "suites", "--profile", "demo", "-e", f"BASE_URL={target.url}")
        with swell(tmp_path, *arguments) as process:
            wait_for(process, RUNNING)
            family = psutil.Process(process.pid).children(recursive=True)
            process.kill()
            process.communicate(timeout=60)
        assert psutil.wait_procs(family, timeout=60)[1] == []
    (saved,) = tmp_path.glob("swell-results/suite-*/shop/health/*/snapshot.json")
    assert load_snapshot(saved).run.status != "running"


def test_two_suites_at_once_share_no_results(tmp_path: Path) -> None:
    """Started in the same second in the same folder, each keeps its own."""
    write_suite(tmp_path / "shop", health=HEALTH, slow=HEALTH)
    with EchoServer() as target, ThreadPoolExecutor() as pool:
        command = [*(sys.executable, "-m", "swell", "suite", "run", "shop", "--profile", "demo")]
        command += ["--test", "health", "-e", f"BASE_URL={target.url}"]
        runs = [pool.submit(subprocess.run, command, cwd=tmp_path, capture_output=True) for _ in range(2)]
        assert [one.result().returncode for one in runs] == [0, 0]
    assert len(list(tmp_path.glob("swell-results/suite-*"))) == 2
    assert len(list(tmp_path.glob("swell-results/suite-*/shop/health/*/snapshot.json"))) == 2


@pytest.mark.parametrize("command", ["run", "prove"])
def test_results_that_cannot_be_kept(tmp_path: Path, command: str) -> None:
    """Said before anything starts, with what to do."""
    write_suite(tmp_path / "shop")
    (tmp_path / "taken").write_text("no folder")
    with EchoServer() as target:
        done = run_cli(
            *("suite", command, "shop", "--profile", "demo", "--results-dir", "taken/here"),
            *(("-e", f"BASE_URL={target.url}") if command == "run" else ()),
            cwd=tmp_path,
        )
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "--results-dir: " in done.stderr
    assert "taken/here: Not a directory" in done.stderr
    assert "choose another folder: --results-dir" in done.stderr


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    """Said before the quarter of an hour that it takes to make it."""
    write_suite(tmp_path / "shop")
    done = run_cli("suite", "prove", "shop", "--write", "nowhere/proof.md", cwd=tmp_path)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "--write: " in done.stderr
    assert "nowhere/proof.md: No such file or directory" in done.stderr
    assert not (tmp_path / "swell-results").exists()


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """Two signals in a row leave nothing behind either."""
    with swell(tmp_path, "demo", "suites") as process:
        wait_for(process, RUNNING)
        family = psutil.Process(process.pid).children(recursive=True)
        assert len(family) >= 4
        process.send_signal(signal.SIGTERM)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=60)
    assert psutil.wait_procs(family, timeout=60)[1] == []


def test_the_demo_runs_all_suites_and_ends_its_platform(tmp_path: Path) -> None:
    """The platform is started with a database of its own, asked by every test, and gone afterwards.

    What the environment says of another target is not for these runs.
    """
    elsewhere = PROFILES.replace("[demo]", 'also = ["API_URL"]\n[demo]', 1)
    write_suite(tmp_path / "suites" / "shop", elsewhere)
    env = {"BASE_URL": "https://shop.nowhere", "API_URL": "https://shop.nowhere/api"}
    done = run_cli("demo", "suites", cwd=tmp_path, env=env)
    assert done.exit_code is ExitCode.THRESHOLDS_FAILED, done.stdout + done.stderr
    assert re.search(r"shop/health +passed", done.stdout)
    assert "1 of 2 passed" in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["suites", "swell-results"]


def test_a_python_without_sqlite(tmp_path: Path) -> None:
    """What the platform cannot do without is the line, not what follows from it."""
    write_suite(tmp_path / "suites" / "shop")
    # As in a Python that was built without the library.
    missing = "raise ModuleNotFoundError('No module named _sqlite3', name='_sqlite3')"
    (tmp_path / "sqlite3.py").write_text(missing)
    done = run_cli("demo", "suites", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert done.exit_code is ExitCode.OTHER
    assert (
        "the reference platform cannot be started: swell target: the module _sqlite3 is missing:"
        " this Python was built without SQLite; take another one" in done.stderr
    )


def test_a_demo_whose_results_cannot_be_kept(tmp_path: Path) -> None:
    """It has no flag to name another folder."""
    write_suite(tmp_path / "suites" / "shop")
    (tmp_path / "swell-results").write_text("")
    done = run_cli("demo", "suites", cwd=tmp_path)
    assert done.exit_code is ExitCode.INVALID_CONFIG
    assert "hint: call it from a folder that can be written to" in done.stderr
    assert "--results-dir" not in done.stderr


def test_a_suite_for_a_service_that_is_none(tmp_path: Path) -> None:
    """The platform says what it has; one line, nothing is left."""
    write_suite(tmp_path / "suites" / "shop", PROFILES.replace("cooly", "shop"))
    done = run_cli("demo", "suites", cwd=tmp_path)
    assert done.exit_code is ExitCode.OTHER
    assert "the reference platform cannot be started: swell target: no service shop" in done.stderr


def test_a_proof_compares_what_failed_with_what_should(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against the healthy platform nothing fails, with a fault what it says; the page and the code tell.

    Whatever proxy the environment names: it never sees the operator's token.
    """
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    source = HEALTH.replace('"rate<0.01"', '"rate<0.01"], "http_req_duration": ["p(90)<2000"')
    suite = write_suite(
        tmp_path / "shop",
        "[target]\nservice='cooly'\n"
        + PROFILES[PROFILES.index("[demo]") :]
        + "[crowd.slow]\nscenarios.visit = { vus = 7, duration = '1s' }\n",
        health=source,
        slow=source,
    )
    faults = """
    [[fault]]
    name = "sick"
    tests = ["health"]
    inject = [{ type = "errors", endpoint = "health", rate = 1.0, status = 503 }]
    fails = ["http_req_failed rate<0.01", "invariant: it is still up"]
    [[fault]]
    name = "slow"
    profile = "crowd"
    tests = ["slow"]
    inject = [{ type = "latency", endpoint = "health", distribution = { type = "constant", ms = 2000 } }]
    fails = ["http_req_failed rate<0.01"]
    """
    (suite / "faults.toml").write_text(faults)
    done = run_cli("suite", "prove", "shop", "--write", "proof.md", "--side-by-side", "2", cwd=tmp_path)
    assert done.exit_code is ExitCode.MARKED_FAILED, done.stdout + done.stderr
    assert "3 of 4 as expected" in done.stdout
    page = (tmp_path / "proof.md").read_text()
    assert "| shop/health | sick | `http_req_failed rate<0.01`<br>`invariant: it is still up` | yes |" in page
    assert "| shop/slow | slow | `http_req_duration p(90)<2000` | no: failed and should not have" in page
    assert "- shop/health: `http_req_duration p(90)<2000`" in page
    (crowd,) = tmp_path.glob("swell-results/proof-*/shop/004-slow/*/snapshot.json")
    assert load_snapshot(crowd).scenarios[0].max_vus == 7
    assert load_snapshot(crowd).run.seed == 1
