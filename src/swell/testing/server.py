"""``EchoServer``: a real HTTP/1.1 server in a process of its own, for tests and the demo.

The process imports nothing that is patched, so that it serves patched and unpatched tests alike, and it ends
with its parent: at SIGTERM, when its standard input, if that is a pipe, is closed, or when the process that
``--parent`` names is not its parent any more: what a killed parent had forked holds the pipe open.
``python -m swell.testing.server`` prints one line of JSON with its URLs when it listens. The routes stand in
``routes.py``; it needs nothing but what a run needs, https and its certificates apart.
"""

import argparse
import asyncio
import contextlib
import hashlib
import os
import signal
import socket
import ssl
import stat
import struct
import subprocess
import sys
import tempfile
import time
from collections import deque
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import msgspec

from swell.testing.request_parser import BadRequestError, Head, RequestParser
from swell.testing.routes import DROP, HANG, INTERIM, RESET, TRUNCATE, Reply, Request, reply_to

if TYPE_CHECKING:
    from swell.testing.certificates import Authority

# A request's body up to this size is echoed; of a larger one there is only the digest.
MAX_KEPT_BYTES: Final = 16 << 20
BACKLOG: Final = 4096
# How often the parent is looked for; the pipe tells at once where it can.
PARENT_LOOK_S: Final = 0.5
_REASONS: Final = {status.value: status.phrase for status in HTTPStatus}


class EchoServer:
    """The server as a context manager.

    ::

        with EchoServer(tls=True) as server:
            ...  # server.url, server.https_url, server.ca_pem

    ``hosts`` are the names on the https certificate; ``has_expired`` makes that one worthless. Raises
    ``RuntimeError`` when the process does not start; why stands on its standard error, which is ours.
    """

    def __init__(
        self,
        *,
        tls: bool = False,
        host: str = "127.0.0.1",
        port: int = 0,
        hosts: tuple[str, ...] = (),
        has_expired: bool = False,
        authority: "Authority | None" = None,
    ) -> None:
        self._arguments = ["--host", host, "--port", str(port)]
        self._authority = _new_authority() if tls and authority is None else authority
        self._hosts = hosts
        self._has_expired = has_expired
        self._process: subprocess.Popen[bytes] | None = None
        self.url = ""
        self.https_url = ""

    @property
    def authority(self) -> "Authority":
        """The authority behind the https certificate: for client certificates."""
        if self._authority is None:
            raise RuntimeError("this EchoServer was made without tls=True")
        return self._authority

    @property
    def ca_pem(self) -> str:
        """The authority's certificate, for ``Options.tls_ca``."""
        return self.authority.ca_pem

    @property
    def pid(self) -> int:
        """The process's number, for tests that stop it."""
        if self._process is None:
            raise RuntimeError("the EchoServer is not started")
        return self._process.pid

    def start(self) -> Self:
        """Start the process and wait until it listens."""
        with tempfile.TemporaryDirectory(prefix="swell-echo-") as directory:
            arguments = [*self._arguments, *self._tls_arguments(Path(directory))]
            arguments += ["--parent", str(os.getpid())]
            environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
            process = subprocess.Popen(  # noqa: S603  # our own interpreter and module
                [sys.executable, "-m", "swell.testing.server", *arguments],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env=environment,
                # A terminal's Ctrl-C is for the run, whose teardown may need the server still.
                process_group=0,
            )
            self._process = process
            assert process.stdout is not None  # noqa: S101  # stdout=PIPE
            line = process.stdout.readline()  # or nothing at all, when it ends
        if not line:
            status = process.wait()
            self.stop()
            raise RuntimeError(f"the echo server did not start: it ended with status {status}")
        said = msgspec.json.decode(line)
        self.url, self.https_url = said["url"], said["https_url"]
        return self

    def stop(self) -> None:
        """End the process; idempotent."""
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None  # noqa: S101  # stdin=PIPE
        assert process.stdout is not None  # noqa: S101
        with contextlib.suppress(OSError):
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

    def _tls_arguments(self, directory: Path) -> list[str]:
        if self._authority is None:
            return []
        certificate = directory / "server.pem"
        certificate.touch(mode=0o600)
        certificate.write_text(self._authority.server_pem(*self._hosts, has_expired=self._has_expired))
        authority = directory / "ca.pem"
        authority.write_text(self._authority.ca_pem)
        return ["--certificate", str(certificate), "--client-ca", str(authority)]


# The process


class _Server:
    """What the connections share."""

    def __init__(self) -> None:
        self.requests = 0
        self.connections = 0
        self.open: set[_Connection] = set()
        self.clients: set[str] = set()
        self._date = ""
        self._date_at = 0.0

    def date(self) -> str:
        """The Date header, made once a second."""
        now = time.time()
        if now - self._date_at >= 1:
            self._date_at = now
            self._date = formatdate(now, usegmt=True)
        return self._date

    def stats(self) -> dict[str, int]:
        """What the server has seen so far; ``clients`` are the addresses that asked for something."""
        return {
            "requests": self.requests,
            "connections": self.connections,
            "open": len(self.open),
            "clients": len(self.clients),
        }


class _Connection(asyncio.Protocol):
    """One client; answers requests in their order, one at a time."""

    def __init__(self, server: _Server, scheme: str) -> None:
        self._server = server
        self._scheme = scheme
        self._transport: Any = None
        self._parser = RequestParser(self)
        self._waiting: deque[tuple[Request, bool]] = deque()
        self._is_busy = False
        self._refusal: Reply | None = None  # for a malformed request, sent after the answers to those before
        self._can_write = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._client = ""
        self._tls: dict[str, str] = {}
        self._head: Any = None
        self._body: list[bytes] = []
        self._size = 0
        self._digest: Any = None

    # asyncio's side

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport
        self._server.connections += 1
        self._server.open.add(self)
        peer = transport.get_extra_info("peername")
        self._client = peer[0] if peer else ""
        tls: ssl.SSLObject | None = transport.get_extra_info("ssl_object")
        if tls is not None:
            self._tls = _tls_facts(tls)
        self._can_write.set()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._server.open.discard(self)
        self._can_write.set()
        self._waiting.clear()
        for task in self._tasks:
            task.cancel()

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    def data_received(self, data: bytes) -> None:
        if self._refusal is not None:
            return
        try:
            self._parser.feed(data)
        except BadRequestError as error:
            self._refusal = Reply(400, f"{error}\n".encode(), "text/plain")
            if not self._is_busy:
                self._refuse(self._refusal)

    # The parser's side

    def on_head(self, head: Head) -> None:
        self._head = head
        self._body = []
        self._size = 0
        self._digest = None
        if head.expects_continue:
            self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, data: bytes) -> None:
        self._size += len(data)
        if self._digest is None:
            self._digest = hashlib.sha256()
        self._digest.update(data)
        if self._size <= MAX_KEPT_BYTES:
            self._body.append(data)

    def on_end(self) -> None:
        head = self._head
        request = Request(head, f"{self._scheme}://{head.headers.get('host', '')}")
        if self._digest is not None:
            request.size = self._size
            request.body = b"".join(self._body)
            request.digest = self._digest.hexdigest()
        self._server.requests += 1
        self._server.clients.add(self._client)
        if self._is_busy:
            self._waiting.append((request, head.keep_alive))
        else:
            self._answer(request, head.keep_alive)

    # Answers

    def _answer(self, request: Request, keep_alive: bool) -> None:
        request.client = self._client
        request.tls = self._tls
        if request.path == "/stats":
            reply = Reply(200, msgspec.json.encode(self._server.stats()))
        else:
            reply = reply_to(request)
        self._is_busy = True
        if reply.delay_s:
            loop = asyncio.get_running_loop()
            loop.call_later(reply.delay_s, self._send, request, reply, keep_alive)
        else:
            self._send(request, reply, keep_alive)

    def _send(self, request: Request, reply: Reply, keep_alive: bool) -> None:
        if self._transport.is_closing():
            return
        is_head = request.method == "HEAD"
        if reply.framing in (TRUNCATE, RESET, DROP, HANG):
            self._misbehave(reply)
            return
        if reply.framing == INTERIM:
            hints = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
            self._transport.write(b"HTTP/1.1 102 Processing\r\n\r\n" + hints)
        keep_alive = keep_alive and reply.framing != "close"
        self._write(reply, is_head=is_head, keep_alive=keep_alive)
        if reply.pieces is None or is_head:
            self._finished(keep_alive)
            return
        task = asyncio.get_running_loop().create_task(self._write_pieces(reply, keep_alive))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _write(self, reply: Reply, *, is_head: bool, keep_alive: bool) -> None:
        status = reply.status
        lines = [
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Unknown')}",
            "Server: swell-echo",
            f"Date: {self._server.date()}",
        ]
        has_body = status not in (204, 304)
        if has_body:
            lines.append(f"Content-Type: {reply.content_type}")
            if reply.framing == "chunked":
                lines.append("Transfer-Encoding: chunked")
            elif reply.pieces is None:
                lines.append(f"Content-Length: {len(reply.body)}")
        if not keep_alive:
            lines.append("Connection: close")
        lines += [f"{name}: {value}" for name, value in reply.headers]
        head = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")
        self._transport.write(head + reply.body if has_body and not is_head else head)

    async def _write_pieces(self, reply: Reply, keep_alive: bool) -> None:
        is_chunked = reply.framing == "chunked"
        for piece in reply.pieces or ():
            await self._can_write.wait()
            if self._transport.is_closing():
                return
            self._transport.write(b"%x\r\n%b\r\n" % (len(piece), piece) if is_chunked else piece)
        if is_chunked:
            self._transport.write(b"0\r\n\r\n")
        self._finished(keep_alive)

    def _misbehave(self, reply: Reply) -> None:
        """Do what the route is named for instead of answering."""
        if reply.framing == HANG:
            return
        if reply.framing == TRUNCATE:
            head = f"HTTP/1.1 200 OK\r\nContent-Length: {2 * len(reply.body)}\r\n\r\n"
            self._transport.write(head.encode("latin-1") + reply.body)
        if reply.framing == RESET:
            sock = self._transport.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self._transport.abort()
            return
        self._transport.close()

    def _finished(self, keep_alive: bool) -> None:
        self._is_busy = False
        if not keep_alive:
            self._transport.close()
        elif self._waiting:
            self._is_busy = True
            # Not called from here: a thousand waiting requests would be a thousand levels deep.
            asyncio.get_running_loop().call_soon(self._answer, *self._waiting.popleft())
        elif self._refusal is not None:
            self._refuse(self._refusal)

    def _refuse(self, refusal: Reply) -> None:
        self._write(refusal, is_head=False, keep_alive=False)
        self._transport.close()


def _tls_facts(tls: ssl.SSLObject) -> dict[str, str]:
    subject: Any = (tls.getpeercert() or {}).get("subject", ())
    names = [value for part in subject for key, value in part if key == "commonName"]
    cipher = tls.cipher()
    return {
        "version": tls.version() or "",
        "cipher": cipher[0] if cipher else "",
        "alpn": tls.selected_alpn_protocol() or "",
        "client": names[0] if names else "",
    }


async def _serve(arguments: argparse.Namespace) -> None:
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    if stat.S_ISFIFO(os.fstat(0).st_mode):
        await loop.connect_read_pipe(lambda: _Lifeline(stopped), sys.stdin)
    server = _Server()
    listeners = [await _listen(server, "http", arguments.host, arguments.port, None)]
    context, ca_pem = _tls_context(arguments)
    if context is not None:
        listeners.append(await _listen(server, "https", arguments.host, arguments.tls_port, context))
    urls = [_url_of(listener, scheme) for listener, scheme in zip(listeners, ("http", "https"), strict=False)]
    said = {
        "url": urls[0],
        "https_url": urls[1] if len(urls) > 1 else "",
        "ca_pem": ca_pem,
        "pid": os.getpid(),
    }
    with contextlib.suppress(BrokenPipeError):  # the parent is gone already, which is seen below
        os.write(1, msgspec.json.encode(said) + b"\n")
    while not stopped.is_set() and arguments.parent in (None, os.getppid()):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stopped.wait(), PARENT_LOOK_S)
    for listener in listeners:
        listener.close()
    for connection in list(server.open):
        connection._transport.abort()


class _Lifeline(asyncio.Protocol):
    """Standard input: when it ends, so do we."""

    def __init__(self, stopped: asyncio.Event) -> None:
        self._stopped = stopped

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  # asyncio's signature
        self._stopped.set()


async def _listen(
    server: _Server, scheme: str, host: str, port: int, context: ssl.SSLContext | None
) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    return await loop.create_server(
        lambda: _Connection(server, scheme), host, port, ssl=context, backlog=BACKLOG
    )


def _url_of(listener: asyncio.Server, scheme: str) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"


def _tls_context(arguments: argparse.Namespace) -> tuple[ssl.SSLContext | None, str]:
    if arguments.certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(arguments.certificate)
        context.set_alpn_protocols(["http/1.1"])
        if arguments.client_ca:
            context.load_verify_locations(arguments.client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context, ""
    if arguments.tls:
        authority = _new_authority()
        return authority.server_context(), authority.ca_pem
    return None, ""


def _new_authority() -> "Authority":
    from swell.testing.certificates import Authority  # noqa: PLC0415  # https only: trustme is for tests

    return Authority()


def main(argv: list[str] | None = None) -> None:
    """Serve until SIGTERM, SIGINT or the end of a piped standard input."""
    parser = argparse.ArgumentParser(prog="python -m swell.testing.server", description="An echo server.")
    parser.add_argument("--host", default="127.0.0.1", help="the address to listen on")
    parser.add_argument("--port", type=int, default=0, help="the http port; 0 takes a free one")
    parser.add_argument("--tls-port", type=int, default=0, help="the https port; 0 takes a free one")
    parser.add_argument(
        "--tls", action="store_true", help="serve https too, with an authority made for this run"
    )
    parser.add_argument("--certificate", help="serve https too, with this PEM file of key and certificates")
    parser.add_argument("--client-ca", help="PEM file of the authority whose client certificates are taken")
    parser.add_argument("--parent", type=int, help="end when this process is not the parent any more")
    raise_descriptor_limit()
    asyncio.run(_serve(parser.parse_args(argv)))


def raise_descriptor_limit() -> None:
    """Thousands of VUs are thousands of connections."""
    if sys.platform != "win32":
        import resource  # noqa: PLC0415  # not on Windows

        _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


if __name__ == "__main__":
    main()
