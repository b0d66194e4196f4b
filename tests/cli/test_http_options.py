"""HTTP options as whole commands: --http-debug, the environment's proxies, rps over workers."""

import base64
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from swell.base.errors import ExitCode
from swell.testing.cli import CLIResult, run_cli


class Proxy(threading.Thread):
    """Answers every plain request itself and keeps its head."""

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://me:pw@127.0.0.1:{self.listener.getsockname()[1]}"
        self.head = b""

    def run(self) -> None:
        """Serve one connection."""
        client, _ = self.listener.accept()
        with client:
            while b"\r\n\r\n" not in self.head:
                self.head += client.recv(65536)
            client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nby proxy!")


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    """A proxy for one request."""
    made = Proxy()
    made.start()
    yield made
    made.listener.close()


def test_http_debug_logs_exchanges_without_secrets(run: Callable[..., CLIResult]) -> None:
    """Each exchange is in the log, heads only; passwords and cookies are masked."""
    result = run(
        """
        from swell import env, http
        def default():
            http.get(env.TARGET + "/basic-auth/user/s3cret", auth=("user", "s3cret"), name="login")
            http.get(env.TARGET + "/get", headers={"Cookie": "sid=s3cret"})
        """,
        "--http-debug",
        "--log-format=raw",
    )
    assert result.exit_code == ExitCode.OK, result.stderr
    assert "> Authorization: Basic ****" in result.stderr
    assert "> Cookie: sid=****" in result.stderr
    assert result.stderr.count("< 200 OK") == 2
    shown = result.stderr.replace("/basic-auth/user/s3cret", "")
    assert "s3cret" not in shown
    assert base64.b64encode(b"user:s3cret").decode() not in shown
    assert '"headers"' not in shown


def test_http_debug_full_shows_bodies(run: Callable[..., CLIResult]) -> None:
    """With full, text bodies are shown as well."""
    result = run(
        """
        from swell import env, http
        def default():
            http.post(env.TARGET + "/post", json={"wave": "hello"})
        """,
        "--http-debug=full",
        "--log-format=raw",
    )
    assert "> {" in result.stderr
    assert '"wave": "hello"' in result.stderr


def test_requests_go_through_the_proxy_of_the_environment(proxy: Proxy, tmp_path: Path) -> None:
    """HTTP_PROXY of the command's environment; NO_PROXY and loopback are left out."""
    (tmp_path / "script.py").write_text(
        "from swell import check, env, http\n"
        "def default():\n"
        "    check(http.get('http://far.invalid/x').text, {'by proxy': lambda text: text == 'by proxy!'})\n"
    )
    environment = {"HTTP_PROXY": proxy.url, "HOME": str(tmp_path)}
    exported = str(tmp_path / "out.json")
    result = run_cli("run", "script.py", "--summary-export", exported, env=environment, cwd=tmp_path)
    assert result.exit_code == ExitCode.OK, result.stderr
    assert proxy.head.startswith(b"GET http://far.invalid/x HTTP/1.1\r\nHost: far.invalid\r\n")
    assert b"Proxy-Authorization: Basic bWU6cHc=" in proxy.head
    assert json.loads(Path(exported).read_text())["metrics"]["checks"]["passes"] == 1
    assert ":pw@" not in result.stdout + result.stderr


def test_rps_holds_over_workers(run: Callable[..., CLIResult], tmp_path: Path) -> None:
    """Two workers keep to one limit: no more requests than the time has turns."""
    exported = str(tmp_path / "out.json")
    result = run(
        """
        from swell import env, http
        def default():
            http.get(env.TARGET + "/health")
        """,
        *("--vus", "4", "--duration", "1s", "--workers", "2", "--rps", "50", "--summary-export", exported),
    )
    assert result.exit_code == ExitCode.OK, result.stderr
    count = json.loads(Path(exported).read_text())["metrics"]["http_reqs"]["count"]
    (saved,) = tmp_path.glob("swell-results/*/snapshot.json")
    spent_s = json.loads(saved.read_text())["run"]["duration_ns"] / 1e9
    assert 0 < count <= 50 * spent_s + 1


def test_a_cipher_suite_that_is_none_is_found_before_anything_starts(
    run: Callable[..., CLIResult], tmp_path: Path
) -> None:
    """With its place in the script, like every other option."""
    result = run("options = {'tls_cipher_suites': ['TLS_NOPE']}\ndef default(): pass\n")
    assert result.exit_code == ExitCode.INVALID_CONFIG
    assert "script.py:2 options.tls_cipher_suites[0]: 'TLS_NOPE' is not a cipher suite" in result.stderr
    assert "hint: use the IANA name" in result.stderr
    assert not (tmp_path / "swell-results").exists()
