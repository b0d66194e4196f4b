r"""A scripted transport: the HTTP client's connections without a network, for byte-level and timing cases.

::

    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
    transport = ScriptedTransport([Exchange(answer, waiting_ns=5_000_000)])
    shared.connect = transport
    client.request("GET", "http://scripted/").timings.waiting == 5.0
"""

from collections.abc import Iterable, Iterator
from time import monotonic_ns

from swell.net.http1 import ResponseParser
from swell.net.resolver import Endpoint


class Exchange:
    """One answer: the pieces the parser is fed, or an exception, and the phases' lengths in nanoseconds."""

    def __init__(
        self,
        *pieces: bytes,
        error: Exception | None = None,
        eof: bool = False,
        sending_ns: int = 1_000,
        waiting_ns: int = 0,
        receiving_ns: int = 0,
        stamped: bool = True,
    ) -> None:
        self.pieces = pieces
        self.error = error
        self.eof = eof
        self.sending_ns = sending_ns
        self.waiting_ns = waiting_ns
        self.receiving_ns = receiving_ns
        self.stamped = stamped


class ScriptedTransport:
    """Makes connections whose exchanges come from one list, in order; keeps what was sent in ``requests``."""

    def __init__(self, exchanges: Iterable[Exchange | bytes]) -> None:
        self._left = [each if isinstance(each, Exchange) else Exchange(each) for each in exchanges]
        self.requests: list[bytes] = []
        self.connections: list[ScriptedConnection] = []

    def __call__(self, address: Endpoint, _source: str | None = None) -> "ScriptedConnection":
        """A new connection to ``address``; nothing is looked up or opened."""
        connection = ScriptedConnection(self, address)
        self.connections.append(connection)
        return connection

    def next_exchange(self) -> Exchange:
        """The next answer; raises ``AssertionError`` when the client asks more often than was scripted."""
        if not self._left:
            raise AssertionError("the client sent a request that the script has no answer for")
        return self._left.pop(0)


class ScriptedConnection:
    """Stands for ``net.transport.Connection``: the same attributes and calls."""

    def __init__(self, transport: ScriptedTransport, address: Endpoint) -> None:
        self._transport = transport
        self.address = address
        self.parser = ResponseParser()
        self.is_dead = False
        self.exchanges = 0
        self.connecting_ns = self.tls_ns = 0
        self.tls_version = self.tls_cipher = ""
        self.begun_ns = self.sent_ns = self.first_byte_ns = self.last_byte_ns = self.arrived_ns = 0
        self.sent_bytes = self.received_bytes = 0
        self.sent_cookies = ""
        self.stamped = self.window_limited = False

    def connect(self, _deadline_ns: int) -> None:
        """Connected at once."""

    def start_tls(self, _context: object, _server_name: str, _deadline_ns: int) -> None:
        """A handshake that takes no time."""
        self.tls_version, self.tls_cipher = "tls1.3", "TLS_AES_128_GCM_SHA256"

    def exchange(
        self,
        request: bytes,
        body: Iterator[bytes] | None,
        _deadline_ns: int,
        *,
        is_head_request: bool,
        discard: bool,
        max_body: int,
    ) -> None:
        """Answer with the next scripted exchange."""
        sent = request + b"".join(body or ())
        self._transport.requests.append(sent)
        scripted = self._transport.next_exchange()
        self.exchanges += 1
        self.parser.start(is_head_request=is_head_request, discard=discard, max_body=max_body)
        self.sent_bytes += len(sent)
        self.stamped = scripted.stamped
        self.begun_ns = monotonic_ns()
        self.sent_ns = self.begun_ns + scripted.sending_ns
        self.first_byte_ns = self.sent_ns + scripted.waiting_ns
        self.last_byte_ns = self.arrived_ns = self.first_byte_ns + scripted.receiving_ns
        # Dead unless the whole answer is taken in and leaves the connection usable.
        self.is_dead = True
        done = False
        for piece in scripted.pieces:
            self.received_bytes += len(piece)
            done = self.parser.feed(piece)
        if scripted.error is not None:
            if not scripted.pieces:
                self.first_byte_ns = 0
            raise scripted.error
        if not done or scripted.eof:
            self.parser.feed_eof()
        self.is_dead = not self.parser.can_reuse

    def has_ended(self) -> bool:
        """Nobody ends it while it is idle."""
        return False

    def close(self) -> None:
        """Closed; twice is fine."""
        self.is_dead = True
