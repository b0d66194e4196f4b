"""Proxies: Go's rules for the environment, plain requests, tunnels, refusals."""

from collections.abc import Callable, Iterator

import pytest
from wire_relay import HTTPProxy

from swell.net import failure
from swell.net.failure import FailureError
from swell.net.proxy import ProxyRules, parse_proxy
from swell.net.url import parse
from swell.testing.raw import RawServer, request, response, send
from swell.testing.server import EchoServer


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server on both schemes."""
    with EchoServer(tls=True) as server:
        yield server


def proxied(environ: dict[str, str], url: str) -> bool:
    """Whether the rules send ``url`` through a proxy."""
    return ProxyRules(environ).for_url(parse(url)) is not None


@pytest.mark.parametrize(
    ("environ", "url", "expected"),
    [
        ({"HTTP_PROXY": "http://p:3128"}, "http://example.com/", True),
        ({"http_proxy": "p:3128"}, "http://example.com/", True),
        ({"HTTP_PROXY": "http://p:3128"}, "https://example.com/", False),
        ({"https_proxy": "http://p:3128"}, "https://example.com/", True),
        ({"HTTP_PROXY": ""}, "http://example.com/", False),
        ({}, "http://example.com/", False),
    ],
)
def test_schemes_have_their_own_variable_in_either_case(
    environ: dict[str, str], url: str, expected: bool
) -> None:
    """HTTP_PROXY is for http, HTTPS_PROXY for https; empty is unset."""
    assert proxied(environ, url) is expected


def test_upper_case_wins() -> None:
    """As in Go: the upper-case name is looked at first."""
    rules = ProxyRules({"HTTP_PROXY": "http://upper:1", "http_proxy": "http://lower:2"})
    proxy = rules.for_url(parse("http://example.com/"))
    assert proxy is not None
    assert proxy.host == "upper"


@pytest.mark.parametrize(
    ("no_proxy", "url", "direct"),
    [
        ("", "http://localhost/", True),
        ("", "http://127.0.0.1/", True),
        ("", "http://127.9.9.9:80/", True),
        ("", "http://[::1]/", True),
        ("", "http://localhost.example/", False),
        ("", "http://10.0.0.1/", False),
        ("*", "http://example.com/", True),
        ("example.com", "http://example.com/", True),
        ("example.com", "http://a.example.com/", True),
        ("example.com", "http://notexample.com/", False),
        (".example.com", "http://example.com/", False),
        (".example.com", "http://a.example.com/", True),
        ("*.example.com", "http://a.b.example.com/", True),
        ("*.example.com", "http://example.com/", False),
        (" Example.COM , other ", "http://EXAMPLE.com/", True),
        ("example.com:8080", "http://example.com:8080/", True),
        ("example.com:8080", "http://example.com/", False),
        ("example.com:80", "http://example.com/", True),
        ("10.0.0.0/8", "http://10.1.2.3/", True),
        ("10.0.0.0/8", "http://11.1.2.3/", False),
        ("10.1.2.3", "http://10.1.2.3/", True),
        ("10.1.2.3:81", "http://10.1.2.3/", False),
        ("[fd00::1]:80,fd00::2", "http://[fd00::1]/", True),
        ("[fd00::1]:80,fd00::2", "http://[fd00::2]/", True),
        ("fd00::/16", "http://[fd00::3]/", True),
        ("10.0.0.0/99,/,:,", "http://10.0.0.1/", False),
    ],
)
def test_exceptions_are_gos(no_proxy: str, url: str, direct: bool) -> None:
    """Names with what is below them, ranges, ports; loopback always."""
    assert proxied({"HTTP_PROXY": "http://p:1", "NO_PROXY": no_proxy}, url) is not direct


def test_an_unusable_proxy_is_a_coded_failure_with_its_variable() -> None:
    """Only when a request would have to go through it; without its password."""
    rules = ProxyRules({"HTTPS_PROXY": "socks5://u:secret@p:1080"})
    assert rules.for_url(parse("https://localhost/")) is None
    with pytest.raises(FailureError, match=r"HTTPS_PROXY: .*only http:// proxies") as error:
        rules.for_url(parse("https://example.com/"))
    assert error.value.failure.code == failure.PROXY
    assert "secret" not in str(error.value)


def test_a_proxys_repr_has_no_secret() -> None:
    """Host and port, and whether there are credentials."""
    assert repr(parse_proxy("http://u:secret@p:3128")) == "<Proxy p:3128 with credentials>"


def test_plain_requests_name_the_whole_url(bench: Callable, echo: EchoServer) -> None:
    """RFC 9112, 3.2.2: absolute form and Proxy-Authorization; the tags are the target's."""
    made = bench()
    with HTTPProxy() as proxy:
        url = f"{echo.url}/get?a=1"
        answer = made.client.request("GET", url, proxy=f"http://me:pw@127.0.0.1:{proxy.port}")
    assert answer.json()["args"] == {"a": "1"}
    (head,) = proxy.heads
    assert head.startswith(f"GET {url} HTTP/1.1\r\nHost: ".encode())
    assert b"Proxy-Authorization: Basic bWU6cHc=" in head
    assert [row["tags"]["url"] for row in made.records()] == [url]


def test_https_goes_through_a_tunnel(bench: Callable, echo: EchoServer) -> None:
    """CONNECT with the proxy's credentials; inside it TLS with the target, whose requests know no proxy."""
    made = bench(tls_ca=echo.ca_pem)
    with HTTPProxy() as proxy:
        option = f"http://me:pw@127.0.0.1:{proxy.port}"
        answers = [made.client.request("GET", f"{echo.https_url}/get", proxy=option) for _ in range(2)]
        made.client.close()
    target = echo.https_url.removeprefix("https://")
    assert proxy.heads == [
        f"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nProxy-Authorization: Basic bWU6cHc=".encode()
    ]
    assert [answer.tls_version for answer in answers] == ["tls1.3"] * 2
    assert "Proxy-Authorization" not in answers[0].json()["headers"]
    first, second = made.records()
    assert first["tls_ns"] > 0
    assert first["blocked_ns"] >= first["connecting_ns"] + first["tls_ns"]
    assert second["tls_ns"] == 0


def test_connections_of_different_ways_are_kept_apart(bench: Callable, echo: EchoServer) -> None:
    """A request without a proxy does not use the proxy's connection, nor one user another's."""
    made = bench()
    with HTTPProxy() as proxy:
        for option in (proxy.url, "", f"http://me:pw@127.0.0.1:{proxy.port}", proxy.url):
            assert made.client.request("GET", f"{echo.url}/get", proxy=option).ok
    assert len(proxy.heads) == 2


@pytest.mark.parametrize(
    ("answer", "text"),
    [
        (b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "proxy: CONNECT refused with status 407"),
        (
            b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 3\r\n\r\nno!",
            "proxy: CONNECT refused with status 502",
        ),
        (b"SSH-2.0-OpenSSH\r\n", "proxy: the response to CONNECT is no HTTP"),
        (b"HTTP/1.1 2", "proxy: connection closed before a response to CONNECT"),
    ],
)
def test_a_refused_tunnel_has_a_code_of_its_own(bench: Callable, answer: bytes, text: str) -> None:
    """1240, not one of the target's."""
    made = bench()
    with HTTPProxy(refuse=answer) as proxy:
        got = made.client.request("GET", "https://example.invalid/", proxy=proxy.url)
    assert (got.status_code, got.error_code, got.error) == (0, failure.PROXY, text)
    (row,) = made.records()
    assert row["tags"]["error_code"] == "1240"
    assert row["received_bytes"] == len(answer)


def test_a_proxy_that_is_not_there_is_named(bench: Callable) -> None:
    """The dialling codes stay, the text says whom."""
    got = bench().client.request("GET", "http://example.invalid/", proxy="http://127.0.0.1:1")
    assert (got.error_code, got.error) == (failure.REFUSED, "proxy: dial: connection refused")


def test_a_proxy_that_does_not_answer_times_out(bench: Callable) -> None:
    """The request's timeout holds for the tunnel, too."""
    with RawServer([[request(), request()]]) as proxy:
        got = bench().client.request("GET", "https://example.invalid/", proxy=proxy.url, timeout="500ms")
    assert got.error_code == failure.TIMEOUT


def test_redirects_choose_their_proxy_anew(bench: Callable) -> None:
    """The option holds for the whole chain; credentials of the proxy are added once."""
    moved = response(status="302 Found", headers=["Location: http://b.invalid/x"])
    with RawServer([[request(), send(moved), request(), send(response(b"ok"))]]) as proxy:
        got = bench().client.request(
            "GET", "http://a.invalid/", proxy=proxy.url.replace("//", "//u:p@"), auth=("me", "pw")
        )
    assert got.text == "ok"
    second = proxy.connections[0].received.partition(b"\r\n\r\n")[2]
    assert second.startswith(b"GET http://b.invalid/x HTTP/1.1\r\n")
    assert second.count(b"Proxy-Authorization: ") == 1
    assert second.lower().count(b"\r\nauthorization: ") == 0


@pytest.mark.parametrize("option", ["socks5://p:1", "https://p:1", "http://", "http://u:secret@:x"])
def test_a_bad_option_is_the_scripts_fault(bench: Callable, option: str) -> None:
    """ValueError with the reason and no secret."""
    with pytest.raises(ValueError, match="proxy") as error:
        bench().client.request("GET", "http://127.0.0.1:1/", proxy=option)
    assert "secret" not in str(error.value)
