"""What a run leaves behind where something is in the way: directories, full disks, lines without an end."""

import io
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.cli.outputs import Outputs
from swell.cli.plan import Plan, script_layer
from swell.cli.script_file import ScriptFile
from swell.cli.system import System
from swell.config.resolve import resolve
from swell.engine.script import ScriptExports
from swell.metrics.aggregate import SeriesRules
from swell.testing.cli import CLIResult, run_cli

Run = Callable[..., CLIResult]

NATIVE = """
def default(): pass
def handle_summary(data):
    return {"stdout": "mine", "reports/today/mine.txt": "mine", "%s": "more"}
"""
K6 = """
export default function () {}
export function handleSummary(data) {
  return { stdout: "mine", "reports/mine.txt": "mine", "%s": "more" };
}
"""


@pytest.fixture
def run_js(tmp_path: Path) -> Run:
    """Run a k6 script in a directory of its own."""

    def run_script(source: str, *flags: str) -> CLIResult:
        (tmp_path / "script.js").write_text(source)
        return run_cli("run", "script.js", *flags, env={"HOME": str(tmp_path)}, cwd=tmp_path)

    return run_script


def test_a_native_script_s_reports_bring_their_directories(run: Run, tmp_path: Path) -> None:
    """Those of handle_summary and of --summary-export alike."""
    result = run(NATIVE % "more.txt", "--summary-export", "exports/new/out.json")
    assert result.exit_code == ExitCode.OK, result.stderr
    assert (tmp_path / "reports/today/mine.txt").read_text() == "mine"
    assert (tmp_path / "exports/new/out.json").read_text().startswith("{")
    assert "not written" not in result.stderr


def test_a_full_disk_under_a_report_is_said_and_no_more(run: Run, tmp_path: Path) -> None:
    """The other files are written, the exit code stays, nothing half is left."""
    result = run(NATIVE % "/dev/full")
    assert result.exit_code == ExitCode.OK
    assert "/dev/full was not written: No space left on device" in result.stderr
    assert [path.name for path in (tmp_path / "reports/today").iterdir()] == ["mine.txt"]


def test_a_k6_script_s_reports_fail_as_in_k6(run_js: Run, tmp_path: Path) -> None:
    """Directories are not made, and one line at the end lists what could not be written, in k6's words."""
    flags = ("--summary-export", "nowhere/out.json")
    result = run_js(K6 % "/dev/full", *flags)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert not (tmp_path / "reports").exists()
    assert result.stderr.count("failed to handle the end-of-test summary") == 1
    for listed in (
        "could not open 'nowhere/out.json': open nowhere/out.json: no such file or directory",
        "could not open 'reports/mine.txt': open reports/mine.txt: no such file or directory",
        "error saving summary to '/dev/full' after 0 bytes: write /dev/full: no space left on device",
    ):
        assert listed in result.stderr


def outputs_to(stdout: io.TextIOBase, stderr: io.TextIOBase, directory: Path) -> Outputs:
    """Outputs of a native script on these streams."""
    exports = ScriptExports(options={}, functions=("default",))
    file = ScriptFile(directory / "script.py", "script.py", "native", b"")
    layer = script_layer(file, exports)
    plan = Plan(exports, resolve([layer], exports.functions), SeriesRules(), layer)
    system = System({}, directory, io.StringIO(), stdout, stderr)  # type: ignore[arg-type]  # text streams
    return Outputs(plan, file, system, lambda *_, **__: None)


@pytest.mark.parametrize(
    ("text", "written"),
    [(b"mine", "mine\n"), (b"mine\n", "mine\n"), (b"", "")],
    ids=["open", "ended", "empty"],
)
def test_the_log_does_not_go_on_in_the_line_of_a_summary(tmp_path: Path, text: bytes, written: str) -> None:
    """On a terminal, where both go to one place, a summary without a line break gets one."""
    stream = io.StringIO()
    outputs_to(stream, stream, tmp_path).write_summary_files({"stdout": text})
    assert stream.getvalue() == written


def test_a_summary_in_a_file_stays_as_it_is(tmp_path: Path) -> None:
    """Where the log goes elsewhere, not a byte is added."""
    stream = io.StringIO()
    outputs_to(stream, io.StringIO(), tmp_path).write_summary_files({"stdout": b"mine"})
    assert stream.getvalue() == "mine"


def test_a_run_whose_iterations_all_raised_says_what_its_exit_code_hides(run: Run) -> None:
    """0 as in k6, and one warning that names the flag; none with the flag, or where some were well."""
    source = "def default(): raise ValueError('x')\n"
    result = run(source, "-i", "3")
    assert result.exit_code == ExitCode.OK
    said = "100% of iterations ended with an exception, and the exit code is 0 all the same, as in k6"
    assert result.stderr.count(said) == 1
    assert "--require-trust makes it 111" in result.stderr
    trusting = run(source, "-i", "3", "--require-trust")
    assert trusting.exit_code == ExitCode.UNTRUSTED
    assert said not in trusting.stderr
    mostly = "first = []\ndef default():\n    first.append(1)\n    if len(first) > 1: raise ValueError('x')\n"
    assert said not in run(mostly, "-i", "3").stderr


def test_an_unknown_option_of_a_native_script_is_a_fault(run: Run, run_js: Run) -> None:
    """A misspelt threshold would pass in silence; k6 warns only, and so it is for its scripts."""
    options = '{"treshholds": {"http_req_duration": ["p(95)<300"]}}'
    result = run(f"options = {options}\ndef default(): pass\n")
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert "script.py:2 options.treshholds: there is no such option" in result.stderr
    assert "did you mean 'thresholds'?" in result.stderr
    result = run_js(f"export const options = {options}; export default function () {{}}")
    assert result.exit_code == ExitCode.OK
    assert "the unknown option 'treshholds' is ignored; did you mean 'thresholds'?" in result.stderr


def test_a_missing_package_names_the_python_that_lacks_it(run: Run) -> None:
    """Which Python runs scripts is not obvious; the package's name may be another."""
    result = run("import no_such_thing\ndef default(): pass\n")
    assert result.exit_code == ExitCode.SCRIPT_EXCEPTION
    assert f"swell runs scripts with {sys.executable}, which does not have it" in result.stderr
    assert "-m pip install no_such_thing" in result.stderr
