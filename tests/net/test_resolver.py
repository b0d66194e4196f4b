"""Resolver: overrides, what is forbidden, the cache, and look-ups made once."""

import random
import socket
import threading

import pytest

from swell.base.errors import ConfigError
from swell.config.options import DNSOptions, Options
from swell.net.failure import FailureError
from swell.net.resolver import NEGATIVE_TTL_NS, Endpoint, Resolver, system_lookup

V4, V6 = int(socket.AF_INET), int(socket.AF_INET6)
SECOND = 1_000_000_000
BOTH = [(V6, "2001:db8::1"), (V4, "10.0.0.1"), (V4, "10.0.0.2"), (V6, "2001:db8::2")]


class Lookup:
    """Answers from a table, and counts."""

    def __init__(self, answers: dict[str, list[tuple[int, str]] | Exception]) -> None:
        self.answers = answers
        self.asked: list[str] = []

    def __call__(self, host: str) -> list[tuple[int, str]]:
        self.asked.append(host)
        answer = self.answers.get(host, socket.gaierror(socket.EAI_NONAME, "unknown"))
        if isinstance(answer, Exception):
            raise answer
        return answer


class Now:
    """A clock that stands until it is moved."""

    ns = 0

    def __call__(self) -> int:
        return self.ns


def make(answers=None, now=None, **options) -> tuple[Resolver, Lookup]:
    """A resolver over a table, and the look-ups it makes."""
    lookup = Lookup(answers or {})
    resolver = Resolver(Options(**options), lookup=lookup, now_ns=now or Now(), chance=random.Random(7))
    return resolver, lookup


def ips(resolver: Resolver, host: str, port: int = 80) -> list[str]:
    """The addresses, in order."""
    return [endpoint.ip for endpoint in resolver.resolve(host, port)]


def code(resolver: Resolver, host: str, port: int = 80) -> tuple[int, str]:
    """The failure that there must be."""
    with pytest.raises(FailureError) as caught:
        resolver.resolve(host, port)
    return caught.value.failure


def test_literals_need_no_lookup():
    """Addresses are taken as they are, in both families."""
    resolver, lookup = make()
    assert resolver.resolve("10.1.2.3", 81) == [Endpoint(V4, "10.1.2.3", 81)]
    assert resolver.resolve("::1", 82) == [Endpoint(V6, "::1", 82)]
    assert resolver.resolve("::1", 82)[0].sockaddr == ("::1", 82)
    assert lookup.asked == []


HOSTS = {
    "exact": "10.0.0.1",
    "WithPort": "10.0.0.2:8080",
    "on.port:81": "10.0.0.3",
    "on.port": "10.0.0.4",
    "*.wild.com": "10.0.0.5",
    "*.deep.wild.com": "10.0.0.6:99",
    "six": "[::1]:8443",
    "six-bare": "::2",
    "six-brackets": "[::3]",
}


@pytest.mark.parametrize(
    ("host", "port", "endpoint"),
    [
        ("exact", 80, Endpoint(V4, "10.0.0.1", 80)),
        ("withport", 80, Endpoint(V4, "10.0.0.2", 8080)),
        ("on.port", 81, Endpoint(V4, "10.0.0.3", 81)),
        ("on.port", 82, Endpoint(V4, "10.0.0.4", 82)),
        ("a.wild.com", 80, Endpoint(V4, "10.0.0.5", 80)),
        ("a.deep.wild.com", 80, Endpoint(V4, "10.0.0.6", 99)),
        ("six", 443, Endpoint(V6, "::1", 8443)),
        ("six-bare", 443, Endpoint(V6, "::2", 443)),
        ("six-brackets", 443, Endpoint(V6, "::3", 443)),
    ],
)
def test_hosts_override(host, port, endpoint):
    """The most specific entry of hosts decides the address, and the port where it has one."""
    resolver, lookup = make(hosts=HOSTS)
    assert resolver.resolve(host, port) == [endpoint]
    assert resolver.resolve(host, port) == [endpoint]
    assert lookup.asked == []


def test_wildcards_do_not_match_the_bare_name():
    """``*.wild.com`` is for what stands below it."""
    resolver, lookup = make(hosts=HOSTS)
    assert code(resolver, "wild.com") == (1101, "lookup: no such host")
    assert lookup.asked == ["wild.com"]


def test_all_bad_options_at_once():
    """Every bad entry is reported with its place."""
    with pytest.raises(ConfigError) as caught:
        make(
            hosts={"ok": "nope", "a*b": "10.0.0.1", "p": "10.0.0.1:99999", "six": "[::1"},
            blacklist_ips=("10.0.0.0/8", "10.0.0.0/99", "x"),
            block_hostnames=("fine.com", "*", "a.*.b", ""),
            dns=DNSOptions(ttl_ns=-1, select="last", policy="IPv4"),
        )
    assert [fault.place for fault in caught.value.faults] == [
        "hosts.ok",
        "hosts.a*b",
        "hosts.p",
        "hosts.six",
        "block_hostnames[2]",
        "block_hostnames[3]",
        "blacklist_ips[1]",
        "blacklist_ips[2]",
        "dns.select",
        "dns.policy",
        "dns.ttl",
    ]
    assert all(fault.hint for fault in caught.value.faults)


@pytest.mark.parametrize("host", ["bad.com", "x.evil.org", "y.x.evil.org", "ads1.net"])
def test_blocked_hostnames(host):
    """A blocked name is a failure 1111 and is never looked up, not even with an override."""
    resolver, lookup = make(
        block_hostnames=("BAD.com", "*.evil.org", "*1.net"), hosts={"bad.com": "10.0.0.1"}
    )
    found = code(resolver, host)
    assert found[0] == 1111
    assert host in found[1]
    assert lookup.asked == []


def test_blacklist():
    """Addresses in a blacklisted range are left out, and a failure 1110 when none is left."""
    resolver, _ = make(
        {"mixed": BOTH, "inside": [(V4, "10.0.0.9")]},
        hosts={"over": "10.0.0.3"},
        blacklist_ips=("10.0.0.0/30", "10.0.0.9", "2001:db8::/126"),
    )
    assert code(resolver, "mixed")[0] == 1110
    assert code(resolver, "inside") == (
        1110,
        "dial: 10.0.0.9 (inside) is in the blacklisted range 10.0.0.9/32",
    )
    assert code(resolver, "over")[0] == 1110
    assert code(resolver, "10.0.0.1")[0] == 1110
    assert code(resolver, "::ffff:10.0.0.1")[0] == 1110
    assert ips(resolver, "10.0.0.8") == ["10.0.0.8"]
    partly, _ = make({"mixed": BOTH}, blacklist_ips=("10.0.0.1",), dns=DNSOptions(select="first"))
    assert ips(partly, "mixed") == ["10.0.0.2", "2001:db8::1", "2001:db8::2"]


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("preferIPv4", ["10.0.0.1", "10.0.0.2", "2001:db8::1", "2001:db8::2"]),
        ("preferIPv6", ["2001:db8::1", "2001:db8::2", "10.0.0.1", "10.0.0.2"]),
        ("onlyIPv4", ["10.0.0.1", "10.0.0.2"]),
        ("onlyIPv6", ["2001:db8::1", "2001:db8::2"]),
        ("any", ["2001:db8::1", "10.0.0.1", "10.0.0.2", "2001:db8::2"]),
    ],
)
def test_policies(policy, expected):
    """The policy decides which families come, and which first."""
    resolver, _ = make({"h": BOTH}, dns=DNSOptions(select="first", policy=policy))
    assert ips(resolver, "h") == expected


def test_a_policy_can_leave_nothing():
    """A name without an address of the only wanted family does not exist for us."""
    resolver, _ = make({"h": [(V4, "10.0.0.1")]}, dns=DNSOptions(policy="onlyIPv6"))
    assert code(resolver, "h") == (1101, "lookup: no such host")


def test_selects():
    """``first`` keeps the order, ``roundRobin`` turns, ``random`` reaches all of the preferred family."""
    three = [(V4, "a"), (V4, "b"), (V4, "c"), (V6, "d")]
    first, _ = make({"h": three}, dns=DNSOptions(select="first"))
    assert [ips(first, "h")[0] for _ in range(4)] == ["a", "a", "a", "a"]
    turning, _ = make({"h": three}, dns=DNSOptions(select="roundRobin"))
    assert [ips(turning, "h") for _ in range(4)] == [
        ["a", "b", "c", "d"],
        ["b", "c", "a", "d"],
        ["c", "a", "b", "d"],
        ["a", "b", "c", "d"],
    ]
    chance, _ = make({"h": three}, dns=DNSOptions(select="random"))
    assert {ips(chance, "h")[0] for _ in range(50)} == {"a", "b", "c"}


def test_ttl():
    """An answer is kept for its TTL, to the nanosecond; the round goes on over a new look-up."""
    now = Now()
    resolver, lookup = make(
        {"h": [(V4, "a"), (V4, "b")]}, now, dns=DNSOptions(ttl_ns=5 * SECOND, select="roundRobin")
    )
    assert ips(resolver, "h")[0] == "a"
    now.ns = 5 * SECOND - 1
    assert ips(resolver, "h")[0] == "b"
    assert len(lookup.asked) == 1
    now.ns += 1
    assert ips(resolver, "h")[0] == "a"
    assert len(lookup.asked) == 2


@pytest.mark.parametrize(("ttl_ns", "asked"), [(None, 1), (0, 3)])
def test_ttl_of_ever_and_never(ttl_ns, asked):
    """``inf`` looks up once, ``0`` every time."""
    now = Now()
    resolver, lookup = make({"h": [(V4, "a")]}, now, dns=DNSOptions(ttl_ns=ttl_ns))
    for _ in range(3):
        resolver.resolve("h", 80)
        now.ns += 10**18
    assert len(lookup.asked) == asked


def test_failures_are_kept_for_a_moment_only():
    """A name that appears is found a second later."""
    now = Now()
    resolver, lookup = make({"h": socket.gaierror(socket.EAI_AGAIN, "Try again")}, now)
    assert code(resolver, "h") == (1100, "lookup: try again")
    assert code(resolver, "h")[0] == 1100
    assert len(lookup.asked) == 1
    now.ns = NEGATIVE_TTL_NS
    lookup.answers["h"] = [(V4, "a")]
    assert ips(resolver, "h") == ["a"]


class Gate:
    """A look-up that waits until it is let go; the first one can be made to die."""

    def __init__(self, fails_first: bool = False) -> None:
        self.entered = threading.Semaphore(0)
        self.go = threading.Event()
        self.calls = 0
        self.fails_first = fails_first

    def __call__(self, host: str) -> list[tuple[int, str]]:
        self.calls += 1
        is_first = self.calls == 1
        self.entered.release()
        self.go.wait(60)
        if is_first and self.fails_first:
            raise KeyboardInterrupt
        return [(V4, "10.0.0.1")]


def _resolve_in_threads(resolver: Resolver, gate: Gate, count: int) -> list[str]:
    results: list[str] = []

    def run() -> None:
        try:
            results.append(resolver.resolve("h", 80)[0].ip)
        except KeyboardInterrupt:
            results.append("interrupted")

    threads = [threading.Thread(target=run) for _ in range(count)]
    for thread in threads:
        thread.start()
    gate.entered.acquire(timeout=60)
    gate.go.set()
    for thread in threads:
        thread.join(60)
    return results


def test_concurrent_lookups_are_made_once():
    """While one look-up is under way, the others of its name wait for it."""
    gate = Gate()
    resolver = Resolver(Options(), lookup=gate)
    assert _resolve_in_threads(resolver, gate, 8) == ["10.0.0.1"] * 8
    assert gate.calls == 1


def test_an_interrupted_leader_does_not_take_the_others_along():
    """When the one that looks up is interrupted, another takes over."""
    gate = Gate(fails_first=True)
    resolver = Resolver(Options(), lookup=gate)
    results = _resolve_in_threads(resolver, gate, 4)
    assert sorted(results) == ["10.0.0.1"] * 3 + ["interrupted"]
    assert gate.calls == 2


def test_the_system_knows_localhost():
    """The real look-up gives loopback addresses, each once."""
    found = system_lookup("localhost")
    assert {ip for _, ip in found} <= {"127.0.0.1", "::1"}
    assert len(found) == len(set(found)) > 0


def test_names_that_dns_cannot_carry():
    """A label that is too long is no such host, not an exception."""
    assert code(Resolver(Options()), "a" * 64 + ".com") == (1101, "lookup: no such host")
