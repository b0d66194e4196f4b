"""Two servers between the client and a target: one that counts bytes, one that is an HTTP proxy."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self

PATIENCE_S = 60.0


class _Listener:
    """Accepts connections and plays each in a thread of its own."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._is_closed = False

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closed = True
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1):
            pass
        self._listener.close()
        for sock in self._sockets:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(PATIENCE_S)
        for sock in self._sockets:
            sock.close()

    def _start(self, function: object, *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if self._is_closed:
                sock.close()
                return
            sock.settimeout(PATIENCE_S)
            self._sockets.append(sock)
            self._start(self._play_quietly, sock)

    def _play_quietly(self, sock: socket.socket) -> None:
        # Either side may end the connection at any time.
        with contextlib.suppress(OSError):
            self.play(sock)

    def play(self, sock: socket.socket) -> None:
        """What is done with a connection."""
        raise NotImplementedError

    def connect(self, host: str, port: int) -> socket.socket:
        """A connection to the target, closed at the end."""
        target = socket.create_connection((host, port), timeout=PATIENCE_S)
        self._sockets.append(target)
        return target

    def pump(self, source: socket.socket, target: socket.socket, counts: list[int]) -> None:
        """Pass everything on until the source ends; ``counts[0]`` grows by what was passed."""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                counts[0] += len(data)
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)

    def join(self, client: socket.socket, target: socket.socket) -> tuple[list[int], list[int]]:
        """Pass everything on in both directions; returns at the end of both."""
        up, down = [0], [0]
        thread = threading.Thread(target=self.pump, args=(client, target, up), daemon=True)
        thread.start()
        self.pump(target, client, down)
        thread.join(PATIENCE_S)
        return up, down


class CountingRelay(_Listener):
    """Passes everything on to ``port``; ``sent`` and ``received`` are the client's bytes, of ended ones."""

    def __init__(self, port: int) -> None:
        super().__init__()
        self._target_port = port
        self.sent = 0
        self.received = 0
        self.ended = threading.Event()

    def play(self, sock: socket.socket) -> None:
        """Pass on and count."""
        up, down = self.join(sock, self.connect("127.0.0.1", self._target_port))
        self.sent += up[0]
        self.received += down[0]
        self.ended.set()


class HTTPProxy(_Listener):
    """A proxy for tunnels and plain requests; ``heads`` are the heads it was sent, one per connection."""

    def __init__(self, *, refuse: bytes = b"", after_connect: bytes = b"") -> None:
        super().__init__()
        self._refuse = refuse
        self._after_connect = after_connect
        self.heads: list[bytes] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def play(self, sock: socket.socket) -> None:
        """Serve one connection."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = sock.recv(65536)
            if not piece:
                return
            data += piece
        head, _, rest = data.partition(b"\r\n\r\n")
        self.heads.append(head)
        if self._refuse:
            sock.sendall(self._refuse)
            sock.close()
            return
        method, target, _ = head.split(b"\r\n")[0].split(b" ")
        if method == b"CONNECT":
            host, _, port = target.decode().rpartition(":")
            upstream = self.connect(host, int(port))
            sock.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n" + self._after_connect)
        else:
            authority, _, path = target.decode().removeprefix("http://").partition("/")
            host, _, port = authority.partition(":")
            upstream = self.connect(host, int(port or 80))
            upstream.sendall(head.replace(target, b"/" + path.encode(), 1) + b"\r\n\r\n" + rest)
        self.join(sock, upstream)
