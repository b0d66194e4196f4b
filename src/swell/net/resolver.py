"""From a host name to addresses: overrides, lists of what is forbidden, and a cache of look-ups.

The order is k6's: ``block_hostnames`` first, then ``hosts``, then (for names) the look-up, and the
addresses that come out of any of these are held against ``blacklist_ips``. A literal address needs no
look-up. Look-ups of one name at the same time are made once; the others wait for it. Nothing here opens a
socket: the look-up itself is ``socket.getaddrinfo``, which gevent's patching makes cooperative in a worker.
"""

import random
import re
import socket
import threading
from collections.abc import Callable
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, NamedTuple

from swell.base.clock import NS_PER_SECOND, monotonic_ns
from swell.base.errors import ConfigError, Fault
from swell.config.options import DNSOptions, Options
from swell.net.failure import (
    BLACKLISTED_IP,
    BLOCKED_HOSTNAME,
    UNRESOLVED,
    Failure,
    FailureError,
    failure_from,
)

# A failed look-up is repeated after this time, or the TTL if that is shorter: long enough that a thousand
# VUs do not ask a thousand times, short enough that a name which appears is seen.
NEGATIVE_TTL_NS: Final = NS_PER_SECOND
# Names and addresses come from the script's URLs; a script that makes them up must not fill the memory.
MAX_REMEMBERED: Final = 4096
SELECTS: Final = ("first", "random", "roundRobin")
POLICIES: Final = ("preferIPv4", "preferIPv6", "onlyIPv4", "onlyIPv6", "any")


class Endpoint(NamedTuple):
    """One address to connect to; ``family`` is ``socket.AF_INET`` or ``AF_INET6``."""

    family: int
    ip: str
    port: int

    @property
    def sockaddr(self) -> tuple[str, int]:
        """What ``socket.connect`` takes, for either family."""
        return (self.ip, self.port)


Lookup = Callable[[str], list[tuple[int, str]]]
"""Gives (family, ip) pairs for a name, or raises ``OSError`` as ``socket.getaddrinfo`` does."""


def system_lookup(host: str) -> list[tuple[int, str]]:
    """Ask the system, in its order of preference, each address once."""
    found = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
    return list(dict.fromkeys((int(family), str(sockaddr[0])) for family, _, _, _, sockaddr in found))


class _Entry:
    """What one look-up gave, until ``expires_ns`` (None: for ever)."""

    __slots__ = ("expires_ns", "failure", "found", "turn")

    def __init__(self, found: list[tuple[int, str]], failure: Failure | None, expires_ns: int | None) -> None:
        self.found = found
        self.failure = failure
        self.expires_ns = expires_ns
        self.turn = 0


class _Pending:
    """A look-up under way, for those who wait for it; ``entry`` stays None when it was abandoned."""

    __slots__ = ("done", "entry")

    def __init__(self) -> None:
        self.done = threading.Event()
        self.entry: _Entry | None = None


class Resolver:
    """Resolves for all VUs of a worker.

    Raises ``ConfigError`` with every bad entry of hosts, dns, blacklist_ips and block_hostnames.
    """

    def __init__(
        self,
        options: Options,
        *,
        lookup: Lookup = system_lookup,
        now_ns: Callable[[], int] = monotonic_ns,
        chance: random.Random | None = None,
    ) -> None:
        faults: list[Fault] = []
        self._hosts = _Hosts(options.hosts, faults)
        self._blocked = _Patterns(options.block_hostnames, faults)
        self._blacklist = _networks(options.blacklist_ips, faults)
        _check_dns(options.dns, faults)
        if faults:
            raise ConfigError(tuple(faults))
        self._dns = options.dns
        self._lookup = lookup
        self._now_ns = now_ns
        self._chance = chance if chance is not None else random.Random()  # noqa: S311  # spreads load, no secret
        self._cache: dict[str, _Entry] = {}
        self._literals: dict[tuple[str, int], list[Endpoint]] = {}
        self._pending: dict[str, _Pending] = {}

    def resolve(self, host: str, port: int) -> list[Endpoint]:
        """The addresses of ``host`` (lower case, no brackets) to try, the selected one first; never empty.

        k6 dials the first only; the others are there for a caller that goes on after a refusal. Waits (as a
        greenlet, when patched) only when a look-up is due. Raises ``FailureError`` with 1100, 1101, 1110 or
        1111.
        """
        known = self._literals.get((host, port))
        if known is not None:
            return known
        pattern = self._blocked.match(host)
        if pattern is not None:
            message = f"dial: hostname {host} is blocked by the pattern {pattern!r}"
            raise FailureError(Failure(BLOCKED_HOSTNAME, message))
        override = self._hosts.find(host, port)
        if override is not None:
            endpoint = Endpoint(override.family, override.ip, override.port or port)
            return self._keep_literal(host, port, endpoint)
        family = family_of(host)
        if family:
            return self._keep_literal(host, port, Endpoint(family, host, port))
        found = self._allowed(host, self._choose(self._entry(host)))
        return [Endpoint(family, ip, port) for family, ip in found]

    def _keep_literal(self, host: str, port: int, endpoint: Endpoint) -> list[Endpoint]:
        self._allowed(host, [(endpoint.family, endpoint.ip)])
        found = [endpoint]
        if len(self._literals) < MAX_REMEMBERED:
            self._literals[host, port] = found
        return found

    def _allowed(self, host: str, found: list[tuple[int, str]]) -> list[tuple[int, str]]:
        """``found`` without blacklisted addresses; a failure when that leaves none."""
        if not self._blacklist:
            return found
        hit = ""
        allowed: list[tuple[int, str]] = []
        for family, ip in found:
            network = self._blacklisted_by(ip)
            if network is None:
                allowed.append((family, ip))
            else:
                hit = hit or f"dial: {ip} ({host}) is in the blacklisted range {network}"
        if not allowed:
            raise FailureError(Failure(BLACKLISTED_IP, hit))
        return allowed

    def _blacklisted_by(self, ip: str) -> IPv4Network | IPv6Network | None:
        address = ip_address(ip.partition("%")[0])
        mapped = getattr(address, "ipv4_mapped", None)
        if mapped is not None:  # ::ffff:10.0.0.1 reaches 10.0.0.1
            address = mapped
        for network in self._blacklist:
            if address.version == network.version and address in network:
                return network
        return None

    # Look-ups

    def _entry(self, host: str) -> _Entry:
        entry = self._fresh(host)
        while entry is None:
            mine = _Pending()
            pending = self._pending.setdefault(host, mine)
            if pending is mine:
                return self._lead(host, mine)
            pending.done.wait()
            # None when whoever led was interrupted (a timeout, the end of the run): the next one leads.
            entry = pending.entry
        return entry

    def _fresh(self, host: str) -> _Entry | None:
        entry = self._cache.get(host)
        if entry is not None and (entry.expires_ns is None or self._now_ns() < entry.expires_ns):
            return entry
        return None

    def _lead(self, host: str, mine: _Pending) -> _Entry:
        try:
            # Another may have led between our look into the cache and our turn.
            entry = self._fresh(host) or self._ask(host)
            # Replacing a live entry keeps its place in the round.
            before = self._cache.get(host)
            if before is not None:
                entry.turn = before.turn
            if len(self._cache) >= MAX_REMEMBERED:
                self._cache.clear()
            self._cache[host] = entry
            mine.entry = entry
            return entry
        finally:
            del self._pending[host]
            mine.done.set()

    def _ask(self, host: str) -> _Entry:
        failure: Failure | None = None
        found: list[tuple[int, str]] = []
        try:
            found = _by_policy(self._lookup(host), self._dns.policy)
        except (OSError, UnicodeError) as exc:
            failure = failure_from(exc, "resolve")
        if not found and failure is None:
            failure = UNRESOLVED  # it has addresses, but none of the family that the policy wants
        ttl = self._dns.ttl_ns
        if failure is not None:
            ttl = NEGATIVE_TTL_NS if ttl is None else min(ttl, NEGATIVE_TTL_NS)
        return _Entry(found, failure, None if ttl is None else self._now_ns() + ttl)

    def _choose(self, entry: _Entry) -> list[tuple[int, str]]:
        if entry.failure is not None:
            raise FailureError(entry.failure)
        found = entry.found
        if len(found) == 1 or self._dns.select == "first":
            return found
        # Selection is among the preferred family; the other one only follows.
        if self._dns.policy == "any":
            preferred, rest = found, []
        else:
            preferred = [pair for pair in found if pair[0] == found[0][0]]
            rest = found[len(preferred) :]
        if self._dns.select == "random":
            start = self._chance.randrange(len(preferred))
        else:
            start = entry.turn % len(preferred)
            entry.turn += 1
        return preferred[start:] + preferred[:start] + rest


def family_of(host: str) -> int:
    """``AF_INET`` or ``AF_INET6`` for a literal address, 0 for a name."""
    if ":" in host:
        return int(socket.AF_INET6)
    return int(socket.AF_INET) if _IPV4.fullmatch(host) else 0


_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)


def _by_policy(found: list[tuple[int, str]], policy: str) -> list[tuple[int, str]]:
    if policy == "any":
        return found
    family = socket.AF_INET if policy.endswith("4") else socket.AF_INET6
    wanted = [pair for pair in found if pair[0] == family]
    if policy.startswith("only"):
        return wanted
    return wanted + [pair for pair in found if pair[0] != family]


# The options, checked and made quick to ask.


class _Override(NamedTuple):
    family: int
    ip: str
    port: int  # 0: the URL's


class _Hosts:
    """The option ``hosts``: ``name``, ``name:port`` or ``*.wild`` to an address with or without a port."""

    def __init__(self, hosts: dict[str, str], faults: list[Fault]) -> None:
        self._exact: dict[str, _Override] = {}
        wild: dict[str, _Override] = {}
        for name, target in hosts.items():
            place = f"hosts.{name}"
            override = _override(target)
            if override is None:
                hint = 'write "10.0.0.1", "10.0.0.1:8080", "::1" or "[::1]:8080"'
                faults.append(Fault(place, f"{target!r} is not an IP address with an optional port", hint))
            key = name.lower()
            if not _HOST_KEY.fullmatch(key):
                hint = 'write "name", "name:port" or "*.name"; a * stands only at the start'
                faults.append(Fault(place, f"{name!r} is not a host name", hint))
            elif override is not None and key.startswith("*"):
                wild[key[1:]] = override
            elif override is not None:
                self._exact[key] = override
        # The longest pattern is the most specific one.
        self._wild = sorted(wild.items(), key=lambda item: -len(item[0]))

    def find(self, host: str, port: int) -> _Override | None:
        if self._exact:
            override = self._exact.get(f"{host}:{port}") or self._exact.get(host)
            if override is not None:
                return override
        for suffix, override in self._wild:
            if host.endswith(suffix) or f"{host}:{port}".endswith(suffix):
                return override
        return None


_HOST_KEY = re.compile(
    r"(?:\*\.?)?(?:[a-z0-9_-]+\.?)+(?::[0-9]{1,5})?|[0-9a-f:.]+|\[[0-9a-f:.]+\](?::[0-9]{1,5})?"
)
_IP_AND_PORT = re.compile(r"\[([^\]]+)\](?::([0-9]{1,5}))?|([0-9.]+)(?::([0-9]{1,5}))?|([0-9A-Fa-f:.]+)")


def _override(target: str) -> _Override | None:
    match = _IP_AND_PORT.fullmatch(target.strip())
    if match is None:
        return None
    ip = match[1] or match[3] or match[5]
    port = int(match[2] or match[4] or 0)
    try:
        address = ip_address(ip)
    except ValueError:
        return None
    if port > 65535 or (match[1] and address.version == 4):  # noqa: PLR2004
        return None
    return _Override(int(socket.AF_INET if address.version == 4 else socket.AF_INET6), ip, port)  # noqa: PLR2004


class _Patterns:
    """The option ``block_hostnames``: names, of which a leading ``*`` stands for any start."""

    def __init__(self, patterns: tuple[str, ...], faults: list[Fault]) -> None:
        self._exact: set[str] = set()
        self._suffixes: list[str] = []
        for number, pattern in enumerate(patterns):
            key = pattern.strip().lower()
            if not _PATTERN.fullmatch(key):
                hint = 'write a host name, or one with a * at its start, as "*.example.com"'
                faults.append(Fault(f"block_hostnames[{number}]", f"{pattern!r} is not a pattern", hint))
            elif key.startswith("*"):
                self._suffixes.append(key[1:])
            else:
                self._exact.add(key)

    def match(self, host: str) -> str | None:
        """The pattern that blocks ``host``."""
        if host in self._exact:
            return host
        for suffix in self._suffixes:
            if host.endswith(suffix):
                return "*" + suffix
        return None


_PATTERN = re.compile(r"\*?[a-z0-9_.:-]+|\*")


def _networks(texts: tuple[str, ...], faults: list[Fault]) -> list[IPv4Network | IPv6Network]:
    networks: list[IPv4Network | IPv6Network] = []
    for number, text in enumerate(texts):
        try:
            networks.append(ip_network(text.strip(), strict=False))
        except ValueError:
            hint = 'write an address or a range, as "10.0.0.0/8"'
            faults.append(Fault(f"blacklist_ips[{number}]", f"{text!r} is not an IP address or range", hint))
    return networks


def _check_dns(dns: DNSOptions, faults: list[Fault]) -> None:
    for place, value, choices in (("dns.select", dns.select, SELECTS), ("dns.policy", dns.policy, POLICIES)):
        if value not in choices:
            faults.append(
                Fault(place, f"{value!r} is not one of its values", f"use one of {', '.join(choices)}")
            )
    if dns.ttl_ns is not None and dns.ttl_ns < 0:
        faults.append(Fault("dns.ttl", "it is negative", 'use "0" to look up every time, or "inf"'))
