"""k6 scripts in a directory of their own, run by the whole command against a real server."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult, run_cli
from swell.testing.server import EchoServer

RunScript = Callable[..., CLIResult]


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    """The URL of a server that answers as swell.testing.routes says."""
    with EchoServer() as server:
        yield server.url


@pytest.fixture
def run(tmp_path: Path, target: str) -> RunScript:
    """Run ``swell run script.js FLAGS``; the script sees the server as ``__ENV.TARGET``.

    ``files`` are written beside the script.
    """

    def run_script(
        source: str,
        *flags: str,
        name: str = "script.js",
        files: dict[str, str] | None = None,
        stdin: str = "",
    ) -> CLIResult:
        for path, text in {name: source, **(files or {})}.items():
            if path != "-":
                (tmp_path / path).write_text(textwrap.dedent(text), encoding="utf-8")
        environment = {"TARGET": target, "HOME": str(tmp_path), "COLUMNS": "100"}
        return run_cli("run", "--no-save", name, *flags, env=environment, cwd=tmp_path, stdin=stdin)

    return run_script
