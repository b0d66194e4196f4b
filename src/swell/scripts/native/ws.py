"""``ws``: WebSockets of the running virtual user.

::

    with ws.connect("wss://chat.example/room") as socket:
        socket.send("hello")
        reply = socket.recv(timeout=5)

A connection that could not be made is a socket that is closed from the start: ``error`` and ``error_code``
say why, ``response`` is the server's answer where there was one. Nothing the server does raises an exception.
"""

from typing import TYPE_CHECKING, Unpack

from swell.engine.vu import current_vu
from swell.scripts.native.latency import Latency
from swell.scripts.native.room import Room
from swell.scripts.native.state import VUState, running_vu

if TYPE_CHECKING:
    from swell.net.websocket_client import WebSocketOptions
    from swell.scripts.native.socket import Socket

__all__ = ["Latency", "Room", "connect"]


def connect(url: str, **options: "Unpack[WebSocketOptions]") -> "Socket":
    """Open a WebSocket; it lives as long as the iteration at most.

    - ``subprotocols``: names, the best first; ``socket.subprotocol`` is the server's choice;
    - ``headers``, ``cookies``, ``params``, ``auth``, ``jar``, ``name``, ``tags``: as for ``http``;
    - ``timeout``: for the whole opening, 60 s by default; ``send_timeout``: how long a peer may not read what
      is sent to it, 60 s by default; seconds, or text such as ``"500ms"``;
    - ``compression="deflate"``: offer permessage-deflate, which costs about 90 KB a connection;
    - ``max_size``: of one message in bytes, decompressed; by default ``max_response_body_bytes``;
    - ``keepalive``: ping so often, and end the connection when a ping has no answer by the next one.

    Raises ``TypeError`` or ``ValueError`` for options that make no sense, and ``RequestError`` for a failed
    connection where the option ``throw`` is on.
    """
    from swell.net.websocket_client import connect as open_socket  # noqa: PLC0415  # gevent and more
    from swell.scripts.native.socket import Socket  # noqa: PLC0415

    vu = current_vu.get(None) or running_vu("ws.connect()")
    socket = open_socket(vu.client, url, Socket, **options)
    if socket.is_open:
        state: VUState = vu.language
        socket.registered = state.sockets
        state.sockets.add(socket)
    return socket
