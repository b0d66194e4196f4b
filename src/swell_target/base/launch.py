"""What the supervisor hands to a worker process, and where the services listen."""

import contextlib
import socket
import sys

import msgspec

from swell_target.base.errors import OperatorError
from swell_target.base.settings import Settings

BACKLOG = 4_096


class Launch(msgspec.Struct, kw_only=True):
    """A worker's orders, as JSON on its standard input.

    ``sockets`` and ``control`` are numbers of inherited file descriptors; ``shared`` is a directory that all
    workers of this platform have together; the ``first`` worker makes the
    tables and seeds an empty database with ``seed_size`` ("": not at all).
    """

    settings: Settings
    services: list[str]
    sockets: dict[str, list[int]]
    control: int
    shared: str
    first: bool = True
    seed_size: str = "small"
    faults: str = '{"faults": []}'
    restarted: bool = False


def listen(host: str, port: int, count: int) -> list[socket.socket]:
    """``count`` listening sockets at one address, one for each process; ``port`` 0 takes a free one.

    The kernel spreads connections over them evenly (SO_REUSEPORT, Linux); elsewhere the processes share one.

    Raises:
        OperatorError: the port is in use, or not allowed.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    spread = count > 1 and sys.platform == "linux"
    with contextlib.ExitStack() as stack:
        if port and spread:
            # Sockets that spread may be opened beside another platform's: look without the flag first.
            stack.enter_context(_bind(family, host, port, spread=False)).close()
        made = [stack.enter_context(_bind(family, host, port, spread=spread))]
        while spread and len(made) < count:
            made.append(stack.enter_context(_bind(family, host, made[0].getsockname()[1], spread=True)))
        for item in made:
            item.listen(BACKLOG)
            item.set_inheritable(True)
        stack.pop_all()
    return made if spread else made * count


def _bind(family: int, host: str, port: int, *, spread: bool) -> socket.socket:
    item = socket.socket(family, socket.SOCK_STREAM)
    try:
        item.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if spread:
            item.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        item.bind((host, port))
        if port and not spread:
            # Linux lets two sockets bind with SO_REUSEADDR; only listening tells that one is in use.
            item.listen(1)
    except OSError as error:
        item.close()
        raise OperatorError(_explain(host, port, error)) from None
    return item


def _explain(host: str, port: int, error: OSError) -> str:
    if isinstance(error, PermissionError):
        return f"port {port} needs rights that you lack: choose ports from 1024 with --port-base"
    if isinstance(error, socket.gaierror):
        return f"the host {host} is not known: use an address of this machine, such as 127.0.0.1"
    if error.errno is not None and "in use" in str(error):
        hint = "stop what listens there, or choose others with --port-base (0: free ones)"
        return f"port {port} on {host} is in use: {hint}"
    return f"cannot listen on {host} port {port}: {error.strerror}"
