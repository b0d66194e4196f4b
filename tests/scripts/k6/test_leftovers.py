"""What iterations leave behind: nothing that adds up over a long run, and no error for the next call."""

import gc
import subprocess
import sys
import weakref
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest

from swell.engine.vitals import rss_bytes
from swell.net.cookies import LoopbackJar
from swell.net.websocket_session import CLOSED, OPEN
from swell.scripts.k6.hosts import websocket
from swell.scripts.k6.hosts.http import Client
from swell.scripts.k6.loader import load_script
from swell.scripts.k6.loop import Operation
from swell.scripts.k6.markup import Document
from swell.scripts.k6.vuhost import VUHost
from swell.testing.cli import CLIResult
from swell.testing.k6 import Trial

RunScript = Callable[..., CLIResult]


def alive(kind: type) -> int:
    """How many objects of a class there are."""
    gc.collect()
    return sum(isinstance(known, kind) for known in gc.get_objects())


def test_cancelled_timers_are_forgotten() -> None:
    """A timer that is set and cleared while nothing else pends is not kept until it would be due."""
    loop = Trial("export default () => {};").vu.loop
    before = alive(Operation)
    for _ in range(50):
        loop.cancel(loop.after(3_600_000).id)
        loop.cancel(loop.every(3_600_000).id)
    assert alive(Operation) == before


def test_unreachable_jars_are_forgotten() -> None:
    """A jar that a script makes in each iteration goes with it; they are told in bundles of 16."""
    trial = Trial('import { CookieJar } from "k6/http"; export default () => { new CookieJar(); };')
    before = alive(LoopbackJar)
    for _ in range(100):
        trial.run()
    assert alive(LoopbackJar) - before < 16


def test_a_context_is_free_once_it_is_closed() -> None:
    """A VU that begins anew leaves nothing for the collector of cycles, which looks rarely during a run."""

    class Kept:
        def call(self) -> None:
            """Nothing."""

    trial = Trial("export default () => {};")
    kept = Kept()
    trial.vu.context.attach({"kept": kept.call})
    seen = weakref.ref(kept)
    del kept
    gc.disable()
    try:
        assert seen() is not None
        trial.vu.close()
        assert seen() is None
    finally:
        gc.enable()


def test_callbacks_of_failed_iterations_are_forgotten(run: RunScript) -> None:
    """What a pending timer's callback holds is free once its iteration has failed."""
    result = run("""
        export const options = { iterations: 4 };
        const made = [];
        export default function () {
          console.log(`alive: ${made.filter((one) => one.deref() !== undefined).length}`);
          const held = {};
          made.push(new WeakRef(held));
          setTimeout(() => held, 3600000);
          throw new Error("no");
        }
        """)
    assert result.stderr.count("alive: 0") == 4


def test_text_that_is_no_unicode(run: RunScript) -> None:
    """Half of a surrogate pair in a URL, a name or a message is a fault of that call at most."""
    result = run("""
        import http from "k6/http";
        import { check } from "k6";
        export default function () {
          try { http.get(`${__ENV.TARGET}/\\ud800`); } catch (error) { console.log("caught"); }
          check(1, { "a\\ud800": true });
          console.log("after \\udc00");
        }
        """)
    assert result.exit_code == 0, result.stderr
    assert 'msg="after \ufffd"' in result.stderr
    assert "✓ a\ufffd" in result.stdout


def test_an_iteration_that_never_waits_keeps_no_more_than_it_uses() -> None:
    """Documents and jars that a long iteration has done with go while it runs, though no job runs between."""
    trial = Trial("""
        import { parseHTML } from "k6/html";
        import { CookieJar } from "k6/http";
        export default () => {
          const kept = [];
          for (let i = 0; i < 2_000; i++) {
            const page = parseHTML(`<p>${i}</p>`);
            if (i % 100 === 0) kept.push(page);
            new CookieJar();
          }
          console.log("counted");
          return kept.map((page) => page.find("p").text());
        };
        """)
    before = alive(Document), alive(LoopbackJar)
    counted: list[tuple[int, int]] = []
    trial.vu.shared.log = lambda *_, **__: counted.append((alive(Document), alive(LoopbackJar)))
    assert trial.run() == [str(i) for i in range(0, 2_000, 100)]
    documents, jars = counted[0]
    assert 20 <= documents - before[0] < 100
    assert jars - before[1] < 60


def test_responses_of_an_iteration_that_never_waits_go_while_it_runs(tmp_path: Path, target: str) -> None:
    """500 answers of 1 MB and 2,000 of 10 KB in one iteration: the run never takes 200 MB."""
    script = tmp_path / "script.js"
    script.write_text("""
        import http from "k6/http";
        export default function () {
          for (let i = 0; i < 500; i++) http.get(`${__ENV.TARGET}/bytes/1000000`);
          for (let i = 0; i < 2000; i++) http.get(`${__ENV.TARGET}/bytes/10000`);
        }
        """)
    measured = f"""
import resource, subprocess, sys
command = [sys.executable, "-m", "swell", "run", "--no-save", "-q", {str(script)!r}, "-e", "TARGET={target}"]
print(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", measured], check=True, capture_output=True, text=True)
    assert "http_reqs" in done.stdout
    peak_kb = int(done.stdout.rpartition("peak ")[2])
    assert peak_kb < 200_000


def test_loading_in_vain_leaves_nothing(tmp_path: Path) -> None:
    """A script that is loaded again, since a builtin module lacks a name, leaves no memory of the first time."""
    script = tmp_path / "script.js"
    script.write_text(
        'import { nope } from "k6"; import http, { zip } from "k6/http"; export default () => 1;'
    )
    growth = []
    for _ in range(4):
        gc.collect()
        before = rss_bytes()
        for _ in range(60):
            load_script(str(script), {}, lambda *_, **__: None)
        gc.collect()
        growth.append(rss_bytes() - before)
    # The allocator's own coming and going is in each round; a leak of 36 KB a time would be 2 MB in all of them.
    assert min(growth) < 600_000


def in_iteration() -> VUHost:
    """A VU in the middle of an iteration, whose client nobody asks for anything."""
    host = Trial("export default () => {};").vu
    host.phase, host.vu = "iteration", SimpleNamespace(client=SimpleNamespace(context_tags=None))  # type: ignore[assignment]
    return host


def test_a_socket_that_opens_as_its_iteration_ends_is_closed(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the same turn of the hub, so that its opening could not be stopped any more."""
    host, made = in_iteration(), []

    def connect(_client: Any, url: str, kind: type[websocket.ScriptSocket], **_options: Any) -> Any:
        made.append(sock := kind(url))
        sock.state, sock.response = OPEN, SimpleNamespace(error_code=0, headers={})  # type: ignore[assignment]
        host.loop.clear()
        return sock

    monkeypatch.setattr(websocket, "connect", connect)
    sockets = websocket.Sockets(host)
    sockets.start("ws://a/", "{}", "[]")
    gevent.sleep(0)
    assert [sock.state for sock in made] == [CLOSED]
    assert not sockets._sockets


def test_a_response_that_comes_as_its_iteration_ends_is_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    """Likewise: nobody will ask for it."""
    host = in_iteration()
    client = Client(host)
    client._is_ready = True

    def send(*_request: Any, is_single: bool) -> int:
        assert is_single
        client._responses[5] = SimpleNamespace()  # type: ignore[assignment]
        host.loop.clear()
        return -5200

    monkeypatch.setattr(client, "_send", send)
    client.start("GET", "http://a/", "", None, "{}")
    gevent.sleep(0)
    assert not client._responses
