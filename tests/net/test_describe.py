"""What people see who look on: the option http_debug, with every secret masked."""

import base64
from collections.abc import Callable, Iterator

import pytest

from swell.net.describe import masked
from swell.testing.raw import RawServer, request, response, send
from swell.testing.server import EchoServer

SECRETS = ("s3cret", base64.b64encode(b"user:s3cret").decode(), "tok3n", "cook1e")


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server."""
    with EchoServer() as server:
        yield server


@pytest.mark.parametrize(
    ("name", "value", "shown"),
    [
        ("Authorization", "Basic abc", "Basic ****"),
        ("AUTHORIZATION", 'Digest username="u", response="abc"', "Digest ****"),
        ("authorization", "abc", "****"),
        ("Proxy-Authorization", "Basic abc", "Basic ****"),
        ("Cookie", "a=1; b=x=y", "a=****; b=****"),
        ("Cookie", "abc", "****"),
        ("Set-Cookie", "sid=abc; Path=/; HttpOnly", "sid=****; Path=/; HttpOnly"),
        ("Set-Cookie", "abc", "****"),
        ("Set-Cookie", "abc; Path=/", "****; Path=/"),
        ("Accept", "text/html", "text/html"),
    ],
)
def test_values_are_masked(name: str, value: str, shown: str) -> None:
    """Credentials and cookies lose their values and keep what surrounds them."""
    assert masked(name, value) == shown


@pytest.mark.parametrize("mode", ["headers", "full"])
def test_every_exchange_is_logged_without_secrets(bench: Callable, echo: EchoServer, mode: str) -> None:
    """Heads always, bodies with full; credentials of all kinds are sent and not shown."""
    made = bench(http_debug=mode)
    client = made.client
    url = echo.url
    host = url.removeprefix("http://")
    assert client.request("GET", f"{url}/basic-auth/user/s3cret", auth=("user", "s3cret")).ok
    client.request("GET", f"http://user:s3cret@{host}/get")
    client.request("GET", f"{url}/bearer", headers={"authorization": "Bearer tok3n"}, discard_body=True)
    client.request("GET", f"{url}/cookies/set?sid=cook1e", name="set", max_redirects=0)
    client.request("GET", f"{url}/html", cookies={"other": "cook1e"})
    client.request("GET", "http://user:s3cret@127.0.0.1:1/")
    client.request("GET", "http://user:s3cret@[bad/")
    texts = [text for level, text in made.logged if level == "info"]
    assert len(texts) == 6
    heads = "\n".join(texts)
    assert "> Authorization: Basic ****" in heads
    assert "> authorization: Bearer ****" in heads
    assert "< Set-Cookie: sid=****; Path=/" in heads
    assert "> Cookie: sid=****; other=****" in heads
    assert "< error 1212: dial: connection refused" in heads
    everything = repr(made.logged) + repr(made.errors.drain())
    # The URLs of these two hold them in plain: they are the script's own.
    shown = everything.replace("/set?sid=cook1e", "").replace("/basic-auth/user/s3cret", "")
    # With full there are bodies too, and this server echoes what it was sent.
    assert mode == "full" or [secret for secret in SECRETS if secret in shown] == []
    assert ("<h1>Echo</h1>" in everything) is (mode == "full")


def test_cookies_are_shown_with_their_own_request(bench: Callable) -> None:
    """What one request over a connection was sent with does not stay for the next."""
    made = bench(http_debug="headers")
    setting = response(headers=["Set-Cookie: a=1"])
    with RawServer([[request(), send(setting), *[request(), send(response())] * 2]]) as server:
        for _ in range(2):
            made.client.request("GET", server.url)
        made.client.end_iteration()
        made.client.request("GET", server.url)
    shown = ["> Cookie: a=****" in text for _, text in made.logged]
    assert shown == [False, True, False]


def test_streams_are_shown_when_they_begin(bench: Callable) -> None:
    """Their heads, while the body is still to come."""
    made = bench(http_debug="full")
    with RawServer([[request(), send(response(b"body"))]]) as server, made.client.stream("GET", server.url):
        (shown,) = [text for _, text in made.logged]
    assert "< 200 OK" in shown
    assert "< Content-Length: 4" in shown


def test_nobody_looks_on_by_default(bench: Callable) -> None:
    """Without the option there are no observers and no lines."""
    made = bench()
    with RawServer([[request(), send(response(b"body"))]]) as server:
        made.client.request("GET", server.url)
    assert made.shared.observers == []
    assert made.logged == []
