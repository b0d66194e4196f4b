"""Checks invariants when the scenarios are over: each again and again until it holds or time is over."""

from collections.abc import Callable
from typing import Protocol, runtime_checkable

import gevent
import msgspec

from swell.base.clock import NS_PER_MS, NS_PER_SECOND, Clock
from swell.base.units import format_duration
from swell.engine.script import InvariantPlan, Script
from swell.engine.vu import VU, IterationInterrupted
from swell.metrics.invariants import Finding, InvariantState, LedgerState

# Between two attempts: short at first, as most targets are consistent within milliseconds, then twice as
# long each time, so that a slow one is not asked a thousand times.
FIRST_PAUSE_NS = 50 * NS_PER_MS
LONGEST_PAUSE_NS = NS_PER_SECOND


class Attempt(msgspec.Struct, frozen=True):
    """One look at an invariant: what offends, or ``error``, why it could not be seen."""

    findings: tuple[Finding, ...] = ()
    error: str = ""
    uses_ledger: bool = False

    @property
    def holds(self) -> bool:
        """Whether the invariant was seen to hold."""
        return not self.findings and not self.error


@runtime_checkable
class InvariantScript(Script, Protocol):
    """What a front end with invariants implements besides ``Script``."""

    def take_ledgers(self) -> tuple[bytes, bool]:
        """Give the next part of what this worker's ledgers hold, and whether it is the last."""
        ...

    def add_ledgers(self, part: bytes) -> None:
        """Add a part of another worker's ledgers."""
        ...

    def ledger_states(self) -> tuple[LedgerState, ...]:
        """Count what the ledgers hold."""
        ...

    def check_invariant(self, vu: VU, number: int, setup_data: bytes | None) -> Attempt:
        """Look once whether the invariant with this number in ``exports.invariants`` holds."""
        ...


def check_invariants(
    script: InvariantScript, vu: VU, setup_data: bytes | None, clock: Clock, missing: str = ""
) -> tuple[InvariantState, ...]:
    """Check all invariants one after another as ``vu``, each until it holds or its time is over.

    ``missing`` says what the ledgers lack: a ledger without a lost worker's part may accuse the target of
    what it did right, so what such a ledger finds is shown and not judged.
    """

    def look_at(number: int) -> Callable[[], Attempt]:
        return lambda: script.check_invariant(vu, number, setup_data)

    plans = script.exports.invariants
    return tuple(_check(plan, clock, missing, look_at(number)) for number, plan in enumerate(plans))


def _check(plan: InvariantPlan, clock: Clock, missing: str, look: Callable[[], Attempt]) -> InvariantState:
    started_ns = clock.now_ns()
    deadline_ns = started_ns + plan.within_ns
    pause_ns = FIRST_PAUSE_NS
    attempts = 0
    while True:
        attempts += 1
        attempt = _in_time(plan, clock, look)
        now_ns = clock.now_ns()
        if attempt.holds or now_ns >= deadline_ns:
            break
        # The last attempt is made when time is over, not a pause before.
        clock.sleep_until_ns(min(deadline_ns, now_ns + pause_ns))
        pause_ns = min(2 * pause_ns, LONGEST_PAUSE_NS)
    lacking = missing if attempt.uses_ledger else ""
    state = InvariantState(
        plan.name, "held", attempt.findings, lacking, attempts, clock.now_ns() - started_ns
    )
    if attempt.error:
        return msgspec.structs.replace(state, status="unchecked", reason=attempt.error)
    if attempt.findings:
        return msgspec.structs.replace(state, status="unchecked" if lacking else "broken")
    return state


def _in_time(plan: InvariantPlan, clock: Clock, look: Callable[[], Attempt]) -> Attempt:
    task = gevent.spawn(look)
    timer = gevent.spawn(clock.sleep_until_ns, clock.now_ns() + plan.timeout_ns)
    try:
        gevent.wait((task, timer), count=1)
        if task.ready():
            attempt: Attempt = task.get()
            return attempt
        return Attempt(error=f"an attempt took longer than {format_duration(plan.timeout_ns)}")
    finally:
        timer.kill(block=False)
        task.kill(IterationInterrupted, block=False)
