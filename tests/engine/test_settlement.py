"""The invariants phase against scripted workers: ledgers come one part at a time, whoever is lost."""

import pytest
from scripted_workers import FULL, Scripted

from swell.base.errors import ExitCode
from swell.engine import frames
from swell.engine.conductor import ANSWER_NS
from swell.engine.lifecycle import Phase
from swell.engine.script import InvariantPlan, ScriptExports
from swell.engine.settlement import COLLECT_NS
from swell.metrics.invariants import Finding, InvariantState, LedgerState

PLANS = (InvariantPlan("once", 3_000_000_000, 2_000_000_000), InvariantPlan("sums", 0, 0))
WITH_INVARIANTS = ScriptExports({}, ("default",), invariants=PLANS)
HELD = (InvariantState("once", "held", attempts=1), InvariantState("sums", "held", attempts=1))
BROKEN = InvariantState("once", "broken", (Finding("gone", 1, ("a",)),), attempts=3)
LEDGERS = (LedgerState("orders", 5),)


def settling(workers: int = 1, exports: ScriptExports = WITH_INVARIANTS) -> Scripted:
    """A run whose scenarios are over."""
    run = Scripted(workers=workers, exports=exports).to(Phase.RUNNING)
    run.all_say(frames.Finished())
    assert run.phase is Phase.INVARIANTS
    return run


def last(run: Scripted) -> tuple[int, frames.Down]:
    """The last frame sent."""
    return run.port.sent[-1]


def test_one_worker_checks_at_once() -> None:
    """With one worker there is nothing to collect; what it answers is in the snapshot."""
    run = settling()
    assert last(run) == (0, frames.CheckInvariants(None))
    run.say(frames.InvariantsChecked(HELD, LEDGERS))
    assert run.phase is Phase.LEAVING
    snapshot = run.conductor.snapshot()
    assert (snapshot.invariants, snapshot.ledgers) == (HELD, LEDGERS)
    assert run.code is ExitCode.OK


def test_parts_come_one_at_a_time() -> None:
    """The next part is asked for when worker 0 has taken the one before, then the next worker."""
    run = settling(3)
    said = []
    for worker, part, is_last in ((1, b"a", False), (1, b"b", True), (2, b"c", True)):
        assert last(run) == (worker, frames.TakeLedgers())
        run.say(frames.LedgerPart(part, is_last), worker=worker)
        assert last(run) == (0, frames.AddLedgers(part))
        said.append(part)
        run.say(frames.LedgersAdded())
    assert last(run) == (0, frames.CheckInvariants(None))
    assert said == [b"a", b"b", b"c"]


def test_invariants_come_before_teardown_with_the_data_of_setup() -> None:
    """The order is scenarios, invariants, teardown, summary."""
    exports = ScriptExports(
        {}, ("default",), has_setup=True, has_teardown=True, has_handle_summary=True, invariants=PLANS
    )
    run = settling(1, exports)
    assert last(run) == (0, frames.CheckInvariants(b'{"a":1}'))
    run.say(frames.InvariantsChecked(HELD, LEDGERS))
    assert run.phase is Phase.TEARDOWN


def test_a_broken_invariant_has_an_exit_code() -> None:
    """A broken one and one that could not be seen are both told, with code 113."""
    run = settling()
    unseen = InvariantState("sums", "unchecked", reason="it raised")
    run.say(frames.InvariantsChecked((BROKEN, unseen), LEDGERS))
    assert run.code is ExitCode.INVARIANT_BROKEN
    assert run.message == "invariants: 'once' does not hold; 'sums' could not be checked"


def test_the_time_of_checking_is_not_the_run_s() -> None:
    """Rates are over the time in which there was load: waiting for consistency does not count."""
    run = Scripted(exports=WITH_INVARIANTS).to(Phase.RUNNING)
    run.wait(10)
    run.say(frames.Finished())
    before_ns = run.conductor.snapshot().run.duration_ns
    run.now_ns += 3_000_000_000
    run.say(frames.InvariantsChecked(HELD, LEDGERS))
    assert run.conductor.snapshot().run.duration_ns == before_ns


def test_without_invariants_or_scenarios_there_is_nothing_to_check() -> None:
    """A script without them, or a run that was stopped in setup, passes the phase by."""
    assert Scripted(exports=FULL).to(Phase.TEARDOWN).sent(frames.CheckInvariants) == []
    exports = ScriptExports({}, ("default",), has_setup=True, invariants=PLANS)
    run = Scripted(exports=exports).to(Phase.SETUP)
    run.conductor.signal("interrupt", run.now_ns)
    run.say(frames.Finished())
    assert run.phase is Phase.LEAVING
    assert run.sent(frames.CheckInvariants) == []


def test_a_stopped_run_is_checked_all_the_same() -> None:
    """After a signal during the load the invariants are looked at; the summary says that it is a part."""
    run = Scripted(exports=WITH_INVARIANTS).to(Phase.RUNNING)
    run.conductor.signal("interrupt", run.now_ns)
    run.say(frames.Finished())
    assert run.phase is Phase.INVARIANTS
    run.say(frames.InvariantsChecked((BROKEN,), LEDGERS))
    assert run.code is ExitCode.EXTERNAL_ABORT
    assert any("ended early" in warning for warning in run.conductor.snapshot().warnings)


def test_a_signal_ends_the_looks() -> None:
    """A first signal while invariants are looked at stops that, and teardown follows."""
    exports = ScriptExports({}, ("default",), has_teardown=True, invariants=PLANS)
    run = settling(1, exports)
    run.conductor.signal("interrupt", run.now_ns)
    assert run.phase is Phase.TEARDOWN
    assert [type(frame) for _, frame in run.port.sent[-2:]] == [frames.Stop, frames.RunTeardown]
    assert run.code is ExitCode.EXTERNAL_ABORT
    assert {state.status for state in run.conductor.snapshot().invariants} == {"unchecked"}
    run.say(frames.InvariantsChecked(HELD, LEDGERS))
    assert run.phase is Phase.TEARDOWN


def test_a_worker_lost_before_leaves_a_gap() -> None:
    """A worker that died during the load is named as missing, and not asked."""
    run = Scripted(workers=3, exports=WITH_INVARIANTS).to(Phase.RUNNING)
    run.conductor.worker_ended(1, "was killed", "", run.now_ns)
    run.say(frames.Finished())
    run.say(frames.Finished(), worker=2)
    assert last(run) == (2, frames.TakeLedgers())
    run.say(frames.LedgerPart(b"", is_last=True), worker=2)
    run.say(frames.LedgersAdded())
    missing = "the ledgers lack the part of worker 1, which was lost"
    assert last(run) == (0, frames.CheckInvariants(None, missing))


@pytest.mark.parametrize("at", ["asked", "adding", "waiting"])
def test_a_worker_lost_while_collecting(at: str) -> None:
    """Whenever a worker dies, the others are still asked, each part is taken once, and the gap is told."""
    run = settling(3)
    dying = 2 if at == "waiting" else 1
    if at == "adding":
        run.say(frames.LedgerPart(b"a", is_last=False), worker=1)
    run.conductor.worker_ended(dying, "was killed", "", run.now_ns)
    if at == "adding":
        assert last(run) == (0, frames.AddLedgers(b"a"))
        run.say(frames.LedgersAdded())
    living = 3 - dying
    assert last(run) == (living, frames.TakeLedgers())
    run.say(frames.LedgerPart(b"b", is_last=True), worker=living)
    run.say(frames.LedgersAdded())
    missing = f"the ledgers lack the part of worker {dying}, which was lost"
    assert last(run) == (0, frames.CheckInvariants(None, missing))
    assert run.sent(frames.CheckInvariants) == [0]
    run.say(frames.InvariantsChecked(HELD, LEDGERS))
    assert run.code is ExitCode.WORKER_LOST


def test_a_worker_lost_after_its_last_part_is_not_missed() -> None:
    """Who has given everything may go."""
    run = settling(2)
    run.say(frames.LedgerPart(b"a", is_last=True), worker=1)
    run.conductor.worker_ended(1, "was killed", "", run.now_ns)
    run.say(frames.LedgersAdded())
    assert last(run) == (0, frames.CheckInvariants(None))


def test_worker_0_lost() -> None:
    """Without worker 0, before or while it looks, every invariant is unchecked, and the run goes on."""
    before = Scripted(workers=2, exports=WITH_INVARIANTS).to(Phase.RUNNING)
    before.conductor.worker_ended(0, "was killed", "", before.now_ns)
    before.say(frames.Finished(), worker=1)
    during = settling(2)
    during.conductor.worker_ended(0, "was killed", "", during.now_ns)
    for run in (before, during):
        assert run.phase is Phase.LEAVING
        assert run.code is ExitCode.WORKER_LOST
        assert [state.status for state in run.conductor.snapshot().invariants] == ["unchecked"] * 2


def test_worker_0_late() -> None:
    """The phase has a deadline: the collecting, and all times of all invariants together."""
    run = settling()
    run.wait((COLLECT_NS + 5_000_000_000 + ANSWER_NS) / 1e9 - 1)
    assert run.phase is Phase.INVARIANTS
    run.wait(1)
    assert run.port.killed == [0]
    assert (run.code, run.message) == (ExitCode.GENERIC_TIMEOUT, "checking the invariants took too long")


def test_the_script_s_time_out_is_told() -> None:
    """Worker 0 itself may say that time is up."""
    run = settling()
    run.say(frames.ScriptFailed("invariants", "time is up", "", timed_out=True))
    assert run.phase is Phase.LEAVING
    assert run.code is ExitCode.GENERIC_TIMEOUT
