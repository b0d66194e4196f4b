"""Tests of swell.scripts.native.http, against a server on a socket of its own."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from swell.scripts.native import http
from swell.scripts.native.state import ContextError
from swell.testing.server import EchoServer


class Echo(BaseHTTPRequestHandler):
    """Answers with what it was asked; the path /status/N with that status."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        size = int(self.headers.get("content-length", 0))
        seen = {
            "method": self.command,
            "path": self.path,
            "body": self.rfile.read(size).decode(),
            "cookie": self.headers.get("cookie", ""),
        }
        body = json.dumps(seen).encode()
        status = int(self.path.split("/")[2]) if self.path.startswith("/status/") else 200
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("set-cookie", "seen=yes; Path=/")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = do_PURGE = _answer  # noqa: N815

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    """A server for one test."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_methods(start, url: str):
    """Each function sends its method, and the options reach the client."""
    loaded = start(
        f"""
        from swell import http
        url = {url!r}
        answers = []
        def default():
            for send in (http.get, http.post, http.put, http.patch, http.delete, http.options):
                answers.append(send(url + "/a", params={{"q": 1}}).json())
            assert http.head(url).status_code == 200
            answers.append(http.request("PURGE", url + "/b", json={{"x": 1}}).json())
        """
    ).iterate()
    loaded.run.close()
    answers = loaded.value("answers")
    assert [answer["method"] for answer in answers] == [
        "GET",
        "POST",
        "PUT",
        "PATCH",
        "DELETE",
        "OPTIONS",
        "PURGE",
    ]
    assert {answer["path"] for answer in answers} == {"/a?q=1", "/b"}
    assert json.loads(answers[-1]["body"]) == {"x": 1}


def test_batch_and_expected(start, url: str):
    """Batch keeps the order; expected_statuses decides what is a failure."""
    loaded = start(
        f"""
        from swell import http
        url = {url!r}
        statuses = []
        allowed = http.expected_statuses(404, (500, 599))
        def default():
            third = ("GET", url + "/status/503", {{"expected": allowed}})
            many = http.batch([url, ("POST", url + "/status/404"), third])
            statuses.extend(response.status_code for response in many)
        """
    ).iterate()
    loaded.run.close()
    assert loaded.value("statuses") == [200, 404, 503]


def test_cookies_live_for_an_iteration(start, url: str):
    """The VU's jar is filled by responses, sent back, and empty in the next iteration."""
    loaded = start(
        f"""
        from swell import http
        url = {url!r}
        seen = []
        def default():
            seen.append(http.get(url).json()["cookie"])
            seen.append(http.get(url).json()["cookie"])
            assert http.cookies() is http.cookies()
        """
    )
    loaded.iterate().iterate()
    loaded.run.close()
    assert loaded.value("seen") == ["", "seen=yes", "", "seen=yes"]


def test_failure_is_a_value(start):
    """A request that fails gives a response with an error; the iteration goes on."""
    loaded = start(
        """
        from swell import http
        seen = []
        def default():
            response = http.get("http://127.0.0.1:1/")
            seen.append((response.status_code, response.ok, response.error_code))
        """
    ).iterate()
    assert loaded.value("seen") == [(0, False, 1212)]


def test_unknown_option(start):
    """A misspelt option is an error of the script."""
    loaded = start("from swell import http\ndef default(): http.get('http://127.0.0.1:1/', heders={})\n")
    with pytest.raises(TypeError, match="no option 'heders'; did you mean 'headers'"):
        loaded.iterate()


def test_methods_go_out_in_upper_case(start):
    """As with httpx and requests, in batches and streams too."""
    with EchoServer() as server:
        loaded = start(
            f"""
            from swell import http
            url = {server.url!r} + "/anything"
            seen = []
            def default():
                seen.append(http.request("delete", url).json()["method"])
                for response in http.batch([("put", url), ("post", url, {{"json": 1}}), url]):
                    seen.append(response.json()["method"])
                with http.stream("patch", url) as response:
                    response.read()
                    seen.append(response.json()["method"])
                seen.append(http.events(url, method="head").response.request.method)
            """
        ).iterate()
        loaded.run.close()
    assert loaded.value("seen") == ["DELETE", "PUT", "POST", "GET", "PATCH", "HEAD"]


@pytest.mark.parametrize("method", ["", "GE T", "GET / HTTP/1.1\r\nX-Injected: y\r\n\r\nGET", None])
@pytest.mark.parametrize("call", ["request(method, url)", "stream(method, url)", "batch([(method, url)])"])
def test_methods_are_tokens(start, method: str | None, call: str):
    """No data of a script can break out of the request line."""
    loaded = start(
        f"from swell import http\nmethod, url = {method!r}, 'http://a/'\ndef default(): http.{call}\n"
    )
    with pytest.raises(ValueError, match="is no valid method"):
        loaded.iterate()


@pytest.mark.parametrize("function", ["get", "head", "post", "put", "patch", "delete", "options"])
def test_without_a_vu(function: str):
    """Without a VU each function says so by its name."""
    with pytest.raises(ContextError, match=rf"http\.{function}\(\)"):
        getattr(http, function)("http://127.0.0.1:1/")


@pytest.mark.parametrize("statuses", [(), (99,), (600,), ((300, 200),)])
def test_bad_expected_statuses(statuses: tuple):
    """Numbers that are no statuses are refused."""
    with pytest.raises(ValueError, match="status"):
        http.expected_statuses(*statuses)


def test_expected_statuses():
    """Numbers and ranges, both ends included."""
    expected = http.expected_statuses(200, (400, 404))
    assert [status for status in range(100, 600) if expected(status)] == [200, 400, 401, 402, 403, 404]


def test_streams_events_and_credentials(start):
    """The functions beside the methods: each reaches the server as it should."""
    with EchoServer() as server:
        loaded = start(
            f"""
            from swell import http
            url = {server.url!r}
            seen = {{}}
            def default():
                with http.stream("GET", url + "/stream/3", chunk_timeout="5s") as response:
                    seen["lines"] = len(list(response.iter_lines()))
                seen["events"] = [event.data for event in http.events(url + "/events/2")]
                seen["statuses"] = [
                    http.get(url + "/basic-auth/u/p", auth=http.basic("u", "p")).status_code,
                    http.get(url + "/bearer", auth=http.bearer("t")).status_code,
                    http.get(url + "/digest-auth/u/p?a=b", auth=http.digest("u", "p")).status_code,
                ]
            """
        ).iterate()
        loaded.run.close()
    assert loaded.value("seen") == {
        "lines": 3,
        "events": ["event 0", "event 1"],
        "statuses": [200, 200, 200],
    }


@pytest.mark.parametrize("function", ["stream", "events"])
def test_streams_without_a_vu(function: str):
    """These say so as well."""
    arguments = ("GET", "http://127.0.0.1:1/") if function == "stream" else ("http://127.0.0.1:1/",)
    with pytest.raises(ContextError, match=rf"http\.{function}\(\)"):
        getattr(http, function)(*arguments)
