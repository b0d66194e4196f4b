"""The option ``local_ips``: addresses, CIDR ranges and ranges a-b to connect from, spread over the VUs."""

import errno
from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from swell.net.failure import DIAL, Failure, FailureError


class LocalIPs:
    """The addresses of the option in order; never listed, as a range may be large."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._ranges = [_bounds(text) for text in texts]
        self._count = sum(last - first + 1 for first, last, _ in self._ranges)

    def __len__(self) -> int:
        return self._count

    def of(self, vu_id: int) -> str | None:
        """The address that VU number ``vu_id`` connects from (k6: round robin by VU); None for any."""
        if self._count == 0:
            return None
        index = vu_id % self._count
        for first, last, version in self._ranges:
            size = last - first + 1
            if index < size:
                return _text(first + index, version)
            index -= size
        raise AssertionError("unreachable: index is smaller than the sum of the sizes")


def _bounds(text: str) -> tuple[int, int, int]:
    """First and last address as integers, and the IP version."""
    first, dash, last = text.partition("-")
    if dash:
        low = ip_address(first.strip())
        return int(low), int(ip_address(last.strip())), low.version
    network = ip_network(text.strip(), strict=False)
    return int(network.network_address), int(network.broadcast_address), network.version


def _text(number: int, version: int) -> str:
    # IPv4 addresses below 2**32 would be read as IPv4 by ip_address(int) in either case.
    size = 4 if version == 4 else 16  # noqa: PLR2004
    return str(ip_address(number.to_bytes(size, "big")))


def bind(sock: Any, source_ip: str) -> None:
    """Let ``sock`` connect from ``source_ip``; ``FailureError`` where this machine has no such address."""
    try:
        sock.bind((source_ip, 0))
    except OSError as error:
        if error.errno != errno.EADDRNOTAVAIL:
            raise
        # The same number as for exhausted ports, but another cause.
        text = f"dial: {source_ip} (local_ips) is no address of this machine"
        raise FailureError(Failure(DIAL, text)) from error
