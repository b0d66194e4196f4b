"""A network namespace of one's own for a run: few local ports, a target that accepts too late, nobody else.

``python own_network.py ports|late SCRIPT`` runs the script there, with the target's URL as ``TARGET``.
"""

import contextlib
import ctypes
import fcntl
import os
import select
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from swell.testing.server import EchoServer

# The exit status where this system does not let us have a namespace.
REFUSED = 77
CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
SIOCSIFFLAGS, IFF_UP = 0x8914, 1
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
# Outside of the range.
SERVER_PORT = 9000


def answer_late(listener: socket.socket) -> None:
    """Accept nothing for a while from the first connection on, then answer whoever is there."""
    select.select([listener], [], [], 30)
    time.sleep(0.9)
    while True:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError):
            connection.recv(65536)
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@contextlib.contextmanager
def late_target() -> Iterator[str]:
    """The URL of a target whose queue for new connections is full at once."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        thread = threading.Thread(target=answer_late, args=(listener,))
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


@contextlib.contextmanager
def target_of_few_ports() -> Iterator[str]:
    """The URL of a proper target that four connections can be made to."""
    PORT_RANGE.write_text("45000 45003", encoding="ascii")
    with EchoServer(port=SERVER_PORT) as server:
        yield server.url


def enter() -> None:
    """Move this process into a namespace in which there is only the loopback device. Raises ``OSError``."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) and libc.unshare(CLONE_NEWUSER | CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "unshare")
    with socket.socket() as sock:
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


def main(kind: str, *command: str) -> int:
    """Run ``swell run`` with these arguments in a namespace of its own; its exit status, or ``REFUSED``."""
    try:
        enter()
        if not os.access(PORT_RANGE, os.W_OK):
            return REFUSED
    except OSError:
        return REFUSED
    with target_of_few_ports() if kind == "ports" else late_target() as url:
        run = [sys.executable, "-m", "swell", "run", "-q", *command, "-e", f"TARGET={url}"]
        return subprocess.run(run, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
