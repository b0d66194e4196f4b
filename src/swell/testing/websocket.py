"""``WebSocketServer``: a fast WebSocket server in processes of its own, for tests, examples and benchmarks.

Paths: ``/echo`` sends each message back; ``/chat/ROOM`` sends each to everybody in the room; ``/ticks``
sends everybody one message a second, numbered; ``/stats`` answers plain HTTP with counts as JSON. It is one
loop over epoll and parses just enough, so that the client is what a benchmark measures; it is no judge of a
client's conformance. Rooms and ticks are each process's own.
"""

import contextlib
import os
import select
import signal
import socket
import subprocess
import sys
import time
from base64 import b64encode
from hashlib import sha1
from types import TracebackType
from typing import Final, Self

import msgspec

from swell.net.websocket_frames import apply_mask

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3
READ_BYTES: Final = 65536
BACKLOG: Final = 4096
# A peer that reads nothing is cut off when this much waits for it.
MAX_PENDING_BYTES: Final = 8 << 20
TICK_S: Final = 1.0
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class WebSocketServer:
    """The server as a context manager: ``url`` begins with ``ws://`` and ends after the port.

    ``processes`` share the port. Raises ``RuntimeError`` where they do not start.
    """

    def __init__(self, *, processes: int = 1, port: int = 0, command: tuple[str, ...] = ()) -> None:
        self._count = processes
        self._port = port
        # Put in front of the command: ``("taskset", "-c", "1")``.
        self._command = command
        self._processes: list[subprocess.Popen[bytes]] = []
        self.url = ""

    @property
    def pids(self) -> list[int]:
        """The processes' numbers."""
        return [process.pid for process in self._processes]

    def start(self) -> Self:
        """Start the processes and wait until they listen."""
        port = self._port
        for _ in range(self._count):
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [*self._command, sys.executable, "-m", "swell.testing.websocket", str(port)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                process_group=0,
            )
            self._processes.append(process)
            assert process.stdout is not None  # noqa: S101  # stdout=PIPE
            line = process.stdout.readline()
            if not line:
                status = process.wait()
                self.stop()
                raise RuntimeError(f"the WebSocket server did not start: it ended with status {status}")
            port = int(line)
        self.url = f"ws://127.0.0.1:{port}"
        return self

    def stop(self) -> None:
        """End the processes; idempotent."""
        processes, self._processes = self._processes, []
        for process in processes:
            assert process.stdin is not None  # noqa: S101  # stdin=PIPE
            assert process.stdout is not None  # noqa: S101
            process.stdin.close()
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


# The process


def frame(opcode: int, payload: bytes) -> bytes:
    """One whole unmasked frame."""
    length = len(payload)
    if length < 126:  # noqa: PLR2004  # RFC 6455, 5.2
        return bytes((0x80 | opcode, length)) + payload
    if length < 65536:  # noqa: PLR2004
        return bytes((0x80 | opcode, 126)) + length.to_bytes(2) + payload
    return bytes((0x80 | opcode, 127)) + length.to_bytes(8) + payload


class _Connection:
    __slots__ = ("buffer", "is_open", "opcode", "parts", "pending", "room", "sock")

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self.buffer = b""
        self.pending = b""
        self.is_open = False
        self.room = ""
        self.opcode = 0
        self.parts = b""


class _Server:
    def __init__(self, port: int) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen(BACKLOG)
        self._listener.setblocking(False)
        self.port: int = self._listener.getsockname()[1]
        self._epoll = select.epoll()
        self._epoll.register(self._listener.fileno(), select.EPOLLIN)
        self._epoll.register(0, select.EPOLLIN)
        self._connections: dict[int, _Connection] = {}
        self._rooms: dict[str, set[_Connection]] = {}
        self._stats = {"accepted": 0, "received": 0, "sent": 0, "ticks": 0, "cut_off": 0}
        self._is_running = True

    def run(self) -> None:
        """Serve until standard input ends, or SIGTERM."""
        signal.signal(signal.SIGTERM, lambda *_: setattr(self, "_is_running", False))
        next_tick = time.monotonic() + TICK_S
        while self._is_running:
            events = self._epoll.poll(max(0.0, next_tick - time.monotonic()))
            for number, mask in events:
                connection = self._connections.get(number)
                if connection is not None:
                    self._serve(connection, mask)
                elif number == 0:
                    return
                else:
                    self._accept()
            if time.monotonic() >= next_tick:
                next_tick += TICK_S
                self._tick()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while True:
                sock, _ = self._listener.accept()
                sock.setblocking(False)
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._connections[sock.fileno()] = _Connection(sock)
                self._epoll.register(sock.fileno(), select.EPOLLIN)
                self._stats["accepted"] += 1

    def _tick(self) -> None:
        listeners = self._rooms.get("/ticks")
        if not listeners:
            return
        self._stats["ticks"] += 1
        said = {"type": "tick", "number": self._stats["ticks"], "sent_ns": time.monotonic_ns()}
        self._say(tuple(listeners), frame(TEXT, msgspec.json.encode(said)))

    def _say(self, connections: tuple[_Connection, ...], data: bytes) -> None:
        for connection in connections:
            self._send(connection, data)
        self._stats["sent"] += len(connections)

    def _serve(self, connection: _Connection, mask: int) -> None:
        try:
            if mask & select.EPOLLOUT:
                self._send(connection, b"")
            if mask & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR):
                data = connection.sock.recv(READ_BYTES)
                if not data:
                    self._drop(connection)
                    return
                connection.buffer = connection.buffer + data if connection.buffer else data
                if connection.is_open or self._shake_hands(connection):
                    self._take_frames(connection)
        except BlockingIOError:
            return
        except OSError:
            self._drop(connection)

    def _shake_hands(self, connection: _Connection) -> bool:
        head, end, rest = connection.buffer.partition(b"\r\n\r\n")
        if not end:
            return False
        connection.buffer = rest
        first, *lines = head.split(b"\r\n")
        fields = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in lines)
        }
        path = first.split(b" ")[1].partition(b"?")[0].decode("latin-1")
        key = fields.get(b"sec-websocket-key")
        known = path in ("/echo", "/ticks") or path.startswith("/chat/")
        if key is None or not known:
            status, body = (b"200 OK", self._report()) if path == "/stats" else (b"404 Not Found", b"{}")
            self._send(connection, b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status, len(body), body))
            return False
        connection.is_open = True
        connection.room = path
        self._rooms.setdefault(path, set()).add(connection)
        accept = b64encode(sha1(key + GUID, usedforsecurity=False).digest())
        upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self._send(connection, upgrade + b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        return True

    def _report(self) -> bytes:
        return msgspec.json.encode(self._stats | {"open": len(self._connections), "pid": os.getpid()})

    def _take_frames(self, connection: _Connection) -> None:
        buffer = connection.buffer
        position, size = 0, len(buffer)
        while size - position >= 6:  # noqa: PLR2004  # a masked frame is no shorter
            first, length = buffer[position], buffer[position + 1] & 0x7F
            start = position + 2
            if length >= 126:  # noqa: PLR2004
                width = 2 if length == 126 else 8  # noqa: PLR2004
                length = int.from_bytes(buffer[start : start + width])
                start += width
            end = start + 4 + length
            if end > size:
                break
            payload = apply_mask(buffer[start + 4 : end], buffer[start : start + 4])
            position = end
            self._take(connection, first, payload)
        connection.buffer = buffer[position:]

    def _take(self, connection: _Connection, first: int, payload: bytes) -> None:
        opcode = first & 0x0F
        if opcode == CLOSE:
            self._send(connection, frame(CLOSE, payload))
            self._drop(connection)
        elif opcode == PING:
            self._send(connection, frame(10, payload))
        elif opcode <= BINARY:
            connection.opcode = opcode or connection.opcode
            if not first & 0x80 or connection.parts:
                connection.parts += payload
                if not first & 0x80:
                    return
                payload, connection.parts = connection.parts, b""
            self._stats["received"] += 1
            data = frame(connection.opcode, payload)
            if connection.room == "/echo":
                self._stats["sent"] += 1
                self._send(connection, data)
            elif connection.room != "/ticks":
                self._say(tuple(self._rooms[connection.room]), data)

    def _send(self, connection: _Connection, data: bytes) -> None:
        waiting = connection.pending + data if connection.pending else data
        try:
            sent = connection.sock.send(waiting)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._drop(connection)
            return
        had = bool(connection.pending)
        connection.pending = waiting[sent:]
        if len(connection.pending) > MAX_PENDING_BYTES:
            self._stats["cut_off"] += 1
            self._drop(connection)
        elif had != bool(connection.pending):
            events = select.EPOLLIN | (select.EPOLLOUT if connection.pending else 0)
            self._epoll.modify(connection.sock.fileno(), events)

    def _drop(self, connection: _Connection) -> None:
        number = connection.sock.fileno()
        if number in self._connections:
            self._epoll.unregister(number)
            del self._connections[number]
            self._rooms.get(connection.room, set()).discard(connection)
            connection.sock.close()


def _raise_descriptor_limit() -> None:
    import resource  # noqa: PLC0415  # the process only

    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def main(argv: list[str]) -> None:
    """Serve on the port that ``argv`` names (0: a free one), after printing it."""
    _raise_descriptor_limit()
    server = _Server(int(argv[0]) if argv else 0)
    sys.stdout.write(f"{server.port}\n")
    sys.stdout.flush()
    server.run()


if __name__ == "__main__":
    main(sys.argv[1:])
