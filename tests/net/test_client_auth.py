"""Authentication over real connections: a server that checks digests by its own arithmetic."""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from swell.metrics.samples import FAILED
from swell.net.auth import BasicAuth, BearerAuth, DigestAuth
from swell.testing.raw import RawServer, request, response, send
from swell.testing.server import EchoServer

USER, PASSWORD, REALM = "Mufasa", "Circle of Life", "pride"


class DigestHandler(BaseHTTPRequestHandler):
    """Wants a digest with the server's current nonce, each counter once; answers with the body's length."""

    protocol_version = "HTTP/1.1"

    def _answer(self) -> None:
        size = int(self.headers.get("content-length", 0))
        body = self.rfile.read(size)
        server = self.server
        if self.path == "/elsewhere":
            self._reply(302, "", [("Location", "/protected")])
        elif self.path == "/basic-only":
            self._reply(401, "", [("WWW-Authenticate", 'Basic realm="x"')])
        elif self._is_authorized(server):
            self._reply(200, str(len(body)), [])
        else:
            value = (
                f'Digest realm="{REALM}", nonce="{server.nonce}", qop="auth",'
                f" algorithm={server.algorithm}, opaque=xyz"
            )
            self._reply(401, "", [("WWW-Authenticate", value)])

    do_GET = do_POST = _answer  # noqa: N815

    def _is_authorized(self, server: "DigestServer") -> bool:
        given = dict(re.findall(r'(\w+)="?([^",]*)"?', self.headers.get("authorization", "")))
        if given.get("nonce") != server.nonce or (given["nc"], given["cnonce"]) in server.counts:
            return False
        server.counts.add((given["nc"], given["cnonce"]))
        name = "sha256" if server.algorithm.startswith("SHA-256") else "md5"

        def digest(*parts: str) -> str:
            return hashlib.new(name, ":".join(parts).encode()).hexdigest()

        first = digest(USER, REALM, PASSWORD)
        if server.algorithm.endswith("-sess"):
            first = digest(first, given["nonce"], given["cnonce"])
        second = digest(self.command, self.path)
        wanted = digest(first, given["nonce"], given["nc"], given["cnonce"], "auth", second)
        return given["response"] == wanted and given["opaque"] == "xyz" and given["uri"] == self.path

    def _reply(self, status: int, text: str, headers: list[tuple[str, str]]) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("content-length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args: object) -> None:
        """Say nothing."""


class DigestServer(ThreadingHTTPServer):
    """With a nonce that a test may change."""

    daemon_threads = True
    nonce = "first"
    algorithm = "MD5"

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), DigestHandler)
        self.counts: set[tuple[str, str]] = set()
        self.url = f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def server() -> Iterator[DigestServer]:
    """A digest server for one test."""
    made = DigestServer()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


def rows(made: object) -> list[tuple[str, bool]]:
    """Status and failed of each record."""
    return [(row["tags"]["status"], bool(row["flags"] & FAILED)) for row in made.records()]


@pytest.mark.parametrize("algorithm", ["MD5", "MD5-sess", "SHA-256", "SHA-256-sess"])
def test_a_digest_takes_two_rounds_each_with_a_sample(
    bench: Callable, server: DigestServer, algorithm: str
) -> None:
    """k6's rule: the 401 of the first round is expected; the challenge is then answered at once."""
    server.algorithm = algorithm
    made = bench()
    auth = DigestAuth(USER, PASSWORD)
    answer = made.client.request("GET", f"{server.url}/protected", auth=auth)
    assert (answer.status_code, [each.status_code for each in answer.history]) == (200, [401])
    assert rows(made) == [("401", False), ("200", False)]
    assert made.client.request("GET", f"{server.url}/protected", auth=auth).ok
    assert rows(made) == [("200", False)]


def test_a_wrong_password_is_a_failure(bench: Callable, server: DigestServer) -> None:
    """The second 401 is the answer, and failed; nothing is tried a third time."""
    made = bench()
    answer = made.client.request("GET", f"{server.url}/protected", auth=DigestAuth(USER, "wrong"))
    assert answer.status_code == 401
    assert rows(made) == [("401", False), ("401", True)]
    assert "wrong" not in repr(made.logged)


def test_a_stale_nonce_is_replaced(bench: Callable, server: DigestServer) -> None:
    """A challenge that the server no longer knows costs one more round, which is no failure."""
    made = bench()
    auth = DigestAuth(USER, PASSWORD)
    made.client.request("GET", f"{server.url}/protected", auth=auth)
    server.nonce, server.counts = "second", set()
    made.records()
    assert made.client.request("GET", f"{server.url}/protected", auth=auth).ok
    assert rows(made) == [("401", False), ("200", False)]


def test_the_next_iteration_asks_first(bench: Callable, server: DigestServer) -> None:
    """Challenges are forgotten with the cookies: the next iteration is another user's."""
    made = bench()
    for _ in range(2):
        made.client.request("GET", f"{server.url}/protected", auth=DigestAuth(USER, PASSWORD))
        made.client.end_iteration()
    assert [status for status, _ in rows(made)] == ["401", "200"] * 2


def test_a_body_is_sent_in_both_rounds(bench: Callable, server: DigestServer) -> None:
    """Bytes and lists can be sent twice; an iterator cannot, which is said before anything is sent."""
    made = bench()
    auth = DigestAuth(USER, PASSWORD)
    url = f"{server.url}/protected"
    assert made.client.request("POST", url, content=b"x" * 100_000, auth=auth).text == "100000"
    with pytest.raises(ValueError, match="may send the body more than once"):
        made.client.request("POST", url, content=iter([b"x"]), auth=auth)


def test_digests_survive_redirects(bench: Callable, server: DigestServer) -> None:
    """A redirect on the same host is answered with a digest for its own path."""
    made = bench()
    answer = made.client.request("GET", f"{server.url}/elsewhere", auth=DigestAuth(USER, PASSWORD))
    assert answer.ok
    assert rows(made) == [("302", False), ("401", False), ("200", False)]


def test_a_server_without_digests_is_named_once(bench: Callable, server: DigestServer) -> None:
    """The 401 is the answer, and the log says why there was no second round."""
    made = bench()
    for _ in range(2):
        answer = made.client.request("GET", f"{server.url}/basic-only", auth=DigestAuth(USER, PASSWORD))
        assert answer.status_code == 401
    assert [text for _, text in made.logged if "digest" in text] == [
        f"GET {server.url}/basic-only: the server offers no digest authentication"
    ]


def test_streams_are_authorised_too(bench: Callable, server: DigestServer) -> None:
    """The rounds of a streamed request are the same."""
    made = bench()
    with made.client.stream("GET", f"{server.url}/protected", auth=DigestAuth(USER, PASSWORD)) as answer:
        assert answer.read() == b"0"
    assert rows(made) == [("401", False), ("200", False)]


def test_basic_and_bearer(bench: Callable) -> None:
    """Both are sent at once; the pair is basic."""
    made = bench()
    with EchoServer() as echo:
        for auth in (("u", "p"), BasicAuth("u", "p")):
            assert made.client.request("GET", f"{echo.url}/basic-auth/u/p", auth=auth).ok
        answer = made.client.request("GET", f"{echo.url}/bearer", auth=BearerAuth("abc"))
        assert answer.json()["token"] == "abc"


def test_credentials_do_not_follow_to_another_host(bench: Callable) -> None:
    """A redirect to another host gets no Authorization, and no digest."""
    with RawServer([[request(), send(response(b"ok"))]]) as other:
        moved = response(status="302 Found", headers=[f"Location: http://localhost:{other.port}/"])
        with RawServer([[request(), send(moved)]]) as first:
            made = bench()
            made.client.request("GET", first.url, auth=BearerAuth("abc"))
            assert b"Bearer abc" in first.connections[0].received
            assert b"abc" not in other.connections[0].received


@pytest.mark.parametrize("auth", ["user:secret", ("user", "secret", "x"), 7])
def test_what_is_no_credential_is_refused_without_showing_it(bench: Callable, auth: object) -> None:
    """A TypeError that says what to give."""
    with pytest.raises(TypeError, match="auth is of type") as error:
        bench().client.request("GET", "http://127.0.0.1:1/", auth=auth)
    assert "secret" not in str(error.value)
