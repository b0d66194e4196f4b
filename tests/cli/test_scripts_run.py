"""Every example, the demo and the templates run as whole commands against a real server."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.cli.new import TEMPLATES
from swell.testing.cli import run_cli
from swell.testing.websocket import WebSocketServer

FOLDER = Path(__file__).parents[2] / "examples"
EXAMPLES = sorted([*FOLDER.glob("*.py"), *FOLDER.glob("*.js")])


@pytest.fixture(scope="module")
def chat() -> Iterator[str]:
    """The URL of a WebSocket server with rooms."""
    with WebSocketServer() as server:
        yield server.url


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example_runs(path: Path, target: str, chat: str, tmp_path: Path) -> None:
    """An example runs to its end and every threshold of it holds; a second of it is enough."""
    short = ("-e", "DURATION=1s") if "DURATION" in path.read_text() else ("-u", "5", "-d", "1s")
    # A seed: which of several functions a mix runs must not be left to chance.
    flags = ("-e", f"TARGET_URL={target}", "-e", f"CHAT_URL={chat}", "--seed", "1", *short)
    result = run_cli("run", str(path), *flags, cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stdout + result.stderr
    assert "level=error" not in result.stderr


def test_the_demo_shows_everything(tmp_path: Path) -> None:
    """``swell demo`` starts its target, runs four scenarios and ends with verdict and path, exit code 0."""
    result = run_cli("demo", "-e", "DURATION=1s", cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stdout + result.stderr
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
