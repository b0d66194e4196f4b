"""``CalibrationServer``: answers exactly as late as its profiles say, and knows what it really did.

The clock of a request starts with the kernel's receive stamp on the server's side and ends right before the
``send`` of the last byte; what the server reports is what it measured, not what it meant to do. Between two
deadlines it waits in ``select``, whose timer is good to the microsecond, and spins for the last part. It
wants a core of its own: the last one it may run on, as far as there are several.

It is a process of its own; commands and answers are lines on its standard input and output::

    take         {"fixed": {"count": 9, "duration": [...], "waiting": [...], "receiving": [...], ...}}

and its end is the end of its standard input. Linux only (epoll, ``SO_TIMESTAMPNS``).
"""

import contextlib
import gc
import heapq
import os
import select
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import msgspec

from swell.testing.profiles import PROFILES
from swell.testing.selfsigned import self_signed_pem

# The kernel may wake us this much too late; so much before a deadline the loop does not sleep any more.
SPIN_NS: Final = 300_000
SO_TIMESTAMPNS: Final = 35
BACKLOG: Final = 8192
PERCENTS: Final = (50.0, 95.0, 99.0)
QUANTITIES: Final = ("duration", "waiting", "receiving")
_READ_BYTES: Final = 16_384
_unpack_timespec = struct.Struct("qq").unpack
_wall_ns = time.time_ns


class Taken(msgspec.Struct, frozen=True):
    """What the server did to the requests of one profile: percentiles 50, 95 and 99 in milliseconds.

    ``late`` is how much later than its profile asked for the last byte was sent, ``cpu_s`` what the server's
    process took of its core since it was asked before.
    """

    count: int
    duration: tuple[float, ...]
    waiting: tuple[float, ...]
    receiving: tuple[float, ...]
    late: tuple[float, ...] = (0.0, 0.0, 0.0)
    cpu_s: float = 0.0


class CalibrationServer:
    """The server's process as a context manager: ``url`` and ``https_url`` take the name of a profile.

    Raises ``RuntimeError`` where it does not start; why stands on its standard error, which is ours.
    """

    def __init__(self, core: int | None = None) -> None:
        self._core = core
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.https_url = ""

    def __enter__(self) -> Self:
        core = "" if self._core is None else str(self._core)
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
        self._process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
            [sys.executable, "-m", "swell.testing.calibration", core],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            process_group=0,
        )
        line = self._read_line()
        if not line:
            status = self._process.wait()
            self.__exit__(None, None, None)
            raise RuntimeError(f"the calibration server did not start: it ended with status {status}")
        said = msgspec.json.decode(line)
        self.url, self.https_url = said["url"], said["https_url"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(OSError):
            process.stdin.close()  # type: ignore[union-attr]  # a pipe
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]  # a pipe

    def take(self) -> dict[str, Taken]:
        """What the server did since the last call, by profile; only profiles that were asked for."""
        assert self._process is not None  # noqa: S101  # inside the with
        assert self._process.stdin is not None  # noqa: S101  # a pipe
        self._process.stdin.write(b"take\n")
        self._process.stdin.flush()
        return msgspec.json.decode(self._read_line(), type=dict[str, Taken])

    def _read_line(self) -> bytes:
        assert self._process is not None  # noqa: S101  # just made
        assert self._process.stdout is not None  # noqa: S101  # a pipe
        return self._process.stdout.readline()


# The process.


def exact_percentiles(values: "array[int]") -> tuple[float, ...]:
    """The percentiles ``PERCENTS`` of nanoseconds, in milliseconds, interpolated between ranks as k6 does."""
    ordered = sorted(values)
    found = []
    for percent in PERCENTS:
        place = percent / 100 * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        found.append((ordered[low] + (ordered[high] - ordered[low]) * (place - low)) / 1e6)
    return tuple(found)


class _Log:
    """What was done to the requests of one profile."""

    def __init__(self) -> None:
        self.seen = 0
        self.durations = array("q")
        self.waits = array("q")
        self.lateness = array("q")

    def take(self, cpu_s: float) -> Taken:
        receiving = array("q", map(int.__sub__, self.durations, self.waits))
        taken = Taken(
            len(self.durations),
            exact_percentiles(self.durations),
            exact_percentiles(self.waits),
            exact_percentiles(receiving),
            exact_percentiles(self.lateness),
            cpu_s,
        )
        self.durations, self.waits, self.lateness = array("q"), array("q"), array("q")
        return taken


class _Peer:
    """One connection, with at most one request in progress."""

    __slots__ = (
        "first_ns",
        "incoming",
        "log",
        "outgoing",
        "pieces",
        "place",
        "plan",
        "received_ns",
        "sock",
        "tls",
    )

    def __init__(self, sock: socket.socket, context: ssl.SSLContext | None) -> None:
        self.sock = sock
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if context is not None:
            self.tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.received_ns = self.first_ns = self.place = 0
        self.plan: tuple[int, ...] = ()
        self.pieces: tuple[bytes, ...] = ()
        self.log: _Log | None = None


class _Server:
    def __init__(self, context: ssl.SSLContext) -> None:
        self._epoll = select.epoll()
        self._listeners: dict[int, tuple[socket.socket, ssl.SSLContext | None]] = {}
        self._peers: dict[int, _Peer] = {}
        self._due: list[tuple[int, int, _Peer]] = []
        self._turn = 0
        self._cpu_s = time.process_time()
        self._logs = {name: _Log() for name in PROFILES}
        self._answers = {name: profile.pieces() for name, profile in PROFILES.items()}
        self.ports = [self._listen(None), self._listen(context)]
        self._epoll.register(0, select.EPOLLIN)

    def _listen(self, context: ssl.SSLContext | None) -> int:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Accepted sockets inherit both: the first request may be there before its connection is accepted.
        listener.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind(("127.0.0.1", 0))
        listener.listen(BACKLOG)
        listener.setblocking(False)
        self._listeners[listener.fileno()] = listener, context
        self._epoll.register(listener.fileno(), select.EPOLLIN)
        return int(listener.getsockname()[1])

    def serve(self) -> None:
        """Until the end of standard input."""
        due, peers, listeners = self._due, self._peers, self._listeners
        poll = self._epoll.poll
        while True:
            self._wait()
            for fd, _ in poll(0):
                if due and due[0][0] <= _wall_ns():
                    self._send_due()
                peer = peers.get(fd)
                if peer is not None:
                    self._read(peer)
                elif fd in listeners:
                    self._accept(*listeners[fd])
                elif fd == 0 and not self._obey():
                    return
                # Else a connection that ended since it was listed: its answer could not be sent.
            if due and due[0][0] <= _wall_ns():
                self._send_due()

    def _wait(self) -> None:
        """Sleep until something can be read or the next deadline is near."""
        left_s: float | None = None
        if self._due:
            left_ns = self._due[0][0] - _wall_ns() - SPIN_NS
            if left_ns <= 0:
                return
            left_s = left_ns / 1e9
        # The timer of select has microseconds where that of epoll has milliseconds.
        select.select([self._epoll.fileno()], [], [], left_s)

    def _obey(self) -> bool:
        command = os.read(0, 4096)
        if not command:
            return False
        for _ in range(command.count(b"take\n")):
            before, self._cpu_s = self._cpu_s, time.process_time()
            taken = {
                name: log.take(self._cpu_s - before) for name, log in self._logs.items() if log.durations
            }
            os.write(1, msgspec.json.encode(taken) + b"\n")
        return True

    def _accept(self, listener: socket.socket, context: ssl.SSLContext | None) -> None:
        for _ in range(16):
            try:
                sock, _address = listener.accept()
            except OSError:
                return
            sock.setblocking(False)
            self._peers[sock.fileno()] = _Peer(sock, context)
            self._epoll.register(sock.fileno(), select.EPOLLIN)

    def _close(self, peer: _Peer) -> None:
        del self._peers[peer.sock.fileno()]
        peer.sock.close()
        peer.log = None

    def _read(self, peer: _Peer) -> None:
        try:
            data, ancillary, _flags, _address = peer.sock.recvmsg(_READ_BYTES, 64)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._close(peer)
            return
        if ancillary:
            seconds, nanoseconds = _unpack_timespec(ancillary[0][2])
            received_ns = seconds * 1_000_000_000 + nanoseconds
        else:
            received_ns = _wall_ns()
        if peer.tls is not None:
            data = self._decrypt(peer, data)
        if data:
            self._start(peer, data, received_ns)

    def _decrypt(self, peer: _Peer, data: bytes) -> bytes:
        tls: Any = peer.tls
        peer.incoming.write(data)
        try:
            return bytes(tls.read(_READ_BYTES))
        except ssl.SSLWantReadError:
            return b""
        except ssl.SSLError:
            self._close(peer)
            return b""
        finally:
            if peer.outgoing.pending and peer.sock.fileno() >= 0:
                with contextlib.suppress(OSError):
                    peer.sock.send(peer.outgoing.read())

    def _start(self, peer: _Peer, data: bytes, received_ns: int) -> None:
        """A request: one segment, as every load generator sends a GET; anything else ends the connection."""
        name = data[5 : data.find(b" ", 5)].decode("ascii", "replace")
        log = self._logs.get(name)
        if log is None or data[-4:] != b"\r\n\r\n" or peer.log is not None:
            self._close(peer)
            return
        peer.log = log
        peer.received_ns = received_ns
        peer.place = 0
        peer.plan = PROFILES[name].plan(log.seen)
        peer.pieces = self._answers[name]
        log.seen += 1
        self._turn += 1
        heapq.heappush(self._due, (received_ns + peer.plan[0], self._turn, peer))

    def _send_due(self) -> None:
        due = self._due
        while due and due[0][0] <= _wall_ns():
            _, turn, peer = heapq.heappop(due)
            log = peer.log
            if log is None:
                continue
            place = peer.place
            data = peer.pieces[place]
            if peer.tls is not None:
                peer.tls.write(data)
                data = peer.outgoing.read()
            sent_ns = _wall_ns()
            try:
                peer.sock.send(data)
            except OSError:
                self._close(peer)
                continue
            if place == 0:
                peer.first_ns = sent_ns
            peer.place = place = place + 1
            if place < len(peer.pieces):
                heapq.heappush(due, (peer.received_ns + peer.plan[place], turn, peer))
                continue
            log.waits.append(peer.first_ns - peer.received_ns)
            log.durations.append(sent_ns - peer.received_ns)
            log.lateness.append(sent_ns - peer.received_ns - peer.plan[-1])
            peer.log = None


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    # A ticket would arrive with the first answer and be counted as a part of it.
    context.num_tickets = 0
    with tempfile.TemporaryDirectory(prefix="swell-calibration-") as directory:
        path = Path(directory) / "server.pem"
        path.write_text(self_signed_pem(), encoding="ascii")
        context.load_cert_chain(path)
    return context


def main(arguments: list[str]) -> None:
    """Serve; the only argument is the number of the core to stay on, or empty."""
    if arguments and arguments[0]:
        os.sched_setaffinity(0, {int(arguments[0])})
    with contextlib.suppress(OSError):
        # Where we may: other processes of the machine then wait, not the requests.
        os.nice(-10)
    server = _Server(_context())
    http, https = server.ports
    said = {"url": f"http://127.0.0.1:{http}/", "https_url": f"https://127.0.0.1:{https}/"}
    os.write(1, msgspec.json.encode(said) + b"\n")
    gc.freeze()
    gc.disable()
    server.serve()


if __name__ == "__main__":
    main(sys.argv[1:])
