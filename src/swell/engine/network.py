"""The kernel's counters of TCP on the generator's side: segments sent, sent again, connections dropped.

They are those of the process's network namespace, which it may share with other programs, and they say
nothing of the target's machine. Linux only; elsewhere there are none.
"""

from pathlib import Path
from typing import Final, NamedTuple

PROC_NET: Final = Path("/proc/net")


class NetworkCounters(NamedTuple):
    """Counts since the namespace was made."""

    segments_sent: int = 0
    # Sent again, for want of an acknowledgement: SYNs of connections that nobody took too.
    segments_resent: int = 0
    # Connections to a socket that listens here and whose queue was full.
    listen_drops: int = 0

    def since(self, before: "NetworkCounters") -> "NetworkCounters":
        """What was counted after ``before``."""
        return NetworkCounters(*(max(0, now - then) for now, then in zip(self, before, strict=True)))


def read_network_counters(folder: Path = PROC_NET) -> NetworkCounters:
    """The present counts; all 0 where the system has none."""
    tcp = _table(folder / "snmp", "Tcp:")
    extended = _table(folder / "netstat", "TcpExt:")
    return NetworkCounters(
        tcp.get("OutSegs", 0) + tcp.get("RetransSegs", 0),
        tcp.get("RetransSegs", 0),
        extended.get("ListenDrops", 0),
    )


def _table(path: Path, prefix: str) -> dict[str, int]:
    """A pair of lines, names above numbers, that both begin with ``prefix``."""
    try:
        lines = [line for line in path.read_text(encoding="ascii").splitlines() if line.startswith(prefix)]
        names, values = (line.split()[1:] for line in lines)
        return dict(zip(names, map(int, values), strict=True))
    except (OSError, ValueError):
        return {}
