"""Injected latencies: never shorter than promised."""

import asyncio
import time

import pytest
import uvloop

from swell_target.base.clock import pause


@pytest.mark.parametrize("ms", [0, 0.2, 1.3, 2.7])
@pytest.mark.parametrize("make_loop", [asyncio.new_event_loop, uvloop.new_event_loop])
def test_a_pause_is_never_too_short(make_loop: type[asyncio.AbstractEventLoop], ms: float) -> None:
    """Whatever the loop's timers round to, at least the given milliseconds have gone by."""

    async def shortest() -> float:
        taken = []
        for _ in range(20):
            start = time.monotonic()
            await pause(ms)
            taken.append(time.monotonic() - start)
        return min(taken) * 1_000

    with asyncio.Runner(loop_factory=make_loop) as runner:
        assert runner.run(shortest()) >= ms


def test_a_pause_of_nothing_lets_others_run() -> None:
    """Without any milliseconds too, the loop gets a turn."""

    async def turns() -> list[str]:
        seen: list[str] = []
        asyncio.get_running_loop().call_soon(seen.append, "other")
        await pause(0)
        return seen

    assert asyncio.run(turns()) == ["other"]
