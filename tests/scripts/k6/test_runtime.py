"""VUs that share a runtime: each has its own globals, and what one waits for, breaks or leaves reaches no other."""

import re
from collections.abc import Callable

import gevent
import pytest

from swell.engine.vu import IterationInterrupted
from swell.scripts.k6 import engine, vuhost
from swell.scripts.k6.vuhost import GROUP
from swell.testing.cli import CLIResult
from swell.testing.k6 import Trial, TrialError

RunScript = Callable[..., CLIResult]


def group_of(source: str, count: int) -> list[Trial]:
    """VUs of one worker whose script was loaded before."""
    first = Trial(source)
    first.shared.is_loaded = True
    first.shared.first = first.vu
    return [Trial(source, shared=first.shared) for _ in range(count)]


def test_groups_have_a_size() -> None:
    """So many share a runtime, and the next one begins another; the one loaded first has its own."""
    trials = group_of("export default () => 1", GROUP + 1)
    runtimes = [trial.vu.context.runtime for trial in trials]
    assert len(set(map(id, runtimes[:GROUP]))) == 1
    assert runtimes[0] is not runtimes[GROUP]
    assert trials[0].shared.first is not None
    assert trials[0].shared.first.context.runtime not in runtimes


def test_scripts_that_hold_much_have_runtimes_of_their_own() -> None:
    """What a group saves is nothing to them, and what they waste is their own."""
    one, other = group_of("const all = new Array(1e6).fill(1); export default () => all.length", 2)
    assert one.vu.context.runtime is not other.vu.context.runtime


def test_globals_are_apart() -> None:
    """No variable, prototype or number of one VU is another's."""
    one, other = group_of(
        """
        let calls = 0;
        export default () => {
          const seen = [calls++, globalThis.mine, [].mine, Math.mine, "x".mine, __VU.mine];
          globalThis.mine = Array.prototype.mine = Math.mine = String.prototype.mine = Number.prototype.mine = 1;
          return seen;
        }
        """,
        2,
    )
    assert one.run() == [0, None, None, None, None, None]
    assert one.run() == [1, 1, 1, 1, 1, 1]
    assert other.run() == [0, None, None, None, None, None]


def test_waiting_inside_javascript() -> None:
    """Reactions that are due when a VU waits run when it goes on, and stacks show its own calls, whoever ran meanwhile."""
    trials = group_of(
        """
        import { sleep } from "k6";
        const seen = [];
        function deep(n, f) { return n ? deep(n - 1, f) : f(); }
        export default function () {
          Promise.resolve().then(() => seen.push("reaction"));
          for (let i = 0; i < 5; i++) {
            deep(3 + i, () => sleep(0.0001 * (1 + Math.random())));
            seen.push(deep(2 + i, () => new Error("x").stack.match(/at deep/g).length));
          }
          return Promise.resolve().then(() => { seen.push("end"); return seen });
        }
        """,
        4,
    )
    found: list[object] = []
    gevent.joinall([gevent.spawn(lambda trial=trial: found.append(trial.run())) for trial in trials])
    assert found == [[3, 4, 5, 6, 7, "reaction", "end"]] * 4


@pytest.mark.parametrize("closed", [0, 1])
def test_what_a_closed_vu_left_is_gone(closed: int) -> None:
    """Its reactions never run, its memory is given back, and the others go on."""
    trials = group_of(
        """
        const held = [];
        export default () => {
          held.push(new Uint8Array(1e6));
          Promise.resolve().then(() => { held.push(new Uint8Array(1e6)); });
          return held.length;
        }
        """,
        2,
    )
    ended, alive = trials[closed], trials[1 - closed]
    runtime = alive.vu.context.runtime
    context = ended.vu.context
    before = runtime.memory_used
    context.run(context.core["call"], "default")
    assert runtime.memory_used > before + 900_000
    ended.vu.close()
    assert (alive.vu.context.step(), runtime.memory_used < before) == (False, True)
    assert (alive.run(), alive.run()) == (1, 3)


def test_a_vu_out_of_memory_takes_no_other_with_it(run: RunScript) -> None:
    """It begins anew elsewhere; the others of its group finish what they do."""
    result = run(
        """
        import { sleep } from "k6";
        import { Counter } from "k6/metrics";
        const done = new Counter("done");
        export const options = { scenarios: { all: { executor: "per-vu-iterations", vus: 6, iterations: 3 } } };
        export default function () {
          if (__VU === 2 && __ITER === 1) { const all = []; for (;;) all.push(new ArrayBuffer(1e8)); }
          sleep(0.05);
          if (new Error("x").stack.includes("default")) done.add(1);
        }
        """
    )
    assert result.exit_code == 0, result.stderr
    assert result.stderr.count("out of memory") == 1, result.stderr
    assert "18 complete" in result.stdout, result.stdout


def test_reactions_of_an_iteration_that_was_cut_short_are_nobodys(run: RunScript) -> None:
    """While its VU begins anew, the others of its group run, and none of them runs what it left."""
    result = run(
        """
        import { sleep } from "k6";
        export const options = { scenarios: {
          stay: { executor: "constant-vus", vus: 3, duration: "1s", exec: "stay" },
          leave: { executor: "ramping-vus", startVUs: 2, stages: [{ duration: "300ms", target: 0 }],
                   gracefulRampDown: "0s", exec: "leave" },
        } };
        let sum = 0;
        for (let i = 0; i < 1e6; i++) sum += i;
        export function stay() { sleep(0.002); }
        export function leave() {
          Promise.resolve().then(() => console.log("left behind"));
          sleep(60);
        }
        """
    )
    assert result.exit_code == 0, result.stderr
    assert re.search("[12] interrupted iterations", result.stdout), result.stdout
    assert "left behind" not in result.stdout + result.stderr


def test_who_computes_lets_others_go_on() -> None:
    """What waits for a timer has its turn after a slice of a VU that never waits, not after a hundred of them."""
    trial = Trial("export default () => { let sum = 0; for (let i = 0; i < 1e7; i++) sum += i; return sum; }")
    turns = 0
    computes = gevent.spawn(trial.run)
    while not computes.ready():
        gevent.sleep(0.001)
        turns += 1
    assert turns > 2


def test_dropping_reactions() -> None:
    """Those of one VU go, and it is said that there were any; those of another one stay."""
    one, other = group_of("export default () => { Promise.resolve().then(() => 1) }", 2)
    for trial in (one, other):
        trial.vu.context.run(trial.vu.context.core["call"], "default")
    assert (one.vu.context.drop_jobs(), one.vu.context.drop_jobs()) == (True, False)
    assert (other.vu.context.step(), other.vu.context.step()) == (True, False)


def test_what_is_shared_is_made_anew_where_it_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VU that is ended while it makes what the VUs of its runtime share leaves nothing half made to them."""
    first = Trial("export default () => 1")
    first.shared.is_loaded, first.shared.first = True, first.vu
    make, failing = engine.bytecode, ["core"]

    def made(context: engine.Context, name: str) -> bytes:
        if name in failing:
            raise TimeoutError(failing.pop())
        return make(context, name)

    monkeypatch.setattr(engine, "bytecode", made)
    with pytest.raises(TimeoutError):
        Trial("export default () => 1", shared=first.shared)
    assert Trial("export default () => 1", shared=first.shared).run() == 1


def test_a_group_without_memory_takes_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """A VU that is made while others have used up their group's memory lives elsewhere, and works."""
    monkeypatch.setattr(vuhost, "memory_limit", lambda: 4_000_000)
    monkeypatch.setattr(vuhost, "machine_memory", lambda: 16_000_000)
    source = """
        const held = [];
        export default () => { try { for (;;) held.push(new Array(1000).fill(1)); } catch { return "caught"; } };
        export const fine = () => "fine";
    """
    (greedy,) = group_of(source, 1)
    # What is thrown is null where there is no memory for an error, either.
    assert greedy.run() == "caught"
    later = Trial(source, shared=greedy.shared)
    assert later.vu.context.runtime is not greedy.vu.context.runtime
    assert later.run("fine") == "fine"
    with pytest.raises(MemoryError, match="no memory left"):
        greedy.vu.context.runtime.new_context()


@pytest.mark.parametrize("waits", ["for (;;);", "sleep(100);"])
def test_an_interruption_that_a_promise_rejects_with_is_nobody_elses(waits: str) -> None:
    """The one that it was meant for is told, once; whatever another VU of its group throws is its own."""
    one, other = group_of(
        f"""
        import {{ sleep }} from "k6";
        export default () => new Promise(() => {{ {waits} }});
        export const fails = () => {{ throw new Error("mine"); }};
        """,
        2,
    )
    seen: list[object] = []

    def runs() -> None:
        with pytest.raises(TrialError):
            one.run()
        seen.extend(map(type, (one.vu.context.interruption(), one.vu.context.interruption())))

    busy = gevent.spawn(runs)
    gevent.sleep(0.02)
    busy.kill(IterationInterrupted, block=False)
    with pytest.raises(TrialError, match="mine"):
        other.run("fails")
    assert other.vu.context.interruption() is None
    busy.join(60)
    assert seen == [IterationInterrupted, type(None)]


def test_what_catches_an_interruption_is_interrupted_again() -> None:
    """A script cannot go on for long after a promise took an interruption for a rejection."""
    (trial,) = group_of(
        "export default async () => { await new Promise(() => { for (;;); }).catch(() => 0); for (;;); }", 1
    )
    busy = gevent.spawn(trial.run)
    gevent.sleep(0.02)
    busy.kill(IterationInterrupted, block=False)
    busy.join(60)
    assert isinstance(busy.exception, IterationInterrupted)


@pytest.mark.parametrize(
    "replaced",
    [
        "String.prototype.toString = function () { console.log('called'); sleep(0.001); return 'own'; };",
        "Error.prototype.toString = function () { console.log('called'); sleep(0.001); return 'own'; };",
        "Error.prepareStackTrace = () => { console.log('called'); return 'own'; };",
        "Map.prototype.set = function () { console.log('called'); return this; };",
    ],
)
def test_what_a_script_puts_in_the_place_of_the_languages_may_call_python(replaced: str) -> None:
    """Text, errors and rejections that cross ask the script's own functions, which may wait or print."""
    trial = Trial(
        f"""
        import {{ sleep }} from "k6";
        import crypto from "k6/crypto";
        export default async () => {{
          {replaced}
          Promise.reject(1).catch(() => 0);
          console.log("\\ud800");
          try {{ crypto.createHash("none"); }} catch (error) {{ return error.message; }}
        }}
        """
    )
    assert trial.run() == "invalid algorithm: none"
    assert "called" in [message for _, message, _ in trial.logged]


def test_no_callback_of_one_vu_runs_in_anothers_turn() -> None:
    """As in k6, scripts have no FinalizationRegistry, whose callbacks the engine runs whenever it likes."""
    assert Trial("export default () => typeof FinalizationRegistry").run() == "undefined"
