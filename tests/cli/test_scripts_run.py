"""Every example, the demo and the templates run as whole commands against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.cli.new import TEMPLATES
from swell.metrics.snapshot import load_snapshot
from swell.testing.cli import run_cli
from swell.testing.websocket import WebSocketServer

FOLDER = Path(__file__).parents[2] / "examples"
# What expressions on trends begin with: those of the scripts here are all times.
OF_TIMES = ("p(", "avg", "med", "max", "min")
EXAMPLES = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("*.js")])


@pytest.fixture(scope="module")
def chat() -> Iterator[str]:
    """The URL of a WebSocket server with rooms."""
    with WebSocketServer() as server:
        yield server.url


def crossed(folder: Path) -> list[str]:
    """The thresholds of the run saved below a folder that do not hold, but for those on time.

    Times, and arrivals that find no VU free, say how busy the machine is.
    """
    (path,) = folder.glob("swell-results/*/snapshot.json")
    return [
        f"{one.metric} {one.source}"
        for one in load_snapshot(path).thresholds
        if not one.ok and not one.source.startswith(OF_TIMES) and one.metric != "dropped_iterations"
    ]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path: Path, target: str, chat: str, tmp_path: Path) -> None:
    """An example runs to its end and its thresholds hold; a second of it is enough."""
    short = ("-e", "DURATION=1s") if "DURATION" in path.read_text() else ("-u", "5", "-d", "1s")
    # A seed: which of several functions a mix runs must not be left to chance.
    flags = ("-e", f"TARGET_URL={target}", "-e", f"CHAT_URL={chat}", "--seed", "1", *short)
    result = run_cli("run", str(path), *flags, cwd=tmp_path)
    assert result.exit_code in (ExitCode.OK, ExitCode.THRESHOLDS_FAILED), result.stdout + result.stderr
    assert crossed(tmp_path) == []
    errors = [line for line in result.stderr.splitlines() if "level=error" in line]
    assert [line for line in errors if "thresholds on metrics" not in line] == []


def test_the_demo_shows_everything(tmp_path: Path) -> None:
    """``swell demo`` starts its target, runs four scenarios and ends with verdict and path."""
    result = run_cli("demo", "-e", "DURATION=1s", cwd=tmp_path)
    assert result.exit_code in (ExitCode.OK, ExitCode.THRESHOLDS_FAILED), result.stdout + result.stderr
    assert crossed(tmp_path) == []
    for text in ("4 scenarios", "█ THRESHOLDS", "ordered", "closing_time", "ERRORS", "VERDICT", "SAVED"):
        assert text in result.stdout


@pytest.mark.parametrize("file", ["script.py", "script.js", "script.ts"])
@pytest.mark.parametrize("template", TEMPLATES)
def test_template_resolves(template: str, file: str, tmp_path: Path) -> None:
    """A script from ``swell new`` is a plan without a fault."""
    assert run_cli("new", file, "--template", template, cwd=tmp_path).exit_code == ExitCode.OK
    result = run_cli("inspect", "--execution-requirements", file, cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert '"maxVUs"' in result.stdout
