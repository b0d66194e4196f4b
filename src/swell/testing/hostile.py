"""``HostileServer``: a server in a process of its own that plays the attacks of ``attacks.py``.

A request for ``/17`` is answered by attack 17 on either scheme; a TLS hello for ``h17.hostile.test`` by
attack 17 in place of a handshake. Everything else is answered properly. So a failing case is run again by
its number::

    with HostileServer() as server:
        attack = make_attack(17)
        client.request(attack.method, server.url_of(attack), timeout=attack.timeout_s)

``python -m swell.testing.hostile`` prints one line of JSON with its URLs when it listens and ends with its
standard input.
"""

import contextlib
import json
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
from types import TracebackType
from typing import Any, Final, Self

import gevent
from gevent.os import tp_read
from gevent.socket import socket as gevent_socket

from swell.testing.attacks import HOST, NEXT, PORT, make_attack
from swell.testing.certificates import Authority
from swell.testing.server import raise_descriptor_limit
from swell.testing.steps import Attack, Drip, End, Flight, Flood, Raw, Send, Step

# A connection that is in nobody's interest any more ends after this time.
PATIENCE_S: Final = 30.0
# How long a connection is left alone, its bytes unread.
IGNORING_S: Final = 3.0
MAX_REQUEST_BYTES: Final = 1 << 20
MAX_HELLO_BYTES: Final = 65536
BACKLOG: Final = 4096
_SEED: Final = re.compile(rb"[A-Z]+ (?:http://[^/ ]*)?/(\d{1,12})(?:[/?][^ ]*)? HTTP/1\.1\r\n")
_HANDSHAKE: Final = re.compile(rb"h(\d{1,12})\.hostile\.test")
_OK: Final = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class HostileServer:
    """The server as a context manager; ``url``, ``https_url`` and ``ca_pem`` are there once it is entered."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self.url = self.https_url = self.ca_pem = ""

    def __enter__(self) -> Self:
        # A group of its own: a terminal's Ctrl-C is for the test, which ends this process itself.
        self._process = process = subprocess.Popen(
            [sys.executable, "-m", "swell.testing.hostile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )
        assert process.stdout is not None  # noqa: S101  # stdout=PIPE
        line = process.stdout.readline()
        if not line:
            raise RuntimeError(f"the hostile server did not start: it ended with status {process.wait()}")
        said = json.loads(line)
        self.url, self.https_url, self.ca_pem = said["url"], said["https_url"], said["ca_pem"]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.stdin.close()  # type: ignore[union-attr]  # stdin=PIPE
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        process.stdout.close()  # type: ignore[union-attr]

    def url_of(self, attack: Attack) -> str:
        """The URL that meets ``attack``; it needs the option ``hosts={"*.hostile.test": "127.0.0.1"}``."""
        if attack.is_handshake:
            return f"https://{attack.server_name}:{self.https_url.rpartition(':')[2]}/"
        return f"{self.https_url if attack.tls else self.url}/{attack.seed}"


# The process


class _Gone(Exception):  # noqa: N818  # no fault: the connection is over
    """The client closed the connection, or the attack did."""


class _Peer:
    """One connection: plain, or TLS over two buffers, so that bytes can be sent beneath it."""

    def __init__(self, sock: Any) -> None:
        self.sock = sock
        self.tls: ssl.SSLObject | None = None
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.received = b""

    def recv(self) -> bytes:
        """What comes next, decrypted."""
        while True:
            if self.tls is not None:
                try:
                    return self.tls.read(65536) or self._over()
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    self._over()
            data: bytes = self.sock.recv(65536)
            if not data:
                self._over()
            if self.tls is None:
                return data
            self.incoming.write(data)

    def _over(self) -> bytes:
        raise _Gone

    def send(self, data: bytes) -> None:
        """Send through TLS where there is any."""
        if self.tls is not None:
            if data:
                self.tls.write(data)
            data = self.outgoing.read()
        self.sock.sendall(data)

    def handshake(self, context: ssl.SSLContext, hello: bytes) -> None:
        """Do the server's part, the client's first bytes being ``hello``."""
        tls = context.wrap_bio(self.incoming, self.outgoing, server_side=True)
        self.incoming.write(hello)
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                self.sock.sendall(self.outgoing.read())
                data = self.sock.recv(65536)
                if not data:
                    raise _Gone from None
                self.incoming.write(data)
        self.sock.sendall(self.outgoing.read())
        self.tls = tls


def _serve(context: ssl.SSLContext, listener: Any) -> None:
    """Accept for ever; a TLS hello shows itself by its first byte."""
    while True:
        sock, _ = listener.accept()
        gevent.spawn(_converse, sock, context)


def _converse(sock: Any, context: ssl.SSLContext) -> None:
    sock.settimeout(PATIENCE_S)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    peer = _Peer(sock)
    # The client ends the connection when it has enough: that is what is tested.
    with contextlib.suppress(OSError, _Gone, ssl.SSLError):
        first = sock.recv(65536)
        if first[:1] == b"\x16":
            attack = _by_hello(sock, first, peer)
            if attack is not None:
                _play(peer, attack, b"", context)
            peer.handshake(context, peer.received)
            peer.received = b""
        else:
            peer.received = first
        while True:
            _answer(peer, context)
    sock.close()


def _by_hello(sock: Any, hello: bytes, peer: _Peer) -> Attack | None:
    """The attack that the server name in the hello asks for; the hello is left in ``peer.received``."""
    while len(hello) < 5 or len(hello) < 5 + int.from_bytes(hello[3:5], "big"):  # noqa: PLR2004  # record header
        data = sock.recv(65536)
        if not data or len(hello) > MAX_HELLO_BYTES:
            raise _Gone
        hello += data
    peer.received = hello
    match = _HANDSHAKE.search(hello)
    return make_attack(int(match[1])) if match else None


def _answer(peer: _Peer, context: ssl.SSLContext) -> None:
    """Read one request, and play its attack where it asks for one; raises ``_Gone`` when that is the end."""
    while (end := peer.received.find(b"\r\n\r\n")) < 0:
        if len(peer.received) > MAX_REQUEST_BYTES:
            raise _Gone
        peer.received += peer.recv()
    head, peer.received = peer.received[: end + 4], peer.received[end + 4 :]
    match = _SEED.match(head)
    attack = make_attack(int(match[1])) if match else None
    if attack is None or not attack.upload:
        length = re.search(rb"\r\ncontent-length: *(\d+)", head, re.IGNORECASE)
        wanted = int(length[1]) if length else 0
        while len(peer.received) < wanted:
            peer.received += peer.recv()
        peer.received = peer.received[wanted:]
    if attack is None:
        peer.send(_OK)
    else:
        _play(peer, attack, head, context)


def _play(peer: _Peer, attack: Attack, head: bytes, context: ssl.SSLContext) -> None:
    for step in attack.steps:
        _step(peer, step, head, context)
    _end(peer, "close")


def _step(peer: _Peer, step: Step, head: bytes, context: ssl.SSLContext) -> None:
    match step:
        case Send(data, cuts, gap_s):
            data = _filled(data, head)
            for start, stop in zip((0, *cuts), (*cuts, len(data)), strict=True):
                if start < stop:
                    peer.send(data[start:stop])
                    gevent.sleep(gap_s)
        case Flood(data, total):
            piece = data * max(1, 16384 // len(data))
            for _ in range(total // len(piece)):
                peer.send(piece)
                gevent.sleep(0)
        case Drip(data, gap_s):
            for position in range(len(data)):
                peer.send(data[position : position + 1])
                gevent.sleep(gap_s)
        case Raw(data):
            peer.sock.sendall(data)
        case Flight(share, flips):
            peer.sock.sendall(_flight(peer.received, share, flips, context))
        case End(how):
            _end(peer, how)


def _filled(data: bytes, head: bytes) -> bytes:
    """``data`` with what depends on the request put in."""
    if b"@" not in data:
        return data
    found = re.search(rb"\r\nhost: *([^\r\n]*)", head, re.IGNORECASE)
    host = found[1] if found else b""
    number = re.match(rb"[A-Z]+ /(\d+)", head)
    following = (int(number[1]) if number else 0) + 1
    data = data.replace(HOST, host).replace(PORT, host.rpartition(b":")[2])
    return data.replace(NEXT, b"%d" % (following % 250 if b"127.0.0." + NEXT in data else following))


def _flight(hello: bytes, share: float, flips: tuple[float, ...], context: ssl.SSLContext) -> bytes:
    """What a proper server would say to ``hello``, cut and with bits turned over."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    incoming.write(hello)
    with contextlib.suppress(ssl.SSLError):
        context.wrap_bio(incoming, outgoing, server_side=True).do_handshake()
    flight = bytearray(outgoing.read())
    for place in flips:
        bit = int(place * len(flight) * 8)
        flight[bit // 8] ^= 1 << bit % 8
    return bytes(flight[: int(share * len(flight))])


def _end(peer: _Peer, how: str) -> None:
    if how == "ignore":
        gevent.sleep(IGNORING_S)
    if how == "wait":
        while True:
            peer.recv()
    if how == "reset":
        peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    elif how != "drop" and peer.tls is not None:
        with contextlib.suppress(ssl.SSLError):
            peer.tls.unwrap()
        peer.sock.sendall(peer.outgoing.read())
    if how == "half-close":
        peer.sock.shutdown(socket.SHUT_WR)
        while peer.sock.recv(65536):
            pass
    peer.sock.close()
    raise _Gone


def main() -> None:
    """Serve on two ports of all loopback addresses until standard input ends."""
    raise_descriptor_limit()
    authority = Authority()
    context = authority.server_context("127.0.0.1", "localhost", "*.hostile.test")
    listeners = [gevent_socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(2)]
    for listener in listeners:
        # Every address of 127.0.0.0/8: redirects lead from one to the next.
        listener.bind(("0.0.0.0", 0))  # noqa: S104
        listener.listen(BACKLOG)
        gevent.spawn(_serve, context, listener)
    ports = [listener.getsockname()[1] for listener in listeners]
    said = {"url": f"http://127.0.0.1:{ports[0]}", "https_url": f"https://127.0.0.1:{ports[1]}"}
    os.write(1, json.dumps(said | {"ca_pem": authority.ca_pem}).encode() + b"\n")
    while tp_read(0, 4096):
        pass


if __name__ == "__main__":
    main()
