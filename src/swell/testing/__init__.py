"""Public test doubles: real servers, byte-level servers, certificates, clocks, whole commands."""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from swell.testing.certificates import Authority as Authority
    from swell.testing.cli import run_cli as run_cli
    from swell.testing.clock import VirtualClock as VirtualClock
    from swell.testing.hostile import HostileServer as HostileServer
    from swell.testing.raw import RawServer as RawServer
    from swell.testing.server import EchoServer as EchoServer
    from swell.testing.transport import ScriptedTransport as ScriptedTransport
    from swell.testing.websocket import WebSocketServer as WebSocketServer

# Public name -> its module, imported on first use: a test of a parser needs no gevent, one of a clock no TLS.
_HOMES = {
    "Authority": "swell.testing.certificates",
    "EchoServer": "swell.testing.server",
    "HostileServer": "swell.testing.hostile",
    "RawServer": "swell.testing.raw",
    "ScriptedTransport": "swell.testing.transport",
    "VirtualClock": "swell.testing.clock",
    "WebSocketServer": "swell.testing.websocket",
    "run_cli": "swell.testing.cli",
}

__all__ = [
    "Authority",
    "EchoServer",
    "HostileServer",
    "RawServer",
    "ScriptedTransport",
    "VirtualClock",
    "WebSocketServer",
    "run_cli",
]


def __getattr__(name: str) -> object:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
