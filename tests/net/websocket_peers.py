"""Servers for the WebSocket tests, scripted or the library's own, and readers of what was measured."""

import re
import threading
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha1
from typing import Any

import gevent
from websockets.frames import Frame
from websockets.protocol import Protocol, Side
from websockets.sync.server import ServerConnection, serve

from swell.metrics.samples import SAMPLE
from swell.testing.raw import Action, RawConnection, RawServer

GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
CONT, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10


def frame(
    opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, length: int | None = None
) -> bytes:
    """The bytes of one unmasked frame, proper or not; ``length`` lies about the payload's."""
    head = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    size = len(payload) if length is None else length
    if size < 126:
        return head + bytes([size]) + payload
    if size < 65536:
        return head + b"\x7e" + size.to_bytes(2) + payload
    return head + b"\x7f" + size.to_bytes(8) + payload


def accept_key(connection: RawConnection) -> bytes:
    """The answer to the key that the client has sent."""
    found = re.search(rb"sec-websocket-key: (\S+)", bytes(connection.received), re.IGNORECASE)
    assert found is not None
    return b64encode(sha1(found[1] + GUID).digest())


def upgrade(
    *headers: str, then: bytes = b"", accept: bytes | None = None, status: bytes = b"101 Switching Protocols"
) -> Action:
    """Answer the handshake; ``then`` follows in the same piece."""

    def act(connection: RawConnection) -> None:
        connection.read_request()
        key = accept_key(connection) if accept is None else accept
        lines = [b"HTTP/1.1 " + status, b"Upgrade: websocket", b"Connection: Upgrade"]
        lines += [b"Sec-WebSocket-Accept: " + key, *(each.encode() for each in headers)]
        connection.sock.sendall(b"\r\n".join(lines) + b"\r\n\r\n" + then)

    return act


class Peer(RawServer):
    """A server that shakes hands, sends each piece by itself, and reads until a close frame or the end."""

    def __init__(self, *pieces: bytes, headers: Sequence[str] = ()) -> None:
        self._is_done = threading.Event()

        def send(connection: RawConnection) -> None:
            for piece in pieces:
                connection.sock.sendall(piece)

        super().__init__([[upgrade(*headers), send, self._read]])

    @property
    def ws_url(self) -> str:
        """The URL to connect to."""
        return self.url.replace("http", "ws")

    def answers(self) -> list[tuple[int, bytes]]:
        """The frames that the client sent after its handshake, to its last: (opcode, payload)."""
        assert self._is_done.wait(60)
        return frames_in(self.connections[0])

    def close_codes(self) -> list[int]:
        """The codes of the close frames among them."""
        return [int.from_bytes(data[:2]) for opcode, data in self.answers() if opcode == CLOSE]

    def _read(self, connection: RawConnection) -> None:
        try:
            while not any(opcode == CLOSE for opcode, _ in frames_in(connection)):
                if not connection.read_some():
                    return
        finally:
            self._is_done.set()


def frames_in(connection: RawConnection) -> list[tuple[int, bytes]]:
    """The frames that came after the handshake."""
    protocol = Protocol(Side.SERVER)
    protocol.receive_data(bytes(connection.received).partition(b"\r\n\r\n")[2])
    return [
        (int(each.opcode), bytes(each.data)) for each in protocol.events_received() if isinstance(each, Frame)
    ]


# The reference server


def handle(socket: ServerConnection) -> None:
    """Answer in the way that the path names."""
    path = socket.request.path
    if path.startswith("/headers"):
        socket.send("\n".join(f"{name}: {value}" for name, value in socket.request.headers.raw_items()))
    for message in socket:
        if path == "/fragments":
            socket.send([message[:1], message[1:2], message[2:]])
        else:
            socket.send(message)


@contextmanager
def serving(**options: Any) -> Iterator[str]:
    """The library's own server on a thread; gives its URL."""
    server = serve(handle, "127.0.0.1", 0, close_timeout=0.1, **options)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    scheme = "wss" if "ssl" in options else "ws"
    yield f"{scheme}://127.0.0.1:{server.socket.getsockname()[1]}"
    # On a thread: it waits for our side to close, which the hub does.
    gevent.get_hub().threadpool.apply(server.shutdown)


# What is left, and what was measured


def sockets_of(bench: Any) -> list[Any]:
    """The sockets that the bench's client makes from now on."""
    made: list[Any] = []
    dial = bench.shared.connect

    def connect(*arguments: Any) -> Any:
        connection = dial(*arguments)
        made.append(connection.channel.socket)
        return connection

    bench.shared.connect = connect
    return made


def all_closed(sockets: list[Any]) -> bool:
    """Whether there are sockets, and none of them is open."""
    return bool(sockets) and all(each.fileno() == -1 for each in sockets)


def samples(bench: Any) -> dict[str, list[float]]:
    """The values recorded since the last call, by metric."""
    found: dict[str, list[float]] = {}
    _, recorded = bench.recorder.take()
    for series, _, value in SAMPLE.iter_unpack(bytes(recorded)):
        found.setdefault(bench.registry.series_key(series)[0], []).append(value)
    return found


def tags(bench: Any, metric: str) -> list[dict[str, str]]:
    """The tags under which ``metric`` was ever recorded."""
    keys = (bench.registry.series_key(number) for number in range(bench.registry.series_count))
    return [found.as_dict() for name, found in keys if name == metric]
