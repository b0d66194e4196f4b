"""Local addresses spread over VUs."""

from collections.abc import Callable

import pytest

from swell.net.local_ips import LocalIPs
from swell.testing.raw import RawServer, request, response, send


@pytest.mark.parametrize(
    ("texts", "vu", "address"),
    [
        ((), 1, None),
        (("10.0.0.1",), 7, "10.0.0.1"),
        (("10.0.0.1-10.0.0.3",), 3, "10.0.0.1"),
        (("10.0.0.1-10.0.0.3",), 2, "10.0.0.3"),
        (("10.0.0.0/30", "::1"), 4, "::1"),
        (("10.0.0.0/30", "::1"), 5, "10.0.0.0"),
        (("fd00::/64",), 2, "fd00::2"),
    ],
)
def test_addresses_go_round_the_vus(texts: tuple[str, ...], vu: int, address: str | None) -> None:
    """VU n takes address n modulo their number, in the order given."""
    assert LocalIPs(texts).of(vu) == address


def test_connections_come_from_the_vus_address(bench: Callable) -> None:
    """The server sees the source address that the option gave the VU."""
    with RawServer([[request(), send(response())]]) as server:
        made = bench(local_ips=("127.0.0.7",))
        assert made.client.request("GET", server.url).status_code == 200
        assert server.connections[0].peer[0] == "127.0.0.7"


def test_an_address_that_is_not_this_machines_is_a_failure_with_a_code(bench: Callable) -> None:
    """Binding to a foreign address fails before anything is sent; the request says so."""
    made = bench(local_ips=("192.0.2.1",))
    answer = made.client.request("GET", "http://127.0.0.1:9/")
    assert (answer.status_code, answer.error_code) == (0, 1210)
