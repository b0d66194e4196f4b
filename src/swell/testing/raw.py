"""A server that follows a script of bytes: for what no proper server sends.

Each connection plays the next list of actions (the last one again and again), in a thread of its own::

    with RawServer([[request(), send(response(b"hello")[:-2]), reset()]]) as server:
        ...  # a request to server.url: the body is cut short by a reset

The threads are native, or greenlets where the process is patched; nothing is logged, and leaving the ``with``
ends them all.
"""

import contextlib
import socket
import struct
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

Action = Callable[["RawConnection"], None]

# A test that waits longer than this for its client is stuck: the connection ends.
PATIENCE_S = 60.0


class RawConnection:
    """One accepted connection: what actions act on. ``received`` is all that the client sent so far."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.peer: tuple[str, int] = sock.getpeername()[:2]
        self.received = bytearray()
        self._scanned = 0

    def read_some(self) -> bool:
        """Read what is there, or wait for it; False at the end of the stream."""
        data = self.sock.recv(65536)
        self.received += data
        return bool(data)

    def read_request(self) -> None:
        """Read one request: its head, and the body that its head announces."""
        while (end := self.received.find(b"\r\n\r\n", self._scanned)) < 0:
            if not self.read_some():
                raise ConnectionAbortedError
        head = bytes(self.received[self._scanned : end]).lower()
        start = end + 4
        if b"\r\ntransfer-encoding: chunked" in head:
            while (last := self.received.find(b"0\r\n\r\n", start)) < 0:
                if not self.read_some():
                    raise ConnectionAbortedError
            self._scanned = last + 5
            return
        _, found, rest = head.partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0]) if found else 0
        while len(self.received) < start + length:
            if not self.read_some():
                raise ConnectionAbortedError
        self._scanned = start + length


# Actions


def request() -> Action:
    """Wait for one whole request."""
    return RawConnection.read_request


def send(*pieces: bytes) -> Action:
    """Send each piece with a system call of its own; they may still arrive together, see ``pause``."""

    def act(connection: RawConnection) -> None:
        for piece in pieces:
            connection.sock.sendall(piece)

    return act


def send_bytewise(data: bytes) -> Action:
    """Send byte by byte, so that the client reads in many pieces."""
    return send(*[data[position : position + 1] for position in range(len(data))])


def pause(seconds: float = 0.01) -> Action:
    """Let what was sent arrive by itself."""

    def act(connection: RawConnection) -> None:  # noqa: ARG001  # every action takes the connection
        time.sleep(seconds)

    return act


def reset() -> Action:
    """End the connection with RST: what the client has not read yet may be lost to it."""

    def act(connection: RawConnection) -> None:
        connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.sock.close()

    return act


def half_close() -> Action:
    """Say that nothing more will be sent, and go on reading until the client closes."""

    def act(connection: RawConnection) -> None:
        connection.sock.shutdown(socket.SHUT_WR)
        while connection.read_some():
            pass

    return act


def never_answer() -> Action:
    """Read, and say nothing, until the client closes."""

    def act(connection: RawConnection) -> None:
        while connection.read_some():
            pass

    return act


def close() -> Action:
    """Close properly (also what happens after the last action)."""

    def act(connection: RawConnection) -> None:
        connection.sock.close()

    return act


def tls_garbage() -> Action:
    """Answer a TLS hello with what is no TLS."""

    def act(connection: RawConnection) -> None:
        connection.read_some()
        connection.sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    return act


def response(body: bytes = b"", *, status: str = "200 OK", headers: Sequence[str] = ()) -> bytes:
    """The bytes of a proper response with a length, to be sent whole, cut or mangled."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class RawServer:
    """Listens on 127.0.0.1; connection number *n* plays ``scripts[n]``, later ones the last script."""

    def __init__(self, scripts: Sequence[Sequence[Action]]) -> None:
        self._scripts = [list(script) for script in scripts]
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._lock = threading.Lock()
        self._open: set[socket.socket] = set()
        self._closed = False
        self.connections: list[RawConnection] = []
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="raw-server", daemon=True)

    @property
    def url(self) -> str:
        """``http://127.0.0.1:port``."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Stop listening and end every connection; idempotent."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            sockets = list(self._open)
        # accept() does not notice close() in another thread; a connection wakes it everywhere.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._listener.close()
        for sock in sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._thread.join(PATIENCE_S)

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            with self._lock:
                if self._closed:
                    sock.close()
                    return
                self._open.add(sock)
                connection = RawConnection(sock)
                script = self._scripts[min(len(self.connections), len(self._scripts) - 1)]
                self.connections.append(connection)
            threading.Thread(target=self._play, args=(connection, script), daemon=True).start()

    def _play(self, connection: RawConnection, script: list[Action]) -> None:
        connection.sock.settimeout(PATIENCE_S)
        # The client may end the connection at any time: that is what is being tested.
        with contextlib.suppress(OSError):
            for action in script:
                action(connection)
        with self._lock:
            self._open.discard(connection.sock)
        connection.sock.close()
