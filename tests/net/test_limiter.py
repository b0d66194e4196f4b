"""The option rps on a virtual clock: exact distances, several workers, nothing saved up."""

from collections.abc import Callable
from itertools import pairwise
from types import SimpleNamespace

import gevent
import pytest

from swell.net.limiter import GeventClock, TurnLimiter
from swell.testing.clock import VirtualClock
from swell.testing.transport import Exchange, ScriptedTransport

SECOND = 1_000_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def turns(clock: VirtualClock, limiters: list[TurnLimiter], each: int, greenlets: int = 3) -> list[int]:
    """When the turns come that ``greenlets`` per limiter take ``each`` times, in order."""
    seen: list[int] = []

    def take(limiter: TurnLimiter) -> None:
        for _ in range(each):
            limiter.wait()
            seen.append(clock.now_ns())

    def main() -> None:
        gevent.joinall([gevent.spawn(take, one) for one in limiters for _ in range(greenlets)])

    clock.run(main)
    return seen


def test_one_worker_starts_at_once_and_keeps_the_distance() -> None:
    """Seven a second: turn n is n/7 s after the first, rounded up to a nanosecond, without drift."""
    clock = VirtualClock(start_ns=123_456)
    seen = turns(clock, [TurnLimiter(7, clock)], 700)
    assert seen == [123_456 - (-n * SECOND // 7) for n in range(2100)]


@pytest.mark.parametrize("workers", [2, 3, 7])
def test_several_workers_share_the_rate_exactly(workers: int) -> None:
    """No two requests of the whole run are closer than 1/rps; all turns are used."""
    clock = VirtualClock(start_ns=5 * SECOND + 1)
    limiters = [TurnLimiter(100, clock, worker_index=n, worker_count=workers) for n in range(workers)]
    seen = turns(clock, limiters, 50)
    assert {after - before for before, after in pairwise(seen)} == {SECOND // 100}


def test_turns_are_not_saved_up() -> None:
    """After a pause there is no burst: the rate holds from the next request on."""
    clock = VirtualClock()
    for count in (1, 2):
        limiters = [TurnLimiter(10, clock, worker_index=n, worker_count=count) for n in range(count)]
        turns(clock, limiters, 3, greenlets=1)
        clock.stall_ns(3 * SECOND + 12_345)
        seen = turns(clock, limiters, 3, greenlets=1)
        gaps = [after - before for before, after in pairwise(seen)]
        assert min(gaps) == SECOND // 10


def test_the_wait_is_no_part_of_the_timings(bench: Callable) -> None:
    """k6's rule: a request waits for its turn before anything is measured; no sooner than its turn."""
    made = bench(rps=100)
    made.shared.connect = ScriptedTransport([Exchange(OK)] * 5)
    limiter, clock = made.shared.limiter, GeventClock()
    let_go: list[int] = []

    def turn() -> None:
        limiter.wait()
        let_go.append(clock.now_ns())

    made.shared.limiter = SimpleNamespace(wait=turn)
    started = clock.now_ns()
    for _ in range(5):
        made.client.request("GET", "http://127.0.0.1:1/")
    assert let_go[-1] - started >= 4 * SECOND // 100
    phases = ("blocked_ns", "connecting_ns", "sending_ns", "waiting_ns", "receiving_ns")
    for row, after_ns in zip(made.records(), let_go, strict=True):
        assert row["ended_ns"] - sum(row[phase] for phase in phases) >= after_ns


def test_nothing_is_a_rate_of_its_own() -> None:
    """0 means no limit, and then there is no limiter."""
    with pytest.raises(ValueError, match="rps must be positive"):
        TurnLimiter(0, VirtualClock())
