"""What one more virtual user of a k6 script takes: counted in bytes by the engine and by Python, not measured."""

import gc
import tracemalloc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from swell.scripts.k6.engine import JSFailure
from swell.scripts.k6.vuhost import GROUP
from swell.testing.k6 import Trial, TrialError

SOURCE = """
    import http from "k6/http";
    import { check, group, sleep } from "k6";
    import { Counter, Trend } from "k6/metrics";
    const calls = new Counter("calls"), took = new Trend("took", true);
    export default () => typeof http.get;
"""


@pytest.fixture
def counted() -> Iterator[None]:
    """Python counts what it allocates."""
    tracemalloc.start()
    yield
    tracemalloc.stop()


def test_a_virtual_user_takes_little_memory(counted: None) -> None:
    """In a runtime that others share, an init context with k6, k6/http and k6/metrics takes under 160 KB."""
    first = Trial(SOURCE)
    shared = first.shared
    shared.is_loaded, shared.first = True, first.vu
    # The second one makes what the VUs of a runtime share.
    trials = [Trial(SOURCE, shared=shared) for _ in range(2)]
    runtime = trials[0].vu.context.runtime
    gc.collect()
    engine, python = runtime.memory_used, tracemalloc.get_traced_memory()[0]
    trials += [Trial(SOURCE, shared=shared) for _ in range(GROUP - 2)]
    gc.collect()
    added = GROUP - 2
    engine, python = runtime.memory_used - engine, tracemalloc.get_traced_memory()[0] - python
    assert {trial.vu.context.runtime for trial in trials} == {runtime}
    assert [trial.run() for trial in trials] == ["function"] * GROUP
    assert engine / added < 140_000
    assert python / added < 18_000


def test_functions_of_python_are_made_when_they_are_asked_for() -> None:
    """A half with a hundred functions is as good as empty until a module takes one, and then gives the same one."""
    trial = Trial("export default () => 0")
    context = trial.vu.context
    functions = {f"function{number}": (lambda number=number: number) for number in range(100)}
    half = context.wrap(context.add_functions(functions))
    before = context.runtime.memory_used
    another = context.wrap(context.add_functions(functions))
    assert context.runtime.memory_used - before < 400
    ask = context.evaluate(
        "(half) => half.function7 === half.function7 && half.function7() + half.function9()"
    )
    assert [context.run(ask, half), context.run(ask, another)] == [16, 16]


def test_modules_are_required_where_memory_is_nearly_out() -> None:
    """Wherever memory ends while builtin modules are loaded, there is an error, and the next VU is as ever."""
    source = """
        export default () => {
          for (const name of ["http", "crypto", "html", "metrics"]) {
            try { require("k6/" + name); } catch { /* memory is out */ }
          }
          return 1;
        };
    """
    first = Trial(source)
    shared = first.shared
    shared.is_loaded, shared.first = True, first.vu
    for left in range(0, 48_000, 400):
        trial = Trial(source, shared=shared)
        runtime = trial.vu.context.runtime
        runtime.limit_memory(runtime.memory_used + left)
        with suppress(JSFailure, TrialError):
            trial.run(phase="init")
        runtime.limit_memory(0)
        trial.vu.close()
    assert Trial(source, shared=shared).run(phase="init") == 1
