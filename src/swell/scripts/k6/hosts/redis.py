"""The Python half of ``k6/experimental/redis``."""

import ssl
import weakref
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

import msgspec

from swell.base.errors import ConfigError
from swell.config.options import ClientCertificate
from swell.net.redis import DEFAULT_PORT, LostError, RedisClient, RedisServer
from swell.net.resp import RedisError, Reply
from swell.net.tls import build_context
from swell.scripts.k6.values import HostError, HostFunction

if TYPE_CHECKING:
    from swell.scripts.k6.vuhost import VUHost

SCHEMES: Final = {"redis": False, "rediss": True}


class TLS(msgspec.Struct, frozen=True):
    """``socket.tls`` of a client's options, as PEM text."""

    ca: tuple[str, ...] = ()
    cert: str = ""
    key: str = ""


class Socket(msgspec.Struct, frozen=True, rename="camel"):
    """``socket`` of a client's options; timeouts in seconds."""

    host: str = "localhost"
    port: int = DEFAULT_PORT
    tls: TLS | None = None
    dial_timeout: float = 5.0
    read_timeout: float = 3.0


class Given(msgspec.Struct, frozen=True, rename="camel"):
    """A client's options; ``addrs``, ``addr`` and ``db`` are those of the module's first versions."""

    socket: Socket | None = None
    username: str = ""
    password: str = ""
    client_name: str = ""
    database: int = 0
    cluster: Any = None
    master_name: str = ""
    addr: str = ""
    addrs: tuple[str, ...] = ()
    db: int = 0


class Opened(msgspec.Struct, weakref=True):
    """One client of the script: where its server is, and its connection as soon as there is one."""

    server: RedisServer
    tls: TLS | None
    client: RedisClient | None = None


def functions(vu: "VUHost") -> Mapping[str, HostFunction]:
    """What ``experimental_redis.js`` needs."""
    clients: list[Opened] = []

    def open_client(options: str) -> int:
        clients.append(opened(options))
        return len(clients) - 1

    def connected(number: int) -> RedisClient:
        vu.forbid_init("Making a Redis client")
        mine = clients[number]
        if mine.client is None:
            shared = vu.client.shared
            source_ip = shared.local_ips.of(vu.number)
            mine.client = RedisClient(shared, mine.server, own_context(vu, mine.tls), source_ip)
            # The hub holds an open connection: without this it would outlive its VU's context.
            weakref.finalize(mine, mine.client.close).atexit = False
        return mine.client

    def send(number: int, arguments: str) -> int:
        client = connected(int(number))
        # An iteration that is cut short leaves replies behind, which are none of the next one's.
        operation = vu.loop.begin(client.close)

        def answered(reply: Reply | LostError) -> None:
            if isinstance(reply, RedisError | LostError):
                operation.fail(HostError(str(reply)))
            else:
                operation.complete(msgspec.json.encode(shown(reply)).decode())

        client.send([text.encode() for text in msgspec.json.decode(arguments, type=list[str])], answered)
        return operation.id

    return {"open": open_client, "send": send}


def opened(options: str) -> Opened:
    """What the constructor was given, as JSON; raises ``HostError`` with what is wrong."""
    given: Any = msgspec.json.decode(options)
    if isinstance(given, str):
        return Opened(server_of(given), None)
    try:
        known = msgspec.json.decode(options, type=Given, strict=False)
    except msgspec.ValidationError as error:
        raise HostError(f"invalid options of a Redis client: {error}", "TypeError") from None
    if known.cluster is not None or len(known.addrs) > 1:
        raise HostError("clusters of Redis are not supported yet: name one server, in socket or as a URL")
    if known.master_name:
        raise HostError("Redis Sentinel is not supported yet: name the server itself, in socket or as a URL")
    if known.addr or known.addrs:
        found = server_of(f"redis://{known.addr or known.addrs[0]}")
        socket = Socket(host=found.host, port=found.port)
    elif known.socket is not None:
        socket = known.socket
    else:
        raise HostError("a Redis client needs the option socket: { host, port }, or a URL", "TypeError")
    server = RedisServer(
        host=socket.host,
        port=socket.port,
        username=known.username,
        password=known.password,
        database=known.database or known.db,
        client_name=known.client_name,
        is_secure=socket.tls is not None,
        dial_timeout=socket.dial_timeout,
        read_timeout=socket.read_timeout,
    )
    return Opened(server, socket.tls)


def server_of(url: str) -> RedisServer:
    """The server of ``redis[s]://[[username][:password]@][host][:port][/database]``.

    Raises ``HostError`` for what is none.
    """
    try:
        parts = urlsplit(url)
        port = parts.port or DEFAULT_PORT
    except ValueError as error:
        raise HostError(f'invalid URL of a Redis server "{_hidden(url)}": {error}') from None
    database = parts.path.strip("/") or "0"
    if parts.scheme not in SCHEMES:
        raise HostError(f'a URL of a Redis server begins with redis:// or rediss://, not "{_hidden(url)}"')
    if not (database.isascii() and database.isdigit()):
        raise HostError(f'the database in the URL of a Redis server is a number, not "{database}"')
    return RedisServer(
        host=parts.hostname or "localhost",
        port=port,
        username=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        database=int(database),
        is_secure=SCHEMES[parts.scheme],
    )


def _hidden(url: str) -> str:
    """Without what may be a password."""
    return url.rpartition("@")[2]


def own_context(vu: "VUHost", tls: TLS | None) -> ssl.SSLContext | None:
    """TLS as the client's options want it; None where the run's own will do. Raises ``HostError``."""
    if tls is None or not (tls.ca or tls.cert):
        return None
    options = vu.client.shared.options
    if tls.ca:
        options = msgspec.structs.replace(options, tls_ca="\n".join(tls.ca))
    if tls.cert:
        options = msgspec.structs.replace(options, tls_auth=(ClientCertificate(tls.cert, tls.key),))
    try:
        return build_context(options)
    except (ConfigError, OSError, ValueError) as error:
        raise HostError(f"invalid socket.tls of a Redis client: {error}") from None


def shown(reply: Reply) -> Any:
    """A reply as JSON can have it; text that is not UTF-8 is repaired."""
    if isinstance(reply, bytes):
        return reply.decode("utf-8", "replace")
    if isinstance(reply, list):
        return [shown(one) for one in reply]
    return str(reply) if isinstance(reply, RedisError) else reply
