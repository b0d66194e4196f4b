"""Brings the ledgers of all workers to worker 0 and has it check the invariants: the coordinator's side.

One part is under way at a time: the next is asked for when worker 0 has taken the one before, so that
neither the coordinator nor a slow worker 0 ever holds more than one.
"""

from collections.abc import Mapping

from swell.base.clock import NS_PER_SECOND
from swell.engine import frames
from swell.engine.port import Port, WorkerView
from swell.engine.script import InvariantPlan
from swell.metrics.invariants import InvariantState, LedgerState

# A million writes are collected and merged in some seconds; this is for many more, on a busy machine.
COLLECT_NS = 120 * NS_PER_SECOND


class Settlement:
    """What the invariants have come to; ``is_open`` while worker 0 is at work."""

    def __init__(self, port: Port) -> None:
        self.invariants: tuple[InvariantState, ...] = ()
        self.ledgers: tuple[LedgerState, ...] = ()
        self.is_open = False
        self._port = port
        self._plans: tuple[InvariantPlan, ...] = ()
        self._setup_data: bytes | None = None
        # Workers whose ledgers are still to come, and the one that is being asked.
        self._sources: list[int] = []
        self._asked: int | None = None
        # A part is on its way into worker 0's ledgers; ``_is_last`` tells whether more follow it.
        self._is_adding = False
        self._is_last = False
        self._missing: list[str] = []

    def __repr__(self) -> str:
        return f"<Settlement open={self.is_open} sources={self._sources} missing={self._missing}>"

    def begin(
        self, plans: tuple[InvariantPlan, ...], setup_data: bytes | None, workers: Mapping[int, WorkerView]
    ) -> int:
        """Start to collect; the longest that all of it may take, in nanoseconds: 0 where nothing is to do."""
        self._plans = plans
        self._setup_data = setup_data
        if not plans:
            return 0
        if not workers[0].is_alive:
            self.invariants = unchecked(plans, "worker 0, which checks invariants, was lost")
            return 0
        self.is_open = True
        for index, view in workers.items():
            if not view.is_alive:
                self._lack(index)
            elif index != 0:
                self._sources.append(index)
        self._go_on()
        return COLLECT_NS + longest_check_ns(plans)

    def on_part(self, worker: int, frame: frames.LedgerPart) -> None:
        """Pass a part on to worker 0."""
        if self.is_open and worker == self._asked:
            self._is_adding = True
            self._is_last = frame.is_last
            self._port.send(0, frames.AddLedgers(frame.part))

    def on_added(self) -> None:
        """Worker 0 has taken the part: ask for the next one."""
        self._is_adding = False
        if self._is_last:
            self._asked = None
        if self.is_open:
            self._go_on()

    def on_checked(self, frame: frames.InvariantsChecked) -> None:
        """Keep the results."""
        self.is_open = False
        self.invariants, self.ledgers = frame.invariants, frame.ledgers

    def without(self, worker: int) -> None:
        """A worker is gone: go on with what there is of its ledger."""
        if not self.is_open:
            return
        if worker in self._sources:
            self._sources.remove(worker)
            self._lack(worker)
        elif worker == self._asked:
            self._asked = None
            if not self._is_last:
                self._lack(worker)
            if not self._is_adding:
                self._go_on()

    def end(self) -> None:
        """Nobody waits any longer: what worker 0 has not answered yet is unchecked."""
        if not self.is_open:
            return
        self.is_open = False
        reason = "the run was ended before it was seen to hold"
        self._port.send(0, frames.Stop(reason))
        self.invariants = unchecked(self._plans, reason)

    def _lack(self, worker: int) -> None:
        self._missing.append(f"the part of worker {worker}, which was lost")

    def _go_on(self) -> None:
        if self._asked is None and self._sources:
            self._asked = self._sources.pop(0)
            self._is_last = False
        if self._asked is not None:
            self._port.send(self._asked, frames.TakeLedgers())
        else:
            missing = f"the ledgers lack {' and '.join(self._missing)}" if self._missing else ""
            self._port.send(0, frames.CheckInvariants(self._setup_data, missing))


def longest_check_ns(plans: tuple[InvariantPlan, ...]) -> int:
    """The longest that checking all invariants may take: an attempt may begin just before time is over."""
    return sum(plan.within_ns + plan.timeout_ns for plan in plans)


def unchecked(plans: tuple[InvariantPlan, ...], reason: str) -> tuple[InvariantState, ...]:
    """The states of invariants that nobody could look at."""
    return tuple(InvariantState(plan.name, "unchecked", reason=reason) for plan in plans)
