"""docs/tls.md: each way to name a private authority works, and without one nothing is trusted."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.testing.cli import run_cli
from swell.testing.server import EchoServer

SCRIPT = """
from swell import env, http

{options}
def default():
    response = http.get(env.TARGET + "/get")
    print("answer", response.status_code, response.error_code)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[EchoServer]:
    """An https server whose certificate an authority of its own has signed."""
    with EchoServer(tls=True) as running:
        yield running


@pytest.mark.parametrize(
    ("flags", "variables", "options", "answer"),
    [
        ((), {}, "", "answer 0 1310"),
        (("--tls-ca", "ca.pem"), {}, "", "answer 200 0"),
        ((), {"SWELL_TLS_CA": "FOLDER/ca.pem"}, "", "answer 200 0"),
        (("-c", "config.json"), {}, "", "answer 200 0"),
        ((), {}, "options = {'tls_ca': 'ca.pem'}", "answer 200 0"),
        (("--insecure-skip-tls-verify",), {}, "", "answer 200 0"),
    ],
    ids=["none", "flag", "variable", "config", "script", "unverified"],
)
def test_ways_to_name_the_authority(
    server: EchoServer,
    tmp_path: Path,
    flags: tuple[str, ...],
    variables: dict[str, str],
    options: str,
    answer: str,
) -> None:
    """The file is found from each of them, and the connection is refused where none names it."""
    (tmp_path / "ca.pem").write_text(server.ca_pem)
    (tmp_path / "config.json").write_text(json.dumps({"tlsCA": "ca.pem"}))
    (tmp_path / "script.py").write_text(SCRIPT.format(options=options))
    environment = {"TARGET": server.https_url, "HOME": str(tmp_path)}
    environment |= {name: value.replace("FOLDER", str(tmp_path)) for name, value in variables.items()}
    arguments = ("run", "-q", "--no-save", "-i", "1", "--summary-mode", "disabled", *flags, "script.py")
    result = run_cli(*arguments, env=environment, cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert answer in result.stdout + result.stderr
