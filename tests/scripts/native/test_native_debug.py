"""Tests of swell.scripts.native.debug and of the foreground run below it."""

import sys

import pytest

from swell.base.errors import ConfigError, ScriptError
from swell.config.options import Options
from swell.config.scenarios import SharedIterations
from swell.net.describe import describe_exchange
from swell.net.response import Request, Response
from swell.scripts.native.debug import debug_script
from swell.testing.server import EchoServer

MAIN = SharedIterations(name="main")
PHASES = (1_000_000, 500_000, 0, 100_000, 2_000_000, 400_000)


@pytest.fixture
def debug(load):
    """Debug a script: whether it was fine, and what was written."""

    class Clock:
        def now_ns(self) -> int:
            return 0

        def sleep_until_ns(self, deadline_ns: int) -> None:
            """Do not wait."""

    def debug_source(source: str, **options: object) -> tuple[bool, str]:
        lines: list[str] = []
        script = load(source)
        fine, _ = debug_script(script, MAIN, Options(**options), {}, Clock(), write=lines.append)
        return fine, "\n".join(lines)

    return debug_source


def test_requests_and_checks_are_shown(debug):
    """Every request and response is written out with headers, bodies and phases, checks in between."""
    with EchoServer() as server:
        fine, text = debug(
            f'''
            from swell import Counter, check, http
            orders = Counter("orders")
            def setup(): return {{"token": "t"}}
            def default(data):
                response = http.post("{server.url}/post", json=data)
                check(response, {{"is 200": lambda r: r.ok, "is empty": lambda r: not r.content}})
                http.get("{server.url}/redirect/1")
                orders.add(2)
            def teardown(): pass
            '''
        )
    assert fine
    assert '-- setup() returned {"token":"t"}' in text
    assert f"> POST {server.url}/post\n" in text
    assert '>   "token": "t"' in text
    assert "< 200 OK   " in text
    assert "(blocked " in text
    assert '<   "method": "POST",' in text
    assert "< 302 Found" in text
    between = text[text.index('"method": "POST"') : text.index("> GET ")]
    assert between.endswith("}\ncheck passed: is 200\ncheck FAILED: is empty\n")
    assert text.endswith("orders 2\n-- teardown()")


@pytest.mark.parametrize("mode", ["", "headers", "full"])
def test_secrets_are_not_shown(debug, mode: str):
    """Credentials are masked; with http_debug=headers bodies stay away, and nothing comes twice."""
    with EchoServer() as server:
        _, text = debug(
            f'''
            from swell import http
            def default():
                http.get("{server.url}/bearer", auth=http.bearer("s3cret"), discard_body=True)
                http.get("{server.url}/html")
            ''',
            http_debug=mode,
        )
    assert "> Authorization: Bearer ****" in text
    assert "s3cret" not in text
    assert text.count("> GET ") == 2
    assert ("<h1>Echo</h1>" in text) is (mode != "headers")


def test_same_greenlet_and_process(debug):
    """The script runs where debug is called: a breakpoint stops in the caller's thread and greenlet."""
    fine, _ = debug("import sys\nframes = []\ndef default(): frames.append(sys._getframe().f_back)\n")
    assert fine
    frame = vars(sys.modules["swell_script.script"])["frames"][0]
    names = set()
    while frame is not None:
        names.add(frame.f_code.co_name)
        frame = frame.f_back
    assert "test_same_greenlet_and_process" in names


def test_exceptions(debug):
    """An exception is shown with the script's stack, teardown still runs, and the result is False."""
    fine, text = debug("def default(): return {}['x']\ndef teardown(): pass\n")
    assert not fine
    assert "KeyError: 'x'" in text
    assert "foreground.py" not in text
    assert "-- teardown()" in text


@pytest.mark.parametrize(("call", "fine"), [("abort('enough')", False), ("feeder_.next()", True)])
def test_ends_by_request(debug, call: str, fine: bool):
    """An aborted run is no success, an exhausted feeder no failure."""
    got, text = debug(
        f"""
        from swell import abort, feeder
        feeder_ = feeder.of([1], order="unique")
        def setup(): feeder_.next()
        def default(): {call}
        """
    )
    assert got is fine
    assert "-- the iteration ended early: " in text


def test_setup_that_raises(debug):
    """What setup raises ends the debugging with the script's stack."""
    with pytest.raises(ScriptError, match="ValueError: no server"):
        debug("def setup(): raise ValueError('no server')\ndef default(): pass\n")
    with pytest.raises(ConfigError):
        debug("def default(a, b): pass\n")


def test_no_setup_and_no_teardown(debug):
    """The options no_setup and no_teardown hold here, too."""
    fine, text = debug(
        "def setup(): 1/0\ndef default(): pass\ndef teardown(): 1/0\n", no_setup=True, no_teardown=True
    )
    assert fine
    assert "setup" not in text


def _response(content: bytes = b"", sent: bytes = b"", content_type: str = "") -> Response:
    headers = {"content-type": content_type} if content_type else {}
    request = Request("PUT", "http://a/b", headers, sent)
    return Response(200, request, None, content, PHASES, None)


def test_bodies():
    """Text is shown, long text cut, binary data counted, and JSON laid out; wrong JSON stays as it came."""
    assert "< hello" in describe_exchange(_response(b"hello"))
    assert "(1000 more characters)" in describe_exchange(_response(b"x" * 5_000))
    assert "(2 bytes of binary data)" in describe_exchange(_response(b"\xff\xfe"))
    shown = describe_exchange(_response(sent=b'{"a":1}', content_type="application/json"))
    assert '>   "a": 1' in shown
    assert "> {" in describe_exchange(_response(sent=b"{", content_type="application/json"))
    assert "2.50 ms (blocked 1.00, connecting 0.50, tls 0.00" in shown


def test_failed_request():
    """A request without a response shows its error and code."""
    response = _response()
    response.error, response.error_code = "dial: connection refused", 1212
    assert describe_exchange(response) == ("> PUT http://a/b\n< error 1212: dial: connection refused")
