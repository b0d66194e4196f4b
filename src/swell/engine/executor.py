"""What all executors share: environment, counters, status, waiting, and the end of a scenario.

How a worker uses them::

    environment = ExecutorEnvironment(runtime, script)
    environment.pool.initialize(planned_vus(scenarios, index, workers))
    executors = [make_executor(scenario, environment) for scenario in scenarios]   # engine.executors
    gevent.spawn(executor.run, start_ns, setup_data)       # one greenlet each; returns when it is over
    executor.stop()                                        # any greenlet: interrupt everything, start no more
    executor.counts, executor.status, executor.progress()  # at any time

Status of an executor::

    waiting ── start ──> running ── regular end ──> stopping ── no VU runs ──> done
       └────────┴───────────── stop() ─────────────────┴──────────────> interrupted
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any

from gevent import get_hub, getcurrent

from swell.base.clock import NS_PER_MS
from swell.base.greenlets import give_way
from swell.config.scenarios import Scenario
from swell.engine.failures import ScriptFailures
from swell.engine.pool import VUPool
from swell.engine.schedule import regular_duration_ns
from swell.engine.script import Script, ScriptRuntime
from swell.engine.vu import ControlFlow
from swell.engine.vu_handle import FOREVER_NS, VUHandle

# How long VUs may keep the hub from its timers and sockets: iterations that never wait are cut in after this.
HUB_SLICE_NS = 2 * NS_PER_MS


class Status(StrEnum):
    """Where a scenario is in this worker."""

    WAITING = "waiting"
    RUNNING = "running"
    STOPPING = "stopping"
    DONE = "done"
    INTERRUPTED = "interrupted"


class Counts:
    """One scenario's counts in this worker; started = completed + interrupted + those running now.

    ``dropped`` were due and had no VU or no time; ``vus`` is the number now: looping (closed model), or
    executing an iteration (arrivals).
    """

    __slots__ = ("completed", "dropped", "interrupted", "started", "vus")

    def __init__(self) -> None:
        self.started = 0
        self.completed = 0
        self.interrupted = 0
        self.dropped = 0
        self.vus = 0

    def __repr__(self) -> str:
        inner = " ".join(f"{name}={getattr(self, name)}" for name in sorted(self.__slots__))
        return f"<Counts {inner}>"


class HubTurn:
    """Lets the hub turn in time when iterations never wait: one per worker, as one VU runs at a time."""

    __slots__ = ("due_ns", "hold")

    def __init__(self) -> None:
        self.due_ns = 0
        # Waits while outputs are behind; None while they are not.
        self.hold: Callable[[], None] | None = None

    def take(self, now_ns: int) -> None:
        """Let everything else that is due run; called when ``due_ns`` has passed."""
        if self.hold is not None:
            self.hold()
            return
        self.due_ns = now_ns + HUB_SLICE_NS
        give_way()


class ExecutorEnvironment:
    """What the executors of one worker share."""

    def __init__(self, runtime: ScriptRuntime, script: Script) -> None:
        self.runtime = runtime
        self.script = script
        self.pool = VUPool(runtime, script)
        self.failures = ScriptFailures(runtime, script)
        self.turn = HubTurn()


class _Woken(ControlFlow):
    """Thrown into a sleeping executor: look at the state again."""


class Executor:
    """Base of the executors: starts VUs, counts, and ends them; a subclass decides when they iterate."""

    def __init__(self, scenario: Scenario, environment: ExecutorEnvironment) -> None:
        runtime = environment.runtime
        self.environment = environment
        self.runtime = runtime
        self.clock = runtime.clock
        self.name = scenario.name
        self.function = scenario.exec
        # The executor's name in options, such as "constant-vus".
        self.kind = str(scenario.__struct_config__.tag)
        self.env = {**runtime.env, **scenario.env}
        self.counts = Counts()
        self.status = Status.WAITING
        self.setup_data: bytes | None = None
        # The instant of the scenario's own start, its startTime included; 0 before it is known.
        self.started_ns = 0
        self.duration_ns = regular_duration_ns(scenario)
        self.base_tags = runtime.registry.extend(runtime.run_tags, self._tags(scenario))
        series = runtime.registry.series
        self.duration_series = series("iteration_duration", self.base_tags)
        # k6 tags it with the scenario only, as no VU is concerned.
        scenario_only = {name: scenario.name for name in ("scenario",) if name in runtime.options.system_tags}
        dropped_tags = runtime.registry.extend(runtime.run_tags, scenario_only)
        self.dropped_series = series("dropped_iterations", dropped_tags)
        self.sent_series = series("data_sent", self.base_tags)
        self.lag_series = series("iteration_start_lag", self.base_tags)
        self.response_series = series("iteration_response_time", self.base_tags)
        self._start_time_ns = scenario.start_time_ns
        self._grace_ns = scenario.graceful_stop_ns
        # A set in the order of the starts, so that equal runs end their VUs in the same order.
        self._live: dict[VUHandle, None] = {}
        self._stop_requested = False
        self._failure: BaseException | None = None
        self._greenlet: Any = None
        self._is_sleeping = False

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.status} {self.counts!r}>"

    # What a worker calls.

    def run(self, start_ns: int, setup_data: bytes | None = None) -> None:
        """Run the scenario, counting from ``start_ns``; return when no VU of it runs any more.

        Raises what activating a VU raised (``script.iteration``, ``script.new_vu``); what iterations raise is
        recorded instead.
        """
        self._greenlet = getcurrent()
        self.setup_data = setup_data
        self.started_ns = start_ns + self._start_time_ns
        end_ns = self.started_ns + self.duration_ns
        try:
            self._prepare()
            if self._wait(self.started_ns):
                self.status = Status.RUNNING
                self._execute(self.started_ns, end_ns)
            if not self._stop_requested:
                self.status = Status.STOPPING
                self._finish_gracefully(end_ns + self._grace_ns)
        finally:
            self._end_vus()
            self.environment.failures.flush()
            self.status = Status.INTERRUPTED if self._stop_requested else Status.DONE
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Interrupt everything now and start nothing more; ``run`` returns as soon as the VUs have ended."""
        self._stop_requested = True
        self._wake()

    def progress(self) -> float:
        """From 0 to 1: how much of the time is over, or of the iterations where their number is known."""
        if self.status is Status.WAITING:
            return 0.0
        if self.status is not Status.RUNNING or self.duration_ns <= 0:
            return 1.0
        return min(1.0, max(0.0, (self.clock.now_ns() - self.started_ns) / self.duration_ns))

    # What subclasses define and use.

    def _prepare(self) -> None:
        """Do what can be done before the start."""

    def _execute(self, start_ns: int, end_ns: int) -> None:
        """Run until the regular end; what still runs then gets the graceful stop."""
        raise NotImplementedError

    def _finish_gracefully(self, latest_ns: int) -> None:
        """Wait for what still runs, until ``latest_ns``."""
        self._wait(latest_ns, self._is_busy)

    def _is_busy(self) -> bool:
        return bool(self._live)

    def _wait(self, deadline_ns: int, condition: Callable[[], bool] | None = None) -> bool:
        """Sleep until the deadline, or until ``condition`` fails; False when the scenario is to stop."""
        while not self._stop_requested and (condition is None or condition()):
            if self.clock.now_ns() >= deadline_ns:
                return True
            self._sleep_until(deadline_ns)
        return not self._stop_requested

    def _sleep_until(self, deadline_ns: int) -> None:
        self._is_sleeping = True
        try:
            self.clock.sleep_until_ns(deadline_ns)
        except _Woken:
            pass
        finally:
            self._is_sleeping = False

    def _wake(self) -> None:
        """Have ``_wait`` look again; safe from any greenlet, at any time."""
        get_hub().loop.run_callback(self._throw_woken)

    def _throw_woken(self) -> None:
        if self._is_sleeping:
            # Cleared here, not only by the sleeper: a second callback must not throw into it elsewhere.
            self._is_sleeping = False
            self._greenlet.throw(_Woken)

    def _spawn(self, slot: int, loop: Callable[[VUHandle], None], end_ns: int) -> VUHandle:
        """Start a VU for ``slot`` in a greenlet of its own, which runs ``loop``."""
        handle = VUHandle(self, slot, end_ns)
        self._live[handle] = None
        handle.start(loop)
        return handle

    def ended(self, handle: VUHandle) -> None:
        """The greenlet of ``handle`` is over, or given up; called once by the handle."""
        self._live.pop(handle, None)
        if not self._live:
            self._wake()

    def failed(self, error: BaseException) -> None:
        """A VU could not be made ready; the scenario ends, and ``run`` raises ``error``."""
        if self._failure is None:
            self._failure = error
        self.stop()

    def drop(self, iterations: int) -> None:
        """Count iterations that were due and will never run."""
        self.counts.dropped += iterations
        self.runtime.recorder.sample(self.dropped_series, self.clock.now_ns(), float(iterations))

    def _end_vus(self) -> None:
        """Interrupt every VU and wait until all have ended; handles give up by themselves after a while."""
        for handle in list(self._live):
            handle.interrupt()
        while self._live:
            self._sleep_until(FOREVER_NS)

    def _tags(self, scenario: Scenario) -> dict[str, str]:
        system = self.runtime.options.system_tags
        tags = {"scenario": scenario.name} if "scenario" in system else {}
        if "group" in system:
            tags["group"] = ""
        return tags | scenario.tags
