"""Tests of ledger, invariant and expect as a script uses them, in one process on the virtual clock."""

import pytest

from swell.base.clock import NS_PER_MS, NS_PER_SECOND
from swell.base.errors import ScriptError
from swell.config.options import Options
from swell.metrics.invariants import Finding, InvariantState, LedgerState
from swell.scripts.native.state import ContextError
from swell.testing import VirtualClock

ANSWERS = """
from swell import expect, invariant, ledger
orders = ledger("orders")

class Answer:
    def __init__(self, status): self.status_code = status
"""


def held(name: str) -> InvariantState:
    """Seen to hold at the first look."""
    return InvariantState(name, "held", attempts=1)


def checked(loaded) -> tuple[InvariantState, ...]:
    """The states of the invariants, looked at on the virtual clock."""
    clock = loaded.runtime.clock = VirtualClock()
    return clock.run(loaded.run.invariants)


def test_responses_are_classified(start):
    """2xx or an expected status acknowledges, others below 500 refuse, the rest is unknown."""
    loaded = start(
        ANSWERS
        + """
def default():
    for status in (200, 201, 299, 301, 404, 409, 429, 500, 503, 0):
        orders.record(status, Answer(status))
    orders.record("a", Answer(202), expected=(200, 201))
    orders.record("b", Answer(409), expected=409)
    orders.record(None, Answer(0))

@invariant("outcomes")
def outcomes():
    kinds = {}
    for entry in orders.entries():
        kinds.setdefault(entry.outcome, []).append(entry.key)
    assert kinds == {
        "acknowledged": ["200", "201", "299", "b"],
        "refused": ["301", "404", "409", "429", "a"],
        "unknown": ["0", "500", "503"],
    }
    assert orders.totals()[:3] == (4, 5, 4)
"""
    ).iterate()
    assert checked(loaded) == (held("outcomes"),)


def test_write_misses_nothing(start):
    """write() gives the response back; what it raises, an interruption too, leaves the outcome unknown."""
    loaded = start(
        ANSWERS
        + """
from swell.engine.vu import IterationInterrupted

def default():
    answer = Answer(201)
    assert orders.write("a", lambda: answer, amount=3) is answer
    for error in (ValueError("x"), IterationInterrupted()):
        def send():
            raise error
        try:
            orders.write(type(error).__name__, send, amount=5)
        except BaseException as raised:
            assert raised is error

@invariant("sums")
def sums():
    orders.balance("paid", 3)
    orders.balance("paid", 13)
    orders.count("orders", 3)
    orders.balance("paid", 14)
    orders.count("orders", 4)
""",
    ).iterate()
    (state,) = checked(loaded)
    assert state.findings == (
        Finding("paid: 14 instead of 3 to 13"),
        Finding("orders: 4 instead of 1 to 3"),
    )
    assert loaded.script.ledger_states() == (LedgerState("orders", 1, 0, 2, 3.0, 10.0),)


def test_what_is_expected_and_what_is_found(start):
    """Each helper that fails is a finding and returns False; those that hold say True, and none raises."""
    loaded = start(
        ANSWERS
        + """
def default():
    pass

@invariant("all", within=0)
def everything():
    seen = [
        expect.equal("a", 1, 2), expect.equal("b", "x", "x"), expect.equal("c", [1], [2]),
        expect.equal("d", 0.1 + 0.2, 0.3), expect.between("e", 5, 1, 4), expect.between("f", 5, 5, 5),
        expect.none("over", range(30)), expect.none("under", []),
    ]
    assert seen == [False, True, False, True, False, True, False, True], seen
"""
    )
    (state,) = checked(loaded)
    assert state.findings == (
        Finding("a: 1 instead of 2"),
        Finding("c: [1] instead of [2]"),
        Finding("e: 5 instead of 1 to 4"),
        Finding("over", 30, tuple(map(str, range(20)))),
    )


def test_assertions_and_values_are_findings(start):
    """A failed assert is a finding, with its line if it has no message, and so is a value that is false."""
    loaded = start(
        """
from swell import invariant
def default():
    pass

@invariant("said", within=0)
def said():
    assert False, "seven are missing"

@invariant("unsaid", within=0)
def unsaid():
    assert 1 == 2

@invariant("returned", within=0)
def returned():
    return False

@invariant("fine")
def fine():
    return True
"""
    )
    findings = [state.findings for state in checked(loaded)]
    assert findings == [
        (Finding("seven are missing"),),
        (Finding("assert 1 == 2"),),
        (Finding("it returned False"),),
        (),
    ]


def test_what_raises_is_unchecked(start):
    """An exception is no finding: the invariant is unchecked, with the exception as the reason."""
    loaded = start(
        """
from swell import invariant
def default():
    pass

@invariant("seen", within=0)
def seen():
    raise LookupError("no such order")
"""
    )
    (state,) = checked(loaded)
    assert (state.status, state.findings) == ("unchecked", ())
    assert "LookupError: no such order" in state.reason


def test_setup_data_and_requests(start):
    """The function gets what setup returned, and runs as VU 0 in the group ::invariants."""
    loaded = start(
        """
from swell import context, invariant
def setup():
    return {"event": 7}
def default():
    pass

@invariant("seen")
def seen(data):
    assert data == {"event": 7}
    assert context.vu.id == 0
    assert context.vu.tags["group"] == "::invariants"
"""
    )
    loaded.run.setup()
    assert checked(loaded) == (held("seen"),)


def test_an_invariant_is_looked_at_until_it_holds(load):
    """On the virtual clock: after pauses of 50, 100, 200 ms it holds at the fourth look, at once then."""
    states = on_virtual_time(load, within="30s", holds_at=4)
    assert states == (InvariantState("late", "held", attempts=4, took_ns=350 * NS_PER_MS),)


def test_the_last_look_is_at_the_deadline(load):
    """On the virtual clock: pauses double up to a second, and the last look is exactly when time is over."""
    (state,) = on_virtual_time(load, within="5s", holds_at=99)
    assert (state.status, state.took_ns) == ("broken", 5 * NS_PER_SECOND)
    # 0, 50, 150, 350, 750, 1550, 2550, 3550, 4550 and 5000 ms.
    assert state.attempts == 10


def test_a_look_has_a_time_out(load):
    """On the virtual clock: a look that takes longer than its time-out is ended, and tried again in time."""
    source = """
from swell import invariant, sleep
def default():
    pass
@invariant("slow", within="3s", timeout="2s")
def slow():
    sleep(60)
"""
    (state,) = run_virtually(load(source))
    assert state.reason == "an attempt took longer than 2s"
    # From 0 to 2,000 ms, a pause of 50 ms, and again.
    assert (state.status, state.attempts, state.took_ns) == ("unchecked", 2, 4050 * NS_PER_MS)


def on_virtual_time(load, *, within: str, holds_at: int) -> tuple[InvariantState, ...]:
    """The states of an invariant that holds from look number ``holds_at`` on."""
    source = f"""
from swell import invariant
looks = []
def default():
    pass
@invariant("late", within={within!r})
def late():
    looks.append(1)
    assert len(looks) >= {holds_at}, "not yet"
"""
    return run_virtually(load(source))


def run_virtually(script) -> tuple[InvariantState, ...]:
    """Check the script's invariants on the virtual clock."""
    from swell.engine.foreground import ForegroundRun, ForegroundRuntime  # noqa: PLC0415

    clock = VirtualClock()
    run = ForegroundRun(script, ForegroundRuntime(Options(), {}, clock))
    return clock.run(run.invariants)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a = ledger('x')\nb = ledger('x')", "the ledger 'x' is declared twice"),
        ("ledger('')", "'' is no name for a ledger"),
        ("@invariant('x')\ndef f(): pass\n@invariant('x')\ndef g(): pass", "'x' is declared twice"),
        ("@invariant('')\ndef f(): pass", "'' is no name for an invariant"),
        ("@invariant('x')\ndef f(a, b): pass", "the invariant 'x' takes 2 arguments"),
        ("@invariant('x')\nasync def f(): pass", "the invariant 'x' is an async function"),
        ("@invariant('x', within='soon')\ndef f(): pass", "within of the invariant 'x': "),
        ("@invariant('x', timeout=None)\ndef f(): pass", "timeout of the invariant 'x': "),
        ("invariant('x')(7)", "decorates 7, which is no function"),
    ],
)
def test_faults_of_declarations(faults, source: str, expected: str):
    """What is wrong with a declaration is a fault of the script with its line."""
    lines = faults(f"from swell import invariant, ledger\n{source}\ndef default(): pass\n")
    assert len(lines) == 1
    assert expected in lines[0]
    assert lines[0].startswith("script.py:")


def test_judging_belongs_into_an_invariant(start):
    """What judges needs a running invariant; declaring needs the init context."""
    loaded = start(
        ANSWERS
        + """
def default(): orders.compare([])
def second(): expect.equal("a", 1, 1)
def third(): ledger("late")
def fourth(): invariant("late")
"""
    )
    for name in ("default", "second", "third", "fourth"):
        with pytest.raises(ContextError):
            loaded.iterate(name)


def test_ledgers_of_other_workers_are_added(start):
    """Parts taken from one script and added to another are one ledger, whatever the number of parts."""
    source = (
        ANSWERS
        + """
def default():
    orders.acknowledged("a", amount=1)
    orders.unknown("b")
def setup():
    orders.acknowledged("b", amount=2)
@invariant("once")
def once():
    orders.compare("ab", strict=True)
    orders.balance("sum", 3)
"""
    )
    one = start(source).iterate()
    two = start(source)
    two.run.setup()
    is_last = False
    while not is_last:
        part, is_last = two.script.take_ledgers()
        one.script.add_ledgers(part)
    assert checked(one) == (held("once"),)
    assert two.script.take_ledgers() == (b"", True)


def test_one_ledger_against_another(start):
    """keys() repeats a key as often as it was acknowledged: messages sent against messages received."""
    loaded = start(
        """
from swell import invariant, ledger
sent, received = ledger("sent"), ledger("received")
def default():
    sent.acknowledged("m1", amount=2)
    sent.acknowledged("m2", amount=2)
    for message in ("m1", "m1", "m2"):
        received.acknowledged(message)
@invariant("reached", within=0)
def reached():
    sent.compare(received.keys(), times="amount")
"""
    ).iterate()
    (state,) = checked(loaded)
    assert state.findings == (Finding("sent: acknowledged, and there too few times", 1, ("m2",)),)


def test_amounts_are_finite(start):
    """An amount that is not a finite number is the script's error, in the iteration."""
    loaded = start(ANSWERS + "def default():\n    orders.acknowledged('a', amount=float('inf'))\n")
    with pytest.raises(ValueError, match="the amount inf is not finite"):
        loaded.iterate()


def test_a_hook_still_reports_its_own_stack(start):
    """A setup that raises is a ScriptError as before invariants came."""
    with pytest.raises(ScriptError, match="ValueError"):
        start("def setup():\n    raise ValueError('x')\ndef default():\n    pass\n").run.setup()
