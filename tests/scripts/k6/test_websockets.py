"""k6/ws and k6/websockets against a real server: expressions with what k6 gave, and whole runs."""

import json
import re
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from test_conformance import parse
from websocket_target import websocket_target

from swell.testing.cli import CLIResult, run_cli
from swell.testing.raw import RawServer, close, never_answer, request

FOLDER = Path(__file__).with_name("sockets")
RUNNER = """
export default async function () {
  for (let number = 0; number < CASES.length; number++) {
    http.cookieJar().clear(H);
    let told;
    try {
      const value = await CASES[number]();
      told = value === undefined ? "undefined" : JSON.stringify(value);
    } catch (error) {
      told = `throws ${error.name}: ${error.message}`;
    }
    console.log(`CASE ${number} ${told}`);
  }
}
"""
_SAID = re.compile(r'msg="CASE (\d+) (.*)" source=console')


@pytest.fixture(scope="session")
def sockets() -> Iterator[str]:
    """The URL of a WebSocket server that obeys."""
    with websocket_target() as url:
        yield url


def script(name: str) -> str:
    """The script that evaluates the expressions of a file."""
    top, cases = parse(FOLDER / name)
    listed = ",\n".join(f"async () => ({expression})" for _, expression, _ in cases)
    return f"{top}\nconst CASES = [\n{listed}\n];\n{RUNNER}"


@cache
def results(name: str, url: str, folder: Path) -> dict[int, str]:
    """What the expressions of a file give, all in one iteration of one run."""
    (folder / "cases.js").write_text(script(name), encoding="utf-8")
    environment = {"SOCKETS": url, "HOME": str(folder), "NO_COLOR": "1"}
    run = run_cli("run", "--no-save", "cases.js", env=environment, cwd=folder)
    found = {int(number): json.loads(f'"{told}"') for number, told in _SAID.findall(run.stderr)}
    assert found, run.stderr
    return found


ALL = [
    pytest.param(path.name, number, expected, id=f"{path.stem}-{name.removesuffix('*')}")
    for path in sorted(FOLDER.glob("*.txt"))
    for number, (name, _, expected) in enumerate(parse(path)[1])
]


@pytest.mark.parametrize(("file", "number", "expected"), ALL)
def test_gives_what_k6_gives(
    file: str, number: int, expected: str, sockets: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Every expression gives the recorded result, or throws the recorded error."""
    told = results(file, sockets, tmp_path_factory.getbasetemp())[number]
    assert told == expected


Run = Callable[..., tuple[CLIResult, list[dict[str, Any]]]]


@pytest.fixture
def run(tmp_path: Path, sockets: str) -> Run:
    """Run a script against the server; gives the result and the samples of the WebSocket metrics."""

    def run_script(source: str, *flags: str) -> tuple[CLIResult, list[dict[str, Any]]]:
        (tmp_path / "script.js").write_text(textwrap.dedent(source), encoding="utf-8")
        environment = {"SOCKETS": sockets, "HOME": str(tmp_path), "NO_COLOR": "1"}
        flags = ("--out", "json=out.json", *flags)
        result = run_cli("run", "--no-save", "script.js", *flags, env=environment, cwd=tmp_path)
        output = tmp_path / "out.json"
        lines = output.read_text().splitlines() if output.exists() else []
        points = [point for point in map(json.loads, lines) if point["type"] == "Point"]
        return result, [point for point in points if point["metric"].startswith(("ws_", "data_"))]

    return run_script


def told(points: list[dict[str, Any]], sockets: str) -> list[str]:
    """Each sample as metric, value where it is no time, and tags but those of every sample."""
    lines = []
    for point in points:
        tags = {
            name: value.replace(sockets, "URL")
            for name, value in point["data"]["tags"].items()
            if (name, value) not in {("group", ""), ("scenario", "default")}
        }
        if not point["metric"].startswith("data_"):
            lines.append(" ".join([point["metric"], *(f"{name}={tags[name]}" for name in sorted(tags))]))
    return sorted(lines)


IN_WS = """
import ws from "k6/ws";
export default () => ws.connect(__ENV.SOCKETS + "/a", { tags: { my: "t", n: 5, b: true } }, (s) => {
  s.on("open", () => s.send("x"));
  s.on("message", () => s.ping());
  s.on("pong", () => s.close());
});
"""
IN_WEBSOCKETS = """
import { WebSocket } from "k6/websockets";
export default () => {
  const s = new WebSocket(__ENV.SOCKETS + "/a", "chat", { tags: { my: "t" } });
  s.onopen = () => s.send("x");
  s.onmessage = () => s.ping();
  s.onpong = () => s.close();
};
"""
WS, NAMED = (
    "b=true my=t n=5 status=101 subproto= url=URL/a",
    "my=t name=URL/a status=101 subproto=chat url=URL/a",
)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            IN_WS,
            [
                f"{metric} {WS}"
                for metric in (
                    "ws_connecting",
                    "ws_msgs_received",
                    "ws_msgs_sent",
                    "ws_ping",
                    "ws_session_duration",
                    "ws_sessions",
                )
            ],
            id="ws",
        ),
        pytest.param(
            IN_WEBSOCKETS,
            [f"ws_connecting {NAMED}", f"ws_msgs_received {NAMED}"]
            + [f"ws_msgs_sent {NAMED}"] * 3
            + [f"ws_ping {NAMED}", f"ws_session_duration {NAMED}", f"ws_sessions {NAMED}"],
            id="websockets counts pings and closes",
        ),
        pytest.param(
            'import ws from "k6/ws"; export default () => ws.connect(__ENV.SOCKETS + "/refuse/404", () => {});',
            [
                f"{metric} status=404 subproto= url=URL/refuse/404"
                for metric in ("ws_connecting", "ws_session_duration", "ws_sessions")
            ],
            id="ws refused",
        ),
        pytest.param(
            'import ws from "k6/ws";\nexport default () => {\n'
            '  for (const url of [undefined, "http://a/"]) ws.connect(url, { tags: { my: "t" } }, () => {}); };',
            [
                f"{metric} my=t url={url}"
                for metric in ("ws_connecting", "ws_session_duration", "ws_sessions")
                for url in ("", "http://a/")
            ],
            id="ws without a URL",
        ),
        pytest.param(
            'import { WebSocket } from "k6/websockets";\n'
            'export default () => { new WebSocket(__ENV.SOCKETS + "/refuse/404"); };',
            [
                f"{metric} name=URL/refuse/404 status=404 subproto= url=URL/refuse/404"
                for metric in ("ws_connecting", "ws_sessions")
            ],
            id="websockets refused",
        ),
        pytest.param(
            'import { WebSocket } from "k6/websockets";\n'
            'export default () => { new WebSocket("ws://127.0.0.1:1/"); };',
            [
                f"{metric} name=ws://127.0.0.1:1/ url=ws://127.0.0.1:1/"
                for metric in ("ws_connecting", "ws_sessions")
            ],
            id="no answer",
        ),
        pytest.param(
            'import ws from "k6/ws"; import { group } from "k6";\n'
            'export default () => group("g", () => ws.connect(__ENV.SOCKETS + "/a", { tags: { name: "N" } }, (s) => s.close()));',
            [
                f"{metric} group=::g name=N status=101 subproto= url=URL/a"
                for metric in ("ws_connecting", "ws_session_duration", "ws_sessions")
            ],
            id="ws keeps the URL beside a name",
        ),
        pytest.param(
            'import { WebSocket } from "k6/websockets"; import { group } from "k6";\n'
            'export default () => { let s; group("g", () => { s = new WebSocket(__ENV.SOCKETS, null, { tags: { name: "N" } }); });'
            " s.onopen = () => s.close(); };",
            [
                f"{metric} group=::g name=N status=101 subproto= url=N"
                for metric in ("ws_connecting", "ws_msgs_sent", "ws_session_duration", "ws_sessions")
            ],
            id="websockets has the name for URL, and the group of its making",
        ),
    ],
)
def test_samples(source: str, expected: list[str], run: Run, sockets: str) -> None:
    """A session's samples and tags are those that k6 writes."""
    result, points = run(source)
    assert result.exit_code == 0, result.stderr
    assert told(points, sockets) == expected


def test_bytes_belong_to_the_iteration(run: Run) -> None:
    """What a session moved is in its iteration's data_sent and data_received, one of each."""
    _, points = run(IN_WEBSOCKETS)
    moved = [(point["metric"], point["data"]["tags"]) for point in points if point["metric"][:5] == "data_"]
    tags = {"group": "", "scenario": "default"}
    assert sorted(moved) == [("data_received", tags), ("data_sent", tags)]


INTERRUPTED = """
export const options = {
  scenarios: { a: { executor: "constant-vus", vus: 1, duration: "1s", gracefulStop: "0s" } },
};
"""


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(
            'import ws from "k6/ws";\n'
            'export default () => { ws.connect(__ENV.SOCKETS, (s) => s.on("close", () => console.log("closed"))); };',
            id="ws",
        ),
        pytest.param(
            'import { WebSocket } from "k6/websockets";\n'
            "export default () => { const s = new WebSocket(__ENV.SOCKETS);"
            ' s.onopen = () => s.send("x"); s.onclose = () => console.log("closed"); };',
            id="websockets",
        ),
    ],
)
def test_an_open_socket_holds_the_iteration_until_it_is_interrupted(source: str, run: Run) -> None:
    """The iteration goes on while a socket is open; its interruption ends the session without a word."""
    result, points = run(INTERRUPTED + source)
    assert result.exit_code == 0, result.stderr
    assert "closed" not in result.stderr
    metrics = [point["metric"] for point in points]
    assert metrics.count("ws_sessions") == 1
    assert "ws_session_duration" not in metrics


@pytest.mark.parametrize(
    ("source", "said"),
    [
        pytest.param(
            'import ws from "k6/ws"; ws.connect("ws://x/", () => {}); export default () => {};',
            "using websockets in the init context is not supported",
            id="ws",
        ),
        pytest.param(
            'import { WebSocket } from "k6/websockets"; new WebSocket("ws://x/"); export default () => {};',
            "using websockets in the init context is not supported",
            id="websockets",
        ),
    ],
)
def test_not_in_the_init_context(source: str, said: str, run: Run) -> None:
    """The init context has no sockets, and the message says so."""
    result, _ = run(source)
    assert result.exit_code == 107
    assert said in result.stderr


def test_throw_makes_failed_handshakes_exceptions_of_ws(run: Run) -> None:
    """With the option throw, k6/ws throws what it would return; k6/websockets goes on with events."""
    result, _ = run("""
        import ws from "k6/ws";
        import { WebSocket } from "k6/websockets";
        export const options = { throw: true };
        export default () => {
          for (const url of [__ENV.SOCKETS + "/refuse/404", "nothing"]) {
            try { ws.connect(url, () => {}); } catch (error) { console.log(String(error)); }
          }
          new WebSocket(__ENV.SOCKETS + "/refuse/404").onerror = ({ error }) => console.log(error);
        };
    """)
    said = re.findall(r'msg="(.*)" source=console', result.stderr)
    assert said == [
        "GoError: websocket: bad handshake",
        "GoError: malformed ws or wss URL",
        "websocket: bad handshake",
    ]


def test_an_exception_in_a_handler_ends_socket_and_iteration(run: Run) -> None:
    """The error handler hears of it, then the close handler; the iteration fails with it."""
    result, points = run("""
        import { WebSocket } from "k6/websockets";
        export default () => {
          const s = new WebSocket(__ENV.SOCKETS);
          s.onopen = () => { throw new Error("boom"); };
          s.onerror = ({ error }) => console.log("error " + error);
          s.onclose = ({ code }) => console.log("close " + code);
        };
    """)
    said = re.findall(r'msg="?(.*?)"? source=console', result.stderr)
    assert said == ["error Error: boom", "close undefined"]
    assert 'msg="Error: boom\\n' in result.stderr
    assert "ws_session_duration" not in {point["metric"] for point in points}


def test_the_console_shows_an_error_as_its_text(run: Run) -> None:
    """What the error handler of k6/ws is given is told in one line."""
    result, _ = run("""
        import ws from "k6/ws";
        export default () => ws.connect(__ENV.SOCKETS, (s) => {
          s.on("error", (error) => console.log("error", error));
          s.send("close 4001 why");
        });
    """)
    assert 'msg="error websocket: close 4001: why" source=console' in result.stderr


def test_an_interruption_ends_an_opening(tmp_path: Path) -> None:
    """A server that never answers the upgrade does not hold the run."""
    with RawServer([[request(), never_answer()]]) as server:
        source = f"""
            import {{ WebSocket }} from "k6/websockets";
            {INTERRUPTED}
            export default () => {{ new WebSocket("{server.url.replace("http", "ws")}"); }};
        """
        (tmp_path / "script.js").write_text(textwrap.dedent(source), encoding="utf-8")
        result = run_cli("run", "--no-save", "script.js", env={"HOME": str(tmp_path)}, cwd=tmp_path)
    assert result.exit_code == 0, result.stderr
    assert len(server.connections) == 1


def test_headers_have_go_s_letters(tmp_path: Path) -> None:
    """The names of a handshake's headers go out with their words capitalised, however the script writes them."""
    with RawServer([[request(), close()]]) as server:
        source = f"""
            import ws from "k6/ws";
            const params = {{ headers: {{ "X-MyHeader": "a", "x-other-one": "b" }} }};
            export default () => {{ ws.connect("{server.url.replace("http", "ws")}", params, () => {{}}); }};
        """
        (tmp_path / "script.js").write_text(textwrap.dedent(source), encoding="utf-8")
        run_cli("run", "--no-save", "script.js", env={"HOME": str(tmp_path)}, cwd=tmp_path)
    sent = bytes(server.connections[0].received)
    assert b"\r\nX-Myheader: a\r\n" in sent
    assert b"\r\nX-Other-One: b\r\n" in sent


def test_the_old_name_of_the_timers(run: Run) -> None:
    """Scripts for older versions of k6 import the timers from k6/experimental/timers."""
    result, _ = run("""
        import { setTimeout } from "k6/experimental/timers";
        export default () => { setTimeout(() => console.log("later"), 1); };
    """)
    assert "msg=later source=console" in result.stderr


def test_sockets_in_setup_and_teardown(run: Run) -> None:
    """The lifecycle functions have sockets, too, with their group."""
    result, points = run("""
        import ws from "k6/ws";
        const once = () => ws.connect(__ENV.SOCKETS, (s) => s.close()).status;
        export function setup() { return once(); }
        export default (status) => console.log(status);
        export const teardown = once;
    """)
    assert "msg=101 source=console" in result.stderr
    groups = [point["data"]["tags"]["group"] for point in points if point["metric"] == "ws_sessions"]
    assert groups == ["::setup", "::teardown"]


def test_the_old_name_warns_once(run: Run) -> None:
    """k6/experimental/websockets is k6/websockets with a warning, however many VUs there are."""
    result, points = run("""
        import { WebSocket } from "k6/experimental/websockets";
        export const options = { vus: 2, iterations: 2 };
        export default () => { const s = new WebSocket(__ENV.SOCKETS); s.onopen = () => s.close(); };
    """)
    assert result.stderr.count("k6/experimental/websockets is deprecated") == 1
    assert [point["metric"] for point in points].count("ws_session_duration") == 2


def test_who_waits_in_a_session_leaves_the_runtime_to_others(run: Run) -> None:
    """What is due in a VU runs when it goes on, by itself, and the others' stacks end with their own calls."""
    result, _ = run(
        """
        import ws from "k6/ws";
        import { sleep } from "k6";
        export const options = { scenarios: { all: { executor: "per-vu-iterations", vus: 4, iterations: 50 } } };
        let isInside = false;
        const deep = (n, f) => (n ? deep(n - 1, f) : f());
        export default function () {
          if (__VU % 2) {
            const told = deep(5, () => new Error("x").stack).match(/at deep/g).length;
            if (told !== 6) console.log(`a stack of ${told}`);
            sleep(0.005);
            return;
          }
          if (__ITER) return;
          Promise.resolve().then(() => console.log(`inside ${isInside}`));
          isInside = true;
          deep(9, () => ws.connect(__ENV.SOCKETS, (socket) => { socket.setTimeout(() => socket.close(), 150); }));
          isInside = false;
        }
        """
    )
    assert "a stack of" not in result.stderr, result.stderr
    assert (result.stderr.count("inside false"), result.stderr.count("inside true")) == (2, 0)
