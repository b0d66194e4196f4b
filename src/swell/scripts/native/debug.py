"""One iteration of one VU in this process, with every request, response and sample written out."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, NamedTuple, Protocol

from swell.base.errors import ScriptError
from swell.engine.foreground import ForegroundRun, ForegroundRuntime, Measured
from swell.engine.script import LEARNED, Script
from swell.engine.vu import ControlFlow, RunAborted
from swell.metrics.invariants import InvariantState
from swell.net.describe import describe_exchange

if TYPE_CHECKING:
    from swell.base.clock import Clock
    from swell.config.options import Options
    from swell.config.scenarios import Scenario
    from swell.net.shared import HTTPShared

Write = Callable[[str], None]


class Debugged(NamedTuple):
    """What came of it: ``went_well`` where the iteration raised nothing."""

    went_well: bool
    invariants: tuple[InvariantState, ...]


class DebuggedScript(Script, Protocol):
    """A loaded script whose requests can be looked at, of either language."""

    @property
    def http(self) -> "HTTPShared":
        """What the HTTP clients of the worker share."""
        ...


def debug_script(
    script: "DebuggedScript",
    scenario: "Scenario",
    options: "Options",
    env: dict[str, str],
    clock: "Clock",
    *,
    seed: int = 0,
    write: Write,
    learn: Write | None = None,
) -> Debugged:
    """Run setup, one iteration of ``scenario``, invariants and teardown in the calling greenlet.

    ``write`` takes one line or several, without the last newline, and ``learn`` a secret that none may hold.
    The process must be patched for gevent as a worker is, if the script's libraries are to run as they do
    there.

    Raises ``ConfigError`` for the script's faults and ``ScriptError`` where setup or teardown raised.
    """

    def log(level: str, message: str, _fields: Mapping[str, str]) -> None:
        if level == LEARNED:
            if learn is not None:
                learn(message)
            return
        write(f"[{level}] {message}")

    runtime = ForegroundRuntime(
        options, env, clock, seed=seed, log=log, on_sample=lambda sample: write(describe_sample(sample))
    )
    run = ForegroundRun(script, runtime)
    invariants: tuple[InvariantState, ...] = ()
    with_bodies = options.http_debug != "headers"
    # In place of the log's: here everything is shown anyway.
    script.http.observers[:] = [lambda response: write(describe_exchange(response, with_bodies=with_bodies))]
    try:
        if script.exports.has_setup and not options.no_setup:
            write("-- setup()")
            data = run.setup()
            write(f"-- setup() returned {data.decode() if data is not None else 'nothing'}")
        write(f"-- one iteration of scenario {scenario.name}: {scenario.exec}()")
        error = run.iterate(scenario)
        if isinstance(error, ControlFlow):
            write(f"-- the iteration ended early: {type(error).__name__}: {error}")
        elif error is not None:
            write(script.describe_exception(error))
        if script.exports.invariants:
            write("-- invariants")
            invariants = run.invariants()
        if script.exports.has_teardown and not options.no_teardown:
            write("-- teardown()")
            run.teardown()
    except ScriptError as failure:
        write(failure.stack or failure.message)
        raise
    finally:
        run.close()
    went_well = error is None or (isinstance(error, ControlFlow) and not isinstance(error, RunAborted))
    return Debugged(went_well, invariants)


# Text


def describe_sample(sample: Measured) -> str:
    """A check as passed or failed, a custom metric with its value."""
    if sample.metric == "checks":
        mark = "passed" if sample.value else "FAILED"
        return f"check {mark}: {sample.tags.get('check', '')}"
    return f"{sample.metric} {sample.value:g}"
