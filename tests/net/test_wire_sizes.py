"""Sizes on the wire: what is recorded is what a relay between client and server has counted."""

from collections.abc import Callable, Iterator

import pytest
from wire_relay import CountingRelay, HTTPProxy

from swell.testing.server import EchoServer


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    """A real server on both schemes."""
    with EchoServer(tls=True) as server:
        yield server


def port_of(url: str) -> int:
    """The port of a URL."""
    return int(url.rpartition(":")[2])


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("how", ["small", "large", "upload", "streamed", "several"])
def test_all_bytes_are_counted_and_no_more(bench: Callable, echo: EchoServer, scheme: str, how: str) -> None:
    """Heads, bodies, chunk sizes, TLS records and the handshake: to the byte, both ways."""
    made = bench(tls_ca=echo.ca_pem)
    with CountingRelay(port_of(echo.url if scheme == "http" else echo.https_url)) as relay:
        url = f"{scheme}://127.0.0.1:{relay.port}"
        client = made.client
        if how == "small":
            client.request("GET", f"{url}/get")
        elif how == "large":
            client.request("GET", f"{url}/bytes/2000000", discard_body=True)
        elif how == "upload":
            client.request("POST", f"{url}/upload", content=iter([b"x" * 300_000, b"y"]))
        elif how == "streamed":
            with client.stream("GET", f"{url}/stream/100") as answer:
                answer.read()
        else:
            for path in ("get", "gzip", "redirect/3", "status/404", "chunked"):
                client.request("GET", f"{url}/{path}")
        client.close()
        assert relay.ended.wait(60)
        rows = made.records()
        assert sum(row["sent_bytes"] for row in rows) == relay.sent
        assert sum(row["received_bytes"] for row in rows) == relay.received


def test_a_failed_handshake_has_moved_bytes_too(bench: Callable, echo: EchoServer) -> None:
    """A certificate that is not trusted: the record of the failure holds what was sent and received."""
    made = bench()
    with CountingRelay(port_of(echo.https_url)) as relay:
        answer = made.client.request("GET", f"https://127.0.0.1:{relay.port}/get")
        assert answer.error_code == 1310
        assert relay.ended.wait(60)
        (row,) = made.records()
        assert 0 < row["sent_bytes"] <= relay.sent
        assert 0 < row["received_bytes"] <= relay.received


def test_the_tunnel_counts(bench: Callable, echo: EchoServer) -> None:
    """CONNECT and its answer are bytes on the wire as well."""
    made = bench(tls_ca=echo.ca_pem)
    with HTTPProxy() as proxy, CountingRelay(proxy.port) as relay:
        made.client.request("GET", f"{echo.https_url}/get", proxy=f"http://127.0.0.1:{relay.port}")
        made.client.close()
        assert relay.ended.wait(60)
        (row,) = made.records()
        assert (row["sent_bytes"], row["received_bytes"]) == (relay.sent, relay.received)
