"""The kernel's TCP counters: what is read of them, and what is not there."""

import socket
import sys
import time
from pathlib import Path

import pytest

from swell.engine.network import NetworkCounters, read_network_counters

SNMP = """Ip: Forwarding DefaultTTL
Ip: 1 64
Tcp: ActiveOpens InSegs OutSegs RetransSegs InErrs
Tcp: 5 100 2000 30 0
Udp: InDatagrams
Udp: 4
"""
NETSTAT = """TcpExt: SyncookiesSent ListenOverflows ListenDrops
TcpExt: 0 11 12
IpExt: InNoRoutes
IpExt: 0
"""


def test_the_counters_are_found_by_name(tmp_path: Path) -> None:
    """Kernels add columns: each value is looked up in the line of names above it."""
    (tmp_path / "snmp").write_text(SNMP)
    (tmp_path / "netstat").write_text(NETSTAT)
    assert read_network_counters(tmp_path) == NetworkCounters(2030, 30, 12)


def test_a_system_without_them_counts_nothing(tmp_path: Path) -> None:
    """Neither a missing nor a broken file is an error."""
    assert read_network_counters(tmp_path) == NetworkCounters(0, 0, 0)
    (tmp_path / "snmp").write_text("Tcp: OutSegs RetransSegs\nTcp: many\n")
    assert read_network_counters(tmp_path) == NetworkCounters(0, 0, 0)


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's counters are Linux's")
def test_a_full_accept_queue_is_seen() -> None:
    """Connections that the kernel drops on this side raise the count of drops."""
    before = read_network_counters()
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        clients = []
        for _ in range(8):
            client = socket.socket()
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
            clients.append(client)
        counted = read_network_counters().since(before)
        # On a busy machine the kernel itself may get to them later.
        while not counted.listen_drops:
            time.sleep(0.01)
            counted = read_network_counters().since(before)
        for client in clients:
            client.close()
    assert counted.segments_sent > 0
