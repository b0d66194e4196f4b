"""A server that wants NTLM: it authenticates connections, as IIS does, and notes every request."""

import base64
import hmac
import json
import struct
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from types import TracebackType
from typing import Self

USER, DOMAIN, PASSWORD = "User", "Domain", "Password"
# NTOWFv2 of the three, as [MS-NLMP] 4.2.4.1.1 gives it.
KEY = bytes.fromhex("0c868a403bfd7a93a3001ef22ef02e3f")
ASKED = bytes.fromhex("0123456789abcdef")
FLAGS = 0xA28A8233
TIME = (7, bytes(range(8)))
NAMES = ((2, "Domain".encode("utf-16-le")), (1, "Server".encode("utf-16-le")))


def packed(attributes: tuple[tuple[int, bytes], ...]) -> bytes:
    """Attributes of a target."""
    return b"".join(struct.pack("<HH", kind, len(value)) + value for kind, value in attributes) + bytes(4)


def challenge_message(*attributes: tuple[int, bytes]) -> bytes:
    """A CHALLENGE for the server's names and ``attributes``."""
    target = packed((*NAMES, *attributes))
    head = b"NTLMSSP\0" + struct.pack("<IHHII", 2, 0, 0, 48, FLAGS) + ASKED + bytes(8)
    return head + struct.pack("<HHI", len(target), len(target), 48) + target


def part(message: bytes, at: int) -> bytes:
    """What the descriptor at ``at`` describes."""
    length, _, place = struct.unpack_from("<HHI", message, at)
    return message[place : place + length]


def md5(key: bytes, data: bytes) -> bytes:
    """The protocol's only MAC."""
    return hmac.new(key, data, "md5").digest()


class NTLMServer(ThreadingHTTPServer):
    """``seen`` has (connection, method, path, kind of message, body) of each request.

    ``scheme`` is what it asks for; with ``sends_time`` it wants its messages sealed by a MIC.
    """

    daemon_threads = True

    def __init__(self, scheme: str = "NTLM", *, sends_time: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.scheme = scheme
        self.challenge = challenge_message(*((TIME,) if sends_time else ()))
        self.seen: list[tuple[int, str, str, str, str]] = []
        self.connections = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def __enter__(self) -> Self:
        self._thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
        self._thread.join()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"
    server: NTLMServer

    def setup(self) -> None:
        """Number the connection."""
        super().setup()
        self.server.connections += 1
        self.number = self.server.connections
        self.user = ""
        self.negotiated = b""

    def do_GET(self) -> None:
        """Whatever is asked, once the connection is the user's."""
        server = self.server
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        message = base64.b64decode(token) if scheme == server.scheme else b""
        kind = {b"\1": "negotiate", b"\3": "authenticate"}.get(message[8:9], scheme or "none")
        server.seen.append((self.number, self.command, self.path, kind, body))
        if kind == "negotiate":
            self.negotiated = message
            token = base64.b64encode(server.challenge).decode()
            self._answer(401, {"WWW-Authenticate": f"{server.scheme} {token}"})
            return
        if kind == "authenticate" and self.negotiated:
            self.user = self._verified(message)
        if self.user:
            redirects = {"Location": "/further"} if self.path == "/redirect" else {}
            self._answer(302 if redirects else 200, redirects, {"user": self.user, "body": body})
        else:
            self._answer(401, {"WWW-Authenticate": server.scheme})

    do_POST = do_GET  # noqa: N815  # http.server finds it by its name

    def _verified(self, message: bytes) -> str:
        """The user's name where the proof is right."""
        proof, blob = part(message, 20)[:16], part(message, 20)[16:]
        challenge = self.server.challenge
        if proof != md5(KEY, ASKED + blob) or part(message, 28).decode("utf-16-le") != DOMAIN:
            return ""
        if packed((TIME,))[:-4] in challenge:
            bare = message[:72] + bytes(16) + message[88:]
            if message[72:88] != md5(md5(KEY, proof), self.negotiated + challenge + bare):
                return ""
        return part(message, 36).decode("utf-16-le")

    def _answer(self, status: int, headers: dict[str, str], document: object = None) -> None:
        content = json.dumps(document).encode()
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Nothing."""
