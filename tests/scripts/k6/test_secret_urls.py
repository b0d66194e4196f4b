"""``--secret-source=url``: values that a server keeps, its settings, retries and limits."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import gevent
import pytest

from swell.base.errors import ConfigError, ExitCode
from swell.cli.secret_sources import read_secret_sources
from swell.cli.system import System
from swell.scripts.k6.secreturls import SecretServer, SecretURL
from swell.scripts.k6.values import HostError
from swell.testing.cli import CLIResult, SignalSource

RunScript = Callable[..., CLIResult]
SECRET = "of the server"


class Store(ThreadingHTTPServer):
    """Answers GET /KEY as ``answers`` says: status and body, the last one again and again."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: dict[str, list[tuple[int, bytes]]] = {}
        self.asked: list[tuple[str, str, str]] = []

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    """One request of the store."""

    server: Store

    def do_GET(self) -> None:
        """The next answer for the path."""
        store = self.server
        store.asked.append((self.command, self.path, self.headers.get("Authorization", "")))
        answers = store.answers[self.path]
        status, body = answers.pop(0) if len(answers) > 1 else answers[0]
        self.send_response(status)
        if status == 302:
            self.send_header("Location", body.decode())
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET  # noqa: N815  # http.server finds it by its name

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def store() -> Iterator[Store]:
    """A server of secrets."""
    with Store() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def fetch(store: Store, key: str = "key", **settings: object) -> tuple[str, list[float]]:
    """The value of ``key`` and the pauses on the way."""
    pauses: list[float] = []
    source = SecretURL(f"{store.url}/{{key}}", **settings)  # type: ignore[arg-type]
    return SecretServer(source, pauses.append).get(key), pauses


def test_a_script_gets_it_once_and_shows_it_nowhere(run: RunScript, store: Store, tmp_path: Path) -> None:
    """Also while the script loads; the log, the summary's files and the outputs have the mark instead."""
    store.answers["/a"] = [(200, json.dumps({"data": {"value": SECRET}}).encode())]
    script = """
    import secrets from "k6/secrets";
    import { check } from "k6";
    const early = await secrets.get("a");
    export const options = { iterations: 3 };
    export default async function () {
      const value = await secrets.get("a");
      check(1, { [`has ${value}`]: true });
      console.log(`${value.length} ${value === early} ${value}`);
    }
    export const handleSummary = (data) => ({ "own.json": JSON.stringify(data), stdout: early });
    """
    setting = f"url=urlTemplate={store.url}/{{key}},responsePath=data.value,headers.Authorization=Bearer T0p"
    result = run(script, f"--secret-source={setting}", "--out=json=a.json")
    assert result.stderr.count('"13 true ***SECRET_REDACTED***"') == 3, result.stderr
    shown = [result.stdout, *((tmp_path / name).read_text() for name in ("own.json", "a.json"))]
    for text in shown:
        assert SECRET not in text
        assert "***SECRET_REDACTED***" in text
    assert store.asked == [("GET", "/a", "Bearer T0p")]


def test_what_fails_is_an_error_of_the_script(run: RunScript, store: Store) -> None:
    """It can be caught; a key that the server does not know is asked for once."""
    store.answers["/none"] = [(404, b"")]
    script = """
    import secrets from "k6/secrets";
    export default async function () {
      try { await secrets.source("vault").get("none"); } catch (error) { console.log(error.message); }
    }
    """
    result = run(script, f"--secret-source=url=name=vault,urlTemplate={store.url}/{{key}}")
    assert 'msg="status code 404: failed to get secret"' in result.stderr
    assert len(store.asked) == 1


def test_a_server_that_is_down_or_busy_is_asked_again(store: Store) -> None:
    """After 5xx and 429, waiting whole seconds of the back-off's powers and up to one more."""
    store.answers["/key"] = [(503, b""), (429, b""), (200, SECRET.encode())]
    value, pauses = fetch(store, retry_backoff_ns=2_000_000_000)
    assert value == SECRET
    assert [int(pause) for pause in pauses] == [2, 4]


@pytest.mark.parametrize(("status", "asked"), [(200, 1), (503, 2)])
def test_who_wants_what_is_asked_for_waits(store: Store, status: int, asked: int) -> None:
    """Five that want a value in the same instant ask once, with its retries, and hear the same."""
    store.answers["/key"] = [(status, SECRET.encode())]
    server = SecretServer(SecretURL(f"{store.url}/{{key}}", max_retries=1), lambda _: gevent.sleep(0))
    # The look-up itself holds the hub here, where nothing is patched: the first one lets the others come.
    turn, original = [True], server._ask

    def ask(key: str) -> str:
        if turn.pop():
            gevent.sleep(0)
        return original(key)

    server._ask = ask  # type: ignore[method-assign]  # only to let the others come
    wanting = [gevent.spawn(server.get, "key") for _ in range(5)]
    gevent.joinall(wanting)
    told = [one.value or str(one.exception) for one in wanting]
    assert told == [SECRET if status == 200 else "status code 503: failed to get secret"] * 5
    assert len(store.asked) == asked


def test_who_is_interrupted_while_asking_leaves_it_to_another(store: Store) -> None:
    """The value comes all the same."""
    store.answers["/key"] = [(503, b""), (200, SECRET.encode())]
    server = SecretServer(SecretURL(f"{store.url}/{{key}}"), lambda _: gevent.sleep(60))
    first, second = gevent.spawn(server.get, "key"), gevent.spawn(server.get, "key")
    gevent.sleep(0)
    first.kill()
    second.join(60)
    assert second.value == SECRET


@pytest.mark.parametrize(("host", "sent"), [("127.0.0.1", "Bearer T0p"), ("localhost", "")])
def test_what_lets_us_in_goes_to_no_other_host(store: Store, host: str, sent: str) -> None:
    """A redirect is followed, with the headers only where it stays on the host."""
    elsewhere = store.url.replace("127.0.0.1", host)
    store.answers |= {"/key": [(302, f"{elsewhere}/moved".encode())], "/moved": [(200, b"value")]}
    assert fetch(store, headers={"Authorization": "Bearer T0p"})[0] == "value"
    assert store.asked == [("GET", "/key", "Bearer T0p"), ("GET", "/moved", sent)]


def test_retries_end(store: Store) -> None:
    """After ``maxRetries`` the last status is the error."""
    store.answers["/key"] = [(500, b"")]
    with pytest.raises(HostError, match="status code 500"):
        fetch(store, max_retries=2)
    assert len(store.asked) == 3


def test_no_server(store: Store) -> None:
    """A connection that fails is tried again, too, and then told."""
    with pytest.raises(HostError, match="failed to get secret: Connection refused"):
        SecretServer(SecretURL("http://127.0.0.1:1/{key}", max_retries=1), lambda _: None).get("key")


@pytest.mark.parametrize(
    ("body", "path", "found"),
    [
        (b" text \n", "", " text \n"),
        (b'{"a": [{"b.c": "x"}]}', "a.0.b\\.c", "x"),
        (b'{"a": 1}', "a", HostError('failed to extract secret: secret value at path "a" is not a string')),
        (b'{"a": 1}', "b", HostError('failed to extract secret: path "b" not found in response')),
        (b"<html>", "b", HostError("failed to extract secret: the answer is no JSON")),
        (b"x" * 24_577, "", HostError("failed to extract secret: the answer has more than 24576 bytes")),
    ],
)
def test_the_place_of_the_value(store: Store, body: bytes, path: str, found: str | HostError) -> None:
    """The whole answer, or text at a path of names and indexes; anything else is told, and not tried again."""
    store.answers["/key"] = [(200, body)]
    if isinstance(found, str):
        assert fetch(store, response_path=path) == (found, [])
        return
    with pytest.raises(HostError) as caught:
        fetch(store, response_path=path)
    assert caught.value.message == found.message
    assert len(store.asked) == 1


def test_the_limit_of_requests(store: Store) -> None:
    """A burst goes at once; what comes after it waits for its turn."""
    store.answers |= {f"/{number}": [(200, b"x")] for number in range(4)}
    pauses: list[float] = []
    source = SecretURL(f"{store.url}/{{key}}", requests_per_minute_limit=1, requests_burst=2)
    server = SecretServer(source, pauses.append)
    for number in range(4):
        server.get(str(number))
    assert [round(pause / 60) for pause in pauses] == [1, 2]


def settle(tmp_path: Path, given: str, env: dict[str, str] | None = None) -> SecretURL:
    """The settings of one source."""
    none = io.StringIO()
    system = System(
        env=env or {}, cwd=tmp_path, stdin=none, stdout=none, stderr=none, signals=SignalSource().handled
    )
    (source,) = read_secret_sources([given], system).urls.values()
    return source


def test_settings_come_from_three_places(tmp_path: Path) -> None:
    """The argument wins over its file, the file over the environment; headers are replaced as a whole."""
    env = {
        "K6_SECRET_SOURCE_URL_URL_TEMPLATE": "https://env/{key}",
        "K6_SECRET_SOURCE_URL_HEADER_X": "1",
        "K6_SECRET_SOURCE_URL_MAX_RETRIES": "7",
        "K6_SECRET_SOURCE_URL_REQUESTS_PER_MINUTE_LIMIT": "8",
    }
    assert settle(tmp_path, "url", env) == SecretURL(
        "https://env/{key}", headers={"X": "1"}, max_retries=7, requests_per_minute_limit=8
    )
    document = {"urlTemplate": "https://file/{key}", "headers": {"Y": "2"}, "maxRetries": 5, "timeout": "2s"}
    (tmp_path / "s.json").write_text(json.dumps(document))
    given = "url=config=s.json,timeout=500ms,method=POST,requestsBurst=3"
    assert settle(tmp_path, given, env) == SecretURL(
        "https://file/{key}",
        method="POST",
        headers={"Y": "2"},
        timeout_ns=500_000_000,
        max_retries=5,
        requests_per_minute_limit=8,
        requests_burst=3,
    )


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("url", "url: urlTemplate is missing"),
        ("url=urlTemplate=https://x/", "url: urlTemplate has no {key} in the place of a secret's name"),
        ("url=urlTemplate=x/{key}", "url: urlTemplate is no absolute URL"),
        ("url=urlTemplat=x", "url: there is no setting 'urlTemplat'"),
        ("url=urlTemplate=https://x/{key},timeout=0s", "url: timeout is not a duration such as 30s"),
        ("url=urlTemplate=https://x/{key},maxRetries=-1", "url: maxRetries is not a whole number from 0 on"),
        (
            "url=urlTemplate=https://x/{key},requestsBurst=x",
            "url: requestsBurst is not a whole number from 1 on",
        ),
        ("url=config=none.json", "url: the file 'none.json' cannot be read: No such file or directory"),
        ("url=config=bad.json", "url: the file 'bad.json' is not JSON with the settings of a source"),
    ],
)
def test_faults(tmp_path: Path, given: str, told: str) -> None:
    """Each is told at the flag; the exit code is k6's, 255."""
    (tmp_path / "bad.json").write_text('{"headers": [1]}')
    with pytest.raises(ConfigError) as caught:
        settle(tmp_path, given)
    assert [fault.message for fault in caught.value.faults] == [told]
    assert caught.value.exit_code == ExitCode.OTHER


@pytest.mark.parametrize("command", ["inspect", "archive", "debug"])
def test_other_commands_know_secrets(tmp_path: Path, store: Store, command: str) -> None:
    """A script that asks for one while it loads can be inspected, packed and debugged; no error shows it."""
    store.answers["/a"] = [(200, SECRET.encode())]
    (tmp_path / "a.js").write_text("""
        import secrets from "k6/secrets";
        const value = await secrets.get("a") + await secrets.source("mock").get("b");
        console.log(`early ${value}`);
        if (__ENV.BREAK) throw new Error(`with ${value}`);
        export default function () {}
    """)
    flags = (
        f"--secret-source=url=default,urlTemplate={store.url}/{{key}}",
        "--secret-source=mock=b=other secret",
    )
    for extra, code in (((), ExitCode.OK), (("-e", "BREAK=1"), ExitCode.SCRIPT_EXCEPTION)):
        # In a process of its own: debug patches the one that it runs in.
        arguments = [sys.executable, "-m", "swell", command, *flags, *extra, "a.js"]
        result = subprocess.run(
            arguments, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
        )
        assert result.returncode == code, result.stderr
        shown = result.stdout + result.stderr
        assert SECRET not in shown
        assert "other secret" not in shown
    assert "with ***SECRET_REDACTED******SECRET_REDACTED***" in shown
