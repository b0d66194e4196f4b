"""Which proxy a request goes through: ``HTTP_PROXY``, ``HTTPS_PROXY``, ``NO_PROXY`` as Go reads them.

The names are looked for in upper case, then in lower case, and empty ones count as unset. ``localhost`` and
loopback addresses are never proxied by the environment. ``NO_PROXY`` is a list with commas of

- ``*``: nothing is proxied;
- an address or a range (``10.0.0.0/8``), an address with a port too;
- ``example.com`` (the name and everything below), ``.example.com`` or ``*.example.com`` (only what is below),
  each with a port if it is to hold for that port alone.

Source: golang.org/x/net/http/httpproxy, which k6 uses. A request's own ``proxy`` option knows no exceptions.
"""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from swell.net.failure import PROXY, Failure, FailureError
from swell.net.url import Url, clean, parse

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


class Proxy:
    """One proxy: where it is and the ``Proxy-Authorization`` it wants; connections are kept by ``key``."""

    __slots__ = ("authorization", "host", "key", "port")

    def __init__(self, url: Url) -> None:
        self.host = url.host
        self.port = url.port
        self.authorization = url.authorization
        # Two users of one proxy do not share connections: some proxies authenticate the connection.
        self.key = (url.host, url.port, url.authorization or "")

    def __repr__(self) -> str:
        return f"<Proxy {self.host}:{self.port}{' with credentials' if self.authorization else ''}>"


def parse_proxy(text: str) -> Proxy:
    """The proxy that ``text`` names: a URL, or host:port as Go allows.

    Raises ``ValueError`` with the reason; credentials do not stand in it.
    """
    scheme, found, _ = text.partition("://")
    if found and scheme.lower() != "http":
        raise ValueError(f"proxy {clean(text)!r}: only http:// proxies are supported, not {scheme.lower()}")
    try:
        return Proxy(parse(text if found else f"http://{text}"))
    except FailureError as error:
        raise ValueError(f"proxy: {error.failure.message}") from None


class ProxyRules:
    """The rules of one environment, read once."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._proxies = {
            "http": environ.get("HTTP_PROXY") or environ.get("http_proxy") or "",
            "https": environ.get("HTTPS_PROXY") or environ.get("https_proxy") or "",
        }
        self._is_off = not any(self._proxies.values())
        self._parsed: dict[str, Proxy] = {}
        self._exceptions = _Exceptions(environ.get("NO_PROXY") or environ.get("no_proxy") or "")

    def for_url(self, url: Url) -> Proxy | None:
        """The proxy for ``url``, or None where it is to be reached directly.

        Raises ``FailureError`` (code 1240) where the environment names a proxy that cannot be used.
        """
        if self._is_off:
            return None
        text = self._proxies[url.scheme]
        if not text or self._exceptions.hold_for(url.host, url.port):
            return None
        proxy = self._parsed.get(text)
        if proxy is None:
            try:
                proxy = self._parsed[text] = parse_proxy(text)
            except ValueError as error:
                variable = f"{url.scheme.upper()}_PROXY"
                raise FailureError(Failure(PROXY, f"{variable}: {error}")) from None
        return proxy


class _Exceptions:
    """What is not proxied."""

    def __init__(self, no_proxy: str) -> None:
        self._all = False
        self._networks: list[Network] = []
        self._addresses: list[tuple[Address, str]] = []
        self._names: list[tuple[str, bool, str]] = []
        for part in no_proxy.split(","):
            entry = part.strip().lower()
            if entry == "*":
                self._all = True
                return
            if entry:
                self._add(entry)

    def _add(self, entry: str) -> None:
        if "/" in entry:
            try:
                self._networks.append(ip_network(entry, strict=False))
            except ValueError:
                pass
            else:
                return
        host, port = _split(entry)
        if not host:
            return
        address = _address(host)
        if address is not None:
            self._addresses.append((address, port))
            return
        host = host.removeprefix("*") if host.startswith("*.") else host
        includes_itself = not host.startswith(".")
        self._names.append((f".{host}" if includes_itself else host, includes_itself, port))

    def hold_for(self, host: str, port: int) -> bool:
        """Whether ``host`` is to be reached directly."""
        address = _address(host)
        if host == "localhost" or (address is not None and address.is_loopback) or self._all:
            return True
        wanted = str(port)
        if address is not None:
            if any(address in network for network in self._networks):
                return True
            return any(address == own and at in ("", wanted) for own, at in self._addresses)
        return any(
            (host.endswith(suffix) or (includes_itself and host == suffix[1:])) and at in ("", wanted)
            for suffix, includes_itself, at in self._names
        )


def _split(entry: str) -> tuple[str, str]:
    """Host and port; an IPv6 address with a port has brackets."""
    if entry.startswith("["):
        host, _, rest = entry[1:].partition("]")
        return host, rest.removeprefix(":")
    host, colon, port = entry.rpartition(":")
    return (host, port) if colon and ":" not in host else (entry, "")


def _address(text: str) -> Address | None:
    try:
        return ip_address(text.partition("%")[0])
    except ValueError:
        return None


NO_PROXIES: Final = ProxyRules({})
