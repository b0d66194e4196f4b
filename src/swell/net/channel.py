"""What carries the bytes of an open connection: the socket, and TLS over it."""

import socket
import ssl
from typing import Any, NamedTuple


class Channel(NamedTuple):
    """The socket, and TLS with its two buffers or None."""

    socket: Any
    tls: ssl.SSLObject | None
    incoming: ssl.MemoryBIO | None
    outgoing: ssl.MemoryBIO | None

    def has_ended(self) -> bool:
        """Whether the peer has closed or reset it, or sent what nobody asked for; nothing is read."""
        try:
            self.socket.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True
