"""A client of one Redis server on the engine's connections: commands are pipelined, the hub takes replies."""

import ssl
from collections import deque
from collections.abc import Callable, Sequence
from time import monotonic_ns
from typing import TYPE_CHECKING, Any, Final

import msgspec
from gevent import get_hub

from swell.base.clock import NS_PER_SECOND
from swell.base.greenlets import spawn_with_context
from swell.net.failure import UNRESOLVED, Phase, failure_from
from swell.net.resp import RedisError, Reply, ReplyParser, RESPError, encode
from swell.net.stream import Stream

if TYPE_CHECKING:
    from swell.net.shared import HTTPShared
    from swell.net.transport import Connection

DEFAULT_PORT: Final = 6379
# Without end, for the read timeout.
NO_TIMEOUT: Final = -1.0


class RedisServer(msgspec.Struct, frozen=True):
    """Where a server is and how to log in; timeouts in seconds, ``NO_TIMEOUT`` to read is none."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    username: str = ""
    password: str = ""
    database: int = 0
    client_name: str = ""
    is_secure: bool = False
    dial_timeout: float = 5.0
    read_timeout: float = 3.0


class LostError(Exception):
    """There is no connection, or it ended before the reply; ``str()`` says why."""


# Called in the hub, once per command.
OnReply = Callable[[Reply | LostError], None]


class RedisClient:
    """One connection, made when a command first needs it, and made anew after it was lost."""

    __slots__ = (
        "_context",
        "_is_dialling",
        "_parser",
        "_server",
        "_shared",
        "_source_ip",
        "_stream",
        "_timer",
        "_unsent",
        "_waiting",
    )

    def __init__(
        self,
        shared: "HTTPShared",
        server: RedisServer,
        context: ssl.SSLContext | None = None,
        source_ip: str | None = None,
    ) -> None:
        """``context`` is used in place of the run's own, for ``is_secure``."""
        self._shared = shared
        self._server = server
        self._context = context
        self._source_ip = source_ip
        self._stream: Stream | None = None
        self._parser = ReplyParser()
        self._is_dialling = False
        self._unsent: list[tuple[bytes, OnReply]] = []
        self._waiting: deque[OnReply] = deque()
        self._timer: Any = None

    def send(self, arguments: Sequence[bytes], on_reply: OnReply) -> None:
        """Send one command; ``on_reply`` gets what the server answers, or why there is no answer."""
        command = encode(arguments)
        if self._stream is not None:
            self._write(command, [on_reply])
            return
        self._unsent.append((command, on_reply))
        if not self._is_dialling:
            self._is_dialling = True
            spawn_with_context(self._dial)

    def close(self) -> None:
        """Drop the connection; commands without a reply are told so."""
        self._lose(self._lost("the client was closed"))

    # Opening

    def _dial(self) -> None:
        try:
            connection = self._connected()
        except LostError as error:
            self._is_dialling = False
            self._lose(error)
            return
        self._is_dialling = False
        if not self._unsent:
            # Closed meanwhile: nobody waits for it.
            connection.close()
            return
        self._parser = ReplyParser()
        self._stream = Stream(connection, self._received, self._ended)
        for arguments in self._greeting():
            self._write(encode(arguments), [self._greeted])
        unsent, self._unsent = self._unsent, []
        if unsent:
            self._write(b"".join(command for command, _ in unsent), [on_reply for _, on_reply in unsent])

    def _connected(self) -> "Connection":
        server, shared = self._server, self._shared
        deadline_ns = monotonic_ns() + int(server.dial_timeout * NS_PER_SECOND)
        failure = UNRESOLVED
        try:
            addresses = shared.resolver.resolve(server.host, server.port)
        except Exception as error:
            raise self._lost(failure_from(error, "resolve").message) from error
        for address in addresses:
            connection: Connection | None = None
            phase: Phase = "connect"
            try:
                connection = shared.connect(address, self._source_ip)
                connection.connect(deadline_ns)
                if server.is_secure:
                    phase = "tls"
                    context = self._context or shared.tls.context_for(server.host)
                    connection.start_tls(context, server.host, deadline_ns)
            except Exception as error:  # noqa: BLE001  # every failure becomes a value
                if connection is not None:
                    connection.close()
                failure = failure_from(error, phase)
            else:
                return connection
        raise self._lost(failure.message)

    def _greeting(self) -> list[tuple[bytes, ...]]:
        server = self._server
        commands: list[tuple[bytes, ...]] = []
        if server.password:
            user = (server.username.encode(),) if server.username else ()
            commands.append((b"AUTH", *user, server.password.encode()))
        if server.database:
            commands.append((b"SELECT", b"%d" % server.database))
        if server.client_name:
            commands.append((b"CLIENT", b"SETNAME", server.client_name.encode()))
        return commands

    def _greeted(self, reply: Reply | LostError) -> None:
        # Who is not let in, or is in another database, must not go on.
        if isinstance(reply, RedisError):
            self._lose(LostError(str(reply)))

    # Talking

    def _write(self, data: bytes, callbacks: list[OnReply]) -> None:
        stream = self._stream
        if stream is None:
            # Lost while the greeting was written.
            for on_reply in callbacks:
                on_reply(self._lost("the connection was lost"))
            return
        self._waiting.extend(callbacks)
        if self._timer is None:
            self._start_timer()
        stream.write(data)

    def _received(self, data: bytes, _stamp_ns: int, _arrived_ns: int) -> None:
        self._stop_timer()
        try:
            replies = self._parser.feed(data)
        except RESPError as error:
            self._lose(self._lost(f"read: {error}"))
            return
        for reply in replies:
            if not self._waiting:
                # Nobody asked, or the greeting was refused: what follows belongs to no command.
                self._lose(self._lost("read: a reply that no command asked for"))
                return
            self._waiting.popleft()(reply)
        if self._waiting:
            self._start_timer()

    def _ended(self, error: BaseException | None) -> None:
        why = "read: connection closed" if error is None else failure_from(error, "read").message
        self._lose(self._lost(why))

    def _start_timer(self) -> None:
        if self._server.read_timeout > 0:
            self._timer = get_hub().loop.timer(self._server.read_timeout)
            self._timer.start(self._timed_out, update=True)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.stop()
            self._timer.close()
            self._timer = None

    def _timed_out(self) -> None:
        self._lose(self._lost("read: i/o timeout"))

    def _lose(self, why: LostError) -> None:
        """The connection is over: whoever waits is told; the next command makes a new one."""
        self._stop_timer()
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        waiting = [*self._waiting, *(on_reply for _, on_reply in self._unsent)]
        self._waiting.clear()
        self._unsent.clear()
        for on_reply in waiting:
            on_reply(why)

    def _lost(self, why: str) -> LostError:
        return LostError(f"{self._server.host}:{self._server.port}: {why}")
