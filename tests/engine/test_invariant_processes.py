"""Ledgers and invariants in runs with real worker processes: merged, after an abort, after a kill."""

import os
import re
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
from process_runs import Recording, make_coordinator

from swell.base.errors import ExitCode
from swell.config.options import Options
from swell.config.scenarios import ConstantVUs, PerVUIterations
from swell.engine.coordinator import Coordinator, RunResult
from swell.metrics.invariants import Finding

pytestmark = pytest.mark.process

SECOND = 1_000_000_000
LEDGER = """
    import os, time
    from swell import abort, context, expect, invariant, ledger
    orders = ledger("orders")

    class Created:
        status_code = 201

    @invariant("once", within=0)
    def once():
        orders.compare(SEEN, strict=True)
"""
WRITES = (
    LEDGER
    + """
    SEEN = (f"{vu}-{number}" for vu in range(1, 9) for number in range(5000))

    def default():
        for number in range(5000):
            orders.record(f"{context.vu.id}-{number}", Created())
"""
)
# Each VU is in the middle of a write when the run ends.
SLEEPS = (
    LEDGER
    + """
    SEEN = ["a", "b", "seen"]

    def default():
        orders.acknowledged("seen")
        orders.write("a" if context.vu.slot else "b", sleep)

    def sleep():
        print(f"running in {os.getpid()}")
        time.sleep(60)
        return Created()
"""
)


def run(folder: Path, source: str, vus: int, heard: Recording | None = None) -> RunResult:
    """Run one iteration a VU over two workers."""
    scenarios = (PerVUIterations(name="default", vus=vus),)
    coordinator = make_coordinator(
        folder, source, heard or Recording(), options=Options(workers=2), scenarios=scenarios
    )
    return coordinator.run()


def test_ledgers_of_all_workers_are_one(tmp_path: Path) -> None:
    """40,000 writes of eight VUs in two workers, more than one part each, are compared as one ledger."""
    result = run(tmp_path, WRITES, 8)
    (state,) = result.snapshot.invariants
    assert (state.status, state.findings) == ("held", ())
    assert result.snapshot.ledgers[0].acknowledged == 40_000
    assert result.exit_code is ExitCode.OK


def test_what_is_missing_is_found(tmp_path: Path) -> None:
    """A write that the target lost, in another worker than the one that looks, is named; the code is 113."""
    result = run(tmp_path, WRITES.replace("range(1, 9)", "range(1, 8)"), 8)
    (state,) = result.snapshot.invariants
    assert state.status == "broken"
    assert state.findings[0].count == 5000
    assert state.findings[0].ids[0] == "8-0"
    assert result.exit_code is ExitCode.INVARIANT_BROKEN


def test_nothing_of_a_look_is_measured(tmp_path: Path) -> None:
    """What an invariant's function checks leaves no sample; what teardown checks after it does."""
    source = """
    from swell import check, invariant
    def default():
        check(1, {"load": True})
    @invariant("seen")
    def seen():
        check(1, {"look": True})
    def teardown():
        check(1, {"end": True})
    """
    checks = run(tmp_path, source, 1).snapshot.checks
    assert [(one.name, one.passes) for one in checks] == [("load", 1), ("end", 1)]


def interrupted(folder: Path, act: Callable[[Coordinator, set[int]], None], vus: int = 2) -> RunResult:
    """Run until every VU is in its write, then ``act(coordinator, pids)`` once."""
    pids: set[int] = set()
    box: list[Coordinator] = []

    def on_line(line: str) -> None:
        found = re.fullmatch(r"running in (\d+)", line)
        if found:
            pids.add(int(found[1]))
            if len(pids) == vus:
                act(box[0], pids)

    scenarios = (ConstantVUs(name="default", vus=vus, duration_ns=60 * SECOND),)
    box.append(
        make_coordinator(folder, SLEEPS, Recording(on_line), options=Options(workers=2), scenarios=scenarios)
    )
    return box[0].run()


def test_writes_under_way_at_a_signal_are_unknown(tmp_path: Path) -> None:
    """After Ctrl-C the ledgers of both workers are merged, with the writes that were cut short as unknown."""
    result = interrupted(tmp_path, lambda coordinator, _: coordinator.interrupt(signal.SIGINT))
    (state,) = result.snapshot.invariants
    assert (state.status, state.findings) == ("held", ())
    (ledger,) = result.snapshot.ledgers
    assert (ledger.acknowledged, ledger.unknown) == (1, 2)
    assert result.exit_code is ExitCode.EXTERNAL_ABORT


def test_a_lost_worker_s_part_is_missed_and_not_judged(tmp_path: Path) -> None:
    """With one worker killed, its writes look unwritten: shown, and unchecked instead of broken."""

    def kill_one(coordinator: Coordinator, _pids: set[int]) -> None:
        os.kill(coordinator._peers[1].process.process.pid, signal.SIGKILL)

    result = interrupted(tmp_path, kill_one)
    (state,) = result.snapshot.invariants
    assert state.status == "unchecked"
    assert state.findings == (Finding("orders: there, and never written", 1, ("a",)),)
    assert state.reason == "the ledgers lack the part of worker 1, which was lost"
    assert result.exit_code is ExitCode.WORKER_LOST


def test_an_abort_is_looked_at(tmp_path: Path) -> None:
    """A script that aborts the run right after its writes has them looked at all the same."""
    result = run(tmp_path, WRITES + '        abort("enough")\n', 1)
    (state,) = result.snapshot.invariants
    assert state.status == "broken"
    assert state.findings == (
        Finding("orders: there, and never written", 35_000, tuple(f"2-{n}" for n in first_ids())),
    )
    assert result.exit_code is ExitCode.SCRIPT_ABORTED


def first_ids() -> list[int]:
    """The first twenty numbers below 5,000 in the order of their texts."""
    return sorted(range(5000), key=str)[:20]
