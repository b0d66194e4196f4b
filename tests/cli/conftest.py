"""What command tests share: a real server, and scripts in a directory of their own."""

import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swell.testing.cli import CLIResult, SignalSource, run_cli
from swell.testing.server import EchoServer


@pytest.fixture(scope="session")
def target() -> Iterator[str]:
    """The URL of a server that answers as swell.testing.routes says."""
    with EchoServer() as server:
        yield server.url


@pytest.fixture
def run(tmp_path: Path, target: str) -> Callable[..., CLIResult]:
    """Run ``swell run script.py FLAGS`` on the given source, in a directory of its own.

    The script sees the server as ``env.TARGET``.
    """

    def run_script(
        source: str,
        *flags: str,
        name: str = "script.py",
        signals: SignalSource | None = None,
        tty: bool = False,
    ) -> CLIResult:
        (tmp_path / name).write_text(f'"""A test\'s script."""\n{textwrap.dedent(source)}')
        environment = {"TARGET": target, "HOME": str(tmp_path), "COLUMNS": "100"}
        arguments = ("run", name, *flags)
        return run_cli(*arguments, env=environment, cwd=tmp_path, signals=signals, tty=tty)

    return run_script
