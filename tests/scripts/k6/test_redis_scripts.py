"""k6/experimental/redis against a real redis-server: expressions with what they give, TLS, and whole runs."""

import contextlib
import json
import re
import socket
import subprocess
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest
import redis
from test_conformance import parse

from swell.testing.certificates import Authority
from swell.testing.cli import CLIResult, run_cli
from swell.testing.k6 import Trial
from swell.testing.raw import RawServer, never_answer, send

CASES = Path(__file__).with_name("stores") / "redis.txt"
RUNNER = """
export default async function () {
  for (let number = 0; number < CASES.length; number++) {
    let told;
    try {
      told = JSON.stringify(await CASES[number]());
    } catch (error) {
      told = `throws ${error.name}: ${error.message}`;
    }
    console.log(`CASE ${number} ${told}`);
  }
}
"""
_SAID = re.compile(r'msg="CASE (\d+) (.*)" source=console')


def free_port() -> int:
    """A port that nobody listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def started(folder: Path, *flags: str) -> subprocess.Popen[bytes]:
    """A Redis server, when it answers or has ended."""
    path = folder / "redis.sock"
    command = ["redis-server", "--unixsocket", str(path), "--save", "", "--dir", str(folder), *flags]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    with redis.Redis(unix_socket_path=str(path), retry=None) as client:
        while process.poll() is None:
            with contextlib.suppress(redis.ConnectionError):
                client.ping()
                break
    return process


@contextlib.contextmanager
def redis_server(folder: Path, port_flag: str, *flags: str) -> Iterator[int]:
    """The port of a throw-away server with these flags, ready when the block begins."""
    # Somebody else may take the port first.
    for _ in range(20):
        port = free_port()
        process = started(folder, port_flag, str(port), *flags)
        if process.poll() is None:
            break
    assert process.poll() is None
    try:
        yield port
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a Redis server."""
    with redis_server(tmp_path_factory.mktemp("redis"), "--port") as port:
        yield f"redis://127.0.0.1:{port}"


@cache
def results(url: str, folder: Path) -> dict[int, str]:
    """What the expressions of the file give, all in one iteration of one run."""
    top, cases = parse(CASES)
    listed = ",\n".join(f"async () => ({expression})" for _, expression, _ in cases)
    (folder / "redis.js").write_text(f"{top}\nconst CASES = [\n{listed}\n];\n{RUNNER}", encoding="utf-8")
    with (
        RawServer([[send(b"HTTP/1.1 400 Bad Request\r\n\r\n"), never_answer()]]) as other,
        RawServer([[send(b"+first\r\n+second\r\n"), never_answer()]]) as eager,
    ):
        urls = {"REDIS": url, "OTHER": other.url, "EAGER": eager.url}
        environment = {**urls, "HOME": str(folder), "NO_COLOR": "1"}
        run = run_cli("run", "--no-save", "redis.js", env=environment, cwd=folder)
    found = {int(number): json.loads(f'"{told}"') for number, told in _SAID.findall(run.stderr)}
    assert found, run.stderr
    return found


@pytest.mark.parametrize(
    ("number", "expected"),
    [pytest.param(number, expected, id=name) for number, (name, _, expected) in enumerate(parse(CASES)[1])],
)
def test_gives_what_is_expected(
    number: int, expected: str, server: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every expression gives its result, or throws its error."""
    assert results(server, tmp_path_factory.getbasetemp())[number].strip() == expected


def test_the_init_context_has_no_connection() -> None:
    """A command at the top level of a script is rejected, and says where it belongs."""
    source = """
        import { Client } from "k6/experimental/redis";
        let told;
        new Client("redis://localhost").get("a").catch((error) => { told = error.message; });
        export default () => told;
    """
    told = Trial(source).run()
    assert told == "Making a Redis client in the init context is not supported"


Run = Callable[..., CLIResult]


def test_every_vu_has_its_connection(run: Run, server: str) -> None:
    """Setup, VUs and teardown share the data and not the connections, and a failing command fails its check."""
    source = """
        import { check } from "k6";
        import redis from "k6/experimental/redis";
        const client = new redis.Client(__ENV.URL);
        export const options = { vus: 3, iterations: 30, thresholds: { checks: ["rate==1"] } };
        export async function setup() { await client.del("hits", "ids"); }
        export default async function () {
          const id = await client.sendCommand("CLIENT", "ID");
          await client.sadd("ids", `${__VU}:${id}`);
          check(await client.incr("hits"), { "counts": (n) => n >= 1 && n <= 30 });
        }
        export async function teardown() {
          console.log(`hits ${await client.get("hits")}`);
          const ids = await client.smembers("ids");
          console.log(`apart ${new Set(ids.map((one) => one.split(":")[1])).size === ids.length}`);
        }
    """
    result = run(source, "-e", f"URL={server}")
    assert result.exit_code == 0, result.stderr
    assert 'msg="hits 30"' in result.stderr
    assert 'msg="apart true"' in result.stderr


def test_what_nobody_catches_ends_the_iteration(run: Run) -> None:
    """Without a server an awaited command is an exception of the script: logged, and the run goes on."""
    source = """
        import redis from "k6/experimental/redis";
        const client = new redis.Client("redis://127.0.0.1:1");
        export const options = { iterations: 2 };
        export default async function () { await client.get("a"); }
    """
    result = run(source)
    assert result.stderr.count("GoError: 127.0.0.1:1: dial: connection refused") == 2


def test_blocked_commands_do_not_block_an_interrupted_vu(run: Run, server: str) -> None:
    """An iteration that waits for a reply is interrupted when its time is over."""
    source = """
        import redis from "k6/experimental/redis";
        const client = new redis.Client(__ENV.URL);
        const one = { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" };
        export const options = { scenarios: { one } };
        export default async function () { await client.sendCommand("BLPOP", "never", 0); }
    """
    result = run(source, "-e", f"URL={server}")
    assert "0 complete and 1 interrupted iterations" in result.stderr + result.stdout


def test_tls(run: Run, tmp_path: Path) -> None:
    """An authority and a client certificate in socket.tls work as text and bytes; without, it says what is wrong."""
    authority = Authority()
    ours = authority.client_certificate()
    files = {"ca.pem": authority.ca_pem, "cert.pem": ours.cert, "key.pem": ours.key}
    (tmp_path / "server.pem").write_text(authority.server_pem(), encoding="ascii")
    (tmp_path / "trusted.pem").write_text(authority.ca_pem, encoding="ascii")
    pem = str(tmp_path / "server.pem")
    flags = ("--port", "0", "--tls-ca-cert-file", str(tmp_path / "trusted.pem"))
    source = """
        import redis from "k6/experimental/redis";
        const socket = { host: "127.0.0.1", port: Number(__ENV.PORT) };
        const [ca, cert, key] = ["ca.pem", "cert.pem", "key.pem"].map((name) => open(name));
        const bytes = { ca: [open("ca.pem", "b")], cert: open("cert.pem", "b"), key: open("key.pem", "b") };
        const asks = async (name, options) => {
          const told = new redis.Client(options).sendCommand("PING");
          console.log(`${name}: ${await told.catch((error) => error.message)}`);
        };
        export default async function () {
          await asks("text", { socket: { ...socket, tls: { ca, cert, key } } });
          await asks("bytes", { socket: { ...socket, tls: bytes } });
          await asks("untrusted", `rediss://127.0.0.1:${__ENV.PORT}`);
          await asks("none", { socket: { ...socket, tls: { ca: "no PEM" } } });
        }
    """
    with redis_server(tmp_path, "--tls-port", *flags, "--tls-cert-file", pem, "--tls-key-file", pem) as port:
        result = run(source, "-e", f"PORT={port}", files=files)
    said = re.findall('msg="(.*)" source=console', result.stderr)
    assert said[:2] == ["text: PONG", "bytes: PONG"]
    assert said[2] == f"untrusted: 127.0.0.1:{port}: tls: certificate signed by unknown authority"
    assert said[3].startswith("none: invalid socket.tls of a Redis client: ")
