"""Ten thousand hostile servers: each ends in a response or a coded error, and nobody else notices.

A failing case names its seed and shows its bytes; it is run again alone by

    SWELL_FUZZ_SEED=4711 SWELL_FUZZ_CASES=1 pytest tests/net/test_hostile.py -k ten_thousand
"""

import gc
import os
from collections import Counter
from collections.abc import Callable, Iterator
from time import monotonic
from typing import Any

import gevent
import psutil
import pytest

from swell.metrics.samples import ErrorTable
from swell.net.client import HTTPClient
from swell.net.failure import CODES, GENERIC
from swell.net.response import Response
from swell.testing.attacks import MAX_BODY_BYTES, make_attack
from swell.testing.hostile import HostileServer
from swell.testing.server import EchoServer
from swell.testing.steps import Attack

FIRST_SEED = int(os.environ.get("SWELL_FUZZ_SEED", "0"))
CASES = int(os.environ.get("SWELL_FUZZ_CASES", "10000"))
STREAMED_CASES = 1000
VUS = 24
# Memory is compared from here on: caches are full, and the allocator has what it takes.
WARM_CASES = 4000
MAX_GROWTH_BYTES = 64 << 20
# On a busy machine everything takes its time; a hang takes all of it.
PATIENCE_S = 30.0
# Kinds of errors that ten thousand cases may have: none holds bytes of the server.
MAX_TEXTS = 100
MAX_TEXT_LENGTH = 200


@pytest.fixture(scope="module")
def hostile() -> Iterator[HostileServer]:
    """One server for all tests."""
    with HostileServer() as server:
        yield server


class Suite:
    """Plays attacks on the clients of one worker and keeps what was wrong."""

    def __init__(self, made: Any, server: HostileServer) -> None:
        self.made = made
        self.server = server
        self.faults: list[str] = []
        self.texts: Counter[str] = Counter()
        self.done = 0

    def play_all(self, seeds: Iterator[int]) -> None:
        """One VU's part."""
        client = HTTPClient(self.made.shared, self.made.vu)
        for seed in seeds:
            attack = make_attack(seed)
            fault = self._play(client, attack)
            if fault:
                self.faults.append(
                    f"seed {seed}, {attack.family}: {fault}\n  "
                    + "\n  ".join(repr(step)[:2000] for step in attack.steps)
                )
            client.end_iteration()
            client.close()
            self.made.recorder.take()
            self.done += 1

    def stream_all(self, seeds: Iterator[int]) -> None:
        """One VU's part, reading each answer as it comes."""
        client = HTTPClient(self.made.shared, self.made.vu)
        for seed in seeds:
            attack = make_attack(seed)
            try:
                with gevent.Timeout(attack.timeout_s * 12 + PATIENCE_S):
                    fault = self._stream(client, attack)
            except gevent.Timeout:
                fault = "not over in time"
            except Exception as error:  # noqa: BLE001  # whatever it is, it is the fault
                fault = f"raised {error!r}"
            if fault:
                self.faults.append(f"seed {seed}, {attack.family}, streamed: {fault}")
            client.end_iteration()
            client.close()
            self.made.recorder.take()
            self.done += 1

    def _stream(self, client: HTTPClient, attack: Attack) -> str:
        size = 0
        with client.stream(attack.method, self.server.url_of(attack), **self._options(attack)) as stream:
            for data in stream.iter_bytes():
                size += len(data)
                if size > MAX_BODY_BYTES:
                    break
        outcome = stream.error_code if stream.error else stream.status_code
        if stream.error and (outcome == GENERIC or outcome not in CODES):
            return f"code {outcome}: {stream.error}"
        # A stream has no limit of its own: what is refused for its size elsewhere is read here.
        judged = attack.outcomes if attack.outcomes and 1232 not in attack.outcomes else None
        return "" if outcome and (judged is None or outcome in judged) else f"{outcome} ({stream.error})"

    def play(self, attack: Attack) -> Response:
        """Play one attack; the response to it."""
        return self._request(HTTPClient(self.made.shared, self.made.vu), attack)

    def _request(self, client: HTTPClient, attack: Attack) -> Response:
        return client.request(attack.method, self.server.url_of(attack), **self._options(attack))

    def _options(self, attack: Attack) -> dict[str, Any]:
        options: dict[str, Any] = {"timeout": attack.timeout_s}
        if attack.family != "redirect":
            options["name"] = attack.family
        if attack.upload:
            options["content"] = b"x" * attack.upload
        return options

    def _play(self, client: HTTPClient, attack: Attack) -> str:
        """What is wrong with how the attack ended, or nothing."""
        started = monotonic()
        # A redirect has a timeout for each of its hops.
        limit_s = attack.timeout_s * 12 + PATIENCE_S
        try:
            with gevent.Timeout(limit_s):
                response = self._request(client, attack)
        except gevent.Timeout:
            return f"not over after {monotonic() - started:.1f} s"
        except Exception as error:  # noqa: BLE001  # whatever it is, it is the fault
            return f"raised {error!r}"
        self.texts[response.error] += 1
        return judge(attack, response)


def judge(attack: Attack, response: Response) -> str:
    """What is wrong with ``response`` as the end of ``attack``, or nothing."""
    outcome = response.error_code if response.error else response.status_code
    if response.error and (outcome == GENERIC or outcome not in CODES):
        return f"code {outcome}: {response.error}"
    if not outcome:
        return "neither a response nor an error"
    if attack.outcomes is not None and outcome not in attack.outcomes:
        return f"{outcome} ({response.error}), not one of {sorted(attack.outcomes)}"
    if attack.body is not None and not response.error and response.content != attack.body:
        return f"the body is {response.content[:200]!r}, not {attack.body[:200]!r}"
    return look_at(response)


def look_at(response: Response) -> str:
    """Read everything that a script may read; nothing of it raises but ``json``, with a ``ValueError``."""
    try:
        assert isinstance(response.text, str)
        read = (response.encoding, response.cookies, response.reason, response.timings, response.url)
        assert repr((response, dict(response.headers), read))
    except Exception as error:  # noqa: BLE001
        return f"reading the response raised {error!r}"
    try:
        response.json()
    except ValueError:
        return ""
    return ""


@pytest.fixture
def suite(bench: Callable, hostile: HostileServer) -> Suite:
    """Clients that trust the hostile server's certificate and take bodies up to the attacks' limit."""
    made = bench(
        max_response_body_bytes=MAX_BODY_BYTES, tls_ca=hostile.ca_pem, hosts={"*.hostile.test": "127.0.0.1"}
    )
    return Suite(made, hostile)


def test_ten_thousand_hostile_servers_harm_nobody(bench: Callable, suite: Suite) -> None:
    """Each case ends as it may and in time; no descriptors or memory leak; another VU's requests succeed."""
    with EchoServer() as echo:
        me = psutil.Process()
        calm = bench()
        answered: Counter[int] = Counter()

        def live() -> None:
            while True:
                answered[calm.client.request("GET", f"{echo.url}/json", timeout=PATIENCE_S).status_code] += 1
                gevent.sleep(0.01)

        healthy = gevent.spawn(live)
        assert suite.play(make_attack(FIRST_SEED)) is not None
        descriptors = me.num_fds()
        memory = 0
        seeds = iter(range(FIRST_SEED, FIRST_SEED + CASES))
        vus = [gevent.spawn(suite.play_all, seeds) for _ in range(VUS)]
        while not all(vu.ready() for vu in vus):
            gevent.joinall(vus, timeout=0.1)
            if not memory and suite.done >= WARM_CASES:
                gc.collect()
                memory = me.memory_info().rss
        gc.collect()
        grown = me.memory_info().rss - memory if memory else 0
        healthy.kill()
        assert suite.faults == []
        assert suite.done == CASES
        assert list(answered) == [200]
        assert grown < MAX_GROWTH_BYTES
        calm.client.close()
        # The healthy VU had its connection when they were counted, or made it since.
        assert me.num_fds() <= descriptors + 1
    _texts_are_bounded(suite)


def _texts_are_bounded(suite: Suite) -> None:
    """Error texts are few, short and printable: they become tags and rows of tables."""
    assert len(suite.texts) <= MAX_TEXTS, suite.texts
    assert all(len(text) <= MAX_TEXT_LENGTH and text.isprintable() for text in suite.texts)
    assert len(suite.made.errors.drain()) <= ErrorTable.LIMIT + 1
    assert len(suite.made.logged) <= 100
    # Methods, statuses and families: what servers say beyond that is not in the tags.
    assert len(suite.made.registry) < 3000


def test_streams_end_as_well(suite: Suite) -> None:
    """A thousand of the cases read in parts: a head or a coded error, then parts, an end or a coded error."""
    # The first request starts the hub, which has descriptors of its own.
    assert suite.play(make_attack(FIRST_SEED)) is not None
    descriptors = psutil.Process().num_fds()
    seeds = iter(range(FIRST_SEED, FIRST_SEED + min(CASES, STREAMED_CASES)))
    gevent.joinall([gevent.spawn(suite.stream_all, seeds) for _ in range(VUS)], raise_error=True)
    assert suite.faults == []
    assert psutil.Process().num_fds() <= descriptors


def test_attacks_are_the_same_in_every_process(hostile: HostileServer) -> None:
    """A seed is all that is needed to see a case again."""
    assert [make_attack(seed) for seed in range(50)] == [make_attack(seed) for seed in range(50)]
    assert hostile.url_of(make_attack(17)).endswith("/17")


def test_every_kind_of_attack_is_among_the_first_thousand() -> None:
    """The suite, shortened by hand, still has them all."""
    families = Counter(make_attack(seed).family for seed in range(1000))
    assert len(families) == 21
