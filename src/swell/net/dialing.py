"""New connections: names looked up, addresses tried in turn, proxies passed through, TLS agreed on."""

from time import monotonic_ns
from typing import TYPE_CHECKING, Final

from swell.net.failure import PROXY, UNRESOLVED, Failure, FailureError, Phase, failure_from
from swell.net.http1 import ProtocolError, ResponseParser

if TYPE_CHECKING:
    from swell.net.prepared import PreparedRequest
    from swell.net.proxy import Proxy
    from swell.net.shared import HTTPShared
    from swell.net.transport import Connection
    from swell.net.url import Url

# Go's default for connecting; the request's own timeout may end it earlier.
DIAL_TIMEOUT_NS: Final = 30 * 1_000_000_000


class DialError(FailureError):
    """No connection; ``connection`` is the (closed) last attempt, which may have moved bytes."""

    def __init__(self, failure: Failure, connection: "Connection | None" = None) -> None:
        super().__init__(failure)
        self.connection = connection


def open_connection(
    shared: "HTTPShared", prepared: "PreparedRequest", source_ip: str | None, deadline_ns: int
) -> "Connection":
    """A new connection for ``prepared``; raises ``DialError`` when no address of the host takes it."""
    url, proxy = prepared.url, prepared.proxy
    if url.problem is not None:
        raise DialError(url.problem)
    host, port = (url.host, url.port) if proxy is None else (proxy.host, proxy.port)
    dial_deadline = min(deadline_ns, monotonic_ns() + DIAL_TIMEOUT_NS)
    try:
        addresses = shared.resolver.resolve(host, port)
    except Exception as error:
        raise DialError(_through(proxy, failure_from(error, "resolve"))) from error
    failure: Failure = UNRESOLVED
    connection: Connection | None = None
    for address in addresses:
        connection = None
        phase: Phase = "connect"
        try:
            connection = shared.connect(address, source_ip)
            connection.connect(dial_deadline)
            if url.secure:
                phase = "tls"
                if proxy is not None:
                    _open_tunnel(connection, url, proxy, deadline_ns)
                # Certificates and SNI have names without the final dot of a whole one (RFC 6066, 3).
                name = url.host.removesuffix(".")
                connection.start_tls(shared.tls.context_for(name), name, deadline_ns)
        except Exception as error:  # noqa: BLE001  # every failure becomes a value
            if connection is not None:
                connection.close()
            failure = failure_from(error, phase)
            if phase == "connect":
                failure = _through(proxy, failure)
            if phase == "tls" or isinstance(error, TimeoutError):
                break
        except BaseException:
            if connection is not None:
                connection.close()
            raise
        else:
            return connection
    raise DialError(failure, connection)


def _through(proxy: "Proxy | None", failure: Failure) -> Failure:
    """The failure to reach a proxy says that it is the proxy which was not reached."""
    return failure if proxy is None else Failure(failure.code, f"proxy: {failure.message}")


def _open_tunnel(connection: "Connection", url: "Url", proxy: "Proxy", deadline_ns: int) -> None:
    """Have the proxy connect to the target (RFC 9110, 9.3.6); raises ``FailureError`` 1240 if it does not."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    target = f"{host}:{url.port}"
    lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
    if proxy.authorization is not None:
        lines.append(f"Proxy-Authorization: {proxy.authorization}")
    request = "\r\n".join([*lines, "", ""]).encode("latin-1")
    parser = ResponseParser()
    # As after HEAD, the response ends with its head: what follows a 200 is the tunnel's.
    parser.start(is_head_request=True, discard=True, max_body=0)
    try:
        while True:
            data = connection.talk(request, deadline_ns)
            if not data:
                raise FailureError(Failure(PROXY, "proxy: connection closed before a response to CONNECT"))
            if parser.feed(data):
                break
            request = b""
    except ProtocolError:
        raise FailureError(Failure(PROXY, "proxy: the response to CONNECT is no HTTP")) from None
    status = parser.head.status if parser.head is not None else 0
    if not 200 <= status < 300:  # noqa: PLR2004  # any success opens the tunnel
        raise FailureError(Failure(PROXY, f"proxy: CONNECT refused with status {status}"))
