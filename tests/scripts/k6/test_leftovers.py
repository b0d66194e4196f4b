"""What iterations leave behind: nothing that adds up over a long run, and no error for the next call."""

import gc
import weakref
from collections.abc import Callable

from swell.net.cookies import LoopbackJar
from swell.scripts.k6.loop import Operation
from swell.testing.cli import CLIResult
from swell.testing.k6 import Trial

RunScript = Callable[..., CLIResult]


def alive(kind: type) -> int:
    """How many objects of a class there are."""
    gc.collect()
    return sum(isinstance(known, kind) for known in gc.get_objects())


def test_cancelled_timers_are_forgotten() -> None:
    """A timer that is set and cleared while nothing else pends is not kept until it would be due."""
    loop = Trial("export default () => {};").vu.loop
    before = alive(Operation)
    for _ in range(50):
        loop.cancel(loop.after(3_600_000).id)
        loop.cancel(loop.every(3_600_000).id)
    assert alive(Operation) == before


def test_unreachable_jars_are_forgotten() -> None:
    """A jar that a script makes in each iteration goes with it; they are told in bundles of 16."""
    trial = Trial('import { CookieJar } from "k6/http"; export default () => { new CookieJar(); };')
    before = alive(LoopbackJar)
    for _ in range(100):
        trial.run()
    assert alive(LoopbackJar) - before < 16


def test_a_context_is_free_once_it_is_closed() -> None:
    """A VU that begins anew leaves nothing for the collector of cycles, which looks rarely during a run."""

    class Kept:
        def call(self) -> None:
            """Nothing."""

    trial = Trial("export default () => {};")
    kept = Kept()
    trial.vu.context.attach("kept", kept.call)
    seen = weakref.ref(kept)
    del kept
    gc.disable()
    try:
        assert seen() is not None
        trial.vu.close()
        assert seen() is None
    finally:
        gc.enable()


def test_callbacks_of_failed_iterations_are_forgotten(run: RunScript) -> None:
    """What a pending timer's callback holds is free once its iteration has failed."""
    result = run("""
        export const options = { iterations: 4 };
        const made = [];
        export default function () {
          console.log(`alive: ${made.filter((one) => one.deref() !== undefined).length}`);
          const held = {};
          made.push(new WeakRef(held));
          setTimeout(() => held, 3600000);
          throw new Error("no");
        }
        """)
    assert result.stderr.count("alive: 0") == 4


def test_text_that_is_no_unicode(run: RunScript) -> None:
    """Half of a surrogate pair in a URL, a name or a message is a fault of that call at most."""
    result = run("""
        import http from "k6/http";
        import { check } from "k6";
        export default function () {
          try { http.get(`${__ENV.TARGET}/\\ud800`); } catch (error) { console.log("caught"); }
          check(1, { "a\\ud800": true });
          console.log("after \\udc00");
        }
        """)
    assert result.exit_code == 0, result.stderr
    assert 'msg="after \ufffd"' in result.stderr
    assert "✓ a\ufffd" in result.stdout
